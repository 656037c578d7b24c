"""F0, F1, F10, F13, F17, F18: when an order works and how long, what comes first, how a run ends."""

from __future__ import annotations

import dataclasses
from typing import Any

import alphintra as al
import pandas as pd
import pytest
from alphintra.data import resolve

from .scripted import FLAT, assumption, bars, both, buy, ends, fills, run, scripted, sell, target


def test_f1_a_market_order_fills_at_the_next_open() -> None:
    # Decided at the close of bar 0 (100): filled at bar 1's open, 102, not at 100 nor at bar 1's close.
    result = run({0: buy(10)}, bars(FLAT, (102, 103, 101, 103), FLAT))
    assert fills(result) == [(1, "BUY", 10, 102, "F1.open")]
    # 2024-01-03 opens in New York at 14:30 UTC: a fill at the open carries the open time.
    assert result.fills["time"][0] == pd.Timestamp("2024-01-03 14:30", tz="UTC")


def test_f1_an_order_waits_for_the_next_bar_of_its_own_symbol() -> None:
    # B has no bar on the second day: its order fills at its open of the third, 51.
    a = bars(FLAT, FLAT, FLAT)
    b = bars((50, 51, 49, 50), (1, 1, 1, 1), (51, 52, 50, 52)).drop(pd.Timestamp("2024-01-03"))
    result = run({0: both(buy(1, symbol="A"), buy(1, symbol="B"))}, {"A": a, "B": b})
    assert fills(result) == [(1, "BUY", 1, 100, "F1.open"), (2, "BUY", 1, 51, "F1.open")]


