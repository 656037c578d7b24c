"""F2 to F5, F15 and F16: at which price, on which bar, in which part."""

from __future__ import annotations

from typing import Any

import pytest

from .scripted import FLAT, assumption, bars, both, buy, ends, fills, run, sell, trades

LONG = buy(10)  # at bar 0, filled at bar 1's open of 100


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((98, 99, 94, 96), [(2, "SELL", 10, 95, "F2.stop")]),  # low 94 ≤ 95: at the stop
        ((98, 99, 95, 96), [(2, "SELL", 10, 95, "F2.stop")]),  # reached exactly
        ((90, 92, 89, 91), [(2, "SELL", 10, 90, "F2.open")]),  # gapped through: min(95, 90)
        ((98, 99, 95.01, 96), []),
    ],
)
def test_f2_sell_stop(bar: tuple[float, ...], expected: list[Any]) -> None:
    result = run({0: LONG, 1: sell(10, stop=95)}, bars(FLAT, FLAT, bar))
    assert fills(result)[1:] == expected


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((103, 106, 102, 104), [(1, "BUY", 10, 105, "F2.stop")]),
        ((110, 112, 109, 111), [(1, "BUY", 10, 110, "F2.open")]),  # max(105, 110)
        ((103, 104.99, 102, 104), []),
    ],
)
def test_f2_buy_stop(bar: tuple[float, ...], expected: list[Any]) -> None:
    assert fills(run({0: buy(10, stop=105)}, bars(FLAT, bar))) == expected


def test_f2_slippage_moves_stops_and_market_orders_and_never_limits() -> None:
    # 1 %: bought at 100 × 1.01; stopped at 95 × 0.99 = 94.05, below the bar's low of 95 (it is not clipped).
    result = run({0: LONG, 1: sell(10, stop=95)}, bars(FLAT, FLAT, (98, 99, 95, 96)), slippage=0.01)
    assert fills(result) == [(1, "BUY", 10, 101, "F1.open"), (2, "SELL", 10, 94.05, "F2.stop")]
    assert list(result.columns["fills"]["slippage"]) == pytest.approx([10.0, 9.5])
    assert fills(run({0: buy(10, limit=95)}, bars(FLAT, (100, 101, 94, 96)), slippage=0.01)) == [
        (1, "BUY", 10, 95, "F4.limit")
    ]


@pytest.mark.parametrize(
    ("bar", "price", "rule", "reason", "ambiguous"),
    [
        ((100, 106, 94, 100), 95, "F2.stop", "STOP_LOSS", 1),  # both inside: the stop
        ((106, 107, 94, 100), 106, "F4.open", "TAKE_PROFIT", 0),  # the open decides
        ((94, 106, 93, 100), 94, "F2.open", "STOP_LOSS", 0),
        ((100, 106, 96, 100), 105, "F4.limit", "TAKE_PROFIT", 0),  # only the target
        ((100, 105, 94, 100), 95, "F2.stop", "STOP_LOSS", 0),  # the target is touched, not passed
    ],
)
def test_f3_stop_and_target_in_one_bar(
    bar: tuple[float, ...], price: float, rule: str, reason: str, ambiguous: int
) -> None:
    result = run({0: buy(10, stop_loss=95, take_profit=105)}, bars(FLAT, FLAT, bar))
    assert fills(result)[1:] == [(2, "SELL", 10, price, rule)]
    assert trades(result) == [(10, 100, price, 10 * (price - 100), reason)]
    assert result.counts["ambiguous"] == ambiguous
    lost = "TAKE_PROFIT" if reason == "STOP_LOSS" else "STOP_LOSS"
    assert ends(result)[2 if lost == "TAKE_PROFIT" else 1] == ("CANCELLED", "OCO")


