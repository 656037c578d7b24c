"""One judgement of a strategy that was chosen among variants: PSR, DSR, PBO, and what they mean in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.formats import text
from alphintra_backtest.overfitting.halves import BLOCKS, HalfSplits, probability_of_backtest_overfitting
from alphintra_backtest.overfitting.luck import (
    Moments,
    deflated_sharpe_ratio,
    expected_maximum_sharpe,
    moments,
    probabilistic_sharpe_ratio,
    sharpe_ratios,
)

if TYPE_CHECKING:
    from alphintra_backtest.study import Facts, Figure, Text


@dataclass(frozen=True, eq=False, repr=False)
class Judgement:
    """How much of a result may be luck.

    Attributes:
        psr: Probability that the true Sharpe ratio is above 0, had nothing else been tried.
        dsr: Probability that it is above what the best of ``trials`` variants reaches by luck.
        pbo: Probability of backtest overfitting, from ``splits``.
        trials: K, all variants that were tried: those at hand and ``earlier``.
        variance: V, variance (ddof 1) of the Sharpe ratios per session of those that are known.
        expected_sharpe: S0 per session: what the best of ``trials`` is expected to reach by luck.
        moments: Count, Sharpe ratio per session, skewness and kurtosis of the chosen variant.
        periods_per_year: N of rule M1, to show Sharpe ratios per year.
        earlier: Runs of the same strategy on the same data that were recorded before.
        earlier_since: When the first of them was recorded.
        splits: Every split into two halves, ``None`` where there is no PBO.
        undefined: Reason by name (``psr``, ``dsr``, ``pbo``) of each NaN.
    """

    psr: float
    dsr: float
    pbo: float
    trials: int
    variance: float
    expected_sharpe: float
    moments: Moments
    periods_per_year: float
    earlier: int = 0
    earlier_since: str | None = None
    splits: HalfSplits | None = None
    undefined: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return one line."""
        values = ", ".join(f"{name}={getattr(self, name):.4f}" for name in ("psr", "dsr", "pbo"))
        return f"Judgement({values}, trials={self.trials})"

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """What each number means, the one on the number of trials first."""
        from alphintra_backtest.overfitting.sentences import sentences

        return sentences(self)

    def blocks(self) -> list[Facts | Text | Figure]:
        """Return the blocks of a study: figures, sentences, and charts of the splits where there are any."""
        from alphintra_backtest.overfitting.blocks import blocks

        return blocks(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values, undefined ones as ``None``."""
        values: dict[str, Any] = {
            "psr": self.psr,
            "dsr": self.dsr,
            "pbo": self.pbo,
            "variance": self.variance,
            "expected_sharpe": self.expected_sharpe,
            "sharpe": self.moments.sharpe,
        }
        plain: dict[str, Any] = {k: v if math.isfinite(v) else None for k, v in values.items()}
        return plain | {
            "trials": self.trials,
            "earlier": self.earlier,
            "earlier_since": self.earlier_since,
            "undefined": dict(self.undefined),
            "sentences": list(self.sentences),
        }


def judge(
    returns: npt.ArrayLike,
    periods_per_year: float,
    chosen: int,
    earlier: int = 0,
    earlier_since: str | None = None,
    *,
    earlier_sharpes: Sequence[float] = (),
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
        earlier_sharpes: Sharpe ratios per session of those of them that ran on the same sessions; they count for V.
        risk_free: Return of cash per session.
        blocks: Blocks of the splits for PBO.
    """
    matrix = np.asarray(returns, dtype=np.float64)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    n, here = matrix.shape
    own = moments(matrix[:, chosen], risk_free)
    trials = here + earlier
    known = np.concatenate((sharpe_ratios(matrix, risk_free), np.asarray(earlier_sharpes, dtype=np.float64)))
    known = known[np.isfinite(known)]
    variance = float(known.var(ddof=1)) if len(known) > 1 else math.nan
    undefined: dict[str, str] = {}
    psr = probabilistic_sharpe_ratio(own)
    if math.isnan(psr):
        few = f"needs 2 session returns, there {'is' if n == 1 else 'are'} {n}"
        undefined["psr"] = few if n < 2 else "session returns do not vary"
        if n > 1 and not np.isfinite(matrix[:, chosen]).all():
            undefined["psr"] = "a session return is not a finite number"
    dsr = deflated_sharpe_ratio(own, trials, variance)
    if math.isnan(dsr):
        undefined["dsr"] = undefined.get("psr") or _no_variance(trials, len(known), earlier)
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
