"""The tables of a result: their declared columns, as DataFrames and as JSON rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from alphintra._engine import engine

if TYPE_CHECKING:
    import pandas as pd

NO_TIME = -(2**63)
"""A missing time in an int64 column of microseconds (numpy's NaT)."""

TABLES: dict[str, dict[str, str]] = {
    "trades": {
        "id": "id",
        "backtest_id": "text",
        "symbol": "text",
        "side": "text",
        "quantity": "number",
        "entry_price": "number",
        "exit_price": "number",
        "entry_time": "time",
        "exit_time": "time",
        "pnl": "money",
        "commission": "money",
        "exit_reason": "text",
        "return": "number",
        "bars": "count",
        "mae": "number",
        "mfe": "number",
        "open": "flag",
        "ambiguous": "flag",
        "carry": "money",
    },
    "orders": {
        "id": "id",
        "symbol": "text",
        "side": "text",
        "type": "text",
        "quantity": "number",
        "filled": "number",
        "limit": "number",
        "stop": "number",
        "tif": "text",
        "submitted": "time",
        "state": "text",
        "reason": "text",
        "parent": "reference",
        "role": "text",
        "tag": "text",
        "avg_price": "number",
        "finished": "time",
    },
    "fills": {
        "time": "time",
        "symbol": "text",
        "side": "text",
        "quantity": "number",
        "price": "number",
        "base_price": "number",
        "source": "text",
        "commission": "money",
        "slippage": "money",
        "value": "money",
        "rule": "text",
        "order_id": "id",
        "bar": "count",
    },
    "events": {
        "time": "time",
        "order_id": "id",
        "state": "text",
        "reason": "text",
        "rule": "text",
        "price": "number",
        "base_price": "number",
        "source": "text",
        "quantity": "number",
    },
    "cash_flows": {
        "time": "time",
        "symbol": "text",
        "kind": "text",
        "amount": "money",
        "ratio": "number",
        "quantity": "number",
    },
    "positions": {
        "time": "time",
        "symbol": "text",
        "quantity": "number",
        "avg_price": "number",
        "price": "number",
        "market_value": "number",
    },
    "recorded": {"time": "time"},
}
"""Columns of each table in their order, with the kind of what they hold.

``recorded`` has one further number column per recorded name.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def kinds(table: str, columns: Mapping[str, Any]) -> dict[str, str]:
    """Return the kinds of a table's columns: the declared ones; in ``recorded`` also what else there is."""
    declared = TABLES[table]
    if table != "recorded":
        return declared
    return declared | {name: "number" for name in columns if name not in declared}


def iso(microseconds: int) -> str:
    """Return a time as ISO 8601 with ``Z``: to the second, or to the microsecond where it has a fraction."""
    moment = _EPOCH + timedelta(microseconds=int(microseconds))
    text = moment.strftime("%Y-%m-%dT%H:%M:%S") if moment.year >= 1000 else moment.isoformat()[:19]
    return f"{text}.{moment.microsecond:06d}Z" if moment.microsecond else f"{text}Z"


def missing(value: Any) -> bool:
    """Tell whether a cell is empty: ``None``, NaN or NaT."""
    return value is None or value != value or (value.__class__ is int and value == NO_TIME)


def values(column: Any, kind: str) -> list[Any]:
    """Return a column as plain Python values: times in microseconds, empty cells ``None``."""
    cells = column.tolist() if hasattr(column, "tolist") else list(column)
    if kind == "text":
        return ["" if cell is None else str(cell) for cell in cells]
    if kind == "flag":
        return [bool(cell) for cell in cells]
    if kind == "money":
        leg = engine("money").leg
        return [None if missing(cell) else leg(cell) for cell in cells]
    if kind == "number":
        return [None if missing(cell) else _finite(float(cell)) for cell in cells]
    if kind == "reference":
        # Orders without a parent carry a negative number.
        return [None if missing(cell) or int(cell) < 0 else int(cell) for cell in cells]
    return [None if missing(cell) else _whole(cell) for cell in cells]


def _finite(value: float) -> float | None:
    """Return the value, ``None`` for an infinite one: JSON has no word for it."""
    return value if value - value == 0 else None


def _whole(cell: Any) -> Any:
    """Return an id, count or time as an int; an id that is a text stays one."""
    return cell if isinstance(cell, str) else int(cell)


def rows(table: str, columns: Mapping[str, Any], names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return a table as JSON rows: times ISO 8601 with ``Z``, empty cells ``None``.

    Args:
        table: Name of the table.
        columns: Values by column; a declared column that is absent gives ``None``.
        names: Columns to write; all by default.
    """
    kind_of = kinds(table, columns)
    wanted = list(kind_of) if names is None else list(names)
    count = len(next(iter(columns.values()), ()))
    cells: list[list[Any]] = []
    for name in wanted:
        column = columns.get(name)
        kind = kind_of[name]
        plain = [None] * count if column is None else values(column, kind)
        if kind == "time":
            plain = [None if cell is None else iso(cell) for cell in plain]
        cells.append(plain)
    return [dict(zip(wanted, row, strict=True)) for row in zip(*cells, strict=True)]


def frame(table: str, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table as a DataFrame with its declared columns, also when it has no rows.

    Times are ``datetime64[us, UTC]``, numbers and money float64 (money rounded to 1e-8), counts and
    ids int64 (float64 where some are missing), flags bool.
    """
    import numpy as np
    import pandas as pd

    count = len(next(iter(columns.values()), ()))
    data: dict[str, Any] = {}
    for name, kind in kinds(table, columns).items():
        column = columns.get(name)
        plain = [None] * count if column is None else values(column, kind)
        if kind == "time":
            stamps = np.array([NO_TIME if cell is None else cell for cell in plain], dtype=np.int64)
            data[name] = pd.DatetimeIndex(stamps.view("datetime64[us]")).tz_localize("UTC")
        elif kind in ("number", "money"):
            data[name] = np.array([np.nan if cell is None else cell for cell in plain], dtype=np.float64)
        elif kind == "flag":
            data[name] = np.array(plain, dtype=bool)
        elif kind == "text":
            data[name] = pd.array(plain, dtype="str" if int(pd.__version__[0]) >= 3 else object)
        elif any(isinstance(cell, str) for cell in plain):
            data[name] = pd.array(plain, dtype=object)
        else:
            full = None not in plain
            data[name] = np.array(
                [np.nan if cell is None else cell for cell in plain], dtype=np.int64 if full else np.float64
            )
    return pd.DataFrame(data)
