"""Corners where the rules meet: each was a defect once."""

from __future__ import annotations

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import DataError, LookAheadError, ParameterError, RuleError, StrategyError
from alphintra_backtest import books

from .scripted import bars, buy, ends, fills, run, scripted, sell

TEN = (10, 10, 10, 10)


@pytest.mark.parametrize("plain_below", [0, 10**9], ids=["compiled", "plain"])
def test_sizes_beyond_all_numbers_end_alike(plain_below, monkeypatch):
    monkeypatch.setattr(books, "PLAIN_BELOW", plain_below)
    rows = bars(TEN, TEN, TEN)
    assert ends(run({0: buy(1e19)}, rows)) == [("REJECTED", "INSUFFICIENT_FUNDS")]
    # a target is sized to what the account can carry: 100,000 / 10
    assert fills(run({0: lambda s: s.order_target_quantity(1e19)}, rows)) == [(1, "BUY", 10_000.0, 10.0, "F1.open")]
    assert fills(run({0: lambda s: s.order_target_quantity(-1e19)}, rows)) == [(1, "SELL", 10_000.0, 10.0, "F1.open")]


def test_a_minimum_fee_is_not_paid_to_stay_where_one_is():
    """Half of 970 is 485: 47 shares at 10 are held at no fee, and 45 with a fee of 30 are no better."""
    script = dict.fromkeys(range(6), lambda s: s.order_target_percent(0.5))
    result = run(script, bars(*[TEN] * 8), cash=1000, commission=al.Commission(minimum=30))
    assert [(f[1], f[2]) for f in fills(result)] == [("BUY", 47.0)]
    assert ends(result)[1:] == [("CANCELLED", "TARGET_REACHED")] * 5
    assert result.metrics["final_equity"] == 970.0


def test_children_of_an_entry_that_only_flattened_have_nothing_to_protect():
    script = {0: sell(100), 1: buy(100, stop_loss=9), 3: buy(50)}
    result = run(script, bars(TEN, TEN, TEN, TEN, TEN, (10, 10, 8, 8.5), (8, 8, 8, 8)))
    assert ends(result) == [
        ("FILLED", ""),
        ("FILLED", ""),
        ("CANCELLED", "POSITION_CLOSED"),
        ("FILLED", ""),
    ]
    assert result.positions["quantity"].iloc[-1] == 50


def test_a_cancel_in_between_does_not_forget_what_a_reduction_frees():
    def rotate(s):
        s.close("A")
        s.cancel(symbol="B")
        s.buy(100, symbol="B")

    data = {"A": bars(*[TEN] * 6), "B": bars(*[TEN] * 6)}
    result = run({0: lambda s: s.buy(100, symbol="A"), 2: rotate}, data, cash=1000)
    assert [s for s, _ in ends(result)] == ["FILLED"] * 3


def test_last_open_does_not_close_what_was_bought_after_it():
    """Bought inside the last bar at 9: its open of 10 has passed, so it is closed at the close of 9.5."""
    rows = bars(TEN, TEN, TEN, (10, 10.5, 8, 9.5))
    result = run({2: buy(100, limit=9)}, rows, close_at_end="last_open")
    trade = result.trades.iloc[0]
    assert (trade["entry_price"], trade["exit_price"], trade["pnl"]) == (9.0, 9.5, 50.0)
    assert trade["exit_time"] >= trade["entry_time"]


def test_owed_fees_can_bankrupt_without_a_short():
    """160 − 100 − 60 leaves 0; selling one share for 1 costs 60: cash −59 and 99 shares, worth 49.5 at 0.5."""
    prices = [1, 1, 1, 0.5, 0.4, 0.3]
    rows = bars(*[(p, p, p, p) for p in prices])
    result = run({0: buy(100), 1: sell(1)}, rows, cash=160, commission=al.Commission(minimum=60), maintenance_margin=0)
    assert result.curves.equity.tolist() == [160.0, 100.0, 40.0, -9.5]
    assert result.counts["bankrupt"] == 1


