"""backtrader, with the crossing written out: its own ``CrossOver`` remembers the last non-zero gap."""

from __future__ import annotations

from typing import Any

import backtrader as bt
from job import CASH, COMMISSION, FAST, QUANTITY, SLOW, Aside, serve


class SmaCross(bt.Strategy):
    """Long 100 while the fast average is above the slow one."""

    def __init__(self) -> None:
        self.fast = bt.indicators.SMA(self.data.close, period=FAST)
        self.slow = bt.indicators.SMA(self.data.close, period=SLOW)
        self.fills: list[Any] = []

    def notify_order(self, order: Any) -> None:
        """Keep each fill."""
        if order.status == order.Completed:
            done = order.executed
            side = "BUY" if order.isbuy() else "SELL"
            self.fills.append([done.dt, side, abs(done.size), done.price, done.comm])

    def next(self) -> None:
        """Trade the crossing; [0] is backtrader's current bar."""
        a, b = self.fast, self.slow
        if a[0] > b[0] and a[-1] <= b[-1]:
            self.buy(size=QUANTITY)
        elif a[0] < b[0] and a[-1] >= b[-1] and self.position:
            self.close()


def run(bars: Any) -> Any:
    """Backtest."""
    with Aside() as aside:
        frame = bars.tz_localize(None)
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(SmaCross)
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=COMMISSION)
    strategy = cerebro.run()[0]

    def tell() -> dict[str, Any]:
        # Its dates are floats of days, exact to some µs: the bars are minutes.
        fills = [
            [round(bt.num2date(dt).timestamp() / 60) * 60_000_000, side, float(q), float(p), float(fee)]
            for dt, side, q, p, fee in strategy.fills
        ]
        return {"fills": fills, "equity": float(cerebro.broker.getvalue())}

    return aside.spent, tell


if __name__ == "__main__":
    serve(run)
