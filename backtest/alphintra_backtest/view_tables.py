"""The tables of a view: columns with their labels and formats, rows cut to what can be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.formats import text
from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.view_axis import NO_TIME, Axis
from alphintra_backtest.view_series import shown

if TYPE_CHECKING:
    from alphintra.result import Result

MAX_TRADES = 2_000
MAX_TEXT = 2_000
"""Characters of one text cell."""

_Column = tuple[str, str, str, bool]

_FORMAT = {"code": "text", "fill": "time"}
"""How a view formats a code and the time of a fill."""

_COLUMNS: dict[str, tuple[_Column, ...]] = {
    "trades": (
        ("id", "No.", "integer", False),
        ("entry_time", "Entered", "fill", False),
        ("exit_time", "Left", "fill", False),
        ("symbol", "Symbol", "text", False),
        ("side", "Side", "text", False),
        ("quantity", "Quantity", "quantity", False),
        ("entry_price", "Entry", "price", False),
        ("exit_price", "Exit", "price", False),
        ("pnl", "P&L", "money", True),
        ("return", "Return", "percent", True),
        ("bars", "Bars", "integer", False),
        ("mae", "Worst", "percent", True),
        ("mfe", "Best", "percent", True),
        ("commission", "Fees", "money", False),
        ("exit_reason", "Reason", "code", False),
    ),
    "orders": (
        ("id", "No.", "integer", False),
        ("submitted", "Submitted", "time", False),
        ("symbol", "Symbol", "text", False),
        ("side", "Side", "text", False),
        ("type", "Type", "code", False),
        ("quantity", "Quantity", "quantity", False),
        ("filled", "Filled", "quantity", False),
        ("limit", "Limit", "price", False),
        ("stop", "Stop", "price", False),
        ("tif", "In force", "text", False),
        ("state", "State", "code", False),
        ("reason", "Reason", "code", False),
        ("avg_price", "Price", "price", False),
        ("finished", "Finished", "fill", False),
        ("role", "Role", "code", False),
        ("parent", "Parent", "integer", False),
        ("tag", "Tag", "text", False),
    ),
    "fills": (
        ("time", "Time", "fill", False),
        ("symbol", "Symbol", "text", False),
        ("side", "Side", "text", False),
        ("quantity", "Quantity", "quantity", False),
        ("price", "Price", "price", False),
        ("commission", "Fee", "money", False),
        ("slippage", "Slippage", "money", False),
        ("rule", "Rule", "text", False),
        ("order_id", "Order", "integer", False),
    ),
    "positions": (
        ("time", "Time", "time", False),
        ("symbol", "Symbol", "text", False),
        ("quantity", "Quantity", "quantity", False),
        ("avg_price", "Average price", "price", False),
        ("price", "Close", "price", False),
        ("market_value", "Value", "money", True),
    ),
}


def _column(name: str, label: str, kind: str, signed: bool = False) -> dict[str, Any]:
    """Describe one column."""
    return {"name": name, "label": label, "format": kind, "signed": signed}


def _table(columns: list[dict[str, Any]], rows: list[list[Any]], total: int, what: str) -> dict[str, Any]:
    """Put a table together and say what it leaves out."""
    left = total - len(rows)
    omitted = f"the latest {len(rows)} of {total} {what} are shown" if left else None
    return {"columns": columns, "rows": rows, "total": total, "omitted": omitted}


def clipped(value: Any) -> str:
    """Return a text of bearable length."""
    string = str(value)
    return string if len(string) <= MAX_TEXT else string[: MAX_TEXT - 1] + "…"


def words(code: str) -> str:
    """Return a code such as ``TAKE_PROFIT`` as words; what is no code stays as it is."""
    return code.replace("_", " ").lower() if code.isupper() else code


def _cells(column: Any, kind: str, axis: Axis, first: int, symbols: Any = ()) -> list[Any]:
    """Return one column from row ``first`` on, ready for JSON."""
    tail = column[first:]
    plain = tail.tolist() if isinstance(tail, np.ndarray) else list(tail)
    if kind == "text":
        return ["" if cell is None else clipped(cell) for cell in plain]
    if kind == "code":
        return ["" if cell is None else words(str(cell)) for cell in plain]
    if kind in ("time", "fill"):
        moments = [NO_TIME if cell is None or cell != cell else int(cell) for cell in plain]
        if kind == "fill":
            return list(axis.fill_stamps(moments, [str(s) for s in symbols[first:]]))
        return list(axis.stamps(moments))
    return list(shown([np.nan if cell is None else cell for cell in plain], 10))


def run_table(result: Result, axis: Axis, name: str, limit: int) -> dict[str, Any]:
    """Return one of the tables that the run itself has."""
    columns = result.columns.get(name, {})
    described = _COLUMNS[name]
    total = len(next(iter(columns.values()), ()))
    first = max(0, total - limit)
    cells = [
        _cells(columns[key], kind, axis, first, columns.get("symbol", ()))
        if key in columns
        else [None] * (total - first)
        for key, _, kind, _ in described
    ]
    if name == "orders":
        parent = [key for key, *_ in described].index("parent")
        cells[parent] = [None if cell is None or cell < 0 else cell for cell in cells[parent]]
    rows = [list(row) for row in zip(*cells, strict=True)]
    shown_as = [
        _column(key, label, _FORMAT.get(kind, kind), s) for key, label, kind, s in described
    ]
    return _table(shown_as, rows, total, name)


def metrics_table(result: Result) -> dict[str, Any]:
    """Return every metric beside the benchmark's, written out: the rows have different units."""
    rows = []
    for name, value in result.metrics.items():
        known = DEFINITIONS[name]
        other = result.benchmark_metrics.get(name)
        rows.append(
            [
                known.label,
                text(value, known.format, signed=known.signed),
                None if other is None else text(other, known.format, signed=known.signed),
                result.undefined.get(name),
                known.definition,
                known.source,
                name,
            ]
        )
    columns = [
        _column("label", "Metric", "text"),
        _column("value", "Value", "text"),
        _column("benchmark", "Benchmark", "text"),
        _column("reason", "Why undefined", "text"),
        _column("definition", "Definition", "text"),
        _column("source", "Source", "text"),
        _column("name", "Name in Python", "text"),
    ]
    return _table(columns, rows, len(rows), "metrics")


