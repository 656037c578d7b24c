"""A sweep in the trial log (one line for all of its variants), and what was tried before it (M6)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.metrics.account import per_period
from alphintra_backtest.sweep import ranking

if TYPE_CHECKING:
    from alphintra.overfitting import Judgement
    from alphintra.sweeping import Sweep


def log(sweep: Sweep) -> None:
    """Append one line with the number of variants, each parameter set counted once."""
    from alphintra import trials

    variants = ranking.distinct(sweep.variants)
    returns, days = _common(sweep, variants)
    sample = trials.Sample(int(days[0]), int(days[-1]), len(days)) if len(days) else None
    trials.append_study(
        _known_as(sweep), len(variants), kind="sweep", sharpes=_sharpes(returns, _risk_free(sweep)), sample=sample
    )


def judged(sweep: Sweep) -> Judgement:
    """Judge the best variant among all of them, and among what was recorded before."""
    from alphintra import trials

    from alphintra_backtest.overfitting import judge

    variants = ranking.distinct(sweep.variants)
    returns, days = _common(sweep, variants)
    sample = trials.Sample(int(days[0]), int(days[-1]), len(days)) if len(days) else None
    before = trials.earlier(_known_as(sweep), sample)
    values = ranking.values_of(variants, sweep.metric)
    chosen = int(ranking.order(values, sweep.maximize)[0])
    return judge(
        returns, float(sweep.run["periods_per_year"]), chosen, before.count, before.since,
        earlier_spread=before.spread, risk_free=_risk_free(sweep),
    )  # fmt: skip


def _known_as(sweep: Sweep) -> dict[str, Any]:
    from alphintra import trials

    return {**sweep.run, "strategy_file": trials.strategy_file(sweep.strategy)}


def _common(sweep: Sweep, variants: Any) -> Any:
    return ranking.common(variants, ranking.sessions_of(sweep.market, sweep.options))


def _risk_free(sweep: Sweep) -> float:
    return per_period(float(sweep.run["configuration"]["risk_free_rate"]), float(sweep.run["periods_per_year"]))


def _sharpes(returns: Any, risk_free: float) -> list[float]:
    """Sharpe ratios per session (M2 without √N), NaN where undefined."""
    if len(returns) < 2:
        return [math.nan] * returns.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = returns.std(axis=0, ddof=1)
        found: list[float] = np.where(spread > 0, (returns.mean(axis=0) - risk_free) / spread, np.nan).tolist()
    return found
