"""From staging to reference data: each row is an event, checked, with when it was known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra.data.market import DAY_US
from alphintra.errors import DataError
from alphintra.ingest.findings import Findings, shown
from alphintra.ingest.mapping import EX_DATE, WIDE, Mapping, Role
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
_NEVER = -(1 << 63)


def _is_nothing(kind: str, value: float | None) -> bool:
    """Tell whether a cell of a column of one kind of event says that nothing happened: some write 1 for no split."""
    return value is None or math.isnan(value) or value == 0 or (kind == "split" and value == 1)


def _may_be(table: Any, name: str) -> Any:
    """Return for each row whether a column of one kind of event holds anything."""
    return table[name].fill_null(0.0).to_numpy() != 0.0


class EventRows:
    """Makes reference data of the rows of a file, an instrument at a time.

    A row that cannot be is left out, and found (``EVENT_ROW``). One that is there already, in the file or before it,
    is there once. Where splits and dividends have columns of their own, a row is an event of each that happened.

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
        self._wide = mapping.of(*WIDE)
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
            for at, row in (row for _, rows in tables for row in rows):
                for fact in self._facts(symbol, row):
                    self._take(at, row, fact, found)
            if found:
                yield list(found.values())
        while waiting is not None:
            yield waiting[1]
            waiting = next(self._before, None)

    def staged(self) -> Staged:
        """Return what was read, with what was found in its events."""
        counts = dict(Counter(self._staged.counts) + self._findings.counts)
        return replace(self._staged, findings=(*self._staged.findings, *self._findings), counts=counts)

    def refusal(self) -> DataError:
        """Return the error for a file of which no row is left."""
        found = (own for own in (*self._findings, *self._staged.findings) if own.severity == "error")
        first = next(found, None)
        if first is None:
            text = "no row has a split or a dividend" if self._wide else "there are no rows"
            return DataError(text, code="NO_ROWS", where=self._name, hint="Check what each column is.")
        return DataError(f"no row could be read: {first.message}", code=first.rule, where=first.where)

    def _rows(self) -> Iterator[tuple[str, list[tuple[int, dict[str, Any]]]]]:
        """Yield the rows in which something happened, each with its place among all."""
        from alphintra.store.staging import staged_rows

        first = 0
        for symbol, whole_table in staged_rows(self._staged.files):
            table, places = whole_table, np.arange(len(whole_table))
            if self._wide:
                places = np.flatnonzero(np.any([_may_be(table, own.name) for own in self._wide], axis=0))
                table = table.take(places)
            columns = {}
            for field in table.schema:
                whole = _INTEGERS.get(str(field.type))
                own = table[field.name]
                columns[field.name] = (own if whole is None else own.cast(whole)).to_pylist()
            names = list(columns)
            rows = (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))
            yield symbol, list(zip((places + first).tolist(), rows, strict=True))
            first += len(whole_table)

    def _take(self, at: int, row: dict[str, Any], fact: Fact, found: dict[Key, Fact]) -> None:
        """Keep what a row says, or say why not."""
        why = reference.wrong(fact) if fact.known_from != _NEVER else ("known_from", _UNKNOWN)
        if why is None:
            other = found.setdefault(reference.key(fact), fact)
            self.added += other is fact
            text = reference.conflict(other, fact)
            if text is not None:
                hint = "Add up what is paid on one day; a correction has its own, later time of knowledge."
                why = ("kind", DataError(text, hint=hint))
        if why is not None:
            self._find(at, row, fact, *why)

    def _facts(self, symbol: str, row: dict[str, Any]) -> Iterator[Fact]:
        """Yield what a row says, as it is; known from ``_NEVER`` where nothing says from when."""
        given = {role: row[column.name] for role, column in self._columns.items() if column.name in row}
        ex = row["date"]
        known_from = given.get("known_at")
        if known_from is None:
            known_from = ex * DAY_US if self._mapping.known_from == EX_DATE else self._rule
        if known_from is None:
            known_from = _NEVER
        known_to = given.get("known_to")
        if known_to is not None and known_to >= NEVER_US:
            known_to = None
        source = str(given.get("source") or self._name)[: reference.MOST_SOURCE]
        happened = [(str(given.get("event") or "").casefold(), given.get("value"))]
        if self._wide:
            happened = [(own.role, row[own.name]) for own in self._wide if not _is_nothing(own.role, row[own.name])]
        for kind, value in happened:
            own = math.nan if value is None else value
            yield Fact(symbol, ex, known_from, kind, own, given.get("new_symbol"), known_to, source)

    def _find(self, at: int, row: dict[str, Any], fact: Fact, field: str, error: DataError) -> None:
        file, number, line = self._place(at, row)
        one_kind = self._wide and field in ("kind", "value")
        column = next((own for own in self._wide if own.role == fact.kind), None) if one_kind else (
            self._columns.get(_ROLES[field])
        )  # fmt: skip
        told = None if column is None else column.source or f"column {column.position + 1}"
        text = f"{error.message}{'' if error.hint is None else '. ' + error.hint}"
        when = str(np.datetime64(row["date"], "D"))
        self._findings.add(
            RULE, shown(text, 250), file, row=number, line=line, column=told, symbol=fact.instrument, time=when
        )  # fmt: skip

    def _place(self, order: int, row: dict[str, Any]) -> tuple[str, int | None, int | None]:
        """Return file, row and line of a row."""
        sources = self._staged.sources
        if ROW in row:
            source, number = sources[row.get(FILE, 0)], int(row[ROW])
        else:
            for source in sources:
                if order < source.rows:
                    break
                order -= source.rows
            number = int(source.row_of(np.array([order]))[0])
        return source.name, number, None if source.first_line is None else source.first_line + number - 1
