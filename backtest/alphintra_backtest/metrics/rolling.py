"""Metrics over every window of a series: empyrical's names and arguments, in a time that the window does not change.

Each takes arrays or pandas objects. The answer has one value per window, n − w + 1 of them, at the window's last
label; a window longer than the series is as long as the series. The columns of a DataFrame or of a matrix are
rolled one by one, and two pandas objects are joined on their labels first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from alphintra_backtest.metrics import windows
from alphintra_backtest.metrics.drawdowns import max_drawdown
from alphintra_backtest.metrics.growth import annual_return
from alphintra_backtest.metrics.labelled import aligned, annualization_factor, excess, is_frame, is_pandas, quiet
from alphintra_backtest.metrics.relation import (
    LEAST_VARIANCE,
    alpha_aligned,
    alpha_beta_aligned,
    beta_aligned,
    excess_sharpe,
)
from alphintra_backtest.metrics.risk import annual_volatility, downside_risk, sharpe_ratio, sortino_ratio

SMALL = 1 << 16
"""Up to so many values in all windows together, each window is computed by itself."""

Quick = Callable[..., windows.F64]


def roll_annual_volatility(arr: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`annual_volatility` of each window.

    Args:
        arr: Array, Series or DataFrame of fractions per period.
        window: Periods in a window.
        out: Array to write to, shape (n − w + 1,).
        **kwargs: ``period``, ``alpha``, ``annualization``.

    Raises:
        ValueError: If the window is shorter than one period. (So do all others here.)
    """
    return _roll(annual_volatility, _volatility, arr, window, out, kwargs)


