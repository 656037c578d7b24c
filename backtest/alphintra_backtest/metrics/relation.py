"""The strategy against its benchmark (rule M9)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.labelled import aligned, annualization_factor, excess, mean, quiet, reduced
from alphintra_backtest.metrics.risk import steady_deviation

LEAST_VARIANCE = 1.0e-30
"""Below this the benchmark is taken not to vary."""


def beta_aligned(returns: Any, factor_returns: Any, risk_free: float = 0.0, out: Any = None) -> Any:
    """Return cov(r, b) / var(b) of two series that are already paired; NaN where b does not vary.

    Pairs with a NaN are left out. A constant risk-free return cancels. (The ratio is the same for
    ddof 0 and 1.)
    """
    if len(returns) < 1 or len(factor_returns) < 2:
        return reduced(returns, np.nan, out)
    dependent = np.asarray(returns, dtype=np.float64)
    factor = np.asarray(factor_returns, dtype=np.float64)
    if dependent.ndim == 2 and factor.ndim == 1:
        factor = factor[:, np.newaxis]
    with quiet():
        independent = np.where(np.isnan(dependent), np.nan, factor)
        residual = independent - mean(independent)
        covariance = mean(residual * dependent)
        variance = mean(np.square(residual))
        slope = covariance / np.where(variance < LEAST_VARIANCE, np.nan, variance)
    return reduced(returns, slope, out)


def beta(returns: Any, factor_returns: Any, risk_free: float = 0.0, out: Any = None) -> Any:
    """Return :func:`beta_aligned` after joining the two on their labels.

    Args:
        returns: Array or Series of fractions per period.
        factor_returns: The benchmark's.
        risk_free: Return of cash per period.
        out: Array to write to.
    """
    return beta_aligned(*aligned(returns, factor_returns), risk_free=risk_free, out=out)


def alpha_aligned(
    returns: Any,
    factor_returns: Any,
    risk_free: float = 0.0,
    period: str = "daily",
    annualization: float | None = None,
    out: Any = None,
    _beta: Any = None,
) -> Any:
    """Return ``(1 + mean(r − rf − β(b − rf)))^N − 1`` of paired series (M9); NaN below two returns."""
    if len(returns) < 2:
        return reduced(returns, np.nan, out)
    factor = annualization_factor(period, annualization)
    slope = beta_aligned(returns, factor_returns, risk_free) if _beta is None else _beta
    own = np.asarray(excess(returns, risk_free), dtype=np.float64)
    other = np.asarray(excess(factor_returns, risk_free), dtype=np.float64)
    if own.ndim == 2 and other.ndim == 1:
        other = other[:, np.newaxis]
    with quiet():
        yearly = (mean(own - slope * other) + 1.0) ** factor - 1.0
    return reduced(returns, yearly, out, series=True)


def alpha(
    returns: Any,
    factor_returns: Any,
    risk_free: float = 0.0,
    period: str = "daily",
    annualization: float | None = None,
    out: Any = None,
    _beta: Any = None,
) -> Any:
    """Return :func:`alpha_aligned` after joining the two on their labels.

    Args:
        returns: Array or Series of fractions per period.
        factor_returns: The benchmark's.
        risk_free: Return of cash per period.
        period: Name of the period, for N.
        annualization: N, in place of the period's.
        out: Array to write to.
    """
    pair = aligned(returns, factor_returns)
    return alpha_aligned(*pair, risk_free, period, annualization, out, _beta)


def alpha_beta_aligned(
    returns: Any,
    factor_returns: Any,
    risk_free: float = 0.0,
    period: str = "daily",
    annualization: float | None = None,
    out: Any = None,
) -> Any:
    """Return alpha and beta of paired series as one array of shape ``(…, 2)``."""
    result = np.empty((*returns.shape[1:], 2), dtype=np.float64) if out is None else out
    slope = beta_aligned(returns, factor_returns, risk_free)
    result[..., 1] = slope
    result[..., 0] = alpha_aligned(returns, factor_returns, risk_free, period, annualization, _beta=slope)
    return result


def alpha_beta(
    returns: Any,
    factor_returns: Any,
    risk_free: float = 0.0,
    period: str = "daily",
    annualization: float | None = None,
    out: Any = None,
) -> Any:
    """Return :func:`alpha_beta_aligned` after joining the two on their labels."""
    pair = aligned(returns, factor_returns)
    return alpha_beta_aligned(*pair, risk_free, period, annualization, out)


def correlation(returns: npt.ArrayLike, factor_returns: npt.ArrayLike) -> float:
    """Return Pearson's correlation of paired returns; NaN below three pairs or without variance (M9)."""
    own = np.asarray(returns, dtype=np.float64)
    other = np.asarray(factor_returns, dtype=np.float64)
    if len(own) < 3 or own.max() == own.min() or other.max() == other.min():
        return np.nan
    own, other = own - own.mean(), other - other.mean()
    norm = np.sqrt(own @ own) * np.sqrt(other @ other)
    return float(np.clip(own @ other / norm, -1.0, 1.0)) if norm > 0 else np.nan


def excess_sharpe(returns: Any, factor_returns: Any, out: Any = None) -> Any:
    """Return ``mean(r − b) / std(r − b)`` with ddof 1, not annualised; NaN below two returns.

    Args:
        returns: Array, Series or DataFrame of fractions per period.
        factor_returns: The benchmark's; Series are joined on their labels.
        out: Array to write to.
    """
    if len(returns) < 2:
        return reduced(returns, np.nan, out)
    active = np.asarray(excess(returns, factor_returns), dtype=np.float64)
    with quiet():
        ratio = mean(active) / steady_deviation(active)
    return reduced(returns, ratio, out)
