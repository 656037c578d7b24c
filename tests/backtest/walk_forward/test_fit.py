"""Strategies that learn: what ``fit`` sees, when it is called, and that it never sees a bar of its test window."""

from __future__ import annotations

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.data import resolve
from alphintra.errors import ParameterError, StrategyError
from alphintra_backtest.fitting import ON_ITS_OWN_RUN, defines_fit, in_sample
from alphintra_backtest.sweep.work import Job, packed, run_chunk, unpacked

from .market import frame, noise, ramp

SEEN: list[dict] = []


class Spy(al.Strategy):
    """Remembers what it was fitted on, and when it first trades."""

    units = al.Param(1, low=1, high=9)

    def fit(self, history) -> None:
        assert not hasattr(self, "started")
        self.note = {"history": history, "units": self.units, "first": None}
        SEEN.append(self.note)

    def on_start(self) -> None:
        self.started = True

    def on_bar(self) -> None:
        if self.note["first"] is None:
            self.note["first"] = self.now


@pytest.fixture(autouse=True)
def _nothing_seen():
    SEEN.clear()


def walk(data, strategy=Spy, **changes):
    given = {"train": 6, "test": 4, "purge": 2, "min_trades": 0, "metric": "total_return", "executor": "serial"}
    return al.walk_forward(strategy, data, {"units": [1, 2]}, **(given | changes))


def test_each_window_is_fitted_on_its_purged_training_window_alone():
    bars = ramp(15)
    found = walk(bars)
    # trains on 0–5 and 4–9 without the last two bars: 0–3 and 4–7; tests on 6–9, 10–13, and 14 alone
    assert len(found.windows) == 3
    calls = [(n["history"]["open"].tolist(), n["units"]) for n in SEEN]
    windows = [[100.0, 101, 102, 103], [104.0, 105, 106, 107], [108.0, 109, 110, 111]]
    in_training = [(opens, units) for opens in windows for units in (1, 2)]
    # all variants tie: the first is chosen; the account, then both variants held through the windows
    account, held = [(opens, 1) for opens in windows], [(opens, units) for units in (1, 2) for opens in windows]
    assert calls == in_training + account + held


def test_fit_never_sees_a_bar_that_it_trades_out_of_sample():
    found = walk(ramp(15))
    account = SEEN[6:9]
    for note, (_, row) in zip(account, found.windows.iterrows(), strict=True):
        assert note["history"].index[-1] == row["purged_end"]
        assert note["first"] > note["history"].index[-1]
        assert note["history"].index[-1] < row["test_start"].tz_localize("UTC")


@pytest.mark.parametrize("anchored", [False, True])
def test_history_is_what_the_data_holds(anchored):
    bars = noise(60, 9)
    walk(bars, anchored=anchored, train=30, test=30)
    (history,) = {id(n["history"]): n["history"] for n in SEEN[2:3]}.values()
    assert history.columns.tolist() == ["open", "high", "low", "close", "volume"]
    assert history.index.name == "time"
    assert str(history.index.tz) == "UTC"
    np.testing.assert_array_equal(history.to_numpy(), bars.iloc[:28].to_numpy())


def test_several_symbols_come_as_a_dict_without_what_is_not_there_yet():
    walk({"A": noise(40, 1), "B": noise(40, 2).iloc[12:]}, train=15, test=25)
    history = SEEN[2]["history"]
    assert list(history) == ["A", "B"]
    assert (len(history["A"]), len(history["B"])) == (13, 1)  # 15 bars without two; B begins with the thirteenth


def test_history_belongs_to_fit_alone():
    class Spoils(al.Strategy):
        units = al.Param(1, low=1, high=9)

        def fit(self, history) -> None:
            history.iloc[:] = 0.0

        def on_bar(self) -> None:
            assert self.data.close[-1] > 100

    assert walk(ramp(15), Spoils).result.metrics["total_return"] == 0


def test_history_is_in_the_shares_of_its_last_bar():
    prices = np.array([100.0] * 3 + [50.0] * 9)
    bars = frame(prices, prices, prices, prices)
    bars["volume"] = [1000.0] * 3 + [2000.0] * 9
    ex = bars.index[3].date()
    data = al.data.with_events({"DATA": bars}, splits={"DATA": {ex: 2.0}})
    walk(data, train=6, test=6, purge=0)
    history = SEEN[2]["history"]  # the account's: bars 0 to 5, after a 2:1 split before bar 3
    assert history["close"].tolist() == [50.0] * 6
    assert history["volume"].tolist() == [2000.0] * 6
    SEEN.clear()
    walk(data, train=2, test=10, purge=0)
    assert SEEN[2]["history"]["close"].tolist() == [100.0] * 2  # nothing tells of a split to come


