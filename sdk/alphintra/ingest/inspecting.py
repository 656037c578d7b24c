"""A first look at a file: what it is, a sample, and a mapping to be corrected."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from alphintra.errors import DataError
from alphintra.ingest import csv_reader
from alphintra.ingest.archives import alike, asked_of_archive
from alphintra.ingest.containers import Part, heads_of, parts
from alphintra.ingest.encoding import Encoding
from alphintra.ingest.engine import connect
from alphintra.ingest.findings import Finding, Findings, shown
from alphintra.ingest.guessing import Guess, guess
from alphintra.ingest.instruments import Layout, layout_of
from alphintra.ingest.levels import Owner
from alphintra.ingest.limits import DEFAULT, Limits, too_wide
from alphintra.ingest.mapping import Column, Format, Mapping, fingerprint
from alphintra.ingest.opening import look_at
from alphintra.ingest.roles import Question, Reason
from alphintra.ingest.sniffing import Table, notation_of
from alphintra.ingest.stamps import Stamp, Stamps
from alphintra.ingest.time_formats import whole_column

SHOWN_ROWS = 20
_SHOWN_CELLS = 20_000


@dataclass(frozen=True)
class Inspection:
    """What a first look found.

    Attributes:
        name: The file.
        format: What it is, inside of its packing.
        table: The table that was looked at: the file, or of an archive the first table that is like most.
        tables: Names of all tables, the first thousand.
        rows: Cells of some rows, as text.
        kinds: What a typed file says of each column, as of :class:`Table`: of ``zoned`` times no zone is asked.
        guess: A mapping, how sure each part of it is, and what is to be asked.
        fingerprint: What a mapping of such a file is remembered by.
        findings: What is wrong already.
        owners: Of each column the instrument and the field that its name says, both empty of what is all instruments';
            none where instruments have no columns of their own.
    """

    name: str
    format: Format
    table: str
    tables: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    kinds: tuple[str, ...]
    guess: Guess
    fingerprint: str
    findings: tuple[Finding, ...]
    owners: tuple[Owner, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold; cells and messages are cut and hold no control characters."""
        cells = [[None if cell is None else shown(cell, 64) for cell in row] for row in self.rows]
        return {
            "name": self.name,
            "format": self.format,
            "table": self.table,
            "tables": list(self.tables),
            "rows": cells,
            "kinds": list(self.kinds),
            "mapping": asdict(self.guess.mapping),
            "reasons": [asdict(own) for own in self.guess.reasons],
            "questions": [asdict(own) for own in self.guess.questions],
            "confidence": self.guess.confidence,
            "fingerprint": self.fingerprint,
            "findings": [own.to_json() for own in self.findings],
            "owners": [list(own) for own in self.owners],
        }