def roll_sharpe_ratio(arr: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`sharpe_ratio` of each window.

    Args:
        arr: Array, Series or DataFrame of fractions per period.
        window: Periods in a window.
        out: Array to write to, shape (n − w + 1,).
        **kwargs: ``risk_free``, ``period``, ``annualization``.
    """
    arr = excess(arr, kwargs.pop("risk_free", 0))
    return _roll(sharpe_ratio, _sharpe, arr, window, out, kwargs)


def roll_sortino_ratio(arr: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`sortino_ratio` of each window.

    Args:
        arr: Array, Series or DataFrame of fractions per period.
        window: Periods in a window.
        out: Array to write to, shape (n − w + 1,).
        **kwargs: ``required_return``, ``period``, ``annualization``.
    """
    arr = excess(arr, kwargs.pop("required_return", 0))
    return _roll(sortino_ratio, _sortino, arr, window, out, kwargs)


def roll_downside_risk(arr: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`downside_risk` of each window; arguments as :func:`roll_sortino_ratio`."""
    arr = excess(arr, kwargs.pop("required_return", 0))
    return _roll(downside_risk, _downside, arr, window, out, kwargs)


def roll_max_drawdown(arr: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`max_drawdown` of each window, counted from the value before the window.

    Args:
        arr: Array, Series or DataFrame of fractions per period.
        window: Periods in a window.
        out: Array to write to, shape (n − w + 1,).
        **kwargs: None.
    """
    return _roll(max_drawdown, windows.deepest, arr, window, out, kwargs)


def roll_cagr(arr: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`cagr` of each window; ``period`` and ``annualization`` as there."""
    return _roll(annual_return, _growth, arr, window, out, kwargs)


def roll_beta(lhs: Any, rhs: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`beta` of each window.

    Args:
        lhs: Array, Series or DataFrame of fractions per period.
        rhs: The benchmark's.
        window: Periods in a window.
        out: Array to write to, shape (n − w + 1,).
        **kwargs: ``risk_free``, which cancels.
    """
    return _roll(beta_aligned, _beta, lhs, window, out, kwargs, rhs)


def roll_alpha(lhs: Any, rhs: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`alpha` of each window.

    Args:
        lhs: Array, Series or DataFrame of fractions per period.
        rhs: The benchmark's.
        window: Periods in a window.
        out: Array to write to, shape (n − w + 1,).
        **kwargs: ``risk_free``, ``period``, ``annualization``.
    """
    return _roll(alpha_aligned, _alpha, lhs, window, out, kwargs, rhs)


def roll_alpha_aligned(lhs: Any, rhs: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`roll_alpha`; series are joined on their labels here too."""
    return roll_alpha(lhs, rhs, window, out, **kwargs)


def roll_beta_aligned(lhs: Any, rhs: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`roll_beta`; series are joined on their labels here too."""
    return roll_beta(lhs, rhs, window, out, **kwargs)


def roll_alpha_beta(returns: Any, factor_returns: Any, window: int = 10, **kwargs: Any) -> Any:
    """Return :func:`alpha_beta` of each window: shape (n − w + 1, 2), a DataFrame for a Series.

    Args:
        returns: Array or Series of fractions per period.
        factor_returns: The benchmark's.
        window: Periods in a window.
        **kwargs: ``risk_free``, ``period``, ``annualization``, ``out``.
    """
    return roll_alpha_beta_aligned(returns, factor_returns, window, **kwargs)


def roll_alpha_beta_aligned(lhs: Any, rhs: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`roll_alpha_beta`; series are joined on their labels here too."""
    return _roll(alpha_beta_aligned, _alpha_beta, lhs, window, out, kwargs, rhs, shape=(2,))


def roll_excess_sharpe(lhs: Any, rhs: Any, window: int, out: Any = None, **kwargs: Any) -> Any:
    """Return :func:`excess_sharpe` of each window.

    Args:
        lhs: Array or Series of fractions per period.
        rhs: The benchmark's.
        window: Periods in a window.
        out: Array to write to, shape (n − w + 1,).
        **kwargs: None.
    """
    return _roll(excess_sharpe, _excess_sharpe, lhs, window, out, kwargs, rhs)


def roll_up_capture(returns: Any, factor_returns: Any, window: int = 10, **kwargs: Any) -> Any:
    """Return :func:`up_capture` of each window; nothing for a window longer than the series.

    Args:
        returns: Array or Series of fractions per period.
        factor_returns: The benchmark's.
        window: Periods in a window.
        **kwargs: ``period``.

    Raises:
        ValueError: If one is a Series and the other is not.
    """
    return _roll_capture(np.greater, returns, factor_returns, window, **kwargs)


def roll_down_capture(returns: Any, factor_returns: Any, window: int = 10, **kwargs: Any) -> Any:
    """Return :func:`down_capture` of each window; arguments as :func:`roll_up_capture`."""
    return _roll_capture(np.less, returns, factor_returns, window, **kwargs)


def roll_up_down_capture(returns: Any, factor_returns: Any, window: int = 10, **kwargs: Any) -> Any:
    """Return :func:`up_down_capture` of each window; arguments as :func:`roll_up_capture`."""
    with quiet():
        return roll_up_capture(returns, factor_returns, window, **kwargs) / roll_down_capture(
            returns, factor_returns, window, **kwargs
        )


# One series ----------------------------------------------------------------------------------------


def _spread(own: Any, window: int) -> tuple[Any, Any]:
    """Return mean and standard deviation (ddof 1) of each window: exactly the value and 0 where nothing varies."""
    found = windows.moments(own, own, window)
    low, high = windows.extremes(own, window)
    deviation = np.sqrt(found.squares / np.where(found.count > 1, found.count - 1.0, np.nan))
    same = low == high
    return np.where(same, high, found.own), np.where(same & ~np.isnan(deviation), 0.0, deviation)


def _volatility(
    own: Any, window: int, period: str = "daily", alpha: float = 2.0, annualization: float | None = None
) -> Any:
    return _spread(own, window)[1] * annualization_factor(period, annualization) ** (1.0 / alpha)


def _sharpe(own: Any, window: int, period: str = "daily", annualization: float | None = None) -> Any:
    mean, deviation = _spread(own, window)
    return mean / deviation * np.sqrt(annualization_factor(period, annualization))


def _downside(own: Any, window: int, period: str = "daily", annualization: float | None = None) -> Any:
    lost = np.square(np.where(own < 0.0, own, 0.0))
    count = windows.sums(np.where(np.isnan(own), 0.0, 1.0), window)
    return np.sqrt(windows.sums(lost, window) / count * annualization_factor(period, annualization))


def _sortino(own: Any, window: int, period: str = "daily", annualization: float | None = None) -> Any:
    count = windows.sums(np.where(np.isnan(own), 0.0, 1.0), window)
    mean = windows.sums(np.where(np.isnan(own), 0.0, own), window) / count
    return mean * annualization_factor(period, annualization) / _downside(own, window, period, annualization)


def _growth(own: Any, window: int, period: str = "daily", annualization: float | None = None) -> Any:
    grown = windows.products(np.where(np.isnan(own), 0.0, own) + 1.0, window)
    return grown ** (annualization_factor(period, annualization) / window) - 1.0


# Two series ----------------------------------------------------------------------------------------


def _beta(own: Any, other: Any, window: int, risk_free: float = 0.0) -> Any:
    return _slope(windows.moments(own, other, window), own, other, window)


def _slope(found: windows.Moments, own: Any, other: Any, window: int) -> Any:
    low, high = windows.extremes(np.where(np.isnan(own), np.nan, other), window)
    varies = (high > low) & (found.squares >= LEAST_VARIANCE * found.count)
    return found.together / np.where(varies, found.squares, np.nan)


def _alpha(
    own: Any,
    other: Any,
    window: int,
    risk_free: float = 0.0,
    period: str = "daily",
    annualization: float | None = None,
    **kwargs: Any,
) -> Any:
    found = windows.moments(own, other, window)
    slope = kwargs.get("_beta")
    slope = _slope(found, own, other, window) if slope is None else slope
    mean = found.own - risk_free - slope * (found.other - risk_free)
    return (mean + 1.0) ** annualization_factor(period, annualization) - 1.0


def _alpha_beta(own: Any, other: Any, window: int, risk_free: float = 0.0, **kwargs: Any) -> Any:
    slope = _beta(own, other, window)
    return np.stack([_alpha(own, other, window, risk_free, _beta=slope, **kwargs), slope], axis=-1)


def _excess_sharpe(own: Any, other: Any, window: int) -> Any:
    mean, deviation = _spread(own - other, window)
    return mean / deviation


def _capture(own: Any, other: Any, side: Any, window: int, per_year: float) -> Any:
    """Return the ratio of annual returns over the pairs on one side."""
    kept = side & ~np.isnan(own)
    years = windows.sums(kept.astype(np.float64), window) / per_year
    grown = [windows.products(np.where(kept, x, 0.0) + 1.0, window) ** (1.0 / years) - 1.0 for x in (own, other)]
    return np.where(years > 0, grown[0] / grown[1], np.nan)


# What is common ------------------------------------------------------------------------------------


def _roll(
    plain: Callable[..., Any],
    quick: Quick,
    arr: Any,
    window: int,
    out: Any,
    options: dict[str, Any],
    other: Any = None,
    shape: tuple[int, ...] = (),
) -> Any:
    """Roll one or two series: quickly, or window by window where that is exact and the series are short or not finite.

    Args:
        plain: The metric itself, over the first axis of arrays.
        quick: The same for all windows of series of shape (n,).
        arr: What is rolled.
        window: Periods in a window.
        out: Array to write to, or ``None``.
        options: Arguments of both functions.
        other: The benchmark, or ``None``.
        shape: Shape of the answer for one window.
    """
    if other is not None and (is_pandas(arr) or is_pandas(other)):
        arr, other = aligned(arr, other)
    if window < 1:
        raise ValueError(f"a window of {window} periods has no return; it needs 1 or more")
    if other is not None and len(arr) != len(other):
        raise ValueError(f"{len(arr)} returns cannot be paired with {len(other)} by position")
    values = np.asarray(arr, dtype=np.float64)
    second = None if other is None else np.asarray(other, dtype=np.float64)
    count, length = len(values), min(len(values), window)
    if not count:
        result = np.empty((0, *values.shape[1:], *shape))
    elif values.ndim == 1:
        result = _column(plain, quick, (values,) if second is None else (values, second), length, options, shape)
    else:
        columns = []
        for j in range(values.shape[1]):
            mate = () if second is None else (second if second.ndim == 1 else second[:, j],)
            columns.append(_column(plain, quick, (values[:, j], *mate), length, options, shape))
        result = np.stack(columns, axis=1)
    if out is not None:
        out[...] = result
        return out
    if not is_pandas(arr) or result.ndim > 2:
        return result
    index = arr.index[count - len(result) :]
    if is_frame(arr):
        return type(arr)(result, index=index, columns=arr.columns)
    return (type(arr) if result.ndim == 1 else arr._constructor_expanddim)(result, index=index)


def _column(
    plain: Callable[..., Any],
    quick: Quick,
    series: tuple[windows.F64, ...],
    window: int,
    options: dict[str, Any],
    shape: tuple[int, ...],
) -> windows.F64:
    count = len(series[0]) - window + 1
    odd = any(np.isinf(values).any() for values in series)
    lost = quick is windows.deepest and bool((series[0] <= -1.0).any())
    # with a window of one period most metrics are NaN whatever the returns are
    if count * window <= SMALL or odd or lost or window == 1:
        return windows.one_by_one(lambda *parts: plain(*parts, **options), series, window, shape)
    with quiet():
        return quick(*series, window, **options)


def _roll_capture(
    side: Callable[[Any, float], Any], returns: Any, factor_returns: Any, window: int, period: str = "daily"
) -> Any:
    if is_pandas(returns) != is_pandas(factor_returns):
        raise ValueError("one of the two is a pandas object and the other is not")
    per_year = annualization_factor(period, None)
    if is_pandas(returns):
        returns, factor_returns = aligned(returns, factor_returns)
    if window < 1 or len(returns) != len(factor_returns):
        raise ValueError(
            f"a window of {window} over {len(returns)} returns and {len(factor_returns)} of the benchmark"
        )
    own, other = (np.asarray(x, dtype=np.float64) for x in (returns, factor_returns))
    with quiet():
        result = np.empty(0)
        if window <= len(own):
            result = _capture(own, other, side(other, 0.0), window, per_year)
    return type(returns)(result, index=returns.index[window - 1 :]) if is_pandas(returns) else result
