"""Two versions cell by cell: blocks with equal hashes are equal, only the others are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.data.arrow import whole
from alphintra.data.content_hash import BLOCK_ROWS
from alphintra.errors import DataError
from alphintra.store.columns import Column, numbers, raw_values
from alphintra.store.reading import Version, digests_by_symbol, row_batches
from alphintra.store.statistics import shown, time_text

MOST_PLACES = 1_000
_LAST = 2**63 - 1


@dataclass(frozen=True)
class Place:
    """One difference.

    Attributes:
        symbol: Whose row.
        time: Its time, as text.
        column: The cell's column; ``None`` where the whole row is only in one version.
        old: The cell before, or ``None``.
        new: The cell after, or ``None``.
        change: ``added``, ``removed`` or ``changed``.
    """

    symbol: str
    time: str
    column: str | None
    old: Any
    new: Any
    change: str


@dataclass
class Comparison:
    """How a version differs from another.

    Attributes:
        columns_added: Columns that only the new one has, or has with another type.
        columns_removed: Columns that only the old one has, or has with another type.
        symbols_added: Symbols that only the new one has.
        symbols_removed: Symbols that only the old one has.
        rows_added: Rows that only the new one has, those of new symbols among them.
        rows_removed: Rows that only the old one has.
        cells_changed: By column, in rows and columns that both have.
        places: The first 1,000 differences in rows, without those of symbols that only one version has.
        rows_read: Rows of both versions that had to be read for it.
    """

    columns_added: list[str] = field(default_factory=list)
    columns_removed: list[str] = field(default_factory=list)
    symbols_added: list[str] = field(default_factory=list)
    symbols_removed: list[str] = field(default_factory=list)
    rows_added: int = 0
    rows_removed: int = 0
    cells_changed: dict[str, int] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    rows_read: int = 0

    @property
    def equal(self) -> bool:
        """True if both hold the same."""
        lists = (self.columns_added, self.columns_removed, self.symbols_added, self.symbols_removed)
        return not (any(lists) or self.rows_added or self.rows_removed or self.cells_changed)


def compare(old: Version, new: Version) -> Comparison:
    """Compare two versions; memory is that of a few row groups.

    Rows are matched by time (and sequence); those of one time by their order.

    Raises:
        DataError: The versions have different columns of time.
    """
    out = Comparison()
    before, after = old.manifest, new.manifest
    if before.content_hash == after.content_hash and before.columns == after.columns:
        return out
    if (before.time.name, before.time.type) != (after.time.name, after.time.type):
        raise DataError(
            f"one version has the time '{before.time.name}' ({before.time.type}), the other "
            f"'{after.time.name}' ({after.time.type})",
            code="NOT_COMPARABLE",
        )
    types = [{column.name: column.type for column in m.columns} for m in (before, after)]
    common = [c for c in after.columns if types[0].get(c.name) == c.type]
    names = {column.name for column in common}
    out.columns_added = sorted(types[1].keys() - names)
    out.columns_removed = sorted(types[0].keys() - names)
    out.symbols_added = sorted(set(after.symbols) - set(before.symbols), key=str.encode)
    out.symbols_removed = sorted(set(before.symbols) - set(after.symbols), key=str.encode)
    rows = [dict(zip(m.symbols, m.symbol_rows.tolist(), strict=True)) for m in (before, after)]
    out.rows_added = sum(rows[1][symbol] for symbol in out.symbols_added)
    out.rows_removed = sum(rows[0][symbol] for symbol in out.symbols_removed)
    left, right = _Blocks(old, common), _Blocks(new, common)
    matcher = _Matcher(out, common)
    for symbol in after.symbols:
        if symbol in rows[0]:
            for start, stop in _differing(left.of(symbol), right.of(symbol)):
                sides = [
                    row_batches(version, symbol, min(start, count), min(stop, count))
                    for version, count in ((old, rows[0][symbol]), (new, rows[1][symbol]))
                ]
                matcher.match(symbol, *sides)
    return out


class _Blocks:
    """The block hashes of a version by symbol."""

    def __init__(self, version: Version, common: list[Column]) -> None:
        manifest = version.manifest
        names = sorted((column.name for column in manifest.columns), key=str.encode)
        self._columns = [names.index(column.name) for column in common]
        self._width = len(names)
        self._by_symbol = digests_by_symbol(version)

    def of(self, symbol: str) -> npt.NDArray[Any]:
        """Return the hashes of the common columns: a row a block."""
        whole = np.array(self._by_symbol[symbol], dtype="V32").reshape(self._width, -1)
        return whole[self._columns].T


def _differing(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Yield the rows of blocks that differ, blocks that follow each other together."""
    both = min(len(old), len(new))
    differs = np.ones(max(len(old), len(new)), dtype=bool)
    differs[:both] = (old[:both] != new[:both]).any(axis=1)
    edges = np.flatnonzero(np.diff(differs.astype(np.int8), prepend=0, append=0))
    for start, stop in edges.reshape(-1, 2).tolist():
        yield start * BLOCK_ROWS, stop * BLOCK_ROWS


