"""All metrics of one run, and why some are undefined (rules M1 to M5 and M9 to M13)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.metrics.drawdowns import equity_drawdown
from alphintra_backtest.metrics.growth import calendar_growth
from alphintra_backtest.metrics.relation import alpha_aligned, beta_aligned, correlation
from alphintra_backtest.metrics.risk import annual_volatility, downside_risk, sharpe_ratio, sortino_ratio
from alphintra_backtest.metrics.round_trips import closed_trades, numbers, trade_statistics
from alphintra_backtest.metrics.sampling import joined_returns, session_returns
from alphintra_backtest.money import leg, total

F64 = npt.NDArray[np.float64]


class CurvesLike(Protocol):
    """The arrays of a run that metrics read, all of length T."""

    equity: F64
    cash: F64
    exposure: F64
    session: npt.NDArray[np.int32]
    in_market: npt.NDArray[np.bool_]
    benchmark: F64


@dataclass
class Summary:
    """Metrics of a run.

    Attributes:
        metrics: Value by name; NaN where undefined.
        undefined: Reason by name of each NaN.
        benchmark: The benchmark's metrics, of those that an account without trades has.
        dropped_sessions: Sessions left out of the comparison with the benchmark.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    benchmark: dict[str, float] = field(default_factory=dict)
    dropped_sessions: int = 0


def per_period(annual_rate: float, periods_per_year: float) -> float:
    """Return ``(1 + r)^(1/N) − 1``, the rate of one period (M0)."""
    return float((1.0 + annual_rate) ** (1.0 / periods_per_year) - 1.0)


def summarize(
    curves: CurvesLike,
    trades: Mapping[str, Any],
    fills: Mapping[str, Any],
    *,
    starting_cash: float,
    periods_per_year: float,
    risk_free_rate: float = 0.0,
    flows: Mapping[str, Any] | None = None,
) -> Summary:
    """Compute every metric of :data:`DEFINITIONS`.

    Args:
        curves: Account curves, from one bar before the strategy was first called.
        trades: Columns of the trades table.
        fills: Columns of the fills table.
        starting_cash: Account value before the first bar.
        periods_per_year: N of rule M1.
        risk_free_rate: Annual rate of cash as a fraction.
        flows: Columns of the cash flows table; none where nothing moved without a fill.
    """
    values, reasons = account_metrics(
        curves.equity, curves.session, starting_cash, periods_per_year, risk_free_rate
    )
    if len(curves.equity):
        values["final_equity"] = leg(curves.cash[-1]) + leg(curves.equity[-1] - curves.cash[-1])
        values["final_equity"] = leg(values["final_equity"])
    else:
        values["final_equity"] = leg(starting_cash)
    for part, why in (
        trade_statistics(closed_trades(trades)),
        _activity(curves, fills, flows or {}, periods_per_year),
        _against_benchmark(curves, starting_cash, periods_per_year, risk_free_rate),
    ):
        values |= part
        reasons |= why
    summary = Summary(dropped_sessions=int(values.pop("dropped_sessions")))
    for name in DEFINITIONS:
        value = values[name]
        if not math.isfinite(value):
            summary.undefined[name] = reasons.get(name, "not a finite number")
            value = math.nan
        summary.metrics[name] = value
    summary.benchmark = _benchmark_metrics(curves, periods_per_year, risk_free_rate)
    return summary


