"""``engine="backtrader"`` around the run: what it takes, refuses, says and returns."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import alphintra as al
import backtrader as bt
import pandas as pd
import pytest

from .plain import assert_equal, direct, frame
from .small import DAYS, FLAT, Once, bars, codes, run

# -- by hand


def test_by_hand() -> None:
    """Bought 10 at the open of 10, sold at that of 12, 1 % each: 1000 + 20 − 1 − 1.2."""
    result = run(Once, cash=1_000, commission=0.01)
    assert result.fills["price"].tolist() == [10.0, 12.0]
    assert result.fills["commission"].tolist() == [1.0, 1.2]
    assert result.fills["rule"].tolist() == ["F1.open", "F1.open"]
    assert [t.isoformat() for t in result.fills["time"]] == ["2024-01-03T14:30:00+00:00", "2024-01-05T14:30:00+00:00"]
    assert result.equity.tolist() == pytest.approx([1000, 1009, 1019, 1017.8, 1017.8])
    assert result.curves.cash.tolist() == pytest.approx([1000, 899, 899, 1017.8, 1017.8])
    (trade,) = result.trades.to_dict("records")
    assert (trade["pnl"], trade["quantity"], trade["bars"], trade["exit_reason"]) == (
        pytest.approx(17.8),
        10,
        2,
        "SIGNAL",
    )
    assert result.orders["submitted"].dt.day.tolist() == [2, 4]
    assert result.events["state"].tolist() == ["WORKING", "FILLED", "WORKING", "FILLED"]


def test_commission_per_share_and_both() -> None:
    """10 shares at 0.05 are 0.50; with 1 % of 100 and of 120 on top 1.50 and 1.70."""
    assert run(Once, commission=al.Commission(per_share=0.05)).fills["commission"].tolist() == [0.5, 0.5]
    both = run(Once, commission={"per_share": 0.05, "percent": 0.01}).fills["commission"]
    assert both.tolist() == pytest.approx([1.5, 1.7])


def test_slippage_is_within_the_bar() -> None:
    """10 + 10 % is 11, sold at 12 − 10 % = 10.8, but the bar's low is 11."""
    result = run(Once, slippage=0.1)
    assert result.fills["price"].tolist() == pytest.approx([11.0, 11.0])
    assert result.fills["slippage"].tolist() == pytest.approx([10.0, 10.0])
    assert "within the bar" in codes(result)["slippage"]["text"]


def test_slippage_as_a_distance() -> None:
    """0.25 and half of a spread of 0.1 are 0.3: bought at 10.3, sold at 11.7."""
    result = run(Once, slippage=al.Slippage(fixed=0.25, spread=0.1))
    assert result.fills["price"].tolist() == pytest.approx([10.3, 11.7])
    assert result.fills["slippage"].tolist() == pytest.approx([3.0, 3.0])


def test_splits_are_in_the_prices() -> None:
    """AAPL was split 2 for 1 on 28 February 2005: backtrader, which knows no splits, sees no fall by half."""

    class Holds(bt.Strategy):
        def nextstart(self) -> None:
            self.buy(size=100)

        def next(self) -> None:
            assert self.data.close[0] > 0.8 * self.data.close[-1]

    result = run(Holds, "us-equities-daily/AAPL", start="2005-01-03", end="2005-06-30", prices="auto")
    assert codes(result)["prices"]["text"].startswith("prices: adjusted")
    assert result.orders["state"].tolist() == ["FILLED"]


def test_a_bracket() -> None:
    """Bought at 11; the target of 13.5 is passed in the next bar but one: filled at it, the stop ends as OCO."""

    class Bracket(bt.Strategy):
        def next(self) -> None:
            if len(self) == 2:
                self.buy_bracket(size=5, exectype=bt.Order.Market, stopprice=8.0, limitprice=13.5)

    result = run(Bracket)
    assert result.fills["price"].tolist() == [11.0, 13.5]
    assert result.orders["role"].tolist() == ["ENTRY", "STOP_LOSS", "TAKE_PROFIT"]
    assert result.orders["parent"].tolist()[1:] == [0, 0]
    assert result.orders["state"].tolist() == ["FILLED", "CANCELLED", "FILLED"]
    assert result.orders["reason"].tolist() == ["", "OCO", ""]
    assert result.orders["stop"].tolist()[1] == 8.0 and result.orders["limit"].tolist()[2] == 13.5
    assert result.trades["exit_reason"].tolist() == ["TAKE_PROFIT"]
    assert result.events["state"].tolist() == [
        "WORKING", "WAITING", "WAITING", "FILLED", "WORKING", "WORKING", "FILLED", "CANCELLED",
    ]  # fmt: skip


def test_refused_for_money() -> None:
    """At submission 10 × 10 is more than 99; with room for the close but not for the open, at the fill."""
    result = run(Once, cash=99)
    assert result.orders[["state", "reason"]].values.tolist() == [["REJECTED", "INSUFFICIENT_FUNDS"]]
    (said,) = codes(result)["refused_orders"]["items"]
    assert said.startswith("INSUFFICIENT_FUNDS: 1, first order 0, BUY 10 DATA, ")
    gap = bars((10, 11, 9, 10), (11, 12, 9, 11), (11, 13, 10, 12))
    assert run(Once, gap, cash=105).orders[["state", "reason"]].values.tolist() == [
        ["CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL"]
    ]


def test_what_is_left_and_what_comes_too_late() -> None:
    class Late(bt.Strategy):
        def next(self) -> None:
            if len(self) == 2:
                self.buy(size=1, price=1.0, exectype=bt.Order.Limit)
            if len(self) == 3:
                self.buy(size=1, price=2.0, exectype=bt.Order.Limit, valid=dt.timedelta())

        def stop(self) -> None:
            self.buy(size=7)

    result = run(Late)
    assert result.orders[["state", "reason", "quantity"]].values.tolist() == [
        ["UNFILLED_AT_END", "", 1.0], ["EXPIRED", "END_OF_DAY", 1.0], ["REJECTED", "RUN_ENDED", 7.0],
    ]  # fmt: skip
    assert result.orders["tif"].tolist()[1] == "DAY"


def test_at_the_close_and_at_the_open() -> None:
    result = run(Once, cheat_on_close=True, commission=0.01, cash=1000)
    assert result.fills["price"].tolist() == [10.0, 12.0]
    assert result.fills["rule"].tolist() == ["F1.close", "F1.close"]
    assert [t.isoformat()[:16] for t in result.fills["time"]] == ["2024-01-02T21:00", "2024-01-04T21:00"]
    assert codes(result)["market_fill"]["level"] == "warning"
    assert codes(result)["engine_equity"]["level"] == "info"  # the fee is booked a bar later, nothing is lost

    class Open(bt.Strategy):
        def next_open(self) -> None:
            if len(self) == 2:
                self.buy(size=3)

        def next(self) -> None:
            pass

    result = run(Open, cheat_on_open=True)
    assert result.fills["price"].tolist() == [11.0] and result.fills["time"].dt.day.tolist() == [4]
    assert (result.orders["submitted"] < result.fills["time"]).all()


def test_a_fill_inside_a_known_bar_is_said() -> None:
    """B has no bar on the third day: backtrader matches the limit against the bar that B closed before."""

    class Behind(bt.Strategy):
        def next(self) -> None:
            if len(self) == 2:
                self.buy(self.datas[1], size=1, price=9.5, exectype=bt.Order.Limit)

    result = run(Behind, {"A": FLAT, "B": FLAT.drop(DAYS[2])})
    assert codes(result)["known_bar"]["level"] == "warning"
    assert result.fills["time"].dt.day.tolist() == [4]


# -- an account that fills do not explain


def test_futures_keep_backtraders_account_and_say_so() -> None:
    class Future(Once):
        def start(self) -> None:
            self.broker.setcommission(commission=2.0, margin=500.0, mult=50.0)

    result = run(Future, params={"size": 1})
    plain = direct(Future, {"DATA": FLAT.assign(volume=0)}, params={"size": 1})
    assert plain.value == 100_000 + 50 * 2 - 4
    assert result.equity.iloc[-1] == plain.value
    entry = codes(result)["engine_equity"]
    assert entry["level"] == "warning" and "98.00" in entry["items"][1]
    assert codes(result)["costs"]["text"] == "costs: set by the strategy in backtrader's broker"


def test_cash_that_is_added_is_said() -> None:
    class Saver(Once):
        def next(self) -> None:
            super().next()
            if len(self) == 2:
                self.broker.add_cash(500)

    result = run(Saver)
    assert result.equity.iloc[-1] == 100_520.0
    assert codes(result)["engine_equity"]["level"] == "warning"


def test_equity_below_zero_is_said() -> None:
    class Short(bt.Strategy):
        def next(self) -> None:
            if len(self) == 1:
                self.sell(size=100)

    result = run(Short, bars((10, 11, 9, 10), (10, 12, 9, 11), (11, 40, 10, 30)), cash=1_000)
    assert codes(result)["bankrupt"]["level"] == "error"


# -- what comes out


