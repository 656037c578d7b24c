"""Strategies that are swept; each instance of ``Counted`` leaves a mark."""

from __future__ import annotations

import os
from typing import Any

import alphintra as al

STARTED: list[tuple[int, int]] = []


class Cross(al.Strategy):
    fast = al.Param(5, low=2, high=60)
    slow = al.Param(20, low=2, high=90)

    def on_start(self) -> None:
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, self.slow)

    def on_bar(self) -> None:
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(0.9)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()


class FastCross(al.Strategy):
    fast = al.Param(5, low=2, high=60)
    slow = al.Param(20, low=2, high=90)

    def signals(self, data: Any) -> Any:
        fast, slow = al.ta.SMA(data.close, self.fast), al.ta.SMA(data.close, self.slow)
        return al.Signals(al.crossed_above(fast, slow), al.crossed_below(fast, slow))


class Dice(al.Strategy):
    """Draws from the run's own random numbers, so that a seed that goes astray shows."""

    odds = al.Param(0.1, low=0.0, high=1.0)

    def on_bar(self) -> None:
        if self.rng.random() < self.odds:
            self.order_target_percent(float(self.rng.random()))


class Counted(Cross):
    def on_start(self) -> None:
        STARTED.append((self.fast, self.slow))
        super().on_start()


class Fails(Cross):
    """Divides by zero with ``fast=7``."""

    def on_start(self) -> None:
        super().on_start()
        self.ratio = 1 / (self.fast - 7)


class FastFails(FastCross):
    def signals(self, data: Any) -> Any:
        if self.fast == 7:
            raise ValueError("seven")
        return super().signals(data)


class Dies(Cross):
    """Takes its process with it, with ``fast=7``."""

    def on_start(self) -> None:
        if self.fast == 7:
            os._exit(3)
        super().on_start()


class Kinds(al.Strategy):
    """A parameter of each type; its trades depend on all of them."""

    days = al.Param(3, low=1, high=20)
    size = al.Param(0.5, low=0.1, high=1.0, step=0.1)
    long = al.Param(True)
    entry = al.Param("up", choices=("up", "down", "any"))

    def on_bar(self) -> None:
        if self.bar_index % self.days:
            return
        up = self.data.close[-1] > self.data.open[-1]
        if self.entry == "any" or (self.entry == "up") == up:
            self.order_target_percent(self.size if self.long else -self.size)
        else:
            self.close()
