"""The profile ``lean``: each of its rules alone, then a whole run; all numbers by hand.

LEAN cannot be installed beside this engine. What is expected follows its documented models: shares cost 0.005, at
least 1 an order and at most 0.5 % of it; ``SetHoldings`` leaves 0.25 % of equity and the fee; an equity account has a
leverage of 2; and a margin call comes where the margin in use is more than 1.1 times equity.
"""

from __future__ import annotations

from typing import Any

import alphintra as al
import pandas as pd
import pytest
from alphintra.errors import RuleError, StrategyError

from ..rules.scripted import Action, assumption, bars, both, buy, ends, fills, sell, target, trades
from ..rules.scripted import run as run_script

IBKR = al.Commission(per_share=0.005, minimum=1.0, maximum_percent=0.005)


def run(script: dict[int, Action], data: Any, cash: float = 10_000, **options: Any) -> Any:
    return run_script(script, data, **{"cash": cash, "profile": "lean", **options})


def flat(*prices: float) -> pd.DataFrame:
    return bars(*[(p, p, p, p) for p in prices])


def minutes(*rows: tuple[float, ...]) -> pd.DataFrame:
    """The same as ``bars``, a minute each, within a session of New York."""
    frame = bars(*rows)
    frame.index = pd.date_range("2024-01-02 15:00", periods=len(rows), freq="1min", tz="UTC")
    return frame


def fees(result: Any) -> list[float]:
    return [round(float(f), 9) for f in result.columns["fills"]["commission"]]


@pytest.mark.parametrize(
    ("quantity", "price", "fee"),
    [
        (100, 10.0, 1.0),  # 0.5 is below the minimum
        (1_000, 10.0, 5.0),  # and 50 the most
        (1_000, 0.5, 2.5),  # 5 is more than 0.5 % of 500
        (50, 1.0, 1.0),  # the minimum goes before 0.5 % of 50
    ],
)
def test_the_fee_of_an_order(quantity: int, price: float, fee: float) -> None:
    assert fees(run({0: buy(quantity)}, flat(price, price), cash=100_000)) == [fee]


def test_the_largest_fee_is_of_the_order_and_not_of_its_fills() -> None:
    # 10 % of 5,000 a bar: 1,200 fill as 500, 500, 200. 0.5 % of 250, 500 and 600 are 1.25, 2.5 and 3 so far.
    frame = bars(*[(0.5, 0.5, 0.5, 0.5)] * 5, volume=5_000)
    result = run_script({0: buy(1_200)}, frame, commission=IBKR, max_share=0.1)
    assert fees(result) == [1.25, 1.25, 0.5]


def test_the_commission_is_printed_recorded_and_overridden() -> None:
    result = run({0: buy(100)}, flat(10, 10))
    text = "costs: commission 0.005 a share, at least 1 an order, at most 0.5 % of an order, slippage none"
    entry = assumption(result, "costs")
    assert entry is not None and entry["text"] == text
    parts = {"per_share": 0.005, "minimum": 1.0, "maximum_percent": 0.005}
    assert result.run["configuration"]["commission"] == parts
    assert result.view["header"]["code"] == "al.backtest(Scripted, data='DATA', cash=10000.0, profile='lean')"
    free = run({0: buy(100)}, flat(10, 10), commission=0)
    assert fees(free) == [0.0]
    assert "commission=0.0" in free.view["header"]["code"]
    assert al.Commission(maximum_percent=0.0, percent=0.1).plain() == {"percent": 0.1, "maximum_percent": 0.0}
    assert al.Commission(maximum_percent=0.0, percent=0.1).free


