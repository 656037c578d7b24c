"""How sure a difference between two runs is: a stationary bootstrap that draws the same sessions for all of them.

Politis and Romano, "The Stationary Bootstrap" (1994), by ``arch.bootstrap``; the mean block is the longest of the runs'
``optimal_block_length`` (Politis and White 2004, corrected 2009), as in rule M8.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

FEWEST = 20
"""Common returns below which no interval is given."""

#: metric → its label, format, and whether a plus sign is written
COMPARED: dict[str, tuple[str, str, bool]] = {
    "sharpe_ratio": ("Sharpe", "ratio", True),
    "annualized_return": ("Annualised return", "percent", True),
    "volatility": ("Volatility", "percent", True),
    "max_drawdown": ("Max drawdown", "percent", True),
}


@dataclass(frozen=True)
class Interval:
    """The difference of a run's metric to the first run's.

    Attributes:
        run: Number of the run.
        metric: Name of the metric.
        value: Its difference over the common sessions.
        low: Lower end of the interval, NaN where there is none.
        high: Upper end.
        reason: Why there is no interval.
    """

    run: int
    metric: str
    value: float
    low: float
    high: float
    reason: str = ""

    @property
    def chance(self) -> bool | None:
        """Whether the difference may be chance: the interval holds 0; ``None`` without an interval."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            return None
        return self.low <= 0.0 <= self.high


def differences(
    returns: F64,
    *,
    periods: float,
    risk_free: Sequence[float],
    confidence: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> tuple[list[Interval], int]:
    """Return each run's differences to the first one with their percentile intervals, and the mean block.

    Args:
        returns: Returns of the runs on common sessions, (k, runs).
        periods: N, returns per year.
        risk_free: Rate of one session of each run.
        confidence: Share of the resampled differences that an interval holds.
        resamples: How many are drawn.
        seed: Seed of the draws.
        progress: Called with the fraction done and what is being done.
    """
    from arch.bootstrap import StationaryBootstrap

    rates = np.asarray(risk_free, dtype=np.float64)
    known = _figures(returns, periods, rates)
    count, runs = returns.shape
    why = ""
    if count < FEWEST:
        why = f"needs {FEWEST} common returns, there are {count}"
    elif not np.isfinite(returns).all():
        why = "an account fell to zero"
    drawn, block = np.empty((0, len(COMPARED), runs)), 0
    if not why:
        block = _block(returns)
        sampler: Any = StationaryBootstrap(block, returns, seed=np.random.default_rng(seed))
        drawn = np.empty((resamples, len(COMPARED), runs))
        for i, (data, _) in enumerate(sampler.bootstrap(resamples)):
            drawn[i] = _figures(data[0], periods, rates)
            if progress is not None and i % 50 == 0:
                progress(i / resamples, f"resample {i} of {resamples}")
    tail = (1.0 - confidence) / 2.0
    found = []
    for run in range(1, runs):
        for m, metric in enumerate(COMPARED):
            value = float(known[m, run] - known[m, 0])
            low = high = math.nan
            reason = why if math.isfinite(value) else "undefined for one of the two"
            if not reason:
                each = drawn[:, m, run] - drawn[:, m, 0]
                each = each[np.isfinite(each)]
                low, high = (float(end) for end in np.quantile(each, [tail, 1.0 - tail]))
            found.append(Interval(run, metric, value, low, high, reason))
    return found, block


def _block(returns: F64) -> int:
    """Return the longest of the runs' optimal mean blocks, between 1 and a quarter of the sample."""
    from arch.bootstrap import optimal_block_length

    varying = returns[:, np.ptp(returns, axis=0) > 0]
    if not varying.shape[1]:
        return 1
    lengths = optimal_block_length(varying)["stationary"].to_numpy()
    longest = float(np.nanmax(lengths)) if np.isfinite(lengths).any() else 1.0
    return int(min(max(1, math.ceil(longest)), max(1, len(returns) // 4)))


def _figures(returns: F64, periods: float, risk_free: F64) -> F64:
    """Return the compared metrics of each column, (metrics, runs), from session to session (M2, M4, M5)."""
    n = len(returns)
    path = np.vstack((np.ones(returns.shape[1]), np.cumprod(1.0 + returns, axis=0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = returns.std(axis=0, ddof=1) if n > 1 else np.full(returns.shape[1], np.nan)
        flat = np.ptp(returns, axis=0) == 0
        sharpe = np.where(flat, np.nan, (returns.mean(axis=0) - risk_free) / spread * math.sqrt(periods))
        growth = np.where(path[-1] >= 0, np.abs(path[-1]) ** (periods / n) - 1.0, np.nan)
        deepest = (path / np.maximum.accumulate(path, axis=0) - 1.0).min(axis=0)
    return np.stack((sharpe, growth, np.where(flat, 0.0, spread) * math.sqrt(periods), deepest))
