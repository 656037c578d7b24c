"""Rows out of a version into a file that others read: CSV, JSON lines, Parquet, Feather, Excel.

Written as it is read, a row group at a time, and never gone back in: to a file, or to a connection. What is read back
is what was stored: floats to the last bit, times with their zone, texts as they are.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, BinaryIO

from alphintra.errors import DataError
from alphintra.store.columns import SYMBOL, TIME_TYPES, Column, arrow_schema
from alphintra.store.finding import find
from alphintra.store.reading import Version, batches
from alphintra.store.spreadsheet import MOST_ROWS, Sheet
from alphintra.store.text_rows import SLICE_ROWS, CsvLines, JsonLines, whole_seconds


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: By which it is asked for.
        suffixes: How names of such files end; the first is given to new ones.
        media_type: What it is over HTTP.
    """

    name: str
    suffixes: tuple[str, ...]
    media_type: str


FORMATS = {
    found.name: found
    for found in (
        Format("csv", (".csv",), "text/csv; charset=utf-8"),
        Format("parquet", (".parquet", ".pq"), "application/vnd.apache.parquet"),
        Format("feather", (".feather", ".arrow"), "application/vnd.apache.arrow.file"),
        Format("jsonl", (".jsonl", ".ndjson"), "application/x-ndjson"),
        Format("xlsx", (".xlsx",), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )
}


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to be written.

    Attributes:
        columns: Those that are written, the symbol left out.
        tables: Gives them as Arrow tables with the symbol, of some columns by name; called more than once.
    """

    columns: tuple[Column, ...]
    tables: Callable[[Sequence[str]], Iterator[Any]]


@dataclass(frozen=True)
class Counted:
    """What one look at the times of rows has found.

    Attributes:
        rows: How many there are.
        seconds: Of each column of times whether it lies on seconds: then it is written to the second.
    """

    rows: int
    seconds: dict[str, bool]


def format_of(path: str | PurePath, name: str | None = None) -> Format:
    """Return the format of a name, else the one that a path ends like.

    Raises:
        DataError: There is no such format.
    """
    suffix = PurePath(path).suffix.lower()
    found = FORMATS.get(name) if name is not None else next((f for f in FORMATS.values() if suffix in f.suffixes), None)
    if found is None:
        raise DataError(
            f"there is no format {name!r}" if name is not None else f"{str(path)!r} does not say its format",
            code="UNKNOWN_FORMAT",
            hint=f"Name one of {', '.join(FORMATS)}, or end the name of the file like one.",
        )
    return found


def rows_of(
    version: Version,
    symbols: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    start: Any = None,
    end: Any = None,
) -> Rows:
    """Return rows of a version; arguments and errors as of :func:`~alphintra.store.finding.find`."""
    wanted = find(version.manifest, symbols, columns, start, end)

    def tables(names: Sequence[str]) -> Iterator[Any]:
        return (table for _, table in batches(version, symbols, names, start, end))

    return Rows(wanted.columns, tables)


def count(rows: Rows, kind: Format) -> Counted:
    """Look at the times of rows, and at nothing else.

    Raises:
        DataError: They do not fit the format (``TOO_MANY_ROWS``).
    """
    stamps = [column.name for column in rows.columns if column.type.startswith("timestamp")]
    looked_at = stamps or [column.name for column in rows.columns if column.type in TIME_TYPES][:1]
    found, seconds = 0, dict.fromkeys(stamps, True)
    for table in rows.tables(looked_at):
        found += len(table)
        for name in stamps:
            seconds[name] = seconds[name] and whole_seconds(table[name])
    if kind.name == "xlsx" and found >= MOST_ROWS:
        raise DataError(
            f"{found:,} rows do not fit a sheet of Excel", code="TOO_MANY_ROWS",
            hint=f"It holds {MOST_ROWS - 1:,}: choose a shorter range, fewer symbols, or CSV.",
        )  # fmt: skip
    return Counted(found, seconds)


def write(rows: Rows, kind: Format, out: BinaryIO, counted: Counted, *, escape: bool = False) -> None:
    """Write rows. What was written after an error is no whole file.

    Args:
        rows: Which.
        kind: As what.
        out: Where to; only written to.
        counted: What :func:`count` has found of them.
        escape: Whether in a CSV texts that a spreadsheet takes for formulas get an apostrophe before them. What is
            read back is then no longer what was stored.

    Raises:
        DataError: A file of the version is damaged; a text is too long for a cell of Excel.
    """
    kinds = {SYMBOL: "symbol"} | {column.name: column.type for column in rows.columns}
    tables = rows.tables(list(kinds)[1:])
    if kind.name == "parquet":
        _write_parquet(rows, tables, out)
    elif kind.name == "feather":
        _write_feather(rows, tables, out)
    elif kind.name == "xlsx":
        with Sheet(out, kinds, counted.seconds, counted.rows) as sheet:
            for part in _slices(tables):
                sheet.rows(part)
    else:
        made = (
            CsvLines(kinds, escape=escape, seconds=counted.seconds)
            if kind.name == "csv"
            else JsonLines(kinds, counted.seconds)
        )
        out.write(made.head())
        for part in _slices(tables):
            out.write(made.rows(part))


def _slices(tables: Iterator[Any]) -> Iterator[Any]:
    for table in tables:
        for first in range(0, len(table), SLICE_ROWS):
            yield table.slice(first, SLICE_ROWS)


def _write_parquet(rows: Rows, tables: Iterator[Any], out: BinaryIO) -> None:
    import pyarrow.parquet as pq

    sink = _Forward(out)
    with pq.ParquetWriter(sink, arrow_schema(rows.columns), compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)


def _write_feather(rows: Rows, tables: Iterator[Any], out: BinaryIO) -> None:
    import pyarrow as pa

    # A file of this kind has one dictionary a column, and the symbols of the next row group are not known yet.
    schema = arrow_schema(rows.columns)
    schema = schema.set(0, pa.field(SYMBOL, pa.string(), nullable=False))
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(_Forward(out), schema, options=options) as writer:
        for table in tables:
            writer.write_table(table.cast(schema))


class _Forward(io.RawIOBase):
    """A stream that tells how far it is, as writers of Arrow ask, and cannot go back."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._at = out, 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Write all of it."""
        view = memoryview(data).cast("B")
        self._out.write(view)
        self._at += len(view)
        return len(view)

    def tell(self) -> int:
        """Return how far it is."""
        return self._at
