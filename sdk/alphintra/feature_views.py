"""Columns of further series as a strategy sees them: rows that are known now, the latest at ``[-1]``."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np
import numpy.typing as npt

from .views import F64, I64, Cursor, SparseSeries, Timeline, _apart

Array = npt.NDArray[Any]


class FeatureSeries(SparseSeries):
    """A column of numbers: as a series of ``self.data``, but NaN where there are not so many rows yet."""

    __slots__ = ()

    def _too_old(self, key: int, count: int) -> Any:
        return np.nan


class TextSeries(FeatureSeries):
    """A column of texts, dates or times; ``None`` where one is missing or there are not so many rows yet."""

    _underivable = "holds no numbers"

    __slots__ = ()

    def _put(self, array: Array) -> None:
        self._array = array
        self._mv = array.tolist()

    def _too_old(self, key: int, count: int) -> Any:
        return None

    def _said(self, last: int) -> str:
        return repr(self._value(last))

    def _repr_html_(self) -> None:
        """Nothing: there is no curve of texts."""


class Vintages:
    """Which rows of a series are known at a timestamp, each in its last revision known then, in order of time.

    Rows that become known are put in as the run goes forward; going back begins anew.

    Args:
        order: (n,) rows in the order in which they became known.
        key: (n,) of each row, in that order; equal keys are revisions of one row.
        counts: (T,) how many of them are known at each timestamp.
    """

    def __init__(self, order: I64, key: I64, counts: I64) -> None:
        self._order: list[int] = order.tolist()
        self._key: list[int] = key.tolist()
        self._counts: memoryview[int] = memoryview(counts)  # type: ignore[arg-type]
        self._taken = 0
        self._keys: list[int] = []
        self._rows: list[int] = []

    def at(self, timestamp: int) -> list[int]:
        """The rows; the list is the caller's to read at once, not to keep."""
        count = self._counts[timestamp]
        if count != self._taken:
            if count < self._taken:
                self._taken, self._keys, self._rows = 0, [], []
            self._take(count)
        return self._rows

    def _take(self, count: int) -> None:
        keys, rows = self._keys, self._rows
        for n in range(self._taken, count):
            key, row = self._key[n], self._order[n]
            place = bisect_left(keys, key)
            if place < len(keys) and keys[place] == key:
                rows[place] = row
            else:
                keys.insert(place, key)
                rows.insert(place, row)
        self._taken = count


class RevisedSeries(FeatureSeries):
    """A column whose rows were revised, or became known out of order: history is as it is known now.

    As an array it is one value for each timestamp, the latest that was known then: crossings are told by these.

    Args:
        values: (n,) all rows.
        vintages: Which of them are known when.
        latest: (T,) the latest value at each timestamp.
    """

    _underivable = "has rows that were revised: an indicator of them would change with each revision"

    __slots__ = ("_values", "_vintages")

    def __init__(
        self, values: F64, vintages: Vintages, latest: F64, cursor: Cursor, dense: Timeline, name: str
    ) -> None:
        super().__init__(latest, cursor, dense, name)
        self._values: Any = values
        self._vintages = vintages

    def __getitem__(self, key: Any) -> Any:
        if key.__class__ is int and key < 0 and self._c.i >= 0:
            rows = self._vintages.at(self._c.i)
            if -key <= len(rows):
                return self._value_of(rows[key])
        return self._read(key)

    def _value_of(self, row: int) -> Any:
        return float(self._values[row])

    def _last(self) -> int:
        return len(self._vintages.at(self._c.i)) - 1

    def _value(self, j: int) -> Any:
        return self._value_of(self._vintages.at(self._c.i)[j])

    def _part(self, first: int, stop: int) -> Any:
        return _apart(self._values[np.array(self._vintages.at(self._c.i)[first:stop], dtype=np.int64)])


class RevisedTexts(RevisedSeries):
    """Of texts; see :class:`TextSeries`."""

    _underivable = TextSeries._underivable

    __slots__ = ()

    _put = TextSeries._put
    _too_old = TextSeries._too_old
    _said = TextSeries._said
    _repr_html_ = TextSeries._repr_html_

    def _value_of(self, row: int) -> Any:
        return self._values[row]