def test_what_was_learned_trades():
    class Mean(al.Strategy):
        """Long below the mean of its training window."""

        width = al.Param(1.0, low=0.5, high=2.0)

        def fit(self, history) -> None:
            self.level = self.width * history["close"].mean()

        def on_start(self) -> None:
            self.gap = self.indicator(self.below, self.data.close)

        def below(self, close):
            return self.level - close

        def on_bar(self) -> None:
            self.record(level=self.level)
            if self.gap[-1] > 0 and not self.position().size:
                self.buy(percent=0.5)
            elif self.gap[-1] < 0:
                self.close()

    bars = noise(240, 6)
    found = al.walk_forward(
        Mean, bars, {"width": [1.0, 1.05]}, train=80, test=80, purge=3, min_trades=1, executor="serial"
    )
    levels = found.result.recorded["level"].to_numpy()
    for n, params in enumerate(found.windows["params"]):
        mean = bars["close"].iloc[80 * n : 80 * n + 77].mean() * params["width"]
        np.testing.assert_allclose(levels[80 * n : 80 * (n + 1)], mean, rtol=1e-12)
    told = next(a for a in found.result.assumptions if a["code"] == "walk_forward")
    assert "in-sample for the fitted model as well" in told["items"][-1]
    assert len(found.held[0].returns) == 160
    same = [p["width"] for p in found.windows["params"]]
    if len(set(same)) == 1:  # then the account is that variant, held
        np.testing.assert_array_equal(found.held[[1.0, 1.05].index(same[0])].returns, found.result.returns)


def test_signals_are_fitted_before_they_are_asked_for():
    class Learned(al.Strategy):
        width = al.Param(1.0, low=0.5, high=2.0)

        def fit(self, history) -> None:
            self.level = history["close"].mean() * self.width

        def signals(self, data):
            return al.Signals(entries=data.close < self.level, exits=data.close > self.level, size=0.5)

    bars = noise(160, 6)
    found = al.walk_forward(Learned, bars, {"width": [1.0]}, train=80, test=80, min_trades=0, executor="serial")
    level = bars["close"].iloc[:80].mean()
    below = bars["close"].iloc[80:] < level
    # the first order fills at the open after the first close below the level
    assert found.result.fills["price"].iloc[0] == bars["open"].iloc[80 + int(np.argmax(below)) + 1]


def test_a_plain_run_of_a_strategy_that_learns_says_what_to_call():
    with pytest.raises(ParameterError, match=r"Spy defines fit\(history\).*al\.walk_forward"):
        al.backtest(Spy, ramp(15))


def test_an_error_in_fit_names_its_line():
    class Fails(al.Strategy):
        units = al.Param(1, low=1, high=9)

        def fit(self, history) -> None:
            raise ValueError("too few rows")

    with pytest.raises(StrategyError, match=r"Fails raised ValueError: too few rows .*test_fit\.py, line \d+"):
        walk(ramp(15), Fails)


def test_history_has_an_index_that_pandas_can_group():
    walk(noise(60, 9), train=30, test=30)
    monthly = SEEN[0]["history"]["close"].resample("MS").last()
    assert isinstance(monthly, pd.Series)
    assert len(monthly) == 2


def test_a_sweep_of_a_strategy_that_learns_says_so_too():
    with pytest.raises(ParameterError, match=r"al\.walk_forward"):
        al.sweep(Spy, ramp(15), {"units": [1, 2]}, executor="serial", progress=False)


def test_the_form_that_is_fitted_reaches_another_process():
    market = resolve(ramp(15))
    job = unpacked(packed(Job(in_sample(Spy), market, {})))
    assert job.strategy is not Spy
    assert getattr(job.strategy, ON_ITS_OWN_RUN)
    assert defines_fit(job.strategy)
    (found,) = run_chunk(Job(job.strategy, job.market, {}), [(0, {"units": 1})])
    assert found.error is None
