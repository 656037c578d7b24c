"""Small data that can be reckoned with by hand, and strategies on it."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest

BARS = 40


def bars(count: int = BARS, seed: int = 1) -> pd.DataFrame:
    """Daily bars from Monday 2024-01-01 on, weekdays only."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    columns = {"open": opened, "high": np.maximum(opened, close) + 1, "low": np.minimum(opened, close) - 1}
    return pd.DataFrame(columns | {"close": close}, index=pd.bdate_range("2024-01-01", periods=count))


class Switch(al.Strategy):
    """Long for five bars, flat for five; counts what it does."""

    size = al.Param(10, low=1, high=100)

    def on_start(self) -> None:
        self.seen: list[float] = []
        self.bought = 0

    def on_bar(self) -> None:
        self.seen.append(self.data.close[-1])
        if self.bar_index % 10 == 2:
            self.buy(self.size)
            self.bought += 1
        elif self.bar_index % 10 == 7:
            self.close()


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return bars()


def fills(result: Any) -> list[tuple[Any, ...]]:
    """Fills as rows."""
    return list(result.fills[["time", "side", "quantity", "price"]].itertuples(index=False, name=None))
