"""The profile "backtesting.py", knob by knob; all numbers by hand, and backtesting.py says the same where it can."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest.options import options
from alphintra_backtest.signals_sweep import sweep_signals
from backtesting import Backtest, Strategy

from ..rules.scripted import ends, fills
from .peer_backtesting import Script, by_peer, by_profile, days_apart, difference

COLUMNS = ["open", "high", "low", "close"]
pytestmark = pytest.mark.filterwarnings("ignore:DatetimeIndex.dayofweek")


def bars(*rows: tuple[float, float, float, float]) -> pd.DataFrame:
    """A bar of open, high, low, close, with a day or two between them."""
    index = days_apart("2024-01-01", len(rows))
    return pd.DataFrame(rows, index=index, columns=COLUMNS, dtype=float).assign(volume=1000.0)


def both(frame: pd.DataFrame, script: Script, cash: float = 1000, **options: float) -> Any:
    """The profile's result, after both engines have come to the same."""
    margin = options.pop("margin", 1.0)
    peer = by_peer(frame, script, cash=cash, margin=margin, **options)
    own, result = by_profile(frame, script, cash=cash, initial_margin=margin, **options)
    assert difference(peer, own) is None
    return result


def order(
    side: int, size: float, *, limit: float | None = None, stop: float | None = None, sl: float | None = None,
    tp: float | None = None,
) -> tuple[Any, ...]:  # fmt: skip
    return ("order", side, size, limit, stop, sl, tp)


FLAT = (10.0, 10.5, 9.5, 10.0)


def test_a_fraction_is_of_the_free_margin_in_whole_units_with_the_commission_in_the_price() -> None:
    # 10 + 1 % is 10.1 a unit: 0.5 · 1000 // 10.1 = 49. Fee 4.9, so equity is 995.1; 49 · 10 are tied up, and
    # 505.1 · 0.5 // 10.1 = 25. At the end 74 are sold at the last open: three fees, 4.9 + 2.5 + 7.4.
    result = both(bars(*[FLAT] * 5), {1: [order(1, 0.5)], 2: [order(1, 0.5)]}, commission=0.01)
    assert fills(result) == [
        (2, "BUY", 49, 10, "F1.open"),
        (3, "BUY", 25, 10, "F1.open"),
        (4, "SELL", 74, 10, "F10.end"),
    ]
    assert result.metrics["final_equity"] == pytest.approx(1000 - 4.9 - 2.5 - 7.4, rel=1e-12)


