"""A sweep in the trial log (one line for all of its variants), and what was tried before it (M6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.metrics.account import per_period
from alphintra_backtest.sweep import ranking

if TYPE_CHECKING:
    import numpy.typing as npt
    from alphintra.overfitting import Judgement
    from alphintra.sweeping import Sweep
    from alphintra.trials import Sample

    from alphintra_backtest.sweep.variant import Variant


def log(sweep: Sweep) -> None:
    """Append one line with the number of variants, each parameter set counted once."""
    from alphintra import trials

    variants = ranking.distinct(sweep.variants)
    days = ranking.sessions_of(sweep.market, sweep.options)
    sharpes, sample = _sharpes(variants, days, _risk_free(sweep))
    trials.append_study(_known_as(sweep), len(variants), kind="sweep", sharpes=sharpes, sample=sample)


def judged(sweep: Sweep) -> Judgement:
    """Judge the best variant among all of them, and among what was recorded before."""
    from alphintra import trials

    from alphintra_backtest.overfitting import judge

    variants = ranking.distinct(sweep.variants)
    returns, days = ranking.common(variants, ranking.sessions_of(sweep.market, sweep.options))
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


def _risk_free(sweep: Sweep) -> float:
    return per_period(float(sweep.run["configuration"]["risk_free_rate"]), float(sweep.run["periods_per_year"]))


def _sharpes(
    variants: Sequence[Variant], days: npt.NDArray[np.int32], risk_free: float
) -> tuple[list[float], Sample | None]:
    """Sharpe ratios per session (M2 without √N) on the sessions from which on all run, NaN where undefined.

    One variant at a time: a table of all returns of a large sweep may not fit into memory. As in
    :func:`alphintra_backtest.sweep.ranking.common`, an account that is gone returns 0 from then on.
    """
    from alphintra.trials import Sample

    ran = [v for v in variants if len(v.returns)]
    if not ran:
        return [], None
    begins = {v.first_session: int(np.searchsorted(days, v.first_session)) for v in ran}
    begin = max(begins.values())
    count = max(begins[v.first_session] + len(v.returns) for v in ran) - begin
    found = []
    for variant in ran:
        returns = variant.returns[begin - begins[variant.first_session] :]
        mean = float(returns.sum()) / count
        away = returns - mean
        squares = float(away @ away) + (count - len(returns)) * mean * mean
        found.append((mean - risk_free) / math.sqrt(squares / (count - 1)) if count > 1 and squares > 0 else math.nan)
    return found, Sample(int(days[begin]), int(days[begin + count - 1]), count)
