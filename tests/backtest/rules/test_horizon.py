"""Between two events nothing is looked at: what counts bars or follows prices must not notice."""

from __future__ import annotations

import alphintra as al
import pytest

from .scripted import FLAT, bars, buy, fills, run


def test_max_bars_counts_on_while_other_orders_are_submitted() -> None:
    # bought at the open of bar 1: five bars later is the open of bar 6, whatever is submitted between them
    script = {0: buy(10, max_bars=5), 3: buy(1, limit=50), 4: buy(1, limit=51)}
    r = run(script, bars(*[FLAT] * 12))
    assert fills(r) == [(1, "BUY", 10.0, 100.0, "F1.open"), (6, "SELL", 10.0, 100.0, "F1.timeout")]


def test_a_trailing_level_is_taken_through_a_split_with_the_bars_before_it() -> None:
    # The highest price before the split is 110 on bar 3, two bars before it and two after the entry: 10 % below is 99,
    # in shares of after the split 49.5, which the low of bar 7 reaches and that of bar 6 (49.6) does not.
    before = [FLAT, FLAT, (100, 105, 100, 104), (104, 110, 103, 105), (105, 106, 102, 104)]
    after = [(52, 53, 51, 52), (52, 52, 49.6, 50), (50, 51, 49, 50), (50, 51, 49, 50)]
    data = al.data.with_events(bars(*before, *after), splits={"2024-01-09": 2.0})  # bar 5
    r = run({0: buy(10, trail_percent=0.1)}, data, prices="raw")
    assert fills(r) == [(1, "BUY", 10.0, 100.0, "F1.open"), (7, "SELL", 20.0, pytest.approx(49.5), "F14.trail")]


def test_a_date_that_goes_by_before_the_first_session_ends_the_order_at_that_session() -> None:
    # the instrument trades from bar 4 on, the order was good till the date of bar 2
    rows = bars(*[FLAT] * 8)
    data = al.data.resolve(rows, instruments=al.Instrument(start=str(rows.index[4].date())))
    r = run({0: buy(10, limit=99.5, good_till=str(rows.index[2].date()))}, data)
    order = r.columns["orders"]
    assert (order["state"], order["reason"]) == (["EXPIRED"], ["GOOD_TILL_DATE"])
    assert r.columns["events"]["time"][-1] == data.bars["DATA"].open_time[4]


def test_orders_of_callbacks_about_orders_are_told_at_the_next_bar() -> None:
    heard = []

    class Chain(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 1:
                self.buy(1, limit=50.0)

        def on_order(self, order: al.Strategy) -> None:
            heard.append((self.bar_index, order.id, order.state))
            if order.id == 0 and order.state == "WORKING":
                self.buy(1, limit=51.0)

    al.backtest(Chain, bars(*[FLAT] * 30))
    assert heard == [(1, 0, "WORKING"), (2, 1, "WORKING")]
