"""Delimited text: DuckDB reads it with the mapping's columns and types, guesses nothing, and says what it refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from alphintra.errors import DataError
from alphintra.ingest.containers import Part
from alphintra.ingest.encoding import Scan, lines_at, scan, transcode
from alphintra.ingest.engine import WIDE_BATCH, file_literal, literal, readable_path, stream
from alphintra.ingest.expressions import csv_type, nulls_at_once, query
from alphintra.ingest.findings import Findings, shown
from alphintra.ingest.headers import check_header
from alphintra.ingest.limits import Limits
from alphintra.ingest.mapping import TIMES, Column, Mapping
from alphintra.ingest.melting import melt_of
from alphintra.ingest.tables import Opened, converted
from alphintra.ingest.zones import I64

_RULES = {
    "MISSING COLUMNS": ("ROW_SHAPE", "the row has fewer cells than the others"),
    "TOO MANY COLUMNS": ("ROW_SHAPE", "the row has more cells than the others"),
    "UNQUOTED VALUE": ("ROW_SHAPE", "a quote is not closed, or stands inside of a cell"),
    "LINE SIZE OVER MAXIMUM": ("CELL_LIMIT", "the row is too long"),
    "INVALID ENCODING": ("ENCODING", "the row is not in the encoding of the file"),
}
#: Bytes that DuckDB reads at once: its own 32 MiB, of which it holds several, are most of what reading needs.
_BUFFER = 4 << 20

#: Of a row of another shape one error: it has one for each cell that is missing. Lines themselves stay where they are,
#: a hundred thousand may be a megabyte each. A row begins for DuckDB with the blank lines above it: the sixth column.
_REJECTS = """
SELECT line_byte_position, line, column_idx, kind, strlen(csv_line),
    length(csv_line) - length(ltrim(csv_line, chr(10) || chr(13))), left(error_message, 400)
