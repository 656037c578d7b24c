"""Overnight jumps that look like splits in prices nobody adjusted (rule F8)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from alphintra.data.market import F64, I64, Note, SymbolBars

_MOST = 50.0
_BETWEEN = 1.75
"""Below it the nearest ratio is 3:2."""
_WITHIN = 0.02
_VOLUME_WITHIN = 3.0
_SHOWN = 3


def looks_like_split(bars: Mapping[str, SymbolBars], known: Mapping[str, Collection[int]] | None = None) -> list[Note]:
    """Return a warning for each symbol whose price jumps overnight by about n:1, 1:n or 3:2.

    The open must be within 2 % of that ratio to the close before, and volume, where known, must
    move the other way by the same ratio within a factor of three. A crash can look the same.

    Args:
        bars: Bars by symbol.
        known: Sessions of splits that are known, by symbol: those are no news.
    """
    notes = []
    for symbol, own in bars.items():
        rows = jumps(own.close, own.open, own.volume)
        if known and symbol in known:
            rows = rows[~np.isin(own.session[rows], list(known[symbol]))]
        if not len(rows):
            continue
        dates = [str(own.session[row].astype("M8[D]")) for row in rows[:_SHOWN]]
        more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        notes.append(Note("looks_like_split", f"looks like a split: {symbol} on {', '.join(dates)}{more}", "warning"))
    return notes


def jumps(close: F64, open_: F64, volume: F64 | None) -> I64:
    """Return the days whose first price is to the close before as after a split.

    Args:
        close: Closes, one a day.
        open_: First prices.
        volume: Volumes, NaN on days of which none is known, or ``None``.
    """
    if len(close) < 2:
        return np.empty(0, dtype=np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        down = close[:-1] / open_[1:]
        size = np.maximum(down, 1 / down)
    nearest = np.where(size < _BETWEEN, 1.5, np.clip(np.round(size), 2, _MOST))
    hit = np.abs(size / nearest - 1) <= _WITHIN
    if volume is not None:
        before, after = volume[:-1], volume[1:]
        expected = np.where(down > 1, nearest, 1 / nearest)
        with np.errstate(divide="ignore", invalid="ignore"):
            off = after / before / expected
        hit &= ((off >= 1 / _VOLUME_WITHIN) & (off <= _VOLUME_WITHIN)) | np.isnan(off)
    return np.flatnonzero(hit) + 1
