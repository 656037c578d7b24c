"""All metrics of one run, and why some are undefined (rules M1 to M5 and M9 to M13)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.account import account_metrics, per_period
from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.metrics.round_trips import closed_trades, numbers, trade_statistics
from alphintra_backtest.metrics.sampling import joined_returns
from alphintra_backtest.metrics.versus import versus_benchmark
from alphintra_backtest.money import leg, total

F64 = npt.NDArray[np.float64]


class CurvesLike(Protocol):
    """The arrays of a run that metrics read, all of length T."""

    time: npt.NDArray[np.int64]
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
        dropped_sessions: Sessions left out of the comparison with the benchmark.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    dropped_sessions: int = 0
    _alone: Callable[[], dict[str, float]] = dict

    @cached_property
    def benchmark(self) -> dict[str, float]:
        """The benchmark's metrics, of those that an account without trades has; made when first asked for."""
        return self._alone()


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
        curves.equity, curves.session, starting_cash, periods_per_year, risk_free_rate, curves.time
    )
    if len(curves.equity):
        values["final_equity"] = leg(curves.cash[-1]) + leg(curves.equity[-1] - curves.cash[-1])
        values["final_equity"] = leg(values["final_equity"])
    else:
        values["final_equity"] = leg(starting_cash)
    pair = None
    if np.isfinite(curves.benchmark).any():
        pair = joined_returns(curves.equity, curves.benchmark, curves.session, starting_cash)
    years = _years(curves.session, periods_per_year)
    for part, why in (
        trade_statistics(closed_trades(trades), years),
        _activity(curves, fills, flows or {}, years),
        versus_benchmark(pair, periods_per_year, per_period(risk_free_rate, periods_per_year)),
    ):
        values |= part
        reasons |= why
    summary = Summary()
    if pair:
        summary.dropped_sessions = pair.dropped
        # a partial of a function, not a closure: a result can be pickled
        summary._alone = partial(_benchmark_metrics, curves, periods_per_year, risk_free_rate)
    for name in DEFINITIONS:
        value = values[name]
        if not math.isfinite(value):
            summary.undefined[name] = reasons.get(name, "not a finite number")
            value = math.nan
        summary.metrics[name] = value
    return summary


def _years(session: npt.NDArray[np.int32], periods_per_year: float) -> float:
    """Return session returns divided by N."""
    days = np.asarray(session[1:])
    return (int(np.count_nonzero(days[1:] != days[:-1])) + 1) / periods_per_year if len(days) else 0.0


def _activity(
    curves: CurvesLike, fills: Mapping[str, Any], flows: Mapping[str, Any], years: float
) -> tuple[dict[str, float], dict[str, str]]:
    """Return exposure, turnover and cost totals."""
    bars = len(curves.equity)
    none = np.empty(0)
    notional = float(np.abs(numbers(fills.get("value", none))).sum())
    paid = zip(flows.get("amount", ()), flows.get("kind", ()), strict=True)
    values = {
        "total_fees": total(numbers(fills.get("commission", none))),
        "total_slippage": total(numbers(fills.get("slippage", none))),
        "total_borrow": total([-float(amount) for amount, kind in paid if kind == "BORROW"]),
        "time_in_market": float(np.count_nonzero(curves.in_market)) / bars if bars else math.nan,
        "gross_exposure": math.nan,
        "turnover": math.nan,
    }
    reasons: dict[str, str] = {}
    if not bars:
        reasons |= dict.fromkeys(("time_in_market", "gross_exposure", "turnover"), "the run has no bars")
        return values, reasons
    with np.errstate(divide="ignore", invalid="ignore"):
        share = curves.exposure / curves.equity
    values["gross_exposure"] = float(np.abs(share, out=share).mean())
    mean_equity = float(np.mean(curves.equity))
    if years > 0 and mean_equity > 0:
        values["turnover"] = notional / mean_equity / years
    reasons["gross_exposure"] = "equity reached zero"
    reasons["turnover"] = "the run has no session return" if not years else "mean equity is not positive"
    return values, reasons


def _benchmark_metrics(
    curves: CurvesLike, periods_per_year: float, risk_free_rate: float
) -> dict[str, float]:
    """Return what the benchmark alone did, from its first known value on; undefined ones are NaN."""
    equity, session, time = curves.benchmark, curves.session, curves.time
    known = np.isfinite(equity)
    if not known.all():
        equity, session, time = equity[known], session[known], time[known]
    values, _ = account_metrics(
        equity, session, float(equity[0]), periods_per_year, risk_free_rate, time
    )
    values["final_equity"] = leg(equity[-1])
    return {name: v if math.isfinite(v) else math.nan for name, v in values.items()}
