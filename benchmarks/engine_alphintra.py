"""Ours, in the form a trader writes: ``on_bar`` in Python."""

from __future__ import annotations

from typing import Any

import alphintra as al
from job import CASH, COMMISSION, FAST, QUANTITY, SLOW, Aside, serve


class SmaCross(al.Strategy):
    """Long 100 while the fast average is above the slow one."""

    def on_start(self) -> None:
        """Declare both averages."""
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, FAST)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, SLOW)

    def on_bar(self) -> None:
        """Trade the crossing."""
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.buy(quantity=QUANTITY)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()


def run(bars: Any) -> Any:
    """Backtest, with the checks and the content hash of the bars done aside (a dataset has them stored)."""
    with Aside() as aside:
        market = al.data.resolve(bars)
    result = al.backtest(SmaCross, market, cash=CASH, commission=COMMISSION, max_share=None)
    fills = result.columns["fills"]

    def tell() -> dict[str, Any]:
        rows = [
            [int(t), str(side), float(q), float(p), float(fee)]
            for t, side, q, p, fee in zip(
                fills["time"],
                fills["side"],
                fills["quantity"],
                fills["price"],
                fills["commission"],
                strict=True,
            )
        ]
        return {"fills": rows, "equity": float(result.curves.equity[-1])}

    return aside.spent, tell


if __name__ == "__main__":
    serve(run)