@pytest.mark.parametrize(
    ("bar", "how", "expected"),
    [
        ((100, 101, 94.9, 100), "strict", [(1, "BUY", 10, 95, "F4.limit")]),
        ((100, 101, 95, 100), "strict", []),  # equality does not fill
        ((100, 101, 95, 100), "touch", [(1, "BUY", 10, 95, "F4.limit")]),
        ((94, 96, 93, 95), "strict", [(1, "BUY", 10, 94, "F4.open")]),  # better than asked
        ((95, 96, 95, 96), "strict", []),
        ((95, 96, 95, 96), "touch", [(1, "BUY", 10, 95, "F4.open")]),
    ],
)
def test_f4_buy_limit(bar: tuple[float, ...], how: str, expected: list[Any]) -> None:
    assert fills(run({0: buy(10, limit=95)}, bars(FLAT, bar), limit_fill=how)) == expected


def test_f4_sell_limit_is_the_mirror() -> None:
    assert fills(run({0: sell(10, limit=105)}, bars(FLAT, (100, 105, 99, 100)))) == []
    assert fills(run({0: sell(10, limit=105)}, bars(FLAT, (100, 105.1, 99, 100)))) == [
        (1, "SELL", 10, 105, "F4.limit")
    ]
    assert fills(run({0: sell(10, limit=105)}, bars(FLAT, (107, 108, 99, 100)))) == [
        (1, "SELL", 10, 107, "F4.open")
    ]


def test_f5_a_bar_gives_a_share_of_its_volume() -> None:
    # 2.5 % of 1,000 = 25 a bar: 60 fill as 25 + 25 + 10, the rest at the next opens.
    data = bars(*[(*FLAT, 1000)] * 4)
    result = run({0: buy(60)}, data)
    assert fills(result) == [
        (1, "BUY", 25, 100, "F1.open"),
        (2, "BUY", 25, 100, "F5.rest"),
        (3, "BUY", 10, 100, "F5.rest"),
    ]
    assert result.counts["capped"] == 1
    assert ends(result) == [("FILLED", "")]
    assert fills(run({0: buy(60)}, data, max_share=None)) == [(1, "BUY", 60, 100, "F1.open")]


def test_f5_two_orders_share_the_budget_of_a_bar() -> None:
    result = run({0: both(buy(20), buy(20))}, bars(*[(*FLAT, 1000)] * 3))
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 20), (1, "BUY", 5), (2, "BUY", 15)]


def test_f5_zero_volume_is_no_trade_and_a_column_of_zeros_is_unknown() -> None:
    one = bars((*FLAT, 1000), (*FLAT, 0), (*FLAT, 1000))
    assert fills(run({0: buy(10)}, one)) == [(2, "BUY", 10, 100, "F1.open")]
    assert fills(run({0: buy(10)}, bars(FLAT, FLAT, FLAT, volume=0))) == [(1, "BUY", 10, 100, "F1.open")]


def test_f5_a_target_that_fills_in_part_keeps_the_stop_for_the_rest() -> None:
    # 25 of 60 sold at the target of 105 on bar 2, the other 35 are stopped: 25 on bar 3 at 95, 10 at bar 4's
    # open.
    big, thin = 1e6, 1000
    data = bars(
        (*FLAT, big),
        (*FLAT, big),
        (100, 106, 99, 100, thin),
        (100, 101, 94, 96, thin),
        (97, 98, 96, 97, thin),
    )
    result = run({0: buy(60, stop_loss=95, take_profit=105)}, data)
    assert fills(result)[1:] == [
        (2, "SELL", 25, 105, "F4.limit"), (3, "SELL", 25, 95, "F2.stop"), (4, "SELL", 10, 97, "F5.rest"),
    ]  # fmt: skip
    assert ends(result) == [("FILLED", ""), ("FILLED", ""), ("CANCELLED", "OCO")]


def test_f5_an_entry_whose_stop_filled_stops_entering() -> None:
    # 25 of 60 bought, then stopped in the same bar: the other 35 would be a position without its stop.
    data = bars((*FLAT, 1000), (100, 101, 94, 96, 4000), FLAT, FLAT)
    result = run({0: buy(150, stop_loss=95)}, data)
    assert fills(result)[0] == (1, "BUY", 100, 100, "F1.open")
    assert sum(q if side == "BUY" else -q for _, side, q, _, _ in fills(result)) == 0
    assert ends(result)[0] == ("CANCELLED", "OCO")


