"""Several symbols in one run: whether their times can be compared, and whether they ever meet."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.data.market import I64, Note, SymbolBars
from alphintra.data.times import Times
from alphintra.errors import DataError

_SHOWN = 3


def check_zones(times: Mapping[str, Times]) -> None:
    """Refuse symbols of which some name a time zone and some do not; plain dates need none.

    Raises:
        DataError: Names one symbol of each kind.
    """
    clocks = {symbol: own for symbol, own in times.items() if not own.midnight}
    naive = [symbol for symbol, own in clocks.items() if own.assumed_utc]
    if naive and len(naive) < len(clocks):
        zoned = next(symbol for symbol in clocks if symbol not in naive)
        raise DataError(
            f"the times of '{zoned}' name a time zone and those of '{naive[0]}' do not",
            code="MIXED_TIME_ZONES",
            where=", ".join(naive),
            hint="Convert all of them to UTC.",
        )


def check_overlap(bars: Mapping[str, SymbolBars]) -> list[Note]:
    """Return a warning for symbols that share no bar's open with any other symbol.

    Raises:
        DataError: No two symbols have a time in common; names the range of each.
    """
    if len(bars) < 2:
        return []
    alone = [symbol for symbol in bars if not _meets(symbol, bars)]
    if not alone:
        return []
    if len(alone) == len(bars):
        raise DataError(
            "the symbols have no time in common",
            code="NO_OVERLAP",
            where=_ranges(alone, bars),
            hint="Check their dates and time zones, or run them one by one.",
        )
    others = [symbol for symbol in bars if symbol not in alone]
    text = f"no time in common with the other symbols: {_ranges(alone, bars)}; others: {_ranges(others, bars)}"
    return [Note("no_overlap", text, "warning")]


def _meets(symbol: str, bars: Mapping[str, SymbolBars]) -> bool:
    own = bars[symbol].open_time
    return any(_share(own, other.open_time) for name, other in bars.items() if name != symbol)


def _share(left: I64, right: I64) -> bool:
    """Tell whether two increasing arrays have a value in common, the likely cases first."""
    if left[-1] < right[0] or right[-1] < left[0]:
        return False
    if left[-1] == right[-1] or left[0] == right[0]:
        return True
    few, many = (left, right) if len(left) <= len(right) else (right, left)
    rows = np.minimum(np.searchsorted(many, few), len(many) - 1)
    return bool((many[rows] == few).any())


def _ranges(symbols: list[str], bars: Mapping[str, SymbolBars]) -> str:
    parts = [
        f"{symbol} {np.datetime64(int(bars[symbol].session[0]), 'D')} to "
        f"{np.datetime64(int(bars[symbol].session[-1]), 'D')}"
        for symbol in symbols[:_SHOWN]
    ]
    return ", ".join(parts) + (f" and {len(symbols) - _SHOWN} more" if len(symbols) > _SHOWN else "")
