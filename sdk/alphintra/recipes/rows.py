"""Rows of one symbol between two steps, and what is known of them without reading one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.data.arrow import whole
from alphintra.data.instrument import did_you_mean
from alphintra.data.market import DAY_US
from alphintra.errors import DataError
from alphintra.store.columns import Column, numbers, raw_values, time_column, validity
from alphintra.store.known import known_at, not_before
from alphintra.store.manifest import About

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
BOOL = npt.NDArray[np.bool_]
LABEL = "label"
"""Role of columns that look ahead on purpose: a strategy does not see them."""
KNOWN = "known_at"
"""Role of a column that says when a row was known, where that is later than its time tells."""
PRICES = ("open", "high", "low", "close")
NUMERIC = ("double", "int64", "bool")


@dataclass(frozen=True)
class Shape:
    """Columns and what is stated of them.

    Attributes:
        columns: The columns, the symbol left out.
        about: What is stated of the values.
    """

    columns: tuple[Column, ...]
    about: About

    @property
    def time(self) -> Column:
        """The column that rows are sorted by."""
        return time_column(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return a column.

        Raises:
            DataError: There is none; the error names the nearest.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(
            f"there is no column {name!r}", code="UNKNOWN_COLUMN", where=f"column {name!r}",
            hint=did_you_mean(name, list(self.names)) + "There are " + ", ".join(self.names[:20]) + ".",
        )  # fmt: skip

    def role(self, role: str) -> Column | None:
        """Return the first column with a role."""
        return next((column for column in self.columns if column.role == role), None)

    def numeric(self, chosen: Iterable[str]) -> tuple[Column, ...]:
        """Return columns of numbers.

        Raises:
            DataError: There is no such column, or it holds no numbers.
        """
        found = tuple(self.column(name) for name in chosen)
        for column in found:
            if column.type not in NUMERIC or column.role in ("time", KNOWN):
                raise DataError(
                    f"column {column.name!r} holds no numbers but {column.type}", code="BAD_COLUMN",
                    where=f"column {column.name!r}", hint="Choose columns of numbers.",
                )  # fmt: skip
        return found

    def labels(self, names: Collection[str] | None = None) -> tuple[str, ...]:
        """Return which of some columns, or of all, look ahead on purpose."""
        return tuple(c.name for c in self.columns if c.role == LABEL and (names is None or c.name in names))

    def having(self, *columns: Column) -> Shape:
        """Return it with columns put in the place of those of their names, or at the end."""
        new = {column.name: column for column in columns}
        kept = tuple(new.pop(column.name, column) for column in self.columns)
        return replace(self, columns=(*kept, *new.values()))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one symbol.

    Attributes:
        symbol: Whose.
        shape: Their columns.
        arrays: Arrow arrays by column, all of one length; numbers that are missing are NaN.
    """

    symbol: str
    shape: Shape
    arrays: Mapping[str, Any]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.arrays[self.shape.time.name])

    @cached_property
    def times(self) -> npt.NDArray[Any]:
        """Times as they are stored: int64 microseconds, or int32 days."""
        return raw_values(self.arrays[self.shape.time.name])

    @cached_property
    def known(self) -> I64:
        """When each row was known, microseconds UTC."""
        column = self.shape.role(KNOWN)
        return self.ends if column is None else not_before(self.ends, column, self.arrays[column.name])

    @cached_property
    def ends(self) -> I64:
        """When each row is over, whatever is said of when it was known; microseconds UTC."""
        return known_at(self.times, self.shape.time.type, self.shape.about)

    def numbers(self, name: str) -> F64:
        """Return a column of numbers as float64, NaN where there is none."""
        array = self.arrays[name]
        values = raw_values(array).astype(np.float64, copy=False)
        there = validity(array)
        return values if there is None else np.where(there, values, np.nan)

    def text_of(self, row: int) -> str:
        """Return a row's time as text."""
        from alphintra.store.statistics import time_text

        return time_text(int(self.times[row]), self.shape.time.type)

    def table(self) -> Any:
        """Return an Arrow table of the columns."""
        import pyarrow as pa

        return pa.table({name: self.arrays[name] for name in self.shape.names})

    def taken(self, places: I64) -> dict[str, Any]:
        """Return the arrays at some places; null where a place is −1."""
        import pyarrow as pa

        index = numbers(places)
        if (places < 0).any():
            index = pa.array(places, mask=places < 0)
        out = {}
        for column in self.shape.columns:
            array = self.arrays[column.name].take(index)
            out[column.name] = array.fill_null(float("nan")) if column.type == "double" else array
        return out


def rows_of(symbol: str, shape: Shape, table: Any) -> Rows:
    """Return the rows of an Arrow table that has the columns of a shape."""
    from alphintra.store.columns import arrow_type

    arrays = {}
    for column in shape.columns:
        array = whole(table[column.name])
        if array.type != arrow_type(column.type):
            array = array.cast(arrow_type(column.type))
        if column.type == "double" and array.null_count:
            array = array.fill_null(float("nan"))
        arrays[column.name] = array
    return Rows(symbol, shape, arrays)


def missing(array: Any) -> BOOL:
    """Tell which values of a column are missing: null or NaN."""
    there = validity(array)
    out = np.zeros(len(array), dtype=bool) if there is None else ~there
    if str(array.type) == "double":
        out = out | np.isnan(raw_values(array))
    return out


def end_of(text: str) -> int:
    """Return the last microsecond of a date, or an instant, as a parameter keeps it."""
    if len(text) == 10:
        return (int(np.datetime64(text, "D").astype(np.int64)) + 1) * DAY_US
    return int(np.datetime64(text.removesuffix("Z"), "us").astype(np.int64))
