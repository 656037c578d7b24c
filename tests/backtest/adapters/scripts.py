"""Random order scripts as a plain backtrader strategy."""

from __future__ import annotations

import datetime as dt
from typing import Any

import backtrader as bt
import numpy as np

KINDS = (
    "Market", "Market", "Close", "Limit", "Stop", "StopLimit", "StopTrail", "StopTrailPercent", "StopTrailLimit",
    "Bracket", "Bracket", "Oco", "Cancel", "Close position", "Target",
)  # fmt: skip


def script(seed: int, bars: int, feeds: int, fractional: bool) -> list[list[tuple[Any, ...]]]:
    """For each bar its actions: ``(feed, kind, buy, size, offset, second offset, valid)``."""
    rng = np.random.default_rng(10_000 + seed)
    out: list[list[tuple[Any, ...]]] = []
    for _ in range(bars):
        actions = []
        for _ in range(rng.integers(0, 3) if rng.random() < 0.6 else 0):
            size = float(np.round(rng.uniform(0.5, 80), 3)) if fractional else int(rng.integers(1, 120))
            valid = (None, None, dt.timedelta(), dt.timedelta(days=4))[rng.integers(4)]
            offsets = rng.uniform(0.002, 0.04, 2)
            actions.append(
                (int(rng.integers(feeds)), str(rng.choice(KINDS)), bool(rng.random() < 0.5), size, *offsets, valid)
            )
        out.append(actions)
    return out


class Scripted(bt.Strategy):
    """Follow a script, bar by bar."""

    params = (("script", ()), ("opening", False))

    def __init__(self) -> None:
        self.placed: list[Any] = []

    def next_open(self) -> None:
        if self.p.opening:
            self.act()

    def next(self) -> None:
        if not self.p.opening:
            self.act()

    def act(self) -> None:
        for action in self.p.script[len(self) % len(self.p.script)]:
            made = self.one(*action)
            self.placed += [o for o in (made if isinstance(made, list) else [made]) if o is not None]

    def one(self, feed: int, kind: str, buy: bool, size: float, a: float, b: float, valid: Any) -> Any:
        data = self.datas[feed]
        send, side, close = (self.buy if buy else self.sell), (1 if buy else -1), data.close[0]
        if kind == "Cancel":
            return self.cancel(self.placed[-1]) if self.placed else None
        if kind == "Close position":
            return self.close(data)
        if kind == "Target":
            return self.order_target_percent(data, target=side * a * 10)
        if kind == "Market":
            return send(data, size=size)
        if kind == "Close":
            return send(data, size=size, exectype=bt.Order.Close)
        if kind == "Limit":
            return send(data, size=size, price=close * (1 - side * a), exectype=bt.Order.Limit, valid=valid)
        if kind == "Stop":
            return send(data, size=size, price=close * (1 + side * a), exectype=bt.Order.Stop, valid=valid)
        if kind == "StopLimit":
            stop = close * (1 + side * a)
            return send(
                data, size=size, price=stop, plimit=stop * (1 + side * (b - 0.02)), exectype=bt.Order.StopLimit,
                valid=valid,
            )  # fmt: skip
        if kind == "StopTrail":
            return send(data, size=size, trailamount=close * a, exectype=bt.Order.StopTrail, valid=valid)
        if kind == "StopTrailPercent":
            return send(data, size=size, trailpercent=a, exectype=bt.Order.StopTrail, valid=valid)
        if kind == "StopTrailLimit":
            return send(
                data, size=size, price=close, plimit=close * (1 + side * b), trailamount=close * a,
                exectype=bt.Order.StopTrailLimit, valid=valid,
            )  # fmt: skip
        if kind == "Bracket":
            make = self.buy_bracket if buy else self.sell_bracket
            market = a > 0.02
            return make(
                data=data, size=size, exectype=bt.Order.Market if market else bt.Order.Limit,
                price=None if market else close * (1 - side * a / 4), stopprice=close * (1 - side * (a + 0.01)),
                limitprice=close * (1 + side * b),
            )  # fmt: skip
        first = send(data, size=size, price=close * (1 - side * a), exectype=bt.Order.Limit, valid=valid)
        other = send(data, size=size, price=close * (1 + side * b), exectype=bt.Order.Stop, oco=first)
        return [first, other]
