"""What a replay can run to: the next order, fill, trade or refusal, or an expression that becomes true."""

from __future__ import annotations

import sys
import time as clock
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest import codes

from .failing_expression import failing

if TYPE_CHECKING:
    from alphintra_backtest.session import Session

    from .replay import Replay

#: Names of events.
EVENTS = ("order", "fill", "trade", "refusal")
#: How an order ends that somebody wanted and did not get.
_REFUSED = (codes.REJECTED,)
_REFUSED_AT_FILL = (codes.NO_FUNDS_AT_FILL,)


class Event:
    """Tells whether an event has happened since the last look.

    Args:
        name: One of :data:`EVENTS`.
        session: Where it is to happen.
    """

    def __init__(self, name: str, session: Session) -> None:
        self._name = name
        self._session = session
        self._seen = int(session.books.registers[codes.S_EVENTS])
        self._before = self._count()

    def __call__(self) -> bool:
        """Look."""
        now = self._count()
        happened, self._before = now > self._before, now
        return happened

    def _count(self) -> int:
        reg = self._session.books.registers
        if self._name == "order":
            return int(reg[codes.S_ORDERS])
        if self._name == "fill":
            return int(reg[codes.S_FILLS])
        if self._name == "trade":
            return len(self._session.book.closed)
        seen, self._seen = self._seen, int(reg[codes.S_EVENTS])
        return getattr(self, "_before", 0) + int(_refusals(self._session.books.ev[seen : self._seen]).sum())


class Condition:
    """Tells whether an expression over ``self`` and the names of the strategy's module or notebook is true.

    Args:
        text: As it was written.
        code: As :func:`compiled` made it.
        replay: Whose strategy it looks at.
    """

    def __init__(self, text: str, code: CodeType, replay: Replay) -> None:
        self._text = text
        self._code = code
        self._replay = replay
        module = sys.modules.get(replay.setup.strategy.__module__)
        self._names: dict[str, Any] = {} if module is None else vars(module)

    def __call__(self) -> bool:
        """Look.

        Raises:
            ReplayError: ``EXPRESSION_FAILED``: it raised; ````EXPRESSION_ACTED``: it changed orders.
        """
        from alphintra.errors import ReplayError

        replay = self._replay
        try:
            # The trader's own expression, in their own process.
            yes = bool(eval(self._code, self._names, {"self": replay.strategy}))
        except Exception as error:
            seen = {**self._names, "self": replay.strategy}
            raise failing("the expression", self._text, error, seen, f"bar of {replay.time:%Y-%m-%d %H:%M}") from error
        if replay._session.pending or any(order >= 0 for order in replay._session.touched):
            raise ReplayError(
                f"until({self._text!r}) changed an order", code="EXPRESSION_ACTED", hint="an expression only looks"
            )
        return yes


def search(replay: Replay, last: int, found: Condition | Event) -> bool:
    """Walk bar by bar to where something holds, before the timestamp ``last``; whether it does."""
    from alphintra.errors import ReplayError

    track = replay._track
    began = clock.perf_counter()
    while replay.bar + 1 < last and not replay.done:
        track.walk(replay.bar + 2)
        try:
            if found():
                return True
        except ReplayError as error:
            if error.code == "EXPRESSION_ACTED":
                track.again()
            raise
        if clock.perf_counter() - began > track.spacing:
            track.keep()
            began = clock.perf_counter()
    return False


def _refusals(events: Any) -> Any:
    """Which rows of the event log refuse an order."""
    state, reason = events[:, codes.E_STATE], events[:, codes.E_REASON]
    return np.isin(state, _REFUSED) | ((state == codes.CANCELLED) & np.isin(reason, _REFUSED_AT_FILL))


@dataclass(frozen=True)
class Logged:
    """How many orders, fills and events a session had logged."""

    orders: int
    fills: int
    events: int

    @classmethod
    def of(cls, session: Session) -> Logged:
        """As it is now."""
        reg = session.books.registers
        return cls(reg[codes.S_ORDERS], reg[codes.S_FILLS], reg[codes.S_EVENTS])


def bars_of(event: str, session: Session, logged: Logged) -> Any:
    """(n,) the bars at which an order, fill or refusal happened, increasing, in a session that has come to its end.

    What was ``logged`` before its end counts; ``on_stop`` and ``close_at_end`` come after the last bar. A trade is not
    among them: the bar at which a round trip began to close is in no log.
    """
    books = session.books
    if event == "order":
        bars = books.oi[: logged.orders, codes.I_BAR]
    elif event == "fill":
        bars = books.fi[: logged.fills, codes.L_BAR]
    else:
        events = books.ev[: logged.events]
        bars = events[_refusals(events), codes.E_BAR]
    return np.unique(bars)


def compiled(expression: str) -> CodeType:
    """An expression as code.

    Raises:
        ReplayError: It is no expression.
    """
    from alphintra.errors import ReplayError

    try:
        return compile(expression.strip(), "<until>", "eval")
    except (SyntaxError, ValueError) as error:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ReplayError(
            f"{expression!r} is no expression: {said}",
            code="BAD_EXPRESSION",
            hint=f"write Python over self, such as 'self.equity < 90_000', or one of {', '.join(EVENTS)}",
        ) from None