def account_metrics(
    equity: F64,
    session: npt.NDArray[np.int32],
    starting_value: float,
    periods_per_year: float,
    risk_free_rate: float,
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the metrics that need nothing but an equity curve, and the reasons of the undefined."""
    sampled = session_returns(equity, session, starting_value)
    returns, n = sampled.returns, len(sampled.returns)
    risk_free = per_period(risk_free_rate, periods_per_year)
    names = ("annualized_return", "volatility", "sharpe_ratio", "sortino_ratio", "max_drawdown")
    values: dict[str, float] = dict.fromkeys((*names, "cagr", "calmar_ratio"), math.nan)
    reasons: dict[str, str] = {}
    final = float(equity[-1]) if len(equity) else starting_value
    growth = final / starting_value
    values["total_return"] = growth - 1.0
    if n < 2:
        too_few = f"needs 2 session returns, the run has {n}"
        reasons |= dict.fromkeys(("volatility", "sharpe_ratio", "sortino_ratio"), too_few)
    else:
        common: dict[str, Any] = {"annualization": periods_per_year}
        values["volatility"] = annual_volatility(returns, **common)
        values["sharpe_ratio"] = sharpe_ratio(returns, risk_free, **common)
        risk = downside_risk(returns, risk_free, **common)
        values["sortino_ratio"] = sortino_ratio(returns, risk_free, **common, _downside_risk=risk)
        if not math.isfinite(values["sharpe_ratio"]):
            reasons["sharpe_ratio"] = "session returns do not vary"
        if not math.isfinite(values["sortino_ratio"]):
            reasons["sortino_ratio"] = "no session return below the risk-free rate"
    lost_all = "equity fell below zero"
    if n < 1:
        reasons["annualized_return"] = "the run has no session return"
    elif growth < 0:
        reasons["annualized_return"] = lost_all
    else:
        values["annualized_return"] = _power(growth, periods_per_year / n) - 1.0
        reasons["annualized_return"] = "too large to express"
    days = int(session[-1]) - int(session[0]) if len(session) else 0
    values["cagr"] = calendar_growth(growth - 1.0, days)
    if growth < 0:
        reasons["cagr"] = lost_all
    else:
        reasons["cagr"] = "too large to express" if days > 0 else "the run spans less than one day"
    if len(equity):
        # max() with 0.0 would hide NaN; adding 0.0 makes -0.0 a plain 0.
        values["max_drawdown"] = float(equity_drawdown(equity, starting_value).min()) + 0.0
    else:
        values["max_drawdown"] = 0.0
    if values["max_drawdown"] < 0:
        values["calmar_ratio"] = values["annualized_return"] / abs(values["max_drawdown"])
        reasons["calmar_ratio"] = "annualised return is undefined"
    else:
        reasons["calmar_ratio"] = "no drawdown"
    return values, reasons


def _power(base: float, exponent: float) -> float:
    """Return ``base ** exponent``, inf where that overflows."""
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf


def _activity(
    curves: CurvesLike, fills: Mapping[str, Any], flows: Mapping[str, Any], periods_per_year: float
) -> tuple[dict[str, float], dict[str, str]]:
    """Return exposure, turnover and cost totals."""
    bars = len(curves.equity)
    none = np.empty(0)
    notional = float(np.abs(numbers(fills.get("value", none))).sum())
    paid = zip(flows.get("amount", ()), flows.get("kind", ()), strict=True)
    values = {
        "total_fees": total(numbers(fills.get("commission", none)).tolist()),
        "total_slippage": total(numbers(fills.get("slippage", none)).tolist()),
        "total_borrow": total([-float(amount) for amount, kind in paid if kind == "BORROW"]),
        "time_in_market": float(np.mean(curves.in_market)) if bars else math.nan,
        "gross_exposure": math.nan,
        "turnover": math.nan,
    }
    reasons: dict[str, str] = {}
    if not bars:
        reasons |= dict.fromkeys(("time_in_market", "gross_exposure", "turnover"), "the run has no bars")
        return values, reasons
    with np.errstate(divide="ignore", invalid="ignore"):
        values["gross_exposure"] = float(np.mean(np.abs(curves.exposure) / curves.equity))
    sessions = np.asarray(curves.session[1:])
    count = int(np.count_nonzero(np.diff(sessions))) + 1 if len(sessions) else 0
    years = count / periods_per_year
    mean_equity = float(np.mean(curves.equity))
    if years > 0 and mean_equity > 0:
        values["turnover"] = notional / mean_equity / years
    reasons["gross_exposure"] = "equity reached zero"
    reasons["turnover"] = "the run has no session return" if not years else "mean equity is not positive"
    return values, reasons


def _against_benchmark(
    curves: CurvesLike, starting_cash: float, periods_per_year: float, risk_free_rate: float
) -> tuple[dict[str, float], dict[str, str]]:
    """Return correlation, beta and alpha on the sessions that both have."""
    names = ("correlation_to_benchmark", "beta", "alpha")
    values: dict[str, float] = dict.fromkeys(names, math.nan)
    values["dropped_sessions"] = 0
    if not np.isfinite(curves.benchmark).any():
        return values, dict.fromkeys(names, "no benchmark")
    pair = joined_returns(curves.equity, curves.benchmark, curves.session, starting_cash)
    values["dropped_sessions"] = pair.dropped
    count = len(pair.returns)
    reasons: dict[str, str] = {}
    risk_free = per_period(risk_free_rate, periods_per_year)
    if count < 3:
        reasons["correlation_to_benchmark"] = f"needs 3 common sessions, there are {count}"
    else:
        values["correlation_to_benchmark"] = correlation(pair.returns, pair.benchmark)
        own = pair.returns.max() > pair.returns.min()
        whose = "benchmark" if own else "session"
        reasons["correlation_to_benchmark"] = f"{whose} returns do not vary"
    if count < 2:
        return values, reasons | dict.fromkeys(
            ("beta", "alpha"), f"needs 2 common sessions, there are {count}"
        )
    values["beta"] = beta_aligned(pair.returns, pair.benchmark, risk_free)
    values["alpha"] = alpha_aligned(
        pair.returns, pair.benchmark, risk_free, annualization=periods_per_year, _beta=values["beta"]
    )
    return values, reasons | dict.fromkeys(("beta", "alpha"), "benchmark returns do not vary")


def _benchmark_metrics(
    curves: CurvesLike, periods_per_year: float, risk_free_rate: float
) -> dict[str, float]:
    """Return what the benchmark alone did, from its first known value on; undefined ones are NaN."""
    known = np.isfinite(curves.benchmark)
    if not known.any():
        return {}
    equity, session = curves.benchmark[known], curves.session[known]
    values, _ = account_metrics(equity, session, float(equity[0]), periods_per_year, risk_free_rate)
    values["final_equity"] = leg(equity[-1])
    return {name: v if math.isfinite(v) else math.nan for name, v in values.items()}