class _Side:
    """Rows of one version on their way, held until the other version has reached the same time."""

    def __init__(self, batches: Iterator[Any], time: str) -> None:
        self._batches = batches
        self._time = time
        self._table: Any = None
        self.more = True
        self.read = 0

    def fill(self) -> None:
        """Take the next row group, if there is one."""
        import pyarrow as pa

        batch = next(self._batches, None)
        if batch is None:
            self.more = False
            return
        self.read += len(batch)
        self._table = batch if self._table is None else pa.concat_tables([self._table, batch])

    @property
    def reached(self) -> int:
        """The last time that is here; rows before it are all here."""
        if not self.more:
            return _LAST
        if self._table is None or not len(self._table):
            return -_LAST
        return int(raw_values(self._table[self._time].slice(len(self._table) - 1))[0])

    def take(self, before: int) -> Any:
        """Return the rows before a time, or all at the end."""
        if self._table is None:
            return None
        times = raw_values(self._table[self._time])
        count = len(times) if before == _LAST else int(np.searchsorted(times, before, side="left"))
        out, self._table = self._table.slice(0, count), self._table.slice(count)
        return out


class _Matcher:
    """Matches rows of two versions and counts what differs."""

    def __init__(self, out: Comparison, columns: list[Column]) -> None:
        self._out = out
        self._columns = columns
        self._time = next(column for column in columns if column.role == "time")
        self._sequence = next((column.name for column in columns if column.role == "sequence"), None)

    def match(self, symbol: str, old: Iterator[Any], new: Iterator[Any]) -> None:
        """Match the rows of one range of blocks."""
        left, right = _Side(old, self._time.name), _Side(new, self._time.name)
        while left.more or right.more:
            behind = left if left.reached <= right.reached else right
            behind.fill()
            before = min(left.reached, right.reached)
            self._rows(symbol, left.take(before), right.take(before))
        self._out.rows_read += left.read + right.read

    def _rows(self, symbol: str, old: Any, new: Any) -> None:
        if old is None or new is None or not len(old) or not len(new):
            for table, change in ((old, "removed"), (new, "added")):
                if table is not None and len(table):
                    self._alone(symbol, table, np.arange(len(table)), change)
            return
        left, right = self._keys(old, new)
        if np.array_equal(left, right):
            self._matched(symbol, old, new)
            return
        _, at_old, at_new = np.intersect1d(left, right, assume_unique=True, return_indices=True)
        for table, at, change in ((old, at_old, "removed"), (new, at_new, "added")):
            alone = np.ones(len(table), dtype=bool)
            alone[at] = False
            self._alone(symbol, table, np.flatnonzero(alone), change)
        self._matched(symbol, old.take(numbers(at_old)), new.take(numbers(at_new)))

    def _matched(self, symbol: str, old: Any, new: Any) -> None:
        """Compare rows of which each is the other's."""
        for column in self._columns:
            if column is not self._time:
                self._cells(symbol, column, old, new)

    def _alone(self, symbol: str, table: Any, at: npt.NDArray[Any], change: str) -> None:
        if change == "added":
            self._out.rows_added += len(at)
        else:
            self._out.rows_removed += len(at)
        times = raw_values(table[self._time.name])
        for row in at[: self._room()].tolist():
            when = time_text(int(times[row]), self._time.type)
            self._out.places.append(Place(symbol, when, None, None, None, change))

    def _cells(self, symbol: str, column: Column, old: Any, new: Any) -> None:
        left, right = whole(old[column.name]), whole(new[column.name])
        at = np.flatnonzero(_unequal(left, right, column))
        if not len(at):
            return
        self._out.cells_changed[column.name] = self._out.cells_changed.get(column.name, 0) + len(at)
        times = raw_values(old[self._time.name])
        for row in at[: self._room()].tolist():
            when = time_text(int(times[row]), self._time.type)
            was, now = _shown(left[row], column), _shown(right[row], column)
            self._out.places.append(Place(symbol, when, column.name, was, now, "changed"))

    def _room(self) -> int:
        return MOST_PLACES - len(self._out.places)

    def _keys(self, old: Any, new: Any) -> list[npt.NDArray[Any]]:
        """Return what rows are matched by: the time, and where times repeat, sequence and order as well."""
        sides = [raw_values(table[self._time.name]) for table in (old, new)]
        if all((times[1:] > times[:-1]).all() for times in sides):
            return sides
        out = []
        for table, times in zip((old, new), sides, strict=True):
            key = np.zeros(len(times), dtype=[("time", "i8"), ("sequence", "i8"), ("order", "i8")])
            key["time"] = times
            if self._sequence is not None:
                key["sequence"] = raw_values(table[self._sequence].fill_null(0))
            by = np.lexsort((np.arange(len(times)), key["sequence"], key["time"]))
            again = (key[["time", "sequence"]][by][1:] == key[["time", "sequence"]][by][:-1])
            starts = np.flatnonzero(np.concatenate([[True], ~again]))
            lengths = np.diff(np.append(starts, len(times)))
            key["order"][by] = np.arange(len(times)) - np.repeat(starts, lengths)
            out.append(key)
        return out


def _unequal(left: Any, right: Any, column: Column) -> npt.NDArray[np.bool_]:
    import pyarrow.compute as pc

    if column.kind == "double":
        old, new = raw_values(left), raw_values(right)
        return np.asarray((old != new) & ~(np.isnan(old) & np.isnan(new)))
    one_missing = pc.not_equal(left.is_null(), right.is_null())
    return raw_values(pc.or_(pc.fill_null(pc.not_equal(left, right), False), one_missing))


def _shown(cell: Any, column: Column) -> Any:
    if not cell.is_valid:
        return None
    if column.type in ("date32", "timestamp[us, UTC]"):
        return time_text(int(cell.value), column.type)
    value = cell.as_py()
    if isinstance(value, str):
        return shown(value)
    return None if value != value else value
