"""Rows as an Excel workbook of one sheet, written as it goes: nothing of it is kept, nothing is gone back to.

Texts are texts to Excel, whatever they begin with. A day is a date of Excel's; a time is a text, since Excel's times
have no zone and lose the microseconds; a whole number that a float cannot hold is a text as well, so that it stays.
"""

from __future__ import annotations

import re
import zipfile
from types import TracebackType
from typing import Any, BinaryIO, Self
from xml.sax.saxutils import escape

import numpy as np

from alphintra.data.arrow import whole
from alphintra.errors import DataError
from alphintra.store.columns import numbers, texts
from alphintra.store.text_rows import floats, joined, lines, mapped, plain, times, word

MOST_ROWS = 1_048_576
"""Rows of a sheet, the names among them."""
MOST_TEXT = 32_767
"""Characters of a cell."""
_EPOCH = 25_569
"""Excel's number of 1970-01-01."""
_FIRST_DAY = 61 - _EPOCH
"""1900-03-01, the first day that Excel and the calendar agree on."""
_EXACT = 2**53
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="data" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" '
    'formatCode="yyyy\\-mm\\-dd"/></numFmts><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="2">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>',
}
_TEXT = ('<c t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>")


class Sheet:
    """A workbook that is being written.

    Args:
        out: Where to; only written to, never gone back in.
        kinds: Type of each column.
        seconds: Of each column of times whether it lies on seconds.
        rows: How many come.
    """

    def __init__(self, out: BinaryIO, kinds: dict[str, str], seconds: dict[str, bool], rows: int) -> None:
        self._kinds, self._seconds = kinds, seconds
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        for name, text in _PARTS.items():
            self._zip.writestr(name, _HEAD + text)
        # Readers of old know no files beyond 4 GiB: only who needs one gets its mark.
        large = (rows + 1) * len(kinds) * 64 > 2**31
        self._sheet = self._zip.open("xl/worksheets/sheet1.xml", "w", force_zip64=large)
        names = "".join(escape(_free(name)).join(_TEXT) for name in kinds)
        begin = f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData><row>{names}</row>'
        self._sheet.write(begin.encode())

    def __enter__(self) -> Self:
        """Write until the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        """End the workbook; after an error it stays without its end, which no reader takes for a whole one."""
        if kind is None:
            self._sheet.write(b"</sheetData></worksheet>")
            self._sheet.close()
            self._zip.close()

    def rows(self, table: Any) -> None:
        """Write rows.

        Raises:
            DataError: A text is too long for a cell.
        """
        cells = [self._cells(table[name], name, kind) for name, kind in self._kinds.items()]
        self._sheet.write(lines(["<row>", *cells, "</row>"]))

    def _cells(self, column: Any, name: str, kind: str) -> Any:
        import pyarrow.compute as pc

        column = whole(column)
        if kind in ("symbol", "string"):
            return pc.fill_null(mapped(column, lambda values: _texts(values, name)), word("<c/>"))
        if kind.startswith("timestamp"):
            found = joined(_TEXT[0], times(column, seconds=self._seconds[name]), _TEXT[1])
        elif kind == "double":
            text = floats(column)
            number = joined("<c><v>", text, "</v></c>")
            endless = joined(_TEXT[0], text, _TEXT[1])
            found = pc.if_else(pc.match_substring(text, "inf"), endless, number)
            found = pc.if_else(pc.equal(text, word("nan")), word("<c/>"), found)
        elif kind == "int64":
            text = plain(column)
            large = pc.or_(pc.greater(column, _number(_EXACT, "i8")), pc.less(column, _number(-_EXACT, "i8")))
            found = pc.if_else(large, joined(_TEXT[0], text, _TEXT[1]), joined("<c><v>", text, "</v></c>"))
        elif kind == "bool":
            found = joined('<c t="b"><v>', pc.if_else(column, word("1"), word("0")), "</v></c>")
        else:
            found = self._days(column)
        return pc.fill_null(found, word("<c/>"))

    @staticmethod
    def _days(column: Any) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        days = pc.cast(column, pa.int32())
        serial = plain(pc.add(days, _number(_EPOCH, "i4")))
        number = joined('<c s="1"><v>', serial, "</v></c>")
        early = pc.less(days, _number(_FIRST_DAY, "i4"))
        return pc.if_else(early, joined(_TEXT[0], plain(column), _TEXT[1]), number)


def _number(value: int, kind: str) -> Any:
    """Return a number as an Arrow scalar. Not ``pyarrow.scalar``: it imports pandas."""
    return numbers(np.array([value], dtype=kind))[0]


def _texts(values: Any, name: str) -> Any:
    found = []
    for value in values.to_pylist():
        if len(value) > MOST_TEXT:
            raise DataError(
                f"a text of {len(value):,} characters does not fit a cell of Excel", code="CELL_LIMIT", where=name,
                hint=f"A cell holds {MOST_TEXT:,}: choose another format, or leave the column out.",
            )  # fmt: skip
        found.append(escape(_free(value)).join(_TEXT))
    return texts(found)


def _free(text: str) -> str:
    """Write what XML has no characters for as Excel does: ``_x0001_``."""
    return _NO_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
