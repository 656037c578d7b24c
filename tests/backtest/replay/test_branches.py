"""What is changed by hand goes on from there, as a run that was changed there; the backtest stays what it was."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pytest
from alphintra.errors import ReplayError, StrategyError
from alphintra_backtest.replay import Replay

from .conftest import BARS, Switch, fills


def changed_at(bar: int, change: Any) -> type[al.Strategy]:
    """The strategy with a change made after its ``on_bar`` at a bar, in a callback of its own."""

    class Changed(Switch):
        def on_bar(self) -> None:
            super().on_bar()
            if self.bar_index == bar:
                change(self)

    return Changed


CHANGES = {
    "parameter": lambda s: setattr(s, "size", 33),
    "attribute": lambda s: s.seen.clear(),
    "market": lambda s: s.buy(5, tag="by hand"),
    "bracket": lambda s: s.buy(5, limit=s.data.close[-1] * 0.99, stop_loss_percent=0.02, take_profit_percent=0.03),
    "cancel": lambda s: s.cancel(),
    "random": lambda s: s.rng.random(),
    "record": lambda s: s.record(mine=1.5),
    "log": lambda s: s.log("by hand"),
}


@pytest.mark.parametrize("bar", [1, 2, 20, 32])
@pytest.mark.parametrize("name", CHANGES)
def test_a_branch_is_a_run_that_was_changed_there(frame: Any, name: str, bar: int) -> None:
    change = CHANGES[name]
    replay = Replay(Switch, frame, at=bar)
    before = len(replay.strategy.orders)
    change(replay.strategy)
    replay.step()
    known, own = al.backtest(changed_at(bar, change), frame), replay.result()
    if name == "cancel" and not before:
        assert replay.branches == []
        return
    assert [branch.bar for branch in replay.branches] == [bar]
    assert fills(own) == fills(known)
    assert own.equity.equals(known.equity)
    assert own.orders.equals(known.orders)
    assert own.recorded.equals(known.recorded)
    assert own.logs == known.logs
    assert replay.bar == bar + 1
    assert own.assumptions[0]["code"] == "changed_by_hand"
    assert own.run["branch"]["bar"] == bar
    assert fills(replay.original) == fills(al.backtest(Switch, frame))


def test_what_a_branch_says(frame: Any) -> None:
    replay = Replay(Switch, frame, at="2024-01-10")
    replay.strategy.size = 18
    replay.strategy.seen.append(1.0)
    replay.strategy.mine = "new"
    del replay.strategy.bought
    replay.strategy.buy(3)
    assert replay.branch is None  # nothing has moved yet
    with pytest.raises(StrategyError, match="has no attribute 'bought'"):
        replay.step(10)
    branch = replay.branch
    assert branch is replay.branches[0]
    assert [(name, old, new) for name, old, new in branch.changes if name != "seen"] == [
        ("size", 10, 18), ("bought", 1, None), ("mine", None, "new"),
        ("orders", None, "DATA buy market, 3"),
    ]  # fmt: skip
    assert repr(branch).startswith("<branch at 2024-01-11 00:00: ")
    assert "size 10 → 18" in branch.text


def test_going_back_before_it_leaves_a_branch(frame: Any) -> None:
    replay = Replay(Switch, frame, at=10)
    replay.strategy.size = 50
    replay.step(10)
    replay.back(5)
    assert replay.strategy.position().size == 50
    assert (replay.bar, replay.branch.bar, replay.strategy.size) == (15, 10, 50)
    replay.to(10)  # its first bar is still the branch's
    assert (replay.branch is not None, replay.strategy.size) == (True, 50)
    replay.back()
    assert (replay.bar, replay.branch, replay.strategy.size) == (9, None, 10)
    replay.to(15)
    assert (replay.strategy.position().size, len(replay.branches)) == (10, 1)
    assert replay.result() is replay.original


def test_a_branch_can_be_walked_in_both_directions(frame: Any) -> None:
    replay = Replay(Switch, frame, at=5)
    replay.strategy.size = 7
    replay.to(30)
    there = replay.state()
    replay.to(8)
    replay.to(30)
    again = replay.state()
    for key in ("account", "positions", "orders", "fills", "candles", "log", "branch"):
        assert again[key] == there[key], key
    result = replay.result()
    replay.step(5)
    replay.back(20)
    replay.to(BARS - 1)
    assert replay.result() is result
    assert [row[2] for row in fills(result)][:4] == [10.0, 10.0, 7.0, 7.0]


def test_a_branch_of_a_branch(frame: Any) -> None:
    replay = Replay(Switch, frame, at=5)
    replay.strategy.size = 7
    replay.to(15)
    replay.strategy.size = 3
    replay.to(25)
    assert [branch.bar for branch in replay.branches] == [5, 15]
    assert [row[2] for row in fills(replay.result())][::2] == [10.0, 7.0, 3.0, 3.0]
    replay.to(14)
    assert replay.branch is replay.branches[0]
    assert [row[2] for row in fills(replay.result())][::2] == [10.0, 7.0, 7.0, 7.0]
    replay.to(4)
    assert replay.branch is None


def test_a_change_before_the_first_bar(frame: Any) -> None:
    replay = Replay(Switch, frame)
    replay.strategy.size = 4
    replay.strategy.buy(1)
    replay.step()

    class From(Switch):
        def on_start(self) -> None:
            super().on_start()
            self.size = 4
            self.buy(1)

    assert fills(replay.result()) == fills(al.backtest(From, frame))
    assert repr(replay.branches[0]).startswith("<branch before the first bar: size 10 → 4, orders DATA buy market, 1")


def test_comparing(frame: Any) -> None:
    replay = Replay(Switch, frame, at=10)
    with pytest.raises(ReplayError, match="nothing was changed") as error:
        replay.compare()
    assert error.value.code == "NO_BRANCH"
    replay.strategy.size = 50
    found = replay.compare()
    assert list(found.names) == ["the run", "size 10 → 50"]
    assert replay.bar == 10


def test_looking_is_no_change(frame: Any) -> None:
    replay = Replay(Switch, frame, at=10)
    strategy = replay.strategy
    close = strategy.data.close
    for look in (strategy.equity, strategy.orders, strategy.trades, strategy.rng, close[-3:], repr(replay)):
        assert look is not None
    strategy.size = strategy.size
    strategy.seen[:] = list(strategy.seen)
    replay.state()
    replay.step()
    assert replay.branches == []


def test_a_strategy_that_raises_when_it_hears_of_a_change(frame: Any) -> None:
    class Hears(Switch):
        def on_order(self, order: Any) -> None:
            if order.tag == "by hand":
                raise ValueError("who was that?")

    replay = Replay(Hears, frame, at=10)
    replay.strategy.buy(1, tag="by hand")
    with pytest.raises(StrategyError, match="who was that"):
        replay.step()
    assert (replay.bar, replay.branches, replay.strategy.orders) == (10, [], [])
    replay.to(BARS - 1)
    assert fills(replay.result()) == fills(al.backtest(Hears, frame))