def test_bracket_of_a_reversed_position_is_gone() -> None:
    # Long with a stop at 90; reversed to a short with a stop of its own; long again without a stop. Bar 4
    # falls through 90: nothing may be sold.
    script = {
        0: buy(10, stop_loss=90),
        1: sell(20, stop_loss=120),
        2: buy(20),
    }
    result = run(script, bars(*[FLAT] * 4, (91, 92, 85, 88)))
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 10), (2, "SELL", 20), (3, "BUY", 20)]
    assert ends(result)[1] == ends(result)[3] == ("CANCELLED", "POSITION_CLOSED")


ENTRY = "F15.entry_bar"
LIMIT = buy(10, limit=95, stop_loss=90, take_profit=105)
STOP = buy(10, stop=105, stop_loss=100, take_profit=110)
STOP_LIMIT = buy(10, stop=105, limit=106, stop_loss=100, take_profit=110)


@pytest.mark.parametrize(
    ("order", "bar", "exits", "unsure"),
    [
        # limit entry at 95: 89 can only come after 95, so the stop fills
        (LIMIT, (100, 101, 89, 92), [(1, "SELL", 10, 90, ENTRY)], 0),
        # 106 may have come before the entry: wait, and count
        (LIMIT, (100, 106, 94, 100), [], 1),
        # … but the close is beyond the target
        (LIMIT, (100, 107, 94, 106), [(1, "SELL", 10, 105, ENTRY)], 0),
        # stop entry at 105: 111 can only come after it
        (STOP, (102, 111, 101, 108), [(1, "SELL", 10, 110, ENTRY)], 0),
        # 99 may have come before
        (STOP, (102, 106, 99, 103), [], 1),
        # … but the close is beyond the stop
        (STOP, (102, 106, 98, 99), [(1, "SELL", 10, 100, ENTRY)], 0),
        # a stop-limit filled at its stop of 105: 111 can only come after it
        (STOP_LIMIT, (102, 111, 101, 108), [(1, "SELL", 10, 110, ENTRY)], 0),
        (STOP_LIMIT, (102, 106, 99, 103), [], 1),
        # triggered at the open of 107, it rested at 106 as a limit: 99 can only come after it, 111 may not
        (STOP_LIMIT, (107, 108, 99, 103), [(1, "SELL", 10, 100, ENTRY)], 0),
        (STOP_LIMIT, (107, 111, 105, 108), [], 1),
        # neither child is in the bar
        (LIMIT, (100, 101, 94, 96), [], 0),
        # filled at the open: the children work the whole bar
        (buy(10, stop_loss=95), (100, 101, 94, 96), [(1, "SELL", 10, 95, "F2.stop")], 0),
        (buy(10, take_profit=105), (100, 106, 99, 101), [(1, "SELL", 10, 105, "F4.limit")], 0),
        # filled at an open that is beyond the stop already
        (buy(10, stop_loss=95), (90, 92, 89, 91), [(1, "SELL", 10, 90, "F2.open")], 0),
    ],
)
def test_f15_children_on_the_entry_bar(
    order: Any, bar: tuple[float, ...], exits: list[Any], unsure: int
) -> None:
    result = run({0: order}, bars(FLAT, bar))
    assert fills(result)[1:] == exits
    assert result.counts["ambiguous_entry"] == unsure


def test_f15_the_short_side_is_the_mirror() -> None:
    # Short at a limit of 105, stop 110: 111 can only come after 105.
    result = run({0: sell(10, limit=105, stop_loss=110, take_profit=95)}, bars(FLAT, (100, 111, 99, 108)))
    assert fills(result) == [(1, "SELL", 10, 105, "F4.limit"), (1, "BUY", 10, 110, ENTRY)]


