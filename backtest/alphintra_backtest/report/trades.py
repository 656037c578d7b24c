"""Trades on candles, the best and the worst, and all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alphintra_backtest import view, view_series, view_shares, view_tables
from alphintra_backtest.formats import text
from alphintra_backtest.report.account import Account
from alphintra_backtest.report.series import moments
from alphintra_backtest.report.tables import from_view
from alphintra_backtest.study import Figure, Section, Table, Text

CANDLES = 8_000
"""Candles over all symbols: ten years of daily bars of one to three symbols are whole."""
SYMBOLS = 6
INDICATORS = 6
MARKS = 1_500
EXTREME = 10
ROWS = 1_000
_SIDES = (("BUY", "Bought", "triangle-up", "@gain"), ("SELL", "Sold", "triangle-down", "@loss"))


def section(account: Account) -> Section:
    """Return candles with entries and exits of each symbol, then the tables."""
    result = account.result
    trades = view_tables.run_table(result, account.axis, "trades", ROWS)
    blocks: list[Any] = [*candles(account)]
    without = left_out(account)
    if not trades["total"]:
        return Section("trades", "Trades", [*blocks, Text(["The strategy made no trade."])])
    every = view_tables.run_table(result, account.axis, "trades", trades["total"])
    blocks += [
        _extreme(every, "best", "Best trades", -1, without), _extreme(every, "worst", "Worst trades", 1, without),
    ]  # fmt: skip
    whole = f"{text(trades['total'], 'integer')} trade{'' if trades['total'] == 1 else 's'}, open ones included"
    note = "Worst and best: how far the price went against and for the trade while it was open, from the entry price."
    blocks.append(from_view(trades, "all_trades", f"All trades: {whole}", without=without, note=note))
    return Section("trades", "Trades", blocks)


def left_out(account: Account) -> tuple[str, ...]:
    """Return the column that says the same in every row: the symbol, where there is one."""
    return ("symbol",) if len(account.result.run["symbols"]) == 1 else ()


def _extreme(trades: Mapping[str, Any], name: str, title: str, sign: int, without: Sequence[str]) -> Table:
    """Return the trades with the largest or the smallest returns; of equal ones the earlier first."""
    at = [column["name"] for column in trades["columns"]].index("return")
    known = [row for row in trades["rows"] if row[at] is not None and sign * row[at] < 0]
    rows = sorted(known, key=lambda row: sign * row[at])[:EXTREME]
    content = {**trades, "rows": rows, "total": len(rows)}
    return from_view(content, name, title, without=without, ends=False)


def candles(account: Account) -> list[Any]:
    """Return one figure for each drawn symbol."""
    result = account.result
    shares = {symbol: view_shares.of_symbol(result, account.axis, symbol) for symbol in result.market.symbols}
    drawn = [symbol for symbol in view_series.drawn_symbols(result) if shares[symbol] is not None]
    omitted: list[str] = []
    marks = view.markers(result, account.axis, shares, MARKS, omitted)
    figures: list[Any] = []
    for symbol in drawn[:SYMBOLS]:
        own = shares[symbol]
        assert own is not None
        indicators = [i for i in result.indicators if i.symbol == symbol and i.overlay][:INDICATORS]
        chart = view_series.candles(
            result.market.bars[symbol], account.axis, own, CANDLES // len(drawn[:SYMBOLS]), indicators
        )
        figures.append(_figure(chart, [mark for mark in marks if mark["symbol"] == symbol]))
    if len(drawn) > SYMBOLS:
        omitted.append(f"candles of {len(drawn) - SYMBOLS} of {len(drawn)} symbols")
    if omitted:
        figures.append(Text([f"Not drawn: {'; '.join(omitted)}."]))
    return figures


def _figure(chart: Mapping[str, Any], marks: Sequence[Mapping[str, Any]]) -> Figure:
    x = moments(chart["time"])
    data: list[dict[str, Any]] = [
        {
            "type": "candlestick", "x": x, **{name: chart[name] for name in ("open", "high", "low", "close")},
            "name": chart["symbol"], "showlegend": False,
            "increasing": {"line": {"color": "@gain", "width": 1}},
            "decreasing": {"line": {"color": "@loss", "width": 1}},
        }
    ]  # fmt: skip
    data += [
        {
            "type": "scatter", "mode": "lines", "x": x, "y": indicator["values"], "name": indicator["name"],
            "line": {"width": 1.2, "color": f"@series{2 + i % 5}"},
        }
        for i, indicator in enumerate(chart["indicators"])
    ]  # fmt: skip
    data += [*_paths(marks), *_fills(marks)]
    notes = []
    if chart["bars_per_point"] > 1:
        notes.append(f"Each candle spans up to {chart['bars_per_point']} bars.")
    if chart["shares"]:
        notes.append(f"Prices are in shares of {chart['shares']['date']}: splits are no falls.")
    notes.append("Triangles are fills: up bought, down sold; dotted lines join entry and exit.")
    bought = sum(mark["side"] == "BUY" for mark in marks)
    alt = (
        f"Candles of {chart['symbol']} from {x[0]} to {x[-1]}, from {text(chart['open'][0], 'price')} to "
        f"{text(chart['close'][-1], 'price')}, with {bought} purchases and {len(marks) - bought} sales."
    )
    layout = {"hovermode": "closest", "yaxis": {"title": {"text": "Price"}}}
    name, title = f"candles_{chart['symbol']}", f"{chart['symbol']} with fills"
    return Figure(name, title, alt, data, layout, 440, " ".join(notes))


def _fills(marks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    traces = []
    for side, name, shape, color in _SIDES:
        own = [mark for mark in marks if mark["side"] == side]
        if own:
            traces.append(
                {
                    "type": "scatter", "mode": "markers", "x": moments([mark["time"] for mark in own]),
                    "y": [mark["price"] for mark in own], "name": name,
                    "marker": {"symbol": shape, "size": 10, "color": color, "line": {"width": 1, "color": "@ink"}},
                    "text": [_deal(mark) for mark in own], "hovertemplate": "%{x}<br>%{text}<extra></extra>",
                }
            )  # fmt: skip
    return traces


def _deal(mark: Mapping[str, Any]) -> str:
    """Say what was traded, at which price, and why it ended."""
    words = [text(mark["quantity"], "quantity"), "at", text(mark["traded"], "price")]
    if mark["reason"]:
        words.append(f"({mark['reason']})")
    return " ".join(words).replace("&", "&amp;").replace("<", "&lt;")


def _paths(marks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return dotted lines from the entry of each trade to its exit, one trace for all."""
    first: dict[int, Mapping[str, Any]] = {}
    x: list[Any] = []
    y: list[Any] = []
    for mark in marks:
        for trade in mark["trade_ids"]:
            entry = first.setdefault(trade, mark)
            if entry is not mark:
                x += [entry["time"], mark["time"], None]
                y += [entry["price"], mark["price"], None]
    if not x:
        return []
    dates = moments([moment or 0 for moment in x])
    return [
        {
            "type": "scatter", "mode": "lines", "x": [None if m is None else d for m, d in zip(x, dates, strict=True)],
            "y": y, "name": "Trades", "hoverinfo": "skip", "showlegend": False,
            "line": {"width": 1.2, "dash": "dot", "color": "@ink"},
        }
    ]  # fmt: skip


