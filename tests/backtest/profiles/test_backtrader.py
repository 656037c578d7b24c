"""The profile ``backtrader``, knob by knob, on bars reckoned by hand; random scripts against the peer are elsewhere."""

from __future__ import annotations

from typing import Any

import alphintra as al
import backtrader as bt
import pytest
from alphintra.errors import ParameterError, RuleError

from ..rules.scripted import FLAT, Action, assumption, bars, both, buy, ends, events, fills, sell, target, trades
from ..rules.scripted import run as run_script


def run(script: dict[int, Action], data: Any, **options: Any) -> Any:
    return run_script(script, data, **{"cash": 1_000, "profile": "backtrader", **options})


def at(price: float) -> tuple[float, ...]:
    return (price, price, price, price)


def test_sized_at_the_decision_in_whole_units() -> None:
    # 0.5 × 1000 // 101 = 4, whatever the next open is.
    result = run({0: target(0.5)}, bars((100, 102, 99, 101), (110, 111, 109, 110)))
    assert fills(result) == [(1, "BUY", 4.0, 110.0, "F1.open")]


def test_a_gap_makes_the_whole_account_too_little() -> None:
    # 1000 // 100 = 10; at the next open of 101 they cost 1010.
    result = run({0: target(1.0)}, bars(FLAT, (101, 102, 100, 101), FLAT))
    assert fills(result) == []
    assert ends(result) == [("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL")]
    assert events(result, "CANCELLED") == [("2024-01-03 14:30", 0, "CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL")]


def test_what_is_refused_at_submission_stays_deducted() -> None:
    # 1000 − 11 × 100 < 0: refused at the next bar, before it fills anything; one more share is refused with it.
    result = run({0: both(buy(11), buy(1)), 1: buy(1)}, bars(FLAT, FLAT, FLAT))
    assert ends(result) == [("REJECTED", "INSUFFICIENT_FUNDS")] * 2 + [("FILLED", "")]
    assert events(result, "REJECTED") == [("2024-01-03 14:30", n, "REJECTED", "INSUFFICIENT_FUNDS") for n in (0, 1)]


def test_orders_fill_as_submitted_so_a_purchase_before_the_sale_that_pays_it_is_refused() -> None:
    data = {"A": bars(FLAT, FLAT, FLAT, FLAT), "B": bars(FLAT, FLAT, FLAT, FLAT)}
    first = buy(10, symbol="A")
    result = run({0: first, 1: both(buy(10, symbol="B"), sell(10, symbol="A"))}, data)
    # The sale is looked at with the refused purchase deducted: 0 − 1000 + 1000 is enough.
    assert ends(result) == [("FILLED", ""), ("REJECTED", "INSUFFICIENT_FUNDS"), ("FILLED", "")]
    result = run({0: first, 1: both(sell(10, symbol="A"), buy(10, symbol="B"))}, data)
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 10.0), (2, "SELL", 10.0), (2, "BUY", 10.0)]


def test_a_short_sale_pays_for_purchases() -> None:
    data = {"A": bars(FLAT, FLAT), "B": bars(FLAT, FLAT)}
    result = run({0: both(sell(10, symbol="A"), buy(20, symbol="B"))}, data)
    assert [f[:3] for f in fills(result)] == [(1, "SELL", 10.0), (1, "BUY", 20.0)]
    # 1000 + 1000 − 2000
    assert result.curves.cash[-1] == 0.0


def test_a_reversal_closes_what_it_holds_and_opens_nothing_it_cannot_pay() -> None:
    # Short 10 at 100: cash 2000. Asked for 40 at a close of 50: 2000 − 2000. At the open of 100 ten are bought back
    # for 1000, thirty more would cost 3000.
    result = run({0: sell(10), 1: buy(40)}, bars(FLAT, (100, 101, 49, 50), (100, 101, 99, 100), FLAT))
    assert fills(result) == [(1, "SELL", 10.0, 100.0, "F1.open"), (2, "BUY", 10.0, 100.0, "F1.open")]
    assert ends(result) == [("FILLED", ""), ("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL")]
    states = [(e[1], e[2]) for e in events(result, "FILLED", "PARTIALLY_FILLED", "CANCELLED")]
    assert states == [(0, "FILLED"), (1, "PARTIALLY_FILLED"), (1, "CANCELLED")]


