"""Splits, moving stops, amended orders, other currencies and finer bars raise no false alarm."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
from alphintra_backtest.check import cut

from .bars import CLOSES, frame

BARS = frame(CLOSES)
DAYS = list(BARS.index.date)


class Managed(al.Strategy):
    """Trails, amends and cancels working orders all along, so that each cut finds some at work."""

    def on_start(self) -> None:
        self.mean = self.indicator(al.ta.SMA, self.data.close, 5)
        self.entry = None

    def on_bar(self) -> None:
        close = self.data.close[-1]
        if self.bar_index % 9 == 4:
            self.cancel()
            self.close()
        elif self.bar_index % 9 == 6:
            self.buy(percent=0.3, trail_percent=0.04)
        elif self.bar_index % 9 == 8:
            self.entry = self.buy(7, limit=close * 0.9, tag="later")
        elif self.entry is not None and self.entry.is_working:
            self.amend(self.entry, limit=close * 0.97, quantity=7 + self.bar_index % 3)


def test_trailing_and_amended_orders() -> None:
    """Their prices move after the cut: what counts is where they stood at it."""
    check = al.check(Managed, BARS, points=60, commission=0.001)
    assert check.passed, check
    assert len(check.points) == 55
    assert "F14.trail" in set(al.backtest(Managed, BARS).fills["rule"])


def test_a_limit_of_bars() -> None:
    """The core counts the bars of ``max_bars`` ahead, up to where it stops: not what stands at the cut."""

    class Patient(al.Strategy):
        def on_bar(self) -> None:
            if not self.position() and self.bar_index % 4 == 1:
                self.buy(percent=0.3, max_bars=6)

    check = al.check(Patient, BARS, points=60)
    assert check.passed, check
    assert "TIMEOUT" in set(al.backtest(Patient, BARS).trades["exit_reason"])


def test_an_amendment_that_knows_the_future_is_caught() -> None:
    class Amends(al.Strategy):
        def on_start(self) -> None:
            self.high = self.indicator(lambda close: np.full(len(close), close.max()), self.data.close, name="high")

        def on_bar(self) -> None:
            if self.bar_index == 3:
                self.order = self.buy(5, limit=50.0)
            elif self.bar_index == 10:
                self.amend(self.order, limit=self.high[-1] / 4)

    check = al.check(Amends, BARS, points=60)
    assert [d.kind for d in check.differences] == ["indicator", "order"]
    order = check.differences[1]
    highest = max(CLOSES)
    assert order.whole == f"BUY 5 DATA LIMIT limit {highest / 4:.10g}, decided {DAYS[3]} 21:00"
    assert f"limit {max(CLOSES[:11]) / 4:.10g}," in str(order.part)


def test_raw_prices_with_splits() -> None:
    """AAPL splits in 2000 and 2005; orders work and positions are held over both."""
    market = al.data.resolve("us-equities-daily/AAPL", prices="raw")
    assert len(market.actions["AAPL"]) > 0
    check = al.check(Managed, "us-equities-daily/AAPL", prices="raw", points=25)
    assert check.passed, check


def test_a_cut_drops_what_was_not_known_yet() -> None:
    market = al.data.resolve("us-equities-daily/AAPL", prices="raw")
    known = market.actions["AAPL"].known
    part = cut(market, int(known[0]))
    assert (len(part.actions["AAPL"]), len(cut(market, int(known[0]) - 1).actions["AAPL"])) == (1, 0)
    assert part.actions["AAPL"].ex.tolist() == market.actions["AAPL"].ex[:1].tolist()
    assert part.instruments == market.instruments


def test_finer_bars_and_another_currency() -> None:
    hours: list[pd.Timestamp] = []
    rows: list[tuple[float, ...]] = []
    for day, row in BARS.iterrows():
        high, low = float(row["high"]), float(row["low"])
        start = pd.Timestamp(day).tz_localize("America/New_York") + pd.Timedelta(hours=9, minutes=30)
        for n, (o, c) in enumerate(((row["open"], low), (low, high), (high, row["close"]))):
            hours.append(start + pd.Timedelta(minutes=130 * n))
            rows.append((o, max(o, c), min(o, c), c, 1e5))
    fine = pd.DataFrame(rows, columns=["open", "high", "low", "close", "volume"], index=pd.DatetimeIndex(hours))
    rates = pd.Series(np.linspace(1.05, 1.15, 60), index=pd.DatetimeIndex(BARS.index).tz_localize("UTC"))

    class Brackets(al.Strategy):
        def on_bar(self) -> None:
            if not self.position():
                self.buy(percent=0.5, stop_loss_percent=0.03, take_profit_percent=0.03)

    options: dict[str, Any] = {
        "instruments": {"DATA": al.Instrument(currency="EUR")},
        "rates": {"EUR": rates},
        "detail": fine,
    }
    result = al.backtest(Brackets, BARS, check=True, **options)
    assert len(result.fills) > 10
    assert result.check is not None and result.check.passed, result.check
