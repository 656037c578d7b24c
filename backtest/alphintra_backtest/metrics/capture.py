"""The strategy where its benchmark rises and where it falls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from alphintra_backtest.metrics.growth import annual_return
from alphintra_backtest.metrics.labelled import aligned, excess, is_pandas, quiet
from alphintra_backtest.metrics.relation import alpha_beta_aligned


def capture(returns: Any, factor_returns: Any, period: str = "daily") -> Any:
    """Return the annual return divided by the benchmark's.

    Args:
        returns: Array, Series or DataFrame of fractions per period.
        factor_returns: The benchmark's.
        period: Name of the period, for N.
    """
    with quiet():
        return np.float64(annual_return(returns, period)) / annual_return(factor_returns, period)


def up_capture(returns: Any, factor_returns: Any, **kwargs: Any) -> Any:
    """Return :func:`capture` over the periods in which the benchmark rose.

    Args:
        returns: Array or Series of fractions per period.
        factor_returns: The benchmark's; Series are joined on their labels.
        **kwargs: As for :func:`capture`.
    """
    return _where(np.greater, capture, returns, factor_returns, **kwargs)


def down_capture(returns: Any, factor_returns: Any, **kwargs: Any) -> Any:
    """Return :func:`capture` over the periods in which the benchmark fell; arguments as :func:`up_capture`."""
    return _where(np.less, capture, returns, factor_returns, **kwargs)


def up_down_capture(returns: Any, factor_returns: Any, **kwargs: Any) -> Any:
    """Return :func:`up_capture` divided by :func:`down_capture`."""
    with quiet():
        return up_capture(returns, factor_returns, **kwargs) / down_capture(returns, factor_returns, **kwargs)


def up_alpha_beta(returns: Any, factor_returns: Any, **kwargs: Any) -> Any:
    """Return alpha and beta over the periods in which the benchmark rose, shape (2,).

    Args:
        returns: Array or Series of fractions per period.
        factor_returns: The benchmark's; Series are joined on their labels.
        **kwargs: As for :func:`alpha_beta_aligned`.
    """
    return _where(np.greater, alpha_beta_aligned, returns, factor_returns, **kwargs)


def down_alpha_beta(returns: Any, factor_returns: Any, **kwargs: Any) -> Any:
    """Return alpha and beta over the periods in which the benchmark fell; arguments as :func:`up_alpha_beta`."""
    return _where(np.less, alpha_beta_aligned, returns, factor_returns, **kwargs)


def _where(
    side: Callable[[Any, float], Any],
    function: Callable[..., Any],
    returns: Any,
    factor_returns: Any,
    **kwargs: Any,
) -> Any:
    """Call a function with the periods in which the benchmark is on one side of 0 and both are known."""
    if is_pandas(returns) or is_pandas(factor_returns):
        returns, factor_returns = aligned(returns, factor_returns)
    kept = np.asarray(side(factor_returns, 0.0))
    if np.ndim(returns) == 1 and np.ndim(factor_returns) == 1:
        kept = kept & ~np.isnan(np.asarray(returns, dtype=np.float64))
    return function(returns[kept], factor_returns[kept], **kwargs)


def batting_average(returns: Any, factor_returns: Any) -> Any:
    """Return the share of periods in which the strategy did better: of all, of rising, of falling ones.

    Args:
        returns: Array or Series of fractions per period.
        factor_returns: The benchmark's; 0 counts as rising. Series are joined on their labels.

    Returns:
        Series of ``batting average``, ``up market`` and ``down market``, NaN where there is no such period.
    """
    import pandas as pd

    active = excess(returns, factor_returns)
    if is_pandas(active) and is_pandas(factor_returns):
        factor_returns = factor_returns.reindex(active.index)
    ahead, other = (np.asarray(x, dtype=np.float64) for x in (active, factor_returns))
    finite = np.isfinite(ahead) & np.isfinite(other)
    better, rising = ahead[finite] > 0.0, other[finite] >= 0.0
    shares = [part.mean() if len(part) else np.nan for part in (better, better[rising], better[~rising])]
    return pd.Series(shares, index=["batting average", "up market", "down market"])


def beta_fragility_heuristic(returns: Any, factor_returns: Any) -> float:
    """Return how returns bend between the benchmark's worst, middle and best period; < 0 is fragile.

    Args:
        returns: Array or Series of fractions per period.
        factor_returns: The benchmark's; joined on their labels.

    Source: Taleb and others, IMF Working Paper 12/216 (2012).
    """
    if len(returns) < 3 or len(factor_returns) < 3:
        return np.nan
    return beta_fragility_heuristic_aligned(*aligned(returns, factor_returns))


def beta_fragility_heuristic_aligned(returns: Any, factor_returns: Any) -> float:
    """Return :func:`beta_fragility_heuristic` of series that are already paired; NaN below three pairs."""
    own, other = (np.asarray(x, dtype=np.float64) for x in (returns, factor_returns))
    pairs = ~(np.isnan(own) | np.isnan(other))
    own, other = own[pairs], other[pairs]
    if len(own) < 3:
        return np.nan
    order = np.argsort(other)
    low, middle, high = order[0], order[len(order) // 2], order[-1]
    span = other[high] - other[low]
    share = (other[high] - other[middle]) / span if span != 0.0 else 0.5
    return float(share * own[low] + (1.0 - share) * own[high] - own[middle])
