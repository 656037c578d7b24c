"""What goes wrong on the way: the replay stands at a bar, and says what it was."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import alphintra as al
import pytest
from alphintra.errors import ReplayError, StrategyError, WarmUpError
from alphintra_backtest.replay import Replay

from .conftest import BARS, Switch, fills


class Raises(Switch):
    at = al.Param(13)

    def on_bar(self) -> None:
        super().on_bar()
        if self.bar_index == self.at:
            raise ValueError("unlucky")


LINE = next(n for n, text in enumerate(Path(__file__).read_text().splitlines(), 1) if "unlucky" in text)


def test_a_strategy_that_raises_stands_at_the_bar_before(frame: Any) -> None:
    replay = Replay(Raises, frame)
    error = replay.error
    assert isinstance(error, StrategyError)
    assert (error.bar, error.bar_time, error.line, error.file) == (13, "2024-01-19T00:00:00Z", LINE, __file__)
    assert (replay.bar, len(replay.strategy.seen)) == (12, 13)
    shown = replay.state()["error"]
    assert (shown["bar"], shown["time"], shown["line"]) == (13, "2024-01-19T00:00:00Z", LINE)
    for _ in range(2):
        with pytest.raises(StrategyError, match="unlucky"):
            replay.step()
        assert (replay.bar, len(replay.strategy.seen)) == (12, 13)
    with pytest.raises(StrategyError, match="unlucky"):
        _ = replay.original
    replay.back(5)
    with pytest.raises(StrategyError, match="unlucky"):
        replay.to(30)
    assert (replay.bar, len(replay.strategy.seen), replay.branches) == (12, 13, [])
    with pytest.raises(StrategyError, match="unlucky"):
        replay.until("refusal")
    assert replay.bar == 12


def test_a_change_may_take_it_past_the_error(frame: Any) -> None:
    replay = Replay(Raises, frame)
    replay.strategy.at = -1
    replay.to(BARS - 1)
    assert fills(replay.result()) == fills(al.backtest(Switch, frame))


def test_at_is_heard_also_after_an_error(frame: Any) -> None:
    assert Replay(Raises, frame, at=5).bar == 5
    with pytest.raises(StrategyError, match="unlucky"):
        Replay(Raises, frame, at=20)


def test_errors_at_the_end_and_before_the_beginning(frame: Any) -> None:
    class Stops(Switch):
        def on_stop(self) -> None:
            self.seen.append(-1.0)
            raise KeyError("end")

    replay = Replay(Stops, frame)
    assert isinstance(replay.error, StrategyError)
    assert (replay.bar, len(replay.strategy.seen), replay.strategy.seen[-1] > 0) == (BARS - 1, BARS, True)

    class Starts(al.Strategy):
        def on_start(self) -> None:
            raise KeyError("start")

    with pytest.raises(StrategyError, match="start") as error:
        Replay(Starts, frame)
    assert error.value.bar == -1

    class Never(al.Strategy):
        def on_start(self) -> None:
            self.average = self.indicator(al.ta.SMA, self.data.close, 100)

    with pytest.raises(WarmUpError):
        Replay(Never, frame)


def test_a_bankruptcy_ends_it(frame: Any) -> None:
    falling = frame.copy()
    falling.loc[falling.index[10] :, ["open", "high", "low", "close"]] *= 0.2

    class Borrows(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 2:
                self.order_target_percent(1.9)

    known = al.backtest(Borrows, falling, leverage=2.0)
    replay = Replay(Borrows, falling, rules={"leverage": 2.0})
    with pytest.raises(ReplayError, match="went bankrupt at 2024-01-16") as error:
        replay.to(20)
    assert (error.value.code, replay.bar, replay.done) == ("AT_END", 10, True)
    with pytest.raises(ReplayError, match="went bankrupt"):
        replay.step()
    replay.back()
    assert (replay.bar, replay.strategy.position().size > 0) == (9, True)
    replay.step(5)
    assert replay.bar == 10
    assert replay.original.fills.equals(known.fills)
    replay.to(0)
    assert not replay.until("self.equity < -1e9")
    assert replay.bar == 10
    replay.to(0)
    assert not replay.until("refusal")
    assert replay.bar == 10


def test_an_interrupt_inside_a_bar_stands_at_a_bar(frame: Any) -> None:
    class Interrupted(Switch):
        armed = False

        def on_bar(self) -> None:
            super().on_bar()
            if Interrupted.armed and self.bar_index == 17:
                raise KeyboardInterrupt

    replay = Replay(Interrupted, frame, at=4)
    Interrupted.armed = True
    with pytest.raises(KeyboardInterrupt):
        replay.step(20)
    assert replay.bar == len(replay.strategy.seen) - 1 < 17
    with pytest.raises(KeyboardInterrupt):
        replay.to(25)
    Interrupted.armed = False
    replay.to(BARS - 1)
    assert fills(replay.result()) == fills(al.backtest(Switch, frame))
    assert (replay.branches, replay.differs) == ([], "")


def test_an_interrupt_in_a_branch(frame: Any) -> None:
    class Interrupted(Switch):
        armed = False

        def on_bar(self) -> None:
            super().on_bar()
            if Interrupted.armed and self.bar_index == 30:
                raise KeyboardInterrupt

    replay = Replay(Interrupted, frame, at=4)
    replay.strategy.size = 20
    replay.to(20)
    Interrupted.armed = True
    with pytest.raises(KeyboardInterrupt):
        replay.result()
    Interrupted.armed = False
    assert replay.branch is not None
    assert replay.bar == len(replay.strategy.seen) - 1
    assert [row[2] for row in fills(replay.result())][::2] == [10.0, 20.0, 20.0, 20.0]


# -- a strategy that cannot be copied


class Generates(Switch):
    def on_start(self) -> None:
        super().on_start()
        self.numbers = (n for n in range(1000))

    def on_bar(self) -> None:
        super().on_bar()
        self.latest = next(self.numbers)


class Writes(Switch):
    def on_start(self) -> None:
        super().on_start()
        self.file = Path(os.devnull).open("w")  # noqa: SIM115


class Locks(Switch):
    def on_start(self) -> None:
        super().on_start()
        self.mine = {"lock": threading.Lock()}


@pytest.mark.parametrize(
    ("strategy", "why"),
    [
        (Generates, "self.numbers (generator): cannot pickle 'generator' object"),
        (Writes, "self.file (TextIOWrapper): cannot pickle '_io.TextIOWrapper' object"),
        (Locks, "self.mine (dict): cannot pickle '_thread.lock' object"),
    ],
)
def test_what_cannot_be_copied_runs_again_from_the_start(frame: Any, strategy: type[al.Strategy], why: str) -> None:
    replay = Replay(strategy, frame, at=20)
    assert (replay.copyable, replay.why_not) == (False, why)
    assert why in replay.state()["notices"][0]
    assert (replay.bar, len(replay.strategy.seen)) == (20, 21)
    replay.back()
    assert (replay.bar, len(replay.strategy.seen)) == (19, 20)
    replay.to(30)
    replay.step()
    replay.back(25)
    assert (replay.bar, len(replay.strategy.seen)) == (6, 7)
    assert replay.until("trade")
    assert replay.bar == 8
    assert fills(replay.result()) == fills(al.backtest(strategy, frame))
    replay.to(BARS - 1)
    assert replay.branches == []
    assert replay.original.orders.equals(al.backtest(strategy, frame).orders)


def test_a_branch_of_what_cannot_be_copied(frame: Any) -> None:
    replay = Replay(Generates, frame, at=5)
    replay.strategy.size = 7
    replay.step(10)
    assert replay.branch.changes == [("size", 10, 7)]
    with pytest.raises(ReplayError, match=r"a branch cannot be gone back in: self\.numbers") as error:
        replay.back()
    assert (error.value.code, replay.bar, replay.strategy.size) == ("NOT_COPYABLE", 15, 7)
    assert [row[2] for row in fills(replay.result())][::2] == [10.0, 7.0, 7.0, 7.0]
    replay.to(3)
    assert (replay.branch, replay.strategy.size, replay.bar) == (None, 10, 3)


def test_what_can_be_copied_only_at_first(frame: Any) -> None:
    class Later(Switch):
        def on_bar(self) -> None:
            super().on_bar()
            if self.bar_index == 20:
                self.numbers = (n for n in ())

    replay = Replay(Later, frame, at=30)
    assert not replay.copyable
    replay.back(5)
    assert (replay.bar, len(replay.strategy.seen), replay.strategy.bought) == (25, 26, 3)
    replay.to(2)
    replay.to(BARS - 1)
    assert fills(replay.result()) == fills(al.backtest(Switch, frame))


def test_what_is_kept_outside_is_found_out(frame: Any) -> None:
    seen: list[int] = []

    class Outside(Switch):
        def on_bar(self) -> None:
            seen.append(self.bar_index)
            if len(seen) % 3 == 0:
                self.buy(1)

    replay = Replay(Outside, frame, at=20)
    assert replay.copyable
    assert "is not what it was the first time" in replay.differs
    assert replay.differs in replay.state()["notices"]
