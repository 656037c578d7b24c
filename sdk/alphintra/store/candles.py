"""Bars for a chart: a range of a symbol in no more points than are wanted, made of as many rows each as it takes.

A candle is of 1, 2, 4, 8, … rows, and candles begin at the same rows whatever range is looked at: who pans sees the
same candles move, and who zooms sees two become one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.errors import DataError
from alphintra.store.columns import raw_values
from alphintra.store.finding import Range, find
from alphintra.store.manifest import Manifest
from alphintra.store.reading import Version, group_tables

MOST_POINTS = 4_000
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
    """

    rows_each: int
    time: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64 | None
    rows: I64


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
    if most < 2:
        raise DataError(f"most={most!r} candles are too few", code="BAD_RANGE", hint="At least 2.")
    manifest = version.manifest
    parts = _parts(manifest, column)
    wanted = find(manifest, [symbol], sorted(set(parts.values())), start, end)
    edges = _row_edges(version, wanted, symbol)
    count = sum(stop - begin for begin, stop, _ in edges.values())
    each = 1
    while count > most and count // each + 2 > most:  # the first and the last may be cut
        each *= 2
    made = _Making(each, parts)
    places = [place for place, (begin, stop, _) in edges.items() if stop > begin]
    for place, table in group_tables(version, replace(wanted, places=np.array(places, dtype=np.int64))):
        begin, stop, offset = edges[place]
        made.add(begin, table.slice(begin - offset, stop - begin), manifest.time.name)
    return made.finish()


def _parts(manifest: Manifest, column: str | None) -> dict[str, str]:
    """Return the column that each part of a candle is made of."""
    if column is not None:
        found = next((c for c in manifest.columns if c.name == column), None)
        if found is None or found.kind != "double":
            raise DataError(f"{column!r} is no column of numbers", code="UNKNOWN_COLUMN")
        return dict.fromkeys(("open", "high", "low", "close"), column)
    roles = {c.role: c.name for c in manifest.columns if c.role is not None and c.kind == "double"}
    last = roles.get("close", roles.get("price"))
    if last is None:
        raise DataError("the version has no prices to draw", code="NOT_TRADABLE", hint="Name a column.")
    out = {part: roles.get(part, last) for part in ("open", "high", "low", "close")}
    return out | ({"volume": roles["volume"]} if "volume" in roles else {})


def _row_edges(version: Version, wanted: Range, symbol: str) -> dict[int, tuple[int, int, int]]:
    """Return of each row group, as rows of the symbol: the first that is wanted, one past the last, and its first."""
    manifest = version.manifest
    _, _, numbers, rows, first, last = manifest.groups
    own = np.flatnonzero(numbers == manifest.symbols.index(symbol))
    offsets = dict(zip(own.tolist(), (np.cumsum(rows[own]) - rows[own]).tolist(), strict=True))
    out = {p: (offsets[p], offsets[p] + int(rows[p]), offsets[p]) for p in wanted.places.tolist()}
    cut = wanted.places[(first[wanted.places] < wanted.start) | (last[wanted.places] > wanted.end)]
    for place, table in group_tables(version, replace(wanted, places=cut, columns=(manifest.time,))):
        times = raw_values(table[manifest.time.name])
        low, high = np.searchsorted(times, wanted.start, side="left"), np.searchsorted(times, wanted.end, side="right")
        out[place] = (offsets[place] + int(low), offsets[place] + int(high), offsets[place])
    return out


class _Making:
    """Candles so far; the last one may go on in the next rows."""

    def __init__(self, each: int, parts: dict[str, str]) -> None:
        self._each = each
        self._parts = parts
        self._pieces: list[tuple[I64, dict[str, npt.NDArray[Any]]]] = []

    def add(self, row: int, table: Any, time: str) -> None:
        """Take the next rows, of which the first is the symbol's row number ``row``."""
        count = len(table)
        starts = np.arange(-row % self._each, count, self._each)
        if not len(starts) or starts[0] != 0:
            starts = np.concatenate([[0], starts])
        ends = np.append(starts[1:], count)
        values = {name: raw_values(table[name]) for name in {*self._parts.values()}}
        found = {
            "time": raw_values(table[time])[starts].astype(np.int64),
            "open": values[self._parts["open"]][starts],
            "high": np.fmax.reduceat(values[self._parts["high"]], starts),
            "low": np.fmin.reduceat(values[self._parts["low"]], starts),
            "close": values[self._parts["close"]][ends - 1],
            "rows": ends - starts,
        }
        if "volume" in self._parts:
            found["volume"] = np.add.reduceat(np.nan_to_num(values[self._parts["volume"]], nan=0.0), starts)
        self._pieces.append(((row + starts) // self._each, found))

    def finish(self) -> Candles:
        """Return the candles, those that two row groups share as one."""
        if not self._pieces:
            empty = np.empty(0)
            whole = np.empty(0, dtype=np.int64)
            volume = empty if "volume" in self._parts else None
            return Candles(self._each, whole, empty, empty, empty, empty, volume, whole)
        numbers = np.concatenate([number for number, _ in self._pieces])
        joined = {name: np.concatenate([part[name] for _, part in self._pieces]) for name in self._pieces[0][1]}
        starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
        ends = np.append(starts[1:], len(numbers))
        return Candles(
            rows_each=self._each,
            time=joined["time"][starts],
            open=joined["open"][starts],
            high=np.fmax.reduceat(joined["high"], starts),
            low=np.fmin.reduceat(joined["low"], starts),
            close=joined["close"][ends - 1],
            volume=np.add.reduceat(joined["volume"], starts) if "volume" in joined else None,
            rows=np.add.reduceat(joined["rows"], starts),
        )