FROM (
    SELECT *, error_type::VARCHAR AS kind,
        row_number() OVER (PARTITION BY line_byte_position ORDER BY error_type::VARCHAR = 'CAST', column_idx) AS place,
        bool_or(error_type::VARCHAR <> 'CAST') OVER (PARTITION BY line_byte_position) AS shaped
    FROM reject_errors
) WHERE place = 1 OR NOT shaped ORDER BY line_byte_position, column_idx LIMIT {}
"""


@dataclass(frozen=True, eq=False)
class Text:
    """A text that is known to be UTF-8 with lines of bounded length.

    Attributes:
        name: What findings call it.
        path: Where it is.
        scan: What its pass found.
        raw: Where it is as it came, in whichever encoding.
    """

    name: str
    path: Path
    scan: Scan
    raw: Path


def prepare(part: Part, encoding: str, spool: Path, limits: Limits, findings: Findings) -> Text:
    """Check all of a text, and write it anew where its encoding or its line ends ask for it."""
    path = readable_path(part.path, spool)
    if encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig", "ascii") or _old_lines(path):
        path = _rewritten(part, encoding, spool, limits)
    found = scan(path, limits, part.name, findings)
    if found.mixed:
        path = _rewritten(replace(part, path=path), "utf-8", spool, limits)
        found = scan(path, limits, part.name, Findings(0))
    return Text(part.name, path, found, part.path)


def _old_lines(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(64 << 10)
    return b"\r" in head and b"\n" not in head


def _rewritten(part: Part, encoding: str, spool: Path, limits: Limits) -> Path:
    spool.mkdir(parents=True, exist_ok=True)
    target = spool / ("text" if part.path.name != "text" else "lines")
    transcode(part.path, target, encoding, limits, part.name)
    return target


def relation(text: Text, mapping: Mapping, types: Sequence[str], limits: Limits) -> str:
    """Return the call that reads a text with the columns ``c0``, ``c1`` and so on."""
    dialect = mapping.dialect
    columns = ", ".join(f"'c{place}': '{kind}'" for place, kind in enumerate(types))
    words = ("", *mapping.null_values) if nulls_at_once(mapping) else ("",)
    options = [
        file_literal(text.path),
        "auto_detect = false",
        f"columns = {{{columns}}}",
        f"delim = {literal(dialect.delimiter)}",
        f"quote = {literal(dialect.quote)}",
        f"escape = {literal(dialect.quote)}",
        "header = false",
        f"skip = {dialect.skip}",
        "strict_mode = true",
        "store_rejects = true",
        f"rejects_limit = {_errors(mapping, limits)}",
        f"max_line_size = {limits.line}",
        f"buffer_size = {max(_BUFFER, 2 * limits.line)}",
        f"nullstr = [{', '.join(literal(word) for word in words)}]",
        f"decimal_separator = {literal(dialect.decimal)}",
    ]
    if dialect.thousands in (".", ","):
        options.append(f"thousands = {literal(dialect.thousands)}")
    for column in mapping.of("time", "date"):
        kind = csv_type(column, mapping)
        if kind in ("DATE", "TIMESTAMP"):
            options.append(f"{'dateformat' if kind == 'DATE' else 'timestampformat'} = {literal(column.format)}")
    return f"read_csv({', '.join(options)})"


def open_text(
    connection: duckdb.DuckDBPyConnection,
    text: Text,
    mapping: Mapping,
    day: dt.date | None,
    limits: Limits,
    findings: Findings,
) -> Opened:
    """Open a delimited text.

    Raises:
        DataError: Its header is not the mapping's.
    """
    check_header(text.path, mapping, text.name, text.raw)
    return Opened(
        batches=_batches(connection, text, mapping, day, limits),
        rejected=lambda rows: rejects(connection, text, mapping, limits, findings, rows),
        zoned=mapping.zoned,
        first_line=lambda rows: first_line(text, mapping.dialect.skip, rows),
    )


def first_line(text: Text, skip: int, rows: int) -> int | None:
    """Return the line of the first row, unless there are blank lines or rows that span several."""
    return skip + 1 if text.scan.lines == skip + rows else None


def _batches(
    connection: duckdb.DuckDBPyConnection, text: Text, mapping: Mapping, day: dt.date | None, limits: Limits
) -> Iterator[Any]:
    """Yield record batches of what the mapping selects, in the order of the file."""
    types = [csv_type(column, mapping) for column in mapping.columns]
    melt = melt_of(mapping)
    if melt is not None:
        # What a reader cannot parse leaves out its whole row, here all instruments': their cells are parsed afterwards.
        types = ["VARCHAR" if column.symbol else types[column.position] for column in mapping.columns]
        used = ", ".join(f"c{place}" for place in melt.used)
        wide = stream(connection, f"SELECT {used} FROM {relation(text, mapping, types, limits)}", text.name, WIDE_BATCH)
        return converted(connection.cursor(), wide, mapping, dict(enumerate(types)), day)
    select = query(mapping, dict(enumerate(types)), day).select
    return stream(connection, f"SELECT {select} FROM {relation(text, mapping, types, limits)}", text.name)


def _errors(mapping: Mapping, limits: Limits) -> int:
    """Return how many errors are noted: a row that is too short has one for each cell that it lacks."""
    return limits.rejects * min(max(len(mapping.columns), 1), 16)


def rejects(
    connection: duckdb.DuckDBPyConnection,
    text: Text,
    mapping: Mapping,
    limits: Limits,
    findings: Findings,
    streamed: int,
) -> I64:
    """Add a finding for each cell that could not be read, and return the rows (from 1) that were left out."""
    found = connection.sql(_REJECTS.format(limits.rejects + 1)).fetchall()
    (errors,) = connection.sql("SELECT count(*) FROM reject_errors").fetchall()[0]
    connection.execute("DELETE FROM reject_errors; DELETE FROM reject_scans;")
    places = np.array([entry[0] - 1 + entry[5] for entry in found], dtype=np.int64)
    rows = np.array([entry[1] for entry in found], dtype=np.int64) - mapping.dialect.skip
    first = _first_byte(text.path, mapping.dialect.skip)
    blanks = text.scan.blanks[text.scan.blanks >= first]
    rows -= np.searchsorted(blanks, places, side="right")
    kept = places[: limits.places].tolist()
    left_out = np.unique(rows)
    inside = text.scan.lines - mapping.dialect.skip - len(blanks) - streamed - len(left_out)
    lines: Iterator[int | None] = chain(lines_at(text.path, kept), repeat(None))
    for entry, row, line in zip(found, rows.tolist(), lines, strict=False):
        _add(findings, text, mapping, entry, row, line, inside if entry is found[-1] else 0)
    # DuckDB leaves out rows in silence once it has noted so many errors.
    if len(left_out) >= limits.rejects or errors >= _errors(mapping, limits):
        raise DataError(
            f"more than {limits.rejects:,} rows or cells cannot be read",
            code="SCHEMA_TYPE",
            where=next((one.where for one in findings if one.severity == "error"), text.name),
            hint="Check the delimiter, and what each column is.",
        )
    return left_out


def _first_byte(path: Path, skip: int) -> int:
    """Return where the first row below the header begins, roughly: quoted line ends above it are counted as rows."""
    with path.open("rb") as file:
        return sum(len(file.readline(1 << 20)) for _ in range(skip))


def _add(
    findings: Findings, text: Text, mapping: Mapping, entry: Any, row: int, line: int | None, inside: int
) -> None:
    """Add the finding of one error; ``inside`` lines belong to no row, which only a quote explains."""
    begin, _, index, kind, length, _, message = entry
    column: Column | None = mapping.columns[index - 1] if index and index <= len(mapping.columns) else None
    place: dict[str, Any] = {"row": row, "line": line}
    if kind == "CAST" and column is not None:
        cell = shown(message.split('convert string "', 1)[-1].rsplit('" to', 1)[0])
        place["column"] = column.source or f"column {column.position + 1}"
        if column.role in TIMES:
            findings.add("TS_PARSE", f"'{cell}' {column.no_time}", text.name, **place)
        else:
            findings.add("SCHEMA_TYPE", f"'{cell}' is not a number", text.name, **place)
        return
    rule, said = _RULES.get(kind, ("ROW_SHAPE", "the row cannot be read"))
    if kind == "MISSING COLUMNS" and not text.scan.ended and text.path.stat().st_size <= begin + length:
        rule, said = "TRUNCATED_FILE", "the last row is cut off: the file is not complete"
    elif kind == "UNQUOTED VALUE" and inside > 0:
        said = f"a quote is not closed: up to {inside:,} lines after it are not read"
    findings.add(rule, said, text.name, **place)
