"""Crossings as backtrader and vectorbt tell them."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest.compat import backtrader_crossover, vectorbt_crossed_above, vectorbt_crossed_below


def told(function: Any, a: Any, b: Any) -> list[int]:
    """What it says at each bar, seeing the lines up to there."""

    def upto(line: Any, n: int) -> Any:
        return line if isinstance(line, int | float) else np.asarray(line, dtype=float)[:n]

    length = max(len(line) for line in (a, b) if not isinstance(line, int | float))
    return [int(function(upto(a, n), upto(b, n))) for n in range(1, length + 1)]


def test_random_lines_cross_as_in_backtrader() -> None:
    """``bt.ind.CrossOver`` of close and open; whole numbers, so that they are often equal, many bars in a row."""
    rng = np.random.default_rng(5)
    a, b = rng.integers(4, 7, 400).astype(float), rng.integers(4, 7, 400).astype(float)
    index = pd.bdate_range("2020-01-01", periods=400)
    bars = pd.DataFrame({"open": b, "close": a, "high": 7.0, "low": 4.0}, index=index)
    theirs: dict[int, int] = {}

    class Crosses(bt.Strategy):
        def __init__(self) -> None:
            self.cross = bt.ind.CrossOver(self.data.close, self.data.open)

        def next(self) -> None:
            theirs[len(self) - 1] = int(self.cross[0])

    cerebro = bt.Cerebro()
    cerebro.adddata(bt.feeds.PandasData(dataname=bars))
    cerebro.addstrategy(Crosses)
    cerebro.run()
    mine = told(backtrader_crossover, a, b)
    assert {n: mine[n] for n in theirs} == theirs
    assert min(list(theirs.values()).count(way) for way in (-1, 1)) > 40


@pytest.mark.parametrize(
    ("a", "expected"),
    [
        ([1, 3, 3], [0, 1, 0]),
        ([1, 2, 2, 3], [0, 0, 0, 1]),  # over equality
        ([3, 2, 3], [0, 0, 0]),  # from above: the last difference that is not zero is above too
        ([2, 3], [0, 0]),  # never below
        ([3, 2, 1, 3], [0, 0, -1, 1]),
        ([np.nan, 1, np.nan, 3], [0, 0, 0, 0]),
    ],
)
def test_backtrader_remembers_the_last_difference(a: list[float], expected: list[int]) -> None:
    assert told(backtrader_crossover, a, 2) == expected
    assert told(backtrader_crossover, 2.0, a) == [-e for e in expected]


@pytest.mark.parametrize(
    ("a", "expected"),
    [
        ([1, 3, 3], [0, 1, 0]),
        ([1, 2, 2, 3], [0, 0, 0, 1]),  # over equality
        ([2, 3], [0, 0]),  # never below; al.crossed_above tells one here
        ([1, 3, 2, 3], [0, 1, 0, 1]),  # a touch from above, and up again
        ([3, 2, 3, 1, 3], [0, 0, 0, 0, 1]),
        ([1, np.nan, 2, 3], [0, 0, 0, 0]),  # what was before a gap is forgotten
        ([1, np.nan, 1, 3], [0, 0, 0, 1]),
    ],
)
def test_vectorbt_remembers_equality(a: list[float], expected: list[int]) -> None:
    """The expected bars are what vectorbt 1.2.0's ``crossed_above`` is written to tell, worked out by hand."""
    assert told(vectorbt_crossed_above, a, 2) == expected
    assert told(vectorbt_crossed_below, [4 - x for x in a], 2) == expected


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match="a of a crossing is a series, an array or a number, not None"):
        backtrader_crossover(None, [1.0])
    with pytest.raises(TypeError, match="b of a crossing"):
        vectorbt_crossed_above(np.array([1.0, 3.0]), {})
