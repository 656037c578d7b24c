"""OCO groups, amended orders, sizes from a risk; F7's instruments with lots and ticks of their own."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pytest
from alphintra.errors import StrategyError

from .scripted import FLAT, bars, both, buy, ends, events, fills, of_type, run, sell

pytestmark = pytest.mark.usefixtures("either_core")


def group(*actions: Any) -> Any:
    """An action: these orders, one cancels the others."""
    return lambda s: s.oco(*(action(s) for action in actions))


BREAKOUT = group(buy(10, stop=105), sell(10, stop=95))


@pytest.mark.parametrize(
    ("bar", "fill"),
    [
        ((100, 106, 99, 104), (1, "BUY", 10, 105, "F2.stop")),
        ((100, 101, 94, 96), (1, "SELL", 10, 95, "F2.stop")),
        ((92, 106, 91, 96), (1, "SELL", 10, 92, "F2.open")),  # the open decides
        ((100, 106, 94, 96), (1, "BUY", 10, 105, "F2.stop")),  # both inside: in order of submission
    ],
)
def test_oco_the_first_fill_ends_the_other(bar: tuple[float, ...], fill: tuple[Any, ...]) -> None:
    result = run({0: BREAKOUT}, bars(FLAT, bar, (100, 120, 80, 100)))
    assert fills(result) == [fill]
    other = 1 if fill[1] == "BUY" else 0
    assert ends(result)[other] == ("CANCELLED", "OCO")
    assert events(result, "CANCELLED", "FILLED")[1][1:] == (other, "CANCELLED", "OCO")


def test_oco_of_three_and_of_entries_with_brackets() -> None:
    script = {0: group(buy(1, limit=95), buy(1, limit=90, stop_loss=80, take_profit=120), sell(1, limit=110))}
    result = run(script, bars(FLAT, (100, 101, 94, 96), (96, 121, 79, 100)))
    assert fills(result) == [(1, "BUY", 1, 95, "F4.limit")]
    gone = ("CANCELLED", "PARENT_CANCELLED")
    assert ends(result) == [("FILLED", ""), ("CANCELLED", "OCO"), gone, gone, ("CANCELLED", "OCO")]


def test_oco_a_fill_in_part_ends_the_others() -> None:
    result = run(
        {0: group(buy(40, limit=95), buy(40, limit=90))}, bars(FLAT, (100, 101, 94, 96, 1000), (91, 92, 89, 90))
    )
    assert fills(result) == [(1, "BUY", 25, 95, "F4.limit"), (2, "BUY", 15, 91, "F4.open")]
    assert ends(result)[1] == ("CANCELLED", "OCO")


def test_f3_a_stop_and_a_limit_in_a_group_of_their_own_are_a_stop_and_a_target() -> None:
    # The limit is the older order; both are in bar 2: the stop, and nobody knows.
    script = {0: buy(10), 1: group(sell(10, limit=105), sell(10, stop=95))}
    result = run(script, bars(FLAT, FLAT, (100, 106, 94, 100)))
    assert fills(result)[1:] == [(2, "SELL", 10, 95, "F2.stop")]
    assert result.counts["ambiguous"] == 1


def test_oco_an_expiry_or_a_cancel_leaves_the_other_working() -> None:
    rows = bars(FLAT, FLAT, (100, 101, 94, 96))
    expired = run({0: group(buy(1, limit=97, tif="DAY"), buy(1, limit=95))}, rows)
    dropped = run({0: group(buy(1, limit=97), buy(1, limit=95)), 1: lambda s: s.cancel(s.orders[0])}, rows)
    for result in (expired, dropped):
        assert fills(result) == [(2, "BUY", 1, 95, "F4.limit")]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda s: s.oco(s.buy(1, limit=90)), "at least two"),
        (lambda s: s.oco(*[s.buy(1, limit=90)] * 2), "twice"),
        (lambda s: s.oco(s.buy(1, limit=90), "x"), "takes orders of this run"),
        (lambda s: [s.oco(a, s.buy(1, limit=80)) for a in [s.buy(1, limit=90)] * 2], "in a group or a bracket already"),
        (lambda s: s.amend(s.buy(1, limit=90)), "changes nothing"),
        (lambda s: s.amend(s.buy(1, limit=90), stop=80), "has no stop to amend"),
        (lambda s: s.amend(s.buy(1), limit=80), "has no limit to amend"),
        (lambda s: s.amend(s.buy(value=100, limit=90), quantity=2), "cannot be amended"),
        (lambda s: s.amend(s.buy(1, limit=90), limit=-1), "a price above 0"),
        (lambda s: s.size_for_risk(0.01, 100), "risk of one unit is zero"),
        (lambda s: s.size_for_risk(2, 90), "fraction between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_told(act: Any, said: str) -> None:
    with pytest.raises(StrategyError, match=said):
        run({0: act}, bars(FLAT, FLAT))


def amend(kind: str, **changes: Any) -> Any:
    """An action: amend the working order of that type."""
    return lambda s: s.amend(of_type(s, kind), **changes)


def test_amend_changes_price_and_quantity_from_the_next_bar_on() -> None:
    # The low of 94 on bar 1 is before the amendment to 96.
    rows = bars(FLAT, (100, 101, 94, 100), (100, 101, 95, 100))
    result = run({0: buy(10, limit=90), 1: amend("LIMIT", limit=96, quantity=7)}, rows)
    assert fills(result) == [(2, "BUY", 7, 96, "F4.limit")]
    assert events(result, "AMENDED") == [("2024-01-03 21:00", 0, "AMENDED", "BY_STRATEGY")]
    assert result.columns["events"]["quantity"][1] == 7


def test_amend_in_the_callback_of_its_submission_and_back() -> None:
    def twice(s: Any) -> None:
        order = s.buy(10, limit=99)
        s.amend(order, limit=80)
        s.amend(order, limit=98)

    assert fills(run({0: twice}, bars(FLAT, (100, 101, 97, 100)))) == [(1, "BUY", 10, 98, "F4.limit")]


def test_amend_keeps_the_place_among_the_orders() -> None:
    # 2.5 % of 1,000: the first order is served first, also after its price was changed.
    script = {0: both(buy(25, limit=90), buy(25, limit=96)), 1: lambda s: s.amend(s.orders[0], limit=96)}
    result = run(script, bars(FLAT, FLAT, (100, 101, 95, 100, 1000), FLAT))
    assert result.columns["fills"]["order_id"] == [0]


def test_amend_a_bracket_s_stop_and_target() -> None:
    # The stop goes from 90 to 98 and the target from 5 % to 103.
    script = {0: buy(10, stop_loss=90, take_profit_percent=0.05), 1: amend("STOP", stop=98)}
    assert fills(run(script, bars(FLAT, FLAT, (99, 100, 97, 98))))[1:] == [(2, "SELL", 10, 98, "F2.stop")]
    script[1] = amend("LIMIT", limit=103)
    assert fills(run(script, bars(FLAT, FLAT, (102, 104, 101, 103))))[1:] == [(2, "SELL", 10, 103, "F4.limit")]
    # before the entry: the percent no longer counts
    script = {0: buy(10, limit=99.5, take_profit_percent=0.05), 1: amend("LIMIT", limit=99.8)}
    with_child = {**script, 1: lambda s: s.amend(next(o for o in s.orders if o.state == "WAITING"), limit=101.5)}
    rows = bars(FLAT, (100, 101, 99.6, 100), (99, 102, 98.5, 100))
    assert fills(run(with_child, rows)) == [(2, "BUY", 10, 99, "F4.open"), (2, "SELL", 10, 101.5, "F4.limit")]


def test_amend_a_quantity_that_has_filled_in_part() -> None:
    thin = bars(*[(*FLAT, 1000)] * 5)
    # 25 of 60 are in; 40 leaves 15
    result = run({0: buy(60), 1: amend("MARKET", quantity=40)}, thin)
    assert [f[2] for f in fills(result)] == [25, 15]
    with pytest.raises(StrategyError, match="not above what has filled"):
        run({0: buy(60), 1: amend("MARKET", quantity=25)}, thin)


def test_amend_puts_prices_on_the_tick() -> None:
    data = bars(FLAT, FLAT)
    script = {0: lambda s: s.amend(s.buy(1, limit=90), limit=95.3)}
    result = run(script, data, instruments={"DATA": al.Instrument(tick=0.5)})
    assert result.columns["orders"]["limit"] == [95.0]


@pytest.mark.parametrize(
    ("ask", "instrument", "units"),
    [
        ({"risk": 0.01, "stop": 95}, {}, 200),  # 1,000 / (100 − 95)
        ({"risk": 0.01, "stop": 95, "entry": 102}, {}, 142),  # 1,000 / 7 = 142.86
        ({"risk": 0.01, "stop": 105}, {}, 200),  # short
        ({"risk": 0.01, "stop": 97}, {"lot": 25.0}, 325),  # 333.3
        ({"risk": 0.01, "stop": 95}, {"multiplier": 50.0}, 4),  # 1,000 / (5 × 50)
        ({"risk": 0.01, "stop": 95}, {"currency": "EUR"}, 160),  # 1,000 / (5 × 1.25)
    ],
)
def test_size_for_risk(ask: dict[str, float], instrument: dict[str, Any], units: float) -> None:
    seen = []
    options = {"instruments": {"DATA": al.Instrument(**instrument)}} if instrument else {}
    if "currency" in instrument:
        options["rates"] = {"EUR": 1.25}
    run({0: lambda s: seen.append(s.size_for_risk(**ask))}, bars(FLAT, FLAT), **options)
    assert seen == [units]


def test_f7_each_instrument_has_its_own_lot_and_tick() -> None:
    data = {"A": bars(FLAT, LOW), "B": bars(FLAT, LOW)}
    terms = {"A": al.Instrument(lot=100.0, tick=0.25), "B": al.Instrument(lot=0.1)}
    script = {0: both(buy(250.0, symbol="A", limit=95.4), buy(0.25, symbol="B", limit=95.4))}
    result = run(script, data, instruments=terms)
    assert fills(result) == [(1, "BUY", 200, 95.25, "F4.limit"), (1, "BUY", 0.2, 95.4, "F4.limit")]
    few = run({0: buy(99, symbol="A")}, data, instruments=terms)
    assert ends(few) == [("REJECTED", "BELOW_MIN_QUANTITY")]


LOW = (100, 101, 94, 96)


def test_f7_a_bracket_s_prices_are_on_the_tick() -> None:
    # Long: the stop is a sell stop (down), the target a sell limit (up); short the other way round.
    data = bars(FLAT, FLAT)
    terms = {"instruments": {"DATA": al.Instrument(tick=0.5)}}
    long = run({0: buy(1, stop_loss=95.3, take_profit=104.6)}, data, **terms).columns["orders"]
    assert (long["stop"][1], long["limit"][2]) == (95.0, 105.0)
    short = run({0: sell(1, stop_loss=104.6, take_profit=95.3)}, data, **terms).columns["orders"]
    assert (short["stop"][1], short["limit"][2]) == (105.0, 95.0)


def test_f7_prices_that_a_fill_decides_are_on_the_tick() -> None:
    # Filled at 100.3, tick 0.25. 5 % below is 95.285: a sell stop and a buy limit are down at 95.25; 5 % above is
    # 105.315: a sell limit and a buy stop are up at 105.5.
    data = bars(FLAT, (100.3, 101, 99, 100))
    terms = {"instruments": {"DATA": al.Instrument(tick=0.25)}}
    percents = {"stop_loss_percent": 0.05, "take_profit_percent": 0.05}
    long = run({0: buy(1, **percents)}, data, **terms).columns["orders"]
    assert (long["stop"][1], long["limit"][2]) == (95.25, 105.5)
    short = run({0: sell(1, **percents)}, data, **terms).columns["orders"]
    assert (short["stop"][1], short["limit"][2]) == (105.5, 95.25)
    free = run({0: buy(1, **percents)}, data).columns["orders"]
    assert (free["stop"][1], free["limit"][2]) == (100.3 * 0.95, 100.3 * 1.05)


def test_f7_a_trailing_level_is_on_the_tick_wherever_it_goes() -> None:
    # Filled at 100.3: 95.285, so 95.25. The entry bar's high of 103.1 moves it to 97.945, so 97.75, the price of bar 2;
    # a short's level above 100.3 is 105.315, so 105.5, and above the low of 97.1 it is 101.955, so 102.
    terms = {"instruments": {"DATA": al.Instrument(tick=0.25)}}
    long = run({0: buy(1, trail_percent=0.05)}, bars(FLAT, (100.3, 103.1, 99, 102), (101, 102, 97, 98)), **terms)
    assert fills(long)[1:] == [(2, "SELL", 1, 97.75, "F14.trail")]
    short = run({0: sell(1, trail_percent=0.05)}, bars(FLAT, (100.3, 101, 97.1, 98), (99, 103, 98, 102)), **terms)
    assert fills(short)[1:] == [(2, "BUY", 1, 102, "F14.trail")]


def test_f7_a_tick_of_a_hundredth_gives_the_price_that_is_written_so() -> None:
    # 100.3 × 0.971 = 97.3913, down to 97.39: the double of the literal, not of 9739 × 0.01.
    terms = {"instruments": {"DATA": al.Instrument(tick=0.01)}}
    result = run({0: buy(1, stop_loss_percent=0.029)}, bars(FLAT, (100.3, 101, 99, 100)), **terms)
    assert result.columns["orders"]["stop"][1] == 97.39


@pytest.mark.parametrize(
    ("bar", "doubt"),
    [
        ((100, 106, 94, 96), 1),
        ((100, 106, 99, 104), 0),  # only one of them is reached
        ((106, 107, 94, 96), 0),  # the open decides
    ],
)
def test_f3_two_entry_stops_of_a_group_in_one_bar_are_in_doubt(bar: tuple[float, ...], doubt: int) -> None:
    result = run({0: BREAKOUT}, bars(FLAT, bar))
    assert [f[1] for f in fills(result)] == ["BUY"]
    assert result.counts["ambiguous"] == doubt
    assert result.columns["trades"]["ambiguous"] == [bool(doubt)]


def test_f3_a_stop_limit_of_a_group_is_in_doubt_too() -> None:
    script = {0: group(buy(10, stop=105, limit=106), sell(10, stop=95))}
    result = run(script, bars(FLAT, (100, 106, 94, 96)))
    assert fills(result) == [(1, "BUY", 10, 105, "F16.stop")]
    assert result.counts["ambiguous"] == 1
