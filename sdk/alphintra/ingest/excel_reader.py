"""Spreadsheets: xlsx, xls and ods, opened once it is known that they are no trap."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from alphintra.errors import DataError
from alphintra.ingest.findings import Findings, shown
from alphintra.ingest.headers import clean_name, mismatch, names_of_both
from alphintra.ingest.limits import Limits, no_rows, too_wide
from alphintra.ingest.mapping import Dialect, Mapping
from alphintra.ingest.sniffing import SAMPLE_ROWS, Table, find_header
from alphintra.ingest.tables import Opened, converted, text_chunks
from alphintra.ingest.workbooks import check_workbook

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def open_sheet(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    name: str,
    mapping: Mapping,
    day: dt.date | None,
    limits: Limits,
    findings: Findings,
) -> Opened:
    """Open a sheet of a workbook.

    Raises:
        DataError: It is damaged, spans too much, or has other columns than the mapping.
    """
    sheet = _sheet(path, name, mapping.sheet, limits, findings)
    width = len(mapping.columns)
    sources = [column.source for column in mapping.columns]
    symbols = mapping.of("symbol")
    skip = mapping.dialect.skip
    blank: list[int] = []

    def rows() -> Iterator[list[str | None]]:
        header: list[str] = []
        above: list[list[str]] = []
        number = 0
        for place, cells in enumerate(sheet.iter_rows()):
            row = [text_of(cell) for cell in cells]
            if place < skip:
                names = [clean_name(cell or "") for cell in row]
                header = names if names == sources or not header else header
                above.append(names)
                continue
            if place == skip and header != sources:
                above.append([cell or "" for cell in row])
                both = (names_of_both(above[first : first + 3], width) for first in range(skip))
                header = next((names for names in both if names == sources), header)
            if place == skip and any(sources) and header != sources:
                raise mismatch(sources, header, name)
            number += 1
            if not any(row):
                blank.append(number)
                continue
            if symbols and _NUMBER.fullmatch(row[symbols[0].position] or "") and not findings.counts["SYMBOL_COERCED"]:
                text = "symbols are numbers: zeros at their beginning may be lost"
                findings.add("SYMBOL_COERCED", text, name, row=number, column=symbols[0].source)
            yield (row + [None] * width)[:width]

    kinds = dict.fromkeys(range(width), "VARCHAR")
    batches = converted(connection, text_chunks(rows(), width), mapping, kinds, day)
    first = (sheet.start or (0, 0))[0]
    return Opened(batches, lambda rows: np.array(blank, dtype=np.int64), mapping.zoned, lambda rows: first + skip + 1)


def sample(path: Path, name: str, limits: Limits, findings: Findings) -> tuple[Table, str]:
    """Return the first rows of the first sheet that holds some, and its name.

    Raises:
        DataError: It is damaged, spans too much, or holds nothing.
    """
    sheet = _sheet(path, name, "", limits, findings)
    if sheet.total_width > limits.instrument_columns:
        raise too_wide(sheet.total_width, limits, name)
    raw = [cells for cells, _ in zip(sheet.iter_rows(), range(SAMPLE_ROWS + 50), strict=False)]
    rows = [[text_of(cell) or "" for cell in cells] for cells in raw]
    width = len(rows[0])
    first = next(place for place, row in enumerate(rows) if sum(map(bool, row)) * 2 > width or place == len(rows) - 1)
    header = find_header(rows, first, width)
    names, skip = header.names, header.skip
    body = rows[skip:]
    if not body:
        raise no_rows(f"{name}, sheet '{shown(sheet.name)}'")
    kinds = []
    for place in range(width):
        cells = [own[place] for own in raw[skip:] if own[place] != ""]
        # A note below the table takes nothing from its dates.
        days = sum(isinstance(cell, dt.date) for cell in cells)
        kinds.append("time" if days and 10 * days >= 9 * len(cells) else "text")
    table = Table(
        names=tuple(names) if names else ("",) * width,
        rows=tuple(tuple(cell or None for cell in row) for row in body),
        dialect=Dialect(skip=skip),
        header=bool(names),
        kinds=tuple(kinds),
        symbol=header.symbol,
        owners=header.owners,
        vendor=header.vendor,
    )
    return table, str(sheet.name)


def text_of(cell: Any) -> str | None:
    """Return a cell as text that is read back exactly; times in ISO 8601."""
    if cell == "" or cell is None:
        return None
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    if isinstance(cell, dt.date):
        return f"{cell.isoformat()} 00:00:00"
    if isinstance(cell, dt.timedelta):
        return str(cell.total_seconds())
    return str(cell)


def _sheet(path: Path, name: str, wanted: str, limits: Limits, findings: Findings) -> Any:
    """Return a sheet; the first visible one that holds something, if none is named."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum, XmlError, ZipError

    check_workbook(path, name, limits)
    try:
        with path.open("rb") as file:
            workbook = CalamineWorkbook.from_filelike(file)
        if wanted:
            if wanted not in workbook.sheet_names:
                raise DataError(f"there is no sheet '{shown(wanted)}'", code="MAPPING_MISMATCH", where=name)
            return workbook.get_sheet_by_name(wanted)
        chosen = None
        for sheet in workbook.sheets_metadata:
            own = workbook.get_sheet_by_name(sheet.name) if sheet.visible == SheetVisibleEnum.Visible else None
            if own is not None and own.height and chosen is None:
                chosen = own
            elif own is None or own.height:
                why = "it is hidden" if own is None else "one sheet is read at a time"
                findings.add("SHEET_SKIPPED", f"the sheet '{shown(sheet.name)}' is left out: {why}", name)
    except PasswordError as error:
        hint = "Save it without a password."
        raise DataError("the workbook is encrypted", code="DAMAGED_FILE", where=name, hint=hint) from error
    except (CalamineError, XmlError, ZipError, OSError, ValueError) as error:
        message = f"the workbook is damaged: {shown(str(error), 100)}"
        raise DataError(message, code="DAMAGED_FILE", where=name, hint="Save it again.") from error
    if chosen is None:
        hint = "Show the sheet that has the rows."
        raise DataError("no visible sheet holds anything", code="EMPTY_FILE", where=name, hint=hint)
    return chosen


