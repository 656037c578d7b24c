"""A sample of rows drawn in one pass: the same rows for the same data, each as likely as any other.

A row is drawn by its symbol and its place among the symbol's rows, so rows that are added to the end of symbols leave
the chances of those before them alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from alphintra.data.arrow import whole
from alphintra.store.columns import SYMBOL, TIME_TYPES, Column, numbers, raw_values
from alphintra.store.statistics import shown, time_text

MOST_ROWS = 1_000
_MOST_CELLS = 50_000
_LEAST_ROWS = 20
U32 = npt.NDArray[np.uint32]


class _Row(NamedTuple):
    """A row of the sample: its scrambled place, whose it is, which of their rows, and its cells."""

    rank: int
    symbol: str
    place: int
    cells: list[Any]


class Sample:
    """Keeps the rows whose place, scrambled, is lowest.

    Args:
        columns: The columns, the symbol left out.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._most = max(_LEAST_ROWS, min(MOST_ROWS, _MOST_CELLS // (len(columns) + 1)))
        self._symbol: str | None = None
        self._seed = self._row = 0
        self._kept: list[_Row] = []

    def begin(self, symbol: str, row: int = 0) -> None:
        """Take rows of this symbol from here on, of which ``row`` came before, elsewhere."""
        self._symbol, self._row = symbol, row
        self._seed = int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:4], "little")

    def add(self, symbol: str, table: Any) -> None:
        """Take the next rows of a symbol."""
        if symbol != self._symbol:
            self.begin(symbol)
        start = self._row
        self._row += len(table)
        ranks = scrambled(self._seed + start, len(table))
        if len(self._kept) >= self._most:
            low = np.flatnonzero(ranks < np.uint32(self._kept[-1].rank))
        elif len(ranks) > self._most:
            low = np.sort(np.argpartition(ranks, self._most)[: self._most])
        else:
            low = np.arange(len(ranks))
        if not len(low):
            return
        low = low[np.argsort(ranks[low])][: self._most]
        rows = self._cells(table.take(numbers(low)))
        self._kept.extend(
            _Row(int(ranks[row]), symbol, start + int(row), list(cells)) for row, cells in zip(low, rows, strict=True)
        )
        self._kept.sort(key=lambda row: (row.rank, row.symbol.encode(), row.place))
        del self._kept[self._most :]

    def to_json(self) -> dict[str, Any]:
        """Return the rows in their order, as they stand in a manifest."""
        ordered = sorted(self._kept, key=lambda row: (row.symbol.encode(), row.place))
        columns = [SYMBOL, *(column.name for column in self._columns)]
        return {"columns": columns, "rows": [[row.symbol, *row.cells] for row in ordered]}

    def state(self) -> list[list[Any]]:
        """Return all of it as JSON, from which another goes on."""
        return [list(row) for row in self._kept]

    def restore(self, state: list[list[Any]]) -> None:
        """Go on where another left off."""
        self._kept = [_Row(*row) for row in state]

    def _cells(self, table: Any) -> list[tuple[Any, ...]]:
        return list(zip(*(cells(table[column.name], column.type) for column in self._columns), strict=True))


def scrambled(start: int, count: int) -> U32:
    """Return a number for each position that looks drawn by chance (the finalizer of MurmurHash3, 32 bits)."""
    mixed = np.arange(count, dtype=np.uint32)
    mixed += np.uint32((start + 0x9E3779B9) % 2**32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(factor)
    return mixed


def cells(array: Any, kind: str) -> list[Any]:
    """Return a column as JSON's values: times as text, numbers that are missing as null."""
    array = whole(array)
    if kind in TIME_TYPES:
        missing = array.is_null().to_pylist()
        return [None if gone else time_text(int(v), kind) for v, gone in zip(raw_values(array), missing, strict=True)]
    return [_cell(value) for value in array.to_pylist()]


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
