"""Reports and comparisons to look at: of real runs, and of runs in which every name is hostile."""

from __future__ import annotations

from pathlib import Path

import alphintra as al
import numpy as np
import pandas as pd

EVIL = "</script><img src=x onerror=window.hacked=1><svg onload=window.hacked=1>"


class SmaCross(al.Strategy):
    """Long when the fast average is above the slow one."""

    fast = al.Param(20, low=2, high=100)
    slow = al.Param(50, low=5, high=300)

    def on_start(self) -> None:
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, self.slow)

    def on_bar(self) -> None:
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.buy(percent=0.95, stop_loss_percent=0.05, take_profit_percent=0.2)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()
        self.record(spread=self.fast_ma[-1] - self.slow_ma[-1])


class Evil(al.Strategy):
    """Logs, records and tags what a page must not run."""

    word = al.Param(EVIL)

    def on_bar(self) -> None:
        if self.bar_index == 3:
            self.buy(quantity=1, tag=EVIL, symbol=EVIL)
            self.log(EVIL)
        self.record(**{EVIL: float(self.bar_index)})


def write(folder: Path) -> None:
    """Write ``report.html``, ``comparison.html``, ``evil.html`` and ``evil-comparison.html``."""
    common = {"start": "2003-01-02", "commission": 0.001, "slippage": 0.0005}
    one = al.backtest(SmaCross, data="us-equities-daily/AAPL", **common)
    two = al.backtest(SmaCross, data="us-equities-daily/MSFT", params={"fast": 10}, **common)
    one.report(folder / "report.html")
    al.compare([one, two]).report(folder / "comparison.html")
    close = 100.0 + np.sin(np.arange(60) / 5.0)
    bars = pd.DataFrame(
        {"open": close, "high": close + 1.0, "low": close - 1.0, "close": close, "volume": 1e6},
        index=pd.bdate_range("2024-01-02", periods=60),
    )
    bad = al.backtest(Evil, data={EVIL: bars, "B": bars})
    bad.run |= {"strategy": EVIL, "dataset": EVIL, "parameters": {EVIL: EVIL}}
    bad.report(folder / "evil.html")
    al.compare({EVIL: bad, "b": bad}).report(folder / "evil-comparison.html")
