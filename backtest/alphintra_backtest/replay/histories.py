"""How the account and a strategy's numbers came to be what they are at the bar where a replay stands."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .strategy_state import OF_THE_RUN

if TYPE_CHECKING:
    from alphintra_backtest.session import Session

    from .timeline import Line

F64 = npt.NDArray[np.float64]

#: Points of a small curve.
POINTS = 60


class Values:
    """The last values of a strategy's numbers at the bars where the replay stood, by attribute."""

    def __init__(self) -> None:
        self._of: dict[str, deque[tuple[int, float]]] = {}

    def note(self, instance: Any, bar: int) -> None:
        """Keep the numbers of a bar; what was kept of it and of later ones is forgotten."""
        for name, value in vars(instance).items():
            if name in OF_THE_RUN or isinstance(value, bool) or not isinstance(value, int | float | np.number):
                continue
            kept = self._of.get(name)
            if kept is None:
                kept = self._of[name] = deque(maxlen=POINTS)
            while kept and kept[-1][0] >= bar:
                kept.pop()
            kept.append((bar, float(value)))

    def of(self, name: str, bar: int) -> list[float | None]:
        """Values up to a bar, at most :data:`POINTS`."""
        return [value if math.isfinite(value) else None for at, value in self._of.get(name, ()) if at <= bar]


class Account:
    """Equity at the close of each timestamp, of the run and of its branches.

    Args:
        ended: The session of the whole run at its end; ``None`` where it did not come to one.
    """

    def __init__(self, ended: Session | None) -> None:
        self._ended = ended
        self._whole: F64 | None = None

    def equity(self, line: Line, session: Session) -> F64:
        """(bar + 1,) equity up to the bar where the session stands, on a line of the run."""
        bar = session.cursor.i
        if line.equity is None:
            self._begin(line, len(session.grid.time))
        known = line.equity
        assert known is not None
        if bar > line.valued + 1:
            known[line.valued + 1 : bar] = _valued(session)[line.valued + 1 : bar]
        if bar >= 0:
            known[bar] = session.equity()
        line.valued = max(line.valued, bar)
        return known[: bar + 1]

    def _begin(self, line: Line, count: int) -> None:
        """What a line knows beforehand: the run all, a branch what it shares with what it comes of."""
        if line.parent is None:
            if self._whole is None and self._ended is not None:
                self._whole = _valued(self._ended)
            line.equity = np.full(count, np.nan) if self._whole is None else self._whole
            line.valued = -1 if self._whole is None else count - 1
            return
        line.equity = np.full(count, np.nan)
        if line.parent.equity is not None and line.parent.valued >= line.start:
            line.equity[: line.start + 1] = line.parent.equity[: line.start + 1]
            line.valued = line.start


def drawdowns(curve: F64, start: float) -> F64:
    """(n,) the last drawdowns of an equity curve (M4), at most :data:`POINTS`."""
    last = curve[-POINTS:]
    before = max(start, float(curve[:-POINTS].max())) if len(curve) > POINTS else start
    return last / np.maximum.accumulate(np.maximum(last, before)) - 1.0


def _valued(session: Session) -> F64:
    """(T,) equity at each close, as a result has it."""
    count, books = len(session.grid.time), session.books
    used = books.used.copy()  # the core counts in it
    own, cash, exposure = (np.zeros(count) for _ in range(3))
    given = session.calls.m, session.calls.b, session.config.cash
    session.core.value(*given, own, cash, exposure, np.zeros(count, dtype=np.bool_), np.zeros(1, dtype=np.int64))
    books.used[:] = used
    return own


def thinned(values: F64) -> list[float | None]:
    """At most :data:`POINTS` of the last values, for a small curve."""
    last = values[-POINTS:].tolist()
    return [value if math.isfinite(value) else None for value in last]
