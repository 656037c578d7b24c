"""F8 and F9: splits and dividends on raw prices, before the ex-date's open; M10 on all of them."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pytest

from .scripted import (
    FLAT,
    bars,
    both,
    buy,
    ends,
    events,
    explained,
    fills,
    flows,
    of_type,
    run,
    sell,
    target,
    trades,
)

pytestmark = pytest.mark.usefixtures("either_core")

EX = "2024-01-04"  # bar 2
HALF = (50, 51, 49, 50)


def split(ratio: float, *rows: tuple[float, ...]) -> Any:
    return al.data.with_events(bars(*rows), splits={EX: ratio})


def paying(amount: float, *rows: tuple[float, ...], **more: Any) -> Any:
    return al.data.with_events(bars(*rows), dividends={EX: amount}, **more)


def test_f8_two_for_one() -> None:
    # 10 at 100 are 20 at 50; sold at 52: 20 × 2 = 40.
    result = run({0: buy(10), 2: sell(20)}, split(2.0, FLAT, FLAT, HALF, (52, 53, 51, 52)))
    assert trades(result) == [(20, 50, 52, 40, "SIGNAL")]
    assert flows(result) == [(EX, "SPLIT", 0, 10)]
    assert list(result.curves.equity) == [100_000, 100_000, 100_000, 100_040]
    assert list(result.positions["quantity"]) == [10, 20, 0]
    assert list(result.positions["avg_price"])[:2] == [100, 50]


def test_f8_the_strategy_sees_new_shares_on_the_ex_date() -> None:
    seen = {}

    def look(s: Any) -> None:
        p = s.position()
        seen[s.bar_index] = (p.size, p.avg_price, p.pnl)

    run({0: buy(10), 1: look, 2: look}, split(2.0, FLAT, FLAT, (50, 53, 49, 52)))
    assert seen == {1: (10, 100, 0), 2: (20, 50, 40)}


def test_f8_three_for_two_pays_the_fraction_at_the_open() -> None:
    # 11 × 1.5 = 16.5: 16 and half a share at the open of 66, 33. Equity at the close of 68: 100,000 − 1,100 + 33 +
    # 16 × 68 = 100,021. Sold at 70: 100,000 − 1,100 + 33 + 1,120.
    result = run({0: buy(11), 2: sell(16)}, split(1.5, FLAT, FLAT, (66, 69, 65, 68), (70, 71, 69, 70)))
    assert flows(result) == [(EX, "SPLIT", 0, 5), (EX, "FRACTION", 33, 0)]
    assert list(result.curves.equity)[2:] == [100_021, 100_053]
    assert trades(result) == [(16, 68.75, 70, 53, "SIGNAL")]  # 1,100 / 16; 1,120 − 1,100 + 33
    assert result.columns["trades"]["carry"] == [33]


def test_f8_a_short_pays_the_fraction() -> None:
    # −11 × 1.5 = −16.5: −16, and half a share is bought back at 66.
    result = run({0: sell(11)}, split(1.5, FLAT, FLAT, (66, 69, 65, 68)))
    assert flows(result) == [(EX, "SPLIT", 0, -5), (EX, "FRACTION", -33, 0)]
    assert result.curves.equity[-1] == 100_000 + 1100 - 33 - 16 * 68
    assert explained(result, {"DATA": 68}) == pytest.approx(-21)


def test_f8_one_for_ten() -> None:
    # 25 at 100 are 2.5 at 1,000: 2, and 0.5 × 1,010 paid. At the close of 1,020: −2,500 + 505 + 2,040 = 45.
    result = run({0: buy(25)}, split(0.1, FLAT, FLAT, (1010, 1030, 1000, 1020)))
    assert flows(result) == [(EX, "SPLIT", 0, -23), (EX, "FRACTION", 505, 0)]
    assert result.curves.equity[-1] == 100_045
    assert explained(result, {"DATA": 1020}) == pytest.approx(45)


@pytest.mark.parametrize(("order", "pnl"), [(buy(7), 7), (sell(7), -7)])
def test_f8_less_than_one_share_left_is_paid_as_a_whole(order: Any, pnl: float) -> None:
    # 7 at 100 are 0.7 at 1,010: 707. A trade of its own ends there, without costs.
    result = run({0: order}, split(0.1, FLAT, FLAT, (1010, 1030, 1000, 1020)), slippage=0.01, commission=0.0)
    entry = fills(result)[0][3]
    side = "SELL" if pnl > 0 else "BUY"
    assert fills(result)[1:] == [(2, side, 7, 101, "F8.fraction")]
    assert trades(result)[0][2:] == (101, pytest.approx(pnl - 7), "FRACTION")
    assert entry == (101 if pnl > 0 else 99)
    assert list(result.positions["quantity"])[-1] == 0


def test_f8_working_orders_are_rescaled() -> None:
    # Buy limit 90 × 10 → 45 × 20; buy stop 120 × 10 → 60 × 20; stop-limit 130/132; quantity target untouched.
    script = {0: both(buy(10, limit=90), buy(10, stop=120), sell(5, stop=80, limit=78))}
    result = run(script, split(2.0, FLAT, FLAT, HALF, (50, 61, 44, 50)))
    assert events(result, "AMENDED") == [(f"{EX} 14:30", o, "AMENDED", "SPLIT") for o in (0, 1, 2)]
    assert fills(result) == [(3, "BUY", 20, 60, "F2.stop"), (3, "BUY", 20, 45, "F4.limit")]
    left = result.orders.iloc[2]
    assert (left["quantity"], left["stop"], left["limit"]) == (10, 40, 39)


def test_f8_an_order_decided_on_the_eve_is_in_new_shares() -> None:
    # A market order and a target for 10 shares, decided at the close before: 20 at 50.
    for order in (buy(10), lambda s: s.order_target_quantity(10)):
        result = run({1: order}, split(2.0, FLAT, FLAT, HALF))
        assert fills(result) == [(2, "BUY", 20, 50, "F1.open")]
    # a value and a percent are money
    for order in (buy(value=1000), target(0.01)):
        assert fills(run({1: order}, split(2.0, FLAT, FLAT, HALF))) == [(2, "BUY", 20, 50, "F1.open")]


def test_f8_an_order_that_a_reverse_split_leaves_nothing_of_ends() -> None:
    result = run({0: buy(7, limit=90)}, split(0.1, FLAT, FLAT, (1000, 1010, 990, 1000), (1000, 1010, 500, 1000)))
    assert fills(result) == []
    assert ends(result) == [("CANCELLED", "BELOW_MIN_QUANTITY")]


def test_f8_brackets_are_rescaled_before_and_after_the_entry() -> None:
    # Held with stop 90 and target 120: 45 and 60 for 20.
    data = (FLAT, FLAT, HALF, (50, 51, 44, 46))
    result = run({0: buy(10, stop_loss=90, take_profit=120)}, split(2.0, *data))
    assert fills(result)[1:] == [(3, "SELL", 20, 45, "F2.stop")]
    assert trades(result) == [(20, 50, 45, -100, "STOP_LOSS")]
    assert result.orders["limit"][2] == 60
    # waiting: the entry at 90 is at 45, its stop of 80 at 40
    result = run({0: buy(10, limit=90, stop_loss=80)}, split(2.0, FLAT, FLAT, HALF, (50, 51, 44, 46), (46, 47, 39, 40)))
    assert fills(result) == [(3, "BUY", 20, 45, "F4.limit"), (4, "SELL", 20, 40, "F2.stop")]


@pytest.mark.parametrize("trail", [{"trail": 8}, {"trail_percent": 0.08}])
@pytest.mark.parametrize("busy", [False, True])
def test_f8_f14_a_trailing_stop_is_rescaled(trail: dict[str, float], busy: bool) -> None:
    # The best price is 110 before the split, on bars at which nothing else happens: 110 / 2 = 55, less 4 or 8 % is
    # 51 or 50.6.
    rows = [FLAT, FLAT, (102, 110, 101, 108)]
    level = 51 if "trail" in trail else 50.6
    data = al.data.with_events(
        bars(*rows, (108, 109, 107, 108), (54, 54.5, 53, 54), (54, 54, 52, 53), (52, 53, 49, 50)),
        splits={"2024-01-08": 2.0},
    )
    seen = {}
    script: dict[int, Any] = {0: buy(10, **trail)}
    if busy:
        for i in range(1, 6):
            script[i] = lambda s: seen.update({s.bar_index: of_type(s, "TRAILING_STOP").stop})
    result = run(script, data)
    assert fills(result)[1:] == [(6, "SELL", 20, level, "F14.trail")]
    if busy:
        before = 102 if "trail" in trail else 101.2
        assert seen[3] == pytest.approx(before)
        assert seen[4] == seen[5] == pytest.approx(level)


def test_f8_f7_the_fee_of_an_order_that_a_split_halves_is_never_paid_back() -> None:
    # 0.10 a share. 50 of 100 at 100 are in: 5. 1:10, then 5 of the 5 that are left at 1,000: 0.5. And 2:1: 100: 10.
    terms = al.Commission(per_share=0.1)
    thin = (*FLAT, 2000)
    data = split(0.1, FLAT, thin, (1000, 1010, 990, 1000, 2000))
    assert list(run({0: buy(100)}, data, commission=terms).columns["fills"]["commission"]) == [5, pytest.approx(0.5)]
    data = split(2.0, FLAT, thin, (50, 51, 49, 50, 4000))
    assert list(run({0: buy(100)}, data, commission=terms).columns["fills"]["commission"]) == [5, pytest.approx(10)]


def test_f8_fifo_lots_of_two_entries() -> None:
    # 3 at 100 and 4 at 110, 3:2: 10.5 are 10 and half a share at 70: 4 of the first (4.5 ends in 4) and 6.
    data = al.data.with_events(
        bars(FLAT, FLAT, (110, 111, 109, 110), (70, 71, 69, 70), (75, 76, 74, 75)), splits={"2024-01-05": 1.5}
    )
    result = run({0: buy(3), 1: buy(4), 3: sell(10)}, data)
    assert [(t[0], t[1], t[2]) for t in trades(result)] == [(4, 75, 75), (6, pytest.approx(440 / 6), 75)]
    # 10 × 75 + 35 − 740
    assert result.curves.equity[-1] == 100_045
    assert sum(t[3] for t in trades(result)) == pytest.approx(45)


# F9


def test_f9_the_holder_at_the_close_before_is_paid() -> None:
    result = run({0: buy(10)}, paying(1.5, FLAT, FLAT, (98.5, 99, 98, 98.5)))
    assert flows(result) == [(EX, "DIVIDEND", 15, 0)]
    assert list(result.curves.equity) == [100_000, 100_000, 100_000]
    assert result.columns["trades"]["carry"] == [15]
    assert explained(result, {"DATA": 98.5}) == 0


def test_f9_who_buys_at_the_ex_date_s_open_gets_nothing_and_who_sells_there_is_paid() -> None:
    rows = (FLAT, FLAT, FLAT, FLAT)
    assert flows(run({1: buy(10)}, paying(1.5, *rows))) == []
    sold = run({0: buy(10), 1: sell(10)}, paying(1.5, *rows))
    assert trades(sold) == [(10, 100, 100, 15, "SIGNAL")]
    # the close before the ex-date is the last that counts, bought and sold
    assert len(flows(run({0: buy(10, at_close=True)}, paying(1.5, *rows)))) == 1
    assert flows(run({0: both(buy(10), sell(10, at_close=True))}, paying(1.5, *rows))) == []


def test_f9_withholding_reduces_longs_only() -> None:
    rows = (FLAT, FLAT, FLAT)
    long = run({0: buy(10)}, paying(1.5, *rows), withholding=0.3)
    assert flows(long) == [(EX, "DIVIDEND", 10.5, 0)]  # 15 × 0.7
    short = run({0: sell(10)}, paying(1.5, *rows), withholding=0.3)
    assert flows(short) == [(EX, "DIVIDEND", -15, 0)]
    assert short.curves.equity[-1] == 99_985
    assert explained(short, {"DATA": 100}) == -15


def test_f9_and_f8_on_one_day_the_dividend_is_per_old_share() -> None:
    # 10 × 2, then 20 shares; the one who buys 20 at the open has neither.
    data = paying(2.0, FLAT, FLAT, (49, 50, 48, 49), splits={EX: 2.0})
    result = run({0: buy(10), 1: buy(10)}, data)
    assert flows(result) == [(EX, "DIVIDEND", 20, 0), (EX, "SPLIT", 0, 10)]
    assert fills(result)[1:] == [(2, "BUY", 20, 49, "F1.open")]
    assert result.curves.equity[-1] == 100_000  # −1,000 + 20 − 980 + 40 × 49
    assert explained(result, {"DATA": 49}) == pytest.approx(0)


def test_f9_is_booked_to_the_lots_that_were_held() -> None:
    # 10 and 30 were held: 1 each. 5 of the first are sold after it: 5 of its 10; a later buy of 10 has none.
    rows = [FLAT] * 6
    data = al.data.with_events(bars(*rows), dividends={"2024-01-05": 1.0})
    result = run({0: buy(10), 1: buy(30), 3: buy(10), 4: sell(5)}, data)
    assert result.columns["trades"]["carry"] == [5, 5, 30, 0]
    assert trades(result)[0] == (5, 100, 100, 5, "SIGNAL")


def test_f9_a_missing_bar_moves_the_ex_date_to_the_next_open() -> None:
    data = {"A": bars(*[FLAT] * 4), "B": bars(*[FLAT] * 4).drop(index=[bars(*[FLAT] * 4).index[2]])}
    market = al.data.with_events(data, dividends={"B": {EX: 1.0}})
    result = run({0: buy(10, symbol="B")}, market)
    assert flows(result) == [("2024-01-05", "DIVIDEND", 10, 0)]


def test_f8_adjusted_prices_know_no_events() -> None:
    frame = bars(FLAT, FLAT, HALF, HALF)
    frame["adj_close"] = [50.0, 50.0, 50.0, 50.0]
    result = run({0: buy(10)}, frame, prices="adjusted")
    # Open 100 × 50 / 100
    assert fills(result) == [(1, "BUY", 10, 50, "F1.open")]
    assert flows(result) == []


def test_m9_a_benchmark_that_was_given_keeps_its_splits_and_dividends() -> None:
    # Bought at the open of bar 1, 100: 1,000 units of money 100; after 2:1 (bar 2) 2,000 at 50, 51, and with a dividend
    # of 3 on bar 3, 2,000 × 51 + 2,000 × 3.
    held = al.data.with_events(
        bars(FLAT, FLAT, HALF, (51, 52, 50, 51)), splits={EX: 2.0}, dividends={"2024-01-05": 3.0}
    )
    result = run({}, bars(FLAT, FLAT, FLAT, FLAT), benchmark=held)
    assert list(result.curves.benchmark) == [100_000, 100_000, 100_000, 108_000]


def test_f8_brackets_of_several_entries_cover_what_is_held_after_a_split() -> None:
    # One and one are three after 3:2. Each stop would be for one and a half: two, as three are held. At 60 (90 / 1.5)
    # the first sells two at the open of 58, and the second, at 50, the one that is left.
    script = {0: both(buy(1, stop_loss=90), buy(1, stop_loss=75))}
    data = split(1.5, FLAT, FLAT, (66, 68, 65, 67), (58, 59, 49, 50))
    result = run(script, data)
    assert fills(result)[2:] == [(3, "SELL", 2, 58, "F2.open"), (3, "SELL", 1, 50, "F2.stop")]
    assert list(result.positions["quantity"])[-1] == 0


def test_f8_what_one_lot_of_two_positions_became_has_a_stop() -> None:
    # 7 and 7 are 1 after 1:10, with 0.4 of it paid; neither stop (0.7 of a share each) is cut to nothing.
    script = {0: both(buy(7, stop_loss=90), buy(7, stop_loss=80))}
    result = run(script, split(0.1, FLAT, FLAT, (1000, 1010, 990, 1000), (890, 900, 700, 800)))
    assert fills(result)[2:] == [(3, "SELL", 1, 890, "F2.open")]
    assert ends(result)[3] == ("CANCELLED", "POSITION_CLOSED")


def test_f8_a_bracket_never_asks_for_more_than_is_held() -> None:
    # Eleven are 16.5 after 3:2: 16 are held and half a share is paid, so the stop is for 16.
    result = run({0: buy(11, stop_loss=90)}, split(1.5, FLAT, FLAT, (66, 68, 65, 67), (58, 59, 49, 50)))
    assert fills(result)[1:] == [(3, "SELL", 16, 58, "F2.open")]
    assert result.columns["orders"]["quantity"][1] == 16


def test_f8_f7_a_trailing_level_between_two_ticks_after_a_split_works_where_it_stands() -> None:
    # Tick 1: filled at 100, the level 3 % below is 97. After 3:1 it is 32.33, though 3 % below 33.33 would be 32 on the
    # tick. Nothing else happens until bar 4 reaches 32.2: a stop at 32.33, not at 32.
    third = (33.2, 33.3, 33.0, 33.1)
    rows = ((100, 100, 99, 100), (100, 100, 99, 100), third, third, (33.0, 33.2, 32.2, 32.5))
    terms = {"DATA": al.Instrument(tick=1.0)}
    result = run({0: buy(10, trail_percent=0.03)}, split(3.0, *rows), instruments=terms)
    assert fills(result)[1:] == [(4, "SELL", 30, round(97 / 3, 9), "F14.trail")]
