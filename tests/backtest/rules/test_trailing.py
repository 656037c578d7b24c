"""F14: the level from completed bars is tested first, then the bar moves it; where it starts and what it is of."""

from __future__ import annotations

from typing import Any

import pytest
from alphintra.errors import StrategyError

from .scripted import FLAT, assumption, bars, both, buy, ends, fills, of_type, run, sell, trades

pytestmark = pytest.mark.usefixtures("either_core")

UP = (100, 103, 97, 102)  # the entry bar: bought at 100


@pytest.mark.parametrize(
    ("entry", "rows", "expected"),
    [
        # 100 − 4 = 96; 103 − 4 = 99 after bar 1, 106 − 4 = 102 after bar 2, whose own low of 100 met only 99
        (buy(10, trail=4), [UP, (102, 106, 100, 105), (105, 105.5, 101, 103)], (3, "SELL", 10, 102, "F14.trail")),
        # the entry bar: 96 is tested, not 99, although the bar went to 103
        (buy(10, trail=4), [(100, 103, 95, 102)], (1, "SELL", 10, 96, "F14.trail")),
        # the open of 97 jumps the level of 99
        (buy(10, trail=4), [UP, (97, 98, 96, 97)], (2, "SELL", 10, 97, "F14.open")),
        # the open is the level
        (buy(10, trail=4), [UP, (99, 104, 98, 103)], (2, "SELL", 10, 99, "F14.open")),
        # percent is of the extreme: 100 × 0.95, then 110 × 0.95 = 104.5
        (buy(10, trail_percent=0.05), [(100, 110, 96, 108), (108, 109, 104, 106)], (2, "SELL", 10, 104.5, "F14.trail")),
        (buy(10, trail_percent=0.05), [(100, 110, 94, 108)], (1, "SELL", 10, 95, "F14.trail")),
        # short: 104; 97 + 4 = 101 after bar 1, 95 + 4 = 99 after bar 2
        (
            sell(10, trail=4),
            [(100, 103, 97, 98), (98, 100, 95, 96), (97, 99.5, 96, 97)],
            (3, "BUY", 10, 99, "F14.trail"),
        ),
        (sell(10, trail=4), [(100, 103, 97, 98), (102, 103, 95, 96)], (2, "BUY", 10, 102, "F14.open")),
        # 90 × 1.05 = 94.5
        (sell(10, trail_percent=0.05), [(100, 101, 90, 92), (92, 95, 91, 93)], (2, "BUY", 10, 94.5, "F14.trail")),
    ],
)
def test_f14_a_market_entry(entry: Any, rows: list[Any], expected: tuple[Any, ...]) -> None:
    result = run({0: entry}, bars(FLAT, *rows, FLAT))
    assert fills(result)[1:] == [expected]
    sign = 1 if expected[1] == "SELL" else -1
    assert trades(result) == [(10, 100, expected[3], pytest.approx(sign * 10 * (expected[3] - 100)), "STOP_LOSS")]


def test_f14_the_level_holds_while_prices_only_fall_short_of_it() -> None:
    result = run({0: buy(10, trail=4)}, bars(FLAT, UP, (102, 102.5, 99.5, 100), (100, 101, 99.01, 100)))
    assert len(fills(result)) == 1
    assert result.orders["stop"][1] == 99


@pytest.mark.parametrize(
    ("rows", "expected", "unsure"),
    [
        # in at 105 with 102; the low of 101 may have come before. 110 came after: 107 from bar 2 on
        ([(102, 110, 101, 108), (108, 109, 106, 107)], [(2, "SELL", 10, 107, "F14.trail")], 1),
        # the close is beyond 102
        ([(102, 110, 100, 101)], [(1, "SELL", 10, 102, "F15.entry_bar")], 0),
        # in at the open of 106, 103 works the whole bar
        ([(106, 108, 102, 107)], [(1, "SELL", 10, 103, "F14.trail")], 0),
    ],
)
def test_f14_a_stop_entry(rows: list[Any], expected: list[Any], unsure: int) -> None:
    result = run({0: buy(10, stop=105, trail=3)}, bars(FLAT, *rows))
    assert fills(result)[1:] == expected
    assert result.counts["ambiguous_entry"] == unsure


@pytest.mark.parametrize(
    ("entry", "rows", "expected"),
    [
        # In at 95 on the way down, 92: 91 came after.
        (buy(10, limit=95, trail=3), [(100, 101, 91, 95)], (1, "SELL", 10, 92, "F15.entry_bar")),
        # The bar's high of 104 came before the entry and moves nothing, its close of 96 does: 93, which holds 94.
        # Then 97 − 3 = 94.
        (
            buy(10, limit=95, trail=3),
            [(100, 104, 94, 96), (96, 97, 94, 95), (95, 96, 93.5, 94)],
            (3, "SELL", 10, 94, "F14.trail"),
        ),
        # Short at 105 with 108; the low of 90 came before, the close of 104 makes it 107; then 103 + 3 = 106.
        (
            sell(10, limit=105, trail=3),
            [(100, 106, 90, 104), (104, 106.5, 103, 105), (105, 106.1, 104, 105)],
            (3, "BUY", 10, 106, "F14.trail"),
        ),
    ],
)
def test_f14_a_limit_entry(entry: Any, rows: list[Any], expected: tuple[Any, ...]) -> None:
    result = run({0: entry}, bars(FLAT, *rows))
    assert fills(result)[1:] == [expected]


