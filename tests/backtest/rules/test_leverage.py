"""F11: what an account may carry, what it pays for it, and when it is liquidated."""

from __future__ import annotations

from typing import Any

import pytest
from alphintra.errors import RuleError

from .scripted import (
    FLAT,
    assumption,
    bars,
    both,
    buy,
    ends,
    events,
    explained,
    fills,
    flows,
    run,
    sell,
    target,
    trades,
)

pytestmark = pytest.mark.usefixtures("either_core")


def at(*prices: float) -> Any:
    """Bars that stand at one price all day."""
    return bars(*[(p, p, p, p) for p in prices])


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, 10),
        ({"leverage": 2}, 20),
        ({"initial_margin": 0.5}, 20),
        ({"initial_margin": 0.4}, 25),
        ({"initial_margin": 2.0}, 5),
        ({"leverage": 2, "cash_buffer": 0.1}, 18),
    ],
)
def test_f11_the_initial_requirement(options: dict[str, Any], most: int) -> None:
    for verb in (buy, sell):
        assert [f[2] for f in fills(run({0: verb(most)}, at(100, 100), cash=1000, **options))] == [most]
        over = run({0: verb(most + 1)}, at(100, 100), cash=1000, **options)
        assert ends(over) == [("REJECTED", "INSUFFICIENT_FUNDS")]


def test_f11_short_proceeds_raise_cash_and_no_buying_power_with_leverage() -> None:
    # Equity 1,000, leverage 2: 2,000 of exposure in all, long and short together.
    data = {"A": at(100, 100, 100), "B": at(100, 100, 100)}
    result = run(
        {0: sell(12, symbol="A"), 1: both(buy(9, symbol="B"), buy(8, symbol="B"))}, data, cash=1000, leverage=2
    )
    assert ends(result) == [("FILLED", ""), ("REJECTED", "INSUFFICIENT_FUNDS"), ("FILLED", "")]
    assert list(result.curves.cash) == [1000, 2200, 1400]
    assert list(result.curves.exposure) == [0, 1200, 2000]


def test_f6_f11_targets_above_one_and_reversals() -> None:
    # 1.5 × 1,000 = 15; then −2.0: 35 sold.
    result = run({0: target(1.5), 1: target(-2.0)}, at(100, 100, 100), cash=1000, leverage=2)
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 15), (2, "SELL", 35)]
    # more than the account carries is trimmed to what it does
    over = run({0: target(3.0)}, at(100, 100), cash=1000, leverage=2)
    assert [f[2] for f in fills(over)] == [20]
    assert over.counts["trimmed"] == 1


@pytest.mark.parametrize(
    ("close", "options", "liquidated"),
    [
        # 20 at 100 with 1,000: equity 20 p − 1,000 against 25 % of 20 p: below 66.67
        (66.7, {"leverage": 2}, False),
        (66.6, {"leverage": 2}, True),
        # 40 %: 20 p − 1,000 < 8 p, below 83.33
        (83.4, {"leverage": 2, "maintenance_margin": 0.4}, False),
        (83.3, {"leverage": 2, "maintenance_margin": 0.4}, True),
        (51, {"leverage": 2, "maintenance_margin": 0.0}, False),
    ],
)
def test_f11_maintenance_is_checked_at_the_close(close: float, options: dict[str, Any], liquidated: bool) -> None:
    # The low of 40 inside the bar is nothing, the close counts; then all is sold at the next open of 60.
    after = (60, 61, 59, 60) if liquidated else (close,) * 4
    result = run({0: buy(20)}, bars(FLAT, FLAT, (100, 100, 40, close), after, after), cash=1000, **options)
    if not liquidated:
        assert len(fills(result)) == 1
        return
    assert fills(result)[1:] == [(3, "SELL", 20, 60, "F11.liquidation")]
    assert trades(result) == [(20, 100, 60, -800, "LIQUIDATION")]
    assert events(result, "WORKING")[1:] == [("2024-01-04 21:00", 1, "WORKING", "LIQUIDATION")]
    assert result.counts["liquidated"] == 1
    assert result.curves.equity[-1] == 200
    assert assumption(result, "liquidated") is not None


