"""What a replay can run to: the next order, fill, trade or refusal, or an expression that becomes true."""

from __future__ import annotations

import sys
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest import codes

if TYPE_CHECKING:
    from alphintra_backtest.session import Session

#: Names of events.
EVENTS = ("order", "fill", "trade", "refusal")
#: How an order ends that somebody wanted and did not get.
_REFUSED = (codes.REJECTED,)
_REFUSED_AT_FILL = (codes.NO_FUNDS_AT_FILL,)


class Counts:
    """How often each event has happened in a session so far."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._refused = 0
        self._seen = 0

    def of(self, event: str) -> int:
        """Number of events so far."""
        reg = self._session.books.registers
        if event == "order":
            return int(reg[codes.S_ORDERS])
        if event == "fill":
            return int(reg[codes.S_FILLS])
        if event == "trade":
            return len(self._session.book.closed)
        last = int(reg[codes.S_EVENTS])
        self._refused += int(_refusals(self._session.books.ev[self._seen : last]).sum())
        self._seen = last
        return self._refused


def _refusals(events: Any) -> Any:
    """Which rows of the event log refuse an order."""
    state, reason = events[:, codes.E_STATE], events[:, codes.E_REASON]
    return np.isin(state, _REFUSED) | ((state == codes.CANCELLED) & np.isin(reason, _REFUSED_AT_FILL))


def bars_of(event: str, session: Session) -> Any:
    """(n,) the bars at which an event happened, increasing: those of a session that has come to its end."""
    books, reg = session.books, session.books.reg
    if event == "order":
        bars = books.oi[: int(reg[codes.S_ORDERS]), codes.I_BAR]
    elif event == "fill":
        bars = books.fi[: int(reg[codes.S_FILLS]), codes.L_BAR]
    elif event == "trade":
        bars = np.array([t.exit_bar for t in session.book.closed], dtype=np.int64)
    else:
        events = books.ev[: int(reg[codes.S_EVENTS])]
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


def names(strategy: type) -> dict[str, Any]:
    """Names that an expression can use beside ``self``: those of the strategy's module or notebook."""
    module = sys.modules.get(strategy.__module__)
    return {} if module is None else vars(module)
