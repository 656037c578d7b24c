"""The payload of a result's interactive view, and the one source of its static forms.

What it holds is bounded, so that a notebook stays small: at most 4,000 candles over all symbols,
2,000 trades, and 1 MB as JSON. What is left out is said under ``omitted``.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest import notices, view_replay, view_series, view_shares, view_tables
from alphintra_backtest.metrics.definitions import DEFINITIONS, HEADLINE
from alphintra_backtest.plain_json import plain
from alphintra_backtest.view_axis import Axis

if TYPE_CHECKING:
    from alphintra.result import Result

VERSION = 1
MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Detail:
    """How much of a run is kept: candles in all, points of a curve, rows of a table, fills drawn."""

    candles: int
    points: int
    rows: int
    markers: int


DETAILS = (
    Detail(4_000, 4_000, 500, 4_000),
    Detail(4_000, 2_000, 200, 2_000),
    Detail(2_000, 1_000, 100, 2_000),
    Detail(1_000, 500, 50, 1_000),
    Detail(500, 300, 20, 500),
    Detail(200, 200, 10, 200),
)
"""From everything that may be shown to what always fits; the first that fits is taken."""

def payload(result: Result) -> dict[str, Any]:
    """Return the payload with as much detail as fits."""
    axis = Axis(result)
    said = notices.notices(result)
    fixed: dict[str, Any] = {
        "version": VERSION,
        "header": header(result),
        "warnings": notices.strip(said),
        "figures": figures(result),
    }
    replayed = "why_not" not in fixed["header"]["replay"]
    whole = view_tables.whole_tables(result, axis, said)
    content: dict[str, Any] = {}
    for detail in DETAILS:
        omitted: list[str] = []
        drawn = charts(result, axis, detail, omitted)
        tables = whole | view_tables.cut_tables(result, axis, detail.rows)
        if replayed:
            tables = view_replay.with_places(result, axis, tables)
        content = plain(fixed | {"charts": drawn, "tables": tables})
        if size(content) <= MAX_BYTES:
            break
    return content


def charts(result: Result, axis: Axis, detail: Detail, omitted: list[str]) -> dict[str, Any]:
    """Return what is drawn; what is left out goes to ``omitted``."""
    shares = {symbol: view_shares.of_symbol(result, axis, symbol) for symbol in result.market.symbols}
    return {
        "symbols": view_series.all_candles(result, axis, shares, detail.candles, omitted),
        "curve": view_series.curve(result, axis, detail.points, omitted),
        "recorded": view_series.recorded(result, axis, detail.points // 2, omitted),
        "markers": markers(result, axis, shares, detail.markers, omitted),
        "omitted": omitted,
    }


def size(content: dict[str, Any]) -> int:
    """Return the bytes that the payload takes in a notebook."""
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def header(result: Result) -> dict[str, Any]:
    """Return what identifies the run."""
    run = result.run
    session = result.curves.session
    symbols = list(run["symbols"])
    return {
        "run_id": str(run["id"]),
        "strategy": view_tables.clipped(run["strategy"]),
        "dataset": view_tables.clipped(run["dataset"]),
        "symbols": symbols[:20],
        "start": _date(session[0]) if len(session) else "",
        "end": _date(session[-1]) if len(session) else "",
        "bars": int(run["bars"]),
        "seconds": float(run["seconds"]),
        "parameters": {
            str(name)[:100]: value[:200] if isinstance(value, str) else value
            for name, value in list(run["parameters"].items())[:50]
        },
        "profile": str(run["configuration"].get("profile", "default")),
        "created_at": str(run["created_at"]),
        "code": code(result),
        "replay": view_replay.replay(result),
        "timezone": "UTC",
        "currency": None,
    }


def _date(session: int) -> str:
    """Return a session (days since 1970) as an ISO date."""
    return (dt.date(1970, 1, 1) + dt.timedelta(days=int(session))).isoformat()


def code(result: Result) -> str:
    """Return the call that repeats the run, with what differs from the defaults."""
    run = result.run
    if "code" in run:  # what made the run was no plain backtest
        return view_tables.clipped(run["code"])
    told = [str(run["strategy"]), f"data={str(run['dataset'])!r}"]
    told += [f"{name}={value!r}" for name, value in view_replay.options(result).items()]
    rest = "" if view_replay.features_have_names(run) else "  # with its features"
    return view_tables.clipped(f"al.backtest({', '.join(told)}){rest}")


def figures(result: Result) -> list[dict[str, Any]]:
    """Return the headline figures with the benchmark's and their definitions."""
    metrics = result.metrics
    note = {
        "win_rate": f"{metrics['winning_trades']} of {metrics['total_trades']}",
        "profit_factor": "net of costs",
        "total_trades": f"{metrics['open_trades']} open",
        "time_in_market": "of bars",
    }
    shown = []
    for name in HEADLINE:
        known = DEFINITIONS[name]
        value, benchmark = metrics[name], result.benchmark_metrics.get(name, math.nan)
        shown.append(
            {
                "name": name,
                "label": known.label,
                "value": value,
                "benchmark": benchmark,
                "format": known.format,
                "signed": known.signed,
                "note": note.get(name),
                "definition": known.definition,
                "reason": result.undefined.get(name),
            }
        )
    return shown