def test_f11_a_short_is_liquidated_too() -> None:
    # 20 short at 100 with 1,000: equity 3,000 − 20 p against 5 p: above 120.
    held = run({0: sell(20)}, at(100, 100, 120, 130), cash=1000, leverage=2)
    assert len(fills(held)) == 1
    gone = run({0: sell(20)}, at(100, 100, 121, 130), cash=1000, leverage=2)
    assert fills(gone)[1:] == [(3, "BUY", 20, 130, "F11.liquidation")]
    assert gone.curves.equity[-1] == 400


def test_f11_the_largest_loss_goes_first_and_only_as_much_as_is_needed() -> None:
    # 10 A and 10 B at 100, equity 1,000. A at 70, B at 60: equity 300, needed 25 % of 1,300 = 325. Without B, the
    # larger loss, 25 % of 700 = 175: A stays.
    data = {"A": at(100, 100, 70, 70, 70), "B": at(100, 100, 60, 55, 50)}
    result = run({0: both(buy(10, symbol="A"), buy(10, symbol="B"))}, data, cash=1000, leverage=2)
    assert fills(result)[2:] == [(3, "SELL", 10, 55, "F11.liquidation")]
    assert result.counts["liquidated"] == 1
    assert result.curves.equity[-1] == 1000 - 300 - 450
    # A at 60 and B at 50: equity 100; without B 25 % of 600 = 150 are still too much: both go
    data = {"A": at(100, 100, 60, 60, 60), "B": at(100, 100, 50, 50, 50)}
    result = run({0: both(buy(10, symbol="A"), buy(10, symbol="B"))}, data, cash=1000, leverage=2)
    assert [f[:3] for f in fills(result)[2:]] == [(3, "SELL", 10), (3, "SELL", 10)]
    # the larger loss was submitted first
    assert list(result.orders["symbol"])[2:] == ["B", "A"]


def test_f11_liquidation_is_exempt_from_the_cap_and_pays_costs() -> None:
    data = bars(FLAT, FLAT, (60, 60, 60, 60), (60, 61, 59, 60, 100), FLAT)
    result = run({0: buy(19)}, data, cash=1000, leverage=2, slippage=0.01, commission=0.001)
    assert fills(result)[1:] == [(3, "SELL", 19, 59.4, "F11.liquidation")]
    assert result.columns["fills"]["commission"][1] == pytest.approx(19 * 59.4 * 0.001)


def test_f11_the_bracket_of_what_is_liquidated_ends() -> None:
    result = run({0: buy(20, stop_loss=10)}, at(100, 100, 60, 60, 60), cash=1000, leverage=2)
    assert ends(result) == [("FILLED", ""), ("CANCELLED", "POSITION_CLOSED"), ("FILLED", "LIQUIDATION")]


def test_f11_what_the_strategy_sells_at_the_same_open_is_not_sold_twice() -> None:
    result = run({0: buy(20), 2: lambda s: s.close()}, at(100, 100, 60, 60, 60), cash=1000, leverage=2)
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 20), (3, "SELL", 20)]


def test_f11_the_next_open_also_where_orders_fill_at_the_close() -> None:
    # The order for 1 A at the close of bar 2 does not bring the liquidation forward.
    rows = at(100, 100, 60, 55, 50)
    script = {0: buy(20, symbol="A"), 2: buy(1, symbol="B")}
    result = run(script, {"A": rows, "B": at(1, 1, 1, 1, 1)}, cash=1000, leverage=2, fill_at="close")
    assert fills(result)[-1] == (3, "SELL", 20, 55, "F11.liquidation")


def test_f11_a_paid_position_can_rise_out_of_a_margin_above_one() -> None:
    # 5 at 100 with 1,000 need 2 × 500; at 300 equity 2,000 is below 1.5 × 1,500.
    options = {"initial_margin": 2.0, "maintenance_margin": 1.5}
    result = run({0: buy(5)}, at(100, 100, 200, 300, 310), cash=1000, **options)
    assert fills(result)[1:] == [(4, "SELL", 5, 310, "F11.liquidation")]


def test_f11_equity_at_zero_is_bankrupt_and_not_liquidated() -> None:
    # 20 at 100 with 1,000; at 50 equity is 0.
    called = []
    script: dict[int, Any] = {i: lambda s: called.append(s.bar_index) for i in (1, 2, 3)}
    result = run({**script, 0: buy(20)}, at(100, 100, 50, 60), cash=1000, leverage=2)
    assert called == [1]
    assert list(result.curves.equity) == [1000, 1000, 0]
    assert (result.counts["bankrupt"], result.counts["liquidated"]) == (1, 0)


