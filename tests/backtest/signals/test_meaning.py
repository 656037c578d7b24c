"""What signals mean, on bars that a trader can check by eye; and what is refused."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.errors import SignalsError, StrategyError

from ..rules.scripted import FLAT, assumption, bars, ends, fills

FREE = {"max_share": None}
BARS = bars(FLAT, (101, 103, 100, 102), (104, 106, 103, 105), (100, 101, 97, 98), (99, 100, 95, 96), (97, 98, 96, 97))
"""Opens 100 101 104 100 99 97, closes 100 102 105 98 96 97."""


def given(**arguments: Any) -> type[al.Strategy]:
    class Given(al.Strategy):
        def signals(self, data: Any) -> Any:
            return al.Signals(**arguments)

    return Given


def at(*rows: int, n: int = 6) -> np.ndarray[Any, Any]:
    out = np.zeros(n, dtype=np.bool_)
    out[list(rows)] = True
    return out


@pytest.fixture(params=[True, False], ids=["signals", "on_bar"])
def run(request: pytest.FixtureRequest) -> Any:
    def backtest(data: Any, *, cash: float = 10_000, options: Any = FREE, **arguments: Any) -> Any:
        return al.backtest(given(**arguments), data, cash=cash, compiled=request.param, **options)

    return backtest


def test_an_entry_fills_at_the_next_open_with_all_of_the_equity_and_an_exit_sells_it(run: Any) -> None:
    result = run(BARS, entries=at(0), exits=at(2))
    # 10,000 / 101 = 99.009: 99 shares; sold at the open of bar 3
    assert fills(result) == [(1, "BUY", 99.0, 101.0, "F1.open"), (3, "SELL", 99.0, 100.0, "F1.open")]
    assert result.curves.equity.tolist() == [10_000, 10_000 + 99, 10_000 + 99 * 4, 10_000 - 99, 9_901, 9_901]


def test_size_is_a_fraction_of_equity_at_the_fill(run: Any) -> None:
    # 0.5 × 10,000 / 101 = 49.5; then equity 10,000 − 49 = 9,951 and 0.25 × 9,951 / 99 = 25.1
    result = run(BARS, entries=at(0, 3), exits=at(2), size=np.array([0.5, 1, 1, 0.25, 1, 1]))
    assert [(b, s, q) for b, s, q, _, _ in fills(result)] == [(1, "BUY", 49.0), (3, "SELL", 49.0), (4, "BUY", 25.0)]


def test_an_entry_is_ignored_while_a_position_of_its_side_exists(run: Any) -> None:
    result = run(BARS, entries=at(0, 1, 2, 3))
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 99.0)]
    assert ends(result) == [("FILLED", "")]


def test_an_exit_wins_over_the_entry_of_its_side(run: Any) -> None:
    assert fills(run(BARS, entries=at(1, 3), exits=at(1))) == [(4, "BUY", 101.0, 99.0, "F1.open")]


def test_entries_of_both_sides_cancel_each_other(run: Any) -> None:
    assert fills(run(BARS, entries=at(1), short_entries=at(1))) == []


def test_an_opposite_entry_is_one_order_to_the_new_target(run: Any) -> None:
    # long 99 at 101; at the open of bar 3 equity is 9,901: short 99 at 100, so one order sells 198
    result = run(BARS, entries=at(0), short_entries=at(2), short_exits=at(4))
    assert [f[:4] for f in fills(result)] == [
        (1, "BUY", 99.0, 101.0), (3, "SELL", 198.0, 100.0), (5, "BUY", 99.0, 97.0),
    ]  # fmt: skip
    assert len(ends(result)) == 3


def test_an_exit_with_the_opposite_entry_reverses(run: Any) -> None:
    result = run(BARS, entries=at(0), exits=at(2), short_entries=at(2))
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 99.0), (3, "SELL", 198.0)]


def test_brackets_are_fractions_of_the_fill_price(run: Any) -> None:
    # bought at 101: stop 101 × 0.97 = 97.97, which the low of bar 3 (97) reaches; target 101 × 1.06 = 107.06 never
    result = run(BARS, entries=at(0), stop_loss_percent=0.03, take_profit_percent=0.06)
    assert [(b, s, q, round(p, 6), r) for b, s, q, p, r in fills(result)] == [
        (1, "BUY", 99.0, 101.0, "F1.open"), (3, "SELL", 99.0, 97.97, "F2.stop"),
    ]  # fmt: skip
    assert ends(result) == [("FILLED", ""), ("FILLED", ""), ("CANCELLED", "OCO")]
    # the target at 101 × 1.04 = 105.04 is passed by the high of bar 2 (106)
    result = run(BARS, entries=at(0), stop_loss_percent=0.03, take_profit_percent=0.04)
    assert fills(result)[1] == (2, "SELL", 99.0, 105.04, "F4.limit")


def test_a_short_entry_has_its_stop_above(run: Any) -> None:
    # sold at 101; 101 × 1.02 = 103.02, and bar 2 opens at 104, beyond it
    result = run(BARS, short_entries=at(0), stop_loss_percent=0.02)
    assert [f[:4] for f in fills(result)] == [(1, "SELL", 99.0, 101.0), (2, "BUY", 99.0, 104.0)]


def test_weights_order_where_they_change(run: Any) -> None:
    nan = np.nan
    # 0.5 × 10,000 / 101 = 49.5; unchanged in row 2; 0 in row 3 sells at the open of bar 4; the 0 in row 4 is no change
    result = run(BARS, weights=np.array([0.5, nan, 0.5, 0.0, 0.0, nan]))
    assert [f[:4] for f in fills(result)] == [(1, "BUY", 49.0, 101.0), (4, "SELL", 49.0, 99.0)]


def test_weights_that_always_rebalance_order_at_each_number(run: Any) -> None:
    nan = np.nan
    # row 2: at the open of bar 3 equity is 10,000 − 49 = 9,951, 0.5 × 9,951 / 100 = 49.75: the target is held already
    result = run(BARS, weights=np.array([0.5, nan, 0.5, nan, 0.5, nan]), rebalance="always")
    # row 4: at the open of bar 5 equity is 10,000 − 49 × 4 = 9,804, 0.5 × 9,804 / 97 = 50.5: one share more
    assert [f[:4] for f in fills(result)] == [(1, "BUY", 49.0, 101.0), (5, "BUY", 1.0, 97.0)]
    assert ends(result) == [("FILLED", ""), ("CANCELLED", "TARGET_REACHED"), ("FILLED", "")]


def two_symbols() -> dict[str, pd.DataFrame]:
    return {"A": BARS, "B": BARS.iloc[[0, 1, 2, 4, 5]]}


def test_size_is_one_over_the_number_of_symbols_and_a_missing_bar_waits(run: Any) -> None:
    entries = np.zeros((6, 2), dtype=np.bool_)
    entries[2, 1] = entries[0, 0] = True
    result = run(two_symbols(), entries=entries)
    # A: 0.5 × 10,000 / 101 = 49. B has no bar 3 and fills at the open of bar 4 (99):
    # equity there is 10,000 + 49 × (99 − 101) = 9,902, half of it 4,951 / 99 = 50.01
    assert [f[:4] for f in fills(result)] == [(1, "BUY", 49.0, 101.0), (4, "BUY", 50.0, 99.0)]


def test_the_data_is_on_the_union_of_timestamps_and_read_only() -> None:
    seen: dict[str, Any] = {}

    class Look(al.Strategy):
        n = al.Param(3, low=1, high=9)

        def signals(self, data: Any) -> Any:
            seen.update(close=data.close, volume=data.volume, time=data.time, symbols=data.symbols, n=self.n)
            return al.Signals(np.zeros(data.shape, dtype=np.bool_))

    al.backtest(Look, two_symbols(), params={"n": 5})
    assert seen["close"].shape == seen["volume"].shape == (6, 2)
    assert seen["symbols"] == ("A", "B")
    assert seen["n"] == 5
    assert seen["close"][3].tolist()[0] == 98.0
    assert np.isnan(seen["close"][3, 1])
    assert np.isnan(seen["volume"][3, 1])
    assert str(seen["time"][0]) == "2024-01-02T21:00:00.000000"
    with pytest.raises(ValueError, match="read-only"):
        seen["close"][0, 0] = 1
    al.backtest(Look, BARS)
    assert seen["close"].tolist() == [100, 102, 105, 98, 96, 97]


def test_decisions_begin_at_start() -> None:
    result = al.backtest(given(entries=at(0, 2)), BARS, start="2024-01-03", cash=10_000, max_share=None)
    assert [f[:2] for f in fills(result)] == [(3 - 0, "BUY")]
    assert result.run["bars"] == 5


def test_a_class_with_both_forms_runs_signals_unless_told_otherwise() -> None:
    class Both(al.Strategy):
        def signals(self, data: Any) -> Any:
            return al.Signals(at(0))

        def on_bar(self) -> None:
            if self.bar_index == 2:
                self.buy(1)

    assert [f[:3] for f in fills(al.backtest(Both, BARS, cash=10_000, **FREE))] == [(1, "BUY", 99.0)]
    assert [f[:3] for f in fills(al.backtest(Both, BARS, cash=10_000, compiled=False, **FREE))] == [(3, "BUY", 1.0)]


def test_random_numbers_are_those_of_the_seed() -> None:
    seen = []

    class Random(al.Strategy):
        def signals(self, data: Any) -> Any:
            seen.append(self.rng.random())
            return al.Signals(self.rng.random(len(data)) < 0.5)

    al.backtest(Random, BARS, seed=7)
    al.backtest(Random, BARS, seed=7, compiled=False)
    assert seen == [np.random.default_rng(7).random()] * 2


NONE = np.full(6, np.nan)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "neither entries=, short_entries= nor weights="),
        ({"entries": np.ones(6)}, "entries holds float64, expected bool"),
        ({"entries": at(0), "exits": [1, 0]}, "exits holds int64, expected bool"),
        ({"entries": np.ones((2, 3, 1), dtype=bool)}, r"entries has shape \(2, 3, 1\), expected \(T,\)"),
        ({"entries": at(0), "exits": at(0, n=5)}, r"different shapes: entries \(6,\), exits \(5,\)"),
        ({"entries": at(0, n=5)}, r"entries has shape \(5,\), expected \(6,\)"),
        ({"exits": at(0)}, "neither entries="),
        ({"short_entries": at(0), "exits": at(0)}, "exits= without entries="),
        ({"entries": at(0), "short_exits": at(0)}, "short_exits= without short_entries="),
        ({"entries": at(0), "weights": NONE}, "weights= and entries= exclude each other"),
        ({"weights": NONE, "size": 0.5}, "weights= and size= exclude each other"),
        ({"weights": NONE, "stop_loss_percent": 0.5}, "weights= and stop_loss_percent= exclude"),
        ({"weights": at(0)}, "weights holds bool, expected numbers"),
        ({"weights": np.array([0, 0, 95.0, 0, 0, 0])}, "weights is 95.0 in row 2"),
        ({"weights": NONE, "rebalance": "daily"}, "rebalance='daily' is not one of"),
        ({"entries": at(0), "rebalance": "always"}, "rebalance= goes with weights="),
        ({"entries": at(0), "size": 0}, r"size=0 is outside \(0, 50\]"),
        ({"entries": at(0), "size": 95}, r"size=95 is outside \(0, 50\]"),
        ({"entries": at(0), "size": True}, "size must be a number or an array, got True"),
        ({"entries": at(0), "size": "all"}, "size must be a number or an array, got 'all'"),
        ({"entries": at(0), "size": float("nan")}, "size=nan is outside"),
        ({"entries": at(3), "size": np.array([1, 1, 1, -1, 1, 1])}, "size is -1.0 in row 3, where an entry stands"),
        ({"entries": at(3), "stop_loss_percent": NONE}, "stop_loss_percent is nan in row 3"),
        ({"entries": at(3), "take_profit_percent": 1}, r"take_profit_percent=1 is outside \(0, 1\)"),
        ({"entries": at(3), "take_profit_percent": 5}, "take_profit_percent=5 is outside"),
    ],
)
def test_bad_signals_are_refused_by_name(arguments: Any, said: str) -> None:
    with pytest.raises((SignalsError, StrategyError), match=said) as caught:
        al.backtest(given(**arguments), BARS)
    assert caught.value.code == "BAD_SIGNALS"


def test_sizes_are_only_looked_at_where_an_entry_stands() -> None:
    size = NONE.copy()
    size[1] = 0.5
    assert len(fills(al.backtest(given(entries=at(1), size=size), BARS))) == 1


def test_several_symbols_need_their_column() -> None:
    with pytest.raises(SignalsError, match=r"entries has shape \(6,\), expected \(6, 2\): 6 timestamps, 2 symbols"):
        al.backtest(given(entries=at(0)), two_symbols())


def test_what_signals_cannot_do_is_told() -> None:
    class Orders(al.Strategy):
        def signals(self, data: Any) -> Any:
            self.buy(1)

    with pytest.raises(StrategyError, match=r"order: .* neither orders nor sees positions") as caught:
        al.backtest(Orders, BARS)
    assert caught.value.file == __file__

    class Nothing(al.Strategy):
        def signals(self, data: Any) -> Any:
            return None

    with pytest.raises(SignalsError, match=r"Nothing returned NoneType, expected al\.Signals"):
        al.backtest(Nothing, BARS)

    class Field(al.Strategy):
        def signals(self, data: Any) -> Any:
            return al.Signals(data.price > 1)

    with pytest.raises(StrategyError, match="data has no 'price'; it has: open, high, low, close, volume"):
        al.backtest(Field, BARS)

    class Events(al.Strategy):
        def signals(self, data: Any) -> Any:
            return al.Signals(at(0))

        def on_fill(self, fill: Any) -> None:
            pass

    with pytest.raises(SignalsError, match="Events defines signals and on_fill, which a compiled run never calls"):
        al.backtest(Events, BARS)
    with pytest.raises(al.AlphintraError, match="compiled is true or false, got 'no'"):
        al.backtest(Events, BARS, compiled="no")


def test_an_indicator_is_computed_once_and_cannot_be_changed() -> None:
    seen = []

    class Twice(al.Strategy):
        def signals(self, data: Any) -> Any:
            a, b = al.ta.SMA(data.close, 2), al.ta.SMA(data.close, timeperiod=2)
            seen.extend([a is al.ta.SMA(data.close, 2), b is al.ta.SMA(data.close, timeperiod=2)])
            a[0] = 1.0
            return al.Signals(at(0))

    with pytest.raises(StrategyError, match="read-only"):
        al.backtest(Twice, BARS)
    assert seen == [True, True]
    assert al.ta.SMA(np.arange(4.0), 2).tolist()[1:] == [0.5, 1.5, 2.5]


def test_the_result_rests_on_the_same_assumptions() -> None:
    result = al.backtest(given(short_entries=at(0, 2)), BARS, account="cash")
    (said,) = assumption(result, "refused_orders")["items"]
    assert said.startswith("SHORT_NOT_ALLOWED: 2, first order 0, SELL")
