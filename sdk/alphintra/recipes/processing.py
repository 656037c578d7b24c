"""A recipe on a dataset in a notebook: look at what it does, then keep the result as a version."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alphintra.data import sources
from alphintra.recipes.applying import apply
from alphintra.recipes.previewing import Preview, Sample, preview
from alphintra.recipes.recipe import Given, Recipe, recipe_of
from alphintra.recipes.running import through
from alphintra.recipes.sources import Source, chosen, source_of
from alphintra.recipes.step import Context

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from alphintra.data.stored import StoredDataset
    from alphintra.job import Job
    from alphintra.store.reading import Version


class Processing:
    """What a recipe makes of a dataset; nothing is read or written before it is asked for.

    Attributes:
        recipe: The steps.
        columns: The columns that there will be, with types, roles and units.
    """

    def __init__(self, name: str, number: str, data: Version, symbols: tuple[str, ...], recipe: Given) -> None:
        self._name, self._number = name, number
        self._version = data
        self._symbols = symbols
        self._context = Context(sources.open_named, symbols=data.manifest.symbols)
        self.recipe: Recipe = recipe_of(recipe)
        self._shapes = self.recipe.plan(self._source().shape, self._context)
        self.columns = self._shapes[-1].columns

    def preview(self, sample: Sample | None = None) -> Preview:
        """Try it on a sample: rows before and after, what each step changed, and whether one looks ahead.

        Args:
            sample: Which rows; left out, the first 10,000 of up to three symbols.

        Raises:
            AlphintraError: ``where`` names the step by its number, the symbol and the column.
        """
        wanted = sample or Sample()
        if wanted.symbols is None:
            wanted = replace(wanted, symbols=self._symbols[:3])
        return preview(self._version, self.recipe, wanted, context=self._context)

    def to_arrow(self) -> Any:
        """Return all rows as an Arrow table: ``symbol``, the time, then the columns; nothing is kept.

        Raises:
            AlphintraError: As of :meth:`preview`.
        """
        from alphintra.recipes.previewing import joined, table_of

        rows = (through(self.recipe, self._shapes, own, self._context)[0] for own in self._source().each())
        return joined([table_of(own) for own in rows])

    def to_pandas(self) -> pd.DataFrame:
        """Return all rows as a DataFrame by time, with several symbols by symbol and time."""
        from alphintra.store.converting import to_frame

        frame = to_frame(self.to_arrow())
        time = self._shapes[-1].time.name
        if len(self._symbols) == 1:
            return frame.drop(columns="symbol").set_index(time)
        return frame.set_index(["symbol", time])

    def to_polars(self) -> pl.DataFrame:
        """Return all rows as a Polars frame.

        Raises:
            DataError: Polars is not installed.
        """
        from alphintra.store.converting import to_polars

        return to_polars(self.to_arrow())

    def save(self, name: str | None = None) -> StoredDataset:
        """Write the result as a version, and return it; memory is that of the rows of one symbol.

        In a notebook of JupyterLab the server does it, as a job, and this waits for it: see :meth:`submit`.
        To undo it, go on from the version before: ``al.data.load("prices@2")``.

        Args:
            name: Name of a dataset; left out, a further version of the one that was processed.

        Raises:
            AlphintraError: As of :meth:`preview`.
            DataError: This process has no folder of datasets that it may write to (``READ_ONLY``); ``DISK_FULL``.
            JobFailedError: The server's job failed: says why.
            ServerError: The server refused it.
        """
        from alphintra.data.dataset import load
        from alphintra.data.saving import saving
        from alphintra.data.served import DoorSource
        from alphintra.data.stored import StoredDataset

        if isinstance(sources.source(), DoorSource):
            made = self.submit(name).result()
            assert isinstance(made, StoredDataset)
            return made
        target = name if name is not None else self._name
        with saving(target, self._name) as own:
            apply(self._version, self.recipe, own.folder, own.version, symbols=self._symbols, context=self._context)
        found = load(f"{target}@{own.number}")
        assert isinstance(found, StoredDataset)
        return found

    def submit(self, name: str | None = None) -> Job:
        """Hand it to the server as a job and return at once; ``result()`` waits, and returns the version.

        Args:
            name: As of :meth:`save`.

        Raises:
            NoServerError: This process has no server behind it.
            ServerError: The server refused it: not yours to change, a full queue.
        """
        from alphintra import _door
        from alphintra.job import Job

        body: dict[str, Any] = {
            "source": self._name,
            "version": int(self._number),
            "recipe": self.recipe.to_dict(),
            "dataset": name,
        }
        if len(self._symbols) < len(self._version.manifest.symbols):
            body["symbols"] = list(self._symbols)
        # The same key again is the same job, however often the request has to be sent.
        made = _door.ask("POST", "/v1/recipes", body, {"Idempotency-Key": uuid.uuid4().hex})
        title = f"{self._name}@{self._number} → {made['dataset']}"
        item = {"id": made["job_id"], "kind": "process", "name": title, "status": made["status"], "phase": "queued"}
        return Job(str(made["job_id"]), item=item)

    def __repr__(self) -> str:
        """Return the steps in a line."""
        return f"{self._name}: " + " → ".join(step.kind for step in self.recipe.steps)

    def _source(self) -> Source:
        return chosen(source_of(self._version), self._symbols)