# bar 3 is Friday 2024-01-05, bar 4 Monday: three days


def test_f11_borrow_cost_over_a_weekend() -> None:
    # 10 short at 100. From the close of Wednesday, bar 1: Thursday one day at 100, Friday one at 110, Monday three
    # at 120, and on Tuesday one at 120: 0.365 / 365 = 0.001 of 1,000, 1,100, 3 × 1,200, 1,200.
    result = run({0: sell(10)}, at(100, 100, 110, 120, 120, 120), cash=10_000, borrow_rate=0.365)
    days = ["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"]
    costs = [-1, -1.1, -3.6, -1.2]
    assert flows(result) == [(d, "BORROW", c, 0) for d, c in zip(days, costs, strict=True)]
    assert result.metrics["total_borrow"] == pytest.approx(6.9)
    assert list(result.curves.equity) == pytest.approx([10_000, 10_000, 9_899, 9_797.9, 9_794.3, 9_793.1])
    assert result.columns["trades"]["carry"] == [pytest.approx(-6.9)]
    assert explained(result, {"DATA": 120}) == pytest.approx(-206.9)


def test_f11_the_day_of_the_entry_is_free_and_that_of_the_exit_is_paid() -> None:
    # In at Wednesday's open, out at Friday's: Thursday and Friday.
    result = run({0: sell(10), 2: buy(10)}, at(100, 100, 100, 100, 100), borrow_rate=0.365)
    assert [f[0] for f in flows(result)] == ["2024-01-04", "2024-01-05"]
    assert trades(result) == [(10, 100, 100, -2, "SIGNAL")]


def test_f11_margin_interest_on_what_is_owed() -> None:
    # 20 at 100 with 1,000: 1,000 owed; 0.1 % a day: 1, then 1.001, then three days on 1,002.001.
    result = run({0: buy(20)}, at(100, 100, 100, 100, 100), cash=1000, leverage=2, margin_rate=0.365)
    assert [round(f[2], 9) for f in flows(result)] == [-1, -1.001, -3.006003]
    assert [f[:2] for f in flows(result)] == [
        ("2024-01-04", "INTEREST"), ("2024-01-05", "INTEREST"), ("2024-01-08", "INTEREST"),
    ]  # fmt: skip
    assert result.curves.equity[-1] == pytest.approx(1000 - 5.007003)
    assert result.columns["trades"]["carry"] == [0]
    assert explained(result, {"DATA": 100}) == pytest.approx(-5.007003)


def test_f11_nothing_owed_costs_nothing() -> None:
    result = run({0: buy(10)}, at(100, 100, 100), cash=1000, margin_rate=0.365, borrow_rate=0.365)
    assert flows(result) == []


def test_f11_the_default_rates_are_zero_and_printed() -> None:
    entry = assumption(run({0: sell(1)}, at(100, 100)), "borrow_free")
    assert entry is not None
    assert entry["text"] == "borrow cost of short positions: none"


def test_f11_a_cash_account() -> None:
    data = at(100, 100, 100, 100)
    # more than is held, in one order and in two
    assert ends(run({0: buy(5), 1: sell(6)}, data, account="cash"))[1] == ("REJECTED", "SHORT_NOT_ALLOWED")
    result = run({0: buy(5), 1: both(sell(5), sell(5))}, data, account="cash")
    assert ends(result)[1:] == [("FILLED", ""), ("REJECTED", "SHORT_NOT_ALLOWED")]
    # a negative target, and a bracket, which only reduces
    assert ends(run({0: target(-0.5)}, data, account="cash")) == [("REJECTED", "SHORT_NOT_ALLOWED")]
    assert len(fills(run({0: buy(5, stop_loss=99)}, at(100, 100, 98, 98), account="cash"))) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"leverage": 0.5}, "leverage"),
        ({"leverage": 2, "account": "cash"}, "cash account has no leverage"),
        ({"leverage": 2, "initial_margin": 0.5}, "same thing twice"),
        ({"maintenance_margin": 1.1}, "above the initial margin"),
        ({"borrow_rate": -0.1}, "borrow_rate"),
        ({"margin_rate": float("nan")}, "margin_rate"),
        ({"withholding": 1.1}, "withholding"),
    ],
)
def test_f11_rules_that_contradict_each_other(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RuleError, match=said):
        run({}, at(100, 100), **options)
