"""How many rows there are on each day, over all symbols: what a calendar of a dataset shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.data.market import DAY_US
from alphintra.store.statistics import Bins, time_text

#: A century by days. What is longer is told by weeks, or several: any two days have not as many rows as two others.
_MOST_SHOWN = 40_000
_WEEK = 7
#: Some five centuries: times that lie further apart are a mistake, and have no calendar.
_MOST_DAYS = 200_000


class Coverage:
    """Counts rows by day, in UTC.

    Args:
        kind: Type of the time: ``date32`` or a timestamp.
    """

    def __init__(self, kind: str) -> None:
        self._unit = 1 if kind == "date32" else DAY_US
        self._days = Bins()
        self._known = True

    def add(self, times: npt.NDArray[Any]) -> None:
        """Take the next times, of one symbol and in order."""
        if not self._known or not len(times):
            return
        first, last = int(times[0]) // self._unit, int(times[-1]) // self._unit
        low, high = self._days.ends()
        if max(last, high if high is not None else last) - min(first, low if low is not None else first) > _MOST_DAYS:
            self._known = False
            return
        self._days.add(times.astype(np.int64) // self._unit)

    def to_json(self) -> dict[str, Any] | None:
        """Return the first day, how many days a count is of, and the counts; ``None`` if days are too far apart."""
        numbers, filled = self._days.filled()
        if not self._known or not len(numbers):
            return None
        counts = np.zeros(int(numbers[-1] - numbers[0]) + 1, dtype=np.int64)
        counts[numbers - numbers[0]] = filled
        days = 1 if len(counts) <= _MOST_SHOWN else -(-len(counts) // (_MOST_SHOWN * _WEEK)) * _WEEK
        sums = np.add.reduceat(counts, np.arange(0, len(counts), days))
        return {"first": time_text(int(numbers[0]), "date32"), "days": days, "counts": sums.tolist()}

    def state(self) -> list[int] | None:
        """Return all of it as JSON, from which another goes on."""
        return self._days.state() if self._known else None

    def restore(self, state: list[int] | None) -> None:
        """Go on where another left off."""
        self._known = state is not None
        if state is not None:
            self._days.restore(state)
