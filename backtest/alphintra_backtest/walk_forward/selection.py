"""Which parameters a training window speaks for (W1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphintra_backtest.sweep import ranking
from alphintra_backtest.sweep.variant import raised_by

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


@dataclass(frozen=True)
class Rule:
    """How a variant is chosen.

    Attributes:
        metric: Name of the metric.
        maximize: Whether more of it is better; None: as the metric says.
        min_trades: Closed trades that a variant needs.

    Raises:
        ParameterError: There is no such metric, or no such number of trades; names the argument.
    """

    metric: str
    maximize: bool | None
    min_trades: int

    def __post_init__(self) -> None:
        from alphintra.errors import ParameterError

        ranking.definition(self.metric)
        if self.maximize is not None and not isinstance(self.maximize, bool):
            raise ParameterError(f"maximize is true or false, got {self.maximize!r}", where="maximize")
        if isinstance(self.min_trades, bool) or not isinstance(self.min_trades, int) or self.min_trades < 0:
            raise ParameterError(
                f"min_trades={self.min_trades!r} is no number of trades", where="min_trades",
                hint="a whole number from 0 on",
            )  # fmt: skip

    @property
    def upward(self) -> bool:
        """Whether more of the metric is better."""
        return ranking.sense(self.metric, self.maximize)


def choose(variants: Sequence[Variant], rule: Rule) -> Choice:
    """The variant with the best defined metric and enough closed trades; of equal ones the first.

    Args:
        variants: What came of each parameter set, in grid order.
        rule: By what to choose.

    Raises:
        StrategyError: Every run failed, and not for want of data: the first one's error.
    """
    from alphintra.errors import WarmUpError

    failed = [v.error for v in variants if v.error is not None]
    others = [v for v in variants if v.error is not None and v.error["code"] != WarmUpError.default_code]
    if len(failed) == len(variants) and others:
        raise raised_by(others[0], "every variant failed; this is the first")
    told = f"{len(failed)} of {len(variants)} variants failed: {failed[0]['message']}" if failed else ""
    values = ranking.values_of(variants, rule.metric)
    values[ranking.values_of(variants, "total_trades") < rule.min_trades] = np.nan
    if np.isnan(values).all():
        nothing = f"no trading: {_why(variants, rule)}"
        return Choice(variants, None, f"{nothing}; {told}" if told else nothing)
    return Choice(variants, int(ranking.order(values, rule.upward)[0]), told)


def _why(variants: Sequence[Variant], rule: Rule) -> str:
    most = max((v.metrics["total_trades"] for v in variants if v.error is None), default=0)
    if most < rule.min_trades:
        return f"no variant closed {rule.min_trades} trades in training, the most were {most:.0f}"
    return f"{rule.metric} of every variant with {rule.min_trades} trades or more is undefined in training"