def test_the_smallest_value_is_that_of_the_order_not_of_one_fill():
    """The cap is 2.5 % of 2,000 = 50 a bar: the order is worth 10,000 and fills in slices of 500."""
    rows = bars(*[TEN] * 25, volume=2000)
    result = run({0: buy(1000)}, rows, min_order_value=1000)
    assert [f[2] for f in fills(result)] == [50.0] * 20
    assert ends(run({0: buy(50)}, rows, min_order_value=1000)) == [("CANCELLED", "BELOW_MIN_VALUE")]


def test_an_order_has_one_last_state():
    result = run({0: buy(10, limit=5, stop_loss=4, take_profit=7)}, bars(*[TEN] * 4))
    last = ("FILLED", "CANCELLED", "REJECTED", "EXPIRED", "UNFILLED_AT_END")
    events = result.columns["events"]
    ended = [o for o, s in zip(events["order_id"], events["state"], strict=True) if s in last]
    assert sorted(ended) == [0, 1, 2]
    assert ends(result) == [("UNFILLED_AT_END", ""), *[("CANCELLED", "PARENT_CANCELLED")] * 2]


def test_a_cancelled_target_makes_no_bar_ambiguous():
    def drop_target(s):
        s.cancel(next(o for o in s.orders if o.type == "LIMIT"))

    script = {0: buy(100, stop_loss=9, take_profit=11), 1: drop_target}
    result = run(script, bars(TEN, TEN, (10, 12, 8, 10), TEN))
    assert result.counts["ambiguous"] == 0
    assert not result.trades["ambiguous"].any()


def test_slices_carry_no_future():
    seen = {}

    def look(s):
        for part in (s.data.close[-1:], s.data.panel("close")[-1:], s.data.panel("close")[-1]):
            seen.setdefault("bases", []).append(part.base)
            with pytest.raises(ValueError, match="read-only"):
                part[...] = 0

    run({1: look}, bars(TEN, TEN, TEN))
    assert seen["bases"] == [None] * 3


def test_crossing_a_level_that_moves_is_compared_and_not_kept():
    rows = bars(*[(c, c, c, c) for c in (10.0 + np.sin(np.arange(60)))])
    found: list[bool] = []

    def compare(s):
        level = 10.0 + s.bar_index / 1000
        now = s.data.close[-1] > level and len(s.data.close) > 1 and s.data.close[-2] <= level
        found.append(al.crossed_above(s.data.close, level) == now)
        kept.append(len(s.data.close._above))

    kept: list[int] = []
    run(dict.fromkeys(range(60), compare), rows)
    assert all(found) and len(found) == 60
    assert max(kept) == 8


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda s: al.crossed_above(50.0, s.data.close), "a is a series or an array, not 50.0"),
        (lambda s: al.crossed_below(s.data.close, "x"), "series or a number, not 'x'"),
        (lambda s: s.cancel("DATA"), r"cancel\(symbol=…\)"),
        (lambda s: s.record(time=2.0), "'time' is the column"),
    ],
)
def test_wrong_arguments_are_told(act, said):
    with pytest.raises(StrategyError, match=said):
        run({1: act}, bars(TEN, TEN, TEN))


def test_recording_before_the_first_bar_is_told():
    with pytest.raises(StrategyError, match="call it in on_bar") as found:
        run({}, bars(TEN, TEN), on_start=lambda s: s.record(x=1))
    assert isinstance(found.value.__cause__, LookAheadError)


def test_one_and_true_are_two_arguments():
    values = {}

    class Both(al.Strategy):
        def on_start(self):
            def kind(close, flag):
                return np.full(len(close), 100.0 if flag is True else 5.0)

            self.a = self.indicator(kind, self.data.close, 1)
            self.b = self.indicator(kind, self.data.close, True)

        def on_bar(self):
            values["both"] = (self.a[-1], self.b[-1])

    al.backtest(Both, bars(TEN, TEN))
    assert values["both"] == (5.0, 100.0)


def test_arguments_of_a_run():
    flat = bars(TEN, TEN, TEN)
    with pytest.raises(DataError, match=r"benchmark .* has 2 symbols"):
        run({}, flat, benchmark={"Z": flat, "A": flat})
    with pytest.raises(ParameterError, match="params must be a mapping"):
        al.backtest(scripted({}), flat, params="abc")
    with pytest.raises(RuleError, match="must be one number"):
        run({}, flat, commission=np.array([0.1, 0.2]))
