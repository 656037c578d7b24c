"""The second pass over staging, where the first one found rows out of order or left some out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alphintra.ingest.engine import file_literal, stream
from alphintra.ingest.limits import Limits
from alphintra.ingest.staging import Block, Writer
from alphintra.ingest.zones import I64

ROW, FILE = "_row", "_file"


@dataclass(frozen=True, eq=False)
class Source:
    """One table that was read.

    Attributes:
        name: The file, or the member of an archive.
        rows: How many of its rows are in staging.
        missing: Rows that are not, from 1, rising.
        first_line: Line of its first row, where it has lines.
    """

    name: str
    rows: int
    missing: I64
    first_line: int | None = None

    def row_of(self, order: I64) -> I64:
        """Return rows of the table, from 1, by their places among those in staging, from 0."""
        return order + 1 + np.searchsorted(self.missing - np.arange(len(self.missing)), order + 1, side="right")


def sort(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    folder: Path,
    schema: Any,
    sources: Sequence[Source],
    limits: Limits,
    in_order: bool,
    progress: Callable[[int], None],
) -> Writer:
    """Write staging anew, sorted, each row with the row of its source (and, of several, the source's number).

    Args:
        connection: Reads the files.
        files: What was written at first, in the order of the sources.
        folder: Where to write.
        schema: The columns of ``files``.
        sources: What they came from.
        limits: Bounds.
        in_order: Whether the rows are in order already.
        progress: Told how many rows are written.
    """
    names = [_quoted(name) for name in schema.names]
    union = []
    start = 0
    for path in files:
        columns = ", ".join(names)
        union.append(f"SELECT {columns}, file_row_number + {start} AS n FROM read_parquet({file_literal(path)})")
        start += pq.read_metadata(path).num_rows
    order = "" if in_order else f" ORDER BY {names[0]}, {names[1]}, n"
    more = [pa.field(ROW, pa.int64(), False)]
    if len(sources) > 1:
        more.append(pa.field(FILE, pa.int32(), False))
    writer = Writer(folder, pa.schema([*schema, *more]), limits)
    starts = np.cumsum([0, *(source.rows for source in sources)])
    for batch in stream(connection, f"SELECT * FROM ({' UNION ALL '.join(union)}){order}", sources[0].name):
        writer.write(_block(batch, schema, sources, starts))
        progress(writer.rows)
    writer.close()
    assert writer.sorted
    return writer


def _block(batch: Any, schema: Any, sources: Sequence[Source], starts: I64) -> Block:
    encoded = batch.column(0).cast(pa.string()).dictionary_encode()
    times = batch.column(1).cast(pa.timestamp("us")).cast(pa.int64())
    orders = np.asarray(batch.column(batch.num_columns - 1), dtype=np.int64)
    source = np.searchsorted(starts, orders, side="right") - 1
    rows = np.empty(len(orders), dtype=np.int64)
    for place in np.unique(source).tolist():
        own = source == place
        rows[own] = sources[place].row_of(orders[own] - starts[place])
    values = [batch.column(place).cast(schema.field(place).type) for place in range(2, batch.num_columns - 1)]
    values.append(pa.array(rows))
    if len(sources) > 1:
        values.append(pa.array(source, pa.int32()))
    return Block(
        encoded.dictionary.to_pylist(), np.asarray(encoded.indices, dtype=np.int64), np.asarray(times), values
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
