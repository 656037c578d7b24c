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
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from alphintra.ingest.mapping import Mapping
    from alphintra.rules.registry import Choice
    from alphintra.rules.running import Validation
    from alphintra.store.columns import Column
    from alphintra.store.manifest import About
    from alphintra.store.writing import VersionWriter

#: Bytes of rows that wait for what is to be stated of them, and row groups of staging that are looked at for it.
_WAITING, _TRIED = 16 << 20, 1_000


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
        self._waiting: list[tuple[str, Any]] = []
        self._bytes = 0  # of the rows that wait: there may be a row each of thousands of symbols
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
        if self.writer is None:
            # Symbols of few rows show no time frame: they wait for one that does.
            self._waiting.append((symbol, rows))
            self._bytes += rows.nbytes
            if not self._begin(may_wait=self._bytes < _WAITING):
                return
            self._take_waiting()
        else:
            self._take(symbol, rows)

    def close(self) -> None:
        """There are no more rows; whoever has said what they are ends the version."""
        if self._waiting:
            self._begin(may_wait=False)
            self._take_waiting()
        self._settle()

    def give_up(self) -> list[Path]:
        """Return the files of the rows so far."""
        self.close()
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

    def _take_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for own in waiting:
            self._take(*own)

    def _take(self, symbol: str, rows: Any) -> None:
        assert self.writer is not None
        assert self.check is not None
        self._settle()
        self._writing = self._thread.submit(self.writer.add, symbol, rows)
        self.check.see(symbol, rows)

    def _begin(self, *, may_wait: bool) -> bool:
        """Begin the version; not yet where the rows that wait do not show what is to be stated, and may wait."""
        from alphintra.rules.facts import of_staging
        from alphintra.rules.running import Validation
        from alphintra.store.writing import VersionWriter

        # What came before the last ones has shown nothing.
        tried = self._waiting[-1:] if may_wait else self._waiting
        about = stated(self._given, self._mapping, (rows.column(0) for _, rows in tried))
        if may_wait and about.timeframe is None and self._mapping.kind == "bars":
            return False
        self.check = Validation(of_staging(self._mapping, None, about), self._choice)
        self.writer = VersionWriter(self._folder, self._version, columns_of(self._mapping), about)
        return True


def columns_of(mapping: Mapping) -> tuple[Column, ...]:
    """Return the columns that a version has of a file that is read by a mapping."""
    from alphintra.ingest.staging import schema_of
    from alphintra.store import columns

    schema = schema_of(mapping)
    return columns.columns_of(schema, {schema.field(1).name: "time", **{c.name: c.role for c in mapping.values}})


def stated(given: About, mapping: Mapping, times: Iterable[Any]) -> About:
    """Return what a version states of its values: what was said, and what the mapping says and the times show.

    A bar of which nobody said at which end it is stamped counts as stamped at its open: it is then known at its end,
    so never too early.

    Args:
        given: What was said.
        mapping: How the file is read.
        times: Arrow columns of one symbol each; the time frame is that of the first one that shows one.
    """
    adjusted = {"raw": "raw", "unknown": "unknown"}.get(mapping.adjustment, "adjusted")
    found = given.timeframe
    if found is None and mapping.kind == "bars":
        found = next((shown for own in times if (shown := _timeframe(own)) is not None), None)
    return replace(
        given,
        timeframe=found,
        time_zone=mapping.zone,
        label="close" if mapping.label == "close" else "open",
        adjustment=adjusted,
    )


def first_times(files: Iterable[Path]) -> Iterator[Any]:
    """Yield the times of the first row groups of staging, each of which is of one symbol."""
    import pyarrow.parquet as pq

    left = _TRIED
    for path in files:
        with pq.ParquetFile(path) as file:
            for number in range(min(left, file.num_row_groups)):
                yield file.read_row_group(number, columns=[file.schema_arrow.names[1]]).column(0)
            left -= file.num_row_groups
        if left <= 0:
            return


def _timeframe(times: Any) -> str | None:
    """Infer the time frame from the times of a symbol; ``None`` where they show none."""
    import numpy as np
    from alphintra.data.market import DAY_US
    from alphintra.data.timeframe import infer_timeframe, several_of
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
        return several_of(session)
