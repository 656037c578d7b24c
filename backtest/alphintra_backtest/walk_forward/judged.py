"""The account of a walk-forward judged against every variant held through the same sessions (M6, M7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.account import per_period
from alphintra_backtest.overfitting import Judgement, judge

if TYPE_CHECKING:
    from alphintra.walking import WalkForward


def judgement(walk: WalkForward) -> Judgement:
    """See ``WalkForward.judgement``."""
    result = walk.result
    years = float(result.run["periods_per_year"])
    rate = float(result.run["configuration"]["risk_free_rate"])
    matrix = returns(walk)
    return judge(matrix, years, matrix.shape[1] - 1, risk_free=per_period(rate, years))


def returns(walk: WalkForward) -> npt.NDArray[np.float64]:
    """Session returns of every variant held through the test windows, and last of the account: shape (n, K + 1).

    A variant that failed is a column of NaN.
    """
    own = walk.result.returns.to_numpy(dtype=np.float64)
    out = np.zeros((len(own), len(walk.held) + 1))
    out[:, -1] = own
    for k, variant in enumerate(walk.held):
        values = variant.returns
        if variant.error is not None:
            out[:, k] = np.nan
        elif len(values) and values[-1] <= -1.0:  # bankrupt: it ended early, and nothing came after
            out[: len(values), k] = values[: len(own)]
        else:
            kept = min(len(values), len(own))
            out[len(own) - kept :, k] = values[len(values) - kept :]
    return out
