"""Where a replay can be put, what it refuses, and what it finds."""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import DataError, ParameterError, ReplayError, StrategyError
from alphintra_backtest.replay import Replay, stops

from tests.backtest.scripts.make import cases

from . import walks
from .conftest import BARS, Switch


@pytest.fixture
def replay(frame: Any) -> Replay:
    return Replay(Switch, frame)


def test_it_begins_before_the_first_bar_and_moves_in_both_directions(replay: Replay) -> None:
    assert (replay.bar, replay.time, replay.first, replay.count, replay.strategy.seen) == (-1, None, 0, BARS, [])
    replay.step()
    assert (replay.bar, replay.time) == (0, dt.datetime(2024, 1, 2, tzinfo=dt.UTC))
    replay.step(5)
    assert (replay.bar, len(replay.strategy.seen), replay.strategy.position().size) == (5, 6, 10)
    replay.back()
    replay.back(3)
    assert (replay.bar, len(replay.strategy.seen), replay.strategy.position().size) == (1, 2, 0)
    replay.step(999)
    assert (replay.bar, replay.done) == (BARS - 1, True)
    replay.back(999)
    assert replay.bar == -1


def test_both_ends_are_refused(replay: Replay) -> None:
    with pytest.raises(ReplayError, match="no way back") as start:
        replay.back()
    replay.to(BARS - 1)
    with pytest.raises(ReplayError, match="stands at the last bar, 2024-02-24") as end:
        replay.step()
    assert (start.value.code, end.value.code) == ("AT_START", "AT_END")
    with pytest.raises(ReplayError, match="last bar"):
        replay.until("fill")


@pytest.mark.parametrize(
    ("when", "bar"),
    [
        (7, 7), (-1, -1), (np.int64(3), 3), ("2024-01-10", 7), ("2024-01-13", 10), (dt.date(2024, 1, 10), 7),
        ("2024-01-10 00:00", 6), (dt.datetime(2024, 1, 10, 12), 7), ("2024-02-23", 39),
    ],
)  # fmt: skip
def test_places(replay: Replay, when: Any, bar: int) -> None:
    replay.to(when)
    assert replay.bar == bar
    assert len(replay.strategy.seen) == bar + 1


@pytest.mark.parametrize("when", [40, -2, "2023-12-31", "2024-02-24", "1999-01-01 10:00"])
def test_a_place_outside_the_data_is_refused_and_nothing_moves(replay: Replay, when: Any) -> None:
    replay.to(5)
    with pytest.raises(ReplayError, match=r"from 2024-01-01 \(bar 0\) to 2024-02-23 \(bar 39\)") as error:
        replay.to(when)
    assert (error.value.code, replay.bar) == ("OUTSIDE_DATA", 5)


def test_what_is_no_place_or_number(replay: Replay) -> None:
    with pytest.raises(DataError, match="is not a date"):
        replay.to("soon")
    for bad in (True, None):
        with pytest.raises(ReplayError, match="neither a bar nor a date"):
            replay.to(bad)
    for bad in (0, -1, 1.5, True):
        with pytest.raises(ReplayError, match="no number of bars"):
            replay.step(bad)
    with pytest.raises(ReplayError, match="no number of bars"):
        replay.until("fill", limit=0)


def test_a_bar_before_the_strategy_is_called(frame: Any) -> None:
    class Averages(Switch):
        def on_start(self) -> None:
            super().on_start()
            self.average = self.indicator(al.ta.SMA, self.data.close, 5)

    replay = Replay(Averages, frame, at="2024-01-08")
    assert (replay.first, replay.bar) == (4, 5)
    with pytest.raises(ReplayError, match="before the strategy's first bar"):
        replay.to("2024-01-03")
    replay.to("2024-01-04")  # the last one before it
    assert replay.bar == 3
    with pytest.raises(ReplayError, match="outside the data"):
        Replay(Averages, frame, at="2031-01-01")


def test_signals_are_walked_by_what_they_mean(frame: Any) -> None:
    class Crosses(al.Strategy):
        def signals(self, data: Any) -> al.Signals:
            up = data.close > 100
            return al.Signals(entries=up, exits=~up)

    replay = Replay(Crosses, frame, at=10)
    assert replay.entry is None
    assert replay.bar == 10
    assert replay.original.fills.equals(al.backtest(Crosses, frame).fills)


