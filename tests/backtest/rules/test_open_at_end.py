"""A trade that is open at the end shows in every form of the result (F10, M10)."""

from __future__ import annotations

import json

import alphintra as al


class BuyAndHold(al.Strategy):
    def on_bar(self):
        if self.bar_index == 0:
            self.buy(quantity=100)


def test_every_form_of_a_result_with_an_open_trade():
    result = al.backtest(BuyAndHold, "us-equities-daily/AAPL")
    bundle = result._repr_mimebundle_()
    assert set(bundle) == {
        "application/vnd.alphintra.result.v1+json",
        "text/html",
        "image/png",
        "text/plain",
    }
    (marker,) = bundle["application/vnd.alphintra.result.v1+json"]["charts"]["markers"]
    assert marker["side"] == "BUY" and marker["trade_ids"] == [0]
    (trade,) = json.loads(result.to_json())["trades"]
    assert trade["exit_reason"] == "OPEN" and trade["exit_price"] is None and trade["pnl"] is None
    assert result.metrics["total_trades"] == 0 and result.metrics["open_trades"] == 1
    assert "<html" in str(result.report()).lower()[:200]


def test_times_of_fills_are_times():
    view = al.backtest(BuyAndHold, "us-equities-daily/AAPL").view
    known = {"time", "price", "money", "percent", "quantity", "integer", "text", "ratio"}
    for name, table in view["tables"].items():
        assert {c["format"] for c in table["columns"]} <= known, name