def _recorded(result: Result, axis: Axis, limit: int) -> dict[str, Any]:
    """Return what the strategy recorded, bar by bar."""
    columns = result.columns.get("recorded", {})
    names = [name for name in columns if name != "time"][:20]
    total = len(columns.get("time", ())) if names else 0
    first = max(0, total - limit)
    cells = [_cells(columns["time"], "time", axis, first)] if total else []
    cells += [_cells(columns[name], "ratio", axis, first) for name in names] if total else []
    described = [_column("time", "Time", "time"), *(_column(n, n, "quantity") for n in names)]
    return _table(described, [list(row) for row in zip(*cells, strict=True)], total, "recorded bars")


def assumptions_table(notices: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the numbers rest on."""
    rows = [
        [
            clipped(entry["text"]),
            entry.get("rule") or "",
            entry["level"],
            clipped("; ".join(str(item) for item in entry.get("items") or ())),
        ]
        for entry in notices
    ]
    columns = [
        _column("text", "Assumption", "text"),
        _column("rule", "Rule", "text"),
        _column("level", "Level", "text"),
        _column("items", "Details", "text"),
    ]
    return _table(columns, rows, len(rows), "assumptions")


def log_table(result: Result, axis: Axis, limit: int) -> dict[str, Any]:
    """Return what the strategy logged."""
    lines = result.logs[-limit:] if limit else []
    times = axis.stamps([moment for moment, _ in lines]) if lines else []
    rows = [[time, clipped(line)] for time, (_, line) in zip(times, lines, strict=True)]
    columns = [_column("time", "Time", "time"), _column("text", "Text", "text")]
    return _table(columns, rows, len(result.logs), "lines")


def whole_tables(result: Result, axis: Axis, notices: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the tables that do not shrink: up to :data:`MAX_TRADES` trades, metrics, assumptions."""
    return {
        "trades": run_table(result, axis, "trades", MAX_TRADES),
        "metrics": metrics_table(result),
        "assumptions": assumptions_table(notices),
    }


def cut_tables(result: Result, axis: Axis, limit: int) -> dict[str, Any]:
    """Return the other tables with their latest ``limit`` rows."""
    return {
        **{name: run_table(result, axis, name, limit) for name in ("orders", "fills", "positions")},
        "recorded": _recorded(result, axis, limit),
        "log": log_table(result, axis, limit),
    }
