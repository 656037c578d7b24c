"""What a movement of a replay sends, against the replay's whole state at each bar."""

from __future__ import annotations

import copy
import json
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest.replay import Replay
from alphintra_kernel.replay_picture import MOST_CANDLES, Picture
from alphintra_kernel.replay_still import still


class Cross(al.Strategy):
    """Long above the average."""

    length = al.Param(5, low=2, high=50)

    def on_start(self):
        self.average = self.indicator(al.ta.SMA, self.data.close, self.length)
        self.strength = self.indicator(al.ta.RSI, self.data.close, 5)
        self.crossings = 0

    def on_bar(self):
        if al.crossed_above(self.data.close, self.average):
            self.crossings += 1
            self.order_target_percent(0.5)
        elif al.crossed_below(self.data.close, self.average):
            self.close()


@pytest.fixture(scope="module")
def bars() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 600)))
    opened = np.r_[100, close[:-1]]
    index = pd.bdate_range("2015-01-01", periods=600, name="time")
    spread = np.abs(rng.normal(0, 0.5, 600))
    return pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(opened, close) + spread,
            "low": np.minimum(opened, close) - spread,
            "close": close,
            "volume": 1e6,
        },
        index=index,
    )


def parts(replay: Replay, count: int) -> tuple[list[list[Any]], list[dict[str, Any]], dict[str, Any]]:
    facts = replay.state(bars=count)
    return facts.pop("candles"), facts.pop("indicators"), facts


def test_what_is_added_up_is_the_state_at_each_bar(bars):
    replay = Replay(Cross, bars, at=100)
    picture = Picture(*parts(replay, 400))
    # What a browser makes of what it gets, from its JSON alone.
    seen = json.loads(json.dumps(picture.whole()))
    for by in (1, 1, 7, -1, -3, 30, 1, -20, 2):
        replay.step(by) if by > 0 else replay.back(-by)
        sent = json.loads(json.dumps(picture.move(*parts(replay, abs(by) + 1))))
        assert sent["seq"] == seen["seq"] + 1
        assert len(sent["candles"]) == max(by, 0)
        kept = [c for c in seen["candles"] if sent["until"] is None or c[0] <= sent["until"]]
        for line, more in zip(seen["lines"], sent["values"], strict=True):
            line["values"] = [*line["values"][: len(kept)], *more]
        fills = [f for f in seen["facts"]["fills"] if sent["until"] is None or f["time"] <= sent["until"]]
        sent["facts"]["fills"] = fills + sent["fills"]
        seen = {
            "seq": sent["seq"],
            "candles": kept + sent["candles"],
            "lines": seen["lines"],
            "facts": seen["facts"] | sent["facts"],
        }
        candles, lines, facts = json.loads(json.dumps(parts(replay, 400)))
        assert seen == {"seq": picture.seq, "candles": candles, "lines": lines, "facts": facts}
        assert picture.whole() == seen


def test_a_step_sends_little_and_standing_still_nothing(bars):
    replay = Replay(Cross, bars, at=300)
    picture = Picture(*parts(replay, 400))
    assert picture.move(*parts(replay, 1)) == {}
    assert picture.seq == 0
    replay.step()
    sent = picture.move(*parts(replay, 2))
    assert "strategy" not in sent["facts"]
    assert len(json.dumps(sent)) < len(json.dumps(picture.whole())) / 5
    replay.strategy.crossings = 99
    assert set(picture.move(*parts(replay, 1))["facts"]) >= {"variables"}


def test_what_does_not_join_is_sent_whole(bars):
    replay = Replay(Cross, bars, at=300)
    start = parts(replay, 200)
    replay.step(5)
    picture = Picture(*copy.deepcopy(start))
    assert picture.move(*parts(replay, 3)) is None, "candles between are missing"
    candles, lines, facts = parts(replay, 6)
    assert picture.move(candles, lines[:1], facts) is None, "there is another number of lines"
    split = [[c[0], *(price / 2 for price in c[1:5]), c[5]] for c in candles]
    assert picture.move(split, lines, facts) is None, "all prices are in other shares"
    replay.back(120)
    assert picture.move(*parts(replay, 121)) is None, "too few candles would be left"
    assert picture.seq == 0
    renewed = picture.renew(*parts(replay, 400))
    assert (renewed["seq"], len(renewed["candles"]), renewed["facts"]["bar"]) == (1, 186, 185)


def test_the_oldest_candles_go():
    def made(last: int) -> list[list[Any]]:
        return [[60 * at, 1.0, 2.0, 0.5, 1.5, None] for at in range(last - 1, last + 1)]

    def lines(count: int) -> list[dict[str, Any]]:
        return [{"name": "a", "overlay": True, "pane": 0, "values": [1.0] * count}]

    first = [[60 * at, 1.0, 2.0, 0.5, 1.5, None] for at in range(MOST_CANDLES)]
    picture = Picture(first, lines(MOST_CANDLES), {"bar": MOST_CANDLES - 1, "fills": []})
    sent = picture.move(made(MOST_CANDLES), lines(2), {"bar": MOST_CANDLES, "fills": []})
    assert sent is not None
    assert (len(sent["candles"]), len(picture.candles), len(picture.lines[0]["values"])) == (1, 1000, 1000)
    assert picture.candles[-1][0] == 60 * MOST_CANDLES


def test_the_still_picture_says_where_it_stands(bars):
    class Evil(Cross):
        """Its variables are no HTML."""

        def on_bar(self):
            self.note = "<script>alert(1)</script>"
            super().on_bar()

    replay = Replay(Evil, bars, at="2015-12-31")
    replay.strategy.crossings = -7
    replay.step()
    html = still(Picture(*parts(replay, 400)))
    assert "Replay · Evil" in html
    assert f"bar {replay.bar + 1} of 600" in html
    assert "branch: crossings " in html
    assert "2016-01-01" in html
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert html.count("<path") >= 5
    assert len(html) < 30_000
