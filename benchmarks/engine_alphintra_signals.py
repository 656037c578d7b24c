"""Ours, in the compiled form: ``signals`` over whole arrays; ``on_bar`` of the same class to compare with."""

from __future__ import annotations

import sys
from typing import Any

import alphintra as al
from engine_alphintra import answer, resolved
from job import CASH, COMMISSION, FAST, SLOW, Aside, serve

SIZE = 0.95
COMPILED = "--by-bar" not in sys.argv


class SmaCross(al.Strategy):
    """95 % of equity while the fast average is above the slow one."""

    fast = al.Param(FAST, low=2, high=1000)
    slow = al.Param(SLOW, low=3, high=2000)

    def signals(self, data: Any) -> Any:
        """Trade the crossings."""
        fast, slow = al.ta.SMA(data.close, self.fast), al.ta.SMA(data.close, self.slow)
        return al.Signals(al.crossed_above(fast, slow), al.crossed_below(fast, slow), size=SIZE)


def run(bars: Any) -> Any:
    """Backtest; the bars are checked and hashed aside, once."""
    with Aside() as aside:
        market = resolved(bars)
    result = al.backtest(SmaCross, market, compiled=COMPILED, cash=CASH, commission=COMMISSION, max_share=None)
    return aside.spent, lambda: answer(result)


if __name__ == "__main__":
    serve(run)
