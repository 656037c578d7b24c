"""Series small enough to draw: candles aggregated, curves thinned so that their extremes stay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.drawdowns import equity_drawdown
from alphintra_backtest.view_axis import Axis
from alphintra_backtest.view_shares import Shares

if TYPE_CHECKING:
    from alphintra.result import Result

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

MAX_SYMBOLS = 16
"""Symbols whose candles are drawn; the rest is only said."""
MAX_INDICATORS = 12
MAX_RECORDED = 12
SIGNIFICANT = 7
"""Digits of a drawn value: more than a screen has pixels."""


def shown(values: npt.ArrayLike, digits: int = SIGNIFICANT) -> list[float | int | None]:
    """Return values for drawing: rounded to significant digits, whole ones as int, gaps ``None``."""
    rounded: list[float | int | None] = []
    for value in np.asarray(values, dtype=np.float64).tolist():
        if not math.isfinite(value):
            rounded.append(None)
            continue
        number = float(f"{value:.{digits}g}")
        rounded.append(int(number) if number.is_integer() and abs(number) < 1e15 else number)
    return rounded


def extremes(series: list[F64], limit: int) -> I64:
    """Return the indices to keep so that a curve looks the same with about ``limit`` points.

    The axis is cut into buckets; of each, the least and the greatest value of every series stay, and
    so do the first and the last point.

    Args:
        series: Arrays of one length; all-NaN stretches have no extremes.
        limit: Most points to keep.
    """
    n = len(series[0])
    if n <= limit:
        return np.arange(n, dtype=np.int64)
    buckets = max(1, (limit - 2) // (2 * len(series)))
    edges = np.linspace(0, n, buckets + 1).astype(np.int64)
    keep = {0, n - 1}
    for values in series:
        low = np.where(np.isnan(values), np.inf, values)
        high = np.where(np.isnan(values), -np.inf, values)
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if stop > start:
                keep.add(start + int(low[start:stop].argmin()))
                keep.add(start + int(high[start:stop].argmax()))
    return np.array(sorted(keep), dtype=np.int64)


def candles(bars: Any, axis: Axis, shares: Shares, limit: int, indicators: list[Any]) -> dict[str, Any]:
    """Return one symbol's drawn bars, aggregated to at most ``limit`` candles.

    A candle of several bars opens with the first, closes with the last and spans them all; its volume
    is their sum and its indicators are those of its last bar. Prices, volume and the indicators drawn
    over the candles are in shares of the last bar.
    """
    first, last = shares.first, shares.last
    size = max(1, -(-(last - first) // max(limit, 1)))
    at = np.arange(0, last - first, size)
    ends = np.minimum(at + size, last - first) - 1
    became = shares.became
    opened, high, low, close = (
        np.asarray(values[first:last]) / became for values in (bars.open, bars.high, bars.low, bars.close)
    )
    volume = None if bars.volume is None else np.add.reduceat(bars.volume[first:last] * became, at)

    def known(indicator: Any) -> list[float | int | None]:
        values = np.asarray(indicator.values)[first:last]
        return shown((values / became if indicator.overlay else values)[ends])

    return {
        "symbol": bars.symbol,
        "time": axis.candle_names(bars)[first:last][at].tolist(),
        "open": shown(opened[at]),
        "high": shown(np.maximum.reduceat(high, at)),
        "low": shown(np.minimum.reduceat(low, at)),
        "close": shown(close[ends]),
        "volume": None if volume is None else shown(volume, 5),
        "bars_per_point": size,
        "indicators": [{"name": i.name, "values": known(i), "overlay": bool(i.overlay)} for i in indicators],
        "shares": shares.described(),
    }


def drawn_symbols(result: Result) -> list[str]:
    """Return the symbols to draw: those that were traded first, in universe order within each half."""
    traded = set(result.columns.get("fills", {}).get("symbol", ()))
    symbols = [s for s in result.market.symbols if len(result.market.bars[s])]
    ordered = [s for s in symbols if s in traded] + [s for s in symbols if s not in traded]
    return ordered[:MAX_SYMBOLS]


def all_candles(
    result: Result, axis: Axis, shares: Mapping[str, Shares | None], limit: int, omitted: list[str]
) -> list[dict[str, Any]]:
    """Return the candles of the drawn symbols, ``limit`` in all."""
    symbols = drawn_symbols(result)
    charts = []
    hidden = 0
    for symbol in symbols:
        drawn = shares[symbol]
        if drawn is None:
            continue
        own = [i for i in result.indicators if i.symbol == symbol]
        hidden += max(0, len(own) - MAX_INDICATORS)
        budget = limit // len(symbols)
        charts.append(candles(result.market.bars[symbol], axis, drawn, budget, own[:MAX_INDICATORS]))
    total = len(result.market.symbols)
    if len(symbols) < total:
        omitted.append(f"candles of {total - len(symbols)} of {total} symbols")
    coarse = max((chart["bars_per_point"] for chart in charts), default=1)
    if coarse > 1:
        omitted.append(f"single bars: each candle spans up to {coarse} bars")
    if hidden:
        omitted.append(f"{hidden} indicators")
    return charts


def curve(result: Result, axis: Axis, limit: int, omitted: list[str]) -> dict[str, Any]:
    """Return equity, benchmark and drawdown on common points."""
    curves = result.curves
    cash = float(result.run["configuration"]["cash"])
    drawdown = equity_drawdown(curves.equity, cash)
    known = bool(np.isfinite(curves.benchmark).any())
    series = [curves.equity, drawdown, *([curves.benchmark] if known else [])]
    keep = extremes(series, limit) if len(curves.time) else np.empty(0, np.int64)
    if len(keep) < len(curves.time):
        omitted.append(f"{len(curves.time) - len(keep)} of {len(curves.time)} points of the curves")
    return {
        "time": axis.names[keep].tolist(),
        "equity": shown(curves.equity[keep], 9),
        "benchmark": shown(curves.benchmark[keep], 9) if known else None,
        "drawdown": shown(np.round(drawdown[keep], 7)),
    }


def recorded(result: Result, axis: Axis, limit: int, omitted: list[str]) -> list[dict[str, Any]]:
    """Return what the strategy recorded, each series thinned on its own."""
    columns = result.columns.get("recorded", {})
    names = [name for name in columns if name != "time"]
    if not names:
        return []
    time = axis.bar_name(columns["time"])
    series = []
    for name in names[:MAX_RECORDED]:
        values = np.asarray(columns[name], dtype=np.float64)
        keep = extremes([values], limit)
        series.append({"name": name, "time": time[keep].tolist(), "values": shown(values[keep])})
    if len(names) > MAX_RECORDED:
        omitted.append(f"{len(names) - MAX_RECORDED} of {len(names)} recorded series")
    return series