def markers(
    result: Result,
    axis: Axis,
    shares: Mapping[str, view_shares.Shares | None],
    limit: int,
    omitted: list[str],
) -> list[dict[str, Any]]:
    """Return one mark per fill, with the trades that it opened or closed.

    ``price`` is in shares of the last bar, as the candles are; ``traded`` is the price that was paid.
    """
    fills = result.columns.get("fills", {})
    total = len(fills.get("time", ()))
    first = max(0, total - limit)
    if first:
        omitted.append(f"marks of the first {first} of {total} fills")
    if not total:
        return []
    ids, reasons = _trades_of_fills(result)
    names = axis.names[np.asarray(fills["bar"][first:], dtype=np.int64)].tolist()
    became = [
        1.0 if (drawn := shares.get(str(symbol))) is None else drawn.at(name)
        for symbol, name in zip(fills["symbol"][first:], names, strict=True)
    ]
    prices = view_series.shown(np.asarray(fills["price"][first:], dtype=np.float64) / became)
    traded = view_series.shown(fills["price"][first:])
    quantities = view_series.shown(fills["quantity"][first:])
    shown = []
    for offset in range(total - first):
        at = first + offset
        symbol, side, time = str(fills["symbol"][at]), str(fills["side"][at]), int(fills["time"][at])
        order = int(fills["order_id"][at])
        keys = (("order", order), (symbol, side, time))
        key = next((key for key in keys if key in ids), keys[1])
        shown.append(
            {
                "symbol": symbol,
                "time": names[offset],
                "side": side,
                "price": prices[offset],
                "traded": traded[offset],
                "quantity": quantities[offset],
                "order_id": order,
                "trade_ids": ids.get(key, []),
                "reason": reasons.get(key),
            }
        )
    return shown


_Key = tuple[Any, ...]


def _trades_of_fills(result: Result) -> tuple[dict[_Key, list[int]], dict[_Key, str]]:
    """Return trade ids and exit reasons by order, or by symbol, side and time where orders are not known."""
    trades = result.columns.get("trades", {})
    ids: dict[_Key, list[int]] = {}
    reasons: dict[_Key, str] = {}
    entries, exits = trades.get("entry_order_id"), trades.get("exit_order_id")
    for i in range(len(trades.get("id", ()))):
        number, symbol, side = int(trades["id"][i]), str(trades["symbol"][i]), str(trades["side"][i])
        other = "SELL" if side == "BUY" else "BUY"
        if entries is None or exits is None:
            entry_key: _Key = (symbol, side, int(trades["entry_time"][i]))
            left = trades["exit_time"][i]
            exit_key: _Key = (symbol, other, 0 if left is None or left != left else int(left))
        else:
            entry_key = ("order", int(entries[i]))
            exit_key = ("order", -1 if exits[i] is None else int(exits[i]))  # an open trade has no exit
        ids.setdefault(entry_key, []).append(number)
        if not bool(trades["open"][i]):
            ids.setdefault(exit_key, []).append(number)
            reasons[exit_key] = view_tables.words(str(trades["exit_reason"][i]))
    return ids, reasons
