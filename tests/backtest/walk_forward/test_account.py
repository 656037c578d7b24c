"""The account through the windows: what is carried, what ends, what it costs, by hand and against plain runs."""

from __future__ import annotations

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra import signals as reference_of
from alphintra_backtest.options import options
from alphintra_backtest.walk_forward.account import Stretch, walk

from .market import Cross, CrossSignals, frame, noise, ramp


def journal(events: list) -> type[al.Strategy]:
    """Buys in bar 2; in bar 4, the last of the first window, submits what never fills; closes in bar 6."""

    class Journal(al.Strategy):
        units = al.Param(10, low=1, high=100)

        def on_start(self) -> None:
            events.append(("start", {s: p.size for s, p in self.positions.items()}, self.cash))

        def on_bar(self) -> None:
            if self.bar_index == 2:
                self.buy(self.units)
            if self.bar_index == 4:
                self.sell(self.units, limit=200.0)
                self.buy(5)
            if self.bar_index == 5:
                events.append(("working", len(self.orders), self.position().size))
            if self.bar_index == 6:
                self.close()

        def on_order(self, order) -> None:
            if self.bar_index >= 5:
                events.append(("told", order.state))

        def on_stop(self) -> None:
            events.append(("stop", self.bar_index))
            self.buy(1)

    return Journal


#: Trains on bars 0–1 and 3–4, tests on bars 2–4 and 5–7.
HAND = {"train": 2, "test": 3, "min_trades": 0, "metric": "total_return", "cash": 10_000, "executor": "serial"}


def ends(result) -> list[tuple]:
    c = result.columns["orders"]
    return list(zip(c["side"], c["quantity"].tolist(), c["state"], c["reason"], strict=True))


def test_positions_are_taken_over_and_working_orders_are_not():
    events: list = []
    found = al.walk_forward(journal(events), ramp(8), {"units": [10]}, **HAND)
    result = found.result
    # 10 bought at the open of bar 3, 103; sold at the open of bar 7, 107
    assert result.fills[["side", "quantity", "price"]].values.tolist() == [["BUY", 10, 103], ["SELL", 10, 107]]
    assert ends(result) == [
        ("BUY", 10, "FILLED", ""),
        ("SELL", 10, "CANCELLED", "WINDOW_ENDED"),
        ("BUY", 5, "CANCELLED", "WINDOW_ENDED"),
        ("BUY", 1, "REJECTED", "RUN_ENDED"),  # on_stop of the first window's instance
        ("SELL", 10, "FILLED", ""),
        ("BUY", 1, "REJECTED", "RUN_ENDED"),
    ]
    cancelled = result.events[result.events["reason"] == "WINDOW_ENDED"]
    assert (cancelled["time"] == result.equity.index[3]).all()  # the close of bar 4: the curve begins at bar 1
    # bars 1 to 7: cash 10,000 up to the purchase at 103, then 8,970 + 10 × close, and 10,040 after the sale at 107
    assert result.equity.tolist() == [10_000, 10_000, 10_005, 10_015, 10_025, 10_035, 10_040]
    assert result.metrics["total_trades"] == 1
    # the two instances of the account; the runs that choose parameters come before, those that are held after
    at = events.index(("start", {"DATA": 10.0}, 8_970.0))
    assert events[at - 2 : at + 5] == [
        ("start", {}, 10_000.0), ("stop", 4), ("start", {"DATA": 10.0}, 8_970.0), ("working", 0, 10.0),
        ("told", "WORKING"), ("told", "FILLED"), ("stop", 7),
    ]  # fmt: skip
    # in the test windows: 10,015 / 10,000, and 10,040 / 10,015
    assert found.windows["trades"].tolist() == [0, 1]
    assert found.windows["test_metric"].tolist() == pytest.approx([0.0015, 10_040 / 10_015 - 1], rel=1e-12)


def test_flatten_closes_at_the_next_open_and_pays_for_it():
    found = al.walk_forward(journal([]), ramp(8), {"units": [10]}, flatten=True, commission=0.001, **HAND)
    # sold at the open of bar 5, 105: 10,000 − 1,030 − 1.03 + 1,050 − 1.05; nothing is left to close in bar 6
    assert found.result.fills[["side", "price", "commission"]].values.tolist() == [
        ["BUY", 103, pytest.approx(1.03)], ["SELL", 105, pytest.approx(1.05)],
    ]  # fmt: skip
    assert found.result.metrics["final_equity"] == pytest.approx(10_017.92, abs=1e-8)
    assert found.result.orders["tag"].tolist()[-2] == "window ended"


def test_protective_orders_end_with_their_instance():
    class Protected(al.Strategy):
        units = al.Param(10, low=1, high=100)

        def on_bar(self) -> None:
            if self.bar_index == 2:
                self.buy(self.units, stop_loss=90.0, take_profit=104.4)

    bars = ramp(8)
    # window 1 ends with bar 3, before bar 4 passes the target of 104.4
    found = al.walk_forward(
        Protected, bars, {"units": [10]}, train=2, test=2, min_trades=0, metric="total_return", executor="serial"
    )
    assert [e[2:] for e in ends(found.result)] == [
        ("FILLED", ""), ("CANCELLED", "WINDOW_ENDED"), ("CANCELLED", "WINDOW_ENDED"),
    ]  # fmt: skip
    assert found.result.metrics["open_trades"] == 1


