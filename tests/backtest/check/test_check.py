"""F12: what reads the future is caught by name and time, and what does not passes."""

from __future__ import annotations

import statistics
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest

from .bars import CLOSES, frame
from .indicators import BARS, DAYS, OnIndicator, centred, lead, of_the_highest, strategy, zscore


def first_cut(check: al.Check) -> int:
    """Index of the earliest bar at which the data was cut."""
    return DAYS.index(min(p.time for p in check.points).date())


def the_indicator(check: al.Check) -> Any:
    """The one indicator that differs, named before everything else."""
    assert not check.passed and check.deterministic
    (found,) = [d for d in check.differences if d.kind == "indicator"]
    assert check.differences[0] is found
    return found


def test_a_shift_back_is_caught_at_the_cut() -> None:
    check = al.check(strategy(lead), BARS)
    found, cut = the_indicator(check), first_cut(check)
    assert (found.what, found.symbol, found.time.date(), found.cut) == ("lead", "DATA", DAYS[cut], found.time)
    assert found.whole == CLOSES[cut + 1]
    assert np.isnan(found.part)
    assert found.text == (
        f"the indicator lead at {DAYS[cut]} changed when later bars were removed: it reads the future."
    )
    assert "shift(-n)" in found.hint
    assert not any(p.ok for p in check.points) and len(check.points) == 8


def test_a_centred_average_is_caught_where_its_window_passes_the_cut() -> None:
    check = al.check(strategy(centred, 3), BARS)
    found, cut = the_indicator(check), first_cut(check)
    assert found.what == "centred(3)"
    assert found.time.date() == DAYS[cut - 2]  # the window of the bar before, cut - 3, ends at the cut
    assert found.whole == pytest.approx(statistics.fmean(CLOSES[cut - 5 : cut + 2]), rel=1e-12)
    assert np.isnan(found.part)


def test_a_whole_sample_z_score_is_caught_at_the_first_bar() -> None:
    check = al.check(strategy(zscore), BARS)
    found, cut = the_indicator(check), first_cut(check)
    assert (found.what, found.time.date()) == ("zscore", DAYS[0])

    def score(closes: list[float]) -> float:
        return (closes[0] - statistics.fmean(closes)) / statistics.pstdev(closes)

    assert found.whole == pytest.approx(score(CLOSES), rel=1e-12)
    assert found.part == pytest.approx(score(CLOSES[: cut + 1]), rel=1e-12)


def test_a_division_by_the_highest_of_all_is_caught_at_the_first_bar() -> None:
    check = al.check(strategy(of_the_highest), BARS)
    found, cut = the_indicator(check), first_cut(check)
    assert (found.what, found.time.date()) == ("of_the_highest", DAYS[0])
    assert found.whole == pytest.approx(CLOSES[0] / max(CLOSES), rel=1e-12)
    assert found.part == pytest.approx(CLOSES[0] / max(CLOSES[: cut + 1]), rel=1e-12)


def test_a_cut_at_the_first_on_bar_leaves_a_centred_average_without_a_value() -> None:
    """The shortened run never gets ready; that is the indicator's doing and is told as such."""
    check = al.check(strategy(centred, 3), BARS, points=60)
    assert DAYS.index(check.points[0].time.date()) == 3
    assert {d.kind for d in check.differences} == {"indicator", "order"}
    assert the_indicator(check).time.date() == DAYS[3]


def test_an_indicator_that_cannot_do_without_the_future_is_named() -> None:
    def needs_all(close: Any) -> Any:
        if len(close) < len(CLOSES):
            raise ValueError("too short")
        return close

    found = the_indicator(al.check(strategy(needs_all), BARS))
    assert (found.what, found.time.date(), found.whole) == ("needs_all", DAYS[0], CLOSES[0])
    assert "cannot be computed on the data up to" in found.text and "too short" in found.text


def test_outputs_of_a_tuple_are_told_apart() -> None:
    class Bands(OnIndicator):
        def declare(self) -> Any:
            def bands(close: Any) -> Any:
                return close - 1, np.append(close[1:], np.nan)

            self.low, self.high = self.indicator(bands, self.data.close)
            return self.low

    assert the_indicator(al.check(Bands, BARS)).what == "bands()[1]"


def ewm(close: Any) -> Any:
    return pd.Series(close).ewm(alpha=0.001, adjust=True).mean().to_numpy()