def test_f1_fill_at_close_is_an_opt_in_and_tells_on_fill() -> None:
    told = []

    class Closer(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 0:
                self.buy(10)

        def on_fill(self, fill: Any) -> None:
            told.append((fill.price, fill.rule, self.position().size))

    result = al.backtest(Closer, bars((98, 101, 97, 100), FLAT), fill_at="close")
    assert fills(result) == [(0, "BUY", 10, 100, "F1.close")]
    assert told == [(100.0, "F1.close", 10.0)]
    assert [a["level"] for a in result.assumptions if a["code"] == "market_fill"] == ["warning"]


@pytest.mark.parametrize("times", [1, 4])  # 40 units are 4e9 lots of 1e-8, whose square no int64 holds
def test_f0_reductions_come_first_at_the_open_whatever_was_submitted_first(times: int) -> None:
    # Cash 1,000 (times 4). Order 0: buy 10 B at a limit of 50 (rests: B trades at 60). Order 1: buy 10 A at
    # 100: all the money. Order 2: sell A. At bar 3's open B is at 45: the older order 0 needs 450, which only
    # the sale of A frees.
    a = bars(FLAT, FLAT, FLAT, FLAT)
    b = bars((60, 61, 59, 60), (60, 61, 59, 60), (60, 61, 59, 60), (45, 46, 44, 45))
    q = 10 * times
    script = {0: buy(q, symbol="B", limit=50), 1: buy(q, symbol="A"), 2: sell(q, symbol="A")}
    result = run(script, {"A": a, "B": b}, cash=1000 * times, fractional=True)
    assert fills(result) == [
        (2, "BUY", q, 100, "F1.open"),
        (3, "SELL", q, 100, "F1.open"),
        (3, "BUY", q, 45, "F4.open"),
    ]


def test_f0_stops_come_before_limits_inside_the_bar() -> None:
    # Long 10. A sell limit at 105 is older than the sell stop at 95, without being its bracket: both prices
    # are in bar 2, the stop goes first and the limit then opens a short.
    script = {0: buy(10), 1: both(sell(10, limit=105), sell(10, stop=95))}
    result = run(script, bars(FLAT, FLAT, (100, 106, 94, 100)))
    assert fills(result)[1:] == [(2, "SELL", 10, 95, "F2.stop"), (2, "SELL", 10, 105, "F4.limit")]


def test_f0_on_fill_sees_the_closed_bar_and_comes_before_on_bar() -> None:
    seen = []

    class Watcher(al.Strategy):
        def on_bar(self) -> None:
            seen.append(("bar", self.bar_index, self.data.close[-1]))
            if self.bar_index == 0:
                self.buy(1)

        def on_fill(self, fill: Any) -> None:
            seen.append(("fill", self.bar_index, self.data.close[-1]))

    al.backtest(Watcher, bars(FLAT, (102, 104, 101, 103), FLAT))
    assert seen == [("bar", 0, 100.0), ("fill", 1, 103.0), ("bar", 1, 103.0), ("bar", 2, 100.0)]


def test_f0_an_order_from_on_order_works_from_the_next_bar() -> None:
    # The market order's acceptance at bar 0's close submits a stop at 95 from on_order; bar 1 trades through
    # it.
    class Protect(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 0:
                self.buy(1)

        def on_order(self, order: Any) -> None:
            if order.type == "MARKET" and order.state == "WORKING":
                self.sell(1, stop=95)

    result = al.backtest(Protect, bars(FLAT, (100, 101, 94, 96), FLAT, FLAT))
    assert fills(result) == [(1, "BUY", 1, 100, "F1.open"), (1, "SELL", 1, 95, "F2.stop")]


def test_an_order_beside_a_cancel_that_finds_nothing_still_fills_at_the_next_open() -> None:
    def act(s: Any) -> None:
        s.buy(1, symbol="A")
        assert s.cancel(symbol="B") == 0

    result = run({0: act}, {"A": bars(FLAT, FLAT, FLAT), "B": bars(FLAT, FLAT, FLAT)})
    assert fills(result) == [(1, "BUY", 1, 100, "F1.open")]


def test_cancelling_in_the_same_callback_is_before_any_fill() -> None:
    def act(s: Any) -> None:
        assert s.cancel(s.buy(1)) == 1

    for how in ("open", "close"):
        result = run({0: act}, bars(FLAT, FLAT), fill_at=how)
        assert fills(result) == []
        assert ends(result) == [("CANCELLED", "BY_STRATEGY")]


def hourly() -> pd.DataFrame:
    """Two sessions of three hourly bars."""
    index = pd.DatetimeIndex(
        [f"2024-01-{day:02} {hour}:30" for day in (2, 3) for hour in (14, 15, 16)], tz="UTC"
    )
    return pd.DataFrame([(*FLAT, 1e6)] * 6, index=index, columns=["open", "high", "low", "close", "volume"])


@pytest.mark.parametrize(
    ("decided", "finished"),
    [(0, "2024-01-02 17:30"), (2, "2024-01-03 17:30")],  # the session continues; a new one begins
)
def test_f17_day_orders_work_to_the_end_of_a_session(decided: int, finished: str) -> None:
    result = run({decided: buy(1, limit=50, tif="DAY")}, hourly())
    assert ends(result) == [("EXPIRED", "END_OF_DAY")]
    assert result.orders["finished"][0] == pd.Timestamp(finished, tz="UTC")


def test_f17_a_day_order_has_one_daily_bar_and_gtc_has_all() -> None:
    # The limit of 95 is passed on bar 2 only.
    data = bars(FLAT, FLAT, (100, 101, 94, 100))
    assert fills(run({0: buy(1, limit=95, tif="DAY")}, data)) == []
    assert fills(run({0: buy(1, limit=95)}, data)) == [(2, "BUY", 1, 95, "F4.limit")]


def test_f10_open_positions_are_marked_and_working_orders_reported() -> None:
    # 10 bought at 100, last close 104: equity 100,000 + 40; the trade is open and not counted.
    result = run({0: both(buy(10), buy(1, limit=50))}, bars(FLAT, FLAT, (100, 105, 99, 104)))
    assert result.curves.equity[-1] == 100_040
    assert ends(result) == [("FILLED", ""), ("UNFILLED_AT_END", "")]
    assert result.metrics["total_trades"] == 0
    assert result.metrics["open_trades"] == 1


@pytest.mark.parametrize(("how", "price"), [("last_close", 104.0), ("last_open", 102.0)])
def test_f10_close_at_end(how: str, price: float) -> None:
    result = run({0: buy(10)}, bars(FLAT, FLAT, (102, 105, 99, 104)), close_at_end=how)
    assert fills(result)[-1] == (2, "SELL", 10, price, "F10.end")
    assert result.curves.equity[-1] == 100_000 + 10 * (price - 100)


def test_f10_close_at_end_of_a_symbol_that_ended_early() -> None:
    # B's last bar is bar 1, its last open 48: the fill is at that price and its time is a time of the run.
    b = bars((50, 51, 49, 50), (48, 50, 46, 47))
    result = run({0: buy(1, symbol="B")}, {"A": bars(FLAT, FLAT, FLAT), "B": b}, close_at_end="last_open")
    assert fills(result)[-1] == (2, "SELL", 1, 48, "F10.end")
    assert result.fills["time"].iloc[-1].year == 2024


def test_f10_orders_from_on_stop_are_rejected() -> None:
    stop = buy(1, stop_loss=90)
    result = run({}, bars(FLAT, FLAT), on_stop=stop)
    assert ends(result) == [("REJECTED", "RUN_ENDED"), ("CANCELLED", "PARENT_CANCELLED")]
    assert list(result.events["state"]) == ["REJECTED", "CANCELLED"]
    said = assumption(result, "refused_orders")
    assert said is not None
    assert said["items"] == [
        "RUN_ENDED: 1, first order 0, BUY 1 DATA, 2024-01-03 21:00 – submit it in on_bar, or close what is open with "
        "close_at_end='last_close'"
    ]


def sma_of(n: int, symbol: str | None = None) -> Any:
    def start(s: Any) -> None:
        close = (s.data[symbol] if symbol else s.data).close
        s.mean = s.indicator(al.ta.SMA, close, n)

    return start


def test_f13_on_bar_begins_where_the_indicators_are_defined() -> None:
    # SMA(3) is defined at bar 2: the target of bar 2 fills at bar 3's open. The curves begin one bar before,
    # at bar 1.
    called = []
    result = run(
        {i: lambda s: called.append(s.bar_index) for i in range(5)}, bars(*[FLAT] * 5), on_start=sma_of(3)
    )
    assert called == [2, 3, 4]
    assert len(result.curves.equity) == 4


def test_f13_a_later_start_does_not_shorten_the_warm_up() -> None:
    # Closes 1 … 5; on_bar begins on the fourth day with the mean of days 2 to 4 = 3: history before start is
    # used.
    data = bars(*[(c, c, c, c) for c in range(1, 6)])
    seen = []
    run({3: lambda s: seen.append(s.mean[-1])}, data, on_start=sma_of(3), start="2024-01-05")
    assert seen == [3.0]


def test_f13_one_ready_symbol_is_enough() -> None:
    # B has two bars only, so its SMA(3) is never defined; A's is from bar 2 on.
    seen = []

    def start(s: Any) -> None:
        for symbol in ("A", "B"):
            s.indicator(al.ta.SMA, s.data[symbol].close, 3)

    look = {i: lambda s: seen.append((s.bar_index, s.ready("A"), s.ready("B"))) for i in range(4)}
    run(look, {"A": bars(*[FLAT] * 4), "B": bars(FLAT, FLAT)}, on_start=start)
    assert seen == [(2, True, False), (3, True, False)]


def test_f13_a_run_that_is_never_called_names_the_indicator() -> None:
    with pytest.raises(al.errors.WarmUpError, match=r"SMA\(5\) needs more than the 3 bars"):
        run({}, bars(FLAT, FLAT, FLAT), on_start=sma_of(5))


def test_f18_a_missing_bar_is_valued_at_the_last_close_and_counted() -> None:
    # 10 B bought at 50, close 52 on bar 1; no bar 2; close 55 on bar 3. Cash 1,000 − 500.
    b = bars((50, 51, 49, 50), (50, 53, 49, 52), (1, 1, 1, 1), (53, 56, 52, 55)).drop(
        pd.Timestamp("2024-01-04")
    )
    result = run({0: buy(10, symbol="B")}, {"A": bars(*[FLAT] * 4), "B": b}, cash=1000)
    assert list(result.curves.equity) == [1000, 1020, 1020, 1050]
    assert result.counts["stale_marks"] == 1


def test_a_month_ends_where_the_calendar_says() -> None:
    # The 22nd weekday from 2024-01-02 is 2024-01-31, the month's last session, although the data ends there.
    seen = []
    run(
        {i: lambda s: seen.append(s.bar_index) if s.every("month_end") else None for i in range(22)},
        bars(*[FLAT] * 22),
    )
    assert seen == [21]


def test_a_tick_rounds_order_prices_once_at_submission() -> None:
    # F7, tick 0.5: buy limit down, sell limit up, buy stop up, sell stop down.
    market = dataclasses.replace(resolve(bars(FLAT, FLAT)), tick=0.5)
    orders = both(buy(1, limit=95.3), sell(1, limit=104.6), buy(1, stop=105.2), sell(1, stop=95.3))
    result = al.backtest(scripted({0: orders}), market)
    assert [x for x in result.columns["orders"]["limit"] if x == x] == [95.0, 105.0]
    assert [x for x in result.columns["orders"]["stop"] if x == x] == [105.5, 95.0]


def test_a_newer_target_replaces_the_older() -> None:
    result = run({0: both(target(0.5), target(0.2))}, bars(FLAT, FLAT), cash=1000)
    assert fills(result) == [(1, "BUY", 2, 100, "F1.open")]
    assert ends(result) == [("CANCELLED", "REPLACED"), ("FILLED", "")]
