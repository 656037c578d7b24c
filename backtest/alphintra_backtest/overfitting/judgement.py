"""One judgement of a strategy that was chosen among variants: PSR, DSR, PBO, and what they mean in plain words."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from alphintra.overfitting import BLOCKS, Judgement
from alphintra.trials import Spread

from alphintra_backtest.formats import text
from alphintra_backtest.overfitting.halves import probability_of_backtest_overfitting
from alphintra_backtest.overfitting.luck import (
    deflated_sharpe_ratio,
    expected_maximum_sharpe,
    moments,
    probabilistic_sharpe_ratio,
    sharpe_ratios,
)


def judge(
    returns: npt.ArrayLike,
    periods_per_year: float,
    chosen: int,
    earlier: int = 0,
    earlier_since: str | None = None,
    *,
    earlier_spread: Spread | None = None,
    risk_free: float = 0.0,
    blocks: int = BLOCKS,
) -> Judgement:
    """Judge the variant that was chosen among all that were tried (rules M6 and M7).

    Nothing is raised for what cannot be computed: it is NaN, with its reason in ``undefined``.

    Args:
        returns: Session returns of the variants in order of time, shape (n, K). A variant without a result is a
            column of NaN: it counts as tried and ranks last.
        periods_per_year: N of rule M1.
        chosen: Column of the variant that is judged.
        earlier: Runs of the same strategy on the same data before; they count as trials.
        earlier_since: When the first of them was recorded.
        earlier_spread: Sharpe ratios per session of those of them that ran on the same sessions
            (``alphintra.trials.Earlier.spread``); they count for V.
        risk_free: Return of cash per session.
        blocks: Blocks of the splits for PBO.
    """
    matrix = np.asarray(returns, dtype=np.float64)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    n, here = matrix.shape
    own = moments(matrix[:, chosen], risk_free)
    trials = here + earlier
    known = Spread.of(sharpe_ratios(matrix, risk_free)) + (earlier_spread or Spread())
    variance = known.variance
    undefined: dict[str, str] = {}
    psr = probabilistic_sharpe_ratio(own)
    if math.isnan(psr):
        few = f"needs 2 session returns, there {'is' if n == 1 else 'are'} {n}"
        undefined["psr"] = few if n < 2 else "session returns do not vary"
        if n > 1 and not np.isfinite(matrix[:, chosen]).all():
            undefined["psr"] = "a session return is not a finite number"
    dsr = deflated_sharpe_ratio(own, trials, variance)
    if math.isnan(dsr):
        undefined["dsr"] = undefined.get("psr") or _no_variance(trials, known.count, earlier)
    splits = None
    if here < 2:
        undefined["pbo"] = "one trial only: there is nothing to choose from"
    elif n < 2 * blocks:
        undefined["pbo"] = f"needs {2 * blocks} sessions, there are {n}"
    else:
        splits = probability_of_backtest_overfitting(matrix, blocks, risk_free=risk_free)
        if math.isnan(splits.pbo):
            undefined["pbo"] = "session returns of no trial vary"
    return Judgement(
        psr=psr,
        dsr=dsr,
        pbo=math.nan if splits is None else splits.pbo,
        trials=trials,
        variance=variance,
        expected_sharpe=expected_maximum_sharpe(trials, variance),
        moments=own,
        periods_per_year=float(periods_per_year),
        earlier=earlier,
        earlier_since=earlier_since,
        splits=splits,
        undefined=undefined,
    )


def _no_variance(trials: int, known: int, earlier: int) -> str:
    """Why DSR is undefined though PSR is not."""
    if trials < 2:
        return "one trial only: there is no luck of many tries to take off"
    if earlier and known < 2:
        tried = f"{text(float(earlier), 'integer')} earlier run{'' if earlier == 1 else 's'}"
        return f"the Sharpe ratios of the {tried} on the same sessions are not known"
    return "fewer than two trials have a Sharpe ratio"