def test_a_touch_fills_a_limit() -> None:
    result = run({0: buy(1, limit=99.0)}, bars(FLAT, (100, 101, 99, 100)))
    assert fills(result) == [(1, "BUY", 1.0, 99.0, "F4.limit")]
    result = run({0: buy(1, limit=100.0)}, bars((101, 102, 100, 101), (100, 101, 99.5, 100)))
    assert fills(result) == [(1, "BUY", 1.0, 100.0, "F4.open")]


@pytest.mark.parametrize(
    ("bar", "limit", "expected"),
    [
        ((106, 107, 103, 104), 105.0, [(1, "BUY", 1.0, 105.0, "F4.limit")]),  # triggered at the open, then a limit
        ((103, 106, 102, 104), 105.0, [(1, "BUY", 1.0, 105.0, "F16.stop")]),
        ((103, 106, 102, 104), 104.5, []),  # a bar that rose: the limit below waits, though the close is through it
        ((104, 106, 102, 103), 103.5, [(1, "BUY", 1.0, 103.5, "F16.limit")]),  # one that fell
    ],
)
def test_a_stop_limit(bar: tuple[float, ...], limit: float, expected: list[Any]) -> None:
    result = run({0: buy(1, stop=105.0, limit=limit)}, bars(FLAT, bar, (110, 111, 109, 110)))
    assert fills(result) == expected


def test_children_work_from_the_bar_after_their_entrys() -> None:
    # The entry's bar holds the stop at 95; the next one opens at 97 and falls to 94.
    data = bars(FLAT, (100, 101, 90, 98), (97, 98, 94, 95), FLAT)
    result = run({0: buy(5, stop_loss=95.0, take_profit=120.0)}, data)
    assert fills(result) == [(1, "BUY", 5.0, 100.0, "F1.open"), (2, "SELL", 5.0, 95.0, "F2.stop")]
    assert ends(result) == [("FILLED", ""), ("FILLED", ""), ("CANCELLED", "OCO")]


def test_children_may_be_priced_from_the_fill() -> None:
    # 102 × 0.9 = 91.8 from the bar after the entry's.
    data = bars(FLAT, (102, 103, 91, 100), (100, 101, 91.5, 95))
    result = run({0: buy(5, stop_loss_percent=0.1)}, data)
    assert fills(result)[1:] == [(2, "SELL", 5.0, 91.8, "F2.stop")]


def test_a_child_is_an_order_like_any_other() -> None:
    # The position is closed by another order; the stop still works, and opens a short position.
    data = bars(FLAT, FLAT, FLAT, (100, 101, 94, 95), FLAT)
    result = run({0: buy(5, stop_loss=95.0), 1: lambda s: s.close()}, data)
    assert [f[:4] for f in fills(result)] == [(1, "BUY", 5.0, 100.0), (2, "SELL", 5.0, 100.0), (3, "SELL", 5.0, 95.0)]
    assert float(result.positions["quantity"].iloc[-1]) == -5.0


def test_a_bracket_whose_entry_is_refused_is_refused() -> None:
    result = run({0: buy(11, stop_loss=95.0, take_profit=120.0)}, bars(FLAT, FLAT))
    assert ends(result) == [("REJECTED", "INSUFFICIENT_FUNDS")] + [("REJECTED", "PARENT_CANCELLED")] * 2


def test_a_short_bracket_needs_cash_for_its_target() -> None:
    # 1000 + 11 × 100 − 11 × 105 (the stop) − 11 × 90 (the target, which would open a long one) = −45.
    result = run({0: sell(11, stop_loss=105.0, take_profit=90.0)}, bars(FLAT, FLAT))
    assert ends(result) == [("CANCELLED", "OCO"), ("CANCELLED", "OCO"), ("REJECTED", "INSUFFICIENT_FUNDS")]


def test_targets_of_one_callback_add_up() -> None:
    def twice(s: Any) -> None:
        s.order_target_quantity(3)
        s.order_target_quantity(3)

    result = run({0: twice}, bars(FLAT, FLAT))
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 3.0)] * 2


def test_an_order_cannot_be_cancelled_in_its_own_callback() -> None:
    counted = []

    def act(s: Any) -> None:
        counted.append(s.cancel(s.buy(3, limit=50.0)))

    result = run({0: act, 1: lambda s: counted.append(s.cancel())}, bars(FLAT, FLAT, FLAT))
    assert counted == [0, 1]
    assert events(result, "CANCELLED") == [("2024-01-03 21:00", 0, "CANCELLED", "BY_STRATEGY")]


