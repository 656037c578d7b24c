"""Metrics that need nothing but an equity curve, and why some are undefined (rules M1 to M5, M11, M12)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics import distribution
from alphintra_backtest.metrics.drawdowns import episodes, equity_drawdown
from alphintra_backtest.metrics.growth import calendar_growth
from alphintra_backtest.metrics.risk import annual_volatility, downside_risk, sharpe_ratio, sortino_ratio
from alphintra_backtest.metrics.sampling import session_returns

F64 = npt.NDArray[np.float64]

LOST_ALL = "equity fell below zero"
NO_RETURN = "the run has no session return"
NO_DRAWDOWN = "no drawdown"


def per_period(annual_rate: float, periods_per_year: float) -> float:
    """Return ``(1 + r)^(1/N) − 1``, the rate of one period (M0)."""
    return float((1.0 + annual_rate) ** (1.0 / periods_per_year) - 1.0)


@dataclass
class Figures:
    """Values by name, and the reason of each that may be undefined."""

    values: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: float, reason: str) -> None:
        """Set a metric, and why it is undefined where it is no finite number."""
        self.values[name] = float(value)
        self.reasons[name] = reason


def account_metrics(
    equity: F64,
    session: npt.NDArray[np.int32],
    starting_value: float,
    periods_per_year: float,
    risk_free_rate: float,
    time: npt.NDArray[np.int64] | None = None,
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the metrics that need nothing but an equity curve, and the reasons of the undefined.

    Args:
        equity: Account value at each bar, shape (T,), from one bar before the first ``on_bar``.
        session: Session of each bar, ascending, shape (T,).
        starting_value: Value before the first bar.
        periods_per_year: N of rule M1.
        risk_free_rate: Annual rate of cash as a fraction.
        time: Close time of each bar in microseconds, shape (T,); without it no durations in seconds.
    """
    figures = Figures()
    returns = session_returns(equity, session, starting_value).returns
    growth = (float(equity[-1]) if len(equity) else starting_value) / starting_value
    _growth(figures, growth, len(returns), periods_per_year, session)
    _returns(figures, returns, periods_per_year, per_period(risk_free_rate, periods_per_year))
    _drawdowns(figures, equity, starting_value, time)
    return figures.values, figures.reasons


def _growth(
    figures: Figures, growth: float, count: int, periods_per_year: float, session: npt.NDArray[np.int32]
) -> None:
    """Add what the account grew by (M5)."""
    figures.put("total_return", growth - 1.0, "not a finite number")
    yearly, reason = math.nan, NO_RETURN if count < 1 else LOST_ALL
    if count and growth >= 0:
        yearly, reason = _power(growth, periods_per_year / count) - 1.0, "too large to express"
    figures.put("annualized_return", yearly, reason)
    days = int(session[-1]) - int(session[0]) if len(session) else 0
    short = "too large to express" if days > 0 else "the run spans less than one day"
    figures.put("cagr", calendar_growth(growth - 1.0, days), LOST_ALL if growth < 0 else short)


