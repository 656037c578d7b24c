"""JSON: an object on each line, or an array of objects or of arrays."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from alphintra.errors import DataError
from alphintra.ingest import csv_reader
from alphintra.ingest.containers import Part
from alphintra.ingest.csv_reader import Text
from alphintra.ingest.engine import WIDE_BATCH, literal, stream
from alphintra.ingest.expressions import DUPLICATE_KEY, GOOD, NO_OBJECT, query
from alphintra.ingest.findings import Findings, shown
from alphintra.ingest.limits import Limits, too_wide
from alphintra.ingest.mapping import Dialect, Format, Mapping
from alphintra.ingest.sniffing import SAMPLE_CELLS, SAMPLE_ROWS, Table
from alphintra.ingest.tables import NO_ROWS, Opened, converted, no_lines, text_chunks

_PATH = re.compile(r"(item|([^.]{1,64}\.){1,4}item)")
_BUFFER = 64 << 10
_Scalar = str | None


def format_of(path: Path) -> Format | None:
    """Tell whether a text is JSON, and of which kind."""
    with path.open("rb") as file:
        head = file.read(1 << 20).decode("utf-8-sig", "replace").lstrip()
    if head.startswith("["):
        return "json"
    if not head.startswith("{"):
        return None
    lines = [line for line in head.split("\n") if line.strip()][:20]
    # One of the first lines may be damaged: it is enough that one is an object by itself.
    found = next((own for own in map(_object, lines) if own is not None), None)
    if found is None:
        return "json"
    several = len(lines) > 1 and lines[1].lstrip().startswith("{")
    scalars = not all(isinstance(value, (dict, list)) for value in found.values())
    return "jsonl" if several or (scalars and not _wraps(found)) else "json"


def _wraps(value: Any, depth: int = 4) -> bool:
    """Tell whether a list is inside of an object, or of those in it."""
    own = value.values() if isinstance(value, dict) and depth else ()
    return any(isinstance(inner, list) or _wraps(inner, depth - 1) for inner in own)


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def open_lines(
    connection: duckdb.DuckDBPyConnection,
    text: Text,
    mapping: Mapping,
    day: dt.date | None,
    limits: Limits,
    findings: Findings,
) -> Opened:
    """Open a text with an object on each line."""
    # A line is one cell: the delimiter is a sign that JSON does not allow, and there are no quotes.
    plain = replace(mapping, dialect=Dialect(delimiter="\x1f", quote="", skip=0), null_values=())
    lines = csv_reader.relation(text, replace(plain, columns=()), ["VARCHAR"], limits)
    keys = ", ".join(literal(_pointer(column.source)) for column in mapping.columns)
    cells = ", ".join(f"e[{place + 1}] AS c{place}" for place in range(len(mapping.columns)))
    flags = (
        f"WHEN o IS NULL THEN {NO_OBJECT} WHEN len(json_keys(o)) <> len(list_distinct(json_keys(o))) "
        f"THEN {DUPLICATE_KEY}"
    )
    kinds = dict.fromkeys(range(len(mapping.columns)), "VARCHAR")
    own = "CASE WHEN json_valid(c0) AND json_type(c0) = 'OBJECT' THEN c0 END"
    objects = f"SELECT {own} AS o FROM {lines} WHERE c0 IS NOT NULL"
    listed = f"SELECT o, json_extract_string(o, [{keys}]) AS e FROM ({objects})"
    if mapping.by_instrument:
        wide = f"SELECT {cells}, CASE {flags} ELSE {GOOD} END AS flag FROM ({listed})"
        chunks = stream(connection, wide, text.name, WIDE_BATCH)
        told = f"WHEN flag <> {GOOD} THEN flag"
        batches = converted(connection.cursor(), chunks, mapping, kinds, day, told)
    else:
        select = query(mapping, kinds, day, flags).select
        batches = stream(connection, f"SELECT {select} FROM (SELECT o, {cells} FROM ({listed}))", text.name)
    return Opened(
        batches=batches,
        rejected=lambda rows: csv_reader.rejects(connection, text, plain, limits, findings, rows),
        zoned=mapping.zoned,
        first_line=lambda rows: csv_reader.first_line(text, 0, rows),
    )


def _pointer(key: str) -> str:
    """Return where a name is in an object, as a JSON pointer."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def open_array(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    name: str,
    mapping: Mapping,
    day: dt.date | None,
    limits: Limits,
    findings: Findings,
) -> Opened:
    """Open an array of objects, or of arrays, somewhere inside of a document."""
    names = [column.source for column in mapping.columns]
    places = {own: place for place, own in enumerate(names)}
    width = len(names)

    def rows() -> Iterator[list[_Scalar]]:
        for record in records(path, name, mapping.path, limits, findings):
            row: list[_Scalar] = [None] * width
            if record.keys:
                for key, value in zip(record.keys, record.values, strict=True):
                    if key in places:
                        row[places[key]] = value
            else:
                row[: len(record.values)] = record.values[:width]
            yield row

    kinds = dict.fromkeys(range(width), "VARCHAR")
    batches = converted(connection, text_chunks(rows(), width), mapping, kinds, day)
    return Opened(batches, lambda rows: NO_ROWS, mapping.zoned, no_lines)


