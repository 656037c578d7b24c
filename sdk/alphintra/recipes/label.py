"""What comes after each row: for training, hidden from strategies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alphintra.errors import DataError, ParameterError
from alphintra.recipes import parameters
from alphintra.recipes.derive import check_new
from alphintra.recipes.rows import F64, LABEL, Rows, Shape
from alphintra.recipes.step import Context, Numbers, Outcome, Step
from alphintra.store.columns import Column, numbers

_MOST_ROWS = 100_000


@dataclass(frozen=True, kw_only=True)
class Label(Step):
    """Make a label of what comes after each row. It has the role `label`: a strategy does not see it.

    `return`: the close so many rows later ÷ the price of entry − 1. `triple_barrier`: 1 where the price rises by
    `up` before it falls by `down`, −1 where it falls first (also where both are in one bar), 0 where it does neither
    within so many rows. Highs and lows count where there are any. What is not decided by the last row is missing.
    """

    kind: ClassVar[str] = "label"

    method: str = parameters.choice("Which.", ("return", "triple_barrier"), "return")
    horizon: int = parameters.whole("How far it looks.", low=1, high=_MOST_ROWS, unit="rows", must=True)
    name: str = parameters.text("Name of the column.", "label", kind="column")
    entry: str = parameters.choice("Price of entry: this row's close, or the next row's open.", ("close", "next_open"),
                                   "close")  # fmt: skip
    up: float | None = parameters.number("Upper barrier, above the entry.", low=1e-9, high=1e6, unit="fraction")
    down: float | None = parameters.number("Lower barrier, below the entry.", low=1e-9, high=1e6, unit="fraction")
    scale: str | None = parameters.text(
        "Column that both barriers are multiplied with, such as a volatility.", None, kind="column"
    )

    def check(self) -> None:
        """See :class:`Step`."""
        barriers = [name for name in ("up", "down", "scale") if getattr(self, name) is not None]
        if self.method == "return" and barriers:
            raise ParameterError("barriers belong to method='triple_barrier'", where=barriers[0])
        if self.method == "triple_barrier" and (self.up is None or self.down is None):
            raise ParameterError("both barriers have to be given", where="up, down", hint="up=0.02, down=0.01")

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        check_new(shape, self.name)
        taken = next((c for c in shape.columns if c.name == self.name), None)
        if taken is not None and taken.role != LABEL:
            raise ParameterError(f"there is a column {self.name!r} already", where="name", hint="Choose another.")
        for role in ("close", *(["open"] if self.entry == "next_open" else [])):
            if shape.role(role) is None:
                raise DataError(f"no column has the role {role!r}", code="UNKNOWN_COLUMN", where=f"column {role!r}")
        if self.scale is not None:
            shape.numeric([self.scale])
        unit = "fraction" if self.method == "return" else None
        return shape.having(Column(self.name, "double", LABEL, unit))

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        close = self._price(rows, "close")
        entry = close if self.entry == "close" else _ahead(self._price(rows, "open"), 1)
        with np.errstate(all="ignore"):
            found = _ahead(close, self.horizon) / entry - 1 if self.method == "return" else self._barrier(rows, entry)
        return Outcome({**rows.arrays, self.name: numbers(np.where(np.isfinite(found), found, np.nan))})

    def _barrier(self, rows: Rows, entry: F64) -> F64:
        assert self.up is not None and self.down is not None
        scale = 1.0 if self.scale is None else rows.numbers(self.scale)
        over, under = entry * (1 + self.up * scale), entry * (1 - self.down * scale)
        high, low = self._price(rows, "high"), self._price(rows, "low")
        out = np.full(len(rows), np.nan)
        open_rows = np.flatnonzero(np.isfinite(over) & np.isfinite(under))
        # One pass a row of the horizon, over all rows that are not decided yet.
        for ahead in range(1, self.horizon + 1):
            open_rows = open_rows[open_rows + ahead < len(rows)]
            if not len(open_rows):
                break
            fell = low[open_rows + ahead] <= under[open_rows]
            rose = high[open_rows + ahead] >= over[open_rows]
            out[open_rows[rose]] = 1.0
            out[open_rows[fell]] = -1.0
            open_rows = open_rows[~(fell | rose)]
        out[open_rows] = 0.0
        return out

    def _price(self, rows: Rows, role: str) -> F64:
        column = rows.shape.role(role) or rows.shape.role("close")
        assert column is not None
        return rows.numbers(column.name)


def _ahead(values: F64, count: int) -> F64:
    out = np.full(len(values), np.nan)
    if count < len(values):
        out[:-count] = values[count:]
    return out
