"""What a trader gets wrong: each is refused by name, with the file, the line and the bar."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.errors import LookAheadError, OrderError, ParameterError, RuleError, StrategyError

ROW = (100.0, 101.0, 99.0, 100.0, 1e6)


def bars(n: int = 3) -> pd.DataFrame:
    index = pd.bdate_range("2024-01-02", periods=n)
    return pd.DataFrame([ROW] * n, index=index, columns=["open", "high", "low", "close", "volume"])


def does(act: Any, *, in_start: bool = False) -> type[al.Strategy]:
    class Does(al.Strategy):
        def on_start(self) -> None:
            if in_start:
                act(self)

        def on_bar(self) -> None:
            if not in_start:
                act(self)

    return Does


def cause(act: Any, data: Any = None, *, in_start: bool = False) -> BaseException:
    """What the strategy's own call raised."""
    with pytest.raises(StrategyError) as caught:
        al.backtest(does(act, in_start=in_start), bars() if data is None else data)
    assert caught.value.__cause__ is not None
    return caught.value.__cause__


def test_a_failure_names_file_line_and_bar() -> None:
    class Bad(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 1:
                self.buy(float("nan"))

    with pytest.raises(StrategyError, match="quantity must be a finite number, got nan") as caught:
        al.backtest(Bad, bars())
    error = caught.value
    lines, first = inspect.getsourcelines(Bad)
    offset = next(i for i, text in enumerate(lines) if "nan" in text)
    assert (error.file, error.line) == (__file__, first + offset)
    assert error.code == "BAD_ORDER"
    assert error.bar_time is not None
    assert error.bar_time.startswith("2024-01-0")
    assert error.bar_time.endswith("Z")


def test_a_failure_inside_a_library_names_the_traders_line() -> None:
    class Bad(al.Strategy):
        def on_bar(self) -> None:
            pd.Series([1.0]).loc["missing"]

    with pytest.raises(StrategyError, match="KeyError") as caught:
        al.backtest(Bad, bars())
    assert caught.value.file == __file__
    assert caught.value.code == "STRATEGY_ERROR"


def test_a_trader_may_call_the_file_strategy_py_in_a_folder_alphintra(tmp_path: Path) -> None:
    file = tmp_path / "alphintra" / "strategy.py"
    file.parent.mkdir()
    file.write_text("import alphintra as al\nclass Bad(al.Strategy):\n    def on_bar(self):\n        1 / 0\n")
    spec = importlib.util.spec_from_file_location("mine", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(StrategyError, match="ZeroDivisionError") as caught:
        al.backtest(module.Bad, bars())
    assert (caught.value.file, caught.value.line) == (str(file), 4)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda s: s.buy(-1), "negative"),
        (lambda s: s.buy(True), "finite number"),
        (lambda s: s.buy("10"), "finite number"),
        (lambda s: s.buy(float("inf")), "finite number"),
        (lambda s: s.buy(), "exactly one of quantity, value and percent"),
        (lambda s: s.buy(1, percent=0.5), "exactly one of quantity, value and percent"),
        (lambda s: s.buy(1, limit=0), "above 0"),
        (lambda s: s.buy(1, stop=float("nan")), "above 0"),
        (lambda s: s.buy(1, tif="GTX"), "time in force 'GTX'"),
        (lambda s: s.buy(1, stop_loss=105), "must lie below"),
        (lambda s: s.buy(1, take_profit=95), "must lie above"),
        (lambda s: s.sell(1, stop_loss=95), "must lie above"),
        (lambda s: s.sell(1, take_profit=105), "must lie below"),
        (lambda s: s.buy(1, limit=90, stop_loss=95), "must lie below the entry of about 90"),
        (lambda s: s.buy(1, stop_loss=95, stop_loss_percent=0.1), "exclude each other"),
        (lambda s: s.buy(1, stop_loss_percent=5), "between 0 and 1"),
        (lambda s: s.order_target_percent(float("nan")), "finite number"),
        (lambda s: s.buy(1, symbol="MSFT"), "unknown symbol 'MSFT'"),
    ],
)
def test_orders_that_make_no_sense(act: Any, words: str) -> None:
    error = cause(act)
    assert isinstance(error, OrderError)
    assert words in str(error)


def test_a_contradictory_bracket_is_told_with_place_and_remedy() -> None:
    place = r"line \d+, bar 2024-01-02T21:00:00Z\)"
    remedy = "move it, or give stop_loss_percent, a distance from the price of the fill"
    with pytest.raises(StrategyError, match=f"stop_loss=105 must lie below the entry of about .* – {remedy}.*{place}"):
        al.backtest(does(lambda s: s.buy(1, stop_loss=105)), bars())
    error = cause(lambda s: s.buy(1, take_profit=120, take_profit_percent=0.1))
    assert isinstance(error, OrderError)
    assert error.hint == "leave one of them out"


