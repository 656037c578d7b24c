"""F17 beyond GTC and DAY: GTD, IOC, FOK; and max_bars, which ends a position at its time."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from alphintra.errors import StrategyError

from .scripted import FLAT, bars, both, buy, ends, events, fills, run, sell, trades

pytestmark = pytest.mark.usefixtures("either_core")

# bar 1 is Wednesday 2024-01-03, bar 3 Friday the 5th, bar 4 Monday the 8th
LOW = (100, 101, 94, 100)


@pytest.mark.parametrize(
    ("until", "passes", "filled"),
    [
        ("2024-01-04", 2, True),  # the date's own session still counts
        ("2024-01-04", 3, False),
        ("2024-01-06", 3, True),  # a Saturday: through Friday
        ("2024-01-06", 4, False),  # Monday is after it
        ("2024-01-08", 4, True),
    ],
)
def test_f17_gtd_works_through_its_date(until: str, passes: int, filled: bool) -> None:
    rows = [FLAT] * 6
    rows[passes] = LOW
    result = run({0: buy(1, limit=95, good_till=until)}, bars(*rows))
    assert fills(result) == ([(passes, "BUY", 1, 95, "F4.limit")] if filled else [])
    assert ends(result) == [("FILLED", "") if filled else ("EXPIRED", "GOOD_TILL_DATE")]


def test_f17_gtd_ends_at_the_close_of_its_date_or_before_the_next_session_s_open() -> None:
    script = {0: both(buy(1, limit=50, good_till="2024-01-04"), buy(1, limit=50, good_till="2024-01-06"))}
    result = run(script, bars(*[FLAT] * 6))
    assert events(result, "EXPIRED") == [
        ("2024-01-04 21:00", 0, "EXPIRED", "GOOD_TILL_DATE"),
        ("2024-01-08 14:30", 1, "EXPIRED", "GOOD_TILL_DATE"),
    ]


def test_f17_gtd_ends_with_its_session_on_intraday_bars() -> None:
    index = pd.DatetimeIndex([f"2024-01-{day:02} {hour}:30" for day in (2, 3) for hour in (14, 15, 16)], tz="UTC")
    data = pd.DataFrame([(*FLAT, 1e6)] * 6, index=index, columns=["open", "high", "low", "close", "volume"])
    result = run({0: buy(1, limit=50, good_till="2024-01-02")}, data)
    assert events(result, "EXPIRED") == [("2024-01-02 17:30", 0, "EXPIRED", "GOOD_TILL_DATE")]


def test_f17_a_date_that_passes_without_a_bar_ends_the_order_before_the_next_open() -> None:
    # No bar on the 4th, and the open of the 5th is 90: too late.
    b = bars(FLAT, FLAT, FLAT, (90, 91, 89, 90)).drop(pd.Timestamp("2024-01-04"))
    result = run({0: buy(1, symbol="B", limit=95, good_till="2024-01-04")}, {"A": bars(*[FLAT] * 4), "B": b})
    assert fills(result) == []
    assert events(result, "EXPIRED") == [("2024-01-05 14:30", 0, "EXPIRED", "GOOD_TILL_DATE")]


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
@pytest.mark.parametrize(
    ("bar", "filled"),
    [((94, 96, 93, 95), True), ((96, 97, 90, 95), False)],  # inside the bar is too late
)
def test_f17_ioc_and_fok_have_the_first_open_only(tif: str, bar: tuple[float, ...], filled: bool) -> None:
    result = run({0: buy(1, limit=95, tif=tif)}, bars(FLAT, bar, LOW))
    assert fills(result) == ([(1, "BUY", 1, 94, "F4.open")] if filled else [])
    if not filled:
        assert events(result, "EXPIRED") == [("2024-01-03 14:30", 0, "EXPIRED", "IMMEDIATE")]


def test_f17_ioc_takes_what_the_cap_gives() -> None:
    # 2.5 % of 1,000 = 25 of 60; the stop is that of the 25.
    result = run({0: buy(60, tif="IOC", stop_loss=95)}, bars((*FLAT, 1000), (*FLAT, 1000), (*FLAT, 1000), LOW))
    assert fills(result) == [(1, "BUY", 25, 100, "F1.open"), (3, "SELL", 25, 95, "F2.stop")]
    assert ends(result)[0] == ("EXPIRED", "IMMEDIATE")
    assert result.orders["filled"][0] == 25
    assert result.counts["capped"] == 1


def test_f17_fok_fills_as_a_whole_or_not_at_all() -> None:
    data = bars(*[(*FLAT, 1000)] * 3)
    result = run({0: both(buy(26, tif="FOK"), buy(20, tif="FOK"), buy(10, tif="FOK"))}, data)
    # 26 are more than 25; 20 fit; of the 5 that are left 10 cannot come.
    assert fills(result) == [(1, "BUY", 20, 100, "F1.open")]
    assert ends(result) == [("EXPIRED", "IMMEDIATE"), ("FILLED", ""), ("EXPIRED", "IMMEDIATE")]
    assert len(fills(run({0: buy(26, tif="FOK")}, data, max_share=None))) == 1


def test_f17_fok_is_not_trimmed_to_the_money() -> None:
    gap = bars(FLAT, (110, 111, 109, 110), FLAT)
    result = run({0: buy(10, tif="FOK")}, gap, cash=1000, allow_partial=True)
    assert ends(result) == [("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL")]
    assert [f[2] for f in fills(run({0: buy(10, tif="IOC")}, gap, cash=1000, allow_partial=True))] == [9]


def test_f17_ioc_waits_for_the_first_open_of_its_own_symbol() -> None:
    b = bars(FLAT, FLAT, (94, 96, 93, 95)).drop(pd.Timestamp("2024-01-03"))
    result = run({0: buy(1, symbol="B", limit=95, tif="IOC")}, {"A": bars(*[FLAT] * 3), "B": b})
    assert fills(result) == [(2, "BUY", 1, 94, "F4.open")]


def test_f17_ioc_at_the_decision_s_close_has_that_close_only() -> None:
    result = run({0: buy(60, tif="IOC")}, bars(*[(*FLAT, 1000)] * 3), fill_at="close")
    assert fills(result) == [(0, "BUY", 25, 100, "F1.close")]
    assert ends(result) == [("EXPIRED", "IMMEDIATE")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tif": "GTD"}, "good_till"),
        ({"tif": "DAY", "good_till": "2024-01-05"}, "good_till"),
        ({"good_till": "2024-01-02"}, "before the current session"),
        ({"good_till": "soon"}, "not a date"),
        ({"good_till": "2024-01-05 10:00"}, "time of day"),
        ({"tif": "FOREVER"}, "unknown time in force"),
        ({"max_bars": 0}, "whole number from 1"),
        ({"max_bars": 2.5}, "whole number"),
    ],
)
def test_f17_what_makes_no_sense_is_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(StrategyError, match=said):
        run({1: buy(1, **options)}, bars(*[FLAT] * 4))


# max_bars


def rising(n: int) -> Any:
    """Bars that open at 100, 101, 102 …"""
    return bars(*[(100 + i, 101 + i, 99 + i, 100 + i) for i in range(n)])


@pytest.mark.parametrize("bars_held", [1, 3])
def test_max_bars_closes_at_the_open_that_many_bars_after_the_entry(bars_held: int) -> None:
    # Bought at bar 1's open of 101.
    result = run({0: buy(10, max_bars=bars_held)}, rising(6))
    assert fills(result)[1:] == [(1 + bars_held, "SELL", 10, 101 + bars_held, "F1.timeout")]
    assert trades(result) == [(10, 101, 101 + bars_held, 10 * bars_held, "TIMEOUT")]


def test_max_bars_counts_from_the_fill_and_not_from_the_decision() -> None:
    rows = [FLAT, FLAT, LOW, FLAT, (103, 104, 102, 103), FLAT]
    result = run({0: buy(10, limit=95, max_bars=2)}, bars(*rows))
    assert fills(result) == [(2, "BUY", 10, 95, "F4.limit"), (4, "SELL", 10, 103, "F1.timeout")]


def test_max_bars_counts_bars_of_its_own_symbol() -> None:
    b = rising(6).drop(pd.Timestamp("2024-01-04"))
    result = run({0: buy(10, symbol="B", max_bars=2)}, {"A": bars(*[FLAT] * 6), "B": b})
    # In on bar 1; no bar 2; bars 3 and 4.
    assert fills(result)[1:] == [(4, "SELL", 10, 104, "F1.timeout")]


def look_away(s: Any) -> None:
    s.cancel(s.buy(1, limit=10))


@pytest.mark.parametrize("act", [look_away, buy(1, limit=10), lambda s: s.amend(s.orders[-1], limit=11)])
def test_max_bars_keeps_its_time_whatever_else_is_submitted(act: Any) -> None:
    script = {0: both(buy(10, max_bars=4), buy(1, limit=10)), 2: act, 3: act}
    result = run(script, rising(9))
    assert fills(result)[1:] == [(5, "SELL", 10, 105, "F1.timeout")]


def test_max_bars_and_the_bracket_end_each_other() -> None:
    order = buy(10, max_bars=2, stop_loss=95, take_profit=110)
    late = run({0: order}, bars(*[FLAT] * 5))
    assert fills(late)[1:] == [(3, "SELL", 10, 100, "F1.timeout")]
    assert ends(late)[1:] == [("CANCELLED", "OCO"), ("CANCELLED", "OCO"), ("FILLED", "")]
    early = run({0: order}, bars(FLAT, FLAT, LOW, FLAT, FLAT))
    assert fills(early)[1:] == [(2, "SELL", 10, 95, "F2.stop")]
    assert ends(early)[3] == ("CANCELLED", "OCO")


def test_max_bars_of_an_entry_at_the_close_counts_from_that_bar() -> None:
    result = run({0: buy(10, at_close=True, max_bars=1)}, rising(4))
    assert [f[0] for f in fills(result)] == [1, 2]


def test_max_bars_of_a_short_and_its_capped_rest() -> None:
    thin = bars(*[(*FLAT, 1e6)] * 2, *[(*FLAT, 1000)] * 3)
    result = run({0: sell(40, max_bars=1, stop_loss=120)}, thin, slippage=0.01)
    assert fills(result)[1:] == [(2, "BUY", 25, 101, "F1.timeout"), (3, "BUY", 15, 101, "F5.rest")]
    assert ends(result)[1] == ("CANCELLED", "OCO")
