"""Crossings as other engines tell them."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest import compat
from backtesting.lib import cross, crossover

UP = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (np.array([1.0, 3.0]), np.array([2.0, 2.0]), True),
        (np.array([2.0, 3.0]), np.array([2.0, 2.0]), False),  # equal before: al.crossed_above tells one here
        (np.array([1.0, 2.0]), np.array([2.0, 2.0]), False),
        (np.array([3.0, 1.0]), 2, False),
        (np.array([1.0, 3.0]), 2.0, True),
        (2, np.array([3.0, 1.0]), True),
        (np.array([1.0]), np.array([2.0]), False),
        (np.array([np.nan, 3.0]), np.array([2.0, 2.0]), False),
    ],
)
def test_backtesting_py_wants_it_below_before_and_above_now(a: Any, b: Any, expected: bool) -> None:
    assert compat.backtesting_py_crossover(a, b) is expected
    assert bool(crossover(a, b)) is expected
    assert compat.backtesting_py_cross(a, b) is bool(cross(a, b))


def test_random_lines_cross_as_in_backtesting_py() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 4, 400).astype(float), rng.integers(0, 4, 400).astype(float)
    for n in range(1, 400):
        assert compat.backtesting_py_crossover(a[:n], b[:n]) == bool(crossover(a[:n], b[:n]))
        assert compat.backtesting_py_cross(a[:n], b[:n]) == bool(cross(a[:n], b[:n]))


def test_it_reads_the_series_of_a_strategy() -> None:
    closes = [1.0, 2.0, 3.0, 1.0, 3.0]
    frame = pd.DataFrame({"close": closes}, index=pd.bdate_range("2024-01-01", periods=5))
    frame["open"] = frame["high"] = frame["low"] = frame["close"]
    told: dict[str, list[int]] = {"compat": [], "sdk": []}

    class Crosses(al.Strategy):
        def on_bar(self) -> None:
            if compat.backtesting_py_crossover(self.data.close, 2):
                told["compat"].append(self.bar_index)
            if al.crossed_above(self.data.close, 2):
                told["sdk"].append(self.bar_index)

    al.backtest(Crosses, frame)
    assert told == {"compat": [4], "sdk": [2, 4]}


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match="a of a crossing is a series, an array or a number, not None"):
        compat.backtesting_py_crossover(None, UP)
    with pytest.raises(TypeError, match="b of a crossing"):
        compat.backtesting_py_crossover(UP, True)