def test_f15_next_waits_in_every_case_and_counts_only_the_doubtful() -> None:
    sure = run({0: LIMIT}, bars(FLAT, (100, 101, 89, 92)), entry_bar="next")
    assert fills(sure) == [(1, "BUY", 10, 95, "F4.limit")]
    assert sure.counts["ambiguous_entry"] == 0
    assert run({0: STOP}, bars(FLAT, (102, 106, 99, 103)), entry_bar="next").counts["ambiguous_entry"] == 1


@pytest.mark.parametrize("rule", ["certain", "pessimistic", "next"])
def test_f15_the_report_shows_final_equity_under_all_three(rule: str) -> None:
    # Bought at 105 on bar 1, whose low of 99 holds the stop of 100. Certain and next: held to the close of
    # 104, −10. Pessimistic: stopped at 100, −50.
    result = run({0: STOP}, bars(FLAT, (102, 106, 99, 103), (103, 104, 102, 104)), cash=2000, entry_bar=rule)
    assert result.curves.equity[-1] == (1950 if rule == "pessimistic" else 1990)
    entry = assumption(result, "ambiguous_entry")
    assert entry is not None
    assert entry["items"] == [
        "entry_bar=certain: final equity 1,990.00",
        "entry_bar=pessimistic: final equity 1,950.00",
        "entry_bar=next: final equity 1,990.00",
    ]


def test_f15_nothing_is_run_again_where_nothing_is_in_doubt() -> None:
    calls = []
    result = run({0: both(LONG, lambda s: calls.append(1))}, bars(FLAT, FLAT))
    assert calls == [1]
    assert assumption(result, "ambiguous_entry") is None


def test_f15_percent_children_are_taken_from_the_fill_price() -> None:
    # Filled at 102: stop 5 % below = 96.9, target 10 % above = 112.2.
    data = bars(FLAT, (102, 103, 101, 102), (102, 103, 96, 97))
    result = run({0: buy(10, stop_loss_percent=0.05, take_profit_percent=0.10)}, data)
    assert fills(result)[1:] == [(2, "SELL", 10, 96.9, "F2.stop")]
    assert result.columns["orders"]["limit"][2] == pytest.approx(112.2)


@pytest.mark.parametrize(
    ("stop", "limit", "following", "expected"),
    [
        (
            105,
            106,
            [(105.5, 107, 105, 106)],
            [(1, 105.5, "F4.open")],
        ),  # triggered at the open, within the limit
        (105, 106, [(107, 108, 105.9, 107)], [(1, 106, "F4.limit")]),  # triggered at the open, then a limit
        (105, 106, [(107, 108, 106, 107), (107, 108, 105, 106)], [(2, 106, "F4.limit")]),
        (105, 106, [(104, 107, 103, 104)], [(1, 105, "F16.stop")]),  # inside: the stop is within the limit
        (
            105,
            103,
            [(104, 106, 102, 102.5)],
            [(1, 103, "F16.limit")],
        ),  # inside, the close is through the limit
        (
            105,
            103,
            [(104, 106, 102, 104), (104, 105, 102.5, 104)],
            [(2, 103, "F4.limit")],
        ),  # rests to the next bar
        (105, 106, [(104, 104.5, 103, 104)], []),
    ],
)
def test_f16_buy_stop_limit(stop: float, limit: float, following: list[Any], expected: list[Any]) -> None:
    result = run({0: buy(10, stop=stop, limit=limit)}, bars(FLAT, *following), slippage=0.01)
    assert [(b, p, r) for b, _, _, p, r in fills(result)] == expected


def test_f16_sell_stop_limit_is_the_mirror() -> None:
    result = run({0: sell(10, stop=95, limit=94)}, bars(FLAT, (97, 98, 93, 96)))
    assert fills(result) == [(1, "SELL", 10, 95, "F16.stop")]


def test_f5_each_close_has_a_budget_of_its_own() -> None:
    # 2.5 % of 1,000 = 25 at the close of bar 0 and 25 at that of bar 2; nothing works on bar 1.
    result = run({0: buy(25), 2: buy(25)}, bars(*[(*FLAT, 1000)] * 3), fill_at="close")
    assert [f[:3] for f in fills(result)] == [(0, "BUY", 25), (2, "BUY", 25)]
