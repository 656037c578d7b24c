"""``al.replay``: a replay in the hand, or what a front end makes of it."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pytest
from alphintra.errors import DataError, ParameterError, ReplayError, RuleError
from alphintra_backtest import replay as package
from alphintra_backtest.replay import Replay


class Holds(al.Strategy):
    size = al.Param(5)

    def on_bar(self) -> None:
        if not self.positions and not self.orders:
            self.buy(self.size)


DATA = "us-equities-daily/AAPL"


def test_it_stands_where_it_is_told_with_the_backtests_arguments() -> None:
    replay = al.replay(Holds, DATA, at="2008-09-15", params={"size": 3}, commission=0.001, max_share=None)
    assert type(replay) is Replay
    assert str(replay.time.date()) == "2008-09-15"
    assert replay.strategy.position().size == 12  # three, and two splits of two for one since
    known = al.backtest(Holds, DATA, params={"size": 3}, commission=0.001, max_share=None)
    assert replay.original.fills.equals(known.fills)
    assert replay.original.assumptions == known.assumptions


def test_bad_arguments_are_those_of_a_backtest() -> None:
    with pytest.raises(RuleError, match="max_share"):
        al.replay(Holds, DATA, max_shares=1)
    with pytest.raises(ParameterError, match="no parameter 'sise'"):
        al.replay(Holds, DATA, params={"sise": 1})
    with pytest.raises(DataError):
        al.replay(Holds, "us-equities-daily/AAPLE")
    with pytest.raises(ReplayError, match="outside the data"):
        al.replay(Holds, DATA, at="1999-01-01")
    for name, value in (("engine", "backtrader"), ("check", True)):
        with pytest.raises(ReplayError, match=f"a replay takes no {name}="):
            al.replay(Holds, DATA, **{name: value})


def test_a_front_end_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "view_hook", lambda replay: ("shown", replay))
    shown, replay = al.replay(Holds, DATA)
    assert (shown, type(replay)) == ("shown", Replay)


def test_a_debugger_takes_it_where_it_is_to_be_debugged(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReplayError, match="no debugger") as error:
        al.replay(Holds, DATA, debug=True)
    assert error.value.code == "NO_DEBUGGER"
    asked: list[Any] = []

    def hook(replay: Replay, debug: bool | None) -> str | None:
        asked.append((type(replay), debug))
        return "debugged" if debug else None

    monkeypatch.setattr(package, "debug_hook", hook)
    assert al.replay(Holds, DATA, debug=True) == "debugged"
    assert isinstance(al.replay(Holds, DATA), Replay)
    assert isinstance(al.replay(Holds, DATA, debug=False), Replay)
    assert asked == [(Replay, True), (Replay, None)]
