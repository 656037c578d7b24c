"""Workbooks before they are opened: what their sheets span, measured from their own bytes."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import Any
from xml.parsers import expat

from alphintra.errors import DataError
from alphintra.ingest.biff import measure as measure_biff
from alphintra.ingest.containers import open_zip
from alphintra.ingest.findings import shown
from alphintra.ingest.limits import MIB, Limits

_PLACE = re.compile(r"([A-Za-z]{1,7})(\d{1,9})")
#: Bytes of a workbook, which its reader holds in memory, and of all its parts.
_MOST_PACKED, _MOST_BYTES = 128 << 20, 1 << 30


def check_workbook(path: Path, name: str, limits: Limits) -> None:
    """Refuse a workbook that would take more memory than a sheet may.

    All of its parts are looked at, whatever they are called: a workbook may name any of them as its sheet.

    Raises:
        DataError: It is damaged, encrypted, of a kind that is not read, or spans too many cells.
    """
    packed, unpacked, cells = path.stat().st_size, 0, 0
    if packed > _MOST_PACKED:
        message = f"a workbook may have {_MOST_PACKED >> 20} MiB"
        raise DataError(message, code="TOO_LARGE", where=name, hint="Save it as CSV.")
    with path.open("rb") as file:
        compound = file.read(4) == b"\xd0\xcf\x11\xe0"
    if compound:
        _allow(measure_biff(path, name), limits, name)
        return
    with open_zip(path, name, limits) as archive:
        entries = archive.infolist()
        if any(entry.filename.lower() == "xl/workbook.bin" for entry in entries):
            raise DataError("xlsb is not read", code="UNKNOWN_FILE_TYPE", where=name, hint="Save it as xlsx.")
        for entry in entries:
            unpacked += entry.file_size
            if unpacked > min(_MOST_BYTES, MIB + packed * limits.ratio):
                message = f"more than {limits.ratio} bytes come out for each one of the workbook"
                raise DataError(message, code="TOO_LARGE", where=name, hint="Save it as CSV.")
            try:
                with archive.open(entry) as stream:
                    cells += _Measure().read(stream)
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
                raise DataError(
                    f"the workbook is damaged or encrypted: {shown(str(error), 80)}",
                    code="DAMAGED_FILE",
                    where=f"{name}/{shown(entry.filename, 80)}",
                    hint="Save it again.",
                ) from error
            except _Refused as error:
                raise DataError(
                    str(error), code="DAMAGED_FILE", where=f"{name}/{shown(entry.filename, 80)}",
                    hint="Open it in a spreadsheet program and save it again as .xlsx, or give it as CSV.",
                ) from error  # fmt: skip
            _allow(cells, limits, name)


def _allow(cells: int, limits: Limits, name: str) -> None:
    if cells > limits.sheet_cells:
        raise DataError(
            f"the used cells span {cells:,} cells, more than {limits.sheet_cells:,}",
            code="TOO_LARGE",
            where=name,
            hint="Remove cells far from the table, or save it as CSV.",
        )


class _Refused(Exception):  # noqa: N818 - carries a sentence to the caller
    """A part of a workbook that no honest program writes."""


class _Measure:
    """The rectangle that the cells of one part span: ``<c r="B2">`` of xlsx, repeated cells of ods."""

    def __init__(self) -> None:
        self._low: tuple[int, int] | None = None
        self._high = (0, 0)
        self._rows = self._columns = self._in_row = 0
        self._row_repeats = 1
        self._used = 0
        self._stated = 0

    def read(self, stream: Any) -> int:
        """Parse a part, if it is XML, and return its cells."""
        head = stream.read(64)
        if not head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
            return 0
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(head, False)
            for chunk in iter(lambda: stream.read(MIB), b""):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise _Refused(f"a part of the workbook is not XML: {error}") from error
        area = 0
        if self._low is not None:
            area = (self._high[0] - self._low[0] + 1) * (self._high[1] - self._low[1] + 1)
        return max(area, self._stated)

    def _doctype(self, *_: Any) -> None:
        raise _Refused("a part of the workbook declares entities")

    def _take(self, row: int, column: int) -> None:
        low = self._low or (row, column)
        self._low = (min(low[0], row), min(low[1], column))
        self._high = (max(self._high[0], row), max(self._high[1], column))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        local = tag.rpartition(":")[2]
        if local == "c":
            self._in_row += 1
            found = _PLACE.fullmatch(attributes.get("r", ""))
            if found is None:
                self._take(self._rows, self._in_row)
            else:
                self._take(int(found.group(2)), _column(found.group(1)))
        elif local == "row":
            self._rows = int(attributes["r"]) if attributes.get("r", "").isdigit() else self._rows + 1
            self._in_row = 0
        elif local == "dimension":
            ends = [_PLACE.fullmatch(end) for end in attributes.get("ref", "").split(":")]
            if len(ends) == 2 and ends[0] and ends[1]:
                rows = int(ends[1].group(2)) - int(ends[0].group(2)) + 1
                self._stated = rows * (_column(ends[1].group(1)) - _column(ends[0].group(1)) + 1)
        elif local == "table-row":
            self._row_repeats = _repeats(attributes, "number-rows-repeated")
            self._columns = self._used = 0
        elif local in ("table-cell", "covered-table-cell"):
            self._columns += _repeats(attributes, "number-columns-repeated")
            if any(name.endswith(("value-type", "formula")) for name in attributes):
                self._used = self._columns
        elif local == "p" and self._columns:
            self._used = self._columns
        elif local == "table":
            self._rows = 0

    def _end(self, tag: str) -> None:
        if tag.rpartition(":")[2] == "table-row":
            self._rows += self._row_repeats
            if self._used:
                self._take(1, 1)
                self._take(self._rows, self._used)


def _repeats(attributes: dict[str, str], local: str) -> int:
    for name, value in attributes.items():
        if name.endswith(local) and value.isdigit():
            return int(value[:9])
    return 1


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number
