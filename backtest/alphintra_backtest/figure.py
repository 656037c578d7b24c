"""A result as a Plotly figure: candles with fills and indicators, equity, drawdown."""

from __future__ import annotations

import datetime as dt
from html import escape
from typing import Any

from alphintra_backtest.formats import text
from alphintra_backtest.look import BENCHMARK, GAIN, INDICATORS, LOSS

HEIGHT = 760


def figure(view: dict[str, Any]) -> Any:
    """Return the figure of a view's payload; with several symbols, a menu chooses the candles."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    chart = make_subplots(
        rows=3, cols=1, shared_xaxes=True, row_heights=[0.55, 0.28, 0.17], vertical_spacing=0.03
    )
    owners: list[str | None] = []
    for symbol in view["charts"]["symbols"]:
        traces = [_candles(go, symbol), *_indicators(go, symbol), *_fills(go, view, symbol["symbol"])]
        for trace in traces:
            trace.visible = symbol is view["charts"]["symbols"][0]
            chart.add_trace(trace, row=1, col=1)
        owners += [symbol["symbol"]] * len(traces)
    for trace, row in _account(go, view["charts"]["curve"]):
        chart.add_trace(trace, row=row, col=1)
        owners.append(None)
    chart.update_layout(
        height=HEIGHT,
        margin={"l": 60, "r": 20, "t": 80, "b": 40},
        hovermode="x unified",
        template="plotly_white",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        updatemenus=_menu(view, owners),
    )
    chart.update_xaxes(rangeslider_visible=False, gridcolor="rgba(128,128,128,0.25)")
    chart.update_yaxes(gridcolor="rgba(128,128,128,0.25)", zeroline=False)
    for row, title in ((1, _price_title(view["charts"]["symbols"])), (2, "Equity"), (3, "Drawdown")):
        chart.update_yaxes(title_text=title, row=row, col=1)
    chart.update_yaxes(tickformat=".0%", row=3, col=1)
    return chart


def _dates(seconds: list[int]) -> list[str]:
    """Return seconds since 1970 as the ISO text that Plotly's date axis reads."""
    epoch = dt.datetime(1970, 1, 1)
    return [(epoch + dt.timedelta(seconds=s)).isoformat() for s in seconds]


def _candles(go: Any, symbol: dict[str, Any]) -> Any:
    """Return the candles of one symbol."""
    return go.Candlestick(
        x=_dates(symbol["time"]),
        open=symbol["open"],
        high=symbol["high"],
        low=symbol["low"],
        close=symbol["close"],
        name=escape(symbol["symbol"]),
        increasing={"line": {"color": GAIN, "width": 1}},
        decreasing={"line": {"color": LOSS, "width": 1}},
    )


def _indicators(go: Any, symbol: dict[str, Any]) -> list[Any]:
    """Return the indicators that are drawn over the candles."""
    time = _dates(symbol["time"])
    overlays = [indicator for indicator in symbol["indicators"] if indicator["overlay"]]
    return [
        go.Scatter(
            x=time,
            y=indicator["values"],
            mode="lines",
            name=escape(indicator["name"]),
            line={"width": 1.2, "color": INDICATORS[i % len(INDICATORS)]},
        )
        for i, indicator in enumerate(overlays)
    ]


def _fills(go: Any, view: dict[str, Any], symbol: str) -> list[Any]:
    """Return the fills of one symbol: triangles up for purchases, down for sales."""
    traces = []
    for side, name, shape, color in (
        ("BUY", "Bought", "triangle-up", GAIN),
        ("SELL", "Sold", "triangle-down", LOSS),
    ):
        own = [m for m in view["charts"]["markers"] if m["symbol"] == symbol and m["side"] == side]
        if own:
            words = [_deal(m) for m in own]
            traces.append(
                go.Scatter(
                    x=_dates([m["time"] for m in own]),
                    y=[m["price"] for m in own],
                    mode="markers",
                    name=name,
                    marker={"symbol": shape, "size": 9, "color": color, "line": {"width": 1}},
                    text=[escape(word) for word in words],
                    hovertemplate="%{text}<extra></extra>",
                )
            )
    return traces


def _deal(marker: dict[str, Any]) -> str:
    """Say what was traded, at which price, and why; where shares were split since, where it is drawn."""
    traded = marker.get("traded", marker["price"])
    words = [text(marker["quantity"], "quantity"), "at", text(traded, "price")]
    if marker["reason"]:
        words.append(marker["reason"])
    if traded != marker["price"]:
        words.append(f"(drawn at {text(marker['price'], 'price')})")
    return " ".join(words)


def _price_title(symbols: list[dict[str, Any]]) -> str:
    """Name the price axis, with the shares that prices are in where there was a split."""
    dates = {symbol["shares"]["date"] for symbol in symbols if symbol.get("shares")}
    return f"Price, in shares of {max(dates)}" if dates else "Price"


def _account(go: Any, curve: dict[str, Any]) -> list[tuple[Any, int]]:
    """Return equity, benchmark and drawdown with their rows."""
    time = _dates(curve["time"])
    lines: list[tuple[Any, int]] = []
    if curve["benchmark"]:
        grey = {"width": 1.2, "color": BENCHMARK}
        lines.append((go.Scatter(x=time, y=curve["benchmark"], name="Benchmark", line=grey), 2))
    lines.append(
        (go.Scatter(x=time, y=curve["equity"], name="Strategy", line={"width": 1.8, "color": GAIN}), 2)
    )
    area = go.Scatter(
        x=time, y=curve["drawdown"], name="Drawdown", fill="tozeroy", line={"width": 0.8, "color": LOSS}
    )
    return [*lines, (area, 3)]


def _menu(view: dict[str, Any], owners: list[str | None]) -> list[dict[str, Any]]:
    """Return a menu that shows one symbol's candles, where there are several."""
    symbols = [symbol["symbol"] for symbol in view["charts"]["symbols"]]
    if len(symbols) < 2:
        return []
    buttons = [
        {
            "label": escape(symbol),
            "method": "restyle",
            "args": [{"visible": [owner in (None, symbol) for owner in owners]}],
        }
        for symbol in symbols
    ]
    place = {"x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"}
    return [{"buttons": buttons, **place, "showactive": True, "bgcolor": "rgba(128,128,128,0.15)"}]
