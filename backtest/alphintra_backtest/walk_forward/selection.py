"""Which parameters a training window speaks for (W1)."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alphintra_backtest.metrics.definitions import DEFINITIONS

if TYPE_CHECKING:
    from alphintra_backtest.sweep.variant import Variant


@dataclass(frozen=True, eq=False)
class Choice:
    """What one training window led to.

    Attributes:
        variants: What came of each parameter set, in grid order.
        chosen: Number of the one to trade; ``None`` where none can be chosen.
        note: What is to be said about it: why nothing was chosen, how many runs failed.
    """

    variants: Sequence[Variant]
    chosen: int | None
    note: str

    @property
    def best(self) -> Variant | None:
        """The variant that was chosen."""
        return None if self.chosen is None else self.variants[self.chosen]


def check_metric(metric: Any, min_trades: Any) -> None:
    """Refuse a metric that does not exist, and a number of trades that is none.

    Raises:
        ParameterError: Names the argument, and the nearest metric.
    """
    from alphintra.errors import ParameterError

    if metric not in DEFINITIONS:
        near = difflib.get_close_matches(str(metric), DEFINITIONS, 1)
        raise ParameterError(
            f"there is no metric {metric!r}", where="metric",
            hint=f"did you mean {near[0]!r}?" if near else "the metrics page lists them",
        )  # fmt: skip
    if isinstance(min_trades, bool) or not isinstance(min_trades, int) or min_trades < 0:
        raise ParameterError(
            f"min_trades={min_trades!r} is no number of trades", where="min_trades", hint="a whole number from 0 on"
        )


def choose(variants: Sequence[Variant], metric: str, min_trades: int) -> Choice:
    """The variant with the greatest defined ``metric`` and at least ``min_trades`` closed trades; ties: the first.

    Args:
        variants: What came of each parameter set, in grid order.
        metric: Name of the metric; greater is better (drawdowns are at most 0).
        min_trades: Closed trades that a variant needs.

    Raises:
        AlphintraError: Every run failed, and not for want of data: the first one's error.
    """
    from alphintra.errors import AlphintraError, WarmUpError

    failed = [v.error for v in variants if v.error is not None]
    others = [e for e in failed if e["code"] != WarmUpError.default_code]
    if len(failed) == len(variants) and others:
        raise AlphintraError(f"every variant failed; the first: {others[0]['message']}", code=others[0]["code"])
    told = f"{len(failed)} of {len(variants)} variants failed: {failed[0]['message']}" if failed else ""
    chosen: int | None = None
    top = -math.inf
    for at, variant in enumerate(variants):
        value = variant.metrics[metric]
        if math.isfinite(value) and variant.metrics["total_trades"] >= min_trades and value > top:
            chosen, top = at, value
    if chosen is None:
        nothing = f"no trading: {_why(variants, metric, min_trades)}"
        told = f"{nothing}; {told}" if told else nothing
    return Choice(variants, chosen, told)


def _why(variants: Sequence[Variant], metric: str, min_trades: int) -> str:
    most = max((v.metrics["total_trades"] for v in variants if v.error is None), default=0)
    if most < min_trades:
        return f"no variant closed {min_trades} trades in training, the most were {most:.0f}"
    return f"{metric} of every variant with {min_trades} trades or more is undefined in training"
