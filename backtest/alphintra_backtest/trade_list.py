"""A result's list of trades: closed and open round trips, each with its worst and best move."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from . import codes
from .signals_data import shares_became

if TYPE_CHECKING:
    from .session import Session
    from .trades import Trade


def columns(session: Session, run_id: str, end_bar: int) -> dict[str, Any]:
    """M10: closed and open round trips; the exit of an open one is empty."""
    session.mirror()  # a compiled run books its round trips only here
    trades = (
        sorted(session.book.closed, key=attrgetter("entry_bar", "entry_order", "exit_bar"))
        + session.book.open()
    )
    units = [t.lots * session.lots[t.symbol] for t in trades]
    closed = [t.exit_bar >= 0 for t in trades]
    entry = [t.entry_value / u for t, u in zip(trades, units, strict=True)]
    worst, best = _excursions(session, trades, entry, end_bar)
    last = end_bar - 1
    symbols = [t.symbol for t in trades]
    entered = session.fill_times([t.entry_bar for t in trades], symbols, [t.entry_phase for t in trades]).tolist()
    left = session.fill_times([t.exit_bar for t in trades], symbols, [t.exit_phase for t in trades]).tolist()
    gained = [t.pnl if c else None for t, c in zip(trades, closed, strict=True)]

    return {
        "id": list(range(len(trades))),
        "backtest_id": [run_id] * len(trades),
        "symbol": [session.symbols[t.symbol] for t in trades],
        "side": ["BUY" if t.side > 0 else "SELL" for t in trades],
        "quantity": units,
        "entry_price": entry,
        "exit_price": [
            t.exit_value / u if c else None for t, u, c in zip(trades, units, closed, strict=True)
        ],
        "entry_time": entered,
        "exit_time": [time if c else None for time, c in zip(left, closed, strict=True)],
        "pnl": gained,
        "commission": [t.commission for t in trades],
        "exit_reason": [t.reason for t in trades],
        "return": [
            None if pnl is None else pnl / t.entry_notional for t, pnl in zip(trades, gained, strict=True)
        ],
        "bars": [(t.exit_bar if c else last) - t.entry_bar for t, c in zip(trades, closed, strict=True)],
        "mae": worst,
        "mfe": best,
        "open": [not c for c in closed],
        "ambiguous": [t.ambiguous for t in trades],
        "carry": [t.extra for t in trades],
        "entry_order_id": [t.entry_order for t in trades],
        "exit_order_id": [t.exit_order if c else None for t, c in zip(trades, closed, strict=True)],
    }


def _excursions(session: Session, trades: list[Trade], entry: list[float], end_bar: int) -> tuple[Any, Any]:
    """Worst (≤ 0) and best (≥ 0) move against the entry price while each trade was open, as fractions.

    The bar of an exit at the open does not count: the trade had ended.
    """
    start = np.array([t.entry_bar for t in trades], dtype=np.int64)
    stop = np.array(
        [end_bar if t.exit_bar < 0 else t.exit_bar + (t.exit_phase != codes.PH_OPEN) for t in trades], dtype=np.int64
    )
    price = np.array(entry)
    left = np.array(
        [t.exit_value / (t.lots * session.lots[t.symbol]) if t.exit_bar >= 0 else np.nan for t in trades]
    )
    low, high = np.fmin(price, left), np.fmax(price, left)
    symbols = np.array([t.symbol for t in trades], dtype=np.int64)
    became = shares_became(session.grid)
    for s in set(symbols.tolist()):
        rows = np.flatnonzero((symbols == s) & (stop > start))
        if len(rows):
            # One pass: every second of these segments is a trade's, the others lie between two trades.
            bounds = np.column_stack([start[rows], stop[rows]]).ravel()
            lows, highs = (session.grid.m[field][:, s] for field in (2, 1))
            at_end = 1.0
            if became is not None:  # entry and exit are in shares of the exit
                shares = became[:, s]
                at_end = shares[np.minimum(stop[rows], len(shares)) - 1]
                lows, highs = lows * shares, highs * shares
            lows, highs = np.append(lows, np.nan), np.append(highs, np.nan)
            low[rows] = np.fmin(low[rows], np.fmin.reduceat(lows, bounds)[::2] / at_end)
            high[rows] = np.fmax(high[rows], np.fmax.reduceat(highs, bounds)[::2] / at_end)
    down, up = low / price - 1, high / price - 1
    long = np.array([t.side > 0 for t in trades], dtype=np.bool_)
    return np.where(long, down, -up), np.where(long, up, -down)
