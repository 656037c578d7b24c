"""Losses beyond what was seen: a generalised Pareto tail (Gilli and Këllezi, Computational Economics 27, 2006)."""

from __future__ import annotations

from typing import Any

import numpy as np

from alphintra_backtest.metrics.labelled import is_pandas

FIRST_THRESHOLD, LEAST_THRESHOLD = 0.2, 1e-9
"""Losses beyond a threshold are fitted; it is halved from the first on until a fat tail fits."""


def gpd_risk_estimates(returns: Any, var_p: float = 0.01) -> Any:
    """Estimate value at risk and expected shortfall from a fitted tail.

    Args:
        returns: Array or Series of fractions.
        var_p: Probability of the tail among the *losses*.

    Returns:
        Threshold, scale, shape, value at risk and expected shortfall, the last two as positive losses; inf
        shortfall for a shape of 1 or more. All 0 where no fat tail fits. A Series for a Series.
    """
    return gpd_risk_estimates_aligned(returns, var_p)


def gpd_risk_estimates_aligned(returns: Any, var_p: float = 0.01) -> Any:
    """Return :func:`gpd_risk_estimates`; the second name is empyrical's."""
    result = np.zeros(5) if len(returns) < 3 else _estimates(np.asarray(returns, dtype=np.float64), var_p)
    return type(returns)(result) if is_pandas(returns) else result


def _estimates(returns: Any, var_p: float) -> Any:
    losses = -returns[returns < 0.0]
    threshold = FIRST_THRESHOLD
    while threshold > LEAST_THRESHOLD:
        beyond = losses[losses >= threshold]
        scale, shape = _fitted(beyond) if len(beyond) else (0.0, 0.0)
        if shape > 0.0:
            ratio = len(losses) / len(beyond) * var_p
            at_risk = threshold + scale / shape * (ratio**-shape - 1.0)
            if at_risk > 0.0:
                beyond_it = (at_risk + scale - shape * threshold) / (1.0 - shape) if shape < 1.0 else np.inf
                return np.array([threshold, scale, shape, at_risk, beyond_it])
        threshold /= 2.0
    return np.zeros(5)


def _fitted(losses: Any) -> tuple[float, float]:
    """Return scale and shape of the greatest likelihood, 0 and 0 where the search does not end."""
    from scipy import optimize

    found = optimize.minimize(_unlikelihood, [1.0, 1.0], args=(losses,), method="Nelder-Mead")
    return (float(found.x[0]), float(found.x[1])) if found.success else (0.0, 0.0)


def _unlikelihood(parameters: Any, losses: Any) -> float:
    """Return the negative log likelihood of a generalised Pareto distribution; only fat tails are allowed."""
    scale, shape = parameters
    impossible = float(np.finfo(np.float64).max)
    if scale <= 0.0:
        return impossible
    if shape == 0.0:
        return float(len(losses) * np.log(scale) + losses.sum() / scale)
    if shape < 0.0:
        return impossible
    return float(len(losses) * np.log(scale) + (1.0 / shape + 1.0) * np.log1p(shape / scale * losses).sum())
