"""Staging: Parquet files sorted by symbol and time, whose row groups hold one symbol each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alphintra.ingest.mapping import KNOWN, TEXTS, Mapping
from alphintra.ingest.zones import I64

GROUP_ROWS = 131_072
MOST_CELLS = 8_388_608
"""In a row group of so many columns that ``GROUP_ROWS`` would be too much to hold: as of a version's files."""
FILE_GROUPS = 512
FILE_BYTES = 128 << 20
DAY_US = 86_400_000_000


def schema_of(mapping: Mapping) -> Any:
    """Return the columns of staging: ``symbol``, ``time`` or ``date``, and the values."""
    daily = mapping.resolution == "date"
    columns = [
        pa.field("symbol", pa.dictionary(pa.int32(), pa.string()), False),
        pa.field("date", pa.date32(), False) if daily else pa.field("time", pa.timestamp("us", "UTC"), False),
    ]
    for column in mapping.values:
        known = pa.timestamp("us", "UTC") if column.role in KNOWN else pa.float64()
        columns.append(pa.field(column.name, pa.string() if column.role in TEXTS else known))
    return pa.schema(columns)


@dataclass(frozen=True, eq=False)
class Block:
    """Rows on their way to staging.

    Attributes:
        symbols: Names, in no order.
        codes: int64, each row's place in ``symbols``.
        times: int64, microseconds in UTC; for days, midnight of the date.
        values: Arrow arrays, in the order of the schema.
    """

    symbols: list[str]
    codes: I64
    times: I64
    values: list[Any]

    def batch(self, schema: Any) -> Any:
        """Return the rows as a record batch."""
        symbols = pa.DictionaryArray.from_arrays(pa.array(self.codes, pa.int32()), pa.array(self.symbols, pa.string()))
        if pa.types.is_date32(schema.field(1).type):
            times = pa.array((self.times // DAY_US).astype(np.int32), pa.date32())
        else:
            times = pa.array(self.times, schema.field(1).type)
        return pa.RecordBatch.from_arrays([symbols, times, *self.values], schema=schema)


class Sink(Protocol):
    """Takes rows in the order of staging, a row group at a time."""

    def write(self, batches: list[Any]) -> None:
        """Take batches of one symbol in the schema of staging, together at most ``GROUP_ROWS`` and ``MOST_CELLS``."""
        ...

    def close(self) -> None:
        """There are no more rows."""
        ...

    def give_up(self) -> list[Path]:
        """Return Parquet files that have the rows so far in their order, in the columns of staging, for the taking."""
        ...


class Files:
    """Parquet files, each of at most 512 row groups and about 128 MiB."""

    def __init__(self, folder: Path, schema: Any) -> None:
        self._folder, self._schema = folder, schema
        self._texts = [own.name for own in schema if pa.types.is_string(own.type) or pa.types.is_dictionary(own.type)]
        self._stream: Any = None
        self._writer: Any = None
        self._groups = 0
        self.paths: list[Path] = []

    def write(self, batches: list[Any]) -> None:
        """Write batches as one row group."""
        if self._writer is None or self._groups >= FILE_GROUPS or self._stream.tell() > FILE_BYTES:
            self.close()
            self._folder.mkdir(parents=True, exist_ok=True)
            self.paths.append(self._folder / f"{len(self.paths):05}.parquet")
            self._stream = self.paths[-1].open("wb")
            self._writer = pq.ParquetWriter(self._stream, self._schema, compression="lz4", use_dictionary=self._texts)
        table = pa.Table.from_batches(batches).unify_dictionaries()
        self._writer.write_table(table, row_group_size=GROUP_ROWS)
        self._groups += 1

    def close(self) -> None:
        """End the file that is open."""
        if self._writer is not None:
            self._writer.close()
            self._stream.close()
        self._writer, self._groups = None, 0

    def give_up(self) -> list[Path]:
        """See :class:`Sink`."""
        self.close()
        return self.paths


class Writer:
    """Writes rows that come in the order of staging: a row group ends with its symbol."""

    def __init__(self, folder: Path, schema: Any, sink: Sink | None = None) -> None:
        self._schema = schema
        self._files: Sink = Files(folder, schema) if sink is None else sink
        self._held: list[Any] = []
        # The symbol is no column of a version: its groups end where these do.
        self._group_rows = max(1, min(GROUP_ROWS, MOST_CELLS // (len(schema) - 1)))
        self._room = self._group_rows
        self._last: tuple[bytes, int] | None = None

    def write(self, block: Block) -> bool:
        """Take rows; write nothing and return ``False`` if they do not follow on those before."""
        if not len(block.codes):
            return True
        cuts = self._cuts(block)
        if cuts is None:
            return False
        batch = block.batch(self._schema)
        for first, last in zip(cuts, [*cuts[1:], batch.num_rows], strict=True):
            self._hold(batch.slice(first, last - first), first_of_group=first > 0)
        return True

    def close(self) -> None:
        """Write what is held, and end the files."""
        self._flush()
        self._files.close()

    def give_up(self) -> list[Path]:
        """Write what is held, and return the files, in the order of their rows."""
        self._flush()
        return self._files.give_up()

    def _cuts(self, block: Block) -> list[int] | None:
        """Return where runs of one symbol begin, or ``None`` if rows do not follow on one another."""
        raw = [symbol.encode() for symbol in block.symbols]
        earlier = block.times[1:] < block.times[:-1]
        if len(raw) == 1:
            back, turned = bool(earlier.any()), []
        else:
            rank = np.empty(len(raw), dtype=np.int64)
            rank[sorted(range(len(raw)), key=raw.__getitem__)] = np.arange(len(raw))
            turns = np.diff(rank[block.codes])
            back = bool(((turns < 0) | ((turns == 0) & earlier)).any())
            turned = (np.flatnonzero(turns) + 1).tolist()
        first = (raw[block.codes[0]], int(block.times[0]))
        if back or (self._last is not None and first < self._last):
            return None
        if self._last is not None and first[0] != self._last[0]:
            self._flush()
        self._last = (raw[block.codes[-1]], int(block.times[-1]))
        return [0, *turned]

    def _hold(self, batch: Any, first_of_group: bool) -> None:
        if first_of_group:
            self._flush()
        while batch.num_rows:
            self._held.append(batch.slice(0, self._room))
            self._room -= self._held[-1].num_rows
            batch = batch.slice(self._held[-1].num_rows)
            if not self._room:
                self._flush()

    def _flush(self) -> None:
        if self._held:
            self._files.write(self._held)
        self._held, self._room = [], self._group_rows
