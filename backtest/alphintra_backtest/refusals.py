"""Orders that were refused: how often for which reason, the first of each, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from . import codes

if TYPE_CHECKING:
    from .session import Session

#: reason of a refusal → what to do about it
REMEDIES: Final = {
    codes.NO_FUNDS: "ask for less, or give more cash= or leverage=",
    codes.NO_FUNDS_AT_FILL: "size it at the fill with percent= or value=, or leave a cash_buffer=",
    codes.TOO_SMALL: "ask for at least one lot, or trade parts of it with fractional=True",
    codes.NO_SHORT: "sell no more than is held, or leave out account='cash'",
    codes.RUN_ENDED: "submit it in on_bar, or close what is open with close_at_end='last_close'",
    codes.BELOW_VALUE: "ask for more, or lower min_order_value=",
    codes.DELISTED: "submit nothing after the symbol's last session; the end= of its al.Instrument says which that is",
}


def refused(session: Session) -> list[tuple[int, int, int]]:
    """(reason, how many orders, the first of them) in the order of the first."""
    orders = session.books.oi[: int(session.books.reg[codes.S_ORDERS])]
    state, reason = orders[:, codes.I_STATE], orders[:, codes.I_REASON]
    at_fill = (state == codes.CANCELLED) & (reason != codes.DELISTED)  # what a delisting ends was not refused
    rows = np.flatnonzero(((state == codes.REJECTED) | at_fill) & np.isin(reason, tuple(REMEDIES)))
    reasons, first, count = np.unique(reason[rows], return_index=True, return_counts=True)
    found = zip(reasons.tolist(), count.tolist(), rows[first].tolist(), strict=True)
    return sorted(found, key=lambda one: one[2])


def told(session: Session, orders: list[tuple[int, int, int]]) -> list[str]:
    """One line a reason: how many orders, which was the first and when it ended, and what to do."""
    return [f"{codes.REASON_NAMES[k]}: {n}, {_first(session, o)} – {REMEDIES[k]}" for k, n, o in orders]


def _first(session: Session, o: int) -> str:
    order = session.books.oi[o]
    symbol = int(order[codes.I_SYMBOL])
    size = f" {order[codes.I_QTY] * session.grid.lots[symbol]:.10g}" if order[codes.I_QTY] else ""
    side = "BUY" if order[codes.I_SIDE] > 0 else "SELL"
    at = np.datetime64(int(session.grid.time[max(int(order[codes.I_DONE_BAR]), 0)]), "us").astype("M8[m]")
    return f"first order {o}, {side}{size} {session.symbols[symbol]}, {str(at).replace('T', ' ')}"
