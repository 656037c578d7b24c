"""Bars for a chart: a range of a symbol in no more points than are wanted, made of as many rows each as it takes.

A candle is of 1, 2, 4, 8, … rows, and candles begin at the same rows whatever range is looked at: who pans sees the
same candles move, and who zooms sees two become one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.errors import DataError
from alphintra.store.columns import Column, raw_values
from alphintra.store.finding import bounds, find
from alphintra.store.reading import Version, group_tables

MOST_POINTS = 4_000
PRICES = ("open", "high", "low", "close")
MOST_KEPT = 96 << 20
"""Bytes of what is kept of one symbol, to make further views of."""
_CELL_BYTES = 7 * 8
_STEP = 8
_RAW_GROUPS = 4
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Candles:
    """Candles of one symbol, all arrays of one length.

    Attributes:
        rows_each: Rows of a candle; those at the ends of the range may have fewer.
        time: Time of each one's first row, µs (days where times are dates).
        open: First value.
        high: Highest value, NaN where all are missing.
        low: Lowest value.
        close: Last value.
        volume: Sum of the volumes that are known, or ``None`` where the version has no volume.
        rows: How many rows each is made of.
        first_row: Which of the symbol's rows is the first one's first.
        rows_of_all: Rows of the symbol.
    """

    rows_each: int
    time: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64 | None
    rows: I64
    first_row: int
    rows_of_all: int

    def arrays(self) -> list[npt.NDArray[Any]]:
        """Return them as they are sent, all of 8 bytes a value: time, prices, rows, and the volume if there is any."""
        found = [self.time, self.open, self.high, self.low, self.close, self.rows]
        return [np.ascontiguousarray(own) for own in (*found, *([] if self.volume is None else [self.volume]))]


def candles(
    version: Version,
    symbol: str,
    start: Any = None,
    end: Any = None,
    *,
    column: str | None = None,
    most: int = MOST_POINTS,
) -> Candles:
    """Return a range of a symbol in at most ``most`` candles; memory is that of two row groups.

    Args:
        version: The version.
        symbol: Which symbol.
        start: First time, as of :func:`alphintra.store.finding.find`.
        end: Last time.
        column: A column of numbers whose course is wanted; left out, the prices.
        most: How many candles.

    Raises:
        UnknownDataset: There is no such symbol.
        DataError: There is no such column, or none of numbers; the version has no prices.
    """
    series = StoredSeries(version, symbol, column, kept_bytes=0)
    return series.rows(*series.span(start, end), most)


class CandleSeries(ABC):
    """Rows of a symbol that are looked at again and again: what was read once is kept as candles of 8, 64, 512, … rows.

    A view of few rows reads the one or two row groups that they lie in, one of many reads none that was in a view
    before. What is kept is bounded: of a longer series the smallest candles that are kept have more rows.

    Attributes:
        parts: The column that each part of a candle is made of.

    Args:
        counts: Rows of each row group.
        parts: As the attribute.
        kept_bytes: How much is kept; 0 for nothing.
    """

    def __init__(self, counts: I64, parts: dict[str, str], kept_bytes: int) -> None:
        self.parts = parts
        self._edges = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._lowest: int | None = None
        if kept_bytes:
            self._lowest = _STEP
            while self.count // self._lowest * _CELL_BYTES * _STEP // (_STEP - 1) > kept_bytes:
                self._lowest *= _STEP
        self._levels: dict[int, list[_Cells]] = {}
        self._raw: OrderedDict[int, _Rows] = OrderedDict()

    @abstractmethod
    def span(self, start: Any = None, end: Any = None) -> tuple[int, int]:
        """Return the first row of a range of time, and the one after its last.

        Args:
            start: First time, as of :func:`alphintra.store.finding.find`.
            end: Last time.

        Raises:
            DataError: A bound is no date, or they are the wrong way round.
        """

    @abstractmethod
    def _read(self, groups: list[int]) -> Iterator[_Rows]:
        """Yield row groups, given by their number in the symbol."""

    @property
    def count(self) -> int:
        """Rows of the symbol."""
        return int(self._edges[-1])

    @property
    def bars(self) -> bool:
        """Whether there are bars: open, high, low and close of more than one column."""
        return len({self.parts[part] for part in PRICES}) > 1

    @property
    def kept(self) -> int:
        """Bytes that are kept."""
        cells = sum(len(own.number) for levels in self._levels.values() for own in levels)
        rows = sum(len(rows.time) for rows in self._raw.values())
        return (cells * (len(self.parts) + 3) + rows * (len(self.parts) + 1)) * 8

    def rows(self, begin: int, stop: int, most: int = MOST_POINTS) -> Candles:
        """Return the rows from ``begin`` up to ``stop`` in at most ``most`` candles; what lies beyond is left out.

        Raises:
            DataError: Fewer than two candles are wanted; a file of the version is damaged.
        """
        if most < 2:
            raise DataError(f"most={most!r} candles are too few", code="BAD_RANGE", hint="At least 2.")
        begin, stop = max(begin, 0), min(stop, self.count)
        count, each = stop - begin, 1
        while count > most and count // each + 2 > most:  # the first and the last may be cut
            each *= 2
        pieces = list(self._pieces(begin, stop, each)) if count > 0 else [_Cells.none(each, self.parts)]
        found = _merged(_Cells.joined(pieces), each)
        return Candles(
            rows_each=each,
            time=found.time,
            **{part: found.values[part] for part in PRICES},
            volume=found.values.get("volume"),
            rows=found.rows,
            first_row=min(begin, self.count),
            rows_of_all=self.count,
        )

    def _pieces(self, begin: int, stop: int, each: int) -> Iterator[_Cells]:
        """Yield candles of each row group; the last of one and the first of the next may be parts of one."""
        first = int(np.searchsorted(self._edges, begin, side="right")) - 1
        last = int(np.searchsorted(self._edges, stop, side="left"))
        wanted = []
        for at in range(first, last):
            start, end = int(self._edges[at]), int(self._edges[at + 1])
            low, high = max(begin - start, 0), min(stop, end) - start
            whole = self._lowest is not None and each >= self._lowest and high - low == end - start
            wanted.append((at, low, high, whole))
        held = {at: self._raw[at] for at, *_ in wanted if at in self._raw}
        missing = [at for at, _, _, whole in wanted if at not in (self._levels if whole else held)]
        read = self._read(missing)
        for at, low, high, whole in wanted:
            start = int(self._edges[at])
            if whole:
                if at not in self._levels:
                    self._levels[at] = self._make_levels(next(read), start)
                fitting = [own for own in self._levels[at] if own.each <= each]
                yield _merged(fitting[-1], each)
            else:
                rows = held.get(at) or next(read)
                self._keep(at, rows)
                yield rows.cells(start, low, high, each)

    def _make_levels(self, rows: _Rows, start: int) -> list[_Cells]:
        assert self._lowest is not None
        levels = [rows.cells(start, 0, len(rows.time), self._lowest)]
        while len(levels[-1].number) > _STEP:
            levels.append(_merged(levels[-1], levels[-1].each * _STEP))
        return levels

    def _keep(self, at: int, rows: _Rows) -> None:
        """Keep the row groups that were looked at last: who pans comes back to them."""
        if self._lowest is not None:
            self._raw[at] = rows
            self._raw.move_to_end(at)
            while len(self._raw) > _RAW_GROUPS:
                self._raw.popitem(last=False)


class StoredSeries(CandleSeries):
    """A symbol of a stored version.

    Args:
        version: The version.
        symbol: Which symbol.
        column: A column of numbers; left out, the prices.
        kept_bytes: How much is kept; 0 for nothing.

    Raises:
        UnknownDataset: There is no such symbol.
        DataError: There is no such column, or none of numbers; the version has no prices.
    """

    def __init__(
        self, version: Version, symbol: str, column: str | None = None, *, kept_bytes: int = MOST_KEPT
    ) -> None:
        self._version, self._symbol = version, symbol
        parts = parts_of(version.manifest.columns, column)
        self._wanted = find(version.manifest, [symbol], sorted(set(parts.values())))
        super().__init__(version.manifest.groups[3][self._wanted.places], parts, kept_bytes)

    def span(self, start: Any = None, end: Any = None) -> tuple[int, int]:
        """See :class:`CandleSeries`."""
        manifest = self._version.manifest
        wanted = find(manifest, [self._symbol], [], start, end)
        if not len(wanted.places):
            return 0, 0
        first, last = (manifest.groups[part][wanted.places] for part in (4, 5))
        own = np.searchsorted(self._wanted.places, wanted.places[[0, -1]])
        begin, stop = int(self._edges[own[0]]), int(self._edges[own[1] + 1])
        cut = {int(wanted.places[i]) for i in (0, -1) if first[i] < wanted.start or last[i] > wanted.end}
        for place, table in group_tables(self._version, replace(wanted, places=np.array(sorted(cut), dtype=np.int64))):
            times, at = raw_values(table[manifest.time.name]), int(np.searchsorted(self._wanted.places, place))
            if place == wanted.places[0]:
                begin = int(self._edges[at]) + int(np.searchsorted(times, wanted.start, side="left"))
            if place == wanted.places[-1]:
                stop = int(self._edges[at]) + int(np.searchsorted(times, wanted.end, side="right"))
        return begin, max(begin, stop)

    def _read(self, groups: list[int]) -> Iterator[_Rows]:
        time = self._version.manifest.time.name
        for _, table in group_tables(self._version, replace(self._wanted, places=self._wanted.places[groups])):
            values = {name: raw_values(table[name]) for name in {*self.parts.values()}}
            yield _Rows(raw_values(table[time]), {part: values[name] for part, name in self.parts.items()})


class ArraySeries(CandleSeries):
    """Rows of a symbol that are in memory.

    Args:
        time: Their times in order: days since 1970-01-01, or microseconds.
        columns: The numbers.
        parts: The column that each part of a candle is made of.
        kind: Type of the times, ``date32`` or ``timestamp[us, UTC]``.
    """

    def __init__(
        self, time: npt.NDArray[Any], columns: Mapping[str, F64], parts: dict[str, str], kind: str = "date32"
    ) -> None:
        self._kind = kind
        self._rows = _Rows(time, {part: columns[name] for part, name in parts.items()})
        super().__init__(np.array([len(time)]), parts, 0)

    def span(self, start: Any = None, end: Any = None) -> tuple[int, int]:
        """See :class:`CandleSeries`."""
        low, high = bounds(self._kind, start, end)
        edges = np.searchsorted(self._rows.time, low, side="left"), np.searchsorted(self._rows.time, high, side="right")
        return int(edges[0]), int(edges[1])

    def _read(self, groups: list[int]) -> Iterator[_Rows]:
        return iter([self._rows] * len(groups))


@dataclass(frozen=True, eq=False)
class _Cells:
    """Candles of one size: which ones, by their number from the symbol's first row on, and what they are."""

    each: int
    number: I64
    time: I64
    rows: I64
    values: dict[str, F64]

    @classmethod
    def none(cls, each: int, parts: dict[str, str]) -> _Cells:
        whole = np.empty(0, dtype=np.int64)
        return cls(each, whole, whole, whole, {part: np.empty(0) for part in parts})

    @classmethod
    def joined(cls, pieces: list[_Cells]) -> _Cells:
        number, time, rows = (np.concatenate([getattr(own, part) for own in pieces]) for part in _WHOLE)
        values = {part: np.concatenate([own.values[part] for own in pieces]) for part in pieces[0].values}
        return cls(pieces[0].each, number, time, rows, values)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of a row group; parts of a candle that are of one column share its values."""

    time: npt.NDArray[Any]
    values: dict[str, F64]

    def cells(self, start: int, low: int, high: int, each: int) -> _Cells:
        """Make candles of the rows from ``low`` up to ``high``; the first row of all is the symbol's row ``start``."""
        row = start + low
        edges = np.arange(-row % each, high - low, each)
        if not len(edges) or edges[0] != 0:
            edges = np.concatenate([[0], edges])
        ends = np.append(edges[1:], high - low)
        values = {part: own[low:high] for part, own in self.values.items()}
        if "volume" in values:
            values["volume"] = np.nan_to_num(values["volume"], nan=0.0)
        time = self.time[low:high][edges].astype(np.int64)
        return _Cells(each, (row + edges) // each, time, ends - edges, _reduced(values, edges, ends))


_WHOLE = ("number", "time", "rows")


def _merged(cells: _Cells, each: int) -> _Cells:
    """Make larger candles of candles, and one of those that are parts of one."""
    number = cells.number // (each // cells.each)
    edges = np.flatnonzero(np.diff(number, prepend=-1))
    if len(edges) == len(number):
        return replace(cells, each=each, number=number)
    ends = np.append(edges[1:], len(number))
    rows = np.add.reduceat(cells.rows, edges)
    return _Cells(each, number[edges], cells.time[edges], rows, _reduced(cells.values, edges, ends))


def _reduced(values: dict[str, F64], edges: I64, ends: I64) -> dict[str, F64]:
    """Return the first open, the highest high, the lowest low, the last close and the sum of volumes of each part."""
    found = {
        "open": values["open"][edges],
        "high": np.fmax.reduceat(values["high"], edges),
        "low": np.fmin.reduceat(values["low"], edges),
        "close": values["close"][ends - 1],
    }
    if "volume" in values:
        found["volume"] = np.add.reduceat(values["volume"], edges)
    return found


def parts_of(columns: Sequence[Column], column: str | None = None) -> dict[str, str]:
    """Return the column that each part of a candle is made of: all of one, or the prices by their roles.

    Raises:
        DataError: There is no such column, or it is none of numbers; there are no prices.
    """
    if column is not None:
        found = next((c for c in columns if c.name == column), None)
        if found is None or found.kind != "double":
            raise DataError(f"{column!r} is no column of numbers", code="UNKNOWN_COLUMN")
        return dict.fromkeys(PRICES, column)
    roles = {c.role: c.name for c in columns if c.role is not None and c.kind == "double"}
    last = roles.get("close", roles.get("price"))
    if last is None:
        raise DataError("the version has no prices to draw", code="NOT_TRADABLE", hint="Name a column.")
    out = {part: roles.get(part, last) for part in PRICES}
    return out | ({"volume": roles["volume"]} if "volume" in roles else {})
