"""What bars must be: numbers, in order of time, with high and low around open and close."""

from __future__ import annotations

from typing import Any

import numpy as np

from alphintra.data.arrow import to_array
from alphintra.data.csv_file import not_a_number
from alphintra.data.market import F64, I64
from alphintra.data.tables import RawTable
from alphintra.errors import DataError

TOLERANCE = 1e-9
"""Of the price: what rounding may put a high below its close."""
_REMEDIES = {
    "NOT_FINITE": "Leave out rows without a value.",
    "NOT_POSITIVE": "Correct the price, or leave the row out.",
    "BAD_OHLC": "Correct the row, or leave it out.",
    "NEGATIVE_VOLUME": "Write 0 where nothing was traded; leave the column out where volume is not known.",
}


def read_number(table: RawTable, position: int) -> F64:
    """Return a column as float64.

    Raises:
        DataError: Names row and column of the first cell that is empty, no number, NaN or infinite.
    """
    import pyarrow as pa

    column, name = table.columns[position], table.names[position]
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        values = _from_text(column, table, name)
    elif pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        if column.null_count:
            row = int(np.flatnonzero(np.array(column.is_null().to_pylist()))[0])
            raise not_a_number("", table.where(row, name))
        values = to_array(column.cast(pa.float64(), safe=False))
    else:
        raise DataError(
            f"the column holds {kind}, not numbers",
            code="NOT_A_NUMBER",
            where=f"{table.source}, column '{name}'",
        )
    _first(~np.isfinite(values), table, name, "NOT_FINITE", lambda row: f"the value is {values[row]}")
    return values


def _from_text(column: Any, table: RawTable, name: str) -> F64:
    values = np.empty(len(column))
    for row, cell in enumerate(column.to_pylist()):
        try:
            values[row] = float(cell if cell is not None else "")
        except ValueError:
            raise not_a_number(cell or "", table.where(row, name)) from None
    return values


def check_order(utc: I64, table: RawTable, name: str) -> None:
    """Refuse times that repeat or go back."""
    steps = np.diff(utc)
    bad = np.flatnonzero(steps <= 0)
    if not len(bad):
        return
    row = int(bad[0]) + 1
    when = np.datetime_as_string(utc[row].astype("M8[us]"), unit="s")
    if steps[row - 1] == 0:
        raise DataError(
            f"the time {when} occurs twice",
            code="DUPLICATE_TIME",
            where=table.where(row, name),
            hint="Keep one row for each time: of a stored dataset, by a recipe with the step 'deduplicate'. "
            "For several symbols give a dict of frames, one for each.",
        )
    raise DataError(
        f"the time {when} is earlier than that of the row before",
        code="UNSORTED_TIMES",
        where=table.where(row, name),
        hint="Sort the rows by time.",
    )


def check_positive(values: F64, table: RawTable, name: str, what: str = "price") -> None:
    """Refuse zero and negative values of a column."""
    _first(values <= 0, table, name, "NOT_POSITIVE", lambda row: f"the {what} is {values[row]:g}")


def check_bars(prices: dict[str, F64], names: dict[str, str], table: RawTable) -> None:
    """Refuse prices that are not positive, and a high or low that other prices lie beyond.

    Args:
        prices: Columns by role: open, high, low, close.
        names: The source's own names of these columns.
        table: Where they come from.
    """
    for role, values in prices.items():
        check_positive(values, table, names[role])
    slack = TOLERANCE * prices["high"]
    for role in ("low", "open", "close"):
        _first(
            prices["high"] < prices[role] - slack,
            table,
            names["high"],
            "BAD_OHLC",
            lambda row, role=role: f"the high {prices['high'][row]:g} is below the {role} {prices[role][row]:g}",
        )
    for role in ("open", "close"):
        _first(
            prices["low"] > prices[role] + slack,
            table,
            names["low"],
            "BAD_OHLC",
            lambda row, role=role: f"the low {prices['low'][row]:g} is above the {role} {prices[role][row]:g}",
        )


def check_volume(volume: F64, table: RawTable, name: str) -> None:
    """Refuse negative volume."""
    _first(volume < 0, table, name, "NEGATIVE_VOLUME", lambda row: f"the volume is {volume[row]:g}")


def _first(bad: Any, table: RawTable, name: str, code: str, text: Any) -> None:
    rows = np.flatnonzero(bad)
    if not len(rows):
        return
    row = int(rows[0])
    more = f" ({len(rows)} rows are like this)" if len(rows) > 1 else ""
    raise DataError(text(row) + more, code=code, where=table.where(row, name), hint=_REMEDIES[code])
