"""Trials count themselves across runs and sweeps, and what looks again at a run does not count (M6)."""

from __future__ import annotations

from pathlib import Path

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra import trials


class Held(al.Strategy):
    """Holds a share of its money."""

    share = al.Param(0.5, low=0.0, high=1.0)

    def on_bar(self) -> None:
        if not self.position().size:
            self.buy(percent=self.share)


def frame(n: int = 80) -> pd.DataFrame:
    close = 100 * np.cumprod(1 + np.random.default_rng(3).normal(0.001, 0.01, n))
    index = pd.bdate_range("2024-01-01", periods=n)
    return pd.DataFrame({"open": close, "high": close, "low": close, "close": close}, index=index)


@pytest.fixture(autouse=True)
def own_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trial log of the test's own."""
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path))
    return tmp_path / trials.FILE


def test_runs_and_sweeps_add_up(own_log: Path) -> None:
    """2 runs + a sweep of 4 + 1 run: the sweep's judgement knows 6 trials, the last run's 7."""
    data = frame()
    for share in (0.2, 0.3):
        al.backtest(Held, data, params={"share": share}, commission=0.002)
    sweep = al.sweep(Held, data, {"share": [0.4, 0.5, 0.6, 0.7]}, commission=0.002, executor="serial")
    last = al.backtest(Held, data, params={"share": 0.9}, commission=0.002)
    assert (sweep.judgement.trials, sweep.judgement.earlier) == (6, 2)
    assert (last.overfitting.trials, last.overfitting.earlier) == (7, 6)
    # V of the last run: all seven ran on the same sessions
    found = trials.earlier(last.run, trials.Sample(*_sample(last)))
    assert found.spread.count == 6
    assert 0 < last.overfitting.dsr < last.overfitting.psr
    assert len(own_log.read_text().splitlines()) == 4


def _sample(result: al.Result) -> tuple[int, int, int]:
    days = result.returns.index.to_numpy().astype("datetime64[D]").astype(np.int64)
    return int(days[0]), int(days[-1]), len(days)


def test_looking_again_is_no_trial(own_log: Path) -> None:
    data = frame()
    result = al.backtest(Held, data)
    al.check(Held, data, points=2)
    al.monte_carlo(result, "prices", strategy=Held, paths=2)
    al.monte_carlo(result, paths=5)
    assert len(own_log.read_text().splitlines()) == 1
    assert result.overfitting.trials == 1


def test_another_dataset_or_class_counts_for_itself() -> None:
    class Other(Held):
        pass

    al.backtest(Held, frame())
    assert al.backtest(Held, frame(70)).overfitting.trials == 1
    assert al.backtest(Other, frame()).overfitting.trials == 1
    assert al.backtest(Held, frame()).overfitting.trials == 2


def test_a_run_too_short_to_judge() -> None:
    judgement = al.backtest(Held, frame(2)).overfitting
    assert set(judgement.undefined) == {"psr", "dsr", "pbo"}
    assert "session return" in judgement.undefined["psr"]