def test_the_whole_free_margin_is_just_less_than_all_of_it() -> None:
    # percent=1 is backtesting.py's default size 1 − 2⁻⁵²: 1000 · (1 − 2⁻⁵²) // 10 = 99, not 100.
    class All(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 1:
                self.buy(percent=1.0)

    class PeerAll(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            pass

        def next(self) -> None:
            if len(self.data) == 2:
                self.buy()

    frame = bars(*[FLAT] * 4)
    result = al.backtest(All, frame, profile="backtesting.py", cash=1000)
    assert fills(result)[0] == (2, "BUY", 99, 10, "F1.open")
    stats = Backtest(frame.rename(columns=str.capitalize), PeerAll, cash=1000, finalize_trades=True).run()
    assert stats["_trades"]["Size"].tolist() == [99]


def test_open_trades_are_valued_at_the_close_of_the_bar_that_fills() -> None:
    # Bought 50 at 10. In the next bar an order for half of the free margin fills at the open 10, but the bar closes
    # at 12: equity 1000 + 100, tied up 600, free 500; 250 // 10 = 25.
    frame = bars(FLAT, FLAT, FLAT, (10, 12.5, 9.5, 12), FLAT)
    result = both(frame, {1: [order(1, 50)], 2: [order(1, 0.5)]})
    assert fills(result)[1] == (3, "BUY", 25, 10, "F1.open")


def test_an_order_that_cannot_be_paid_at_its_fill_is_cancelled_and_none_at_submission() -> None:
    # 100 · 10 is all there is; 101 are refused by the price of the fill alone: 99 · 10.2 > 1000 as well.
    frame = bars(FLAT, FLAT, FLAT, (10.2, 10.5, 9.5, 10), FLAT)
    result = both(frame, {1: [order(1, 101)], 2: [order(1, 99), order(1, 98)]})
    assert ends(result)[:3] == [
        ("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL"),
        ("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL"),
        ("FILLED", ""),
    ]


def test_margin_makes_the_free_margin_larger() -> None:
    # A quarter of the value must be there: 4 · 1000 // 10 = 400 · 0.5.
    result = both(bars(*[FLAT] * 4), {1: [order(-1, 0.5)]}, margin=0.25)
    assert fills(result)[0] == (2, "SELL", 200, 10, "F1.open")


def test_a_reversal_closes_even_where_the_rest_cannot_be_paid() -> None:
    # 60 held; 200 sold: 60 close at 10, the other 140 need 1400 of 1000 and are cancelled.
    result = both(bars(*[FLAT] * 5), {1: [order(1, 60)], 2: [order(-1, 200, sl=20)]})
    assert fills(result)[1] == (3, "SELL", 60, 10, "F1.open")
    assert ends(result)[1:3] == [("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL"), ("CANCELLED", "PARENT_CANCELLED")]
    assert result.events.query("order_id == 1")["state"].tolist() == ["WORKING", "PARTIALLY_FILLED", "CANCELLED"]


def test_a_limit_that_is_touched_fills() -> None:
    result = both(bars(FLAT, FLAT, (10, 10.2, 9.5, 10), FLAT), {1: [order(1, 10, limit=9.5)]})
    assert fills(result)[0] == (2, "BUY", 10, 9.5, "F4.limit")


def test_a_limit_that_the_open_betters_fills_at_the_open() -> None:
    result = both(bars(FLAT, FLAT, (9, 10.2, 8.5, 10), FLAT), {1: [order(1, 10, limit=9.5)]})
    assert fills(result)[0] == (2, "BUY", 10, 9, "F4.open")


@pytest.mark.parametrize(
    ("row", "price", "rule"), [((10, 11, 9.5, 10), 10.8, "F2.stop"), ((11.2, 12, 11, 11), 11.2, "F2.open")]
)
def test_stops(row: tuple[float, float, float, float], price: float, rule: str) -> None:
    result = both(bars(FLAT, FLAT, row, FLAT), {1: [order(1, 10, stop=10.8)]})
    assert fills(result)[0] == (2, "BUY", 10, price, rule)


def test_a_stop_limit_fills_at_its_stop_also_where_the_open_is_beyond_it() -> None:
    # Open 11.2 is above the stop 10.8 and below the limit 12; the price is the lower of stop and limit.
    result = both(bars(FLAT, FLAT, (11.2, 12, 11, 11), FLAT), {1: [order(1, 10, stop=10.8, limit=12)]})
    assert fills(result)[0] == (2, "BUY", 10, 10.8, "F16.stop")


def test_a_stop_limit_with_its_limit_on_the_near_side_waits_for_the_next_bar() -> None:
    # The bar holds the stop 10.8 and the limit 10.2: the limit is taken to have come first. The next open is 10.
    frame = bars(FLAT, FLAT, (10, 11, 9.5, 10.5), (10, 10.5, 9.9, 10), FLAT)
    result = both(frame, {1: [order(1, 10, stop=10.8, limit=10.2)]})
    assert fills(result)[0] == (3, "BUY", 10, 10, "F4.open")


def test_a_bracket_works_on_the_bar_of_a_market_entry_its_stop_first() -> None:
    # Bought at the open 10; the bar holds both 9.6 and 10.4.
    result = both(bars(FLAT, FLAT, FLAT, FLAT), {1: [order(1, 10, sl=9.6, tp=10.4)]})
    assert fills(result) == [(2, "BUY", 10, 10, "F1.open"), (2, "SELL", 10, 9.6, "F2.stop")]
    assert ends(result) == [("FILLED", ""), ("FILLED", ""), ("CANCELLED", "OCO")]


def test_a_bracket_waits_for_the_next_bar_after_a_limit_entry() -> None:
    # The entry bar holds 9.55 too, the next one opens at 9.4, below it.
    frame = bars(FLAT, FLAT, FLAT, (9.4, 9.5, 9, 9.2), FLAT)
    result = both(frame, {1: [order(1, 10, limit=9.8, sl=9.55)]})
    assert fills(result) == [(2, "BUY", 10, 9.8, "F4.limit"), (3, "SELL", 10, 9.4, "F2.open")]


def test_another_market_entry_of_that_bar_makes_it_work_at_once() -> None:
    # The list is gone through again for the second entry's bracket, and the limit entry's stop 9.55 is in it.
    frame = bars(FLAT, FLAT, FLAT, FLAT)
    result = both(frame, {1: [order(1, 10, limit=9.8, sl=9.55), order(1, 5, tp=12)]})
    assert fills(result)[:3] == [
        (2, "BUY", 10, 9.8, "F4.limit"),
        (2, "BUY", 5, 10, "F1.open"),
        (2, "SELL", 10, 9.55, "F2.stop"),
    ]


@pytest.mark.parametrize(("sl", "bar"), [(9.0, 2), (9.6, 3)])
def test_a_stop_entrys_target_fills_at_once_unless_the_bar_holds_its_stop_too(sl: float, bar: int) -> None:
    frame = bars(FLAT, FLAT, (10, 11, 9.5, 10.5), (10.9, 11, 10.5, 10.8), FLAT)
    result = both(frame, {1: [order(1, 10, stop=10.2, sl=sl, tp=10.8)]})
    price = 10.8 if bar == 2 else 10.9
    rule = "F4.limit" if bar == 2 else "F4.open"
    assert fills(result) == [(2, "BUY", 10, 10.2, "F2.stop"), (bar, "SELL", 10, price, rule)]


def test_a_bracket_closes_the_trade_of_its_own_entry() -> None:
    # The second entry's stop 9.7 is hit on bar 4; the first entry stays, although it is older.
    quiet = (10.0, 10.2, 9.9, 10.0)
    frame = bars(quiet, quiet, quiet, (10.1, 10.2, 9.9, 10), (10, 10.1, 9.6, 10), quiet)
    result = both(frame, {1: [order(1, 30)], 2: [order(1, 20, sl=9.7)]})
    trades = result.trades
    assert trades["quantity"].tolist() == [30, 20]
    assert trades["entry_price"].tolist() == [10, 10.1]
    assert trades["exit_price"].tolist() == pytest.approx([10, 9.7])
    assert trades["exit_reason"].tolist() == ["SIGNAL", "STOP_LOSS"]


def test_an_opposite_order_takes_from_the_oldest_entry_and_its_bracket_shrinks() -> None:
    # 30 of which 10 are sold; the stop of the first entry is then for 20.
    quiet = (10.0, 10.2, 9.9, 10.0)
    frame = bars(quiet, quiet, quiet, quiet, (10, 10.1, 9.6, 10), quiet)
    result = both(frame, {1: [order(1, 30, sl=9.7), order(1, 15)], 2: [order(-1, 10)]})
    assert fills(result)[2:] == [
        (3, "SELL", 10, 10, "F1.open"),
        (4, "SELL", 20, 9.7, "F2.stop"),
        (5, "SELL", 15, 10, "F10.end"),
    ]


def test_closing_goes_first_so_that_what_was_submitted_before_it_can_be_paid() -> None:
    # 90 held; 80 more cannot be paid until the close, submitted after them, has sold the 90.
    result = both(bars(*[FLAT] * 5), {1: [order(1, 90)], 2: [order(1, 80), ("close",)]})
    assert fills(result)[1:3] == [(3, "SELL", 90, 10, "F1.open"), (3, "BUY", 80, 10, "F1.open")]


def test_the_end_is_the_last_bar_once_more() -> None:
    # Held: 10 from bar 2. The last decision buys 5; the last bar is gone through again, closings first. The 5 are
    # bought at the last open 11 and stay; equity at the close 12 is 1000 + 10 · (11 − 10) + 5 · (12 − 11).
    frame = bars(FLAT, FLAT, FLAT, (11, 12, 10.5, 12))
    result = both(frame, {1: [order(1, 10)], 3: [order(1, 5)]})
    assert fills(result)[1:] == [(3, "SELL", 10, 11, "F10.end"), (3, "BUY", 5, 11, "F1.open")]
    assert result.metrics["final_equity"] == pytest.approx(1015)
    assert result.trades["open"].tolist() == [False, True]


def test_on_bar_begins_one_bar_after_all_indicators_are_defined() -> None:
    frame = bars(*[FLAT] * 12)
    seen: dict[str, int] = {}

    def mean(values: Any, n: int) -> Any:
        return pd.Series(values).rolling(n).mean().to_numpy()

    class Two(al.Strategy):
        def on_start(self) -> None:
            self.indicator(mean, self.data.close, 3)
            self.indicator(mean, self.data.close, 6)

        def on_bar(self) -> None:
            seen.setdefault("profile", self.bar_index)

    class PeerTwo(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.short = self.I(mean, self.data.Close, 3)
            self.long = self.I(mean, self.data.Close, 6)

        def next(self) -> None:
            seen.setdefault("peer", len(self.data) - 1)

    al.backtest(Two, frame, profile="backtesting.py")
    Backtest(frame.rename(columns=str.capitalize), PeerTwo).run()
    assert seen == {"profile": 6, "peer": 6}  # the mean of six is defined on bar 5


def test_equity_at_zero_ends_the_run_and_closes_what_is_open() -> None:
    # 90 short at 10 with a margin of a half; at 22 that is 1000 − 90 · 12 < 0.
    frame = bars(FLAT, FLAT, FLAT, (20, 22, 20, 22), FLAT)
    result = both(frame, {1: [order(-1, 90)]}, margin=0.5)
    assert fills(result) == [(2, "SELL", 90, 10, "F1.open"), (3, "BUY", 90, 22, "F11.bankrupt")]
    assert result.counts["bankrupt"]


def test_several_symbols_share_the_free_margin() -> None:
    # backtesting.py has one symbol; here each order of the list takes from what those before it have left:
    # 500 // 10 = 50 of A, then 250 // 20 = 12 of B.
    class Two(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 1:
                self.buy(percent=0.5, symbol="A")
                self.buy(percent=0.5, symbol="B")

    data = {"A": bars(*[FLAT] * 4), "B": bars(*[(20.0, 21.0, 19.0, 20.0)] * 4)}
    result = al.backtest(Two, data, profile="backtesting.py", cash=1000)
    assert [row[:4] for row in fills(result)[:2]] == [(2, "BUY", 50, 10), (2, "BUY", 12, 20)]


def test_whole_lots_whatever_the_instrument_trades_in() -> None:
    class Buys(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 1:
                self.buy(10.7)

    result = al.backtest(
        Buys, bars(*[FLAT] * 4), profile="backtesting.py", instruments=al.Instrument(lot=0.1), cash=1000
    )
    assert fills(result)[0][2] == 10


def test_what_has_no_peer_works_in_the_list_as_well() -> None:
    """A target, a trailing stop, bars to hold, orders for one open: at their turn, by the default's prices."""

    class Mixed(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 1:
                self.order_target_quantity(20)
                self.buy(5, max_bars=1)
                self.buy(3, limit=5, tif="IOC")
            if self.bar_index == 3:
                self.sell(trail=0.4, quantity=20)

    # The trail of 0.4 from the close 10 is 9.6, and the bar after it falls to 9.5.
    result = al.backtest(Mixed, bars(*[FLAT] * 6), profile="backtesting.py", cash=1000)
    assert fills(result) == [
        (2, "BUY", 20, 10, "F1.open"),
        (2, "BUY", 5, 10, "F1.open"),
        (3, "SELL", 5, 10, "F1.timeout"),
        (4, "SELL", 20, 9.6, "F14.trail"),
    ]
    assert ends(result)[3] == ("EXPIRED", "IMMEDIATE")


def test_what_closes_and_then_cannot_be_paid_ends_its_group() -> None:
    class Group(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 1:
                self.buy(60)
            if self.bar_index == 2:
                self.oco(self.sell(200, limit=10.2), self.sell(10, stop=9))

    # The limit is touched, sells the 60 at 10.2; for the other 140 there are 1012 of 1428.
    result = al.backtest(Group, bars(*[FLAT] * 5), profile="backtesting.py", cash=1000)
    assert fills(result)[1] == (3, "SELL", 60, 10.2, "F4.limit")
    assert ends(result)[1:] == [("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL"), ("CANCELLED", "OCO")]


class Signals(al.Strategy):
    """Long on the first bar's signal, with a stop."""

    def signals(self, data: Any) -> al.Signals:
        entries = np.zeros(len(data.close), dtype=bool)
        entries[1] = True
        return al.Signals(entries=entries, size=0.5, stop_loss_percent=0.04)


def test_signals_run_by_on_bar() -> None:
    # Half of 1000 at the open 10 is 50; the stop 9.6 lies in the entry's own bar, after a market entry.
    result = al.backtest(Signals, bars(*[FLAT] * 4), profile="backtesting.py", cash=1000)
    assert fills(result) == [(2, "BUY", 50, 10, "F1.open"), (2, "SELL", 50, 9.6, "F2.stop")]


def test_a_sweep_of_signals_is_refused() -> None:
    config = options(
        cash=1000, commission=0, slippage=0, profile="backtesting.py", risk_free_rate=0.0, seed=0, rules={}
    )
    with pytest.raises(al.errors.RuleError, match=r"signals are swept with bar_order='reductions', not 'closings'"):
        sweep_signals(Signals, al.data.resolve(bars(*[FLAT] * 4)), [{}], config)


def test_verify_takes_the_profile_as_an_engine() -> None:
    class Buys(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 1:
                self.buy(percent=0.5, limit=9.5)

    verification = al.verify(Buys, bars(*[FLAT] * 4), ["default", "backtesting.py"], cash=1000)
    assert not verification.equal
    text = verification.comparisons[0].explanation
    assert "They differ in profile 'default' against 'backtesting.py'." in text
    assert "The profiles set" in text and "limit_fill" in text


def test_what_a_run_changes_is_what_differs_from_its_profile() -> None:
    class Idle(al.Strategy):
        def on_bar(self) -> None:
            pass

    result = al.backtest(Idle, bars(*[FLAT] * 4), profile="backtesting.py", limit_fill="strict")
    assert result.run["configuration"]["rules"] == {"limit_fill": "strict"}
    (told,) = (a for a in result.assumptions if a["code"] == "profile")
    assert told["text"] == "profile: simulated as backtesting.py does"
    assert "percent_of=free_margin" in told["items"] and "limit_fill=touch" not in told["items"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "lena"}, "unknown profile 'lena'.*there is: default, backtesting.py"),
        ({"trades": "entry_order"}, "goes only with bar_order='closings'.*profile='backtesting.py'"),
        ({"profile": "backtesting.py", "entry_bar": "certain"}, "does not go with bar_order='closings'.*market_parent"),
        ({"profile": "backtesting.py", "max_share": 0.1}, "max_share=0.1 does not go with bar_order='closings'"),
        ({"profile": "backtesting.py", "fractional": True}, "lots='whole' goes with fractional=False only"),
        ({"profile": "backtesting.py", "commission": al.Commission(minimum=1.0)}, "commission .* does not go with"),
        (
            {"profile": "backtesting.py", "instruments": al.Instrument(multiplier=10.0)},
            "multipliers and margins per contract.*use data without them",
        ),
    ],
)
def test_rules_that_contradict_each_other_are_refused(options: dict[str, Any], message: str) -> None:
    class Idle(al.Strategy):
        def on_bar(self) -> None:
            pass

    with pytest.raises(al.errors.RuleError, match=message):
        al.backtest(Idle, bars(*[FLAT] * 4), **options)


def test_splits_are_refused_where_prices_are_raw() -> None:
    class Idle(al.Strategy):
        def on_bar(self) -> None:
            pass

    market = al.data.with_events(al.data.resolve(bars(*[FLAT] * 4), prices="raw"), splits={"DATA": {"2024-01-05": 2.0}})
    with pytest.raises(al.errors.RuleError, match=r"splits and dividends.*prices='adjusted'"):
        al.backtest(Idle, market, profile="backtesting.py", prices="raw")
