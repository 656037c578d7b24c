"""Bars and strategies of the walk-forward tests."""

from __future__ import annotations

import alphintra as al
import numpy as np
import pandas as pd


def ramp(count: int) -> pd.DataFrame:
    """Daily bars on weekdays: bar i opens at 100 + i and closes half a point higher."""
    opens = 100.0 + np.arange(count)
    return frame(opens, opens + 1.0, opens - 0.5, opens + 0.5)


def frame(opens, highs, lows, closes, first: str = "2024-01-02") -> pd.DataFrame:
    index = pd.bdate_range(first, periods=len(opens))
    return pd.DataFrame({"open": opens, "high": highs, "low": lows, "close": closes, "volume": 1e7}, index=index)


def noise(count: int, seed: int) -> pd.DataFrame:
    """A seeded random walk."""
    rng = np.random.default_rng(seed)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0.0003, 0.015, count)))
    opens = closes * np.exp(rng.normal(0.0, 0.004, count))
    highs, lows = np.maximum(opens, closes) * 1.004, np.minimum(opens, closes) * 0.996
    return frame(opens, highs, lows, closes, "2015-01-01")


class Cross(al.Strategy):
    """Long while the close is above its average, with a stop."""

    length = al.Param(10, low=2, high=200)
    stop = al.Param(0.2, low=0.01, high=0.5)

    def on_start(self) -> None:
        self.average = self.indicator(al.ta.SMA, self.data.close, self.length)

    def on_bar(self) -> None:
        if al.crossed_above(self.data.close, self.average):
            self.buy(percent=0.9, stop_loss_percent=self.stop)
        elif al.crossed_below(self.data.close, self.average):
            self.close()


class CrossSignals(al.Strategy):
    """The same idea as signals."""

    length = al.Param(10, low=2, high=200)

    def signals(self, data):
        average = al.ta.SMA(data.close, self.length)
        return al.Signals(
            entries=al.crossed_above(data.close, average), exits=al.crossed_below(data.close, average), size=0.9
        )