def test_everything_that_a_result_does() -> None:
    result = run(Once, commission=0.01, analyzers=[bt.analyzers.TimeReturn, (bt.analyzers.SQN, {"_name": "q"})])
    assert list(result.analyzers) == ["timereturn", "q"]
    assert type(result.analyzers["timereturn"]) is dict
    told = json.loads(result.to_json())
    assert told["run"]["engine"].startswith("backtrader 1.9.78")
    assert told["run"]["configuration"]["engine"] == "backtrader"
    assert told["run"]["parameters"] == {"size": 10}
    page = result.report()
    assert "backtrader" in page and "flat to flat" in page
    assert "engine=&#x27;backtrader&#x27;" in page or "engine='backtrader'" in page
    assert set(result._repr_mimebundle_()) >= {"text/html", "text/plain"}
    assert {"limit_fill", "account", "trades", "engine", "market_fill", "volume_cap"} <= set(codes(result))
    assert result.metrics["total_trades"] == 1
    assert result.run["strategy"] == "Once" and len(result.run["strategy_hash"]) == 71


def test_parameters_that_json_does_not_know() -> None:
    class Odd(bt.Strategy):
        params = (("when", dt.time(9, 30)), ("ma", bt.ind.SMA), ("day", dt.date(2020, 1, 2)), ("some", (1, 2)))

        def next(self) -> None:
            pass

    told = json.loads(run(Odd).to_json())["run"]["parameters"]
    assert told == {"when": "09:30:00", "ma": "SMA", "day": "2020-01-02", "some": [1, 2]}


def test_every_kind_of_data(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    FLAT.rename_axis("date").to_csv(path)

    class Names(Once):
        def stop(self) -> None:
            seen.append([d._name for d in self.datas])

    seen: list[list[str]] = []
    for data in (path, {"B": FLAT, "A": FLAT}, FLAT):
        assert run(Names, data).fills["price"].tolist() == [10.0, 12.0]
    assert seen == [["mine"], ["B", "A"], ["DATA"]]


def test_bars_of_a_day_carry_their_close_in_utc() -> None:
    times = pd.date_range("2024-01-02 14:30", periods=30, freq="5min")
    minutes = pd.DataFrame(frame(3, n=30).to_numpy(), index=times, columns=["open", "high", "low", "close", "volume"])
    seen = []

    class Clock(bt.Strategy):
        def next(self) -> None:
            seen.append(self.data.datetime.datetime(0))
            assert (self.data._timeframe, self.data._compression) == (bt.TimeFrame.Minutes, 5)
            if len(self) == 1:
                self.buy(size=1)

    result = run(Clock, minutes)
    assert seen[0].replace(microsecond=0) in (dt.datetime(2024, 1, 2, 14, 35), dt.datetime(2024, 1, 2, 14, 34, 59))
    assert result.fills["time"].iloc[0].isoformat() == "2024-01-02T14:35:00+00:00"
    assert_equal(result, direct(Clock, {"DATA": minutes.set_axis(times + pd.Timedelta("5min"))},
                                timeframe=bt.TimeFrame.Minutes, compression=5))  # fmt: skip


def test_other_runs_on_the_same_data_keep_their_lots() -> None:
    """Backtrader takes 0.5 of a share; ours rounds 1.5 down to 1, before and after, on the very same market data."""

    class Half(bt.Strategy):
        def next(self) -> None:
            if len(self) == 1:
                self.buy(size=0.5)

    class Ours(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 0:
                self.buy(quantity=1.5)

    market = al.data.resolve(FLAT)
    before = al.backtest(Ours, market, cash=1_000).fills["quantity"].tolist()
    assert run(Half, market, cash=1_000).fills["quantity"].tolist() == [0.5]
    assert al.backtest(Ours, market, cash=1_000).fills["quantity"].tolist() == before
    assert before == [1.0]


def test_a_strategy_that_stops_early() -> None:
    class Short(Once):
        def next(self) -> None:
            super().next()
            if len(self) == 4:
                self.env.runstop()

    result = run(Short)
    assert len(result.curves) == 4 and result.fills["price"].tolist() == [10.0, 12.0]


def test_progress_is_told_in_order() -> None:
    from alphintra_backtest.adapters import backtrader

    told: list[tuple[float, int]] = []
    result = backtrader.run(Once, FLAT, progress=lambda part, time: told.append((part, time)))
    assert [part for part, _ in told] == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert [time for _, time in told] == result.curves.time.tolist()


def test_end_cuts_and_a_benchmark_is_compared() -> None:
    result = run(Once, end="2024-01-05", benchmark=FLAT)
    assert result.equity.index[-1].date() == dt.date(2024, 1, 5)
    assert result.benchmark_metrics
