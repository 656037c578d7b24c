"""Whatever runs a strategy carries its features: signals, checks, replays, sweeps, walk-forward, noisy prices."""

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.errors import StrategyError
from alphintra_backtest.monte_carlo.prices import perturbed

from tests.backtest.features.made import bars, days

DAYS = days("2024-01-02", 60)
DATA = bars(DAYS)
RNG = np.random.default_rng(3)
#: A figure of each second session, known in the morning of the next day, some of them revised a day later.
STAMPS = DAYS[:-2:2].tz_localize("UTC")
FIRST = pd.DataFrame({"time": STAMPS, "known_at": STAMPS + pd.Timedelta("1D 08:00:00"), "v": RNG.normal(size=29)})
AGAIN = FIRST[::3].assign(known_at=lambda rows: rows.known_at + pd.Timedelta("1D"), v=lambda rows: -rows.v)
MOOD = pd.concat([FIRST, AGAIN])
SETS = {"mood": MOOD}


class ByMood(al.Strategy):
    level = al.Param(0.0, low=-2.0, high=2.0)

    def on_bar(self):
        mood = self.features["mood"]
        self.record(mood=mood.v[-1], rows=len(mood))
        if mood.v[-1] > self.level:
            self.order_target_percent(0.9)
        elif mood.v[-1] <= self.level:
            self.close()


class Both(al.Strategy):
    level = al.Param(0.0, low=-2.0, high=2.0)

    def signals(self, data):
        mood = self.features["mood"]
        assert mood.v.shape == data.close.shape
        assert not mood.v.flags.writeable
        there = ~np.isnat(mood.time)
        assert there.any()
        assert (mood.time < mood.known_at)[there].all()
        assert (mood.known_at <= data.time)[there].all()
        smooth = al.ta.SMA(np.nan_to_num(mood.v), 2)
        return al.Signals(entries=smooth > self.level, exits=smooth <= self.level, size=0.9)


def known(now):
    """The latest figure, by hand."""
    rows = MOOD[MOOD.known_at <= now].sort_values("known_at", kind="stable")
    rows = rows[rows.time == rows.time.max()]
    return rows.v.iloc[-1] if len(rows) else np.nan


def test_signals_are_those_of_a_run_by_bar_and_of_a_sweep():
    one = al.backtest(Both, DATA, features=SETS)
    other = al.backtest(Both, DATA, features=SETS, compiled=False)
    assert len(one.fills) > 10
    assert one.fills.equals(other.fills)
    levels = [-0.5, 0.0, 0.5]
    swept = al.sweep(Both, DATA, {"level": levels}, features=SETS, executor="serial", progress=False)
    threads = al.sweep(Both, DATA, {"level": levels}, features=SETS, executor="threads", progress=False)
    alone = [al.backtest(Both, DATA, params={"level": x}, features=SETS).metrics["total_return"] for x in levels]
    for found in (swept, threads):
        assert found.table.sort_values("level")["total_return"].tolist() == pytest.approx(alone, rel=1e-12)
    assert len(set(alone)) == 3


def test_a_replay_shows_what_was_known_and_what_if_runs():
    result = al.backtest(ByMood, DATA, features=SETS)
    recorded = result.recorded["mood"].to_numpy()
    stand = al.replay(ByMood, DATA, features=SETS, at=50)
    for bar in (50, 20, 33, 4, 0, 58):
        stand.to(bar)
        wanted = known(stand.time)
        mood = stand.strategy.features["mood"]
        assert mood.v[-1] == pytest.approx(wanted, nan_ok=True) == pytest.approx(recorded[bar], nan_ok=True)
        (shown,) = [one for one in stand.state()["variables"] if one["name"].startswith("features")]
        assert (shown["name"], shown["kind"]) == ("features['mood'].v[-1]", "indicator")
        assert shown["value"] == (None if np.isnan(wanted) else wanted)
    stand.to(30)
    stand.strategy.level = 2.0  # never again
    changed = stand.result()
    assert changed.run["features"] == result.run["features"]
    assert len(changed.fills) < len(result.fills)
    assert (changed.fills.time <= stand.result().fills.time.max()).all()
    before = result.fills[result.fills.time < DAYS[30].tz_localize("UTC")]
    assert changed.fills.iloc[: len(before)].equals(before)


class FromLater(ByMood):
    """Reaches into the run for a figure that nobody had yet."""

    def on_bar(self):
        values = self._run.market.features["mood"].series[None].values["v"]
        if values[-1] * self.features["mood"].v[-1] > 0:
            self.order_target_percent(0.9)
        else:
            self.close()


