"""How much of a Sharpe ratio may be luck: PSR and DSR (rule M6).

Source: Bailey and López de Prado, "The Sharpe Ratio Efficient Frontier" (2012) and "The Deflated Sharpe Ratio:
Correcting for Selection Bias, Backtest Overfitting and Non-Normality" (2014).

Every Sharpe ratio here is *per observation*: ``Result.metrics["sharpe_ratio"]`` divided by √N.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from alphintra.overfitting import Moments

F64 = npt.NDArray[np.float64]

EULER_MASCHERONI = 0.5772156649
#: A series whose variance is below this share of its mean square does not vary: what is left is rounding.
CONSTANT = 1e-12


def moments(returns: npt.ArrayLike, risk_free: float = 0.0) -> Moments:
    """Return the moments of returns of shape (n,); all NaN below two, where they do not vary or are not finite.

    Args:
        returns: Fractions per observation.
        risk_free: Return of cash per observation.
    """
    values = np.asarray(returns, dtype=np.float64).ravel() - risk_free
    n = len(values)
    undefined = Moments(n, math.nan, math.nan, math.nan)
    if n < 2 or not np.isfinite(values).all():
        return undefined
    mean = float(values.mean())
    away = values - mean
    square = away * away
    variance = float(square.mean())
    if variance <= CONSTANT * float(np.mean(values * values)):
        return undefined
    return Moments(
        n,
        mean / math.sqrt(variance * n / (n - 1)),
        float((square * away).mean()) / variance**1.5,
        float((square * square).mean()) / variance**2,
    )


def probabilistic_sharpe_ratio(
    returns: npt.ArrayLike | Moments, benchmark: float = 0.0, *, risk_free: float = 0.0
) -> float:
    """Return PSR: the probability that the true Sharpe ratio is above ``benchmark``.

    ``Φ((S − b) · √(n−1) / √(1 − g3·S + (g4−1)/4 · S²))``.

    Args:
        returns: Fractions per observation, shape (n,), or their :class:`Moments`.
        benchmark: Sharpe ratio b per observation.
        risk_free: Return of cash per observation; not used with moments.

    Returns:
        A probability; NaN below two returns, where they do not vary, or where ``benchmark`` is NaN.
    """
    m = returns if isinstance(returns, Moments) else moments(returns, risk_free)
    spread = 1.0 - m.skewness * m.sharpe + (m.kurtosis - 1.0) / 4.0 * m.sharpe**2
    if not spread > 0 or m.count < 2:
        return math.nan
    # Φ(x) is erfc(−x/√2)/2; as 1 − … it would lose the small ones.
    return 0.5 * math.erfc((benchmark - m.sharpe) * math.sqrt(m.count - 1) / math.sqrt(2.0 * spread))


def expected_maximum_sharpe(count: int, variance: float) -> float:
    """Return S0: the Sharpe ratio that the best of ``count`` trials without skill is expected to have.

    ``√V · ((1−γ) · Φ⁻¹(1 − 1/K) + γ · Φ⁻¹(1 − 1/(K·e)))``.

    Args:
        count: Trials K.
        variance: V, the variance of the trials' Sharpe ratios per observation.

    Returns:
        A Sharpe ratio per observation; NaN for fewer than two trials or an undefined variance.
    """
    if count < 2 or not variance >= 0:
        return math.nan
    # Φ⁻¹(1 − p) is −Φ⁻¹(p), which stays exact for a p too small to be taken from 1.
    quantile = NormalDist().inv_cdf
    best = (1.0 - EULER_MASCHERONI) * -quantile(1.0 / count) + EULER_MASCHERONI * -quantile(1.0 / (count * math.e))
    return math.sqrt(variance) * best


def deflated_sharpe_ratio(
    returns: npt.ArrayLike | Moments, count: int, variance: float, *, risk_free: float = 0.0
) -> float:
    """Return DSR: PSR against what the best of ``count`` trials reaches by luck, :func:`expected_maximum_sharpe`.

    Args:
        returns: The chosen trial's returns per observation, shape (n,), or their :class:`Moments`.
        count: Trials K, all that were looked at.
        variance: V, the variance (ddof 1) of the trials' Sharpe ratios per observation on the same sample.
        risk_free: Return of cash per observation; not used with moments.

    Returns:
        A probability; NaN for one trial alone.
    """
    return probabilistic_sharpe_ratio(returns, expected_maximum_sharpe(count, variance), risk_free=risk_free)


def sharpe_ratios(returns: F64, risk_free: float = 0.0) -> F64:
    """Return the Sharpe ratio per observation (ddof 1) of each column of (n, K); NaN where it is undefined."""
    n, count = returns.shape
    if n < 2:
        return np.full(count, np.nan)
    out = np.full(count, np.nan)
    for first in range(0, count, 256):  # few columns at a time: no second matrix of the size of the first
        part = returns[:, first : first + 256] - risk_free
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            mean, variance = part.mean(axis=0), part.var(axis=0, ddof=1)
            varies = variance > CONSTANT * np.mean(part * part, axis=0)
            out[first : first + 256] = np.where(varies, mean / np.sqrt(variance), np.nan)
    out[~np.isfinite(out)] = np.nan
    return out