def test_one_of_a_group_ends_all() -> None:
    def group(s: Any) -> None:
        s.oco(s.buy(1, limit=90.0), s.buy(1, stop=110.0), s.buy(1, limit=80.0))

    result = run({0: group, 1: lambda s: s.cancel(s.orders[1])}, bars(FLAT, FLAT, (100, 120, 70, 100)))
    assert fills(result) == []
    assert ends(result) == [("CANCELLED", "OCO"), ("CANCELLED", "BY_STRATEGY"), ("CANCELLED", "OCO")]
    result = run({0: buy(5, stop_loss=95.0, take_profit=120.0), 2: lambda s: s.cancel(s.orders[0])}, bars(*[FLAT] * 4))
    assert ends(result) == [("FILLED", ""), ("CANCELLED", "BY_STRATEGY"), ("CANCELLED", "OCO")]


def test_a_trailing_stop_follows_the_closes() -> None:
    # 100 − 5 = 95 at the decision. The high of 120 moves nothing; the close of 104 makes it 99.
    data = bars(FLAT, FLAT, (100, 120, 99, 104), (104, 105, 98, 100), FLAT)
    result = run({0: buy(5), 1: sell(trail=5.0)}, data)
    assert fills(result)[1:] == [(3, "SELL", 5.0, 99.0, "F14.trail")]


def test_market_on_close_has_its_place_in_the_queue() -> None:
    # At the close of the next bar, before the market order that came later, which then has the cash.
    data = bars(FLAT, FLAT, (100, 104, 99, 103), FLAT)
    result = run({0: buy(10), 1: both(sell(10, at_close=True), buy(9))}, data)
    assert fills(result)[1:] == [(2, "SELL", 10.0, 103.0, "F0.close"), (2, "BUY", 9.0, 100.0, "F1.open")]


def test_slippage_ends_at_the_bar_and_at_a_limit() -> None:
    result = run({0: buy(1)}, bars(FLAT, (100, 101, 99, 100)), slippage=0.005)
    assert fills(result) == [(1, "BUY", 1.0, 100.5, "F1.open")]
    result = run({0: buy(1)}, bars(FLAT, (100, 101, 99, 100)), slippage=0.05)
    assert fills(result) == [(1, "BUY", 1.0, 101.0, "F1.open")]
    result = run({0: buy(1, limit=100.2)}, bars((101, 102, 100.5, 101), (100, 101, 99, 100)), slippage=0.005)
    assert fills(result) == [(1, "BUY", 1.0, 100.2, "F4.open")]
    assert float(result.fills["slippage"].iloc[0]) == pytest.approx(0.2)


def test_trades_go_from_flat_to_flat() -> None:
    script = {0: buy(10), 1: buy(10), 2: sell(5), 3: sell(25)}
    data = bars(at(100), at(100), at(110), at(120), at(90), at(80))
    result = run(script, data, cash=10_000)
    # (10 × 100 + 10 × 110) / 20 = 105 in, (5 × 120 + 15 × 90) / 20 = 97.5 out: 20 × −7.5. Ten short at 90 are open.
    assert trades(result) == [(20.0, 105.0, 97.5, -150.0, "SIGNAL"), (10.0, 90.0, None, None, "OPEN")]
    assert float(result.equity.iloc[-1]) == 10_000 - 150 + 10 * (90 - 80)


def test_what_an_open_trade_has_gained_is_its_carry() -> None:
    result = run({0: buy(10), 1: sell(4)}, bars(at(100), at(100), at(110), at(110)), commission=0.001, cash=10_000)
    row = result.trades.iloc[0]
    assert (row["quantity"], row["entry_price"], row["open"]) == (6.0, 100.0, True)
    # 4 × 10; fees of 1.00 on the purchase of 1000 and 0.44 on the sale of 440.
    assert (row["carry"], row["commission"]) == (pytest.approx(40.0), pytest.approx(1.44))


def test_even_what_closes_a_position_must_be_paid() -> None:
    # 2000 of cash, 10 short: 10 × 250 at the decision's close is more.
    result = run({0: sell(10), 2: lambda s: s.close()}, bars(at(100), at(100), at(250), at(250)))
    assert ends(result) == [("FILLED", ""), ("REJECTED", "INSUFFICIENT_FUNDS")]


def test_it_begins_with_the_last_symbol() -> None:
    data = {"A": bars(*[FLAT] * 5), "B": bars(*[FLAT] * 3, first="2024-01-04")}
    seen: list[int] = []

    class First(al.Strategy):
        def on_bar(self) -> None:
            seen.append(self.bar_index)

    al.backtest(First, data, profile="backtrader")
    assert seen == [2, 3, 4]


