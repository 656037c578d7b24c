"""A recipe tried on a sample: before, after, what each step changed, and whether one looks ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra.errors import ParameterError
from alphintra.recipes.effects import Effect
from alphintra.recipes.leaking import Leak, find_leaks, instants
from alphintra.recipes.recipe import Given, recipe_of
from alphintra.recipes.rows import Rows
from alphintra.recipes.running import through
from alphintra.recipes.sources import chosen, source_of
from alphintra.recipes.step import Context
from alphintra.store.columns import SYMBOL, Column, arrow_schema, named
from alphintra.store.manifest import About

if TYPE_CHECKING:
    import pandas as pd

MOST_SYMBOLS = 100
MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class Sample:
    """What a recipe is tried on: some symbols, and the first rows of a range of each.

    Attributes:
        symbols: Which; ``None``: the first three.
        start: First time: a date or an instant.
        end: Last time, included.
        rows: Most rows of each symbol; rows of a sample follow each other.
    """

    symbols: Sequence[str] | None = None
    start: Any = None
    end: Any = None
    rows: int = 10_000


@dataclass(frozen=True, eq=False)
class Preview:
    """What a recipe does to a sample.

    Attributes:
        before: Arrow table: ``symbol``, then the columns.
        after: Arrow table of the same symbols.
        columns: The columns after it, with their roles and units.
        about: What is stated of the values after it.
        effects: What each step changed.
        leaks: Steps that told of later rows; none is what should be.
        tried: At how many instants it was tried whether a step tells of later rows: 0 where the training part, or the
            sample, leaves no rows for it.
    """

    before: Any
    after: Any
    columns: tuple[Column, ...]
    about: About
    effects: tuple[Effect, ...]
    leaks: tuple[Leak, ...]
    tried: int

    def to_pandas(self) -> pd.DataFrame:
        """Return the sample after the recipe, by symbol and time."""
        from alphintra.store.columns import time_column
        from alphintra.store.converting import to_frame

        return to_frame(self.after).set_index([SYMBOL, time_column(self.columns).name])

    def to_dict(self, rows: int = 100) -> dict[str, Any]:
        """Return it as JSON's values.

        Args:
            rows: How many rows of ``before`` and ``after`` come along, from the first on.
        """
        from alphintra.recipes.preview_display import plain

        return {
            "before": plain(self.before, rows),
            "after": plain(self.after, rows),
            "columns": [vars(column) for column in self.columns],
            "about": vars(self.about),
            "effects": [effect.to_dict() for effect in self.effects],
            "leaks": [vars(leak) for leak in self.leaks],
            "tried": self.tried,
        }

    def __repr__(self) -> str:
        """Return a line for each step."""
        from alphintra.recipes.preview_display import text

        return text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from alphintra.recipes.preview_display import bundle

        return bundle(self, include, exclude)


def preview(
    data: Any,
    recipe: Given,
    sample: Sample | None = None,
    *,
    about: About | None = None,
    roles: Mapping[str, str] | None = None,
    context: Context | None = None,
) -> Preview:
    """Try a recipe on a sample; nothing is written.

    What is fitted is fitted on the sample alone. Later rows of the sample are changed as a check that no step tells of
    them before they are known.

    Args:
        data: A stored version, a frame, an Arrow table, or a dict of frames by symbol.
        recipe: Steps, or the JSON of a recipe.
        sample: Which rows.
        about: What is stated of a frame.
        roles: Roles of a frame's columns.
        context: Where other datasets are found.

    Raises:
        AlphintraError: ``where`` names the step by its number, the symbol and the column.
    """
    steps, wanted = recipe_of(recipe), sample or Sample()
    context = context or Context()
    source = source_of(data, about, roles)
    if not isinstance(wanted.rows, int) or wanted.rows < 1:
        raise ParameterError(f"{wanted.rows!r} rows", where="sample, rows", hint="Give 1 or more.")
    context.symbols = source.symbols
    shapes = steps.plan(source.shape, context)
    some = chosen(source, wanted.symbols if wanted.symbols is not None else source.symbols[:3])
    effects = [Effect(number, step.kind) for number, step in enumerate(steps.steps, 1)]
    before, after, leaks, tried = [], [], [], 0
    for symbol in some.symbols[:MOST_SYMBOLS]:
        rows = some.first(symbol, min(wanted.rows, MOST_ROWS), wanted.start, wanted.end)
        found, _ = through(steps, shapes, rows, context, effects)
        before.append(table_of(rows))
        after.append(table_of(found))
        leaks += find_leaks(steps, shapes, rows, context)
        tried += len(instants(steps, rows))
    return Preview(
        joined(before), joined(after), shapes[-1].columns, shapes[-1].about, tuple(effects), tuple(leaks), tried
    )


def table_of(rows: Rows) -> Any:
    """Return rows as an Arrow table: ``symbol``, then the columns."""
    import pyarrow as pa

    table = rows.table()
    names = named([rows.symbol], np.zeros(len(rows), dtype=np.int32))
    return pa.Table.from_arrays([names, *table.columns], schema=arrow_schema(rows.shape.columns))


def joined(tables: list[Any]) -> Any:
    """Return the rows of several symbols as one table."""
    import pyarrow as pa

    return pa.concat_tables(tables).unify_dictionaries()