def test_where_nobody_trades_positions_are_closed_and_the_account_stands_in_cash():
    class Hold(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 2:
                self.buy(10)

    from alphintra.data import resolve

    market = resolve(ramp(9))
    config = options(
        cash=10_000, commission=0, slippage=0, profile="default", risk_free_rate=0.0, seed=0, rules={}
    )
    parts = [Stretch(2, 5, {}, (0, 2)), Stretch(5, 7, None, (0, 2)), Stretch(7, 9, {}, (0, 2))]
    walked = walk(Hold, market, config, parts)
    # bought at 103, sold at the open of bar 5, 105
    assert walked.session.cash == 10_020.0
    assert walked.session.sizes == [0.0]
    assert walked.ready == [2, None, 7]


def test_a_gap_between_windows_is_spent_in_cash():
    # train 2, test 2, step 4: bars 2–3 are traded, 4–5 are not, 6–7 are
    class Hold(al.Strategy):
        units = al.Param(10, low=1, high=100)

        def on_bar(self) -> None:
            if not self.position().size:
                self.buy(self.units)

    found = al.walk_forward(
        Hold, ramp(8), {"units": [10]}, train=2, test=2, step=4, min_trades=0, metric="total_return", cash=10_000,
        executor="serial",
    )  # fmt: skip
    # decisions of bars 2 and 6 fill at 103 and 107, the position is closed at the open of bar 4, 104
    assert found.result.fills["price"].tolist() == [103, 104, 107]
    assert found.result.equity.tolist() == [10_000, 10_000, 10_005, 10_010, 10_010, 10_010, 10_015]


def same_tables(one, other, names=("fills", "orders", "events", "positions")) -> None:
    for name in names:
        left, right = getattr(one, name), getattr(other, name)
        pd.testing.assert_frame_equal(left, right)


@pytest.mark.parametrize("profile", ["default", "backtesting.py", "backtrader", "lean", "vectorbt-close"])
def test_one_window_is_the_plain_run_from_its_start(profile):
    bars = noise(300, 7)
    given = {"commission": 0.001, "slippage": 0.0005, "profile": profile}
    strategy = Cross if profile != "vectorbt-close" else CrossSignals
    found = al.walk_forward(
        strategy, bars, {"length": [5, 12, 30]}, train=120, test=180, min_trades=1, executor="serial", **given
    )
    (chosen,) = found.windows["params"]
    plain = al.backtest(strategy, bars, start=bars.index[120].date(), params=chosen, compiled=False, **given)
    assert len(plain.fills) > 5
    same_tables(found.result, plain)
    np.testing.assert_array_equal(found.result.curves.equity, plain.curves.equity)
    assert found.result.metrics == pytest.approx(plain.metrics, nan_ok=True)


def test_flattened_windows_are_plain_runs_one_after_another():
    bars, cash, expected = noise(420, 11), 50_000.0, []
    found = al.walk_forward(
        Cross, bars, {"length": [5, 10, 20]}, train=100, test=80, min_trades=2, flatten=True, commission=0.001,
        cash=cash, max_share=None, fractional=True, executor="serial",
    )  # fmt: skip
    for n, params in enumerate(found.windows["params"]):
        first, stop = 100 + 80 * n, min(180 + 80 * n, 420)
        alone = al.backtest(
            Cross, bars.iloc[:stop], start=bars.index[first].date(), params=params, commission=0.001, cash=cash,
            max_share=None, fractional=True,
        )  # fmt: skip
        expected += alone.fills[["side", "quantity", "price"]].values.tolist()
        cash = float(alone.curves.cash[-1])
        held = (alone.fills["quantity"] * alone.fills["side"].map({"BUY": 1, "SELL": -1})).sum()
        if held and stop < 420:
            price = bars["open"].iloc[stop]
            cash += held * price * 0.999
            expected.append(["SELL", held, price])
    # windows of 80 bars: 100–179, 180–259, 260–339, 340–419
    assert len(found.windows) == 4
    got = found.result.fills[["side", "quantity", "price"]].values.tolist()
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert one[0] == other[0]
        assert one[1:] == pytest.approx(other[1:], rel=1e-9)
    assert float(found.result.curves.cash[-1]) == pytest.approx(cash, rel=1e-9)


def test_signals_walk_as_their_reference_does():
    bars = noise(420, 3)
    asked = {"grid": {"length": [5, 10, 20]}, "train": 100, "test": 80, "min_trades": 2, "commission": 0.001}
    one = al.walk_forward(CrossSignals, bars, **asked, executor="serial")
    other = al.walk_forward(reference_of.reference(CrossSignals), bars, **asked, executor="serial")
    same_tables(one.result, other.result)
    assert one.windows["params"].tolist() == other.windows["params"].tolist()
    assert len(one.result.fills) > 10


def test_a_weight_of_zero_ends_what_was_taken_over():
    class Weights(al.Strategy):
        late = al.Param(0, choices=(0,))

        def signals(self, data):
            weights = np.zeros(len(data))
            weights[2:5] = 0.5  # 0 from bar 5 on, the first of the second window
            return al.Signals(weights=weights)

    found = al.walk_forward(Weights, ramp(8), {"late": [0]}, **HAND)
    assert found.result.fills[["side", "price"]].values.tolist() == [["BUY", 103], ["SELL", 106]]


def test_several_symbols_and_a_late_one():
    class Strongest(al.Strategy):
        back = al.Param(5, low=2, high=50)

        def on_start(self) -> None:
            for symbol in self.data.symbols:
                self.indicator(al.ta.ROC, self.data[symbol].close, self.back)
            self.roc = {s: self.indicator(al.ta.ROC, self.data[s].close, self.back) for s in self.data.symbols}

        def on_bar(self) -> None:
            ready = [s for s in self.data.symbols if self.ready(s)]
            best = max(ready, key=lambda s: self.roc[s][-1])
            for symbol in ready:
                self.order_target_percent(0.9 if symbol == best else 0.0, symbol)

    bars = {"A": noise(300, 1), "B": noise(300, 2), "C": noise(300, 3).iloc[150:]}
    found = al.walk_forward(
        Strongest, bars, {"back": [5, 20]}, train=100, test=60, min_trades=1, executor="serial", cash=1e6
    )
    # 300 sessions: 100–159, 160–219, 220–279, 280–299
    assert len(found.windows) == 4
    assert found.windows["note"].tolist()[-1] == "cut short by the end of the data"
    traded = found.result.fills
    assert set(traded["symbol"]) == {"A", "B", "C"}
    late = traded[traded["symbol"] == "C"]["time"].min()
    assert late > bars["C"].index[0].tz_localize("UTC")


def test_a_bankrupt_account_stops_and_says_so():
    closes = np.array([100.0] * 6 + [10.0] * 6)
    opens = np.concatenate((closes[:1], closes[:-1]))
    bars = frame(opens, np.maximum(opens, closes), np.minimum(opens, closes), closes)

    class Levered(al.Strategy):
        units = al.Param(150, low=1, high=1000)

        def on_bar(self) -> None:
            if self.bar_index == 3:
                self.buy(self.units)

    found = al.walk_forward(
        Levered, bars, {"units": [150]}, train=3, test=3, min_trades=0, metric="total_return", cash=10_000,
        leverage=2.0, executor="serial",
    )  # fmt: skip
    assert found.result.counts["bankrupt"] == 1
    assert found.windows["note"].tolist() == ["", "", "not reached: the account was bankrupt"]


def test_random_numbers_begin_anew_in_each_window_as_in_any_run():
    drawn: list = []

    class Draws(al.Strategy):
        units = al.Param(1, low=1, high=2)

        def on_start(self) -> None:
            drawn.append(float(self.rng.random()))

        def on_bar(self) -> None:
            pass

    al.walk_forward(Draws, ramp(8), {"units": [1]}, seed=5, **HAND)
    assert set(drawn) == {float(np.random.default_rng(5).random())}


def test_indicators_of_the_chart_are_those_that_traded():
    bars = noise(300, 7)
    found = al.walk_forward(Cross, bars, {"length": [5, 30]}, train=100, test=100, min_trades=1, executor="serial")
    (line,) = found.result.indicators
    means = {n: bars["close"].rolling(n).mean().to_numpy() for n in (5, 30)}
    lengths = [p["length"] for p in found.windows["params"]]
    expected = np.full(300, np.nan)
    expected[100:200], expected[200:] = means[lengths[0]][100:200], means[lengths[1]][200:]
    np.testing.assert_allclose(line.values, expected, rtol=1e-9)


def test_a_liquidation_is_the_accounts_own_and_outlives_its_instance():
    # 150 bought at 100 with 10,000: 5,000 are borrowed. At a close of 44 equity is 150 × 44 − 5,000 = 1,600, less than
    # a quarter of 6,600: liquidated at the next open, which is the next window's first
    closes = np.array([100.0] * 4 + [44.0] * 4)
    opens = np.array([100.0] * 5 + [44.0] * 3)
    bars = frame(opens, np.maximum(opens, closes), np.minimum(opens, closes), closes)

    class Levered(al.Strategy):
        units = al.Param(150, low=1, high=1000)

        def on_bar(self) -> None:
            if self.bar_index == 2:
                self.buy(self.units)

    found = al.walk_forward(Levered, bars, {"units": [150]}, leverage=2.0, **HAND)
    assert found.result.fills[["side", "price", "rule"]].values.tolist() == [
        ["BUY", 100, "F1.open"], ["SELL", 44, "F11.liquidation"],
    ]  # fmt: skip
