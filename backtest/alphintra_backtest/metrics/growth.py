"""Returns and their growth: from prices to periods to a year (rule M5)."""

from __future__ import annotations

from typing import Any

import numpy as np

from alphintra_backtest.metrics.labelled import (
    MONTHLY,
    QUARTERLY,
    WEEKLY,
    YEARLY,
    annualization_factor,
    is_frame,
    is_pandas,
    like,
)


def simple_returns(prices: Any) -> Any:
    """Return the changes from one price to the next.

    Args:
        prices: Array, Series or DataFrame of n prices.

    Returns:
        n − 1 fractions, of the same kind.
    """
    if is_pandas(prices):
        return prices.pct_change().iloc[1:]
    values = np.asarray(prices)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.diff(values, axis=0) / values[:-1]


def cum_returns(returns: Any, starting_value: float = 0, out: Any = None) -> Any:
    """Compound returns: ``prod(1 + r) − 1`` up to each period, or times ``starting_value``.

    NaN counts as no change.

    Args:
        returns: Array, Series or DataFrame of fractions.
        starting_value: Value before the first return; 0 gives cumulative returns.
        out: Array to write to.
    """
    if len(returns) < 1:
        return returns.copy()
    values = np.asarray(returns, dtype=np.float64)
    grown = np.cumprod(np.where(np.isnan(values), 0.0, values) + 1.0, axis=0)
    result = grown - 1.0 if starting_value == 0 else grown * starting_value
    if out is not None:
        out[...] = result
        return out
    return like(returns, result)


def cum_returns_final(returns: Any, starting_value: float = 0) -> Any:
    """Compound all returns to one number per column; NaN for none at all."""
    if len(returns) == 0:
        return np.nan
    if is_frame(returns):
        result = (returns + 1).prod()
    else:
        result = np.nanprod(np.asarray(returns) + 1, axis=0)
    return result - 1 if starting_value == 0 else result * starting_value


def aggregate_returns(returns: Any, convert_to: str) -> Any:
    """Compound the returns of each week, month, quarter or year.

    Args:
        returns: Series or DataFrame of fractions, indexed by date.
        convert_to: ``weekly`` (ISO weeks), ``monthly``, ``quarterly`` or ``yearly``.

    Returns:
        The same kind, by year, or by year and the number of the week, month or quarter.

    Raises:
        ValueError: If ``convert_to`` has no such name.
    """
    index = returns.index
    if convert_to == WEEKLY:
        # the week of 1 January belongs to one ISO year, whatever the calendar says
        weeks = index.isocalendar()
        keys = [weeks["year"], weeks["week"]]
    elif convert_to == MONTHLY:
        keys = [index.year, index.month]
    elif convert_to == QUARTERLY:
        keys = [index.year, index.quarter]
    elif convert_to == YEARLY:
        keys = [index.year]
    else:
        raise ValueError(
            f"convert_to is '{convert_to}'; it can be {WEEKLY}, {MONTHLY}, {QUARTERLY} or {YEARLY}"
        )
    grouped = (returns + 1.0).groupby([np.asarray(key, dtype=np.int64) for key in keys])
    return grouped.prod() - 1.0


def annual_return(returns: Any, period: str = "daily", annualization: float | None = None) -> Any:
    """Return the yearly growth ``(1 + R)^(N / n) − 1`` of n returns (M5).

    Args:
        returns: Array, Series or DataFrame of fractions.
        period: Name of the period, for N.
        annualization: N, in place of the period's.
    """
    if len(returns) < 1:
        return np.nan
    years = len(returns) / annualization_factor(period, annualization)
    return cum_returns_final(returns, starting_value=1) ** (1 / years) - 1


def cagr(returns: Any, period: str = "daily", annualization: float | None = None) -> Any:
    """Return :func:`annual_return` under empyrical's second name for it.

    ``Result.metrics["cagr"]`` is the other one, :func:`calendar_growth`.
    """
    return annual_return(returns, period, annualization)


def calendar_growth(total_return: float, days: float) -> float:
    """Return the yearly growth ``(1 + R)^(365.25 / days) − 1`` by the calendar (M5); NaN without a day."""
    if days <= 0 or total_return < -1:
        return np.nan
    try:
        return float((1.0 + total_return) ** (365.25 / days) - 1.0)
    except OverflowError:
        return np.inf
