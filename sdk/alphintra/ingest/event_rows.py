"""From staging to reference data: each row is an event, checked, with when it was known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra.data.market import DAY_US
from alphintra.errors import DataError
from alphintra.ingest.findings import Findings, shown
from alphintra.ingest.mapping import EX_DATE, Mapping, Role
from alphintra.ingest.sorting import FILE, ROW
from alphintra.store import reference
from alphintra.store.reference import Fact

if TYPE_CHECKING:
    from alphintra.ingest.reading import Staged

RULE = "EVENT_ROW"
MOST_PLACES = 1_000
NEVER_US = 253_402_214_400_000_000
"""9999-12-31, 00:00 UTC: who writes that it was withdrawn then means that it was not."""
Key = tuple[str, int, str, int]
_ROLES: dict[str, Role] = {
    "kind": "event", "value": "value", "text": "new_symbol", "known_from": "known_at", "known_to": "known_to",
}  # fmt: skip
"""Role of the column that a field of a row comes from."""
_UNKNOWN = DataError(
    "nothing says from when it was known", hint="Fill the cell, or say that events were known from their own date on."
)
_INTEGERS = {"date32[day]": "int32", "timestamp[us, tz=UTC]": "int64"}


class EventRows:
    """Makes reference data of the rows of a file, an instrument at a time.

    A row that cannot be is left out, and found (``EVENT_ROW``). One that is there already, in the file or before it,
    is there once.

    Args:
        staged: What was read.
        mapping: By which.
        name: What findings call the file; the source of rows that name none.
        before: Instruments in the order of a version, each with the rows that it has already.

    Attributes:
        added: How many rows were not there before.
    """

    def __init__(
        self, staged: Staged, mapping: Mapping, name: str, before: Iterable[tuple[str, list[Fact]]] = ()
    ) -> None:
        self._staged, self._mapping, self._name, self._before = staged, mapping, name, iter(before)
        self._findings = Findings(MOST_PLACES)
        self._columns = {column.role: column for column in mapping.columns}
        self._rule = None if mapping.known_from == EX_DATE else reference.instant(mapping.known_from or None, EX_DATE)
        self._at = 0
        self.added = 0

    def instruments(self) -> Iterator[list[Fact]]:
        """Yield all rows of each instrument, those before among them, in the order of a version."""
        waiting = next(self._before, None)
        for symbol, tables in groupby(self._rows(), lambda item: item[0]):
            while waiting is not None and waiting[0].encode() < symbol.encode():
                yield waiting[1]
                waiting = next(self._before, None)
            found: dict[Key, Fact] = {}
            if waiting is not None and waiting[0] == symbol:
                found = {reference.key(fact): fact for fact in waiting[1]}
                waiting = next(self._before, None)
            for row in (row for _, rows in tables for row in rows):
                self._take(symbol, row, found)
            if found:
                yield list(found.values())
        while waiting is not None:
            yield waiting[1]
            waiting = next(self._before, None)

    def staged(self) -> Staged:
        """Return what was read, with what was found in its events."""
        counts = self._staged.counts | dict(self._findings.counts)
        return replace(self._staged, findings=(*self._staged.findings, *self._findings), counts=counts)

    def refusal(self) -> DataError:
        """Return the error for a file of which no row is left."""
        first = next(iter(self._findings), None)
        if first is None:
            return DataError("there are no rows", code="NO_ROWS", where=self._name)
        return DataError(f"no row could be read: {first.message}", code=first.rule, where=first.where)

    def _rows(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        from alphintra.store.staging import staged_rows

        for symbol, table in staged_rows(self._staged.files):
            columns = {}
            for field in table.schema:
                whole = _INTEGERS.get(str(field.type))
                own = table[field.name]
                columns[field.name] = (own if whole is None else own.cast(whole)).to_pylist()
            names = list(columns)
            yield symbol, [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _take(self, symbol: str, row: dict[str, Any], found: dict[Key, Fact]) -> None:
        """Keep one row, or say why not; ``_at`` is its place among all rows."""
        fact = self._fact(symbol, row)
        why = reference.wrong(fact) if fact is not None else ("known_from", _UNKNOWN)
        if why is None:
            assert fact is not None
            other = found.setdefault(reference.key(fact), fact)
            self.added += other is fact
            text = reference.conflict(other, fact)
            if text is not None:
                hint = "Add up what is paid on one day; a correction has its own, later time of knowledge."
                why = ("kind", DataError(text, hint=hint))
        if why is not None:
            self._find(symbol, row, *why)
        self._at += 1

    def _fact(self, symbol: str, row: dict[str, Any]) -> Fact | None:
        """Return a row as it is; ``None`` where nothing says when it was known."""
        given = {role: row[column.name] for role, column in self._columns.items() if column.name in row}
        ex, value = row["date"], given.get("value")
        known_from = given.get("known_at")
        if known_from is None:
            known_from = ex * DAY_US if self._mapping.known_from == EX_DATE else self._rule
        if known_from is None:
            return None
        known_to = given.get("known_to")
        if known_to is not None and known_to >= NEVER_US:
            known_to = None
        source = str(given.get("source") or self._name)[: reference.MOST_SOURCE]
        kind = str(given.get("event") or "").casefold()
        return Fact(
            symbol, ex, known_from, kind, math.nan if value is None else value, given.get("new_symbol"),
            known_to, source,
        )  # fmt: skip

    def _find(self, symbol: str, row: dict[str, Any], field: str, error: DataError) -> None:
        file, number, line = self._place(row)
        column = self._columns.get(_ROLES[field])
        told = None if column is None else column.source or f"column {column.position + 1}"
        text = f"{error.message}{'' if error.hint is None else '. ' + error.hint}"
        when = str(np.datetime64(row["date"], "D"))
        self._findings.add(
            RULE, shown(text, 250), file, row=number, line=line, column=told, symbol=symbol, time=when
        )  # fmt: skip

    def _place(self, row: dict[str, Any]) -> tuple[str, int | None, int | None]:
        """Return file, row and line of a row."""
        sources = self._staged.sources
        if ROW in row:
            source, number = sources[row.get(FILE, 0)], int(row[ROW])
        else:
            order = self._at
            for source in sources:
                if order < source.rows:
                    break
                order -= source.rows
            number = int(source.row_of(np.array([order]))[0])
        return source.name, number, None if source.first_line is None else source.first_line + number - 1
