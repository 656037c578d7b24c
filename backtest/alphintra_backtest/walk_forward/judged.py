"""The account of a walk-forward judged against every variant held through the same sessions (M6, M7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.account import per_period
from alphintra_backtest.overfitting import judge
from alphintra_backtest.overfitting.luck import sharpe_ratios
from alphintra_backtest.sweep import ranking
from alphintra_backtest.walk_forward.record import METHOD, as_variant

if TYPE_CHECKING:
    from alphintra.overfitting import Judgement
    from alphintra.trials import Sample
    from alphintra.walking import WalkForward


def returns(walk: WalkForward) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Session returns of every variant held through the test windows, and last of the account.

    Returns:
        Shape (n, K + 1), NaN in the columns of variants that failed, and the n sessions: those from which on all of
        them run.
    """
    curves = walk.result.curves.session[1:]
    sessions = np.asarray(curves[np.append(curves[1:] != curves[:-1], True)], dtype=np.int32)
    account = as_variant(walk.result, len(walk.held), {})
    matrix, days = ranking.common([*walk.held, account], sessions)
    return matrix, np.asarray(days, dtype=np.int32)


def judgement(walk: WalkForward) -> Judgement:
    """See ``WalkForward.judgement``."""
    from alphintra import trials

    run = walk.result.run
    matrix, days = returns(walk)
    before = trials.earlier(run, _sample(days))
    return judge(
        matrix, float(run["periods_per_year"]), matrix.shape[1] - 1, before.count, before.since,
        earlier_spread=before.spread, risk_free=_risk_free(run),
    )  # fmt: skip


def log(walk: WalkForward) -> None:
    """Append one line to the trial log: every variant once, and the account."""
    from alphintra import trials

    matrix, days = returns(walk)
    sharpes: list[float] = sharpe_ratios(matrix, _risk_free(walk.result.run)).tolist() if len(days) > 1 else []
    trials.append_study(
        walk.result.run, matrix.shape[1], kind=METHOD.lower(), sharpes=sharpes, sample=_sample(days)
    )


def _sample(days: npt.NDArray[np.int32]) -> Sample | None:
    from alphintra.trials import Sample

    return Sample(int(days[0]), int(days[-1]), len(days)) if len(days) else None


def _risk_free(run: dict[str, Any]) -> float:
    return per_period(float(run["configuration"]["risk_free_rate"]), float(run["periods_per_year"]))
