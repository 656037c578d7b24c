"""Which row groups of a version hold what is wanted: found in the manifest, nothing is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.data.bounds import parse_bound
from alphintra.data.instrument import did_you_mean
from alphintra.data.market import DAY_US
from alphintra.errors import DataError, UnknownDataset
from alphintra.store.columns import SYMBOL, Column
from alphintra.store.manifest import Manifest

_FOREVER = 2**63 - 1


@dataclass(frozen=True, eq=False)
class Range:
    """Which rows are wanted: symbols by position, row groups, and the bounds of time within them.

    Attributes:
        manifest: Of the version.
        columns: The columns in their order in the version, the time always among them.
        places: Positions in ``manifest.groups``: by symbol as wanted, then in time.
        start: First time, in the column's unit.
        end: Last time.
    """

    manifest: Manifest
    columns: tuple[Column, ...]
    places: npt.NDArray[np.int64]
    start: int
    end: int

    @property
    def rows(self) -> int:
        """Rows of the row groups that are read: never fewer than those that are wanted."""
        return int(self.manifest.groups[3][self.places].sum())


def find(
    manifest: Manifest,
    symbols: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    start: Any = None,
    end: Any = None,
) -> Range:
    """Find the row groups that hold what is wanted; reads nothing.

    Args:
        manifest: Of the version.
        symbols: Which; left out, all.
        columns: Which, beside the symbol and the time; left out, all.
        start: First time: a date, or an instant (UTC where it names no zone).
        end: Last time, included; a date includes its whole day in UTC.

    Raises:
        UnknownDataset: There is no such symbol; the error names the nearest.
        DataError: There is no such column, or a bound is no date.
    """
    chosen = _columns(manifest, columns)
    low, high = bounds(manifest.time.type, start, end)
    _, _, symbol, _, first, last = manifest.groups
    places = np.flatnonzero((last >= low) & (first <= high))
    places = places[np.argsort(symbol[places], kind="stable")]  # by symbol, then in time
    if symbols is not None:
        wanted = np.array(_symbols(manifest, symbols))
        left, right = (np.searchsorted(symbol[places], wanted, side=side) for side in ("left", "right"))
        places = np.concatenate([places[a:b] for a, b in zip(left, right, strict=True)])
    return Range(manifest, chosen, places, low, high)


def _columns(manifest: Manifest, wanted: Sequence[str] | None) -> tuple[Column, ...]:
    if wanted is None:
        return manifest.columns
    if isinstance(wanted, str):
        wanted = [wanted]
    names = [column.name for column in manifest.columns]
    for name in wanted:
        if name not in names and name != SYMBOL:
            raise DataError(
                f"there is no column {name!r}",
                code="UNKNOWN_COLUMN",
                hint=did_you_mean(str(name), names) + "It has " + ", ".join(names[:20]) + ".",
            )
    return tuple(column for column in manifest.columns if column.name in wanted or column.role == "time")


def _symbols(manifest: Manifest, wanted: Sequence[str]) -> list[int]:
    if isinstance(wanted, str):
        wanted = [wanted]
    numbers = {symbol: number for number, symbol in enumerate(manifest.symbols)}
    for symbol in wanted:
        if symbol not in numbers:
            raise UnknownDataset(
                f"there is no symbol {symbol!r}",
                code="UNKNOWN_SYMBOL",
                hint=did_you_mean(str(symbol), manifest.symbols) + "It has " + ", ".join(manifest.symbols[:20]) + ".",
            )
    if len(set(wanted)) < len(wanted) or not len(wanted):
        raise UnknownDataset("no symbol is wanted, or one twice", code="UNKNOWN_SYMBOL")
    return [numbers[symbol] for symbol in wanted]


def bounds(kind: str, start: Any, end: Any) -> tuple[int, int]:
    """Return the first and the last time of a range, in the unit of a column of times.

    Between two times of one day lies no date: then the first is after the last.

    Args:
        kind: Type of the column.
        start: First time, as of :func:`find`.
        end: Last time.

    Raises:
        DataError: One is no date, or they are the wrong way round.
    """
    low, high = parse_bound(start, "start"), parse_bound(end, "end")
    if low is not None and high is not None and low.first > high.last:
        raise DataError(f"start ({low.text}) is after end ({high.text})", code="BAD_RANGE")
    dates = kind == "date32"
    first, last = -_FOREVER, _FOREVER
    if low is not None:
        # A date is wanted from an instant on only if it begins there or later.
        first = -(-low.first // DAY_US) if dates else low.first
    if high is not None:
        last = high.session if dates else high.last
    return first, last
