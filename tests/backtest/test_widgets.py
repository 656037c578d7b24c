"""``al.widgets`` without a browser: what a choice runs, what is shown of it, and what is said where it fails."""

from __future__ import annotations

from typing import Any

import alphintra as al
import alphintra.data as market_data
import pandas as pd
import pytest
from alphintra.errors import DataError, ParameterError, RuleError, StrategyError
from alphintra_backtest.widgets import screen

DATA = "us-equities-daily/AAPL"
RESULT = "application/vnd.alphintra.result.v1+json"


class Cross(al.Strategy):
    """Long above."""

    fast = al.Param(20, low=2, high=100, step=2, description="Length of the fast average.")
    slow = al.Param(50, low=5, high=300)
    share = al.Param(0.5, low=0.1, high=1.0, step=0.05)
    stop = al.Param(0.125)
    most = al.Param(3)
    side = al.Param("long", choices=("long", "none"))
    note = al.Param("a")
    flat_at_end = al.Param(False)

    def on_start(self) -> None:
        if self.fast >= self.slow:
            raise ValueError(f"fast <{self.fast}> is not below slow")
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, self.slow)

    def on_bar(self) -> None:
        if al.crossed_above(self.fast_ma, self.slow_ma) and self.side == "long":
            self.order_target_percent(self.share)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()


@pytest.fixture(scope="module")
def view() -> Any:
    return al.widgets.parameters(Cross, DATA, end="2006-12-29", params={"slow": 60})


def test_each_parameter_has_the_control_of_its_kind(view: Any) -> None:
    made = view.controls
    assert {name: type(one).__name__ for name, one in made.items()} == {
        "fast": "IntSlider", "slow": "IntSlider", "share": "FloatSlider", "stop": "FloatText", "most": "IntText",
        "side": "Dropdown", "note": "Text", "flat_at_end": "Checkbox",
    }  # fmt: skip
    fast, share = made["fast"], made["share"]
    assert (fast.min, fast.max, fast.step, fast.tooltip) == (2, 100, 2, "Length of the fast average.")
    assert (share.min, share.max, share.step, share.readout_format) == (0.1, 1.0, 0.05, ".2f")
    assert made["side"].options == ("long", "none")
    assert view.values == {
        "fast": 20, "slow": 60, "share": 0.5, "stop": 0.125, "most": 3, "side": "long", "note": "a",
        "flat_at_end": False,
    }  # fmt: skip


def test_a_change_is_a_run_and_an_error_leaves_the_result_of_the_one_before(view: Any) -> None:
    assert view.screen.shown[RESULT] == view.result.view
    view.controls["fast"].value = 10
    known = al.backtest(Cross, DATA, end="2006-12-29", params={"fast": 10, "slow": 60})
    assert view.result.fills.equals(known.fills)
    assert view.result.run["parameters"]["fast"] == 10
    assert view.screen.shown[RESULT]["header"] == view.result.view["header"]
    good = view.screen.shown

    view.controls["fast"].value = 80
    assert isinstance(view.error, StrategyError)
    assert "fast &lt;80&gt; is not below slow" in view.screen.status
    assert "test_widgets.py, line " in view.screen.status
    assert "from before" in view.screen.status
    assert view.screen.shown == good
    assert not view.screen.busy

    before = view.result
    view.set(fast=12, slow=40)
    assert view.error is None
    assert {name: view.result.run["parameters"][name] for name in ("fast", "slow")} == {"fast": 12, "slow": 40}
    assert view.result is not before
    with pytest.raises(ParameterError, match="above its high of 100"):
        view.set(fast=101)
    assert view.values["fast"] == 12


def test_a_mistake_in_the_call_is_the_cells_and_one_of_the_strategy_is_shown() -> None:
    for error, arguments, options in (
        (ParameterError, (Cross(), DATA), {}),
        (ParameterError, (Cross, DATA), {"params": {"fats": 3}}),
        (RuleError, (Cross, DATA), {"max_shares": 1}),
        (DataError, (Cross, "us-equities-daily/AAPLE"), {}),
    ):
        with pytest.raises(error):
            al.widgets.parameters(*arguments, **options)
    view = al.widgets.parameters(Cross, DATA, params={"fast": 50})
    assert (view.result, view.screen.shown) == (None, {})
    assert "fast &lt;50&gt; is not below slow" in view.screen.status
    assert "from before" not in view.screen.status


def test_one_result_is_shown_and_several_are_compared() -> None:
    runs = [al.backtest(Cross, DATA, end="2006-12-29", params={"fast": fast}) for fast in (10, 20)]
    view = al.widgets.results(runs)
    assert view.chooser.options == ("Cross fast=10", "Cross fast=20")
    assert view.screen.shown[RESULT] == runs[0].view
    view.chooser.value = view.chooser.options
    assert view.chosen == runs
    assert RESULT not in view.screen.shown
    assert "Cross fast=20" in view.screen.shown["text/plain"]
    view.chooser.value = ("Cross fast=20",)
    assert view.screen.shown[RESULT] == runs[1].view
    assert al.widgets.results({"mine": runs[0]}).chooser.value == ("mine",)
    assert al.widgets.results(runs[0]).chosen == runs[:1]
    for wrong in ([], [runs[0], 3], 3):
        with pytest.raises(ParameterError):
            al.widgets.results(wrong)  # type: ignore[arg-type]


def test_datasets_are_looked_through_by_name_and_symbol() -> None:
    days = pd.bdate_range("2020-01-01", periods=3)
    frame = pd.DataFrame({name: [1.0, 2.0, 3.0] for name in ("open", "high", "low", "close")}, index=days)
    view = al.widgets.datasets({"mine": frame, "broken": frame.assign(close=-1.0)})
    assert view.chosen.symbols == ("DATA",)
    assert view.symbol.options == (("all", ""),)
    view.dataset.value = "broken"
    assert isinstance(view.screen.error, DataError)
    assert "from before" in view.screen.status
    view.dataset.value = "us-equities-daily"
    assert view.screen.error is None
    assert [symbol for _, symbol in view.symbol.options][:2] == ["", "AAPL"]
    view.symbol.value = "MSFT"
    assert (view.name, view.chosen.name) == ("us-equities-daily/MSFT", "us-equities-daily/MSFT")
    assert "us-equities-daily/MSFT" in view.screen.shown["text/html"]
    view.dataset.value = "wti-daily"
    assert view.name == "wti-daily"
    with pytest.raises(ParameterError, match="a mapping of names to data"):
        al.widgets.datasets(frame)  # type: ignore[arg-type]


def test_what_is_asked_for_while_a_turn_comes_is_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a kernel a choice is heard on one thread, and done on another: the turn of the one before may come between."""
    turns: list[Any] = []
    monkeypatch.setattr(screen, "later", lambda turn, seconds: turns.append(turn))
    asked = screen.Screen()
    say = asked._say

    def say_as_a_turn_comes(html: str) -> None:
        while turns:
            turns.pop()()
        say(html)

    asked.ask(lambda: market_data.load("us-equities-daily"), "Reading all")
    monkeypatch.setattr(asked, "_say", say_as_a_turn_comes)
    asked.ask(lambda: market_data.load(DATA), "Reading one")
    while turns:
        turns.pop()()
    assert DATA in str(asked.shown)
    assert (asked.busy, asked.status) == (False, "")
    assert screen.STALE not in asked._output._dom_classes
