"""Ours: an ``on_bar`` that reads a close, an indicator and the position each bar; ``--trail`` adds a trailing stop."""

from __future__ import annotations

import sys
from typing import Any

import alphintra as al
from engine_alphintra import answer, resolved
from job import BAND, CASH, COMMISSION, QUANTITY, SLOW, TRAIL, Aside, serve

STOP = TRAIL if "--trail" in sys.argv else None


class Reading(al.Strategy):
    """Long 100 from above the slow average's band to below it, or to the trailing stop."""

    def on_start(self) -> None:
        """Declare the average."""
        self.average = self.indicator(al.ta.SMA, self.data.close, SLOW)

    def on_bar(self) -> None:
        """Read all three, then decide."""
        close, average, held = self.data.close[-1], self.average[-1], self.position().size
        if held == 0 and close > average * (1 + BAND):
            self.buy(quantity=QUANTITY, trail_percent=STOP)
        elif held > 0 and close < average * (1 - BAND):
            self.close()


def run(bars: Any) -> Any:
    """Backtest; the bars are checked and hashed aside, once."""
    with Aside() as aside:
        market = resolved(bars)
    result = al.backtest(Reading, market, cash=CASH, commission=COMMISSION, max_share=None)
    return aside.spent, lambda: answer(result)


if __name__ == "__main__":
    serve(run)
