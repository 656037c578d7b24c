"""The bars that sessions should have, numbered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from alphintra.rules.hours import Hours

I64 = npt.NDArray[np.int64]


class BarCounter:
    """Numbers the bars of a market's sessions, from their opens on.

    Args:
        hours: The market.
        step: Microseconds of a bar.

    Attributes:
        step: As given.
        session_bars: Bars of each session.
    """

    def __init__(self, hours: Hours, step: int) -> None:
        self.step = step
        self._opens, closes, self._of = hours.parts
        self._bars = -(-(closes - self._opens) // step)
        self._before = np.append(0, np.cumsum(self._bars))
        self.session_bars = np.zeros(len(hours.session), dtype=np.int64)
        np.add.at(self.session_bars, self._of, self._bars)
        self._before_session = np.append(0, np.cumsum(self.session_bars))

    def between(self, start: I64, end: I64) -> I64:
        """Return how many bars begin from ``start`` and before ``end``, in the sessions in which these lie."""
        count = self._number(end) - self._number(start)
        first, last = self._session(start - self.step), self._session(end)
        whole = self._before_session[last] - self._before_session[np.minimum(first + 1, last)]
        out: I64 = np.maximum(count - whole, 0)
        return out

    def next_bar(self, time: int) -> int:
        """Return when the first bar begins that is not before a time."""
        number = int(self._number(np.array([time]))[0])
        part = int(np.searchsorted(self._before, number, side="right")) - 1
        return int(self._opens[part]) + (number - int(self._before[part])) * self.step

    def _number(self, time: I64) -> I64:
        """Return how many bars begin before a time."""
        part = np.maximum(np.searchsorted(self._opens, time, side="right") - 1, 0)
        inside = np.clip(-(-(time - self._opens[part]) // self.step), 0, self._bars[part])
        out: I64 = self._before[part] + inside
        return out

    def _session(self, time: I64) -> I64:
        found: I64 = self._of[np.maximum(np.searchsorted(self._opens, time, side="right") - 1, 0)]
        return found
