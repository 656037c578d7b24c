"""One table as it is read: what every reader gives, whatever its format."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from alphintra.ingest.expressions import query
from alphintra.ingest.mapping import Mapping
from alphintra.ingest.melting import melt_of
from alphintra.ingest.zones import I64

BATCH_ROWS = 65_536
NO_ROWS: I64 = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Opened:
    """A table that is ready to be read.

    Attributes:
        batches: Record batches of what :func:`alphintra.ingest.expressions.query` selects, in the order of the file;
            of long rows, where instruments have columns of their own.
        rejected: Called after the last batch with the rows that came: those, from 1, that the reader left out, each
            with its finding.
        zoned: Whether its times say what instant they are.
        first_line: Tells by the number of all rows the line of the first one, if each row is one line.
        doubles: Columns of the file whose numbers are doubles in it: nothing is lost of them.
    """

    batches: Iterator[Any]
    rejected: Callable[[int], I64]
    zoned: bool
    first_line: Callable[[int], int | None]
    doubles: frozenset[int] = frozenset()


def no_lines(rows: int) -> None:
    """Say that a table has no lines."""


def converted(
    connection: duckdb.DuckDBPyConnection,
    chunks: Iterable[Any],
    mapping: Mapping,
    kinds: Dictionary[int, str],
    day: dt.date | None,
    flags: str = "",
) -> Iterator[Any]:
    """Yield what the mapping selects from record batches with the columns ``c0``, ``c1`` and so on.

    Where instruments have columns of their own, of the long rows that become of those of the file.
    """
    melt = melt_of(mapping)
    if melt is not None:
        kinds = melt.kinds(kinds)
        mapping, chunks = melt.long, melt.chunks(chunks, kinds)
    select = query(mapping, kinds, day, flags).select
    for chunk in chunks:
        connection.register("chunk", pa.Table.from_batches([chunk]))
        try:
            found = connection.sql(f"SELECT {select} FROM chunk").to_arrow_table().combine_chunks()
        finally:
            connection.unregister("chunk")
        yield from found.to_batches()


def text_chunks(rows: Iterable[list[str | None]], width: int) -> Iterator[Any]:
    """Yield rows of text as record batches with the columns ``c0``, ``c1`` and so on."""
    schema = pa.schema([(f"c{place}", pa.string()) for place in range(width)])
    size = max(1, min(BATCH_ROWS, 4_000_000 // max(width, 1)))
    held: list[list[str | None]] = []
    for row in rows:
        held.append(row)
        if len(held) == size:
            yield _chunk(held, schema)
            held = []
    if held:
        yield _chunk(held, schema)


def _chunk(rows: list[list[str | None]], schema: Any) -> Any:
    columns = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(schema))]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