def sample(path: Path, name: str, form: Format, limits: Limits) -> tuple[Table, str]:
    """Return the first rows of a document, and where they are in it."""
    where = "item"
    if form == "jsonl":
        found = _some(_first_lines(path, name))
    else:
        where = find_rows(path, name, limits)
        found = _some(records(path, name, where, limits))
    if not found:
        raise DataError("there are no rows", code="NO_ROWS", where=name, hint="Save it again with its rows.")
    names: dict[str, int] = {}
    for record in found:
        for key in record.keys:
            names.setdefault(key, len(names))
    width = len(names) or max(len(record.values) for record in found)
    if width > limits.instrument_columns:
        raise too_wide(width, limits, name)
    rows = []
    for record in found:
        row: list[_Scalar] = [None] * width
        for place, value in enumerate(record.values):
            own = names[record.keys[place]] if record.keys else place
            if own < width and bool(record.keys) == bool(names):
                row[own] = value
        rows.append(tuple(row))
    table = Table(
        names=tuple(names) or ("",) * width,
        rows=tuple(rows),
        dialect=Dialect(skip=0),
        header=bool(names),
        kinds=("text",) * width,
    )
    return table, where


def _some(found: Iterator[Record]) -> list[Record]:
    """Return the first rows; fewer where they are wide, or their values long."""
    rows: list[Record] = []
    size = 0
    for record in islice(found, SAMPLE_ROWS):
        rows.append(record)
        size += sum(1 + len(value or "") // 16 for value in record.values)
        if size >= SAMPLE_CELLS:
            break
    return rows


@dataclass(frozen=True)
class Record:
    """One row: its names (none if it is an array) and its values as text."""

    keys: tuple[str, ...]
    values: tuple[_Scalar, ...]


def records(
    path: Path, name: str, where: str, limits: Limits, findings: Findings | None = None
) -> Iterator[Record]:
    """Yield the rows of a document; what is nested in them is the text ``{…}``.

    Lists beside that of the rows, as of another symbol each, are left out: findings say so.

    Raises:
        DataError: It is no JSON, too deep, a value is too long, or a row has a name twice: names the row.
    """
    if not _PATH.fullmatch(where):
        message = f"'{shown(where)}' is not a path to rows"
        raise DataError(message, code="BAD_MAPPING", where=name, hint="Write data.item.")
    target = where.split(".")
    reader = _Reader(path, name, limits)
    keys: list[str] = []
    values: list[_Scalar] = []
    inside = 0
    others: dict[str, int] = {}
    for frames, event, value in reader.events():
        if not inside:
            near = len(frames) == len(target) and frames[-1:] == ["item"] and frames[:-2] == target[:-2]
            if near and event in ("start_map", "start_array") and frames != target:
                beside = ".".join(frames)
                others[beside] = others.get(beside, 0) + 1
            if frames == target and event in ("start_map", "start_array"):
                reader.row, inside, keys, values = reader.row + 1, 1, [], []
            elif frames == target and event not in ("end_array", "end_map", "map_key"):
                reader.row += 1
                raise reader.error("the row is neither an object nor an array", "BAD_JSON")
            continue
        if event in ("start_map", "start_array"):
            inside += 1
            if inside == 2:
                values.append("{…}" if event == "start_map" else "[…]")
        elif event in ("end_map", "end_array"):
            inside -= 1
            if not inside:
                if len(set(keys)) != len(keys):
                    twice = next(key for place, key in enumerate(keys) if key in keys[:place])
                    raise reader.error(f"the object has the name '{shown(twice)}' twice", "SCHEMA_DUP_COLUMN")
                yield Record(tuple(keys), tuple(values))
        elif inside == 1 and event == "map_key":
            keys.append(value)
        elif inside == 1:
            values.append(None if value is None else _text(value))
        if len(values) > limits.instrument_columns:
            raise reader.error(f"there are more than {limits.instrument_columns:,} columns", "COLUMN_LIMIT")
    if findings is None:
        return
    for beside, count in others.items():
        text = f"{count:,} rows of the list {shown(beside, 60)} are left out: those of {shown(where, 60)} are read"
        findings.add("MEMBER_SKIPPED", text, name, "error" if 1 < count * 10 >= reader.row else "info")


def find_rows(path: Path, name: str, limits: Limits) -> str:
    """Return the path of the first array of objects or of arrays with values in them, unless a short one is before it.

    What tells of the table, as the ``schema`` of pandas' ``orient='table'``, stands before the rows, and is short.
    """
    counts: dict[str, int] = {}
    where, level, valued, top = "", 0, False, set[str]()
    reader = _Reader(path, name, limits)
    for frames, event, value in reader.events():
        if event == "map_key" and len(frames) == 1:
            top.add(value)
        if event in ("start_map", "start_array"):
            own = ".".join(frames) if frames and frames[-1] == "item" else ""
            if not level and _PATH.fullmatch(own) and own.count(".") == len(frames) - 1:
                where, level, valued = own, len(frames), False
                reader.row = counts.get(own, 0) + 1
        elif level and event not in ("end_map", "end_array", "map_key"):
            valued = valued or len(frames) == level + 1
        elif level and len(frames) == level and event in ("end_map", "end_array"):
            counts[where] = counts.get(where, 0) + valued
            level = 0
            if counts[where] == SAMPLE_ROWS:
                break
    if {"columns", "index", "data"} <= top:
        text = "the rows of the document have no names: they stand beside them, as pandas' orient='split' writes"
        raise _no_rows(text, name)
    found = max(counts, key=lambda own: counts[own], default="")
    if not counts.get(found):
        raise _no_rows("the document holds no array of objects", name)
    return found


def _no_rows(message: str, name: str) -> DataError:
    hint = (
        "Write one object for each row, its time among its values; in pandas: "
        "df.reset_index().to_json(orient='records', date_format='iso'), or df.to_csv()."
    )
    return DataError(message, code="BAD_JSON", where=name, hint=hint)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_FORM = "Write one object for each row, each name once, numbers as JSON has them: null for what is missing."
_REMEDIES = {
    "CELL_LIMIT": "Leave out what is no cell of a table, such as documents and pictures.",
    "TRUNCATED_FILE": "Upload it again; where it is as short on your disk, get it anew.",
}


class _Reader:
    """Reads what a document consists of: bounded in depth and in the length of a value.

    Attributes:
        row: The row that errors name; whoever counts rows sets it.
    """

    def __init__(self, path: Path, name: str, limits: Limits) -> None:
        self._path, self._name, self._limits = path, name, limits
        self._since = 0
        self._file: Any = None
        self.row = 0

    def error(self, message: str, code: str) -> DataError:
        """Return an error that names the row, and what to do."""
        hint = _REMEDIES.get(code, _FORM)
        return DataError(message, code=code, where=f"{self._name}, row {self.row or 1}", hint=hint)

    def read(self, size: int = -1) -> bytes:
        """Give the parser bytes, unless it makes nothing of them: then it gathers one endless value."""
        self._since += size
        if self._since > 2 * _BUFFER + self._limits.cell:
            raise self.error(f"a value is longer than {self._limits.cell:,} bytes", "CELL_LIMIT")
        return bytes(self._file.read(size))

    def events(self) -> Iterator[tuple[list[str], str, Any]]:
        """Yield where something is, what it is, and its value.

        The path is the same list each time: ``item`` for an element of an array, the name for a value of an object.
        """
        import ijson

        frames: list[str] = []
        with self._path.open("rb") as self._file:
            if self._file.read(3) != b"\xef\xbb\xbf":
                self._file.seek(0)
            try:
                # Not ijson.parse: it writes out the whole path of each event, gigabytes for what is deeply nested.
                for event, value in ijson.basic_parse(self, buf_size=_BUFFER):
                    self._since = 0
                    if event in ("end_map", "end_array"):
                        frames.pop()
                    yield frames, event, value
                    if event == "map_key":
                        frames[-1] = value
                    elif event in ("start_map", "start_array"):
                        frames.append("item" if event == "start_array" else "")
                        if len(frames) > self._limits.depth:
                            raise self.error(f"there are more than {self._limits.depth} levels", "BAD_JSON")
                    if event in ("string", "map_key") and len(value.encode()) > self._limits.cell:
                        raise self.error(f"a value is longer than {self._limits.cell:,} bytes", "CELL_LIMIT")
            except (ijson.JSONError, ValueError, ArithmeticError) as error:  # a number may be beyond what Python takes
                text = shown(str(error).split("\n")[0], 80)
                if "premature" in text:
                    raise self.error("the document is cut off: its end is missing", "TRUNCATED_FILE") from error
                raise self.error(f"the document is not JSON: {text}", "BAD_JSON") from error


def _first_lines(path: Path, name: str) -> Iterator[Record]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file):
            if number >= SAMPLE_ROWS:
                return
            if not line.strip():
                continue
            try:
                found = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
            except (ValueError, RecursionError):
                continue  # a finding when the file is read
            if isinstance(found, dict):
                own = tuple(None if value is None else _text_of(value) for value in found.values())
                yield Record(tuple(found), own)


def _text_of(value: Any) -> str:
    return _text(value) if isinstance(value, (str, bool)) else ("{…}" if isinstance(value, dict) else "[…]")


def prepare(part: Part, form: Format, encoding: str, spool: Path, limits: Limits, findings: Findings) -> Text:
    """Check the encoding of a document, whose lines may be as long as they like unless each is an object."""
    if form == "jsonl":
        return csv_reader.prepare(part, encoding, spool, limits, findings)
    return csv_reader.prepare(part, encoding, spool, replace(limits, line=limits.unpacked), findings)
