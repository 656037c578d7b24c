"""A judgement as blocks of a study: its figures, its sentences, and two charts of the splits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.overfitting.sentences import probability
from alphintra_backtest.study import Fact, Facts, Figure, Section, Study, Text

if TYPE_CHECKING:
    from alphintra.overfitting import HalfSplits, Judgement

#: Points of the scatter: as many as can be told apart.
MOST_POINTS = 800
#: Above it, what was chosen is worth no more than a draw.
BAD_PBO = 0.5

_PSR = "Probability that the true Sharpe ratio is above 0: Φ(S·√(n−1) / √(1 − g3·S + (g4−1)/4·S²)) (M6)."
_DSR = "PSR against S0, the Sharpe ratio that the best of K variants without skill is expected to have (M6)."
_PBO = "Share of the splits into halves in which the best variant of one half is below the middle in the other (M7)."
_S0 = "√V · ((1−γ)·Φ⁻¹(1−1/K) + γ·Φ⁻¹(1−1/(K·e))), per year: √N · S0 (M6)."


def blocks(judgement: Judgement) -> list[Facts | Text | Figure]:
    """Return facts, sentences, and the charts where there are splits."""
    yearly = math.sqrt(judgement.periods_per_year)
    why = judgement.undefined
    earlier = f"{judgement.earlier} from earlier runs" if judgement.earlier else ""
    splits = judgement.splits
    items = [
        _fact("dsr", "Deflated Sharpe", judgement.dsr, _DSR, why.get("dsr", ""), "percent"),
        _fact("pbo", "Overfitting (PBO)", judgement.pbo, _PBO, why.get("pbo", ""), "percent"),
        _fact("psr", "Probabilistic Sharpe", judgement.psr, _PSR, why.get("psr", ""), "percent"),
        Fact("trials", "Variants tried", float(judgement.trials), "integer", definition="K of rule M6.", note=earlier),
        _fact("sharpe_ratio", "Sharpe", judgement.moments.sharpe * yearly, "√N · S (M2).", why.get("psr", "")),
        _fact("expected_sharpe", "Sharpe by luck", judgement.expected_sharpe * yearly, _S0, why.get("dsr", "")),
    ]
    out: list[Facts | Text | Figure] = []
    if splits is not None and len(splits.logits):
        no_loss = "the chosen variants do not vary out of sample"
        items += [
            _fact("degradation", "Degradation slope", splits.slope,
                  "Least-squares slope of out-of-sample on in-sample Sharpe ratios of what was chosen; 1 keeps all.",
                  "in-sample Sharpe ratios do not vary"),
            _fact("probability_of_loss", "Loses out of sample", splits.probability_of_loss,
                  "Share of the splits in which the chosen variant has a Sharpe ratio below 0 in the other half.",
                  no_loss, "percent"),
        ]  # fmt: skip
        charts = [_histogram(splits), _scatter(splits, yearly)]
    else:
        charts = []
    bad = judgement.pbo > BAD_PBO or judgement.dsr < BAD_PBO
    out.append(Facts(items))
    out.append(Text(judgement.sentences, level="warning" if bad else "info"))
    return [*out, *charts]


def study(judgement: Judgement) -> Study:
    """Return a page of its own; the first sentence is said above the rest."""
    count = judgement.trials
    tried = "one variant" if count == 1 else f"the one chosen among {count:,} variants"
    return Study(
        kind="overfitting",
        title=f"How much of {tried} may be luck",
        subtitle=f"{judgement.moments.count:,} sessions",
        sentences=judgement.sentences,
        sections=[Section("overfitting", "Overfitting", [b for b in blocks(judgement) if not isinstance(b, Text)])],
    )


def _fact(name: str, label: str, value: float, definition: str, reason: str, kind: str = "ratio") -> Fact:
    if math.isfinite(value):
        return Fact(name, label, value, kind, definition=definition)
    return Fact(name, label, None, kind, definition=definition, reason=reason or "undefined")


def _histogram(splits: HalfSplits) -> Figure:
    """How the logits are spread, those that count as overfit in the colour of a loss."""
    low, high = float(splits.logits.min()), float(splits.logits.max())
    reach = max(abs(low), abs(high), 0.5)
    edges = np.linspace(-reach, reach, 41)  # 0 is an edge: no bar is half overfit
    middle = (edges[:-1] + edges[1:]) / 2
    # A bar holds (a, b]: a logit of exactly 0 counts as overfit, as in M7.
    counts = np.histogram(-splits.logits, bins=-edges[::-1])[0][::-1]
    share = counts / len(splits.logits)
    below = middle < 0
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": name,
            "x": middle[part].round(4).tolist(),
            "y": share[part].round(6).tolist(),
            "width": float(edges[1] - edges[0]),
            "marker": {"color": colour},
            "hovertemplate": "logit %{x:.2f}: %{y:.1%}<extra></extra>",
        }
        for name, part, colour in (("overfit", below, "@loss"), ("held up", ~below, "@gain"))
    ]
    pbo = probability(splits.pbo)
    return Figure(
        name="overfitting_logits",
        title="Rank out of sample of the variant that was best in sample",
        alt=f"Histogram of the logits of {len(splits.logits)} splits: {pbo} are at or below 0, median "
        f"{float(np.median(splits.logits)):.2f}.",
        data=traces,
        layout={
            "bargap": 0,
            "showlegend": True,
            "xaxis": {"title": {"text": "logit of the rank (0: in the middle)"}},
            "yaxis": {"title": {"text": "share of splits"}, "tickformat": ".0%"},
        },
        height=260,
        note=f"{pbo} of the splits are at or below 0 (PBO).",
    )


def _scatter(splits: HalfSplits, yearly: float) -> Figure:
    """In-sample against out-of-sample Sharpe ratios of the chosen variants, with their line."""
    known = np.flatnonzero(np.isfinite(splits.out_of_sample))
    x, y = splits.in_sample[known] * yearly, splits.out_of_sample[known] * yearly
    shown = np.unique(np.linspace(0, len(x) - 1, min(MOST_POINTS, len(x))).astype(np.int64)) if len(x) else known
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "split",
            "x": x[shown].round(4).tolist(),
            "y": y[shown].round(4).tolist(),
            "marker": {"color": "@series1", "size": 4, "opacity": 0.45},
            "hovertemplate": "in sample %{x:.2f}, out of sample %{y:.2f}<extra></extra>",
        }
    ]
    slope = splits.slope
    if math.isfinite(slope):
        ends = np.array([x.min(), x.max()])
        line = y.mean() + slope * (ends - x.mean())
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"slope {slope:.2f}",
                "x": ends.round(4).tolist(),
                "y": line.round(4).tolist(),
                "line": {"color": "@ink", "width": 1.5},
                "hoverinfo": "skip",
            }
        )
    lost = splits.probability_of_loss
    tail = f", {probability(lost)} of them below 0" if math.isfinite(lost) else ""
    note = f"{len(shown)} of {len(x)} splits are drawn." if len(shown) < len(x) else ""
    return Figure(
        name="overfitting_degradation",
        title="Sharpe ratio in sample and out of sample",
        alt=f"Scatter of the chosen variant's Sharpe ratios per year in the two halves of each split: median "
        f"{_median(x)} in sample, {_median(y)} out of sample{tail}.",
        data=traces,
        layout={
            "xaxis": {"title": {"text": "Sharpe ratio in sample"}},
            "yaxis": {"title": {"text": "Sharpe ratio out of sample"}},
        },
        height=300,
        note=note,
    )


def _median(values: Any) -> str:
    return f"{float(np.median(values)):.2f}" if len(values) else "undefined"
