"""How returns are spread: their tails, their gains against their losses, their shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from alphintra_backtest.metrics.labelled import known, quiet


def omega_ratio(
    returns: Any, risk_free: float = 0.0, required_return: float = 0.0, annualization: float = 252
) -> float:
    """Return what was gained above a threshold divided by what was lost below it.

    NaN without a return below the threshold, below two returns, and for a required return of −1 or less.

    Args:
        returns: Array or Series of fractions.
        risk_free: Return of cash *per period*.
        required_return: Least acceptable return *per year*; per period where ``annualization`` is 1.
        annualization: Periods per year.
    """
    if len(returns) < 2 or (annualization != 1 and required_return <= -1):
        return np.nan
    periodic = (1.0 + required_return) ** (1.0 / annualization) - 1.0
    threshold = required_return if annualization == 1 else periodic
    above = np.asarray(returns, dtype=np.float64) - risk_free - threshold
    lost = -float(above[above < 0.0].sum())
    return float(above[above > 0.0].sum()) / lost if lost > 0.0 else np.nan


def tail_ratio(returns: Any) -> float:
    """Return the size of the 95 % quantile divided by that of the 5 % quantile; NaN without returns.

    Args:
        returns: Array or Series of fractions; NaN is left out.
    """
    values = known(returns)
    if not len(values):
        return np.nan
    low, high = np.abs(np.percentile(values, [5.0, 95.0]))
    with quiet():
        return float(high / low)


def value_at_risk(returns: Any, cutoff: float = 0.05) -> float:
    """Return the quantile below which the worst ``cutoff`` of the returns lie; NaN with any NaN among them.

    Args:
        returns: Array or Series of fractions.
        cutoff: Share of the returns in the tail, as a fraction.
    """
    if np.size(returns) < 1:
        return np.nan
    return float(np.percentile(np.asarray(returns, dtype=np.float64), 100.0 * cutoff))


def conditional_value_at_risk(returns: Any, cutoff: float = 0.05) -> float:
    """Return the mean of the worst ``int((n − 1) · cutoff) + 1`` returns; NaN without returns.

    Args:
        returns: Array or Series of fractions; NaN is left out, also where the returns are counted.
        cutoff: Share of the returns in the tail, as a fraction.
    """
    values = known(returns)
    if not len(values):
        return np.nan
    last = int((len(values) - 1) * cutoff)
    return float(np.partition(values, last)[: last + 1].mean())


def stability_of_timeseries(returns: Any) -> float:
    """Return R² of a straight line through the cumulated log returns; NaN below two returns.

    Args:
        returns: Array or Series of fractions; NaN is left out.
    """
    values = known(returns)
    if len(values) < 2:
        return np.nan
    with quiet():
        grown = np.log1p(values).cumsum()
        if not np.isfinite(grown).all():
            return np.nan
        steps = np.arange(len(grown)) - (len(grown) - 1) / 2.0
        grown = grown - grown.mean()
        together = steps @ grown
        r = together / np.sqrt((steps @ steps) * (grown @ grown))
    return float(min(r * r, 1.0)) if np.isfinite(r) else np.nan


def skew(returns: Any) -> float:
    """Return the third standardised moment of the population, as ``scipy.stats.skew``; NaN without variance."""
    return _standardised(returns, 3)


def kurtosis(returns: Any) -> float:
    """Return the fourth standardised moment minus 3, as ``scipy.stats.kurtosis``: 0 is normal."""
    return _standardised(returns, 4) - 3.0


def _standardised(returns: Any, order: int) -> float:
    values = np.asarray(returns, dtype=np.float64)
    if len(values) < 2 or values.max() == values.min():
        return np.nan
    off = values - values.mean()
    variance = np.mean(off * off)
    with quiet():
        return float(np.mean(off**order) / variance ** (order / 2))