@pytest.mark.parametrize(
    ("function", "args"), [(al.ta.SMA, (5,)), (al.ta.EMA, (20,)), (ewm, ()), (al.ta.HT_TRENDLINE, ())]
)
def test_causal_indicators_pass_at_every_bar(function: Any, args: tuple[Any, ...]) -> None:
    """Also those whose memory never ends."""
    closes = frame([100 + 10 * np.sin(i / 3) + i / 10 for i in range(160)])
    check = al.check(strategy(function, *args), closes, points=1_000)
    assert check.passed and not check.differences, check
    first = {"SMA": 4, "EMA": 19, "ewm": 0, "HT_TRENDLINE": 63}[function.__name__]
    assert len(check.points) == 160 - first - 1  # from the first on_bar to the bar before the last
    assert check.raise_if_failed() is check
    assert check.summary == f"look-ahead: none found at {159 - first} points"


def test_a_difference_of_rounding_near_zero_is_none() -> None:
    def around_zero(close: Any) -> Any:
        """A Fourier filter of the bar itself: its rounding depends on the length."""
        return np.fft.irfft(np.fft.rfft(close - 120), len(close))

    assert al.check(strategy(around_zero), BARS, points=60).passed


def test_every_kind_of_order_and_the_end_pass() -> None:
    class Orders(al.Strategy):
        def on_start(self) -> None:
            self.buy(10, stop_loss=50.0, take_profit=1_000.0)
            self.sell(3, limit=900.0)

        def on_bar(self) -> None:
            self.record(equity=self.equity)
            close = self.data.close[-1]
            if self.bar_index % 7 == 0:
                self.buy(percent=0.1, limit=close, stop_loss_percent=0.05, take_profit_percent=0.05, tag="seven")
            elif self.bar_index % 7 == 3:
                self.buy(5, stop=close + 2, tif="DAY")
            elif self.bar_index % 7 == 5:
                self.cancel()
                self.close()

        def on_fill(self, fill: Any) -> None:
            if fill.order.tag == "seven":
                self.sell(1)

        def on_stop(self) -> None:
            self.record(equity=0.0)
            self.buy(1)

    for rules in ({}, {"close_at_end": "last_close"}, {"close_at_end": "last_open"}, {"fill_at": "close"}):
        check = al.check(Orders, BARS, points=60, commission=0.001, **rules)
        assert check.passed, check
        assert len(check.points) == 59


