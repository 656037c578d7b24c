"""What is drawn is in shares of the last bar: two splits by hand; tables keep what was traded."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pandas as pd
import pytest
from alphintra_backtest import figure, view

SECOND_OF = {f"2024-01-0{day}": pd.Timestamp(f"2024-01-0{day}").value // 10**9 for day in range(2, 10)}


@pytest.fixture
def data() -> Any:
    # 800 is 400 after 2:1 (bar 2) and 100 after 4:1 (bar 4): without the splits, a price that stands at 100.
    closes = [800.0, 816.0, 400.0, 408.0, 100.0, 110.0]
    index = pd.bdate_range("2024-01-02", periods=6)
    frame = pd.DataFrame(dict.fromkeys(("open", "close"), closes), index=index)
    frame["high"], frame["low"] = frame["open"] * 1.01, frame["open"] * 0.99
    frame["volume"] = [1000.0, 1000.0, 2000.0, 2000.0, 8000.0, 8000.0]
    return al.data.with_events(frame, splits={"2024-01-04": 2.0, "2024-01-08": 4.0})


class Once(al.Strategy):
    """Buys ten before the first split, sells five between the two."""

    def on_start(self) -> None:
        self.last = self.indicator(al.ta.SMA, self.data.close, 2)

    def on_bar(self) -> None:
        if self.bar_index == 1:
            self.buy(10)
        elif self.bar_index == 2:
            self.sell(5)


@pytest.fixture
def shown(data: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path))
    result: dict[str, Any] = al.backtest(Once, data, max_share=None).view
    return result


def test_candles_volume_and_indicators_stand_where_only_splits_moved_the_price(shown: dict[str, Any]) -> None:
    (chart,) = shown["charts"]["symbols"]
    assert chart["close"] == [100, 102, 100, 102, 100, 110]
    assert chart["high"] == [101, 103.02, 101, 103.02, 101, 111.1]
    assert chart["volume"] == [8000] * 6
    # Each bar's average of two closes: as that bar saw it, in its own shares, and drawn in those of the last.
    assert chart["indicators"][0]["values"] == [None, 101, 101, 101, 101, 105]
    assert chart["shares"] == {
        "date": "2024-01-09",
        "splits": [{"time": SECOND_OF["2024-01-04"], "ratio": 2}, {"time": SECOND_OF["2024-01-08"], "ratio": 4}],
    }


def test_a_mark_moves_with_its_candle_and_says_what_was_traded(shown: dict[str, Any]) -> None:
    # Ten ordered before 2:1 are bought as twenty at the open of bar 2, 400 (400 / 4 = 100); five are sold at the open
    # of bar 3, 408 (408 / 4 = 102).
    marks = shown["charts"]["markers"]
    assert [(m["time"], m["price"], m["traded"], m["quantity"]) for m in marks] == [
        (SECOND_OF["2024-01-04"], 100, 400, 20),
        (SECOND_OF["2024-01-05"], 102, 408, 5),
    ]
    fills = shown["tables"]["fills"]
    price = [column["name"] for column in fills["columns"]].index("price")
    assert [row[price] for row in fills["rows"]] == [400, 408]


def test_the_figure_names_the_shares_and_both_prices_of_a_mark(shown: dict[str, Any]) -> None:
    chart = figure.figure(shown)
    assert chart.layout.yaxis.title.text == "Price, in shares of 2024-01-09"
    bought = next(trace for trace in chart.data if trace.name == "Bought")
    assert bought.text == ("20 at 400.00 (drawn at 100.00)",)
    assert list(bought.y) == [100]


def test_candles_of_several_bars_span_a_split_without_a_jump(shown: dict[str, Any], data: Any) -> None:
    small = view.Detail(candles=2, points=4, rows=1, markers=10)
    result = al.backtest(Once, data, max_share=None)
    (chart,) = view.charts(result, view.Axis(result), small, [])["symbols"]
    assert chart["bars_per_point"] == 3
    assert (chart["open"], chart["low"], chart["close"]) == ([100, 102], [99, 99], [100, 110])
    assert chart["shares"]["splits"][1]["time"] == SECOND_OF["2024-01-08"]


def test_a_split_after_the_drawn_end_changes_nothing(data: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path))
    (chart,) = al.backtest(Once, data, end="2024-01-05", max_share=None).view["charts"]["symbols"]
    assert chart["close"] == [400, 408, 400, 408]
    assert chart["shares"]["date"] == "2024-01-05"


def test_without_splits_nothing_is_said(make_result: Any) -> None:
    shown = make_result(60).view
    assert shown["charts"]["symbols"][0]["shares"] is None
    assert figure.figure(shown).layout.yaxis.title.text == "Price"
    assert all(mark["price"] == mark["traded"] for mark in shown["charts"]["markers"])
