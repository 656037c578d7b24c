"""``al.post_mortem``, ``result.replay`` and what a view leads to: the bar that was meant."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra import repeating
from alphintra.errors import ReplayError, StrategyError
from alphintra_backtest.replay import Replay
from alphintra_backtest.replay.places import place

AAPL = "us-equities-daily/AAPL"


def bars(frequency: str, count: int = 40) -> pd.DataFrame:
    """Bars round the clock: each opens the moment the one before it closes."""
    price = 100 + np.sin(np.arange(count)) * 5
    times = pd.date_range("2024-01-01", periods=count, freq=frequency, tz="UTC")
    columns = {"open": price, "high": price + 1, "low": price - 1, "close": price, "volume": 1e6}
    return pd.DataFrame(columns, index=times)


class Turns(al.Strategy):
    """In for three bars and out for three; every tenth bar it wants more than there is."""

    bad = al.Param(-1, low=-1, high=100)

    def on_bar(self) -> None:
        if self.bar_index == self.bad:
            raise ValueError("not this one")
        if self.bar_index % 10 == 9:
            self.buy(10**6)
        elif self.bar_index % 6 == 1:
            self.buy(5)
        elif self.bar_index % 6 == 4:
            self.close()


LINE = 36
"""Where it raises."""


@pytest.fixture(autouse=True)
def _none_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeating, "_failed", None)


def test_it_stands_at_the_bar_before_the_last_error() -> None:
    with pytest.raises(ReplayError, match="no strategy has raised") as none:
        al.post_mortem()
    assert none.value.code == "NO_FAILED_RUN"
    frame = bars("1D")
    al.backtest(Turns, frame)
    for bad in (31, 12):
        with pytest.raises(StrategyError) as error:
            al.backtest(Turns, frame, cash=5_000, params={"bad": bad}, max_share=None)
    al.backtest(Turns, frame)  # what came after it and did not raise is not meant
    replay = al.post_mortem()
    assert type(replay) is Replay
    assert (replay.bar, replay.strategy.bar_index) == (11, 11)
    assert (replay.error.bar, replay.error.line, replay.error.bar_time) == (12, LINE, error.value.bar_time)
    assert (replay.setup.config.cash, dict(replay.setup.config.changed)) == (5_000, {"max_share": None})
    with pytest.raises(StrategyError, match="not this one"):
        replay.step()


def test_a_replay_that_raised_is_remembered_as_well() -> None:
    replay = al.replay(Turns, AAPL, params={"bad": 40})
    assert (replay.bar, al.post_mortem().bar) == (39, 39)
    failed = repeating.last_failed()
    assert failed is not None
    assert failed.is_about(replay.error)
    # As a job's record names it: the time of the bar that raised.
    assert al.replay(Turns, AAPL, at=replay.error.bar_time, params={"bad": 40}).bar == 39


def test_before_the_first_bar_there_is_nothing_to_stand_at() -> None:
    class Starts(al.Strategy):
        def on_start(self) -> None:
            raise KeyError("none")

    with pytest.raises(StrategyError):
        al.backtest(Starts, AAPL)
    with pytest.raises(ReplayError, match="Starts raised before its first bar") as error:
        al.post_mortem()
    assert error.value.code == "BEFORE_FIRST_BAR"


def test_an_error_that_does_not_come_again_is_told() -> None:
    done: list[int] = []

    class Once(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 7 and not done:
                done.append(7)
                raise ValueError("once")

    with pytest.raises(StrategyError):
        al.backtest(Once, bars("1D"))
    with pytest.warns(UserWarning, match=r"Once raised at bar 7 the first time and not at all now"):
        replay = al.post_mortem()
    assert (replay.bar, replay.error) == (6, None)


def test_a_result_replays_what_made_it_and_is_found_as_long_as_there_is_one() -> None:
    frame = bars("1D")
    result = al.backtest(Turns, frame, commission=0.001)
    run_id = str(result.run["id"])
    replay = al.find_result(run_id).replay(at=20)
    assert replay.bar == 20
    assert replay.original.fills.equals(result.fills)
    assert result.view["header"]["replay"] == {"result": run_id}
    with pytest.raises(ReplayError, match=r"not made by .* in this process") as elsewhere:
        replay.original.replay()
    assert elsewhere.value.code == "NOT_MADE_HERE"
    del result
    gc.collect()
    with pytest.raises(ReplayError, match=f"holds no result of the run '{run_id}'") as gone:
        al.find_result(run_id)
    assert gone.value.code == "NO_RESULT"
    with pytest.raises(ReplayError, match="holds no result"):
        al.find_result("")


def test_a_named_run_is_told_as_values_and_others_say_why_not(tmp_path: Any) -> None:
    named = al.backtest(Turns, AAPL, commission=al.Commission(per_share=0.01), seed=3)
    assert named.view["header"]["replay"] == {
        "strategy": "Turns",
        "data": AAPL,
        "options": {"commission": named.run["configuration"]["commission"], "params": {"bad": -1}, "seed": 3},
    }
    file = tmp_path / "turns.csv"
    bars("1D").rename_axis("date").to_csv(file)
    assert al.backtest(Turns, str(file)).view["header"]["replay"]["data"] == str(file)
    replay = al.replay(Turns, AAPL, at="2008-09-15")
    replay.strategy.buy(1)
    replay.step()
    assert "changed by hand" in replay.result().view["header"]["replay"]["why_not"]
    assert "at" not in replay.result().view["tables"]["trades"]


@pytest.mark.parametrize("data", [AAPL, "1D", "1h", "20min"])
def test_every_row_leads_to_its_own_bar(data: str) -> None:
    given: Any = data if data == AAPL else bars(data, 200)
    result = al.backtest(Turns, given, start="2008-01-01" if data == AAPL else None)
    tables, replay = result.view["tables"], Replay(Turns, given)
    offset = int(np.searchsorted(replay.grid.time, result.curves.time[0]))
    fills = result.columns["fills"]
    bar_of = {
        (symbol, int(time)): bar + offset
        for symbol, time, bar in zip(fills["symbol"], fills["time"], fills["bar"], strict=True)
    }
    last = len(tables["fills"]["rows"])
    assert [place(replay, at) for at in tables["fills"]["at"]["fill"]] == list(bar_of.values())[-last:]
    trades = result.columns["trades"]
    for side in ("entry", "exit"):
        found = [None if at is None else place(replay, at) for at in tables["trades"]["at"][side]]
        times = zip(trades["symbol"], trades[f"{side}_time"], strict=True)
        assert found == [None if time is None else bar_of[symbol, int(time)] for symbol, time in times]
    orders = result.columns["orders"]
    states = orders["state"][-len(tables["orders"]["rows"]) :]
    assert "REJECTED" in states
    closes = np.where(np.array(orders["state"]) == "REJECTED", orders["finished"], orders["submitted"])[-len(states) :]
    at = [int(replay.grid.time[place(replay, text)]) for text in tables["orders"]["at"]["order"]]
    assert at == closes.astype(np.int64).tolist()


class Tuned(al.Strategy):
    """Its ``low`` is too low for the data from bar 25 on."""

    low = al.Param(1, low=0, high=9)
    high = al.Param(1, low=0, high=9)

    def on_bar(self) -> None:
        self.left = self.low - (self.bar_index >= 25)
        if self.left < 0 and self.high < 9:
            raise ValueError("too low")


TOO_LOW = 1 + next(
    n for n, text in enumerate(Path(__file__).read_text(encoding="utf-8").splitlines()) if '("too low")' in text
)


def failed_run() -> repeating.Failed:
    failed = repeating.last_failed()
    assert failed is not None
    return failed


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_a_sweep_that_fails_says_which_variant_and_the_post_mortem_opens_it(executor: str) -> None:
    with pytest.raises(StrategyError) as error:
        al.sweep(Tuned, bars("1D"), {"low": [0], "high": [3, 4]}, executor=executor, progress=False, start="2024-01-03")
    raised = error.value
    assert raised.run == {"parameters": {"low": 0, "high": 3}}
    assert (raised.file, raised.line, raised.bar) == (__file__, TOO_LOW, 25)
    assert raised.bar_time == "2024-01-27T00:00:00Z"
    stands = al.post_mortem()
    assert (stands.bar, stands.strategy.low, stands.strategy.high) == (24, 0, 3)
    assert stands.first == 2
    assert failed_run().is_about(stands.error)


def test_a_walk_forward_that_fails_says_which_window_and_the_post_mortem_opens_it() -> None:
    walk = {"train": 15, "test": 5, "min_trades": 0, "executor": "serial", "progress": False}
    # In training: the first window whose training goes as far as bar 25.
    with pytest.raises(StrategyError, match="every variant failed") as error:
        al.walk_forward(Tuned, bars("1D"), {"low": [0]}, **walk, seed=3)
    days = {"start": "2024-01-16", "end": "2024-01-30"}
    assert error.value.run == {"parameters": {"low": 0, "high": 1}, "window": 4, "part": "training", **days}
    stands = al.post_mortem()
    assert (stands.bar, stands.first, stands.strategy.low) == (24, 15, 0)
    assert failed_run().asked.options["seed"] == 3
    # In the account: bar 37 is in the test of the last window alone, where the replay begins.
    with pytest.raises(StrategyError, match="not this one") as error:
        al.walk_forward(Turns, bars("1D"), {"bad": [37, 38]}, **walk)
    days = {"start": "2024-02-05", "end": "2024-02-09"}
    assert error.value.run == {"parameters": {"bad": 37}, "window": 5, "part": "test", **days}
    stands = al.post_mortem()
    assert (stands.bar, stands.first, stands.strategy.bad) == (36, 35, 37)
