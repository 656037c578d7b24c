"""Workbooks made by hand: no library that writes them is needed, and hostile ones are a line away."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

Rows = Sequence[Sequence[Any]]
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def serial(day: dt.date, date1904: bool = False) -> float:
    start = dt.datetime(1904, 1, 1) if date1904 else dt.datetime(1899, 12, 30)
    when = day if isinstance(day, dt.datetime) else dt.datetime(day.year, day.month, day.day)
    return (when - start) / dt.timedelta(days=1)


def column(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def sheet_xml(rows: Rows, date1904: bool = False) -> str:
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = []
        for place, cell in enumerate(row, start=1):
            where = f"{column(place)}{number}"
            if cell is None:
                continue
            if isinstance(cell, str):
                cells.append(f'<c r="{where}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>')
            elif isinstance(cell, dt.date):
                cells.append(f'<c r="{where}" s="1"><v>{serial(cell, date1904)!r}</v></c>')
            else:
                cells.append(f'<c r="{where}"><v>{cell!r}</v></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    return f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def xlsx(rows: Rows, date1904: bool = False, hidden: Rows | None = None, sheet: str | None = None) -> bytes:
    """A workbook; ``sheet`` replaces the XML of its sheet."""
    sheets = {"Prices": sheet if sheet is not None else sheet_xml(rows, date1904)}
    if hidden is not None:
        sheets = {"Notes": sheet_xml(hidden), **sheets}
    state = {"Notes": ' state="hidden"'}
    listed = "".join(
        f'<sheet name="{name}" sheetId="{place}" r:id="rId{place}"{state.get(name, "")}/>'
        for place, name in enumerate(sheets, start=1)
    )
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        f'relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'<?xml version="1.0"?><workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f'<workbookPr date1904="{int(date1904)}"/><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/'
        'package/2006/relationships">'
        + "".join(
            f'<Relationship Id="rId{place}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{place}.xml"/>'
            for place in range(1, len(sheets) + 1)
        )
        + f'<Relationship Id="rId99" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<?xml version="1.0"?><styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="14"/></cellXfs></styleSheet>',
    }
    parts |= {f"xl/worksheets/sheet{place}.xml": xml for place, xml in enumerate(sheets.values(), start=1)}
    return archive(parts)


def ods(rows: Rows, content: str | None = None) -> bytes:
    lines = []
    for row in rows:
        cells = []
        for cell in row:
            if cell is None:
                cells.append("<table:table-cell/>")
            elif isinstance(cell, str):
                text = f"<text:p>{escape(cell)}</text:p>"
                cells.append(f'<table:table-cell office:value-type="string">{text}</table:table-cell>')
            elif isinstance(cell, dt.date):
                cells.append(f'<table:table-cell office:value-type="date" office:date-value="{cell.isoformat()}"/>')
            else:
                cells.append(f'<table:table-cell office:value-type="float" office:value="{cell!r}"/>')
        lines.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
    # LibreOffice ends each sheet with all the rows and columns that it does not use.
    lines.append(
        '<table:table-row table:number-rows-repeated="1048571">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    body = content if content is not None else "".join(lines)
    xml = (
        '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="Prices">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    return archive({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": xml})


def archive(parts: dict[str, str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return sink.getvalue()


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def xls(rows: Rows, cells: bytes | None = None) -> bytes:
    """An old workbook; ``cells`` replaces the records of its cells."""
    own = cells
    if own is None:
        own = b"".join(_cell(r, c, cell) for r, row in enumerate(rows) for c, cell in enumerate(row))
    # Formats: the second one is a date.
    formats = b"".join(
        record(0x00E0, struct.pack("<HHH", 0, number, 0) + bytes(14)) for number in (*([0] * 15), 0, 14)
    )
    name = b"\x06\x00Prices"
    bof = struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)
    head = record(0x0809, bof) + record(0x0042, struct.pack("<H", 1200)) + record(0x0022, bytes(2)) + formats
    bound = 4 + 6 + len(name)
    start = len(head) + bound + 4
    head += record(0x0085, struct.pack("<IH", start, 0) + name) + record(0x000A, b"")
    sheet = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6)) + own + record(0x000A, b"")
    return compound((head + sheet).ljust(4_608, b"\0"))


def _cell(row: int, place: int, cell: Any) -> bytes:
    if cell is None:
        return b""
    if isinstance(cell, str):
        text = cell.encode("latin-1")
        return record(0x0204, struct.pack("<HHHHB", row, place, 15, len(text), 0) + text)
    if isinstance(cell, dt.date):
        return record(0x0203, struct.pack("<HHHd", row, place, 16, serial(cell)))
    return record(0x0203, struct.pack("<HHHd", row, place, 15, cell))


def compound(stream: bytes, name: str = "Workbook") -> bytes:
    """A compound file with one stream of at least 4,096 bytes."""
    sectors = -(-len(stream) // 512)
    body = stream.ljust(sectors * 512, b"\0")
    tables = 1
    while tables * 128 < sectors + 1 + tables:
        tables += 1
    links = [0xFFFFFFFD] * tables + [0xFFFFFFFE]
    links += [number + 1 for number in range(tables + 1, tables + sectors)] + [0xFFFFFFFE]
    links += [0xFFFFFFFF] * (tables * 128 - len(links))

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = (name + "\0").encode("utf-16-le") if name else b""
        none = 0xFFFFFFFF
        return (
            text.ljust(64, b"\0") + struct.pack("<HBB3I", len(text), kind, 1, none, none, child) + bytes(36)
            + struct.pack("<IQ", start, size)
        )  # fmt: skip

    directory = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, 0xFFFFFFFF, tables + 1, len(stream))
    directory += 2 * entry("", 0, 0xFFFFFFFF, 0, 0)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, tables, tables, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", *range(tables), *([0xFFFFFFFF] * (109 - tables)))
    return header + struct.pack(f"<{tables * 128}I", *links) + directory + body