def test_a_comparison_names_the_commission_of_the_profile() -> None:
    class Buys(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 0:
                self.buy(100)

    (lean,) = al.verify(Buys, flat(10, 10), ["default", "lean"]).comparisons
    assert "commission 1 by F1.open" in lean.explanation
    assert "first_bar, commission differently" in lean.explanation


def test_a_wrong_largest_fee() -> None:
    with pytest.raises(RuleError, match=r"maximum_percent=0\.9 is outside \[0, 0\.5\]"):
        al.Commission(per_share=0.005, maximum_percent=0.9)
    for profile in ("backtrader", "backtesting.py"):
        with pytest.raises(RuleError, match=r"commission .* does not go with bar_order"):
            run_script({}, flat(10, 10), profile=profile, commission=IBKR)


def test_daily_bars_fill_at_the_next_open_and_finer_ones_at_the_decision() -> None:
    rows = (10.0, 11.0, 9.0, 10.5), (10.2, 11.0, 10.0, 10.8)
    assert fills(run({0: buy(10)}, bars(*rows))) == [(1, "BUY", 10, 10.2, "F1.open")]
    assert fills(run({0: buy(10)}, minutes(*rows))) == [(0, "BUY", 10, 10.5, "F1.close")]
    # The rule alone, beside the default's others.
    options: dict[str, Any] = {"fill_at": "timeframe", "max_share": None}
    assert fills(run_script({0: buy(10)}, bars(*rows), **options)) == [(1, "BUY", 10, 10.2, "F1.open")]
    assert fills(run_script({0: buy(10)}, minutes(*rows), **options)) == [(0, "BUY", 10, 10.5, "F1.close")]
    entry = assumption(run({0: buy(10)}, minutes(*rows)), "market_fill")
    assert entry is not None and entry["text"] == "market orders fill at the decision's own close"


@pytest.mark.parametrize(
    ("part", "options", "quantity"),
    [
        (1.0, {}, 999),  # 99,750 are 1,000 × 99.75, and the fee must fit too
        (0.5, {}, 499),
        (1.0, {"commission": 0}, 1_000),
        (1.0, {"size_buffer": 0.0}, 1_002),  # 100,000 / 99.755 = 1,002.4…
    ],
)
def test_sizes_are_of_the_decision_without_a_quarter_percent(part: float, options: Any, quantity: int) -> None:
    result = run({0: target(part)}, flat(99.75, 105.0), cash=100_000, **options)
    assert fills(result) == [(1, "BUY", quantity, 105.0, "F1.open")]


def test_the_margin_carries_twice_the_equity_and_quantities_leave_no_buffer() -> None:
    # Half of 19,980 and a fee of 9.99 are 9,999.99; one share more needs 10,004.995.
    assert ends(run({0: buy(1_998)}, flat(10, 10))) == [("FILLED", "")]
    assert ends(run({0: buy(1_999)}, flat(10, 10))) == [("REJECTED", "INSUFFICIENT_FUNDS")]
    assert ends(run({0: buy(1_998)}, flat(10, 10), cash_buffer=0.0025)) == [("REJECTED", "INSUFFICIENT_FUNDS")]
    assert ends(run({0: sell(1_998)}, flat(10, 10))) == [("FILLED", "")]


def test_what_cannot_be_paid_whole_is_not_sized_down() -> None:
    # 2 × 9,975 are 1,994 × 10 and their fee of 9.97; at 10.1 the margin is 10,069.7.
    frame = flat(10, 10.1)
    assert ends(run({0: target(2.0)}, frame)) == [("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL")]
    trimmed = run({0: target(2.0)}, frame, funds="both")
    assert fills(trimmed) == [(1, "BUY", 1_978, 10.1, "F1.open")]  # 10,000 / (5.05 + 0.005)
    # At submission: 1 × 9,975 of a second symbol beside 1.5 times equity of the first.
    data = {"A": flat(10, 10, 10), "B": flat(10, 10, 10)}
    result = run({0: target(1.5, "A"), 1: target(1.0, "B")}, data)
    assert ends(result) == [("FILLED", ""), ("REJECTED", "INSUFFICIENT_FUNDS")]


def test_a_margin_call_comes_below_ten_elevenths_of_the_initial_margin() -> None:
    # Cash is -9,989.99 after it: 1,998 p - 9,989.99 is less than 1,998 p / 2.2 below p = 9.1666….
    calm = run({0: buy(1_998)}, flat(10, 10, 9.17, 9.17))
    assert len(fills(calm)) == 1
    called = run({0: buy(1_998)}, flat(10, 10, 9.16, 9.1))
    assert fills(called)[1] == (3, "SELL", 1_998, 9.1, "F11.liquidation")


def test_the_orders_of_a_bar_are_taken_as_submitted() -> None:
    data = {"A": flat(10, 10, 10), "B": flat(10, 10, 10)}
    script = {0: buy(900, symbol="A"), 1: both(buy(900, symbol="B"), sell(900, symbol="A"))}
    given: dict[str, Any] = {"cash": 10_000, "max_share": None, "funds": "fill"}
    assert ends(run_script(script, data, **given)) == [("FILLED", "")] * 3
    taken = ends(run_script(script, data, bar_order="in_turn", entry_bar="next_bar", **given))
    assert taken == [("FILLED", ""), ("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL"), ("FILLED", "")]


def test_each_order_has_its_whole_bar_at_its_turn() -> None:
    frame = bars((10, 10, 10, 10), (10, 11, 9, 10))
    result = run({0: both(buy(1, limit=9.5), buy(2, stop=10.5), buy(4, at_close=True), buy(8))}, frame)
    assert [f[2:] for f in fills(result)] == [
        (1, 9.5, "F4.limit"), (2, 10.5, "F2.stop"), (4, 10.0, "F0.close"), (8, 10.0, "F1.open"),
    ]  # fmt: skip


def test_immediate_orders_have_the_open_alone() -> None:
    frame = bars((10, 10, 10, 10), (10, 11, 9, 10), (9, 9, 9, 9))
    result = run({0: both(buy(1, limit=9.5, tif="IOC"), buy(1, limit=10.5, tif="IOC"))}, frame)
    assert ends(result) == [("EXPIRED", "IMMEDIATE"), ("FILLED", "")]


def test_a_limit_must_be_passed() -> None:
    frame = bars((10, 10, 10, 10), (10, 11, 9.5, 10), (10, 11, 9.4, 10))
    assert fills(run({0: buy(1, limit=9.5)}, frame)) == [(2, "BUY", 1, 9.5, "F4.limit")]


def test_children_work_from_the_next_bar() -> None:
    frame = bars((10, 10, 10, 10), (10, 12, 8, 10), (10, 11, 9, 10))
    result = run({0: buy(5, stop_loss=9.5, take_profit=11.5)}, frame)
    assert fills(result) == [(1, "BUY", 5, 10, "F1.open"), (2, "SELL", 5, 9.5, "F2.stop")]
    result = run({0: buy(5, limit=9.5, stop_loss=8.5)}, frame)  # 8 was reached in the bar of the entry
    assert fills(result) == [(1, "BUY", 5, 9.5, "F4.limit")]
    result = run({0: buy(5, stop_loss=9.5)}, minutes((10, 12, 8, 10), (10, 11, 9, 10)))
    assert fills(result) == [(0, "BUY", 5, 10, "F1.close"), (1, "SELL", 5, 9.5, "F2.stop")]


def test_a_stop_limit_that_was_triggered_rests_from_the_next_bar() -> None:
    frame = bars((10, 10, 10, 10), (10, 11, 9, 10.8), (10.6, 11, 10.3, 10.5))
    assert fills(run({0: buy(5, stop=10.5, limit=10.4)}, frame)) == [(2, "BUY", 5, 10.4, "F4.limit")]


def test_intraday_orders_fill_one_after_the_other_in_their_callback() -> None:
    a, b = minutes(*[(10.0,) * 4] * 3), minutes(*[(9.969,) * 4] * 3)
    result = run({0: both(target(0.5, "A"), target(0.5, "B"))}, {"A": a, "B": b}, cash=20_000)
    # Half of 19,950 are 997 × 10.005. Their fee of 4.985 is gone when the second is sized: 9,972.51 / 9.974 = 999.8….
    assert [f[2] for f in fills(result)] == [997, 999]
    same = {"A": a, "B": a}
    first = {0: buy(1_998, symbol="A")}
    result = run(first | {1: both(buy(1_000, symbol="B"), sell(1_998, symbol="A"))}, same)
    assert ends(result) == [("FILLED", ""), ("REJECTED", "INSUFFICIENT_FUNDS"), ("FILLED", "")]
    result = run(first | {1: both(sell(1_998, symbol="A"), buy(1_000, symbol="B", stop_loss=9))}, same)
    assert ends(result) == [("FILLED", "")] * 3 + [("UNFILLED_AT_END", "")]


def test_no_volume_cap() -> None:
    assert fills(run({0: buy(500)}, bars(*[(10, 10, 10, 10)] * 2, volume=100)))[0][2] == 500


def test_on_bar_is_called_from_the_first_bar_on() -> None:
    seen: list[tuple[int, bool]] = []

    class Every(al.Strategy):
        def on_start(self) -> None:
            self.average = self.indicator(al.ta.SMA, self.data.close, 3)

        def on_bar(self) -> None:
            seen.append((self.bar_index, self.ready()))

    al.backtest(Every, flat(10, 11, 12), profile="lean")
    assert seen == [(0, False), (1, False), (2, True)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"entry_bar": "certain"}, "entry_bar='certain' does not go with bar_order='in_turn'"),
        ({"funds": "cash"}, "funds='cash' goes only with bar_order='submission'"),
        ({"allow_partial": True}, "allow_partial=True and funds='whole' contradict each other"),
        ({"leverage": 4.0}, "is above the initial margin of 0.25"),
        ({"size_buffer": 1.0}, r"size_buffer=1\.0 is outside \[0, 0\.99\]"),
    ],
)
def test_what_does_not_go_with_it(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        run({}, flat(10, 10), **options)


@pytest.mark.parametrize("profile", ["backtesting.py", "backtrader", "vectorbt-close"])
def test_other_profiles_know_no_size_buffer(profile: str) -> None:
    with pytest.raises(RuleError, match=r"size_buffer=0\.1 does not go with bar_order"):
        run_script({}, flat(10, 10), profile=profile, size_buffer=0.1)


def test_orders_before_the_first_bar() -> None:
    with pytest.raises(StrategyError, match="the first orders come from on_bar, not from on_start"):
        run({}, flat(10, 10), on_start=buy(1))


def test_a_whole_run() -> None:
    frame = bars(
        (20.0, 20.5, 19.5, 20.0),
        (20.5, 21.2, 20.2, 21.0),
        (21.0, 22.0, 20.8, 21.4),  # touches the limit of 22
        (21.5, 22.5, 21.3, 22.0),  # passes it
        (22.2, 22.4, 20.9, 21.0),
    )
    result = run({0: target(1.0), 1: sell(100, limit=22.0), 3: target(-0.5)}, frame)
    # 9,975 / 20.005 = 498.6…. Then equity is 10,743.51 = 1,987.51 + 398 × 22; half of 99.75 % of it, 5,358.33, carries
    # 243 × 22 and the fee of the 641 that are sold, 3.205.
    assert fills(result) == [
        (1, "BUY", 498, 20.5, "F1.open"), (3, "SELL", 100, 22.0, "F4.limit"), (4, "SELL", 641, 22.2, "F1.open"),
    ]  # fmt: skip
    assert fees(result) == [2.49, 1.0, 3.205]
    # 100 × 1.5 less 0.5 and 1; 398 × 1.7 less 1.99 and 1.99. The short position is marked.
    assert trades(result) == [
        (100, 20.5, 22.0, 148.5, "SIGNAL"), (398, 20.5, 22.2, 672.62, "SIGNAL"), (243, 22.2, None, None, "OPEN"),
    ]  # fmt: skip
    # cash: 10,000 − 10,209 − 2.49 = −211.49; + 2,200 − 1 = 1,987.51; + 14,230.2 − 3.205 = 16,214.505
    told = [10_000.0, -211.49 + 498 * 21, -211.49 + 498 * 21.4, 10_743.51, 16_214.505 - 243 * 21]
    assert result.equity.tolist() == pytest.approx(told, abs=1e-8)
