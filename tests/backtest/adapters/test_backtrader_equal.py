"""The same strategy in plain cerebro and through us: same fills, same account, same analyzers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import alphintra as al
import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest.adapters.backtrader_terms import markets

from .plain import assert_equal, direct, frame, ours
from .scripts import Scripted, script

AAPL = "us-equities-daily/AAPL"


def bars_of(name: str) -> dict[str, pd.DataFrame]:
    """The bars of a dataset as the frames that a backtrader user would load."""
    market, _ = markets(name, None, None, None)
    return {
        s: pd.DataFrame(
            {f: getattr(b, f) for f in ("open", "high", "low", "close", "volume")},
            index=pd.DatetimeIndex(np.asarray(b.session).astype("datetime64[D]")),
        )
        for s, b in market.bars.items()
    }


class Cross(bt.Strategy):
    params = (("fast", 20), ("slow", 50), ("size", 100))

    def __init__(self) -> None:
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=self.p.fast), bt.ind.SMA(period=self.p.slow))

    def next(self) -> None:
        if self.cross > 0:
            self.buy(size=self.p.size)
        elif self.cross < 0 and self.position:
            self.close()


ANALYZERS: tuple[Any, ...] = (
    (bt.analyzers.SharpeRatio, {}),
    (bt.analyzers.DrawDown, {"_name": "down"}),
    (bt.analyzers.TradeAnalyzer, {}),
    (bt.analyzers.TimeReturn, {"timeframe": bt.TimeFrame.Months}),
    (bt.analyzers.SQN, {}),
    (bt.analyzers.VWR, {}),
    (bt.analyzers.Transactions, {}),
)


def assert_same_analyses(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert list(mine) == list(theirs)
    for name in theirs:
        assert plain(mine[name]) == plain(theirs[name]), name


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else repr(value)


def test_a_crossing_of_aapl_and_its_analyzers() -> None:
    run = direct(Cross, bars_of(AAPL), commission=0.001, slippage=0.0005, params={"fast": 10}, analyzers=ANALYZERS)
    result = al.backtest(
        Cross, AAPL, engine="backtrader", commission=0.001, slippage=0.0005, params={"fast": 10}, analyzers=ANALYZERS
    )
    assert len(run.fills) > 50
    assert_equal(result, run)
    assert_same_analyses(result.analyzers, run.analyses)
    assert type(result.analyzers["down"]) is dict and type(result.analyzers["down"]["max"]) is dict
    assert result.run["parameters"] == {"fast": 10, "slow": 50, "size": 100}


def test_our_drawdown_and_trades_are_backtraders_too() -> None:
    """Two readings of one account: its drawdown analyzer and our metric, its net P&L and our trades'."""
    result = al.backtest(
        Cross, AAPL, engine="backtrader", commission=0.001,
        analyzers=[bt.analyzers.DrawDown, bt.analyzers.TradeAnalyzer],
    )  # fmt: skip
    down, trades = result.analyzers["drawdown"], result.analyzers["tradeanalyzer"]
    assert result.metrics["max_drawdown"] == pytest.approx(-down["max"]["drawdown"] / 100, rel=1e-9)
    assert trades["total"]["closed"] == result.metrics["total_trades"]
    assert float(result.trades["pnl"].sum()) == pytest.approx(trades["pnl"]["net"]["total"], rel=1e-9)


def test_two_feeds_in_universe_order_named_by_symbol() -> None:
    name = "us-equities-daily/MSFT,IBM"

    class Pair(bt.Strategy):
        def next(self) -> None:
            if len(self) % 20 == 1:
                self.order_target_percent(self.getdatabyname("MSFT"), target=0.4)
                self.order_target_percent(self.datas[1], target=0.5)
            elif len(self) % 20 == 11:
                self.close(self.data1)

    frames = bars_of(name)
    result = al.backtest(Pair, name, engine="backtrader", commission=0.001)
    assert list(frames) == list(result.run["symbols"])
    assert_equal(result, direct(Pair, frames, commission=0.001))


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", range(48))
def test_a_random_script(seed: int) -> None:
    """One to three feeds, all order types, some with missing bars, little cash, costs, and each way to cheat."""
    rng = np.random.default_rng(seed)
    feeds = 1 + seed % 3
    missing = 0.15 if seed % 4 == 3 else 0.0
    frames = {f"S{i}": frame(100 * seed + i, price=(100.0, 40.0, 7.0)[i], missing=missing) for i in range(feeds)}
    costs = {"cash": (100_000.0, 6_000.0)[seed % 2], "commission": float(rng.choice([0.0, 0.001, 0.004]))}
    costs["slippage"] = float(rng.choice([0.0, 0.002]))
    cheats = {
        "cheat_on_open": seed % 8 == 5,
        "cheat_on_close": seed % 8 == 6,
        "checksubmit": seed % 5 != 4,
    }
    params = {"script": script(seed, 160, feeds, fractional=seed % 3 == 2), "opening": seed % 8 == 5}
    run = direct(Scripted, frames, params=params, **costs, **cheats)
    result = al.backtest(Scripted, frames, engine="backtrader", params=params, **costs, **cheats)
    assert len(run.fills) >= 10
    assert_equal(result, run)
    assert_consistent(result)
    # Only a fill at an earlier close is booked a bar later by backtrader: all else our logs give to the cent.
    own_curve = [a for a in result.assumptions if a["code"] == "engine_equity"]
    assert all(a["level"] == "info" for a in own_curve)
    if not missing and not cheats["cheat_on_close"] and not cheats["cheat_on_open"]:
        assert not own_curve


def assert_consistent(result: Any) -> None:
    """The tables agree: P&L with the account (M10), events with orders and fills, prices with the bars."""
    trades, fills, orders, events = result.trades, result.fills, result.orders, result.events
    last = {s: b.close[-1] for s, b in result.market.bars.items()}
    still = trades[trades["open"]]
    sign = np.where(still["side"] == "BUY", 1.0, -1.0)
    marked = (sign * still["quantity"] * (still["symbol"].map(last).astype(float) - still["entry_price"])).sum()
    gain = float(result.equity.iloc[-1]) - result.run["configuration"]["cash"]
    assert trades["pnl"].sum() + marked - still["commission"].sum() == pytest.approx(gain, abs=1e-4)
    assert events["time"].is_monotonic_increasing or set(events["time"]) >= set(fills["time"])
    own = dict(list(events.groupby("order_id")["state"]))
    for order, state, filled in zip(orders["id"], orders["state"], orders["filled"], strict=True):
        told = list(own[order])
        assert told[0] in ("WORKING", "WAITING", "REJECTED") and told[-1] == state
        assert told.count("FILLED") + told.count("CANCELLED") + told.count("EXPIRED") + told.count("REJECTED") <= 1
        assert fills.loc[fills["order_id"] == order, "quantity"].sum() == pytest.approx(filled, abs=1e-8)
    assert result.to_json()


def test_the_random_scripts_cover_what_they_claim() -> None:
    """All order types, ends of orders and rules appear in the scripts above."""
    states, reasons, rules, types = set(), set(), set(), set()
    for seed in range(0, 48, 3):
        feeds = 1 + seed % 3
        frames = {f"S{i}": frame(100 * seed + i) for i in range(feeds)}
        params = {"script": script(seed, 160, feeds, fractional=False)}
        result = al.backtest(Scripted, frames, engine="backtrader", params=params, cash=(100_000, 6_000)[seed % 2])
        states |= set(result.orders["state"])
        reasons |= set(result.orders["reason"])
        types |= set(result.orders["type"]) | set(result.orders["tag"])
        rules |= set(result.fills["rule"])
        states |= set(result.events["state"])
    assert states >= {
        "WORKING", "WAITING", "TRIGGERED", "FILLED", "CANCELLED", "REJECTED", "EXPIRED", "UNFILLED_AT_END",
    }  # fmt: skip
    assert reasons >= {"INSUFFICIENT_FUNDS", "OCO", "PARENT_CANCELLED", "BY_STRATEGY", "END_OF_DAY"}
    assert rules >= {"F1.open", "F2.open", "F2.stop", "F4.open", "F4.limit", "F16.stop", "F16.limit"}
    assert types >= {"MARKET", "LIMIT", "STOP_LIMIT", "StopTrailLimit"}


