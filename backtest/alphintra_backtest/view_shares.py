"""Prices of a chart in the shares of its last bar: a split is no fall, so it is not drawn as one.

Only what is drawn moves. Tables keep the prices and quantities that were traded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.view_axis import Axis

if TYPE_CHECKING:
    from alphintra.result import Result

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Shares:
    """What one share of each drawn bar has become by the last drawn bar.

    Attributes:
        first: Index of the symbol's first drawn bar.
        last: Index behind its last drawn bar.
        became: (last − first,) shares of the last drawn bar that one share of each drawn bar is; all 1.0
            where no split lies between them.
        names: (last − first,) the name of each drawn bar on the axis of the account's curve.
        day: Date of the last drawn bar.
    """

    first: int
    last: int
    became: F64
    names: I64
    day: str

    @cached_property
    def turns(self) -> I64:
        """Drawn bars (indices from ``first``) before whose open there was a split."""
        return np.flatnonzero(np.diff(self.became)) + 1

    def at(self, name: int) -> float:
        """Return what one share of the bar of that name has become."""
        if not len(self.turns):
            return 1.0
        at = int(np.searchsorted(self.names, name, side="right")) - 1
        return float(self.became[max(at, 0)])

    def described(self) -> dict[str, Any] | None:
        """Return the splits for the view: bar and new shares for an old one; ``None`` where there are none."""
        if not len(self.turns):
            return None
        ratios = self.became[self.turns - 1] / self.became[self.turns]
        return {
            "date": self.day,
            "splits": [
                {"time": int(self.names[turn]), "ratio": round(float(ratio), 9)}
                for turn, ratio in zip(self.turns.tolist(), ratios.tolist(), strict=True)
            ],
        }


def of_symbol(result: Result, axis: Axis, symbol: str) -> Shares | None:
    """Return the drawn bars of a symbol with their shares; ``None`` where none of its bars is drawn."""
    bars, time = result.market.bars[symbol], result.curves.time
    first = int(np.searchsorted(bars.close_time, time[0])) if len(time) else 0
    last = int(np.searchsorted(bars.close_time, time[-1], side="right")) if len(time) else 0
    if last <= first:
        return None
    session = bars.session[first:last]
    actions = result.market.actions.get(symbol)
    became = np.ones(last - first)
    if actions is not None:
        # As the core takes them: with the symbol's first bar on or after the ex-date.
        level = np.concatenate(([1.0], np.cumprod(actions.split)))[np.searchsorted(actions.ex, session, side="right")]
        became = level[-1] / level
    day = str(np.datetime64(int(session[-1]), "D"))
    return Shares(first, last, became, axis.bar_name(bars.close_time[first:last]), day)
