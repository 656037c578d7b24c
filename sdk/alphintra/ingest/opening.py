"""Which reader a table needs: for a first look, and for reading it as a mapping says."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from alphintra.errors import DataError
from alphintra.ingest import csv_reader, excel_reader, json_reader, parquet_reader
from alphintra.ingest.containers import Part
from alphintra.ingest.encoding import Encoding, propose
from alphintra.ingest.findings import Findings
from alphintra.ingest.limits import Limits
from alphintra.ingest.mapping import Format, Mapping
from alphintra.ingest.sniffing import Table, sniff
from alphintra.ingest.tables import Opened

_NAMED_DAY = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")
_NO_TEXT = Encoding("utf-8", True, "the file is no text")


@dataclass(frozen=True, eq=False)
class Look:
    """A first look at a table.

    Attributes:
        format: What it is.
        table: Its sample.
        encoding: How its text is encoded.
        text: Its text, if it is delimited.
        sheet: The sheet of a workbook.
        path: Where the rows are inside JSON.
    """

    format: Format
    table: Table
    encoding: Encoding = _NO_TEXT
    text: csv_reader.Text | None = None
    sheet: str = ""
    path: str = "item"


def look_at(part: Part, spool: Path, limits: Limits, findings: Findings) -> Look:
    """Find out what a table is, and take a sample.

    Raises:
        DataError: It cannot be read.
    """
    if part.content == "excel":
        table, sheet = excel_reader.sample(part.path, part.name, limits, findings)
        return Look("excel", table, sheet=sheet)
    if part.content in ("parquet", "feather"):
        form: Format = "parquet" if part.content == "parquet" else "feather"
        return Look(form, parquet_reader.sample(part.path, part.name, form, limits))
    encoding = propose(part.path)
    kind = json_reader.format_of(part.path)
    if kind is not None:
        text = json_reader.prepare(part, kind, encoding.name, spool, limits, findings)
        table, path = json_reader.sample(text.path, part.name, kind, limits)
        return Look(kind, replace(table, dialect=replace(table.dialect, encoding=encoding.name)), encoding, path=path)
    text = csv_reader.prepare(part, encoding.name, spool, limits, findings)
    return Look("csv", sniff(text.path, encoding.name, limits, part.name), encoding, text)


def open_table(
    connection: duckdb.DuckDBPyConnection,
    part: Part,
    mapping: Mapping,
    spool: Path,
    limits: Limits,
    findings: Findings,
) -> Opened:
    """Open a table as its mapping says.

    Raises:
        DataError: It is of another format, or cannot be read.
    """
    content = mapping.format if mapping.format in ("excel", "parquet", "feather") else "text"
    if part.content != content:
        raise DataError(
            f"the file is {part.content}, not {mapping.format}",
            code="MAPPING_MISMATCH",
            where=part.name,
            hint="The mapping was made for another file: map this one anew.",
        )
    day = day_in(part) if mapping.date_in_name else None
    if mapping.format == "excel":
        return excel_reader.open_sheet(connection, part.path, part.name, mapping, day, limits, findings)
    if mapping.format in ("parquet", "feather"):
        return parquet_reader.open_typed(
            connection, part.path, part.name, mapping.format, mapping, day, limits, findings
        )  # fmt: skip
    encoding = mapping.dialect.encoding
    if mapping.format == "json":
        text = json_reader.prepare(part, "json", encoding, spool, limits, findings)
        return json_reader.open_array(connection, text.path, part.name, mapping, day, limits, findings)
    text = csv_reader.prepare(part, encoding, spool, limits, findings)
    if mapping.format == "jsonl":
        return json_reader.open_lines(connection, text, mapping, day, limits, findings)
    return csv_reader.open_text(connection, text, mapping, day, limits, findings)


def day_in(part: Part) -> dt.date:
    """Return the date in a table's name.

    Raises:
        DataError: There is none.
    """
    found = _NAMED_DAY.search(part.stem)
    try:
        if found is not None:
            year, month, day = (int(own) for own in found.groups())
            return dt.date(year, month, day)
    except ValueError:
        pass
    raise DataError(
        "the file's name holds no date like 20131007", code="TS_PARSE", where=part.name, hint="Name it after its day."
    )
