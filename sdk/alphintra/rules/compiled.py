"""The loops over rows that NumPy has no words for, compiled: they hold no lock, and go on where a batch ended.

What is compiled is kept where the engine's code is; a folder that cannot be written costs the next process its time
and no more.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.caching import FunctionCache

from alphintra.rules import compile_cache

ORDER, POSITIVE, NONFINITE, NEGATIVE, ZERO_MOVE, FRACTION, TRADED = (1 << bit for bit in range(7))
"""Bits of :func:`bar_flags`; the last one is only in what it returns."""
WINDOW = 500
"""Returns that an outlier is measured by."""
AHEAD = 3
"""Bars within which an outlier has to revert."""
RING = 512
_LOG = logging.getLogger(__name__)
_IN = numba.types.Array(numba.float64, 1, "C", readonly=True)
_F64, _I64, _U8 = numba.float64[::1], numba.int64[::1], numba.uint8[::1]


class _Kept(FunctionCache):
    """Numba's cache, but one that costs no check its result."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what is kept for these types, or None."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # noqa: BLE001 - whatever a broken pickle raises
            _LOG.warning("compiled rules cannot be read in %s: %s", self.cache_path, error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled, where that is possible."""
        try:
            super().save_overload(sig, data)
        except Exception as error:  # noqa: BLE001 - a disk that is full ends no check
            _LOG.warning("compiled rules cannot be kept in %s: %s", self.cache_path, error)


def _folder() -> Path | None:
    """Return where compiled code is kept; ``None`` where nothing can be written."""
    own = compile_cache.folder()
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return own if os.access(own, os.W_OK) else None


def _compiled(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for these types alone: one entry in the cache, whoever writes it first."""

    def compile_(function: Callable[..., Any]) -> Any:
        made: Any = numba.njit(nogil=True)(function)
        config: Any = numba.config
        folder = _folder()
        if folder is not None:
            before = config.CACHE_DIR
            config.CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR") or str(folder)
            try:
                made._cache = _Kept(function)
            except RuntimeError as error:
                _LOG.warning("compiled rules are not kept: %s", error)
            finally:
                config.CACHE_DIR = before
        made.compile(signature)
        return made

    return compile_


@_compiled(numba.int64(_IN, _IN, _IN, _IN, _IN, numba.float64, numba.boolean, _U8))
def bar_flags(opens, highs, lows, closes, volumes, tolerance, whole, flags):
    """Flag each bar: its order, its sign, what is not finite, its volume.

    ``opens``, ``highs``, ``lows`` and ``closes`` may be one array; ``volumes`` may be empty. Returns all flags that
    were set, and ``TRADED`` where some volume is above 0.
    """
    every = 0
    has_volume = len(volumes) > 0
    for i in range(len(closes)):
        o, h, low, c = opens[i], highs[i], lows[i], closes[i]
        most, least = max(o, c, low), min(o, c, h)
        flag = 0
        if most - h > tolerance * abs(h) or low - least > tolerance * abs(low):
            flag |= 1
        if o <= 0 or h <= 0 or low <= 0 or c <= 0:
            flag |= 2
        total = o - o + (h - h) + (low - low) + (c - c)
        if total != 0 and not (o != o and h != h and low != low and c != c):  # NaN unless all are finite
            flag |= 4
        if has_volume:
            v = volumes[i]
            if v > 0:
                every |= 64
                if whole and v != np.floor(v):
                    flag |= 32
            elif v < 0:
                flag |= 8
            elif v == 0 and h != low:
                flag |= 16
        flags[i] = flag
        every |= flag
    return every


@_compiled(numba.int64(_IN, _IN, numba.int64, numba.int64, numba.int64, _F64, _I64, _I64, _I64))
def stale_runs(closes, volumes, start, traded, length, price, run, begins, lengths):
    """Find runs of equal closes that end here: with so many rows of volume above 0, or so many rows at all.

    ``price[0]`` is the close of the run that is open, ``run`` its first row (of the symbol), its rows, and those with
    volume; ``start`` the row of the first close. Writes first row and rows of the first runs, returns how many there
    are.
    """
    count = 0
    has_volume = len(volumes) > 0
    value, first, rows, with_volume = price[0], run[0], run[1], run[2]
    for i in range(len(closes)):
        c = closes[i]
        if c != value:
            if rows >= length or with_volume >= traded:
                if count < len(begins):
                    begins[count] = first
                    lengths[count] = rows
                count += 1
            value, first, rows, with_volume = c, start + i, 0, 0
        rows += 1
        if has_volume and volumes[i] > 0:
            with_volume += 1
    price[0], run[0], run[1], run[2] = value, first, rows, with_volume
    return count


@_compiled(numba.int64(_IN, numba.int64, *[numba.float64] * 3, _F64, _I64, _F64, _F64, _I64, _F64))
def outliers(closes, start, times, means, ticks, sums, counts, returns, changes, found, moves):
    """Find moves that are out of all proportion and are taken back within three bars.

    ``sums`` holds the sum of absolute returns of the window, the last close, then of each of three open candidates the
    price before, the price, and the size of its return; ``counts`` the number of returns, then of each candidate its
    row and the number of its return (−1: none). ``returns`` and ``changes`` are rings of absolute returns and changes.
    Writes rows (of the symbol) and returns of the first findings, returns how many there are.
    """
    count = 0
    sorted_ = np.empty(WINDOW)
    total, last, number, waiting = sums[0], sums[1], counts[0], 0
    for k in range(AHEAD):
        waiting += counts[1 + 2 * k] >= 0
    for i in range(len(closes)):
        price = closes[i]
        if not (price > 0 and price < np.inf):
            continue
        before = last
        last = price
        if before <= 0:
            continue
        if waiting:
            for k in range(AHEAD):
                row, made = counts[1 + 2 * k], counts[2 + 2 * k]
                if row < 0:
                    continue
                base, top, size = sums[2 + 3 * k], sums[3 + 3 * k], sums[4 + 3 * k]
                if abs(price - base) <= 0.2 * abs(top - base):
                    have = min(made, WINDOW)
                    smallest = np.inf
                    for j in range(have):
                        at = (made - 1 - j) & (RING - 1)
                        sorted_[j] = returns[at]
                        if changes[at] > 0 and changes[at] < smallest:
                            smallest = changes[at]
                    middle = np.median(sorted_[:have])
                    least = ticks if ticks > 0 else (smallest if smallest < np.inf else 0.0)
                    if abs(size) > times * 1.4826 * middle and abs(top - base) > 5.000001 * least:
                        if count < len(found):
                            found[count] = row
                            moves[count] = size
                        count += 1
                elif number - made < AHEAD:
                    continue
                counts[1 + 2 * k] = -1
                waiting -= 1
        size = price / before - 1.0
        absolute = abs(size)
        have = min(number, WINDOW)
        if have >= 50 and absolute * have > means * total:
            for k in range(AHEAD):
                if counts[1 + 2 * k] < 0:
                    counts[1 + 2 * k], counts[2 + 2 * k] = start + i, number
                    sums[2 + 3 * k], sums[3 + 3 * k], sums[4 + 3 * k] = before, price, size
                    waiting += 1
                    break
        at = number & (RING - 1)
        if number >= WINDOW:
            total -= returns[(number - WINDOW) & (RING - 1)]
        total += absolute
        returns[at], changes[at] = absolute, abs(price - before)
        number += 1
    sums[0], sums[1], counts[0] = total, last, number
    return count


@_compiled(numba.void(_IN, _IN, _F64, _F64))
def return_sums(prices, values, last, sums):
    """Add up what the correlation of a column with this return and with the next one is made of.

    ``last`` holds the last price, the last value and the return to it; ``sums`` has for both returns: how many, the
    sums of values, their squares, returns, their squares, products.
    """
    for i in range(len(prices)):
        price, value = prices[i], values[i]
        change = price / last[0] - 1.0 if last[0] > 0 and price > 0 else np.nan
        for k in range(2):
            x = value if k == 0 else last[1]
            if x - x == 0 and change - change == 0:
                sums[6 * k] += 1
                sums[6 * k + 1] += x
                sums[6 * k + 2] += x * x
                sums[6 * k + 3] += change
                sums[6 * k + 4] += change * change
                sums[6 * k + 5] += x * change
        last[0], last[1] = price, value
