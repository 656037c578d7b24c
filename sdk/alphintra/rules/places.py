"""Where rules fired: all places are counted, the first ones of each rule kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra.ingest.findings import Severity
from alphintra.rules.rule import Rule, gravest

if TYPE_CHECKING:
    from alphintra.ingest.sorting import Source
    from alphintra.rules.batch import Batch

MOST_PLACES = 1_000
"""Places that are kept of each rule."""
MOST_TEXT = {"file": 1_024, "column": 200, "symbol": 128, "time": 40, "message": 300}
"""Characters of what a place says; more are cut off."""
Rows = npt.NDArray[np.int64] | Sequence[int]
Message = Callable[[int], str] | str | None
Parts = list[tuple[Rows, Message, str | None]]
"""Rows, what is wrong with them, and the column that is meant."""


@dataclass(frozen=True)
class Place:
    """One place at which a rule fired; ``None`` where that is not known or says nothing.

    Attributes:
        file: File, or member of an archive.
        row: Row of data, from 1 below the header.
        line: Line of the file, from 1.
        column: Name of the column.
        symbol: Symbol of the row.
        time: Its time in ISO 8601, as it is stored.
        message: What is wrong there.
    """

    file: str | None = None
    row: int | None = None
    line: int | None = None
    column: str | None = None
    symbol: str | None = None
    time: str | None = None
    message: str | None = None

    def called(self, column: str | None, message: str | None) -> Place:
        """Return the same row with another column and message."""
        return replace(self, column=column, message=message)


@dataclass(frozen=True)
class Unlocated(Place):
    """A place of which file, row and line are known only when all of the file was read.

    Attributes:
        at: Number of its row among all rows that are checked, from 0.
    """

    at: int = 0

    def located(self, sources: Sequence[Source]) -> Place:
        """Return the place in the file of which its row came."""
        order = self.at
        file = row = line = None
        for source in sources:
            if order < source.rows:
                file, row = source.name, int(source.row_of(np.array([order]))[0])
                line = None if source.first_line is None else source.first_line + row - 1
                break
            order -= source.rows
        return Place(file, row, line, self.column, self.symbol, self.time, self.message)


def first_cells(batch: Batch, parts: Parts, room: int) -> list[Place]:
    """Return the first places of rows of several columns, row after row."""
    found = [
        (int(row), number, i) for number, (rows, _, _) in enumerate(parts) for i, row in enumerate(rows[: max(0, room)])
    ]
    out = []
    for row, number, i in sorted(found)[: max(0, room)]:
        _, message, column = parts[number]
        text = message(i) if callable(message) else message
        out.append(batch.places([row])[0].called(column, text))
    return out


def _short(place: Place) -> Place:
    """Cut off what is too long."""
    texts: dict[str, Any] = {name: getattr(place, name) or "" for name in MOST_TEXT}
    long = {name: text[: MOST_TEXT[name] - 1] + "…" for name, text in texts.items() if len(text) > MOST_TEXT[name]}
    return replace(place, **long) if long else place


@dataclass
class _Found:
    severity: Severity
    count: int = 0
    places: list[Place] = field(default_factory=list)
    gravest: Severity | None = None


class Found:
    """Takes what is found.

    Args:
        rules: The rules that are checked; what others find is not kept.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._found = {rule.id: _Found(rule.severity) for rule in rules}

    def wants(self, *rules: str) -> bool:
        """Tell whether one of some rules is checked."""
        return any(rule in self._found for rule in rules)

    def room(self, rule: str) -> int:
        """Return how many more places of a rule are kept."""
        own = self._found.get(rule)
        return 0 if own is None else MOST_PLACES - len(own.places)

    def rows(
        self,
        rule: str,
        batch: Batch,
        rows: Rows,
        message: Message = None,
        column: str | None = None,
        severity: Severity | None = None,
    ) -> None:
        """Count rows of a batch, and keep the first ones.

        Args:
            rule: The rule.
            batch: The batch.
            rows: Its rows, in order.
            message: What is wrong, or what says it for a place among ``rows``.
            column: The column that is meant.
            severity: How grave it is, if not as the rule says.
        """
        self.cells(rule, batch, [(rows, message, column)], severity)

    def cells(
        self,
        rule: str,
        batch: Batch,
        parts: Parts,
        severity: Severity | None = None,
    ) -> None:
        """Count rows of several columns, as of :meth:`rows`, and keep the first ones: row after row."""
        count = sum(len(rows) for rows, _, _ in parts)
        if rule in self._found and count:
            self.add(rule, first_cells(batch, parts, self.room(rule)), count, severity)

    def add(
        self,
        rule: str,
        places: Sequence[Place],
        count: int | None = None,
        severity: Severity | None = None,
        *,
        first: bool = False,
    ) -> None:
        """Count places.

        Args:
            rule: The rule.
            places: Places, in order; those beyond the first ones are not kept.
            count: How many there are, if more than are given.
            severity: How grave they are, if not as the rule says.
            first: Whether they stand before those that are there.
        """
        own = self._found.get(rule)
        if own is None:
            return
        more = len(places) if count is None else count
        if not more:
            return
        if first:
            own.places = [*map(_short, places[:MOST_PLACES]), *own.places][:MOST_PLACES]
        else:
            own.places += map(_short, places[: MOST_PLACES - len(own.places)])
        own.count += more
        grave = severity or own.severity
        own.gravest = grave if own.gravest is None else gravest(own.gravest, grave)

    def locate(self, sources: Sequence[Source]) -> None:
        """Say of each place where it is in these tables, whose rows were checked in their order."""
        for own in self._found.values():
            own.places = [
                _short(place.located(sources)) if isinstance(place, Unlocated) else place for place in own.places
            ]

    def of(self, rule: str) -> tuple[int, tuple[Place, ...], Severity]:
        """Return how often a rule fired, its first places, and how grave the gravest is."""
        own = self._found[rule]
        return own.count, tuple(own.places), own.gravest or own.severity
