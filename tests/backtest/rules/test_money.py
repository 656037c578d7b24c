"""F6, F7, F11 and M10: how much is bought, what it costs, what an account allows, which trades come out."""

from __future__ import annotations

from typing import Any

import pytest

from .scripted import FLAT, assumption, bars, both, buy, ends, fills, run, sell, target, trades

GAP = bars(FLAT, (110, 111, 109, 110), (110, 111, 109, 110))  # closes at 100, opens at 110


@pytest.mark.parametrize(
    ("order", "options", "quantity"),
    [
        (target(1.0), {}, 9),  # 1,000 / 110 = 9.09: sized at the fill, so the gap cannot make it fail
        (target(1.0), {"commission": 0.01}, 9),  # 9 × 110 × 1.01 = 999.90
        (target(1.0), {"commission": 0.02}, 8),  # 9 × 110 × 1.02 = 1,009.80; 8 × 110 × 1.02 = 897.60
        (target(1.0), {"slippage": 0.02}, 8),  # at 112.20: 8.91
        (target(1.0), {"cash_buffer": 0.1}, 8),  # 900 / 110
        (target(0.5), {}, 4),  # 500 / 110 = 4.54
        (buy(percent=0.5), {}, 4),
        (buy(value=300), {}, 2),  # 2.72
        (target(1.0), {"fractional": True}, 9.09090909),
        (target(0.5), {"size_at": "decision"}, 5),  # 500 / 100, filled at 110
        (lambda s: s.order_target_value(300), {}, 2),
        (lambda s: s.order_target_quantity(3.9), {}, 3),
        (buy(percent=1.0, limit=50), {}, None),  # never reached
    ],
)
def test_f6_sizes_at_the_fill(order: Any, options: dict[str, Any], quantity: float | None) -> None:
    result = run({0: order}, GAP, cash=1000, **options)
    assert [f[2] for f in fills(result)] == ([] if quantity is None else [quantity])


def test_f6_a_limit_order_sizes_at_its_own_price() -> None:
    # All of 1,000 at a limit of 50 is 20, also while the open is so high that it would buy nothing.
    data = bars(FLAT, (5000, 5001, 4999, 5000), (60, 61, 49, 55))
    result = run({0: buy(percent=1.0, limit=50)}, data, cash=1000)
    assert fills(result) == [(2, "BUY", 20, 50, "F4.limit")]


def test_f6_an_order_too_small_to_buy_anything_keeps_its_side() -> None:
    result = run({0: buy(percent=0.5)}, bars(FLAT, (5000, 5001, 4999, 5000)), cash=1000)
    assert ends(result) == [("CANCELLED", "BELOW_MIN_QUANTITY")]
    assert result.columns["orders"]["side"] == ["BUY"]


def test_f6_funds_at_submission() -> None:
    # 11 × 100 against 1,000: refused, counted and printed.
    result = run({0: buy(11)}, bars(FLAT, FLAT), cash=1000)
    assert ends(result) == [("REJECTED", "INSUFFICIENT_FUNDS")]
    assert result.counts["rejected:INSUFFICIENT_FUNDS"] == 1
    entry = assumption(result, "refused_orders")
    assert entry is not None
    assert entry["text"] == "1 order refused"
    assert entry["items"] == [
        "INSUFFICIENT_FUNDS: 1, first order 0, BUY 11 DATA, 2024-01-02 21:00 – "
        "ask for less, or give more cash= or leverage="
    ]


def test_f6_funds_at_the_fill() -> None:
    # 10 × 100 could be paid, 10 × 110 cannot.
    result = run({0: buy(10)}, GAP, cash=1000)
    assert ends(result) == [("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL")]
    assert fills(run({0: buy(10)}, GAP, cash=1000, allow_partial=True)) == [(1, "BUY", 9, 110, "F1.open")]


