"""What strategies without a peer must answer: plain loops over the bars, written from the rules and not the engine.

Decisions are made at a bar's close and fill at the next open; a fill at the open carries the bar's open time, any other
its close time; fees are a fraction of notional. There is no volume cap.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from bars import symbol_name
from job import BAND, CASH, COMMISSION, HELD, MOMENTUM, QUANTITY, SLOW, WEIGHT

MINUTE, DAY = 60_000_000, 86_400_000_000


def average(values: Any, count: int) -> Any:
    """Simple moving average by cumulative sums, NaN until defined."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    out = np.full(len(values), np.nan)
    out[count - 1 :] = (total[count:] - total[:-count]) / count
    return out


def reading(bars: Any, trail: float | None) -> dict[str, Any]:
    """Enter above the band around the slow average, leave below it or at a stop ``trail`` under the highest high.

    The stop's level comes from completed bars; on the bar of the entry it is counted from the fill (F14).
    """
    names = ("time", "open", "high", "low", "close")
    rows = zip(*(bars[n].tolist() for n in names), average(bars["close"], SLOW).tolist(), strict=True)
    fills: list[list[Any]] = []
    cash, held, asked, level, close = CASH, 0, 0, math.nan, math.nan

    def fill(time: int, lots: int, price: float) -> None:
        nonlocal cash, held
        fee = abs(lots) * price * COMMISSION
        cash -= lots * price + fee
        held += lots
        fills.append([time, "BUY" if lots > 0 else "SELL", float(abs(lots)), price, fee])

    for time, opened, high, low, close, mean in rows:
        if held and opened <= level:  # at the open the stop comes first: it was submitted before what closes
            fill(time, -held, opened)
        elif asked and held + asked in (0, QUANTITY):
            fill(time, asked, opened)
            if held and trail is not None:
                level = opened * (1 - trail)
        if held and low <= level:
            fill(time + MINUTE, -held, level)
        if held and trail is not None:
            level = max(level, high * (1 - trail))
        if not held:
            level = math.nan
        asked = 0
        if not held and close > mean * (1 + BAND):
            asked = QUANTITY
        elif held and close < mean * (1 - BAND):
            asked = -QUANTITY
    return {"fills": fills, "equity": cash + held * close}


def rotation(universe: Any) -> dict[str, Any]:
    """Monthly rotation: on a month's last weekday the orders, at the next open the fills, reductions first (F0, F6)."""
    days, opens, closes = universe["time"], universe["open"], universe["close"]
    month = days.astype("datetime64[M]")
    last = np.busday_offset(days, 1).astype("datetime64[M]") != month
    fills: list[list[Any]] = []
    cash, held = CASH, np.zeros(closes.shape[1], dtype=np.int64)
    orders: list[tuple[int, float]] = []
    for i in range(len(days)):
        price, waiting = opens[i], []
        for todo, reduce_only in ((orders, True), (waiting, False)):
            for s, weight in todo:
                p, had = float(price[s]), int(held[s])
                equity = cash + float(held @ price)
                lots = most(weight * equity, p, had) - had
                if reduce_only and lots >= 0:
                    waiting.append((s, weight))
                    continue
                if lots == 0:
                    continue
                fee = abs(lots) * p * COMMISSION
                cash -= lots * p + fee
                held[s] += lots
                time = int(days[i].astype(np.int64)) * DAY
                fills.append([time, f"{'BUY' if lots > 0 else 'SELL'} {symbol_name(s)}", float(abs(lots)), p, fee])
        orders = []
        if last[i] and i >= MOMENTUM:
            momentum = closes[i] / closes[i - MOMENTUM] - 1
            best = sorted(np.argsort(-momentum, kind="stable")[:HELD].tolist())
            orders = [(s, 0.0) for s in np.flatnonzero(held).tolist() if s not in best]
            orders += [(s, WEIGHT) for s in best]
    return {"fills": fills, "equity": cash + float(held @ closes[-1])}


def most(budget: float, price: float, held: int) -> int:
    """The largest whole number whose worth, with the fee for the change from ``held``, stays within the budget."""
    more = (budget + COMMISSION * price * held) / (price * (1 + COMMISSION))
    if more >= held:
        return int(more + 1e-9)
    return int((budget - COMMISSION * price * held) / (price * (1 - COMMISSION)) + 1e-9)