def test_f14_an_entry_at_the_close_starts_at_the_close() -> None:
    # In at the close of 102; the bar's high of 110 is before it. 98 holds 99; 103 − 4 = 99 is met by 98.5.
    rows = bars(FLAT, (100, 110, 90, 102), (102, 103, 99, 100), (100, 101, 98.5, 99))
    for script, options in (({0: buy(10, trail=4, at_close=True)}, {}), ({1: buy(10, trail=4)}, {"fill_at": "close"})):
        result = run(script, rows, **options)
        assert [f[:4] for f in fills(result)] == [(1, "BUY", 10, 102), (3, "SELL", 10, 99)]


def test_f14_a_target_ends_it_and_both_in_one_bar_are_ambiguous() -> None:
    order = buy(10, trail=4, take_profit=110)
    won = run({0: order}, bars(FLAT, FLAT, (108, 111, 107, 110)))
    assert fills(won)[1:] == [(2, "SELL", 10, 110, "F4.limit")]
    assert ends(won)[1] == ("CANCELLED", "OCO")
    # 101 − 4 = 97 and 110 are both in bar 2.
    both_in = run({0: order}, bars(FLAT, FLAT, (100, 111, 96, 100)))
    assert fills(both_in)[1:] == [(2, "SELL", 10, 97, "F14.trail")]
    assert both_in.counts["ambiguous"] == 1


def test_f2_a_trailing_stop_slips() -> None:
    # Bought at 100 × 1.01 = 101, level 97 (and not 96); the high of 103 makes it 99; sold at 99 × 0.99.
    result = run({0: buy(10, trail=4)}, bars(FLAT, (100, 103, 98, 102), (101, 102, 98, 100)), slippage=0.01)
    assert fills(result) == [(1, "BUY", 10, 101, "F1.open"), (2, "SELL", 10, 98.01, "F14.trail")]


def test_f5_the_rest_of_a_trailing_stop_is_sold_at_the_next_opens() -> None:
    # 2.5 % of 1,000: 25 at the level of 97, 15 at the next open.
    thin = ((*FLAT, 1e6), (*FLAT, 1e6), (100, 101, 96, 98, 1000), (95, 120, 94, 110, 1000))
    result = run({0: buy(40, trail=4)}, bars(*thin))
    assert fills(result)[1:] == [(2, "SELL", 25, 97, "F14.trail"), (3, "SELL", 15, 95, "F5.rest")]


@pytest.mark.parametrize(("quantity", "sold"), [(None, 10), (4, 4)])
def test_f14_an_order_of_its_own_starts_at_the_decision_s_close(quantity: float | None, sold: float) -> None:
    # Decided at the close of 101: 97, whatever the bar's high of 103 was. 104 − 4 = 100 after bar 2.
    script = {0: buy(10), 1: sell(quantity, trail=4)}
    rows = bars(FLAT, (100, 103, 99, 101), (100, 104, 98, 103), (102, 103, 99, 101))
    result = run(script, rows)
    assert fills(result)[1:] == [(3, "SELL", sold, 100, "F14.trail")]
    assert trades(result)[0] == (sold, 100, 100, 0, "STOP_LOSS")


def test_f14_an_order_of_its_own_ends_with_the_position() -> None:
    script = {0: buy(10), 1: sell(trail=4), 2: lambda s: s.close()}
    result = run(script, bars(FLAT, FLAT, FLAT, FLAT, (90, 91, 80, 85)))
    assert fills(result)[1:] == [(3, "SELL", 10, 100, "F1.open")]
    assert ends(result)[1] == ("CANCELLED", "POSITION_CLOSED")


def test_f14_it_can_be_one_of_a_group() -> None:
    def protect(s: Any) -> None:
        s.oco(s.sell(trail=4), s.sell(10, limit=104))

    result = run({0: buy(10), 1: protect}, bars(FLAT, FLAT, (101, 105, 100, 104), FLAT))
    assert fills(result)[1:] == [(2, "SELL", 10, 104, "F4.limit")]
    assert ends(result)[1] == ("CANCELLED", "OCO")


ROWS = bars(FLAT, UP, (102, 106, 100, 105), (105, 105.5, 104, 105), (105, 105, 101, 103))


