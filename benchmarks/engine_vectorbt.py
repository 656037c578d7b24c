"""vectorbt: signals of a bar act at the next open, 95 % of the cash in whole units."""

from __future__ import annotations

from typing import Any

import numpy as np
import vectorbt as vbt
from job import CASH, COMMISSION, FAST, SLOW, Aside, serve


def averages(close: Any, length: int) -> Any:
    """Simple moving average, NaN until defined."""
    return vbt.MA.run(close, length).ma


def portfolio(close: Any, opened: Any) -> Any:
    """Cross the averages of the closes, fill at the opens."""
    fast, slow = averages(close, FAST), averages(close, SLOW)
    a, b = fast.to_numpy(), slow.to_numpy()
    up, down = np.zeros(len(a), dtype=bool), np.zeros(len(a), dtype=bool)
    # decided at a close, filled at the next open
    up[2:] = (a[1:-1] > b[1:-1]) & (a[:-2] <= b[:-2])
    down[2:] = (a[1:-1] < b[1:-1]) & (a[:-2] >= b[:-2])
    return vbt.Portfolio.from_signals(
        close, up, down, price=opened, size=0.95, size_type="percent", size_granularity=1.0, fees=COMMISSION,
        init_cash=CASH, freq="1min",
    )  # fmt: skip


def run(bars: Any) -> Any:
    """Backtest; the time zone is dropped aside: with it vectorbt makes a Python object of each time, often."""
    with Aside() as aside:
        naive = bars.tz_localize(None)
    book = portfolio(naive["close"], naive["open"])
    equity = book.value()

    def tell() -> dict[str, Any]:
        orders = book.orders.values
        times = bars.index.astype("datetime64[us, UTC]").asi8
        fills = [
            [int(times[i]), "SELL" if side else "BUY", float(q), float(p), float(fee)]
            for i, side, q, p, fee in zip(
                orders["idx"], orders["side"], orders["size"], orders["price"], orders["fees"], strict=True
            )
        ]
        return {"fills": fills, "equity": float(equity.iloc[-1])}

    return aside.spent, tell


if __name__ == "__main__":
    serve(run)