def test_an_order_of_a_symbol_without_a_bar_meets_its_last_one() -> None:
    # B has no second bar. Its limit of 99 is matched with its first bar again, which had been down to 98: the price is
    # known when the order comes. A market order waits for a new bar.
    b = bars((100, 101, 98, 100), FLAT, (105, 106, 104, 105)).iloc[[0, 2]]
    data = {"A": bars(*[FLAT] * 3), "B": b}
    result = run({0: both(buy(1, limit=99.0, symbol="B"), buy(1, symbol="B"))}, data)
    assert fills(result) == [(1, "BUY", 1.0, 99.0, "F4.limit"), (2, "BUY", 1.0, 105.0, "F1.open")]


def test_a_debt_ends_nothing() -> None:
    # 10 short at 100 with 1000 of cash: at 250 equity is 1000 + 1000 − 2500 < 0, and the run goes on to the end.
    result = run({0: sell(10), 1: buy(10, limit=95.0)}, bars(at(100), at(100), at(250), at(250), at(90), at(90)))
    assert [f[:4] for f in fills(result)] == [(1, "SELL", 10.0, 100.0), (4, "BUY", 10.0, 90.0)]
    assert result.equity.tolist()[-4:] == [-500.0, -500.0, 1_100.0, 1_100.0]
    assert assumption(result, "bankrupt") is None


def test_contracts_cost_their_margin_and_pay_at_each_close() -> None:
    future = {"A": al.Instrument(margin=200.0, multiplier=10.0)}
    data = {"A": bars(at(100), at(100), at(99), at(99), at(99))}
    fees = al.Commission(per_share=1.0)
    # 4 × 200 + 4 leave 196; the fall by 1 costs 4 × 10: 156 do not carry a fifth contract at 201.
    result = run({0: buy(4), 2: buy(1)}, data, instruments=future, commission=fees)
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 4.0)]
    assert ends(result)[1] == ("REJECTED", "INSUFFICIENT_FUNDS")
    assert float(result.equity.iloc[-1]) == 1_000 - 4 - 40
    # Without the fall it is carried, from a cash of 1000 + 5.
    flat = {"A": bars(*[at(100)] * 5)}
    result = run({0: buy(4), 2: buy(1)}, flat, instruments=future, commission=fees, cash=1_005)
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 4.0), (3, "BUY", 1.0)]


def test_fractions_where_the_rules_say_so() -> None:
    result = run({0: buy(2.5)}, bars(FLAT, FLAT), lots="instrument", fractional=True)
    assert fills(result) == [(1, "BUY", 2.5, 100.0, "F1.open")]
    assert ends(run({0: buy(0.5)}, bars(FLAT, FLAT))) == [("REJECTED", "BELOW_MIN_QUANTITY")]


def test_the_position_of_a_reversed_order_by_percent() -> None:
    # −0.5 × 1000 = −500 against 10 × 100: (1000 + 500) // 100 = 15 are sold.
    result = run({0: buy(10), 1: target(-0.5)}, bars(*[FLAT] * 4))
    assert fills(result)[1][:3] == (2, "SELL", 15.0)


def test_it_is_an_engine_of_verify() -> None:
    class Touch(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 0:
                self.buy(1, limit=99.0)

    data = bars(FLAT, (100, 101, 99, 100), (100, 101, 98, 100))
    verification = al.verify(Touch, data, ["backtrader", "default", ("again", {"profile": "backtrader"})])
    default, again = verification.comparisons
    assert (default.equal, again.equal) == (False, True)
    assert "backtrader: BUY 1 DATA at 99 on 2024-01-03 21:00 by F4.limit" in default.explanation
    assert "default: BUY 1 DATA at 99 on 2024-01-04 21:00 by F4.limit" in default.explanation


def test_verify_has_the_profile_and_not_the_engine_of_that_name() -> None:
    class Peer(bt.Strategy):
        pass

    with pytest.raises(ParameterError, match=r"not a Strategy class .*engine=\"backtrader\"\) alone"):
        al.verify(Peer, bars(FLAT), ["backtrader", "default"])
    with pytest.raises(RuleError, match=r"engine 'peer': al.verify compares profiles .* profile=\"backtrader\""):
        al.verify(al.Strategy, bars(FLAT), ["default", ("peer", {"engine": "backtrader"})])
