"""Volatility and what is earned for it (rules M2 and M3)."""

from __future__ import annotations

from typing import Any

import numpy as np

from alphintra_backtest.metrics.labelled import annualization_factor, deviation, excess, mean, quiet, reduced


def annual_volatility(
    returns: Any,
    period: str = "daily",
    alpha: float = 2.0,
    annualization: float | None = None,
    out: Any = None,
) -> Any:
    """Return ``N^(1/alpha) · std(r)`` with ddof 1 (M2); NaN below two returns.

    Args:
        returns: Array, Series or DataFrame of fractions per period.
        period: Name of the period, for N.
        alpha: Scaling exponent; 2 is the square root.
        annualization: N, in place of the period's.
        out: Array to write to.
    """
    if len(returns) < 2:
        return reduced(returns, np.nan, out)
    factor = annualization_factor(period, annualization)
    with quiet():
        spread = deviation(np.asarray(returns, dtype=np.float64))
    return reduced(returns, spread * factor ** (1.0 / alpha), out)


def steady_deviation(values: Any) -> Any:
    """Return the standard deviation over the first axis with ddof 1, exactly 0 where nothing varies."""
    spread = deviation(values)
    # The mean of equal numbers can miss them by one bit; the deviation is then 1e-18 in place of 0.
    constant = (np.fmax.reduce(values, axis=0) == np.fmin.reduce(values, axis=0)) & np.isfinite(spread)
    return np.where(constant, 0.0, spread)


def sharpe_ratio(
    returns: Any,
    risk_free: Any = 0,
    period: str = "daily",
    annualization: float | None = None,
    out: Any = None,
) -> Any:
    """Return ``√N · mean(r − rf) / std(r − rf)`` with ddof 1 (M2).

    Returns that do not vary give ±inf, or NaN when they are all 0; below two returns it is NaN.

    Args:
        returns: Array, Series or DataFrame of fractions per period.
        risk_free: Return of cash *per period*.
        period: Name of the period, for N.
        annualization: N, in place of the period's.
        out: Array to write to.
    """
    if len(returns) < 2:
        return reduced(returns, np.nan, out)
    values = np.asarray(excess(returns, risk_free), dtype=np.float64)
    factor = annualization_factor(period, annualization)
    with quiet():
        ratio = mean(values) / steady_deviation(values) * np.sqrt(factor)
    return reduced(returns, ratio, out)


def downside_risk(
    returns: Any,
    required_return: Any = 0,
    period: str = "daily",
    annualization: float | None = None,
    out: Any = None,
) -> Any:
    """Return ``√N · √mean(min(r − mar, 0)²)`` over all periods (M3); NaN without returns.

    Args:
        returns: Array, Series or DataFrame of fractions per period.
        required_return: Least acceptable return *per period*.
        period: Name of the period, for N.
        annualization: N, in place of the period's.
        out: Array to write to.
    """
    if len(returns) < 1:
        return reduced(returns, np.nan, out)
    below = np.minimum(np.asarray(excess(returns, required_return), dtype=np.float64), 0.0)
    factor = annualization_factor(period, annualization)
    with quiet():
        risk = np.sqrt(mean(np.square(below))) * np.sqrt(factor)
    return reduced(returns, risk, out, series=True)


def sortino_ratio(
    returns: Any,
    required_return: Any = 0,
    period: str = "daily",
    annualization: float | None = None,
    out: Any = None,
    _downside_risk: Any = None,
) -> Any:
    """Return ``N · mean(r − mar) / downside_risk`` (M3).

    Without a return below the required one it is ±inf or NaN; below two returns NaN.

    Args:
        returns: Array, Series or DataFrame of fractions per period.
        required_return: Least acceptable return *per period*.
        period: Name of the period, for N.
        annualization: N, in place of the period's.
        out: Array to write to.
    """
    if len(returns) < 2:
        return reduced(returns, np.nan, out)
    values = np.asarray(excess(returns, required_return), dtype=np.float64)
    factor = annualization_factor(period, annualization)
    risk = _downside_risk
    if risk is None:
        risk = downside_risk(returns, required_return, period, annualization)
    with quiet():
        ratio = mean(values) * factor / np.asarray(risk)
    return reduced(returns, ratio, out, series=True)