def _returns(figures: Figures, returns: F64, periods_per_year: float, risk_free: float) -> None:
    """Add what the session returns say (M2, M3, and the shape of their distribution)."""
    count = len(returns)
    finite = bool(np.isfinite(returns).all())
    two = "equity reached zero" if not finite else f"needs 2 session returns, the run has {count}"
    one = "equity reached zero" if not finite else NO_RETURN
    enough = count > 1 and finite
    still = "session returns do not vary" if enough else two
    unlost = "no session return below the risk-free rate" if enough else two
    common: dict[str, Any] = {"annualization": periods_per_year}
    used = returns if enough else np.empty(0)
    risk = downside_risk(used, risk_free, **common)
    figures.put("volatility", annual_volatility(used, **common), two)
    figures.put("downside_risk", risk, two)
    figures.put("sharpe_ratio", sharpe_ratio(used, risk_free, **common), still)
    sortino = sortino_ratio(used, risk_free, **common, _downside_risk=risk)
    figures.put("sortino_ratio", sortino, unlost)
    figures.put("omega_ratio", distribution.omega_ratio(used, risk_free), unlost)
    flat_tail = "the 5 % quantile of session returns is 0" if enough else two
    figures.put("tail_ratio", distribution.tail_ratio(used), flat_tail)
    figures.put("skew", distribution.skew(used), still)
    figures.put("kurtosis", distribution.kurtosis(used), still)
    lost = bool(enough and (used <= -1.0).any())
    figures.put(
        "stability_of_timeseries",
        distribution.stability_of_timeseries(used),
        "equity fell to zero or below" if lost else still if not enough else "equity does not vary",
    )
    used = returns if finite else np.empty(0)
    figures.put("value_at_risk", distribution.value_at_risk(used), one)
    figures.put("conditional_value_at_risk", distribution.conditional_value_at_risk(used), one)
    some = len(used) > 0
    figures.put("best_session", used.max() if some else math.nan, one)
    figures.put("worst_session", used.min() if some else math.nan, one)
    figures.put("positive_sessions", np.count_nonzero(used > 0) / len(used) if some else math.nan, one)


def _drawdowns(
    figures: Figures, equity: F64, starting_value: float, time: npt.NDArray[np.int64] | None
) -> None:
    """Add depth and length of the drawdowns over every bar (M4, M12)."""
    below = equity_drawdown(equity, starting_value)
    worst = int(below.argmin()) if len(below) else 0
    # argmin finds NaN first; adding 0.0 makes -0.0 a plain 0
    deepest = float(below[worst]) + 0.0 if len(below) else 0.0
    figures.put("max_drawdown", deepest, "not a finite number")
    yearly = figures.values["annualized_return"]
    figures.put(
        "calmar_ratio",
        yearly / abs(deepest) if deepest < 0 else math.nan,
        "annualised return is undefined" if deepest < 0 else NO_DRAWDOWN,
    )
    later = below[1:]
    ulcer = math.nan
    if len(later):
        # not a BLAS product: its threads cost more than they bring
        ulcer = math.sqrt(float(np.einsum("i,i->", later, later)) / len(later))
    figures.put("ulcer_index", ulcer, NO_RETURN)
    found = episodes(below)
    some = len(found.depth) > 0
    figures.put("avg_drawdown", found.depth.mean() if some else math.nan, NO_DRAWDOWN)
    lengths: dict[str, F64] = {"bars": (found.end - found.peak).astype(np.float64)}
    which = int(np.searchsorted(found.end, worst, side="right")) if some else 0
    # a curve may end in its deepest bar, which is then the end of the last drawdown
    which = min(which, len(found.end) - 1)
    back = some and bool(found.recovered[which])
    recovery = {"bars": float(found.end[which] - worst) if back else math.nan}
    if time is not None and len(time):
        lengths["duration"] = (time[found.end] - time[found.peak]) / 1e6
        recovery["duration"] = float(time[found.end[which]] - time[worst]) / 1e6 if back else math.nan
    unrecovered = "the deepest drawdown had not recovered at the end" if some else NO_DRAWDOWN
    for unit in ("duration", "bars"):
        spans = lengths.get(unit)
        unknown = "the curve has no times"
        longest, mean, back_after = math.nan, math.nan, math.nan
        if spans is not None:
            longest, mean, back_after = spans.max(initial=0.0), _mean(spans), recovery[unit]
        figures.put(f"longest_drawdown_{unit}", longest, unknown)
        figures.put(f"avg_drawdown_{unit}", mean, NO_DRAWDOWN if spans is not None else unknown)
        figures.put(f"recovery_{unit}", back_after, unrecovered if spans is not None else unknown)


def _mean(values: F64) -> float:
    """Return the mean, NaN of nothing."""
    return float(values.mean()) if len(values) else math.nan


def _power(base: float, exponent: float) -> float:
    """Return ``base ** exponent``, inf where that overflows."""
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf
