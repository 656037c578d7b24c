"""The view payload: its bounds, its times, and what it says it leaves out."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from alphintra.result import IndicatorSeries, Result
from alphintra_backtest import view, view_axis, view_series, view_shares

Make = Callable[..., Result]
MIDNIGHT_2002_11_09 = 1_036_800_000


def test_small_run_is_whole(make_result: Make) -> None:
    result = make_result(300)
    content = result.view
    assert list(content) == ["version", "header", "warnings", "figures", "charts", "tables"]
    assert content["version"] == 1
    assert content["charts"]["omitted"] == []
    candles = content["charts"]["symbols"][0]
    assert candles["bars_per_point"] == 1
    assert candles["time"][:2] == [MIDNIGHT_2002_11_09, MIDNIGHT_2002_11_09 + 86_400]
    assert len(candles["close"]) == 300
    assert candles["indicators"][0]["name"] == "SMA(20)"
    assert candles["indicators"][0]["values"][18:20] == [
        None,
        pytest.approx(result.indicators[0].values[19], rel=1e-6),
    ]
    assert content["charts"]["curve"]["time"] == candles["time"]
    assert len(content["tables"]["trades"]["rows"]) == content["tables"]["trades"]["total"] == 7
    json.dumps(content, allow_nan=False)


def test_header(make_result: Make) -> None:
    header = make_result(300).view["header"]
    assert header["start"] == "2002-11-09"
    assert header["end"] == "2003-09-04"
    assert header["code"] == (
        "al.backtest(SmaCross, data='us-equities-daily/AAPL', commission=0.001, "
        "params={'fast': 20, 'slow': 50})"
    )


def test_figures_carry_benchmark_note_and_reason(make_result: Make) -> None:
    figures = {f["name"]: f for f in make_result(300, every=1000).view["figures"]}
    assert len(figures) == 10
    assert figures["sharpe_ratio"]["value"] is None
    assert figures["sharpe_ratio"]["reason"] == "session returns do not vary"
    assert figures["total_return"]["benchmark"] is not None
    assert figures["win_rate"]["benchmark"] is None
    assert figures["win_rate"]["note"] == "0 of 0"
    assert figures["max_drawdown"]["definition"].startswith("Least value of equity")


def test_warnings_gravest_first(make_result: Make) -> None:
    result = make_result(60)
    many = [f"order {i}" for i in range(80)]
    result.assumptions = [
        {
            "code": "refused_orders",
            "text": "80 orders refused",
            "level": "warning",
            "rule": "F6",
            "items": many,
        },
        *reversed(result.assumptions),
    ]
    shown = result.view["warnings"]
    assert [w["code"] for w in shown] == ["costs_none", "refused_orders", "refused_orders", "survivors"]
    assert shown[0]["level"] == "error"
    assert len(shown[1]["items"]) == 51
    assert shown[1]["items"][-1] == "and 30 more"
    assert "fills at the next open" in [row[0] for row in result.view["tables"]["assumptions"]["rows"]]


def test_dropped_benchmark_sessions_are_said(make_result: Make) -> None:
    result = make_result(60)
    result.curves.benchmark = result.curves.benchmark.copy()
    result.curves.benchmark[10] = np.nan
    text = "benchmark: 1 session without a price left out"
    assert text in [row[0] for row in result.view["tables"]["assumptions"]["rows"]]
    assert text in [entry["text"] for entry in result.to_dict()["assumptions"]]


def test_markers_belong_to_their_trades(make_result: Make) -> None:
    result = make_result(300)
    first, second = result.view["charts"]["markers"][:2]
    assert (first["side"], first["trade_ids"], first["reason"]) == ("BUY", [1], None)
    assert (second["side"], second["trade_ids"], second["reason"]) == ("SELL", [1], "signal")
    # Bar 21 of the data: 21 days after 2002-11-09.
    assert first["time"] == MIDNIGHT_2002_11_09 + 21 * 86_400


def test_markers_by_order_ids(make_result: Make) -> None:
    result = make_result(100)
    result.columns["trades"]["entry_order_id"] = [1, 3]
    result.columns["trades"]["exit_order_id"] = [2, 4]
    assert [m["trade_ids"] for m in result.view["charts"]["markers"]] == [[1], [1], [2], [2]]


def test_intraday_bar_has_one_name_everywhere(make_result: Make) -> None:
    result = make_result(400, intraday=True)
    charts = result.view["charts"]
    opens = (result.market.bars["AAPL"].open_time // 1_000_000).tolist()
    assert charts["symbols"][0]["time"] == opens
    assert charts["curve"]["time"] == opens
    bars = result.columns["fills"]["bar"]
    assert [m["time"] for m in charts["markers"]] == [opens[bar] for bar in bars]
    # A fill at the close still belongs to the bar that closes then.
    axis = view_axis.Axis(result)
    assert axis.bar_name(result.curves.time[7:8]).tolist() == [opens[7]]


def test_round_the_clock_days_are_not_confused_with_the_day_before(make_result: Make) -> None:
    result = make_result(100)
    bars = result.market.bars["AAPL"]
    day = 86_400_000_000
    # Each day opens the moment the one before it closes.
    opened, closed = bars.session.astype(np.int64) * day, (bars.session.astype(np.int64) + 1) * day
    for table, columns in (("fills", ("time",)), ("trades", ("entry_time", "exit_time"))):
        for name in columns:
            moved = [int(t) // day * day for t in result.columns[table][name]]
            result.columns[table][name] = moved
    result.curves.time = closed
    entered = [row[1] for row in result.view["tables"]["trades"]["rows"]]
    assert entered == [int(opened[bar]) // 1_000_000 for bar in result.columns["fills"]["bar"][::2]]
    assert [m["time"] for m in result.view["charts"]["markers"]][::2] == entered


@pytest.mark.parametrize(
    ("timeframe", "intraday"),
    [("1min", True), ("5m", True), ("1h", True), ("30s", True), ("1d", False), ("1w", False), ("1mo", False)],
)
def test_timeframes(timeframe: str, intraday: bool) -> None:
    assert view_axis.is_intraday(timeframe) is intraday


def test_aggregated_candles_keep_open_extremes_close_and_volume(make_result: Make) -> None:
    result = make_result(10)
    bars = result.market.bars["AAPL"]
    axis = view_axis.Axis(result)
    shares = view_shares.of_symbol(result, axis, "AAPL")
    assert shares is not None
    wide = view_series.candles(bars, axis, shares, 3, [IndicatorSeries("x", "AAPL", np.arange(10.0))])
    # Ten bars on three candles: four, four and two.
    assert wide["bars_per_point"] == 4
    assert wide["open"] == view_series.shown(bars.open[[0, 4, 8]])
    assert wide["close"] == view_series.shown(bars.close[[3, 7, 9]])
    assert wide["high"] == view_series.shown([bars.high[:4].max(), bars.high[4:8].max(), bars.high[8:].max()])
    assert wide["low"] == view_series.shown([bars.low[:4].min(), bars.low[4:8].min(), bars.low[8:].min()])
    assert wide["volume"] == [4_000_000, 4_000_000, 2_000_000]
    assert wide["indicators"][0]["values"] == [3, 7, 9]
    assert wide["time"] == [MIDNIGHT_2002_11_09 + d * 86_400 for d in (0, 4, 8)]


def test_thinning_keeps_the_extremes() -> None:
    values = np.zeros(100_000)
    values[12_345], values[54_321] = 9.0, -9.0
    keep = view_series.extremes([values], 1_000)
    assert len(keep) <= 1_000
    assert {0, 12_345, 54_321, 99_999} <= set(keep.tolist())


@pytest.mark.parametrize(
    "options",
    [
        {"n": 20_000, "intraday": True, "every": 3, "indicators": 12},
        {"n": 3_000, "symbols": tuple(f"S{i}" for i in range(30)), "every": 2},
    ],
)
def test_never_more_than_1_mb_and_it_says_what_is_left_out(
    make_result: Make, options: dict[str, object]
) -> None:
    result = make_result(**options)
    content = result.view
    assert view.size(content) <= 1_000_000
    assert sum(len(s["time"]) for s in content["charts"]["symbols"]) <= 4_000
    trades = content["tables"]["trades"]
    assert len(trades["rows"]) == min(trades["total"], 2_000)
    if trades["total"] > 2_000:
        assert trades["omitted"] == f"the latest 2000 of {trades['total']} trades are shown"
    assert any("each candle spans up to" in line for line in content["charts"]["omitted"])
    if len(result.market.symbols) > 16:
        assert "candles of 14 of 30 symbols" in content["charts"]["omitted"]


def test_two_thousand_trades_fit_with_their_marks_or_say_so(make_result: Make) -> None:
    content = make_result(8_000, every=2).view
    trades = content["tables"]["trades"]
    assert (len(trades["rows"]), trades["total"], trades["omitted"]) == (2_000, 2_000, None)
    assert view.size(content) <= 1_000_000


def test_long_texts_are_cut(make_result: Make) -> None:
    result = make_result(50, strategy="S" * 100_000)
    result.logs = [(int(result.curves.time[0]), "x" * 1_000_000)] * 1_000
    result.run["parameters"] = {f"p{i}": "v" * 10_000 for i in range(200)}
    assert view.size(result.view) <= 1_000_000


def test_traded_symbols_are_drawn_first(make_result: Make) -> None:
    result = make_result(100, symbols=tuple(f"S{i}" for i in range(20)))
    result.columns["fills"]["symbol"] = ["S19"] * len(result.columns["fills"]["symbol"])
    assert view_series.drawn_symbols(result)[:2] == ["S19", "S0"]


def test_run_without_fills_and_benchmark(make_result: Make) -> None:
    result = make_result(50, every=1000, benchmark=False)
    result.columns = {}
    content = result.view
    assert content["charts"]["curve"]["benchmark"] is None
    assert content["charts"]["markers"] == []
    assert content["tables"]["trades"]["rows"] == []
    assert content["tables"]["recorded"]["total"] == 0


def test_codes_are_words(make_result: Make) -> None:
    content = make_result(100).view
    columns = [c["name"] for c in content["tables"]["orders"]["columns"]]
    row = dict(zip(columns, content["tables"]["orders"]["rows"][0], strict=True))
    assert (row["type"], row["state"], row["side"], row["parent"]) == ("market", "filled", "BUY", None)
