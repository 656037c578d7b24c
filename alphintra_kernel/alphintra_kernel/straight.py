"""A version that is made of a file's rows while they are read, without writing them to staging in between.

That can be where they come in the order of a version; where they turn out not to, what was written is read back and
all of them are sorted first.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from alphintra.ingest.mapping import Mapping
    from alphintra.rules.registry import Choice
    from alphintra.rules.running import Validation
    from alphintra.store.columns import Column
    from alphintra.store.manifest import About
    from alphintra.store.writing import VersionWriter


class Straight:
    """Implements ``Sink`` of :mod:`alphintra.ingest.staging`: writes and checks rows, the former in a thread.

    Args:
        folder: Where the version is written.
        version: Its id.
        mapping: How the file is read.
        given: What was said of the values.
        choice: Which rules are checked.

    Attributes:
        writer: What has the rows that came; ``None`` before the first ones, and where it was given up.
        check: What has checked them.
    """

    def __init__(self, folder: Path, version: str, mapping: Mapping, given: About, choice: Choice) -> None:
        self._folder, self._version, self._mapping = folder, version, mapping
        self._given, self._choice = given, choice
        self.writer: VersionWriter | None = None
        self.check: Validation | None = None
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def __enter__(self) -> Straight:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is open."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self.writer is not None:
            self.writer.close()

    def write(self, batches: list[Any]) -> None:
        """Take rows of one symbol."""
        import pyarrow as pa

        symbol = batches[0].column(0)[0].as_py()
        parts = [batch.drop_columns(batch.schema.names[:1]) for batch in batches]
        rows = pa.Table.from_batches(parts).combine_chunks()  # once for all who look at them
        if self.writer is None or self.check is None:
            self._begin(rows)
        assert self.writer is not None
        assert self.check is not None
        self._settle()
        self._writing = self._thread.submit(self.writer.add, symbol, rows)
        self.check.see(symbol, rows)

    def close(self) -> None:
        """There are no more rows; whoever has said what they are ends the version."""
        self._settle()

    def give_up(self) -> list[Path]:
        """Return the files of the rows so far."""
        self._settle()
        if self.writer is None:
            return []
        files = self.writer.give_up()
        self.writer = self.check = None
        return files

    def _settle(self) -> None:
        """Wait until what came is written."""
        if self._writing is not None:
            self._writing.result()
        self._writing = None

    def _begin(self, first: Any) -> None:
        from alphintra.rules.facts import of_staging
        from alphintra.rules.running import Validation
        from alphintra.store.writing import VersionWriter

        about = stated(self._given, self._mapping, first.column(0))
        self.check = Validation(of_staging(self._mapping, None, about), self._choice)
        self.writer = VersionWriter(self._folder, self._version, columns_of(self._mapping), about)


def columns_of(mapping: Mapping) -> tuple[Column, ...]:
    """Return the columns that a version has of a file that is read by a mapping."""
    from alphintra.ingest.staging import schema_of
    from alphintra.store import columns

    schema = schema_of(mapping)
    return columns.columns_of(schema, {schema.field(1).name: "time", **{c.name: c.role for c in mapping.values}})


def stated(given: About, mapping: Mapping, times: Any) -> About:
    """Return what a version states of its values: what was said, and what the mapping says and the times show.

    A bar of which nobody said at which end it is stamped counts as stamped at its open: it is then known at its end,
    so never too early.

    Args:
        given: What was said.
        mapping: How the file is read.
        times: An Arrow column, those of the first row group; the time frame is inferred from them.
    """
    adjusted = {"raw": "raw", "unknown": "unknown"}.get(mapping.adjustment, "adjusted")
    found = given.timeframe
    if found is None and mapping.kind == "bars":
        found = _timeframe(times)
    return replace(
        given,
        timeframe=found,
        time_zone=mapping.zone,
        label="close" if mapping.label == "close" else "open",
        adjustment=adjusted,
    )


def first_times(files: tuple[Path, ...]) -> Any:
    """Return the times of the first row group of staging."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(files[0]) as file:
        return file.read_row_group(0, columns=[file.schema_arrow.names[1]]).column(0)


def _timeframe(times: Any) -> str | None:
    """Infer the time frame from the symbol whose rows come first; ``None`` where they show none."""
    import numpy as np
    from alphintra.data.market import DAY_US
    from alphintra.data.timeframe import infer_timeframe
    from alphintra.data.times import Times
    from alphintra.errors import DataError
    from alphintra.store.columns import raw_values

    values = raw_values(times)
    daily = values.dtype == np.int32
    utc = values.astype(np.int64) * DAY_US if daily else values
    session = values if daily else (values // DAY_US).astype(np.int32)
    try:
        return infer_timeframe(Times(utc, session, assumed_utc=False, midnight=daily))
    except DataError:
        return None