def test_f6_reductions_submitted_before_free_money_in_the_same_callback() -> None:
    # All in A; at bar 1 A is sold and B bought for the same money. The other way round B is refused at
    # submission.
    data = {"A": bars(*[FLAT] * 4), "B": bars(*[FLAT] * 4)}
    rotate = {0: buy(10, symbol="A"), 1: both(sell(10, symbol="A"), buy(10, symbol="B"))}
    assert [f[:3] for f in fills(run(rotate, data, cash=1000))] == [
        (1, "BUY", 10),
        (2, "SELL", 10),
        (2, "BUY", 10),
    ]
    rotate[1] = both(buy(10, symbol="B"), sell(10, symbol="A"))
    assert ends(run(rotate, data, cash=1000))[1] == ("REJECTED", "INSUFFICIENT_FUNDS")


def test_f6_a_reversal_works_in_one_order() -> None:
    # Long 10 at 100, then a target of −1.0 at 100: equity 1,000, so 10 short: sells 20.
    result = run({0: target(1.0), 1: target(-1.0)}, bars(*[FLAT] * 3), cash=1000)
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 10), (2, "SELL", 20)]
    assert trades(result) == [(10, 100, 100, 0, "SIGNAL"), (10, 100, None, None, "OPEN")]


def test_f6_more_lots_than_an_integer_holds_are_cut_and_not_wrapped() -> None:
    # 1e12 of money at 1e-5 would be 1e17 units, 1e25 lots of 1e-8: cut to 4e18 lots, 4e10 units.
    tiny = (1e-5, 1.1e-5, 0.9e-5, 1e-5)
    result = run({0: target(1.0)}, bars(tiny, tiny, volume=1e20), cash=1e12, fractional=True)
    assert [f[2] for f in fills(result)] == [4e10]


def test_f6_smallest_value() -> None:
    result = run({0: buy(4)}, bars(FLAT, FLAT), min_order_value=500)
    assert ends(result) == [("CANCELLED", "BELOW_MIN_VALUE")]


def test_f6_a_target_that_is_reached_already() -> None:
    result = run({0: target(1.0), 1: target(1.0)}, bars(*[FLAT] * 3), cash=1000)
    assert ends(result) == [("FILLED", ""), ("CANCELLED", "TARGET_REACHED")]


@pytest.mark.parametrize(
    ("quantity", "fractional", "filled"),
    [(10.7, False, 10), (0.29, True, 0.29), (1e-8, True, 1e-8), (3.0, False, 3)],
)
def test_f7_quantities_go_toward_zero_to_the_lot(quantity: float, fractional: bool, filled: float) -> None:
    result = run({0: buy(quantity)}, bars(FLAT, FLAT), fractional=fractional)
    assert list(result.columns["fills"]["quantity"]) == [pytest.approx(filled, rel=1e-12)]


@pytest.mark.parametrize("quantity", [0, 0.4, 0.999])
def test_f7_zero_lots_are_rejected(quantity: float) -> None:
    result = run({0: buy(quantity)}, bars(FLAT, FLAT))
    assert ends(result) == [("REJECTED", "BELOW_MIN_QUANTITY")]
    assert result.counts["rejected:BELOW_MIN_QUANTITY"] == 1


def test_f7_commission_is_a_fraction_of_notional_on_both_sides() -> None:
    # 1 %: 10 × 100 → 10; 10 × 110 → 11. P&L 100 − 21.
    data = bars(FLAT, FLAT, (110, 111, 109, 110))
    result = run({0: buy(10), 1: sell(10)}, data, commission=0.01)
    assert list(result.columns["fills"]["commission"]) == [10, 11]
    assert trades(result) == [(10, 100, 110, 79, "SIGNAL")]
    assert result.curves.equity[-1] == 100_079


def test_f7_no_costs_is_said_as_an_error() -> None:
    assert run({}, bars(FLAT, FLAT)).assumptions[0]["text"] == "costs: none"


def test_f11_shorts_raise_cash_and_not_buying_power() -> None:
    # 10 short at 100 with 1,000: gross exposure is all of the equity, nothing more can be bought.
    data = {"A": bars(*[FLAT] * 3), "B": bars(*[FLAT] * 3)}
    result = run({0: sell(10, symbol="A"), 1: buy(1, symbol="B")}, data, cash=1000)
    assert result.curves.cash[-1] == 2000
    assert ends(result) == [("FILLED", ""), ("REJECTED", "INSUFFICIENT_FUNDS")]


