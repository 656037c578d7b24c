"""Statistics of closed trades (rule M10)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.money import legs, total

F64 = npt.NDArray[np.float64]

NO_TIME = np.iinfo(np.int64).min
"""What stands for a missing time in an int64 column (numpy's NaT)."""


@dataclass(frozen=True)
class ClosedTrades:
    """The closed ones of a trades table, in the order of their exits.

    Attributes:
        pnl: Profit and loss in money after costs, rounded legs, shape (n,).
        returns: P&L as a fraction of the entry's value, shape (n,).
        entry: Time of the entry in seconds since 1970, shape (n,).
        seconds: Time from entry to exit, shape (n,).
        bars: Bars from entry to exit, shape (n,).
        long: Whether it was bought first, shape (n,).
        worst: Worst move against the entry price, a fraction ≤ 0, shape (n,); NaN where the table has none.
        best: Best move from the entry price, a fraction ≥ 0, shape (n,); NaN where the table has none.
        open: Number of trades still open.
    """

    pnl: F64
    returns: F64
    entry: F64
    seconds: F64
    bars: F64
    long: npt.NDArray[np.bool_]
    worst: F64
    best: F64
    open: int


def numbers(column: Any) -> F64:
    """Return a column as float64, ``None`` as NaN."""
    return np.asarray(column, dtype=np.float64)  # NumPy reads None as NaN


def closed_trades(trades: Mapping[str, Any]) -> ClosedTrades:
    """Take the closed trades from a table of columns."""
    count = len(trades.get("pnl", ()))
    is_open = np.asarray(trades.get("open", ()), dtype=bool)
    closed = np.flatnonzero(~is_open)
    if not count or not len(closed):
        none = np.empty(0)
        return ClosedTrades(none, none, none, none, none, np.empty(0, dtype=bool), none, none, count)
    exits = _times(trades["exit_time"])[closed]
    order = closed[np.argsort(exits, kind="stable")]
    entries = _times(trades["entry_time"])[order]
    missing = [np.nan] * count
    return ClosedTrades(
        pnl=legs(numbers(trades["pnl"])[order]),
        returns=numbers(trades["return"])[order],
        entry=entries / 1e6,
        seconds=(_times(trades["exit_time"])[order] - entries) / 1e6,
        bars=numbers(trades["bars"])[order],
        long=np.asarray(trades.get("side", ["BUY"] * count))[order] == "BUY",
        worst=numbers(trades.get("mae", missing))[order],
        best=numbers(trades.get("mfe", missing))[order],
        open=int(np.count_nonzero(is_open)),
    )


def _times(column: Any) -> npt.NDArray[np.int64]:
    """Return a column of microseconds as int64, missing ones as :data:`NO_TIME`."""
    if isinstance(column, np.ndarray) and column.dtype.kind == "i":
        return column.astype(np.int64)
    return np.array([NO_TIME if v is None or v != v else v for v in column], dtype=np.int64)


def longest_streak(hits: Sequence[bool] | npt.NDArray[np.bool_]) -> int:
    """Return the length of the longest unbroken row of true values."""
    edges = np.diff(np.asarray(hits, dtype=np.int8), prepend=0, append=0)
    lengths = np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)
    return int(lengths.max(initial=0))


def trade_statistics(trades: ClosedTrades, years: float = math.nan) -> tuple[dict[str, float], dict[str, str]]:
    """Return the metrics of closed trades and the reasons of those that are undefined.

    A win has P&L > 0, a loss < 0; a trade of exactly 0 counts in the total and ends a streak.

    Args:
        trades: The closed trades.
        years: Length of the run.
    """
    pnl = trades.pnl
    count = len(pnl)
    wins, losses = pnl > 0, pnl < 0
    won, lost = int(np.count_nonzero(wins)), int(np.count_nonzero(losses))
    gained, given = total(pnl[wins]), -total(pnl[losses])
    values: dict[str, float] = {
        "total_trades": count,
        "open_trades": trades.open,
        "winning_trades": won,
        "losing_trades": lost,
        "longest_winning_streak": longest_streak(wins),
        "longest_losing_streak": longest_streak(losses),
        "gross_profit": gained,
        "gross_loss": 0.0 - given,
    }
    reasons: dict[str, str] = {}

    def define(needed: int, reason: str, **metrics: Callable[[], float]) -> None:
        """Compute metrics where there is what they need, and say why not where there is none."""
        for name, compute in metrics.items():
            values[name] = float(compute()) if needed else math.nan
            if not needed:
                reasons[name] = reason

    none, unwon, unlost = "no closed trades", "no winning trades", "no losing trades"
    define(
        count,
        none,
        win_rate=lambda: won / count,
        avg_trade_duration=trades.seconds.mean,
        max_trade_duration=trades.seconds.max,
        avg_trade_bars=trades.bars.mean,
        avg_trade_return=trades.returns.mean,
        best_trade=trades.returns.max,
        worst_trade=trades.returns.min,
        expectancy=lambda: total(pnl) / count,
    )
    define(
        won,
        unwon if count else none,
        avg_win=lambda: gained / won,
        largest_win=pnl.max,
        avg_winning_duration=lambda: trades.seconds[wins].mean(),
    )
    define(
        lost,
        unlost if count else none,
        profit_factor=lambda: gained / given,
        avg_loss=lambda: -given / lost,
        largest_loss=pnl.min,
        avg_losing_duration=lambda: trades.seconds[losses].mean(),
    )
    payoff = gained / won / (given / lost) if won and lost else math.nan
    define(
        min(won, lost),
        none if not count else unlost if won else unwon,
        payoff_ratio=lambda: payoff,
        kelly_fraction=lambda: won / count - (1.0 - won / count) / payoff,
    )
    for name, moves in (("avg_mae", trades.worst), ("avg_mfe", trades.best)):
        define(
            count and bool(np.isfinite(moves).all()),
            "the table has no excursions" if count else none,
            **{name: moves.mean},
        )
    varies = count > 1 and bool(pnl.max() > pnl.min())
    define(
        varies,
        "P&L does not vary" if count > 1 else f"needs 2 closed trades, the run has {count}",
        sqn=lambda: math.sqrt(count) * pnl.mean() / pnl.std(ddof=1),
    )
    define(
        count > 1,
        f"needs 2 closed trades, the run has {count}",
        avg_time_between_trades=lambda: (trades.entry.max() - trades.entry.min()) / (count - 1),
    )
    define(years > 0, "the run has no session return", trades_per_year=lambda: count / years)
    for side, mask in (("long", trades.long), ("short", ~trades.long)):
        number = values[f"{side}_trades"] = int(np.count_nonzero(mask))
        values[f"{side}_pnl"] = total(pnl[mask])
        hits = int(np.count_nonzero(wins & mask))
        define(number, f"no {side} trades", **{f"{side}_win_rate": lambda n=number, w=hits: w / n})
    return values, reasons
