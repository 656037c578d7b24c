"""Runs of two engines side by side: the same rule in our form and as a backtrader strategy."""

from __future__ import annotations

from typing import Any

import alphintra as al
import backtrader
import numpy as np
import pytest


class Cross(al.Strategy):
    def on_start(self) -> None:
        self.fast = self.indicator(al.ta.SMA, self.data.close, 20)
        self.slow = self.indicator(al.ta.SMA, self.data.close, 50)

    def on_bar(self) -> None:
        if al.crossed_above(self.fast, self.slow):
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast, self.slow):
            self.close()


class Ported(backtrader.Strategy):
    def __init__(self) -> None:
        averages = (backtrader.ind.SMA(period=n) for n in (20, 50))
        self.cross = backtrader.ind.CrossOver(*averages)

    def next(self) -> None:
        if not self.position and self.cross > 0:
            self.order_target_percent(target=0.95)
        elif self.position and self.cross < 0:
            self.close()


def test_two_engines_are_compared_on_the_sessions_they_share() -> None:
    data: dict[str, Any] = {"data": "us-equities-daily/AAPL", "commission": 0.001}
    ours = al.backtest(Cross, **data)
    theirs = al.backtest(Ported, engine="backtrader", **data)
    found = al.compare([ours, theirs])
    assert list(found.settings.loc["engine"]) == [None, "backtrader"]
    # Sharpe's formula by NumPy, from equity at the sessions' ends that both have.
    ends = [r.equity.groupby(r.equity.index.date).last() for r in (ours, theirs)]
    common = ends[0].index.intersection(ends[1].index)
    assert len(common) > 3_000
    for name, equity in zip(found.metrics.columns, ends, strict=True):
        returns = equity[common].pct_change().to_numpy()[1:]
        sharpe = np.sqrt(252) * returns.mean() / returns.std(ddof=1)
        assert found.metrics.loc["sharpe_ratio", name] == pytest.approx(sharpe, rel=1e-12)
    assert "engine" in found.assumptions.index
