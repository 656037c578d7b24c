"""F18 and F11: what an instrument is: futures-like, in another currency, delisted, not yet listed."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pandas as pd
import pytest

from .scripted import FLAT, assumption, bars, both, buy, ends, events, explained, fills, run, sell, target, trades

pytestmark = pytest.mark.usefixtures("either_core")

FUTURE = {"instruments": {"DATA": al.Instrument(multiplier=50.0, margin=1000.0, lot=1.0)}}


def at(*prices: float) -> Any:
    """Bars that stand at one price all day."""
    return bars(*[(p, p, p, p) for p in prices])


def test_f11_a_future_ties_up_its_margin_and_settles_what_it_gained() -> None:
    # Two contracts at 100, 50 a point: 103 is +300, 98 is −200; sold at 104: +400. Nothing but that is in cash.
    seen = {}

    def look(s: Any) -> None:
        seen[s.bar_index] = (s.cash, s.equity, s.position().pnl)

    script = {0: buy(2), 1: both(look), 2: look, 3: both(look, sell(2)), 4: look}
    result = run(script, at(100, 100, 103, 98, 104), cash=10_000, **FUTURE)
    assert list(result.curves.equity) == [10_000, 10_000, 10_300, 9_800, 10_400]
    assert list(result.curves.cash) == [10_000, 10_000, 10_300, 9_800, 10_400]
    assert list(result.curves.exposure) == [0, 10_000, 10_300, 9_800, 0]
    assert seen == {1: (10_000, 10_000, 0), 2: (10_300, 10_300, 300), 3: (9_800, 9_800, -200), 4: (10_400, 10_400, 0)}
    assert trades(result) == [(2, 100, 104, 400, "SIGNAL")]
    assert result.columns["trades"]["return"] == [pytest.approx(0.04)]


@pytest.mark.parametrize(
    ("quantity", "options", "state"),
    [
        (10, {}, "FILLED"),  # 10 × 1,000 of 10,000; the value of 50,000 is no matter
        (11, {}, "REJECTED"),
        (-10, {}, "FILLED"),
        (-11, {}, "REJECTED"),
        (11, {"leverage": 2}, "REJECTED"),  # a contract's margin is what it is
    ],
)
def test_f11_the_margin_of_a_contract(quantity: float, options: dict[str, Any], state: str) -> None:
    order = buy(quantity) if quantity > 0 else sell(-quantity)
    assert ends(run({0: order}, at(100, 100), cash=10_000, **FUTURE, **options))[0][0] == state


@pytest.mark.parametrize(("price", "liquidated"), [(90, False), (89.9, True)])
def test_f11_a_future_is_liquidated_below_half_of_its_margin(price: float, liquidated: bool) -> None:
    # 10 contracts: maintenance 5,000. At 90 equity is 10,000 − 10 × 50 × 10 = 5,000; at 89.9 it is 4,950.
    result = run({0: buy(10)}, at(100, 100, price, price, price), cash=10_000, **FUTURE)
    assert [f[4] for f in fills(result)[1:]] == (["F11.liquidation"] if liquidated else [])
    assert result.curves.equity[-1] == pytest.approx(10_000 + 500 * (price - 100))


def test_f11_futures_pay_no_borrow_cost_and_no_interest_on_their_value() -> None:
    options = {"borrow_rate": 0.365, "margin_rate": 0.365}
    for order in (buy(5), sell(5)):
        assert len(run({0: order}, at(100, 100, 100), cash=10_000, **FUTURE, **options).cash_flows) == 0


def test_f6_a_target_percent_of_a_future_is_of_its_value() -> None:
    # 100 % of 10,000 is two contracts of 5,000.
    assert [f[2] for f in fills(run({0: target(1.0)}, at(100, 100), cash=10_000, **FUTURE))] == [2]


def test_f7_commission_and_slippage_of_a_future() -> None:
    # 0.1 % of 2 × 50 × 101; 2 × 50 × 1 of slippage; 0.5 a contract.
    terms = al.Commission(percent=0.001, per_share=0.5)
    result = run({0: buy(2)}, at(100, 100), cash=10_000, commission=terms, slippage=al.Slippage(fixed=1), **FUTURE)
    f = result.columns["fills"]
    assert (f["commission"][0], f["slippage"][0]) == (pytest.approx(10.1 + 1), 100)
    assert result.curves.equity[-1] == pytest.approx(10_000 - 100 - 11.1)
    assert explained(result, {"DATA": 100}, multiplier=50) == pytest.approx(-111.1)


def test_f11_bracket_and_trailing_stop_of_a_future() -> None:
    result = run(
        {0: buy(1, trail=5)}, bars(FLAT, FLAT, (100, 110, 99, 108), (108, 109, 104, 106)), cash=10_000, **FUTURE
    )
    assert trades(result) == [(1, 100, 105, 250, "STOP_LOSS")]


# currencies

EURO = {"DATA": al.Instrument(currency="EUR")}


def euros(**by_day: float) -> pd.Series:
    return pd.Series(by_day.values(), index=pd.DatetimeIndex([f"2024-01-{d[1:]}" for d in by_day]), dtype=float)


def test_f18_the_last_rate_at_or_before() -> None:
    # A daily rate is known at that day's close: at the open of the 3rd that of the 2nd is, 1.10; 10 × 100 × 1.1. No
    # rate on the 4th: that of the 3rd, 1.20. Sold at the open of the 5th, still at 1.2.
    rates = euros(d02=1.1, d03=1.2, d05=1.3)
    result = run({0: buy(10), 2: sell(10)}, at(100, 100, 110, 120), instruments=EURO, rates={"EUR": rates})
    assert list(result.curves.equity) == pytest.approx([100_000, 100_100, 100_220, 100_340])
    assert list(result.curves.cash) == pytest.approx([100_000, 98_900, 98_900, 100_340])
    # 120 × 12 − 110 × 10 in dollars; prices stay in euros
    assert trades(result) == [(10, 100, 120, 340, "SIGNAL")]


def test_f18_fills_at_the_close_take_the_rate_of_the_close() -> None:
    rates = euros(d02=1.1, d03=1.2, d04=1.3)
    result = run({0: buy(10, at_close=True)}, at(100, 100, 100), instruments=EURO, rates={"EUR": rates})
    assert list(result.curves.cash) == pytest.approx([100_000, 98_800, 98_800])
    assert list(result.curves.equity) == pytest.approx([100_000, 100_000, 100_100])


def test_f6_funds_and_targets_are_in_the_account_s_currency() -> None:
    terms: dict[str, Any] = {"instruments": EURO, "rates": {"EUR": 1.25}, "cash": 1000}
    # 8 × 100 × 1.25 = 1,000
    assert ends(run({0: buy(9)}, at(100, 100), **terms)) == [("REJECTED", "INSUFFICIENT_FUNDS")]
    assert [f[2] for f in fills(run({0: target(1.0)}, at(100, 100), **terms))] == [8]
    assert [f[2] for f in fills(run({0: buy(value=500)}, at(100, 100), **terms))] == [4]


def test_f7_f9_fees_and_dividends_are_converted() -> None:
    # A fee of 1 % of 10 × 100 × 1.25; a dividend of 10 × 2 × 1.25 and 15 % less.
    data = al.data.with_events(at(100, 100, 98), dividends={"2024-01-04": 2.0})
    terms: dict[str, Any] = {"instruments": EURO, "rates": {"EUR": 1.25}}
    result = run({0: buy(10)}, data, commission=0.01, withholding=0.15, **terms)
    assert result.columns["fills"]["commission"] == [12.5]
    assert list(result.cash_flows["amount"]) == [21.25]
    assert result.curves.equity[-1] == pytest.approx(100_000 - 12.5 + 21.25 - 25)


def test_f11_a_rate_alone_can_liquidate() -> None:
    # 20 short at 100 at a rate of 1 with 1,000: 3,000 − 2,000 r against 500 r: above 1.2.
    rates = euros(d02=1.0, d03=1.0, d04=1.25)
    data = at(100, 100, 100, 100)
    result = run({0: sell(20)}, data, cash=1000, leverage=2, instruments=EURO, rates={"EUR": rates})
    assert fills(result)[1:] == [(3, "BUY", 20, 100, "F11.liquidation")]
    assert result.curves.equity[-1] == pytest.approx(3000 - 2500)


def test_m10_two_currencies_add_up() -> None:
    data = {"A": at(100, 101, 103, 104, 99), "B": at(50, 51, 49, 52, 53)}
    rates = euros(d02=1.1, d03=1.2, d04=1.15, d05=1.3, d08=1.25)
    script = {0: both(buy(7, symbol="A"), sell(9, symbol="B")), 2: sell(3, symbol="A")}
    terms: dict[str, Any] = {"instruments": {"A": al.Instrument(currency="EUR")}, "rates": {"EUR": rates}}
    result = run(script, data, commission=0.001, close_at_end="last_close", **terms)
    assert explained(result, {}) == pytest.approx(result.curves.equity[-1] - 100_000)
    # A: 7 × 101 × 1.1 paid; 3 × 104 × 1.15 and 4 × 99 × 1.25 received. B: 9 × (51 − 53).
    gross = -777.7 + 358.8 + 495 - 18
    costs = 0.001 * (777.7 + 358.8 + 495 + 459 + 477)
    assert result.curves.equity[-1] == pytest.approx(100_000 + gross - costs)


# delisting and listing


def ending(end: str) -> dict[str, Any]:
    return {"instruments": {"B": al.Instrument(end=end)}}


def test_f18_a_delisted_symbol_is_closed_at_its_last_price_free_of_costs() -> None:
    # B's last session is the 4th: 10 at 50, last price 45. Its orders end; a new one is refused.
    data = {"A": at(100, 100, 100, 100, 100), "B": at(50, 50, 45)}
    script = {
        0: both(buy(10, symbol="B", stop_loss=20), buy(1, symbol="B", limit=10)),
        2: buy(1, symbol="B"),
        3: buy(1, symbol="B", limit=10),
    }
    result = run(script, data, commission=0.01, slippage=0.01, **ending("2024-01-04"))
    assert fills(result)[1:] == [(2, "SELL", 10, 45, "F18.delisted")]
    assert result.columns["fills"]["commission"][1] == 0
    delisted = ("CANCELLED", "DELISTED")
    assert ends(result)[1:3] == [delisted, delisted]
    assert [e for e in ends(result) if e[0] == "REJECTED"] == [("REJECTED", "DELISTED")] * 2
    (said,) = assumption(result, "refused_orders")["items"]
    assert said == (
        "DELISTED: 2, first order 4, BUY 1 B, 2024-01-04 21:00 – submit nothing after the symbol's last session; "
        "the end= of its al.Instrument says which that is"
    )
    assert trades(result)[0][2:] == (45, pytest.approx(-55 - 5.05), "DELISTED")
    assert events(result, "CANCELLED")[0][0] == "2024-01-04 21:00"
    assert assumption(result, "stale_marks") is None


def test_f18_a_delisted_short_is_bought_back_and_later_bars_are_not_traded() -> None:
    # The data goes on, the listing does not.
    data = {"A": at(*[100] * 5), "B": at(50, 50, 45, 90, 90)}
    result = run({0: sell(10, symbol="B"), 3: buy(5, symbol="B")}, data, **ending("2024-01-04"))
    assert fills(result)[1:] == [(2, "BUY", 10, 45, "F18.delisted")]
    assert result.curves.equity[-1] == 100_050


def test_f18_an_order_at_the_last_bar_s_open_still_fills() -> None:
    data = {"A": at(*[100] * 5), "B": bars((50, 50, 50, 50), (50, 50, 50, 50), (48, 49, 44, 45))}
    result = run({0: buy(10, symbol="B"), 1: sell(10, symbol="B")}, data, **ending("2024-01-04"))
    assert fills(result)[1:] == [(2, "SELL", 10, 48, "F1.open")]


def test_f18_an_end_beside_the_data_changes_nothing() -> None:
    data = {"A": at(100, 100, 100), "B": at(50, 50, 50)}
    result = run({0: buy(10, symbol="B")}, data, **ending("2030-01-01"))
    assert len(fills(result)) == 1
    assert trades(result)[0][4] == "OPEN"


def test_f18_orders_wait_for_the_first_session() -> None:
    terms = {"instruments": {"B": al.Instrument(start="2024-01-05")}}
    data = {"A": at(*[100] * 5), "B": bars(*[(50, 60, 40, 50)] * 3, (52, 53, 51, 52), (52, 53, 51, 52))}
    script = {0: both(buy(10, symbol="B"), buy(1, symbol="B", limit=45), buy(2, symbol="B", tif="DAY"))}
    result = run(script, data, **terms)
    assert fills(result) == [(3, "BUY", 10, 52, "F1.open"), (3, "BUY", 2, 52, "F1.open")]
    assert run(script, data, fill_at="close", **terms).columns["fills"]["bar"][0] == 3
    early = run({0: buy(1, symbol="B", limit=45, good_till="2024-01-03")}, data, **terms)
    assert ends(early) == [("EXPIRED", "GOOD_TILL_DATE")]


def test_f18_stale_marks_of_several_symbols_are_counted_at_each_close() -> None:
    # B and C are held and have no bar on the 4th and the 5th: four marks.
    rows = at(50, 50, 50, 50, 50)
    gap = rows.drop(index=[rows.index[2], rows.index[3]])
    script = {0: both(buy(1, symbol="B"), sell(1, symbol="C"))}
    result = run(script, {"A": at(*[100] * 5), "B": gap, "C": gap})
    assert result.counts["stale_marks"] == 4
    entry = assumption(result, "stale_marks")
    assert entry is not None
    assert entry["text"].startswith("4 ")


def test_m12_turnover_is_of_money_in_the_account_s_currency() -> None:
    # Two contracts of 10 × 100 euros at 1.25 are bought, 2,500 dollars, and sold at 110, 2,750. Equity is 100,000 three
    # times (at the close of the fill's bar the price is still 100), then twice 100,250; four session returns of 252.
    terms = {"DATA": al.Instrument(multiplier=10.0, currency="EUR")}
    result = run({0: buy(2), 2: sell(2)}, at(100, 100, 110, 110, 110), instruments=terms, rates={"EUR": 1.25})
    assert list(result.fills["value"]) == [2_500, 2_750]
    assert list(result.curves.equity) == [100_000, 100_000, 100_250, 100_250, 100_250]
    assert result.metrics["turnover"] == pytest.approx(5_250 / 100_150 / (4 / 252))
