"""``al.overfitting``: how much of a result may be luck (rules M6 and M7).

Every Sharpe ratio here is *per observation*, that is, not annualised: that of ``Result.metrics`` divided by √N.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ._engine import engine

BLOCKS = 16
"""S of rule M7."""

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from .trials import Spread

    F64 = npt.NDArray[np.float64]
    I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Moments:
    """What PSR and DSR read of a sample of returns.

    Attributes:
        count: Number of returns n.
        sharpe: mean / standard deviation (ddof 1, as in M2), per observation; NaN where the returns do not vary.
        skewness: Third standardised moment g3, population (ddof 0).
        kurtosis: Fourth standardised moment g4, population; 3 for a normal distribution.
    """

    count: int
    sharpe: float
    skewness: float = 0.0
    kurtosis: float = 3.0


@dataclass(frozen=True, eq=False)
class HalfSplits:
    """What came of every split of the sessions into two halves.

    Splits in which no trial has a Sharpe ratio in the half that chooses are left out of all arrays.

    Attributes:
        logits: λ = ln(w / (1 − w)) of each split, shape (m,); ≤ 0 where the chosen trial was in the lower half.
        in_sample: Sharpe ratio per session of the chosen trial in the half that chose it, shape (m,).
        out_of_sample: That in the other half, shape (m,); NaN where it did not vary there.
        chosen: Which trial was chosen, shape (m,).
        trials: Number of trials K.
        sessions: Sessions that were used, a multiple of the blocks.
        dropped: Oldest sessions that were left out to make it one.
        blocks: Number of blocks.
        skipped: Splits in which no trial could be chosen.
    """

    logits: F64
    in_sample: F64
    out_of_sample: F64
    chosen: I64
    trials: int
    sessions: int
    dropped: int
    blocks: int
    skipped: int

    def __repr__(self) -> str:
        """Return one line."""
        return f"HalfSplits(pbo={self.pbo:.3f}, {len(self.logits)} splits, {self.trials} trials)"

    @property
    def pbo(self) -> float:
        """Share of splits with λ ≤ 0; NaN where there is none."""
        return float((self.logits <= 0).mean()) if len(self.logits) else math.nan

    @cached_property
    def _both(self) -> tuple[F64, F64]:
        known = self.out_of_sample == self.out_of_sample  # not NaN
        return self.in_sample[known], self.out_of_sample[known]

    @property
    def slope(self) -> float:
        """Slope of out-of-sample on in-sample Sharpe ratios (least squares): 1 keeps all, ≤ 0 keeps nothing.

        NaN where the in-sample ratios do not vary.
        """
        x, y = self._both
        away = x - x.mean() if len(x) else x
        spread = float(away @ away)
        return float(away @ y) / spread if spread > 0 else math.nan

    @property
    def probability_of_loss(self) -> float:
        """Share of splits in which the chosen trial lost out of sample (Sharpe ratio below 0)."""
        y = self._both[1]
        return float((y < 0).mean()) if len(y) else math.nan


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
        lines: tuple[str, ...] = engine("overfitting.sentences").sentences(self)
        return lines

    def blocks(self) -> list[Any]:
        """Return the blocks of a study: figures, sentences, and charts of the splits where there are any."""
        blocks: list[Any] = engine("overfitting.blocks").blocks(self)
        return blocks

    def study(self) -> Any:
        """Return the judgement as a page (``alphintra_backtest.study.Study``): the source of all its views."""
        return engine("overfitting.blocks").study(self)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Show the judgement in a notebook."""
        bundle: dict[str, Any] = engine("study_bundle").bundle(self.study())
        return bundle

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


def moments(returns: npt.ArrayLike, risk_free: float = 0.0) -> Moments:
    """Return what PSR and DSR read of a sample of returns.

    Args:
        returns: Fractions per observation, shape (n,).
        risk_free: Return of cash per observation.

    Returns:
        Moments that are NaN below two returns, or where they do not vary or are not finite.
    """
    found: Moments = engine("overfitting").moments(returns, risk_free)
    return found


