"""F3 and F15 with ``detail=``: finer bars say what came first, under the same rules."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from .scripted import FLAT, assumption, bars, buy, ends, fills, run, sell, trades

pytestmark = pytest.mark.usefixtures("either_core")

BRACKET = buy(10, stop_loss=95, take_profit=105)
DOUBT = (100.0, 106.0, 94.0, 100.0)  # stop and target in one day


def hours(day: str, *rows: tuple[float, ...]) -> pd.DataFrame:
    """Hourly bars from New York's open on; what the rows leave of the day stays at the last close."""
    full = [*rows, *[(rows[-1][3],) * 4] * (7 - len(rows))]
    index = pd.date_range(f"{day} 14:30", periods=7, freq="h", tz="UTC")
    return pd.DataFrame(full, index=index, columns=["open", "high", "low", "close"], dtype=float)


@pytest.mark.parametrize(
    ("rows", "price", "reason", "ambiguous"),
    [
        ([(100, 106, 99, 101), (101, 102, 94, 100)], 105, "TAKE_PROFIT", 0),
        ([(100, 101, 94, 96), (96, 106, 96, 100)], 95, "STOP_LOSS", 0),
        # both in one hour: the stop, and it stays in doubt
        ([(100, 106, 94, 100)], 95, "STOP_LOSS", 1),
        # an hour opens beyond the stop, or beyond the target: at that open
        ([(100, 101, 99, 100), (94, 95, 94, 95), (95, 106, 95, 100)], 94, "STOP_LOSS", 0),
        ([(100, 101, 99, 100), (106, 106, 94, 95), (95, 100, 95, 100)], 106, "TAKE_PROFIT", 0),
        # the target is touched only, and not passed: the stop
        ([(100, 105, 99, 101), (101, 101, 94, 95), (95, 106, 95, 100)], 95, "STOP_LOSS", 0),
    ],
)
def test_f3_finer_bars_decide(rows: list[Any], price: float, reason: str, ambiguous: int) -> None:
    result = run({0: BRACKET}, bars(FLAT, FLAT, DOUBT), detail=hours("2024-01-04", *rows))
    rule = "F2.stop" if ambiguous else "F3.detail"
    assert fills(result)[1:] == [(2, "SELL", 10, price, rule)]
    assert trades(result) == [(10, 100, price, 10 * (price - 100), reason)]
    assert (result.counts["ambiguous"], result.counts["resolved"]) == (ambiguous, 1 - ambiguous)
    assert ends(result)[2 if reason == "STOP_LOSS" else 1] == ("CANCELLED", "OCO")


def test_f3_a_short_is_the_mirror() -> None:
    script = {0: sell(10, stop_loss=105, take_profit=95)}
    down = [(100, 101, 94, 96), (96, 106, 96, 100)]
    result = run(script, bars(FLAT, FLAT, DOUBT), detail=hours("2024-01-04", *down))
    assert fills(result)[1:] == [(2, "BUY", 10, 95, "F3.detail")]


def test_f3_a_trailing_stop_is_held_against_finer_bars_too() -> None:
    # 101 − 4 = 97 after bar 1. The target comes first.
    rows = [(100, 106, 99, 101), (101, 102, 94, 100)]
    script = {0: buy(10, trail=4, take_profit=105)}
    result = run(script, bars(FLAT, FLAT, DOUBT), detail=hours("2024-01-04", *rows))
    assert fills(result)[1:] == [(2, "SELL", 10, 105, "F3.detail")]


def test_f2_a_stop_that_finer_bars_decided_slips_and_a_target_does_not() -> None:
    for rows, price in (
        ([(100, 106, 99, 101), (101, 102, 94, 100)], 105),
        ([(100, 101, 94, 96), (96, 106, 96, 100)], 95 * 0.99),
    ):
        data = bars(FLAT, FLAT, DOUBT)
        result = run({0: BRACKET}, data, detail=hours("2024-01-04", *rows), slippage=0.01)
        assert fills(result)[1][3] == pytest.approx(price)


def test_f3_a_day_without_finer_bars_is_decided_as_without_detail() -> None:
    result = run({0: BRACKET}, bars(FLAT, FLAT, DOUBT), detail=hours("2024-01-03", FLAT))
    assert fills(result)[1:] == [(2, "SELL", 10, 95, "F2.stop")]
    assert result.counts["ambiguous"] == 1


LIMIT = buy(10, limit=95, stop_loss=90, take_profit=105)
STOP = buy(10, stop=105, stop_loss=100, take_profit=110)


@pytest.mark.parametrize(
    ("order", "bar", "rows", "exits", "unsure"),
    [
        # 106 first, 94 after it: the target was never seen while in
        (LIMIT, (100, 106, 94, 96), [(100, 106, 99, 101), (101, 102, 94, 96)], [], 0),
        (LIMIT, (100, 106, 94, 104), [(100, 101, 94, 96), (96, 106, 96, 104)], [105], 0),
        # entry and target in one hour, whose close is not beyond it: nobody knows
        (LIMIT, (100, 106, 94, 96), [(100, 106, 94, 96)], [], 1),
        # … the close of the hour is: it was there after 94
        (LIMIT, (100, 107, 94, 106), [(100, 107, 94, 106)], [105], 0),
        # entry and stop of a limit in one hour
        (LIMIT, (100, 101, 89, 92), [(100, 101, 89, 92)], [90], 0),
        # the hour after the entry opens beyond the stop
        (LIMIT, (100, 101, 88, 92), [(100, 101, 94, 96), (88, 92, 88, 92)], [88], 0),
        # stop entry at 105: 99 came before it, or after it
        (STOP, (102, 106, 99, 103), [(102, 103, 99, 101), (101, 106, 101, 103)], [], 0),
        (STOP, (102, 106, 99, 103), [(102, 106, 102, 103), (103, 103, 99, 103)], [100], 0),
        # entry, then stop and target in one later hour: the stop, in doubt
        (STOP, (102, 111, 99, 103), [(102, 106, 102, 106), (106, 111, 99, 103)], [100], 0),
    ],
)
def test_f15_finer_bars_from_the_entry_on(
    order: Any, bar: tuple[float, ...], rows: list[Any], exits: list[float], unsure: int
) -> None:
    result = run({0: order}, bars(FLAT, bar), detail=hours("2024-01-03", *rows))
    assert fills(result)[1:] == [(1, "SELL", 10, price, "F3.detail") for price in exits]
    assert result.counts["ambiguous_entry"] == unsure
    assert result.counts["ambiguous"] == (len(rows) == 2 and rows[1] == (106, 111, 99, 103))


def test_f15_pessimistic_holds_inside_a_finer_bar_too() -> None:
    # In at 105 and at 99 in one hour: pessimistic says stopped at 100, 10 × −5; the others hold to 103, −20.
    result = run({0: STOP}, bars(FLAT, (102, 106, 99, 103)), detail=hours("2024-01-03", (102, 106, 99, 103)))
    entry = assumption(result, "ambiguous_entry")
    assert entry is not None
    assert [line.split(" ")[-1] for line in entry["items"]] == ["99,980.00", "99,950.00", "99,980.00"]


def test_f15_next_asks_no_finer_bars() -> None:
    rows = [(100, 101, 94, 96), (96, 106, 96, 104)]
    data = bars(FLAT, (100, 106, 94, 104))
    result = run({0: LIMIT}, data, detail=hours("2024-01-03", *rows), entry_bar="next")
    assert fills(result) == [(1, "BUY", 10, 95, "F4.limit")]
