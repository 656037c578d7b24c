"""Result: tables, series, JSON, text and lightness."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from alphintra.result import MIME_TYPE, Result
from alphintra.result_tables import NO_TIME, TABLES, iso, rows

Make = Callable[..., Result]


class TestTables:
    def test_declared_columns_and_types(self, make_result: Make) -> None:
        trades = make_result().trades
        assert list(trades.columns) == [
            "id", "backtest_id", "symbol", "side", "quantity", "entry_price", "exit_price", "entry_time",
            "exit_time", "pnl", "commission", "exit_reason", "return", "bars", "mae", "mfe", "open",
            "ambiguous", "carry",
        ]  # fmt: skip
        assert str(trades["entry_time"].dtype) == "datetime64[us, UTC]"
        assert trades["open"].dtype == bool
        assert trades["pnl"].dtype == np.float64

    @pytest.mark.parametrize("name", ["trades", "orders", "fills", "positions", "recorded", "events"])
    def test_empty_tables_keep_their_columns(self, make_result: Make, name: str) -> None:
        result = make_result(10, every=1000)
        result.columns = {}
        frame = getattr(result, name)
        assert list(frame.columns) == list(TABLES[name])
        assert len(frame) == 0

    def test_open_trade_is_empty_where_it_has_not_ended(self, make_result: Make) -> None:
        last = make_result(300, every=20).trades.iloc[-1]
        # 300 bars in blocks of 20: the last held block ends flat, so shorten the run into one.
        assert not last["open"]
        last = make_result(270, every=20).trades.iloc[-1]
        assert last["open"]
        assert pd.isna(last["exit_time"])
        assert np.isnan(last["pnl"])

    def test_recorded_has_a_column_per_name(self, make_result: Make) -> None:
        recorded = make_result(30).recorded
        assert list(recorded.columns) == ["time", "spread"]
        assert len(recorded) == 30

    def test_series(self, make_result: Make) -> None:
        result = make_result(50)
        assert len(result.equity) == 50
        assert str(result.equity.index.dtype) == "datetime64[us, UTC]"
        assert len(result.returns) == 49
        assert result.returns.index[0] == pd.Timestamp("2002-11-10")
        grown = (1 + result.returns).prod() * 100_000
        assert grown == pytest.approx(result.metrics["final_equity"])

    def test_trades_open_profit_and_cash_add_up(self, make_result: Make) -> None:
        result = make_result(270)
        open_trade = result.trades.iloc[-1]
        last_close = result.market.bars["AAPL"].close[-1]
        open_pnl = (last_close - open_trade["entry_price"]) * 100 - open_trade["commission"]
        gained = result.metrics["final_equity"] - 100_000
        assert result.trades["pnl"].sum() + open_pnl == pytest.approx(gained, abs=1e-6)


class TestTime:
    @pytest.mark.parametrize(
        ("microseconds", "text"),
        [
            (0, "1970-01-01T00:00:00Z"),
            (1_221_485_400_000_000, "2008-09-15T13:30:00Z"),
            (1_221_485_400_250_000, "2008-09-15T13:30:00.250000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ],
    )
    def test_iso(self, microseconds: int, text: str) -> None:
        assert iso(microseconds) == text

    def test_missing_times_are_null(self) -> None:
        columns = {"time": np.array([0, NO_TIME]), "order_id": [1, 2], "price": [np.nan, np.inf]}
        first, second = rows("events", columns)
        assert first["time"] == "1970-01-01T00:00:00Z"
        assert second["time"] is None
        assert (first["price"], second["price"]) == (None, None)


class TestJson:
    def test_keys(self, make_result: Make) -> None:
        content = json.loads(make_result().to_json())
        assert list(content) == ["run", "assumptions", "metrics", "undefined", "trades", "fills", "orders"]
        assert list(content["fills"][0]) == [
            "time", "symbol", "side", "quantity", "price", "base_price", "source", "commission", "slippage", "value",
            "rule", "order_id", "bar",
        ]  # fmt: skip
        for name in (
            *("total_return", "annualized_return", "max_drawdown", "sharpe_ratio", "sortino_ratio"),
            *("win_rate", "profit_factor", "total_trades", "avg_trade_duration", "longest_winning_streak"),
            *("longest_losing_streak", "correlation_to_benchmark", "volatility", "calmar_ratio"),
            "final_equity",
        ):
            assert name in content["metrics"]

    def test_undefined_is_null_with_a_reason(self, make_result: Make) -> None:
        content = json.loads(make_result(10, every=1000, benchmark=False).to_json())
        assert content["metrics"]["sharpe_ratio"] is None
        assert content["undefined"]["sharpe_ratio"] == "session returns do not vary"
        nulls = {name for name, value in content["metrics"].items() if value is None}
        assert nulls == set(content["undefined"])

    def test_money_is_rounded_and_numbers_round_trip(self, make_result: Make) -> None:
        result = make_result()
        text = result.to_json()
        fill = json.loads(text)["fills"][0]
        exact = 0.001 * fill["price"] * 100
        assert fill["commission"] == round(exact, 8) != exact
        assert fill["price"] == result.columns["fills"]["price"][0]
        assert f'"price": {fill["price"]!r}' in text

    def test_times_and_empty_cells(self, make_result: Make) -> None:
        content = json.loads(make_result(270).to_json())
        assert content["fills"][0]["time"] == "2002-11-30T14:30:00Z"
        last = content["trades"][-1]
        assert last["id"] == "7"
        assert last["open"] is True
        assert last["exit_reason"] == "OPEN"
        assert last["exit_time"] is last["exit_price"] is last["pnl"] is None
        assert content["orders"][0]["limit"] is None
        assert content["orders"][0]["parent"] is None

    def test_numpy_and_nan_in_the_run_record(self, make_result: Make) -> None:
        result = make_result(30)
        result.run["parameters"] = {"a": np.int64(3), "b": np.float64("nan"), "c": np.array([1.5])}
        assert json.loads(result.to_json())["run"]["parameters"] == {"a": 3, "b": None, "c": [1.5]}

    def test_what_has_no_plain_form_is_refused(self, make_result: Make) -> None:
        result = make_result(30)
        result.run["parameters"] = {"a": object()}
        with pytest.raises(TypeError, match="object has no plain form"):
            result.to_json()


class TestShown:
    def test_mime_bundle(self, make_result: Make) -> None:
        bundle = make_result(60)._repr_mimebundle_()
        assert set(bundle) == {MIME_TYPE, "text/html", "image/png", "text/plain"}
        json.dumps(bundle)

    def test_include_and_exclude(self, make_result: Make) -> None:
        result = make_result(60)
        assert set(result._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
        without = result._repr_mimebundle_(exclude={"image/png", MIME_TYPE})
        assert set(without) == {"text/html", "text/plain"}

    def test_one_line(self, make_result: Make) -> None:
        text = repr(make_result(60))
        assert text.startswith("<Result SmaCross on us-equities-daily/AAPL: return ")
        assert text.endswith("trades 1>")

    def test_report_is_written_or_returned(self, make_result: Make, tmp_path: Path) -> None:
        result = make_result(60)
        path = result.report(tmp_path / "run.html")
        assert path == tmp_path / "run.html"
        assert (tmp_path / "run.html").read_text(encoding="utf-8") == result.report()

    def test_plot(self, make_result: Make) -> None:
        figure = make_result(60, symbols=("AAPL", "MSFT")).plot()
        kinds = [trace.type for trace in figure.data]
        assert kinds.count("candlestick") == 2
        assert [trace.visible for trace in figure.data if trace.type == "candlestick"] == [True, False]
        assert len(figure.layout.updatemenus[0].buttons) == 2


def test_import_is_light() -> None:
    code = (
        "import sys, alphintra.result, alphintra.trials; "
        "heavy = {'numpy', 'pandas', 'plotly', 'matplotlib', 'numba', 'platformdirs', 'alphintra_backtest'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
