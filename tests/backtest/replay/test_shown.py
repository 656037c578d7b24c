"""What a view gets to see of a replay: this bar and what came before it, never what comes after."""

from __future__ import annotations

import json

import alphintra as al
import pandas as pd
import pytest
from alphintra_backtest.replay import Replay

from .conftest import Switch


class Shows(Switch):
    def on_start(self) -> None:
        super().on_start()
        self.fast = self.indicator(al.ta.SMA, self.data.close, 3)
        self.bands = self.indicator(al.ta.BBANDS, self.data.close, 5)
        self.mood, self._hidden = "calm", 1

    def on_bar(self) -> None:
        super().on_bar()
        self.mood = "long" if self.position().size else "calm"
        if self.bar_index == 12:
            self.buy(2, limit=50.0, tag="low")


@pytest.fixture(scope="module")
def replay(frame: pd.DataFrame) -> Replay:
    return Replay(Shows, frame, commission=0.001, at=13)


def test_where_it_stands(replay: Replay, frame: pd.DataFrame) -> None:
    replay.to(12)
    replay.step()
    shown = replay.state(bars=5, orders=3)
    assert json.loads(json.dumps(shown)) == shown
    assert {k: shown[k] for k in ("bar", "first", "count", "time", "strategy", "symbol", "done", "branch")} == {
        "bar": 13, "first": 4, "count": 40, "time": "2024-01-19T00:00:00Z", "strategy": "Shows", "symbol": "DATA",
        "done": False, "branch": None,
    }  # fmt: skip
    days = [int(day.timestamp()) for day in frame.index[9:14]]
    assert [row[0] for row in shown["candles"]] == days
    row = frame.iloc[13]
    assert shown["candles"][-1][1:] == pytest.approx([row.open, row.high, row.low, row.close, float("nan")], rel=1e-6,
                                                     nan_ok=True) or shown["candles"][-1][5] is None  # fmt: skip
    assert shown["candles"][-1][1:5] == pytest.approx([row.open, row.high, row.low, row.close], rel=1e-6)
    fast = shown["indicators"][0]
    assert (fast["name"], fast["pane"]) == ("SMA(3)", 0)
    assert fast["values"][-1] == pytest.approx(frame["close"].iloc[11:14].mean(), rel=1e-6)
    assert shown["marks"] == [{"bar": 8, "side": "SELL"}, {"bar": 13, "side": "BUY"}] or shown["marks"][-1]["bar"] == 13
    fill = shown["fills"][-1]
    assert (fill["time"], fill["side"], fill["quantity"], fill["rule"]) == (days[-1], "BUY", 10.0, "F1.open")
    assert fill["price"] == frame["open"].iloc[13]


def test_account_positions_and_orders(replay: Replay, frame: pd.DataFrame) -> None:
    replay.to(13)
    shown = replay.state()
    known = replay.original
    assert shown["account"]["equity"] == known.equity.loc["2024-01-19"]
    curve = known.equity
    assert shown["account"]["equity_spark"][-5:] == curve.loc[:"2024-01-19"].tolist()[-5:]
    peak = max(100_000.0, *shown["account"]["equity_spark"])
    assert shown["account"]["drawdown"] == pytest.approx(shown["account"]["equity"] / peak - 1)
    (held,) = shown["positions"]
    assert (held["symbol"], held["size"], held["avg_price"]) == ("DATA", 10.0, frame["open"].iloc[13])
    (working,) = shown["orders"]
    assert (working["text"], working["tif"], working["tag"]) == ("buy limit 50, 2", "GTC", "low")


def test_the_log_names_rule_reason_and_line(replay: Replay) -> None:
    replay.to(13)
    newest, accepted = replay.state()["log"][:2]
    assert (newest["event"], newest["rule"], newest["source"], newest["bar"]) == ("FILLED", "F1.open", "open", 13)
    assert newest["text"].startswith("buy 10 at ")
    assert newest["time"] == "2024-01-18T00:00:00Z" or newest["time"] == "2024-01-19T00:00:00Z"
    assert newest["file"].endswith("conftest.py")
    assert accepted["file"] == __file__
    assert accepted["line"] == next(
        n for n, text in enumerate(open(__file__), 1) if 'tag="low"' in text  # noqa: PTH123, SIM115
    )


def test_variables(replay: Replay) -> None:
    replay.to(12)
    replay.step()
    found = {one["name"]: one for one in replay.state()["variables"]}
    assert set(found) == {"fast[-1]", "bands[0][-1]", "bands[1][-1]", "bands[2][-1]", "size", "seen", "bought", "mood"}
    assert {name: one["kind"] for name, one in found.items() if "[" not in name} == {
        "size": "parameter", "seen": "object", "bought": "number", "mood": "text"
    }  # fmt: skip
    assert {name for name, one in found.items() if one["changed"]} == {
        "fast[-1]", "bands[0][-1]", "bands[1][-1]", "bands[2][-1]", "seen", "mood"
    }  # fmt: skip
    assert (found["bought"]["value"], found["bought"]["spark"][-2:]) == (1, [1.0, 1.0])
    assert len(found["bought"]["spark"]) == 11  # from before the first bar, though it went there at once
    assert found["mood"]["text"] == "'long'"
    assert found["fast[-1]"]["value"] == found["fast[-1]"]["spark"][-1]


def test_nothing_of_the_future_is_sent(frame: pd.DataFrame) -> None:
    later = frame.copy()
    later.iloc[20:] *= 1.2
    one, two = (Replay(Shows, data, at=15).state() for data in (frame, later))
    for shown in (one, two):
        shown["run_seconds"] = 0
    assert one == two


def test_prices_are_in_todays_shares(frame: pd.DataFrame) -> None:
    halved = frame.copy()
    halved.iloc[20:] /= 2
    data = al.data.with_events(al.data.resolve(halved, prices="raw"), splits={"DATA": {"2024-01-29": 2.0}})
    replay = Replay(Switch, data, rules={"prices": "raw"}, at=19)
    before = replay.state()["candles"][-1]
    replay.step()
    after = replay.state()
    assert after["candles"][-2][4] == pytest.approx(before[4] / 2)
    replay.to(25)
    shown = replay.state()
    fill = shown["fills"][0]
    assert (fill["price"], fill["traded"]) == (frame["open"].iloc[3] / 2, frame["open"].iloc[3])


def test_a_symbol_can_be_chosen() -> None:
    frame = al.data.resolve("us-equities-daily/AAPL,MSFT", end="2001-01-01")

    class Buys(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 3:
                self.buy(1, symbol="MSFT")

    replay = Replay(Buys, frame, at=3)
    assert replay.state()["symbol"] == "AAPL"
    replay.step()
    assert (replay.state()["symbol"], replay.state(symbol="AAPL")["symbol"]) == ("MSFT", "AAPL")


def test_texts(replay: Replay) -> None:
    replay.to(13)
    assert repr(replay) == "<replay of Shows on DATA: 2024-01-19 00:00, bar 13 of 40>"
    text = replay._repr_mimebundle_()["text/plain"]
    assert text.splitlines()[0] == "replay of Shows on DATA: 2024-01-19 00:00, bar 13 of 40"
    assert "  DATA buy limit 50, 2, GTC" in text
    assert "* mood = 'long'" in text or "  mood = 'long'" in text
    assert replay.entry == (__file__, next(
        n for n, line in enumerate(open(__file__), 1) if "super().on_bar()" in line  # noqa: PTH123, SIM115
    ))  # fmt: skip