def test_the_original_is_the_backtest(frame: Any) -> None:
    replay = Replay(Switch, frame, commission=0.001, params={"size": 3}, at=20)
    known = al.backtest(Switch, frame, commission=0.001, params={"size": 3})
    own = replay.original
    assert own.equity.equals(known.equity)
    assert own.fills.equals(known.fills)
    assert own.orders.equals(known.orders)
    assert own.assumptions == known.assumptions
    assert own.metrics == known.metrics or repr(own.metrics) == repr(known.metrics)
    differing = {"id", "seconds", "created_at", "strategy_file"}
    assert {k: v for k, v in own.run.items() if k not in differing} == {
        k: v for k, v in known.run.items() if k not in differing
    }
    assert replay.result() is own


def test_prints_are_shown_by_steps_alone(frame: Any, capsys: pytest.CaptureFixture[str]) -> None:
    class Prints(al.Strategy):
        def on_bar(self) -> None:
            print(self.bar_index)  # noqa: T201

    replay = Replay(Prints, frame, at=7)
    replay.until("self.bar_index == 9")
    replay.back(4)
    assert capsys.readouterr().out == ""
    replay.step(2)
    assert capsys.readouterr().out == "6\n7\n"


def test_watchers_hear_of_each_movement(replay: Replay) -> None:
    heard: list[int] = []
    end = replay.watch(lambda r: heard.append(r.bar))
    replay.step()
    replay.to(9)
    replay.back()
    replay.result()
    end()
    end()
    replay.step()
    assert heard == [0, 9, 8]


# -- until


@pytest.mark.parametrize(
    ("what", "bars"),
    [("order", [2, 7, 12]), ("fill", [3, 8, 13]), ("trade", [8, 18, 28, 38]), ("self.bought == 3", [22, 23])],
)
def test_until(replay: Replay, what: str, bars: list[int]) -> None:
    for bar in bars:
        assert replay.until(what)
        assert replay.bar == bar


def test_until_the_end_and_a_limit(replay: Replay) -> None:
    assert not replay.until("self.cash < 0")
    assert replay.bar == BARS - 1
    replay.to(0)
    assert not replay.until("refusal")
    assert replay.bar == BARS - 1
    replay.to(3)
    assert not replay.until("fill", limit=4)
    assert replay.bar == 7
    assert not replay.until("False", limit=3)
    assert replay.bar == 10
    assert replay.until("fill", limit=3)
    assert replay.bar == 13


def test_events_are_the_same_from_the_logs_and_bar_by_bar() -> None:
    for case in cases(320, markets=2, each=5):
        replay = walks.replay(case, walks.keeper(case.rows))
        for what in ("order", "fill", "refusal"):
            known = stops.bars_of(what, replay._final[0], replay._track.logged).tolist()
            replay.to(-1)
            event, found = stops.Event(what, replay._session), []
            while not replay.done:
                replay._track.walk(replay.bar + 2)
                if event():
                    found.append(replay.bar)
            assert found == [bar for bar in known if bar >= 0], (case, what)


def test_names_of_the_module_can_be_used(replay: Replay) -> None:
    assert replay.until("len(self.seen) == BARS // 4 and isinstance(self, Switch.__mro__[0])") is True
    assert replay.bar == 9


NO_ANSWER = "it is asked at each bar and needs an answer at each: ask first, as in 'self.bar_index > 50 and …'"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("1 / (self.bar_index - 4) > 5", f"ZeroDivisionError: division by zero (WHERE) – {NO_ANSWER}"),
        (
            "self.xyz > 3",
            "AttributeError: 'Switch' object has no attribute 'xyz' (WHERE) – Switch has bought, seen, size, "
            "and what each strategy has, such as equity and data",
        ),
        (
            "self.sean > 3",
            "AttributeError: 'Switch' object has no attribute 'sean' (WHERE) – did you mean 'seen'?",
        ),
        (
            "self.data.clsoe[-1] > 3",
            "AttributeError: 'SymbolData' object has no attribute 'clsoe' (WHERE) – did you mean 'close'?",
        ),
        (
            "self.position.size > 3",
            "AttributeError: 'function' object has no attribute 'size' (WHERE) – position is a method, "
            "which is called with brackets: position()",
        ),
        (
            "self.buy > 3",
            "TypeError: '>' not supported between instances of 'method' and 'int' (WHERE) – a method is called with "
            "brackets, such as self.position()",
        ),
        (
            "(self.seen and None).last > 3",
            "AttributeError: 'NoneType' object has no attribute 'last' (WHERE) – what it is asked of is None at this "
            "bar: ask first, as in 'self.entry is not None and …'",
        ),
        (
            "(self.seen and None) > 3",
            "TypeError: '>' not supported between instances of 'NoneType' and 'int' (WHERE) – a value is None at this "
            "bar: ask first, as in 'self.entry is not None and self.entry > 3'",
        ),
        (
            "self.data.close > 3",
            "TypeError: '>' not supported between instances of 'Series' and 'int' (WHERE) – a series has a value for "
            "each bar: [-1] is the current one, as in 'self.data.close[-1] > 3'",
        ),
        (
            "self.data.close[0] > 3",
            "LookAheadError: data.close[0] counts from the start of the data – data.close[-1] is the current bar, "
            "data.close[-2] the one before (WHERE)",
        ),
        ("equity > 3", "NameError: name 'equity' is not defined (WHERE) – write self.equity"),
        ("BARZ > 3", "NameError: name 'BARZ' is not defined (WHERE) – did you mean 'BARS'?"),
        (
            "qqqq > 3",
            "NameError: name 'qqqq' is not defined (WHERE) – it sees self, and the names of the cell or file in which "
            "the strategy is written",
        ),
    ],
)
def test_an_expression_that_raises_stops_there_and_says_what_to_write(
    replay: Replay, expression: str, said: str
) -> None:
    with pytest.raises(ReplayError) as error:
        replay.until(f"self.bar_index == 4 and {expression}")
    where = "bar of 2024-01-06 00:00"
    assert str(error.value) == (
        f"the expression 'self.bar_index == 4 and {expression}' raised {said.replace('WHERE', where)}"
    )
    assert (error.value.code, replay.bar, len(replay.strategy.seen)) == ("EXPRESSION_FAILED", 4, 5)