def test_start_calls_the_strategy_from_there_on_with_warm_indicators() -> None:
    """``next`` begins at ``start``; the indicator has seen all earlier bars (F13)."""
    first = dt.date(2008, 1, 2)

    class Guarded(Cross):
        def next(self) -> None:
            if self.data.datetime.date(0) >= first:
                super().next()

    result = al.backtest(Cross, AAPL, engine="backtrader", start=first, end="2011-12-30")
    frames = {s: f[:"2011-12-30"] for s, f in bars_of(AAPL).items()}
    run = direct(Guarded, frames)
    assert ours(result)[0][0] < dt.date(2008, 6, 1)
    assert_equal(result, run)
    assert result.equity.index[0].date() == dt.date(2007, 12, 31)


@pytest.mark.parametrize("runonce", [True, False])
def test_start_without_indicators_is_fromdate(runonce: bool) -> None:
    """Without indicators nothing of the past is left: as if the data began at ``start``, analyzers included."""

    class Calls(bt.Strategy):
        def __init__(self) -> None:
            if not runonce:
                self.cerebro._disable_runonce()
            self.calls: list[str] = []

        def nextstart(self) -> None:
            self.calls.append("nextstart")
            self.buy(size=50)
            self.next()

        def next(self) -> None:
            self.calls.append("next")
            if len(self.calls) % 30 == 0:
                self.order_target_percent(target=0.5 if len(self.calls) % 60 else 0.0)

        def stop(self) -> None:
            assert self.calls[:2] == ["nextstart", "next"] and self.calls.count("nextstart") == 1

    start = dt.datetime(2010, 3, 1)
    run = direct(Calls, bars_of(AAPL), analyzers=ANALYZERS, fromdate=start)
    result = al.backtest(Calls, AAPL, engine="backtrader", start=start, analyzers=ANALYZERS)
    assert_equal(result, run) if len(run.values) >= len(result.curves) else None
    assert ours(result) == [(d, s, float(q), p, c) for d, s, q, p, c in run.fills]
    assert round(float(result.equity.iloc[-1]), 2) == round(run.value, 2)
    assert_same_analyses(result.analyzers, run.analyses)


def test_timers_observers_analyzers_and_prints_of_the_strategy_work(capsys: pytest.CaptureFixture[str]) -> None:
    class Rich(bt.Strategy):
        def __init__(self) -> None:
            self.add_timer(when=bt.timer.SESSION_START, monthdays=[1])
            self._addanalyzer(bt.analyzers.AnnualReturn, _name="mine")
            self._addobserver(False, bt.observers.DrawDown)
            self.rsi = bt.ind.RSI(period=10)

        def notify_timer(self, timer: Any, when: Any, *args: Any, **kwargs: Any) -> None:
            if len(self) > 30:
                self.order_target_percent(target=0.0 if self.position else 0.7)

        def notify_trade(self, trade: Any) -> None:
            if trade.isclosed:
                print(f"closed {trade.pnlcomm:.2f} of {self.stats.broker.value[-1]:.0f}")  # noqa: T201 - as users do

        def next(self) -> None:
            pass

    frames = {"X": frame(5, n=400)}
    run = direct(Rich, frames)
    told = capsys.readouterr().out
    result = al.backtest(Rich, frames, engine="backtrader")
    assert told and capsys.readouterr().out == told
    assert_equal(result, run)
    assert_same_analyses(result.analyzers, run.analyses)


def test_a_sizer() -> None:
    class Buys(bt.Strategy):
        def next(self) -> None:
            if len(self) % 15 == 1:
                self.close() if self.position else self.buy()

    frames, sizer = {"X": frame(8)}, (bt.sizers.PercentSizer, {"percents": 50})
    run = direct(Buys, frames, sizer=sizer)
    result = al.backtest(Buys, frames, engine="backtrader", sizer=sizer)
    assert any(size != int(size) for _, _, size, _, _ in run.fills)
    assert_equal(result, run)
    assert result.run["configuration"]["rules"] == {"sizer": "PercentSizer(percents=50)"}
    assert not result.trades["quantity"].eq(0).any()
    closed = result.positions["quantity"].iloc[1]
    assert closed == 0.0  # what is closed is closed, whatever the fraction
