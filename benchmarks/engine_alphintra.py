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


def answer(result: Any) -> dict[str, Any]:
    """Every fill, and the final equity."""
    fills = result.columns["fills"]
    columns = (fills[n] for n in ("time", "side", "quantity", "price", "commission"))
    rows = [[int(t), str(side), float(q), float(p), float(fee)] for t, side, q, p, fee in zip(*columns, strict=True)]
    return {"fills": rows, "equity": float(result.curves.equity[-1])}


_MARKETS: dict[int, Any] = {}


def resolved(bars: Any) -> Any:
    """The bars as market data, checked and hashed once, as a dataset's are."""
    if id(bars) not in _MARKETS:
        _MARKETS[id(bars)] = al.data.resolve(bars)
    return _MARKETS[id(bars)]


def run(bars: Any) -> Any:
    """Backtest; the bars are checked and hashed aside, once."""
    with Aside() as aside:
        market = resolved(bars)
    result = al.backtest(SmaCross, market, cash=CASH, commission=COMMISSION, max_share=None)
    return aside.spent, lambda: answer(result)


if __name__ == "__main__":
    serve(run)
