"""How the account and a strategy's numbers came to be what they are at the bar where a replay stands."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from .strategy_state import OF_THE_RUN

if TYPE_CHECKING:
    import numpy.typing as npt

    from alphintra_backtest.session import Session

    from .timeline import Line

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


def equity(line: Line, session: Session, bar: int) -> npt.NDArray[np.float64]:
    """(bar + 1,) equity at the close of each timestamp up to ``bar``, where the session stands."""
    if line.equity is None:
        line.equity = np.full(len(session.grid.time), np.nan)
        if line.parent is not None and line.parent.equity is not None and line.parent.valued >= line.start:
            line.equity[: line.start + 1] = line.parent.equity[: line.start + 1]
            line.valued = line.start
    known = line.equity
    if bar == line.valued + 1 and bar > 0:
        known[bar] = session.core.equity_at(session.calls.m, session.calls.b, bar, False)
    elif bar > line.valued:
        known[line.valued + 1 : bar + 1] = _valued(session)[line.valued + 1 : bar + 1]
    line.valued = max(line.valued, bar)
    return known[: bar + 1]


def _valued(session: Session) -> npt.NDArray[np.float64]:
    """(T,) equity at each close, as a result has it."""
    count, books = len(session.grid.time), session.books
    used = books.used.copy()  # the core counts in it
    own, cash, exposure = (np.zeros(count) for _ in range(3))
    given = session.calls.m, session.calls.b, session.config.cash
    session.core.value(*given, own, cash, exposure, np.zeros(count, dtype=np.bool_), np.zeros(1, dtype=np.int64))
    books.used[:] = used
    return own


def thinned(values: npt.NDArray[np.float64]) -> list[float | None]:
    """At most :data:`POINTS` of the last values, for a small curve."""
    last = values[-POINTS:].tolist()
    return [value if math.isfinite(value) else None for value in last]