def test_what_an_expression_that_raises_says_is_bounded(replay: Replay) -> None:
    with pytest.raises(ReplayError) as error:
        replay.until(f"self.{'x' * 5_000} or '{'y' * 5_000}'")
    assert len(str(error.value)) < 800


def test_an_expression_that_is_none_or_acts(replay: Replay) -> None:
    with pytest.raises(ReplayError, match="is no expression: invalid syntax") as error:
        replay.until("self.cash <")
    assert (error.value.code, replay.bar) == ("BAD_EXPRESSION", -1)
    with pytest.raises(ReplayError, match="changed an order"):
        replay.until("self.bar_index == 4 and self.buy(1)")
    assert (replay.bar, replay.strategy.orders) == (4, [])
    replay.to(BARS - 1)
    assert (replay.branches, replay.differs) == ([], "")


@pytest.fixture(params=[False, True], ids=["", "traced"])
def traced(request: pytest.FixtureRequest) -> Iterator[None]:
    """With and without a trace function, as a debugger has one."""
    before = sys.gettrace()
    if request.param:
        sys.settrace(lambda *_: None)
    yield
    sys.settrace(before)


def cancel_when_busy(replay: Replay) -> None:
    while not replay.cancel():
        time.sleep(0.01)


@pytest.mark.usefixtures("traced")
def test_an_endless_expression_is_cancelled_from_another_thread(replay: Replay) -> None:
    threading.Thread(target=cancel_when_busy, args=[replay]).start()
    with pytest.raises(ReplayError, match="cancelled: the replay stands at bar 0") as error:
        replay.until("all(True for _ in iter(int, 1))")
    assert error.value.code == "CANCELLED"
    replay.step()
    assert (replay.bar, len(replay.strategy.seen), replay.cancel(), replay.branches) == (1, 2, False, [])


def test_a_long_walk_is_cancelled_between_two_bars(frame: Any) -> None:
    at_bar, go_on = threading.Event(), threading.Event()

    class Waits(Switch):
        waiting = False

        def on_bar(self) -> None:
            super().on_bar()
            if Waits.waiting and self.bar_index == 20:
                at_bar.set()
                go_on.wait(120)

    def cancel() -> None:
        at_bar.wait(120)
        other = threading.Thread(target=replay.cancel)
        other.start()
        while not replay._gate.cancelled:
            pass
        go_on.set()
        other.join()

    replay = Replay(Waits, frame)
    Waits.waiting = True
    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(ReplayError, match="cancelled"):
        replay.step(30)
    thread.join()
    Waits.waiting = False
    assert len(replay.strategy.seen) == replay.bar + 1
    replay.to(BARS - 1)
    assert replay.branches == []
    assert replay.original.fills.equals(al.backtest(Switch, frame).fills)


def test_one_movement_at_a_time(frame: Any) -> None:
    class Moves(al.Strategy):
        def on_bar(self) -> None:
            if replays:
                replays[0].step()

    replays: list[Replay] = []
    replay = Replay(Moves, frame)
    replays.append(replay)
    with pytest.raises(StrategyError, match="one thing at a time"):
        replay.step()
    assert replay.bar == -1


def test_arguments_are_those_of_a_backtest(frame: Any) -> None:
    with pytest.raises(ParameterError, match="is not a Strategy class"):
        Replay(int, frame)
    with pytest.raises(ParameterError, match="no parameter 'sizes'"):
        Replay(Switch, frame, params={"sizes": 3})
