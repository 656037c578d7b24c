"""backtesting.py, with the crossing written out: its own ``crossover`` differs where averages touch."""

from __future__ import annotations

from typing import Any

import pandas as pd
from backtesting import Backtest, Strategy
from job import CASH, COMMISSION, FAST, QUANTITY, SLOW, Aside, serve


def average(values: Any, count: int) -> Any:
    """Return the simple moving average."""
    return pd.Series(values).rolling(count).mean()


class SmaCross(Strategy):
    """Long 100 while the fast average is above the slow one."""

    def init(self) -> None:
        """Declare both averages."""
        self.fast = self.I(average, self.data.Close, FAST)
        self.slow = self.I(average, self.data.Close, SLOW)

    def next(self) -> None:
        """Trade the crossing."""
        a, b = self.fast, self.slow
        if a[-1] > b[-1] and a[-2] <= b[-2]:
            self.buy(size=QUANTITY)
        elif a[-1] < b[-1] and a[-2] >= b[-2] and self.position:
            self.position.close()


def run(bars: Any) -> Any:
    """Backtest; the columns are renamed aside."""
    with Aside() as aside:
        frame = bars.rename(columns=str.title)
        frame.index = frame.index.tz_localize(None)
    stats = Backtest(frame, SmaCross, cash=CASH, commission=COMMISSION, finalize_trades=False).run()
    strategy = stats["_strategy"]

    def tell() -> dict[str, Any]:
        fills = []
        times = bars.index.as_unit("us").asi8
        for trade in (*strategy.closed_trades, *strategy.trades):
            legs = [(trade.entry_bar, "BUY", trade.entry_price)]
            if trade.exit_bar is not None:
                legs.append((trade.exit_bar, "SELL", trade.exit_price))
            for bar, side, price in legs:
                # It keeps one fee a trade, in its P&L; what it charged shows in the final equity.
                fee = abs(trade.size) * price * COMMISSION
                fills.append([int(times[bar]), side, float(abs(trade.size)), float(price), fee])
        return {"fills": sorted(fills), "equity": float(stats["_equity_curve"]["Equity"].iloc[-1])}

    return aside.spent, tell


if __name__ == "__main__":
    serve(run)
