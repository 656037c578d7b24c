"""The second pass over staging, where the first one found rows out of order or left some out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alphintra.ingest.staging import Block
from alphintra.ingest.zones import I64

ROW, FILE = "_row", "_file"


@dataclass(frozen=True, eq=False)
class Source:
    """One table that was read.

    Attributes:
        name: The file, or the member of an archive.
        rows: How many of its rows are in staging.
        missing: Rows that are not, from 1, rising.
        first_line: Line of its first row, where each row is one line.
        ends: Where a row is one of each instrument: how many are in staging of all rows up to each one.
    """

    name: str
    rows: int
    missing: I64
    first_line: int | None = None
    ends: I64 | None = None

    @property
    def has_gaps(self) -> bool:
        """Whether rows in staging do not have the numbers of their places in it."""
        return self.ends is not None or len(self.missing) > 0

    def row_of(self, order: I64) -> I64:
        """Return rows of the table, from 1, by their places among those in staging, from 0."""
        if self.ends is not None:
            return np.searchsorted(self.ends, order, side="right") + 1
        return order + 1 + np.searchsorted(self.missing - np.arange(len(self.missing)), order + 1, side="right")


class Numbering:
    """Adds to each row the row of its source and, of several sources, the source's number."""

    def __init__(self, schema: Any, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._starts = np.cumsum([0, *(source.rows for source in sources)])
        more = [pa.field(ROW, pa.int64(), False)]
        if len(sources) > 1:
            more.append(pa.field(FILE, pa.int32(), False))
        self.schema = pa.schema([*schema, *more])

    def numbered(self, block: Block, places: I64) -> Block:
        """Return a block with its rows' numbers; ``places`` are those at which they came, from 0."""
        source = np.searchsorted(self._starts, places, side="right") - 1
        rows = np.empty(len(places), dtype=np.int64)
        for number in np.unique(source).tolist():
            own = source == number
            rows[own] = self._sources[number].row_of(places[own] - self._starts[number])
        values = [*block.values, pa.array(rows)]
        if len(self._sources) > 1:
            values.append(pa.array(source, pa.int32()))
        return Block(block.symbols, block.codes, block.times, values)


def blocks_of(files: Sequence[Path]) -> Iterator[tuple[Block, I64]]:
    """Yield the row groups of staging, each with the places of its rows in it."""
    start = 0
    for path in files:
        with pq.ParquetFile(path, read_dictionary=["symbol"]) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group).combine_chunks()
                symbol = table.column(0).chunk(0)
                times = np.array(table.column(1).cast(pa.timestamp("us")).cast(pa.int64()), dtype=np.int64)
                values = [table.column(place).chunk(0) for place in range(2, table.num_columns)]
                codes = np.array(symbol.indices, dtype=np.int64)
                yield Block(symbol.dictionary.to_pylist(), codes, times, values), np.arange(start, start + len(times))
                start += len(times)
