"""A strategy on one indicator, and indicators that read the future."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pandas as pd

from .bars import CLOSES, frame

BARS = frame(CLOSES)
DAYS = list(BARS.index.date)


class OnIndicator(al.Strategy):
    """Buys when the close is above the indicator, which a subclass declares."""

    def declare(self) -> Any:
        raise NotImplementedError

    def on_start(self) -> None:
        self.line = self.declare()

    def on_bar(self) -> None:
        if al.crossed_above(self.data.close, self.line):
            self.order_target_percent(0.5)
        elif al.crossed_below(self.data.close, self.line):
            self.close()


def strategy(function: Any, *args: Any) -> type[al.Strategy]:
    """A strategy on one indicator of the close."""

    class Own(OnIndicator):
        def declare(self) -> Any:
            return self.indicator(function, self.data.close, *args)

    return Own


def lead(close: Any) -> Any:
    return pd.Series(close).shift(-1).to_numpy()


def centred(close: Any, reach: int) -> Any:
    return pd.Series(close).rolling(2 * reach + 1, center=True).mean().to_numpy()


def zscore(close: Any) -> Any:
    return (close - close.mean()) / close.std()


def of_the_highest(close: Any) -> Any:
    return close / close.max()
