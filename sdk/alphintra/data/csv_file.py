"""CSV files: a fast reader, and a slow one that finds the cell the fast one stumbled over."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from alphintra.data.roles import NUMBERS, match_columns
from alphintra.data.tables import RawTable
from alphintra.errors import DataError

_DELIMITERS = (",", ";", "\t")


def read_csv(raw: bytes, source: str) -> RawTable:
    """Read the columns that matter: times as text, prices and volume as float64.

    Raises:
        DataError: Names the file, row, line and column of the first bad cell.
    """
    import pyarrow as pa
    import pyarrow.csv as pacsv

    raw = raw.removeprefix(b"\xef\xbb\xbf")
    text = _decode(raw, source)
    delimiter = delimiter_of(text)
    reader = _rows(text, delimiter)
    try:
        _, header = next(reader)
    except StopIteration:
        raise DataError("the file is empty", code="EMPTY_FILE", where=source) from None
    names = [name.strip() for name in header]
    roles = match_columns(names, source)
    if next(reader, None) is None:
        raise DataError("there are no rows below the header", code="NO_ROWS", where=source)

    keys = [str(position) for position in range(len(names))]
    types = {keys[position]: pa.float64() if role in NUMBERS else pa.string() for role, position in roles.items()}
    try:
        table = pacsv.read_csv(
            pa.BufferReader(raw),
            read_options=pacsv.ReadOptions(column_names=keys, skip_rows=_header_lines(text)),
            parse_options=pacsv.ParseOptions(delimiter=delimiter),
            convert_options=pacsv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=[], strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise _located(text, delimiter, roles, names, source) or DataError(
            f"the file cannot be read as CSV: {error}", code="BAD_CSV", where=source
        ) from error
    kept = sorted(roles.values())
    return RawTable(
        source,
        tuple(names[position] for position in kept),
        tuple(table[keys[position]] for position in kept),
        line_of=lambda row: _line_of(text, delimiter, row),
    )


def _decode(raw: bytes, source: str) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            "the file is not UTF-8", code="ENCODING", where=f"{source}, line {line}", hint="Save it as UTF-8."
        ) from error
    if "\x00" in text:
        raise DataError("the file holds NUL bytes", code="ENCODING", where=source)
    return text


def delimiter_of(text: str) -> str:
    """Return the character between the cells of the first line."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    return max(_DELIMITERS, key=first.count)


def _header_lines(text: str) -> int:
    """Return how many lines to skip: blank ones above the header, and the header."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            return number
    return 0


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of each row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for cells in reader:
        if any(cell.strip() for cell in cells) or len(cells) > 1:
            yield reader.line_num, cells


def _line_of(text: str, delimiter: str, row: int) -> int:
    for number, (line, _) in enumerate(_rows(text, delimiter)):
        if number == row:
            return line
    return row + 1


def _located(text: str, delimiter: str, roles: dict[str, int], names: list[str], source: str) -> DataError | None:
    """Return the error for the first row of a wrong length or cell that is no number."""
    rows = _rows(text, delimiter)
    next(rows)
    numeric = [(position, names[position]) for role, position in roles.items() if role in NUMBERS]
    for row, (line, cells) in enumerate(rows, start=1):
        where = f"{source}, row {row} (line {line})"
        if len(cells) != len(names):
            return DataError(
                f"the row has {len(cells)} cells where the header has {len(names)}",
                code="ROW_SHAPE",
                where=where,
            )
        for position, name in sorted(numeric):
            if not _is_number(cells[position]):
                return not_a_number(cells[position], f"{where}, column '{name}'")
    return None


def not_a_number(cell: Any, where: str) -> DataError:
    """Return the error for a cell that should hold a number."""
    text = str(cell)
    if not text.strip():
        return DataError("the cell is empty", code="EMPTY_CELL", where=where, hint="Leave out rows without a value.")
    shown = text if len(text) <= 40 else text[:39] + "…"
    hint = "Write numbers without thousands separators and units." if "," in text else None
    return DataError(f"'{shown}' is not a number", code="NOT_A_NUMBER", where=where, hint=hint)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
