"""Parquet and Feather: flat columns, of bounded size, checked before anything looks at them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alphintra.errors import DataError
from alphintra.ingest.expressions import NUMBER
from alphintra.ingest.findings import CUT, Findings, shown
from alphintra.ingest.headers import mismatch
from alphintra.ingest.limits import MIB, Limits, too_wide
from alphintra.ingest.mapping import NATIVE, TIMES, Dialect, Format, Mapping
from alphintra.ingest.sniffing import SAMPLE_CELLS, SAMPLE_ROWS, Table
from alphintra.ingest.tables import BATCH_ROWS, NO_ROWS, Opened, converted, no_lines

#: Bytes that may come out for each one of a typed file: columns that hardly change pack better than text does.
RATIO = 1_000
#: Cells that are read at once.
_MOST_CELLS = 8_000_000
_INDEX = "__index_level_"
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)


def open_typed(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    name: str,
    form: Format,
    mapping: Mapping,
    day: dt.date | None,
    limits: Limits,
    findings: Findings,
) -> Opened:
    """Open a Parquet or Feather file.

    Raises:
        DataError: It is damaged, too large, has other columns than the mapping, or a mapped one cannot be read.
    """
    with _readable(name):
        schema, rows = _schema(path, form, limits, name)
    sources = [column.source for column in mapping.columns]
    if names_of(schema) != sources:
        raise mismatch(sources, names_of(schema), name)
    used = [column.position for column in mapping.columns if column.role != "ignore"]
    kinds = {}
    for place in used:
        kind = kind_of(schema.field(place).type)
        column = mapping.columns[place]
        if kind in ("nested", "binary"):
            raise DataError(
                f"the column is {kind}: {shown(str(schema.field(place).type))}",
                code="SCHEMA_TYPE",
                where=f"{name}, column '{shown(column.source)}'",
                hint="Leave the column out, or write it flat.",
            )
        if column.role == "symbol" and kind == "number":
            text = "symbols are numbers: zeros at their beginning may be lost"
            findings.add("SYMBOL_COERCED", text, name, column=column.source)
        kinds[place] = _sql_type(kind)
    most = min(limits.unpacked, 64 * MIB + path.stat().st_size * RATIO) // (8 * max(len(used), 1))
    _allow(rows, most, name)
    stamp = next(iter(mapping.of("time")), None)
    native = stamp is not None and stamp.format == NATIVE
    zoned = native and stamp is not None and kind_of(schema.field(stamp.position).type) == "zoned"
    local = mapping.resolution == "date"

    def chunks() -> Iterator[Any]:
        count = 0
        with _readable(name):
            for batch in _batches(path, form, schema, used):
                _allow(count + batch.num_rows, most, name)
                for place, times in zip(used, batch.columns, strict=True):
                    column = mapping.columns[place]
                    if column.role in TIMES and pa.types.is_timestamp(times.type) and times.type.unit == "ns":
                        _say_cut(times, count, column.source, name, limits, findings)
                count += batch.num_rows
                yield _renamed(batch, used, local)

    batches = converted(connection, chunks(), mapping, kinds, day)
    doubles = frozenset(place for place in used if pa.types.is_floating(schema.field(place).type))
    return Opened(batches, lambda rows: NO_ROWS, mapping.zoned or zoned, no_lines, doubles)


def sample(path: Path, name: str, form: Format, limits: Limits) -> Table:
    """Return the first rows as text, with what the file says of its columns.

    Raises:
        DataError: It is damaged, or has too many columns.
    """
    with _readable(name):
        schema, _ = _schema(path, form, limits, name)
        kinds = [kind_of(own.type) for own in schema]
        flat = [place for place, kind in enumerate(kinds) if kind not in ("nested", "binary")]
        most = max(20, min(SAMPLE_ROWS, SAMPLE_CELLS // max(len(schema), 1)))
        cells: list[list[str | None]] = [[None] * len(schema) for _ in range(most)]
        batch = next((own for own in _batches(path, form, schema, flat) if own.num_rows), None)
        if batch is None:
            raise DataError("there are no rows", code="NO_ROWS", where=name)
        batch = batch.slice(0, most)
        for place, column in zip(flat, batch.columns, strict=True):
            for row, value in enumerate(_texts(column)):
                cells[row][place] = value
    return Table(
        names=tuple(names_of(schema)),
        rows=tuple(tuple(row) for row in cells[: batch.num_rows]),
        dialect=Dialect(skip=0),
        header=True,
        kinds=tuple(kinds),
        vendor="yfinance" if _levels(schema) == {"Price", "Ticker"} else "",
    )


def _levels(schema: Any) -> set[str]:
    """Return what pandas says that the levels of its columns are called."""
    try:
        found = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
        return {str(level["name"]) for level in found["column_indexes"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()


def _allow(rows: int, most: int, name: str) -> None:
    if rows > most:
        raise DataError(
            f"the file holds {rows:,} rows or more, far more than its size can",
            code="TOO_LARGE",
            where=name,
            hint="Write it without so much repetition, or as several files.",
        )


def names_of(schema: Any) -> list[str]:
    """Return the names of columns; pandas' index without one is the empty name."""
    return ["" if own.startswith(_INDEX) else own.strip() for own in schema.names]


