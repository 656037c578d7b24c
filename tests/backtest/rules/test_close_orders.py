"""F0 (4): market-on-close orders, at the last price of a session."""

from __future__ import annotations

import pandas as pd
import pytest
from alphintra.errors import StrategyError

from .scripted import FLAT, bars, both, buy, ends, events, fills, run, sell, trades

pytestmark = pytest.mark.usefixtures("either_core")


def hourly(*closes: float) -> pd.DataFrame:
    """Two sessions of three hourly bars."""
    index = pd.DatetimeIndex([f"2024-01-{day:02} {hour}:30" for day in (2, 3) for hour in (14, 15, 16)], tz="UTC")
    rows = [(100.0, max(c, 100.0) + 1, min(c, 100.0) - 1, c, 1e6) for c in closes]
    return pd.DataFrame(rows, index=index, columns=["open", "high", "low", "close", "volume"])


def test_f0_daily_bars_it_fills_at_the_next_close_and_slips() -> None:
    result = run({0: buy(10, at_close=True)}, bars(FLAT, (100, 105, 99, 104), FLAT), slippage=0.01)
    assert fills(result) == [(1, "BUY", 10, 105.04, "F0.close")]  # 104 × 1.01
    # 2024-01-03 closes in New York at 21:00 UTC.
    assert result.fills["time"][0] == pd.Timestamp("2024-01-03 21:00", tz="UTC")
    assert result.columns["fills"]["source"] == ["close"]


@pytest.mark.parametrize(("decided", "filled", "price"), [(0, 2, 103), (1, 2, 103), (2, 5, 106), (4, 5, 106)])
def test_f0_intraday_bars_it_fills_at_the_session_s_last_bar(decided: int, filled: int, price: float) -> None:
    result = run({decided: buy(10, at_close=True)}, hourly(101, 102, 103, 104, 105, 106))
    assert fills(result) == [(filled, "BUY", 10, price, "F0.close")]


def test_f0_it_comes_after_what_is_inside_the_bar() -> None:
    # The older order is that of the close; the limit of 95 fills inside the bar, before it.
    script = {0: both(buy(10, at_close=True), buy(10, limit=95))}
    assert fills(run(script, bars(FLAT, (100, 101, 94, 98)))) == [
        (1, "BUY", 10, 95, "F4.limit"), (1, "BUY", 10, 98, "F0.close"),
    ]  # fmt: skip


def test_f0_what_reduces_comes_first_at_the_close_too() -> None:
    # 1,000 in A. Order 1 wants 9 B at the close: there is no money for it but from order 2, the sale of A, which
    # was submitted later, when B had fallen to 1 and could be paid.
    a = bars(FLAT, FLAT, FLAT, FLAT)
    b = bars(FLAT, FLAT, (100, 100, 1, 1), (1, 101, 1, 100))
    script = {
        0: buy(9, symbol="A"),
        2: both(buy(9, symbol="B", at_close=True), sell(9, symbol="A", at_close=True)),
    }
    result = run(script, {"A": a, "B": b}, cash=1000)
    assert [f[:4] for f in fills(result)] == [(1, "BUY", 9, 100), (3, "SELL", 9, 100), (3, "BUY", 9, 100)]


def test_f6_it_sizes_at_the_close() -> None:
    # All of 1,000 at a close of 104 is 9.6, of 50 at the open it would be 20.
    result = run({0: buy(percent=1.0, at_close=True)}, bars(FLAT, (50, 105, 49, 104)), cash=1000)
    assert [f[2:4] for f in fills(result)] == [(9, 104)]


def test_f15_children_of_an_entry_at_the_close_work_from_the_next_bar() -> None:
    # The bar's low of 90 was before the entry at 102.
    rows = bars(FLAT, (100, 103, 90, 102), (100, 101, 94, 96))
    result = run({0: buy(10, at_close=True, stop_loss=95)}, rows)
    assert fills(result)[1:] == [(2, "SELL", 10, 95, "F2.stop")]
    assert result.counts["ambiguous_entry"] == 0


def test_f5_the_rest_waits_for_the_next_close() -> None:
    result = run({0: buy(60, at_close=True)}, bars(*[(*FLAT, 1000)] * 4))
    assert [f[:3] + f[4:] for f in fills(result)] == [
        (1, "BUY", 25, "F0.close"), (2, "BUY", 25, "F0.close"), (3, "BUY", 10, "F0.close"),
    ]  # fmt: skip


def test_f17_for_the_day_only() -> None:
    result = run({0: buy(60, at_close=True, tif="DAY")}, bars(*[(*FLAT, 1000)] * 4))
    assert [f[:3] for f in fills(result)] == [(1, "BUY", 25)]
    assert ends(result) == [("EXPIRED", "END_OF_DAY")]


def test_f1_it_waits_for_a_bar_of_its_own_symbol() -> None:
    b = bars(FLAT, FLAT, (100, 105, 99, 104)).drop(pd.Timestamp("2024-01-03"))
    result = run({0: buy(1, symbol="B", at_close=True)}, {"A": bars(*[FLAT] * 3), "B": b})
    assert fills(result) == [(2, "BUY", 1, 104, "F0.close")]


def test_f6_without_money_it_is_cancelled_at_the_close() -> None:
    result = run({0: buy(10, at_close=True)}, bars(FLAT, (100, 111, 99, 110)), cash=1000)
    assert ends(result) == [("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL")]
    assert events(result, "CANCELLED")[0][0] == "2024-01-03 21:00"


def test_m10_a_round_trip_within_one_bar() -> None:
    # In at the open of 100, out at the close of 104.
    result = run({0: both(buy(10), sell(10, at_close=True))}, bars(FLAT, (100, 105, 99, 104)))
    assert trades(result) == [(10, 100, 104, 40, "SIGNAL")]


@pytest.mark.parametrize("options", [{"limit": 90}, {"stop": 110}, {"tif": "IOC"}, {"tif": "FOK"}])
def test_it_takes_no_price_and_no_immediate_time(options: dict[str, object]) -> None:
    with pytest.raises(StrategyError, match="order type of its own"):
        run({0: buy(1, at_close=True, **options)}, bars(FLAT, FLAT))
