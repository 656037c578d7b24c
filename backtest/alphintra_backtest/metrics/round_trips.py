"""Statistics of closed trades (rule M10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.money import leg, total

NO_TIME = np.iinfo(np.int64).min
"""What stands for a missing time in an int64 column (numpy's NaT)."""


@dataclass(frozen=True)
class ClosedTrades:
    """The closed ones of a trades table, in the order of their exits.

    Attributes:
        pnl: Profit and loss in money after costs, rounded legs, shape (n,).
        returns: P&L as a fraction of the entry's value, shape (n,).
        seconds: Time from entry to exit, shape (n,).
        bars: Bars from entry to exit, shape (n,).
        open: Number of trades still open.
    """

    pnl: npt.NDArray[np.float64]
    returns: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]
    bars: npt.NDArray[np.float64]
    open: int


def numbers(column: Any) -> npt.NDArray[np.float64]:
    """Return a column as float64, ``None`` as NaN."""
    if isinstance(column, np.ndarray) and column.dtype != object:
        return column.astype(np.float64)
    return np.array([np.nan if value is None else value for value in column], dtype=np.float64)


def closed_trades(trades: Mapping[str, Any]) -> ClosedTrades:
    """Take the closed trades from a table of columns."""
    count = len(trades.get("pnl", ()))
    if not count:
        empty = np.empty(0)
        return ClosedTrades(empty, empty, empty, empty, 0)
    is_open = np.asarray([bool(value) for value in trades["open"]])
    closed = np.flatnonzero(~is_open)
    exits = _times(trades["exit_time"])[closed]
    order = closed[np.argsort(exits, kind="stable")]
    entries = _times(trades["entry_time"])[order]
    seconds = (_times(trades["exit_time"])[order] - entries) / 1e6
    pnl = np.array([leg(value) for value in numbers(trades["pnl"])[order]])
    return ClosedTrades(
        pnl,
        numbers(trades["return"])[order],
        seconds,
        numbers(trades["bars"])[order],
        int(np.count_nonzero(is_open)),
    )


def _times(column: Any) -> npt.NDArray[np.int64]:
    """Return a column of microseconds as int64, missing ones as :data:`NO_TIME`."""
    if isinstance(column, np.ndarray) and column.dtype.kind == "i":
        return column.astype(np.int64)
    return np.array([NO_TIME if v is None or v != v else int(v) for v in column], dtype=np.int64)


def longest_streak(hits: Sequence[bool] | npt.NDArray[np.bool_]) -> int:
    """Return the length of the longest unbroken row of true values."""
    longest = current = 0
    for hit in hits:
        current = current + 1 if hit else 0
        longest = max(longest, current)
    return longest


def trade_statistics(trades: ClosedTrades) -> tuple[dict[str, float], dict[str, str]]:
    """Return the metrics of closed trades and the reasons of those that are undefined.

    A win has P&L > 0, a loss < 0; a trade of exactly 0 counts in the total and ends a streak.
    """
    pnl = trades.pnl
    count = len(pnl)
    wins, losses = pnl > 0, pnl < 0
    gained, lost = total(pnl[wins]), -total(pnl[losses])
    values: dict[str, float] = {
        "total_trades": count,
        "open_trades": trades.open,
        "winning_trades": int(np.count_nonzero(wins)),
        "losing_trades": int(np.count_nonzero(losses)),
        "longest_winning_streak": longest_streak(wins),
        "longest_losing_streak": longest_streak(losses),
    }
    reasons: dict[str, str] = {}

    def define(name: str, defined: bool, value: float, reason: str) -> None:
        values[name] = value if defined else np.nan
        if not defined:
            reasons[name] = reason

    none_closed = "no closed trades"
    some = count > 0
    define("win_rate", some, values["winning_trades"] / max(count, 1), none_closed)
    define(
        "profit_factor",
        lost > 0,
        gained / lost if lost > 0 else np.nan,
        "no losing trades" if some else none_closed,
    )
    define("avg_trade_duration", some, _mean(trades.seconds), none_closed)
    define("avg_trade_bars", some, _mean(trades.bars), none_closed)
    define("best_trade", some, float(trades.returns.max()) if some else np.nan, none_closed)
    define("worst_trade", some, float(trades.returns.min()) if some else np.nan, none_closed)
    define("expectancy", some, total(pnl) / max(count, 1), none_closed)
    define("avg_win", bool(wins.any()), gained / max(values["winning_trades"], 1), "no winning trades")
    define("avg_loss", bool(losses.any()), -lost / max(values["losing_trades"], 1), "no losing trades")
    return values, reasons


def _mean(values: npt.NDArray[np.float64]) -> float:
    """Return the mean, NaN of nothing."""
    return float(values.mean()) if len(values) else float("nan")