@pytest.mark.parametrize("act", [lambda s: s.buy(1), lambda s: s.close(), lambda s: s.position(), lambda s: s.ready()])
def test_several_symbols_need_a_name(act: Any) -> None:
    error = cause(act, {"A": bars(), "B": bars()})
    assert isinstance(error, OrderError)
    assert "which symbol? The run has 2" in str(error)


def test_self_data_close_of_several_symbols_asks_which() -> None:
    error = cause(lambda s: s.data.close[-1], {"A": bars(), "B": bars()})
    assert "self.data['A'].close" in str(error)


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.data.close[0],
        lambda s: s.data.close[5],
        lambda s: s.data.close[0:2],
        lambda s: s.data.close[:-1],
        lambda s: s.data.close[-3::2],
        lambda s: np.asarray(s.data.close),
        lambda s: s.data.panel("close")[0],
    ],
)
def test_views_refuse_what_does_not_end_now(act: Any) -> None:
    assert isinstance(cause(act), LookAheadError)


def test_slices_that_end_now() -> None:
    seen = []
    al.backtest(does(lambda s: seen.append((len(s.data.close[:]), len(s.data.close[-2:]), len(s.data.close)))), bars())
    assert seen == [(1, 1, 1), (2, 2, 2), (3, 2, 3)]


def test_nothing_is_read_in_on_start() -> None:
    for act in (
        lambda s: s.data.close[-1],
        lambda s: s.data.close[-3:],
        lambda s: s.now,
        lambda s: s.every("month_end"),
        lambda s: al.crossed_above(s.data.close, s.data.open),
        lambda s: s.data.panel("close")[-1],
    ):
        assert isinstance(cause(act, in_start=True), LookAheadError)


def test_more_history_than_there_is() -> None:
    error = cause(lambda s: s.data.close[-2])
    assert isinstance(error, IndexError)
    assert "only 1 values so far" in str(error)


def test_a_slice_cannot_be_written_to() -> None:
    def act(s: Any) -> None:
        s.data.close[-1:][0] = 1.0

    assert isinstance(cause(act), ValueError)


def test_indicators_are_declared_in_on_start() -> None:
    assert "declared in on_start" in str(cause(lambda s: s.indicator(al.ta.SMA, s.data.close, 2)))


def test_an_indicator_of_another_length_is_refused() -> None:
    error = cause(lambda s: s.indicator(lambda c: c[1:], s.data.close), in_start=True)
    assert "returned shape (2,), expected (3,)" in str(error)


class Tuned(al.Strategy):
    fast = al.Param(20, low=2, high=100)
    mode = al.Param("long", choices=("long", "short"))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"fsat": 5}, "did you mean 'fast'?"),
        ({"fast": 1}, "below its low of 2"),
        ({"fast": 101}, "above its high of 100"),
        ({"fast": 2.5}, "must be int"),
        ({"fast": True}, "must be int"),
        ({"fast": "20"}, "must be int"),
        ({"mode": "both"}, "is not one of"),
    ],
)
def test_bad_parameters(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError) as caught:
        al.backtest(Tuned, bars(), params=params)
    assert words in str(caught.value)
    if "its low" in words or "its high" in words:
        assert (caught.value.where, caught.value.hint) == (
            "fast", "give a value from 2 to 100, or widen the bounds of its Param",
        )  # fmt: skip


def test_parameters_are_described_and_read_like_numbers() -> None:
    seen = []

    class Reads(Tuned):
        def on_bar(self) -> None:
            seen.append((self.fast, self.mode))

    al.backtest(Reads, bars(1), params={"fast": 30.0})
    assert seen == [(30, "long")]
    assert Reads.parameters()["fast"]["high"] == 100
    with pytest.raises(ParameterError, match="above its high"):
        al.Param(5, high=4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_shares": 0.1}, "did you mean 'max_share'?"),
        ({"entry": "next"}, "there is no rule 'entry'"),
        ({"limit_fill": "loose"}, "is not one of ['strict', 'touch']"),
        ({"max_share": 2}, "outside [0, 1]"),
        ({"fractional": 1}, "true or false"),
        ({"cash": 0}, "outside"),
        ({"cash": float("nan")}, "must be a number"),
        ({"commission": -0.1}, "outside"),
        ({"slippage": "1%"}, "must be a number"),
        ({"seed": -1}, "whole number"),
        ({"profile": "zipline"}, "unknown profile 'zipline'"),
    ],
)
def test_bad_options(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RuleError) as caught:
        al.backtest(Tuned, bars(), **options)
    assert words in str(caught.value)


def test_an_instance_is_not_a_class() -> None:
    with pytest.raises(ParameterError, match="pass the class itself"):
        al.backtest(Tuned(), bars())  # type: ignore[arg-type]