def probabilistic_sharpe_ratio(
    returns: npt.ArrayLike | Moments, benchmark: float = 0.0, *, risk_free: float = 0.0
) -> float:
    """Return PSR: the probability that the true Sharpe ratio is above ``benchmark``.

    ``Φ((S − b) · √(n−1) / √(1 − g3·S + (g4−1)/4 · S²))``; Bailey and López de Prado, "The Sharpe Ratio Efficient
    Frontier" (2012).

    Args:
        returns: Fractions per observation, shape (n,), or their :class:`Moments`.
        benchmark: Sharpe ratio b per observation.
        risk_free: Return of cash per observation; not used with moments.

    Returns:
        A probability; NaN below two returns, where they do not vary, or where ``benchmark`` is NaN.
    """
    return float(engine("overfitting").probabilistic_sharpe_ratio(returns, benchmark, risk_free=risk_free))


def expected_maximum_sharpe(count: int, variance: float) -> float:
    """Return S0: the Sharpe ratio that the best of ``count`` trials without skill is expected to have.

    ``√V · ((1−γ) · Φ⁻¹(1 − 1/K) + γ · Φ⁻¹(1 − 1/(K·e)))``.

    Args:
        count: Trials K.
        variance: V, the variance of the trials' Sharpe ratios per observation.

    Returns:
        A Sharpe ratio per observation; NaN for fewer than two trials or an undefined variance.
    """
    return float(engine("overfitting").expected_maximum_sharpe(count, variance))


def deflated_sharpe_ratio(
    returns: npt.ArrayLike | Moments, count: int, variance: float, *, risk_free: float = 0.0
) -> float:
    """Return DSR: PSR against what the best of ``count`` trials reaches by luck, :func:`expected_maximum_sharpe`.

    Bailey and López de Prado, "The Deflated Sharpe Ratio" (2014).

    Args:
        returns: The chosen trial's returns per observation, shape (n,), or their :class:`Moments`.
        count: Trials K, all that were looked at.
        variance: V, the variance (ddof 1) of the trials' Sharpe ratios per observation on the same sample.
        risk_free: Return of cash per observation; not used with moments.

    Returns:
        A probability; NaN for one trial alone.
    """
    return float(engine("overfitting").deflated_sharpe_ratio(returns, count, variance, risk_free=risk_free))


def probability_of_backtest_overfitting(
    returns: npt.ArrayLike, blocks: int = BLOCKS, *, risk_free: float = 0.0
) -> HalfSplits:
    """Return PBO by combinatorially symmetric cross-validation: how what is best in one half does in the other.

    Bailey, Borwein, López de Prado and Zhu, "The Probability of Backtest Overfitting" (2014). The sessions are cut
    into ``blocks`` blocks of equal length and order; where their number is no multiple, the *oldest* sessions are
    left out. Each choice of half the blocks is one split: the trial with the best Sharpe ratio there is ranked among
    all K by its Sharpe ratio in the other half, ``w = rank / (K + 1)``. Of equal trials the first is chosen; equal
    ranks share their mean. A trial whose returns do not vary in a half, or are not finite anywhere, has no Sharpe
    ratio there and ranks last.

    Args:
        returns: Session returns of the trials, shape (n, K), in order of time.
        blocks: S, even, from 2 to 20; 16 gives 12,870 splits.
        risk_free: Return of cash per session.

    Raises:
        ParameterError: ``blocks`` is odd or out of bounds, one trial only, or fewer than two sessions a block.
    """
    found: HalfSplits = engine("overfitting").probability_of_backtest_overfitting(returns, blocks, risk_free=risk_free)
    return found


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
    judgement: Judgement = engine("overfitting").judge(
        returns,
        periods_per_year,
        chosen,
        earlier,
        earlier_since,
        earlier_spread=earlier_spread,
        risk_free=risk_free,
        blocks=blocks,
    )
    return judgement