def test_f11_a_cash_account_cannot_sell_more_than_it_holds() -> None:
    data = bars(*[FLAT] * 4)
    result = run({0: sell(1)}, data, account="cash")
    assert ends(result) == [("REJECTED", "SHORT_NOT_ALLOWED")]
    assert result.counts["rejected:SHORT_NOT_ALLOWED"] == 1
    result = run({0: buy(5), 1: sell(5), 2: target(-0.5)}, data, account="cash")
    assert ends(result) == [("FILLED", ""), ("FILLED", ""), ("REJECTED", "SHORT_NOT_ALLOWED")]


def test_f11_equity_of_zero_ends_the_run() -> None:
    # 10 short at 100 with 1,000; at a close of 210 equity is 1,000 − 1,100 = −100. Bar 3 is never reached.
    called = []
    script: dict[int, Any] = {i: lambda s: called.append(s.bar_index) for i in (1, 2, 3)}
    script[0] = both(sell(10), buy(1, limit=20))
    result = run(script, bars(FLAT, FLAT, (200, 211, 199, 210), FLAT), cash=1000)
    assert called == [1]
    assert result.curves.equity.tolist() == [1000, 1000, -100]
    assert ends(result)[1] == ("CANCELLED", "BANKRUPT")
    assert assumption(result, "bankrupt") is not None
    assert result.columns["trades"]["bars"] == [1]


def test_m10_fifo_by_entry_order() -> None:
    # 10 at 100 and 10 at 110; 15 sold at 120: 10 × 20 and 5 × 10. Marked at 130, the open 5 have 5 × 20.
    data = bars(FLAT, FLAT, (110, 111, 109, 110), (120, 131, 119, 130))
    result = run({0: buy(10), 1: buy(10), 2: sell(15)}, data)
    assert trades(result) == [
        (10, 100, 120, 200, "SIGNAL"), (5, 110, 120, 50, "SIGNAL"), (5, 110, None, None, "OPEN"),
    ]  # fmt: skip
    assert result.curves.equity[-1] == 100_000 + 200 + 50 + 100
    assert result.metrics["total_trades"] == 2


def test_m10_fills_of_an_order_are_one_trade() -> None:
    # 60 bought as 25 at 100, 25 at 110, 10 at 120 (2.5 % of 1,000 a bar), average 6,450 / 60 = 107.50; sold
    # at 120.
    thin = [(*FLAT, 1000), (*FLAT, 1000), (110, 111, 109, 110, 1000), (120, 121, 119, 120, 1000)]
    data = bars(*thin, (120, 121, 119, 120, 1e6))
    result = run({0: buy(60), 3: sell(60)}, data)
    assert trades(result) == [(60, 107.5, 120, 750, "SIGNAL")]


@pytest.mark.parametrize(
    ("order", "bar", "reason", "pnl"),
    [
        (buy(10, stop_loss=95), (96, 97, 94, 95), "STOP_LOSS", -50),
        (buy(10, take_profit=105), (100, 106, 99, 105), "TAKE_PROFIT", 50),
        (sell(10, stop_loss=105), (100, 106, 99, 105), "STOP_LOSS", -50),
        (sell(10, take_profit=95), (96, 97, 94, 95), "TAKE_PROFIT", 50),
    ],
)
def test_m10_exit_reasons(order: Any, bar: tuple[float, ...], reason: str, pnl: float) -> None:
    result = run({0: order}, bars(FLAT, FLAT, bar))
    assert [t[3:] for t in trades(result)] == [(pnl, reason)]


def test_m10_worst_and_best_move_of_a_trade() -> None:
    # Bought at 100 on bar 1 (99 … 101), bar 2 goes from 90 to 120, sold at bar 3's open of 110: −10 % and +20
    # %.
    data = bars(FLAT, FLAT, (100, 120, 90, 110), (110, 200, 1, 110))
    c = run({0: buy(10), 2: sell(10)}, data).columns["trades"]
    assert (c["mae"], c["mfe"], c["bars"]) == ([pytest.approx(-0.1)], [pytest.approx(0.2)], [2])