def test_f14_the_level_is_read_between_events() -> None:
    levels: dict[int, float] = {}

    def look(s: Any) -> None:
        levels[s.bar_index] = of_type(s, "TRAILING_STOP").stop

    run({0: buy(10, trail=4), 1: look, 2: look, 3: look}, ROWS)
    # Nothing happens on bars 2 and 3: the level is read all the same.
    assert levels == {1: 99, 2: 102, 3: 102}


def test_f14_the_level_of_an_order_that_never_filled_is_that_of_its_last_bar() -> None:
    # Nothing happens after the entry: 112 − 4 at the end, 110 − 4 where it is cancelled at bar 2.
    rows = bars(FLAT, FLAT, (101, 110, 100, 109), (109, 112, 108.5, 111), (111, 111, 109, 110))
    assert run({0: buy(10, trail=4)}, rows).orders["stop"][1] == 108
    script = {0: buy(10, trail=4), 2: lambda s: s.cancel(of_type(s, "TRAILING_STOP"))}
    assert run(script, rows).orders["stop"][1] == 106


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({"trail": 1.5}, 104.5),  # 106 − 1.5
        ({"trail": 20}, 86),
        ({"trail_percent": 0.02}, 103.88),  # 106 × 0.98
    ],
)
def test_f14_amending_the_trail_keeps_the_extreme(change: dict[str, float], level: float) -> None:
    seen = []

    def amend(s: Any) -> None:
        order = of_type(s, "TRAILING_STOP")
        s.amend(order, **change)
        seen.append(order.stop)

    result = run({0: buy(10, trail=4), 2: amend}, ROWS)
    assert seen == [pytest.approx(level)]
    sold = [f[:1] + f[3:] for f in fills(result)[1:]]
    if level == 104.5:
        assert sold == [(3, 104.5, "F14.trail")]
    elif level == 86:
        assert sold == []
    else:
        assert sold == [(4, 103.88, "F14.trail")]


def test_f14_amending_before_the_entry_takes_effect_at_the_entry() -> None:
    result = run(
        {0: buy(10, limit=98, trail=4), 1: lambda s: s.amend(of_type(s, "TRAILING_STOP"), trail=2)},
        bars(FLAT, FLAT, (97, 98, 96, 97), (97, 98, 94, 95)),
    )
    # In at the open of 97, 95; the bar's high of 98 makes it 96.
    assert fills(result)[1:] == [(3, "SELL", 10, 96, "F14.trail")]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (buy(10, trail=4, trail_percent=0.1), "exclude each other"),
        (buy(10, trail=4, stop_loss=90), "exclude each other"),
        (buy(10, trail=-4), "a price distance above 0"),
        (buy(10, trail_percent=4), "fraction between 0 and 1"),
        (both(buy(5), sell(11, trail=4)), "more than the position of 10"),
        (sell(value=100, trail=4), "sized by quantity"),
        (sell(10, trail=4, limit=120), "takes no other price"),
    ],
)
def test_f14_what_makes_no_sense_is_told(act: Any, said: str) -> None:
    with pytest.raises(StrategyError, match=said):
        run({0: buy(10), 1: act}, bars(FLAT, FLAT, FLAT))


def test_f14_it_needs_a_price_to_start_at() -> None:
    with pytest.raises(StrategyError, match="submit it in on_bar"):
        run({}, bars(FLAT, FLAT), on_start=buy(10, trail=4))


def test_f15_the_doubt_about_the_entry_bar_is_reported() -> None:
    result = run({0: buy(10, stop=105, trail=3)}, bars(FLAT, (102, 110, 101, 108), (108, 109, 106, 107)))
    entry = assumption(result, "ambiguous_entry")
    assert entry is not None
    # certain and next: sold at 107, +20; pessimistic: at 102, −30
    assert [line.split(" ")[-1] for line in entry["items"]] == ["100,020.00", "99,970.00", "100,020.00"]


def test_f14_the_rest_of_a_capped_stop_keeps_the_level_that_was_reached() -> None:
    """F5: 2.5 % of 1,000 at a time. 99 is reached in a bar that goes to 110; the rest is sold at the next opens."""
    levels = []

    def look(s: Any) -> None:
        levels.append(of_type(s, "TRAILING_STOP").stop)

    rows = bars(FLAT, UP, (102, 110, 98, 98.5, 1000), (120, 125, 119, 124, 1000), (130, 131, 129, 130, 1000), FLAT)
    result = run({0: buy(75, trail=4), 1: look, 2: look, 3: look}, rows)
    sold = [(2, "SELL", 25, 99, "F14.trail"), (3, "SELL", 25, 120, "F5.rest"), (4, "SELL", 25, 130, "F5.rest")]
    assert fills(result)[1:] == sold
    assert levels == [99, 99, 99]
    assert result.orders["stop"][1] == 99
    with pytest.raises(StrategyError, match="has no trail to amend"):
        run({0: buy(75, trail=4), 2: lambda s: s.amend(of_type(s, "TRAILING_STOP"), trail=2)}, rows)
