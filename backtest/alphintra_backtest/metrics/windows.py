"""Sums, products and moments over every window of a series, in a time that does not grow with the window.

The series is cut into blocks as long as the window. A window is then the end of one block and the start of the
next, and both come from one running accumulation per block, forwards and backwards. Nothing is ever taken off a
running sum, so no rounding error of an earlier part of the series is left in a later window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

CHUNK = 1 << 19
"""Values that a function is given at a time where its windows are made one by one (4 MB)."""


def blocks(values: F64, window: int, fill: float) -> F64:
    """Cut values into rows as long as the window, the last one filled up.

    Args:
        values: Shape (n,).
        window: Length w of a window.
        fill: What the last row is filled up with.

    Returns:
        Shape (⌈n / w⌉, w).
    """
    rows = -(-len(values) // window)
    padded = np.full(rows * window, fill)
    padded[: len(values)] = values
    return padded.reshape(rows, window)


def ends(rows: F64, window: int, count: int, neutral: float, accumulate: Callable[..., F64]) -> tuple[F64, F64]:
    """Accumulate rows from both sides.

    Args:
        rows: What :func:`blocks` returned.
        window: Length w of a window.
        count: Length n of the series.
        neutral: What a window that is exactly one block has for its other part.
        accumulate: Such as ``np.add.accumulate``.

    Returns:
        For each window what its part in the earlier block comes to, and its part in the later one, (n − w + 1,).
    """
    later = accumulate(rows, axis=1).ravel()[window - 1 : count]
    backwards = accumulate(rows[:, ::-1], axis=1)[:, ::-1].copy()
    backwards[:, 0] = neutral
    return backwards.ravel()[: count - window + 1], later


def sums(values: F64, window: int) -> F64:
    """Return the sum of each window; values must be finite."""
    earlier, later = ends(blocks(values, window, 0.0), window, len(values), 0.0, np.add.accumulate)
    return earlier + later


def products(values: F64, window: int) -> F64:
    """Return the product of each window; values must be finite."""
    earlier, later = ends(blocks(values, window, 1.0), window, len(values), 1.0, np.multiply.accumulate)
    return earlier * later


def extremes(values: F64, window: int) -> tuple[F64, F64]:
    """Return the least and the greatest value of each window; NaN is left out."""
    rows = blocks(values, window, np.nan)
    low = np.fmin(*ends(rows, window, len(values), np.nan, np.fmin.accumulate))
    high = np.fmax(*ends(rows, window, len(values), np.nan, np.fmax.accumulate))
    return low, high


@dataclass(frozen=True)
class Moments:
    """Of each window of two paired series, without the pairs that miss one; all of shape (n − w + 1,).

    Attributes:
        count: Number of pairs.
        own: Mean of the first series, NaN for no pair.
        other: Mean of the second one.
        squares: Sum of squared deviations of the second one.
        together: Sum of products of both deviations.
    """

    count: F64
    own: F64
    other: F64
    squares: F64
    together: F64


def moments(own: F64, other: F64, window: int) -> Moments:
    """Return the moments of each window of two series of shape (n,), NaN where one is missing.

    Each block is centred at its own mean before it is summed, so that little is lost where the mean is large
    beside the deviations.
    """
    missing = np.isnan(own) | np.isnan(other)
    count = len(own)

    def parts(rows: F64) -> tuple[F64, F64]:
        return ends(rows, window, count, 0.0, np.add.accumulate)

    def at(centres: F64) -> tuple[F64, F64]:
        whole = np.repeat(centres, window)
        return whole[: count - window + 1], whole[window - 1 : count]

    present = blocks(np.where(missing, 0.0, 1.0), window, 0.0)
    pairs = parts(present)
    off, sides = [], []
    for values in (own, other):
        rows = blocks(np.where(missing, 0.0, values), window, 0.0)
        centres = rows.sum(axis=1) / np.maximum(present.sum(axis=1), 1.0)
        centred = (rows - centres[:, np.newaxis]) * present
        off.append(centred)
        sides.append([s / n + c for s, n, c in zip(parts(centred), pairs, at(centres), strict=True)])
    total = pairs[0] + pairs[1]
    apart = [_whole(late - early) for early, late in sides]
    means = [
        _whole(early) * pairs[0] / total + _whole(late) * pairs[1] / total for early, late in sides
    ]

    def deviations(first: int, second: int) -> F64:
        inside = [
            part - _whole(a * b / n)
            for part, a, b, n in zip(
                parts(off[first] * off[second]), parts(off[first]), parts(off[second]), pairs, strict=True
            )
        ]
        return inside[0] + inside[1] + apart[first] * apart[second] * _whole(pairs[0] * pairs[1] / total)

    return Moments(total, means[0], means[1], np.maximum(deviations(1, 1), 0.0), deviations(0, 1))


def _whole(values: F64) -> F64:
    """Return values with 0 where a part has no pair, so that it adds nothing."""
    return np.where(np.isfinite(values), values, 0.0)


def deepest(returns: F64, window: int) -> F64:
    """Return the deepest drawdown of each window, counted from the value before its first return.

    Args:
        returns: Fractions above −1, NaN for no change, shape (n,).
        window: Length w of a window.
    """
    count = len(returns)
    rows = blocks(np.where(np.isnan(returns), 0.0, returns), window, 0.0) + 1.0
    grown = np.cumprod(rows, axis=1)
    before = np.concatenate((np.ones((len(rows), 1)), grown[:, :-1]), axis=1)
    # forwards, from the start of a block: the best so far, the least so far, the deepest so far
    best = np.maximum(np.maximum.accumulate(grown, axis=1), 1.0)
    least = np.minimum.accumulate(grown, axis=1)
    deep = np.minimum.accumulate(grown / best, axis=1)
    # backwards, from each bar to the end of its block
    to_come = np.minimum.accumulate(grown[:, ::-1], axis=1)[:, ::-1]
    fall = np.minimum.accumulate((np.minimum(to_come, before) / before)[:, ::-1], axis=1)[:, ::-1]
    peak = np.maximum(np.maximum.accumulate(grown[:, ::-1], axis=1)[:, ::-1], before)
    starts, stops = slice(0, count - window + 1), slice(window - 1, count)
    end = np.repeat(grown[:, -1], window)[starts]
    across = end * least.ravel()[stops] / peak.ravel()[starts]
    both = np.minimum(np.minimum(fall.ravel()[starts], deep.ravel()[stops]), across)
    single = np.arange(count - window + 1) % window == 0
    return np.where(single, deep.ravel()[stops], both) - 1.0


def one_by_one(
    function: Callable[..., Any], series: tuple[F64, ...], window: int, shape: tuple[int, ...] = ()
) -> F64:
    """Call a function with many windows at a time, as columns.

    Args:
        function: Reduces arrays of shape (w, k) over their first axis.
        series: Its arguments, each of shape (n,).
        window: Length w of a window.
        shape: Shape of the answer for one window.
    """
    views = [np.lib.stride_tricks.sliding_window_view(values, window).T for values in series]
    count, step = views[0].shape[1], max(1, CHUNK // window)
    result = np.empty((count, *shape))
    for start in range(0, count, step):
        result[start : start + step] = function(*(view[:, start : start + step] for view in views))
    return result
