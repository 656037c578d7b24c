"""Five bars that can be reckoned by hand, and a strategy of two orders."""

from __future__ import annotations

from typing import Any

import alphintra as al
import backtrader as bt
import pandas as pd

DAYS = pd.bdate_range("2024-01-02", periods=6)


def bars(*rows: tuple[float, float, float, float]) -> pd.DataFrame:
    """Rows of open, high, low, close on consecutive sessions of XNYS."""
    return pd.DataFrame(list(rows), columns=["open", "high", "low", "close"], index=DAYS[: len(rows)])


FLAT = bars((10, 11, 9, 10), (10, 12, 9, 11), (11, 13, 10, 12), (12, 14, 11, 13), (13, 15, 12, 14))


class Once(bt.Strategy):
    """Buy on the first bar, sell on the third."""

    params = (("size", 10),)

    def next(self) -> None:
        if len(self) == 1:
            self.buy(size=self.p.size)
        elif len(self) == 3:
            self.close()


def run(strategy: type, data: Any = FLAT, **more: Any) -> Any:
    return al.backtest(strategy, data, engine="backtrader", **more)


def codes(result: Any) -> dict[str, dict[str, Any]]:
    return {a["code"]: a for a in result.assumptions}