def inspect(
    source: Path, spool: Path, limits: Limits = DEFAULT, *, name: str | None = None, table: str = ""
) -> Inspection:
    """Look at a file.

    Args:
        source: The file.
        spool: A folder for what is unpacked; removed afterwards.
        limits: What looking may cost.
        name: What the file is called.
        table: Which table of an archive to look at; the first one that is like most if left out.

    Raises:
        DataError: It cannot be read at all.
    """
    findings = Findings(limits.places)
    called = name or source.name
    try:
        with connect(limits, [source], spool) as connection:
            heads = heads_of(source, called, limits)
            tables = alike(heads) if len(heads) > 1 else None
            wanted = table or (tables.usual[0].name if tables is not None else "")
            for part in parts(source, called, spool, limits, findings, wanted):
                found = _look(connection, part, called, spool, limits, findings)
                if tables is not None:
                    found = replace(found, guess=asked_of_archive(found.guess, tables, findings))
                names = [head.name for head in heads] or [called]
                return replace(found, tables=tuple(names[:1_000]), findings=tuple(findings))
            raise DataError(f"there is no table '{shown(table)}'", code="MAPPING_MISMATCH", where=called)
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def _look(
    connection: duckdb.DuckDBPyConnection, part: Part, called: str, spool: Path, limits: Limits, findings: Findings
) -> Inspection:
    look = look_at(part, spool, limits, findings)

    def confirm(place: int, stamp: Stamp) -> Stamp:
        return stamp if look.text is None else _confirmed(connection, look.text, look.table, place, stamp, limits)

    layout = layout_of(look.table, part.stem)
    if layout is None and len(look.table.names) > limits.columns:
        raise too_wide(len(look.table.names), limits, part.name)
    found = guess(look.table, look.format, part.stem, Stamps(connection), confirm, layout)
    found = replace(found, mapping=replace(found.mapping, sheet=look.sheet, path=look.path))
    found = _with_encoding(found, look.encoding)
    _double_names(look.table, part.name, findings)
    for place, why in () if layout is None else layout.left_out:
        text = f"the column is left out: {why}"
        findings.add("SCHEMA_REQUIRED", text, part.name, "warning", column=look.table.names[place])
    return Inspection(
        name=called,
        format=look.format,
        table=part.name,
        tables=(),
        rows=look.table.rows[: min(SHOWN_ROWS, max(4, _SHOWN_CELLS // max(len(look.table.names), 1)))],
        kinds=look.table.kinds,
        guess=found,
        fingerprint=fingerprint_of(look.table, layout),
        findings=(),
        owners=() if layout is None else layout.owners,
    )


def fingerprint_of(table: Table, layout: Layout | None = None) -> str:
    """Return what a mapping of a table is remembered by: where instruments have columns of their own, by their fields.

    Only the user knows whether columns are closes: those of other instruments are asked again.
    """
    if layout is not None and not layout.asked:
        shared = (name for name, owner in zip(table.names, layout.owners, strict=True) if owner == ("", ""))
        return fingerprint(("instruments", *shared, "fields", *layout.fields))
    kinds = [
        kind if kind != "text" else ("number" if notation_of(table.column(place), table.dialect)[1] > 0.5 else "text")
        for place, kind in enumerate(table.kinds)
    ]
    return fingerprint(table.names, kinds)


def _confirmed(
    connection: duckdb.DuckDBPyConnection,
    text: csv_reader.Text,
    table: Table,
    place: int,
    stamp: Stamp,
    limits: Limits,
) -> Stamp:
    """Decide between day and month over all of the column."""
    plain = Mapping("csv", tuple(Column(p, "", "ignore") for p in range(len(table.names))), dialect=table.dialect)
    relation = csv_reader.relation(text, plain, ["VARCHAR"] * len(table.names), limits)
    form, other = stamp.formats[:2]
    _, first, second = whole_column(connection, relation, f"c{place}", form, other, ())
    connection.execute("DELETE FROM reject_errors; DELETE FROM reject_scans;")
    if first == second:
        return stamp
    best, share = (form, first) if first > second else (other, second)
    reason = f"{share:,} cells of the whole column are {best}, fewer are the other"
    return replace(stamp, formats=(best,), reason=reason)


def _with_encoding(found: Guess, encoding: Encoding) -> Guess:
    sure = 1.0 if encoding.sure else 0.5
    reasons = (*found.reasons, Reason("dialect.encoding", encoding.name, sure, encoding.reason))
    questions = found.questions
    if not encoding.sure:
        names = (encoding.name, *encoding.others)
        shown = ", ".join(f"'{word}' in {name}" for word, name in zip(encoding.reads, names, strict=False))
        text = f"In which encoding is the text? It has {shown}." if shown else f"Is the text {encoding.name}?"
        ask = Question("dialect.encoding", text, names)
        questions = (*questions, ask)
    return replace(found, reasons=reasons, questions=questions)


def _double_names(table: Table, name: str, findings: Findings) -> None:
    seen: dict[str, int] = {}
    for place, own in enumerate(table.names):
        key = own.strip().casefold()
        if key and key in seen:
            message = f"columns {seen[key] + 1} and {place + 1} have the same name"
            findings.add("SCHEMA_DUP_COLUMN", message, name, column=own)
        seen.setdefault(key, place)


