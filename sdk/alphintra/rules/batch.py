"""Rows of one symbol as the rules see them: arrays without copies, and what several rules need of them, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.data.arrow import whole
from alphintra.rules.facts import DAY_US, Facts
from alphintra.rules.places import Place, Unlocated
from alphintra.rules.session_rows import SessionRows
from alphintra.store.columns import raw_values, validity
from alphintra.store.hashing import with_nan
from alphintra.store.statistics import time_text

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Steps:
    """Times between rows and those before them.

    Attributes:
        step: Microseconds, one for each row; of the first row of a symbol 0.
        first: The first row that has one before it: 0 or 1.
        odd: Rows whose step is not that of the time frame; all from ``first`` on where it has none.
    """

    step: I64
    first: int
    odd: I64


class Batch:
    """Rows of one symbol that follow each other.

    Args:
        facts: What is stated of them.
        symbol: Their symbol.
        table: The rows, an Arrow table.
        start: Number of the first one among the symbol's, from 0.
        at: Its number among all rows.
        last_time: Time of the symbol's row before, microseconds; ``None`` for its first rows.
    """

    def __init__(self, facts: Facts, symbol: str, table: Any, start: int, at: int, last_time: int | None) -> None:
        self.facts, self.symbol, self.table = facts, symbol, table
        self.start, self.at = start, at
        self._kept: dict[str, F64] = {}
        self.last_time = last_time

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.table)

    @cached_property
    def raw_times(self) -> npt.NDArray[Any]:
        """Times as they are stored: int64 microseconds, or int32 days."""
        return raw_values(self.table[self.facts.time.name])

    @cached_property
    def times(self) -> I64:
        """Times as int64 microseconds UTC; of a date, its midnight."""
        raw = self.raw_times
        return raw if self.facts.time.type != "date32" else raw.astype(np.int64) * DAY_US

    @cached_property
    def days(self) -> I64:
        """Dates as int64 days since 1970."""
        return self.raw_times.astype(np.int64) if self.facts.time.type == "date32" else self.times // DAY_US

    @property
    def end_time(self) -> int:
        """Time of the last row."""
        return int(self.times[-1])

    @cached_property
    def steps(self) -> Steps:
        """Times between rows."""
        times = self.times
        step = np.empty(len(times), dtype=np.int64)
        np.subtract(times[1:], times[:-1], out=step[1:])
        first = 1 if self.last_time is None else 0
        step[0] = 0 if self.last_time is None else times[0] - self.last_time
        wanted = self.facts.step
        odd = np.arange(len(step)) if wanted is None else np.flatnonzero(step != wanted)
        return Steps(step, first, odd[odd >= first] if first else odd)

    @cached_property
    def sessions(self) -> SessionRows | None:
        """Which session rows are in; ``None`` where none are known."""
        if self.facts.hours is None or self.facts.longer:
            return None
        if self.facts.daily:
            return SessionRows.of_days(self.facts.hours, self.days)
        label = "ticks" if self.facts.kind == "ticks" else self.facts.label
        return SessionRows.of_times(self.facts.hours, self.times, label)

    @cached_property
    def day_starts(self) -> I64:
        """First row of each UTC date."""
        if self.facts.time.type != "date32":
            first, last = int(self.times[0] // DAY_US), int(self.times[-1] // DAY_US)
            if 16 * (last - first) < len(self):
                edges = np.searchsorted(self.times, np.arange(first + 1, last + 1) * DAY_US)
                return np.unique(np.concatenate([np.zeros(1, dtype=np.int64), edges]))
        return np.concatenate([np.zeros(1, dtype=np.int64), np.flatnonzero(np.diff(self.days)) + 1])

    def numbers(self, name: str) -> F64:
        """Return a column as float64, NaN where a value is missing."""
        found = self._kept.get(name)
        if found is None:
            array = whole(self.table[name])
            valid = validity(array)
            found = raw_values(array) if valid is None else with_nan(array, valid)
            # What is compiled takes aligned numbers; a buffer from elsewhere may begin anywhere.
            found = self._kept[name] = np.require(found, np.float64, ["C", "A"])
        return found

    def of(self, role: str) -> F64 | None:
        """Return the column with a role, or ``None``."""
        name = self.facts.name(role)
        return None if name is None else self.numbers(name)

    def time_text(self, row: int) -> str:
        """Return a row's time as ISO text."""
        return time_text(int(self.raw_times[row]), self.facts.time.type)

    def places(self, rows: Sequence[int]) -> list[Place]:
        """Return rows as places; of a file's, where its rows are not numbered, the place is told at the end."""
        return [self._place(row, self.symbol, self.time_text(row)) for row in rows]

    def _place(self, row: int, symbol: str, time: str) -> Place:
        facts = self.facts
        if not facts.staged:
            return Place(symbol=symbol, time=time)
        if not facts.numbered:
            return Unlocated(symbol=symbol, time=time, at=self.at + row)
        several = "_file" in self.table.column_names
        source = facts.sources[int(self.table["_file"][row].as_py()) if several else 0]
        number = int(self.table["_row"][row].as_py())
        line = None if source.first_line is None else source.first_line + number - 1
        return Place(source.name, number, line, symbol=symbol, time=time)