def kind_of(kind: Any) -> str:
    """Return ``number``, ``text``, ``time``, ``zoned``, ``date``, ``clock``, ``nested`` or ``binary``."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind):
        return "zoned" if kind.tz else "time"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_time(kind):
        return "clock"
    if any(is_one(kind) for is_one in _NUMBERS):
        return "number"
    if any(is_one(kind) for is_one in _TEXTS):
        return "text"
    return "nested" if pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType) else "binary"


def _sql_type(kind: str) -> str:
    return {
        "number": NUMBER,
        "text": "VARCHAR",
        "time": "TIMESTAMP",
        "zoned": "TIMESTAMP WITH TIME ZONE",
        "date": "DATE",
        "clock": "TIME",
    }[kind]


def _schema(path: Path, form: Format, limits: Limits, name: str) -> tuple[Any, int]:
    """Return the columns and the rows that a file claims to have; a Feather file says nothing of its rows."""
    if form == "parquet":
        with _parquet(path, []) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    else:
        with pa.OSFile(str(path)) as stream, pa.ipc.open_file(stream) as reader:
            schema, rows = reader.schema, 0
    if len(schema) > limits.instrument_columns:
        raise too_wide(len(schema), limits, name)
    if rows > limits.rows:
        raise DataError(f"there are {rows:,} rows, more than {limits.rows:,}", code="ROW_LIMIT", where=name)
    twice = next((own for place, own in enumerate(schema.names) if own in schema.names[:place]), None)
    if twice is not None:
        raise DataError(f"two columns are called '{shown(twice)}'", code="SCHEMA_DUP_COLUMN", where=name)
    return schema, rows


def _parquet(path: Path, texts: list[str]) -> Any:
    return pq.ParquetFile(
        path, read_dictionary=texts, pre_buffer=False, buffer_size=MIB, page_checksum_verification=True,
        arrow_extensions_enabled=False,
    )  # fmt: skip


def _batches(path: Path, form: Format, schema: Any, used: list[int]) -> Iterator[Any]:
    """Yield some columns, checked, in batches of bounded length."""
    names = [schema.names[place] for place in used]
    most = max(1, min(BATCH_ROWS, _MOST_CELLS // max(len(names), 1)))
    if form == "parquet":
        # Text stays a dictionary: a page of kilobytes may repeat a long text for ever.
        texts = [own for own in names if kind_of(schema.field(own).type) == "text"]
        with _parquet(path, texts) as file:
            for batch in file.iter_batches(most, columns=names, use_threads=False):
                batch.validate(full=True)
                yield batch.select(names)
        return
    options = pa.ipc.IpcReadOptions(included_fields=used, use_threads=False)
    with pa.OSFile(str(path)) as stream, pa.ipc.open_file(stream, options=options) as reader:
        for place in range(reader.num_record_batches):
            batch = reader.get_batch(place)
            batch.validate(full=True)
            batch = batch.select(names)
            for start in range(0, batch.num_rows, most):
                yield batch.slice(start, most)


def _renamed(batch: Any, used: list[int], local: bool) -> Any:
    """Return a batch as the selection knows it: ``c0`` and so on, days on the clock of their zone."""
    columns = []
    for column in batch.columns:
        own = column
        if pa.types.is_dictionary(own.type) and not pa.types.is_string(own.type.value_type):
            own = own.cast(own.type.value_type)
        if pa.types.is_null(own.type):
            own = own.cast(pa.string())
        if pa.types.is_timestamp(own.type) and own.type.unit == "ns":
            own = own.cast(pa.timestamp("us", own.type.tz), safe=False)
        if pa.types.is_timestamp(own.type) and own.type.tz and local:
            own = pc.local_timestamp(own)
        columns.append(own)
    return pa.RecordBatch.from_arrays(columns, names=[f"c{place}" for place in used])


def _say_cut(times: Any, before: int, source: str, name: str, limits: Limits, findings: Findings) -> None:
    """Say which times in nanoseconds are cut to microseconds; ``before`` rows came before them."""
    rows = np.flatnonzero(np.asarray(pc.fill_null(times.cast(pa.int64()), 0)) % 1_000)
    for row in rows[: limits.places].tolist():
        findings.add("TS_PRECISION", CUT, name, row=before + row + 1, column=source)
    findings.count("TS_PRECISION", len(rows) - limits.places)


def _texts(column: Any) -> list[str | None]:
    """Return cells as text; times in ISO 8601 with microseconds cut off where they are zero."""
    if pa.types.is_timestamp(column.type):
        unit = "us" if column.type.unit == "ns" else column.type.unit
        column = column.cast(pa.timestamp(unit, column.type.tz), safe=False)
    found: list[str | None] = []
    for value in column.to_pylist():
        if value is None:
            found.append(None)
        elif isinstance(value, dt.datetime):
            found.append(value.isoformat(" "))
        else:
            text = str(value)
            found.append(text if len(text) <= 1_024 else text[:1_024])
    return found


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turn what damaged files raise into an error that names the file."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        if "encrypt" in str(error).lower() or "decrypt" in str(error).lower():
            message, hint = "the file is encrypted", "Give it decrypted."
        else:
            message, hint = f"the file is damaged: {shown(str(error), 120)}", "Write it again."
        raise DataError(message, code="DAMAGED_FILE", where=name, hint=hint) from error