def test_a_run_that_ends_bankrupt_is_checked_up_to_there() -> None:
    class Short(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 2:
                self.order_target_percent(-1.0)

    closes = [100.0] * 5 + [210.0, 300.0, 400.0, 500.0]
    check = al.check(Short, frame(closes, volume=1e12), points=60)
    # Sold at 100; 210 takes more than was there: the run ends at bar 5, and 0 to 4 are checked.
    assert check.passed and len(check.points) == 5


def test_a_volume_that_begins_later_is_not_look_ahead() -> None:
    """F5: that volume is known is a fact about the dataset, though its first bars have none."""

    class Early(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 1:
                self.buy(10)

    assert al.check(Early, frame(CLOSES, volume=[0.0] * 20 + [1e6] * 40), points=60).passed


def test_symbols_that_start_later() -> None:
    """B has no bar, then few, when the data is cut: neither its absence nor its short arrays are look-ahead."""
    data = {"A": frame(CLOSES), "B": frame(CLOSES[:30], first=str(DAYS[30]))}
    seen: list[int] = []

    def mean(close: Any, count: int) -> Any:
        seen.append(len(close))
        if len(close) < count:
            raise ValueError("array too short")
        return al.ta.SMA(close, count)

    def distance(a: Any, b: Any) -> Any:
        return a - b

    class Both(al.Strategy):
        def on_start(self) -> None:
            self.means = {s: self.indicator(mean, self.data[s].close, 5) for s in self.data.symbols}
            self.upper, self.middle, self.lower = self.indicator(al.ta.BBANDS, self.data["B"].close, 4)
            self.spread = self.indicator(distance, self.data["A"].close, self.data["B"].close)

        def on_bar(self) -> None:
            for symbol, line in self.means.items():
                if self.ready(symbol):
                    if al.crossed_above(self.data[symbol].close, line):
                        self.order_target_percent(0.4, symbol)
                    elif al.crossed_below(self.data[symbol].close, line):
                        self.close(symbol)

    check = al.check(Both, data, points=60)
    assert check.passed, check
    # The joined spread counts for both symbols: A, ready by itself at bar 4, begins with B's first bar.
    assert DAYS.index(check.points[0].time.date()) == 30

    class Apart(Both):
        def on_start(self) -> None:
            self.means = {s: self.indicator(mean, self.data[s].close, 5) for s in self.data.symbols}
            self.z = self.indicator(al.ta.BBANDS, self.data["B"].close, 4)

    seen.clear()
    check = al.check(Apart, data, points=60)
    assert check.passed, check
    assert DAYS.index(check.points[0].time.date()) == 4
    assert {1, 2, 3, 4} <= set(seen) and 0 not in seen  # a function is not asked for a symbol without bars

    class Cheats(Apart):
        def on_start(self) -> None:
            super().on_start()
            self.ahead = self.indicator(of_the_highest, self.data["B"].close)

    found = the_indicator(al.check(Cheats, data, points=60))
    assert (found.what, found.symbol, found.time.date()) == ("of_the_highest", "B", DAYS[30])
    assert found.text.startswith(f"the indicator of_the_highest of B at {DAYS[30]} changed")
    # At the first cut that leaves B a bar, that bar is the highest of all.
    assert (found.whole, found.part) == (CLOSES[0] / max(CLOSES[:30]), 1.0)


AHEAD: list[Any] = []


def keep(close: Any) -> Any:
    AHEAD[:] = [close]
    return close


class ThroughAGlobal(al.Strategy):
    def on_start(self) -> None:
        self.indicator(keep, self.data.close)

    def on_bar(self) -> None:
        if self.bar_index + 1 < len(AHEAD[0]) and AHEAD[0][self.bar_index + 1] > self.data.close[-1]:
            self.order_target_percent(0.5)
        else:
            self.close()
        self.record(ahead=len(AHEAD[0]))


def test_a_global_that_holds_the_series_is_caught() -> None:
    check = al.check(ThroughAGlobal, BARS, points=60)
    assert [d.kind for d in check.differences] == ["recorded", "order"]
    recorded, order = check.differences
    assert (recorded.what, recorded.time.date(), recorded.whole, recorded.part) == ("ahead", DAYS[0], 60.0, 1.0)
    # 100, 108, 116: bar 0 buys because it knows bar 1, and alone it has nothing to know.
    assert (order.what, order.time.date(), order.cut) == ("order 0", DAYS[0], order.time)
    assert order.whole == f"BUY target_percent 0.5 DATA MARKET, decided {DAYS[0]} 21:00"
    assert order.part is None
    assert check.notes == (
        "The strategy reads AHEAD, which holds data outside self.data (a list with an array): what comes from there "
        "is not checked.",
    )


class BeyondTheEnd(ThroughAGlobal):
    def on_bar(self) -> None:
        if self.bar_index < len(BARS) - 1 and AHEAD[0][self.bar_index + 1] > self.data.close[-1]:
            self.order_target_percent(0.5)


def test_a_run_that_fails_without_the_future_is_caught() -> None:
    check = al.check(BeyondTheEnd, BARS)
    failed = check.differences[-1]
    cut = first_cut(check)
    assert (failed.kind, failed.what, failed.time.date(), failed.time) == (
        "error",
        "STRATEGY_ERROR",
        DAYS[cut],
        failed.cut,
    )
    assert failed.text.startswith(f"the run failed at {DAYS[cut]} when later bars were removed (BeyondTheEnd raised")
    assert f"index {cut + 1} is out of bounds" in failed.text


FUTURE = BARS["close"].to_numpy()


def test_data_that_no_cut_reaches_is_named() -> None:
    class Elsewhere(al.Strategy):
        table = {"SYMBOLS": ["A", "B"], "levels": (1.0, 2.0)}  # noqa: RUF012
        model = BARS

        def on_bar(self) -> None:
            if self.later() > self.data.close[-1]:
                self.order_target_percent(0.5)

        def later(self) -> float:
            return float(max(price for price in FUTURE))

    result = al.backtest(Elsewhere, BARS, check=True, commission=0.001, slippage=0.001)
    assert result.check.passed
    assert [note.split(", ")[0] for note in result.check.notes] == [
        "The strategy reads Elsewhere.model",
        "The strategy reads FUTURE",
    ]
    (entry,) = [a for a in result.assumptions if a["code"] == "look_ahead"]
    assert (entry["level"], entry["text"]) == ("warning", "look-ahead: none found at 8 points")
    assert entry["items"] == list(result.check.notes)


def test_bars_of_a_minute_are_named_with_their_time() -> None:
    minutes = BARS.set_axis(pd.date_range("2024-01-02 15:00", periods=60, freq="min", tz="UTC"))
    found = the_indicator(al.check(strategy(zscore), minutes))
    assert found.text.startswith("the indicator zscore at 2024-01-02T15:01:00Z changed")


def test_a_long_run_is_checked_in_compiled_code() -> None:
    """From 20,000 timestamps on the run is compiled, and the cuts may not be."""
    count = 20_500
    closes = [100 + 10 * np.sin(i / 7) for i in range(count)]
    data = frame(closes).set_axis(pd.date_range("2024-01-02", periods=count, freq="min", tz="UTC"))
    check = al.check(strategy(al.ta.SMA, 20), data)
    assert check.passed and len(check.points) == 8
    assert the_indicator(al.check(strategy(lead), data)).what == "lead"