def test_look_ahead_is_looked_for_in_features_too():
    assert al.check(ByMood, DATA, features=SETS).passed
    assert al.check(Both, DATA, features=SETS).passed
    found = al.check(FromLater, DATA, features=SETS)
    assert not found.passed
    assert found.differences[0].kind == "order"


TOLD = []


class Learns(al.Strategy):
    shift = al.Param(0.0, low=-1.0, high=1.0)

    def fit(self, history):
        assert list(history)[5:] == ["mood.v"]
        wanted = [known(time) for time in history.index]
        assert history["mood.v"].tolist() == pytest.approx(wanted, nan_ok=True)
        self.mean = history["mood.v"].mean()
        TOLD.append((history.index[0], history.index[-1]))

    def on_bar(self):
        assert self.features["mood"].v[-1] == pytest.approx(known(self.now), nan_ok=True)
        if self.features["mood"].v[-1] > self.mean + self.shift:
            self.order_target_percent(0.9)
        else:
            self.close()


def test_walk_forward_cuts_features_with_its_windows():
    walked = al.walk_forward(
        Learns, DATA, {"shift": [-0.5, 0.5]}, train=20, test=10, min_trades=0, executor="serial", progress=False,
        features=SETS,
    )  # fmt: skip
    assert walked.result.run["features"] == al.backtest(ByMood, DATA, features=SETS).run["features"]
    spans = {(DAYS.get_loc(a.tz_localize(None).normalize()), DAYS.get_loc(b.tz_localize(None).normalize()))
             for a, b in TOLD}  # fmt: skip
    assert {(0, 19), (10, 29), (20, 39), (30, 49)} <= spans


def test_noise_is_in_the_prices_alone():
    result = al.backtest(ByMood, DATA, features=SETS)
    noisy = perturbed(result.market, 0.5, (1,))
    assert noisy.features["mood"] is result.market.features["mood"]
    spread = al.monte_carlo(result, "prices", strategy=ByMood, paths=3, noise=0.1)
    assert (spread.paths, spread.failed) == (3, 0)
    assert any("Features were kept as they are" in note for note in spread.notes)


def test_another_process_has_them():
    from alphintra_backtest.sweep.work import Job, packed, run_one, unpacked

    market = al.data.resolve(DATA, currency="USD", features=SETS)
    there = unpacked(packed(Job(ByMood, market, {})))
    rows = there.market.features["mood"].series[None]
    assert (rows.revised, rows.time.flags.writeable, rows.values["v"].flags.writeable) == (True, False, False)
    assert run_one(there, (0, {})).metrics["total_return"] == al.backtest(ByMood, market).metrics["total_return"]


def test_the_call_that_repeats_a_run_names_them():
    from alphintra_backtest import view, view_replay
    from alphintra_backtest.comparison.settings import settings
    from alphintra_backtest.report import foundations
    from alphintra_backtest.report.account import Account

    class Calm(al.Strategy):
        level = al.Param(20.0, low=1.0, high=50.0)

        def on_bar(self):
            self.order_target_percent(0.9 if self.features["vix"].close[-1] < self.level else 0.0)

    given = {"vix": "vix-daily"}
    result = al.backtest(Calm, "us-indices-daily/SP500", start="2018-06-01", features=given, max_share=None)
    assert "features={'vix': 'vix-daily'}" in view.code(result)
    told = view_replay.replay(result)
    assert (told["data"], told["options"]["features"]) == ("us-indices-daily/SP500", given)
    told = f"vix-daily {result.run['features']['vix']['content_hash']}"
    assert ["Feature vix", told] in foundations.repeat(Account(result)).blocks[0].rows
    oil = {"vix": "wti-daily"}
    other = al.backtest(Calm, "us-indices-daily/SP500", start="2018-06-01", features=oil, max_share=None)
    assert settings([result.run, other.run])["feature vix"] == ["vix-daily", "wti-daily"]
    swept = al.sweep(
        Calm, "us-indices-daily/SP500", {"level": [15.0, 20.0]}, start="2018-06-01", features=given, max_share=None,
        executor="serial", progress=False,
    )  # fmt: skip
    assert swept.run["features"] == result.run["features"]
    # A frame has no name to read it by: the result of this process is replayed as it is.
    framed = al.backtest(ByMood, DATA, features=SETS)
    assert view.code(framed).endswith("  # with its features")
    assert view_replay.replay(framed) == {"result": framed.run["id"]}


def test_without_them_the_strategy_says_what_is_missing():
    with pytest.raises(StrategyError, match="no feature 'mood'"):
        al.backtest(Both, DATA)
