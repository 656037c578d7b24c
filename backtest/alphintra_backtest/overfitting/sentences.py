"""What PSR, DSR and PBO mean, in sentences for a trader."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from alphintra_backtest.formats import text

if TYPE_CHECKING:
    from alphintra.overfitting import Judgement


def sentences(judgement: Judgement) -> tuple[str, ...]:
    """One sentence each for DSR, PBO and PSR, and one for runs that were counted from earlier."""
    return (_deflated(judgement), *_earlier(judgement), _splits(judgement), _probabilistic(judgement))


def _earlier(judgement: Judgement) -> tuple[str, ...]:
    if not judgement.earlier:
        return ()
    since = f", since {judgement.earlier_since[:10]}" if judgement.earlier_since else ""
    one = judgement.earlier == 1
    return (
        f"{_count(judgement.earlier)} of the {_count(judgement.trials)} {'is an' if one else 'are'} earlier recorded "
        f"run{'' if one else 's'} of this strategy on the same data{since}; edits of its code count.",
    )


def probability(value: float) -> str:
    """Write a probability: whole percents in the middle, one or more decimals towards 0 and 1, never either."""
    if value < 0.0001:
        return "less than 0.01 %"
    if value > 0.9999:
        return "more than 99.99 %"
    decimals = 2 if min(value, 1 - value) < 0.001 else 1 if min(value, 1 - value) < 0.1 else 0
    return f"{value * 100:.{decimals}f} %"


def _count(value: float) -> str:
    return text(float(value), "integer")


def _deflated(judgement: Judgement) -> str:
    if not math.isfinite(judgement.dsr):
        return f"What luck alone reaches is not known (DSR undefined): {judgement.undefined.get('dsr', '')}."
    yearly = math.sqrt(judgement.periods_per_year)
    own = text(judgement.moments.sharpe * yearly, "ratio")
    expected = text(judgement.expected_sharpe * yearly, "ratio")
    return (
        f"Of {_count(judgement.trials)} variants tried, the best would reach this Sharpe ratio ({own}) by luck with "
        f"probability {probability(1 - judgement.dsr)}; luck alone is expected to reach {expected} "
        f"(DSR {judgement.dsr:.4f})."
    )


def _splits(judgement: Judgement) -> str:
    splits = judgement.splits
    if splits is None or not math.isfinite(judgement.pbo):
        return f"Whether the best stays the best is not known (PBO undefined): {judgement.undefined.get('pbo', '')}."
    loss = splits.probability_of_loss
    lost = f"; it lost money there in {probability(loss)}" if math.isfinite(loss) else ""
    return (
        f"The variant that was best in one half of the sessions was in the lower half of the variants in the other "
        f"half of the sessions in {probability(judgement.pbo)} of {_count(len(splits.logits))} splits "
        f"(PBO {judgement.pbo:.2f}){lost}."
    )


def _probabilistic(judgement: Judgement) -> str:
    if not math.isfinite(judgement.psr):
        return f"PSR is undefined: {judgement.undefined.get('psr', '')}."
    return (
        f"Had this been the only variant ever tried, its true Sharpe ratio would be above 0 with probability "
        f"{probability(judgement.psr)} (PSR, {_count(judgement.moments.count)} sessions)."
    )
