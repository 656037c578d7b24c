"""Looks into stored versions, made of their manifests alone: no row is read, whatever the version's size.

Statistics of one symbol are not kept: a reader counts them (:mod:`.dataset_reading`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..errors import Invalid
from ..models.datasets import DatasetPreview, DatasetStatistics
from .dataset_rows import LISTED

MOST_SYMBOLS = 200
"""Symbols that statistics tell of one by one."""
MOST_CELLS = 50_000
"""Values of the rows of a preview: thousands of columns have fewer rows, for an answer is written in one piece."""
MOST_COUNTED = 200_000_000
"""Values of a symbol whose statistics are counted when they are asked for: some two seconds."""


def preview(dataset_id: str, manifest: dict[str, Any], symbol: str | None, rows: int, points: int) -> DatasetPreview:
    """Show rows of the sample, a summary of each column, and the closes of the sample as a chart.

    Raises:
        Invalid: There is no such symbol.
    """
    chosen = _symbol(manifest, symbol)
    names: list[str] = manifest["sample"].get("columns", [])
    sample: list[list[Any]] = manifest["sample"].get("rows", [])
    own = [row for row in sample if row[names.index("symbol")] == chosen] if sample else []
    most = min(rows, max(MOST_CELLS // max(len(names), 1), 1))
    return DatasetPreview(
        dataset_id=dataset_id,
        sample_data=[dict(zip(names, row, strict=True)) for row in (sample if symbol is None else own)[:most]],
        statistics={name: brief(found) for name, found in manifest["statistics"].items()},
        missing_values={name: found["nulls"] for name, found in manifest["statistics"].items()},
        data_types={"symbol": "string"} | {column["name"]: column["type"] for column in manifest["columns"]},
        chart_data=_chart(manifest, chosen, names, own, points),
    )


def span_of(manifest: dict[str, Any], symbol: str) -> dict[str, Any]:
    """Tell first, last and number of the rows of a symbol whose statistics are to be counted.

    Raises:
        Invalid: There is no such symbol, or it has more values than are counted while somebody waits.
    """
    span, columns = _spans(manifest)[_symbol(manifest, symbol)], len(manifest["columns"])
    if span["rows"] * columns > MOST_COUNTED:
        text = f"{symbol} has {span['rows']:,} rows of {columns:,} columns: of more than {MOST_COUNTED:,} values"
        raise Invalid.field("symbol", f"{text} there are statistics of all symbols alone", code="TOO_MANY_ROWS")
    return span


def statistics(dataset_id: str, manifest: dict[str, Any]) -> DatasetStatistics:
    """Summarise the columns, and tell the span of each symbol."""
    spans = _spans(manifest)
    return DatasetStatistics(
        dataset_id=dataset_id,
        row_count=sum(span["rows"] for span in spans.values()),
        columns={name: brief(found, whole=True) for name, found in manifest["statistics"].items()},
        symbols=dict(list(spans.items())[:MOST_SYMBOLS]),
        symbol_count=len(spans),
    )


def brief(statistics: dict[str, Any], *, whole: bool = False) -> dict[str, Any]:
    """Flatten the statistics of a column; without the long parts, unless all is wanted."""
    found = dict(statistics)
    quantiles = found.pop("quantiles", None) or {}
    if not whole:
        for long in ("histogram", "coverage", "top"):
            found.pop(long, None)
    return found | {f"quantile_{key}": value for key, value in quantiles.items()}


def _symbol(manifest: dict[str, Any], symbol: str | None) -> str:
    symbols: list[str] = manifest["symbols"]
    if symbol is None:
        return symbols[0]
    if symbol not in symbols:
        raise Invalid.field("symbol", f"there is no symbol {symbol!r}; there is {', '.join(symbols[:LISTED])}",
                            code="UNKNOWN_SYMBOL")  # fmt: skip
    return symbol


def _spans(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Add up the row groups of each symbol, which follow each other in time."""
    names: list[str] = manifest["symbols"]
    time = next(column["type"] for column in manifest["columns"] if column["role"] == "time")
    rows, firsts, lasts = [0] * len(names), [0] * len(names), [0] * len(names)
    for file in manifest["files"]:
        for place, count, first, last in zip(file["symbol"], file["rows"], file["first"], file["last"], strict=True):
            firsts[place] = min(firsts[place], first) if rows[place] else first
            lasts[place] = max(lasts[place], last) if rows[place] else last
            rows[place] += count
    return {
        name: {"title": None, "first": _text(firsts[i], time), "last": _text(lasts[i], time), "rows": rows[i]}
        for i, name in enumerate(names)
    }


def _text(value: int, kind: str) -> str:
    seconds, micros = (value * 86_400, 0) if kind == "date32" else divmod(value, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
    return moment.date().isoformat() if kind == "date32" else moment.isoformat().replace("+00:00", "Z")


def _chart(
    manifest: dict[str, Any], symbol: str, names: list[str], own: list[list[Any]], points: int
) -> dict[str, Any]:
    """Make the points that the sample has of a symbol; ``thinned`` says that they are not all there are."""
    place = {name: index for index, name in enumerate(names)}
    named: dict[str, str] = {column["role"]: column["name"] for column in manifest["columns"] if column["role"]}
    doubles = [column["name"] for column in manifest["columns"] if column["type"] == "double"]
    series = named.get("close") or (doubles[0] if doubles else None)
    bars = _spans(manifest)[symbol]["rows"]
    chosen = sorted(own, key=lambda row: row[place[named["time"]]]) if series is not None else []
    step = -(-len(chosen) // points) or 1
    chosen = chosen[::step]
    times = [_seconds(row[place[named["time"]]]) for row in chosen]
    prices = ("open", "high", "low", "close")
    candles: dict[str, Any] | None = None
    if all(role in named for role in prices):
        candles = {role: [row[place[named[role]]] for row in chosen] for role in prices}
        candles |= {"time": times, "bars_each": 1}
        candles["volume"] = [row[place[named["volume"]]] for row in chosen] if "volume" in named else None
    return {
        "symbol": symbol,
        "series": series,
        "time": times,
        "values": [row[place[series]] for row in chosen] if series is not None else [],
        "bars": bars,
        "thinned": len(chosen) < bars,
        "candles": candles,
    }


def _seconds(text: str) -> float | int:
    moment = datetime.fromisoformat(text)
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return int(seconds) if seconds.is_integer() else seconds
