"""Metrics of the account against its benchmark, and why some are undefined (rules M9, M11)."""

from __future__ import annotations

import math

import numpy as np

from alphintra_backtest.metrics.account import Figures
from alphintra_backtest.metrics.definitions_benchmark import BENCHMARK
from alphintra_backtest.metrics.labelled import quiet
from alphintra_backtest.metrics.relation import alpha_aligned, beta_aligned, correlation, excess_sharpe
from alphintra_backtest.metrics.sampling import F64, JoinedReturns


def versus_benchmark(
    pair: JoinedReturns | None, periods_per_year: float, risk_free: float
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the metrics on the sessions that both have, and the reasons of the undefined.

    Args:
        pair: Returns of both, ``None`` without a benchmark.
        periods_per_year: N of rule M1.
        risk_free: Return of cash per period.
    """
    names = [known.name for known in BENCHMARK]
    if pair is None:
        return dict.fromkeys(names, math.nan), dict.fromkeys(names, "no benchmark")
    own, other, figures = pair.returns, pair.benchmark, Figures()
    count = len(own)
    if count and not (np.isfinite(own).all() and np.isfinite(other).all()):
        return dict.fromkeys(names, math.nan), dict.fromkeys(names, "equity reached zero")
    three, two = (f"needs {n} common sessions, there are {count}" for n in (3, 2))
    still = "benchmark returns do not vary" if count > 1 else two
    whose = "session" if count and own.max() == own.min() else "benchmark"
    figures.put(
        "correlation_to_benchmark",
        correlation(own, other),
        f"{whose} returns do not vary" if count > 2 else three,
    )
    slope = beta_aligned(own, other, risk_free) if count > 1 else math.nan
    figures.put("beta", slope, still)
    alpha = math.nan
    if count > 1:
        alpha = alpha_aligned(own, other, risk_free, annualization=periods_per_year, _beta=slope)
    figures.put("alpha", alpha, still)
    active = own - other
    tracking = math.sqrt(periods_per_year) * float(active.std(ddof=1)) if count > 1 else math.nan
    figures.put("tracking_error", tracking, two)
    ahead = excess_sharpe(own, other) * math.sqrt(periods_per_year)
    figures.put("information_ratio", ahead, "differences to the benchmark do not vary" if count > 1 else two)
    for name, side, word in (("up_capture", other > 0, "rose"), ("down_capture", other < 0, "fell")):
        value = _capture(own[side], other[side], periods_per_year)
        figures.put(name, value, "too large to express" if side.any() else f"the benchmark never {word}")
    batting = np.count_nonzero(active > 0) / count if count else math.nan
    figures.put("batting_average", batting, "no common session")
    return figures.values, figures.reasons


def _capture(own: F64, other: F64, periods_per_year: float) -> float:
    """Return the ratio of annual returns; empyrical's function knows N by the name of a period alone."""
    if not len(own):
        return math.nan
    power = periods_per_year / len(own)
    with quiet():
        return float((np.prod(own + 1.0) ** power - 1.0) / (np.prod(other + 1.0) ** power - 1.0))
