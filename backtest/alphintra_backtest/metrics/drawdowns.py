"""How far below its best the account was (rule M4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.growth import annual_return, cum_returns
from alphintra_backtest.metrics.labelled import like, quiet, reduced


def drawdown_series(returns: Any, out: Any = None) -> Any:
    """Return the drawdown after each return, ≤ 0, counted from the value before the first one.

    Args:
        returns: Array, Series or DataFrame of fractions.
        out: Array of shape ``(n + 1, …)`` to write to; its first row is the starting point.
    """
    if len(returns) < 1:
        empty = np.full((1, *returns.shape[1:]), np.nan)
        return empty.item() if returns.ndim == 1 else empty
    shape = (len(returns) + 1, *returns.shape[1:])
    values = np.empty(shape, dtype=np.float64) if out is None else out
    values[0] = 100.0
    cum_returns(np.asarray(returns, dtype=np.float64), starting_value=100.0, out=values[1:])
    best = np.fmax.accumulate(values, axis=0)
    np.divide(values - best, best, out=values)
    return like(returns, values[1:])


def max_drawdown(returns: Any, out: Any = None) -> Any:
    """Return the deepest drawdown, ≤ 0; NaN without returns.

    Args:
        returns: Array, Series or DataFrame of fractions.
        out: Array to write to.
    """
    if len(returns) < 1:
        return reduced(returns, np.nan, out)
    with quiet():
        deepest = np.fmin.reduce(np.asarray(drawdown_series(returns)), axis=0)
    return reduced(returns, deepest, out, series=True)


def calmar_ratio(returns: Any, period: str = "daily", annualization: float | None = None) -> float:
    """Return :func:`annual_return` divided by the size of :func:`max_drawdown`; NaN without a drawdown.

    Args:
        returns: Array or Series of fractions.
        period: Name of the period, for N.
        annualization: N, in place of the period's.
    """
    deepest = max_drawdown(returns)
    if not deepest < 0:
        return np.nan
    ratio = annual_return(returns, period, annualization) / abs(deepest)
    return np.nan if np.isinf(ratio) else float(ratio)


def ulcer_index(returns: Any) -> Any:
    """Return the root of the mean squared drawdown, one number per column; NaN without returns.

    Args:
        returns: Array, Series or DataFrame of fractions.

    Source: Martin and McCann, *The Investor's Guide to Fidelity Funds* (1989).
    """
    if len(returns) < 1:
        return reduced(returns, np.nan)
    below = np.asarray(drawdown_series(returns))
    return reduced(returns, np.sqrt(np.mean(np.square(below), axis=0)), series=True)


def pain_index(returns: Any) -> Any:
    """Return the mean size of the drawdown, one number per column; NaN without returns.

    Args:
        returns: Array, Series or DataFrame of fractions.

    Source: Becker, Zephyr Associates.
    """
    if len(returns) < 1:
        return reduced(returns, np.nan)
    return reduced(returns, np.mean(np.abs(np.asarray(drawdown_series(returns))), axis=0), series=True)


@dataclass(frozen=True)
class Episodes:
    """Drawdowns of an equity curve in order of time, each from its peak to the first bar that is back there.

    Attributes:
        peak: Last bar at the peak, shape (k,).
        end: First bar that is back at the peak or above, or the last bar of the run, shape (k,).
        recovered: Whether it came back, shape (k,).
        depth: Drawdown at its deepest bar, < 0, shape (k,).
    """

    peak: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    recovered: npt.NDArray[np.bool_]
    depth: npt.NDArray[np.float64]


def episodes(drawdown: npt.NDArray[np.float64]) -> Episodes:
    """Split a drawdown curve into its drawdowns.

    Args:
        drawdown: Drawdown at each bar, ≤ 0, shape (T,). A curve that begins below its peak fell at its first bar.
    """
    under = np.zeros(len(drawdown) + 2, dtype=bool)
    np.less(drawdown, 0.0, out=under[1:-1])
    edges = np.flatnonzero(under[1:] != under[:-1])
    first, stop = edges[::2], edges[1::2]
    # between two drawdowns the curve is 0, so a minimum up to the next first bar is that of the drawdown
    depth = np.minimum.reduceat(drawdown, first) if len(first) else np.empty(0)
    last = len(drawdown) - 1
    return Episodes(np.maximum(first - 1, 0), np.minimum(stop, last), stop <= last, depth)


def equity_drawdown(equity: npt.ArrayLike, starting_value: float) -> npt.NDArray[np.float64]:
    """Return ``equity / max(starting value, running maximum) − 1`` at every bar (M4).

    Args:
        equity: Account value at each bar, shape (T,); NaN stays NaN.
        starting_value: Starting cash; a run that only loses is down from its first bar.
    """
    values = np.asarray(equity, dtype=np.float64)
    if not len(values):
        return values
    best = np.maximum.accumulate(values)
    if np.isnan(best[-1]):
        np.fmax.accumulate(values, out=best)
    # the best only grows: no more than its beginning can be below the starting value
    best[: np.searchsorted(best, starting_value)] = starting_value
    with quiet():
        np.divide(values, best, out=best)
    best -= 1.0
    return best
