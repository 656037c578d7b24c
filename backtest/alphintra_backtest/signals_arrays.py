"""Crossings of whole arrays: the rule of the series, for all bars at once."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

from . import books
from .signals_data import Kept, kept


def crossed(a: Any, b: Any, up: bool) -> Any:
    """Where ``a`` crosses ``b``: bool of a's shape, row i from rows i and i − 1; False where undefined.

    Args:
        a: (T,) or (T, S) numbers.
        b: An array of the same shape, or a number.
        up: Above rather than below.

    Raises:
        SignalsError: The shapes differ, or one holds no numbers.
    """
    keep = kept()
    if keep is not None and (other := keep.other_crossing(a, b, up)) is not None:
        return other
    left, right = _numbers("a", a), _numbers("b", b)
    if left.ndim not in (1, 2) or (right.ndim and right.shape != left.shape):
        from alphintra.errors import SignalsError

        raise SignalsError(
            f"a crossing takes arrays of one shape, (T,) or (T, S), got {left.shape} and {right.shape}",
            where="b", hint="or a number as b",
        )  # fmt: skip
    if left.ndim == 1 and right.ndim and _long(len(left)):
        return _both(left, right, up, keep)
    out = np.zeros(left.shape, dtype=np.bool_)
    before = right[:-1] if right.ndim else right
    now = right[1:] if right.ndim else right
    with np.errstate(invalid="ignore"):
        if up:
            np.logical_and(left[1:] > now, left[:-1] <= before, out=out[1:])
        else:
            np.logical_and(left[1:] < now, left[:-1] >= before, out=out[1:])
    return out


def _both(left: Any, right: Any, up: bool, keep: Kept | None) -> Any:
    """One direction; the other, for which the same numbers are read, is kept, as it is mostly asked for next."""
    above, below = np.empty(len(left), "?"), np.empty(len(left), "?")
    _compiled()(
        left if left.flags.c_contiguous else left.copy(), right if right.flags.c_contiguous else right.copy(),
        above, below,
    )  # fmt: skip
    if keep is not None:
        keep.keep_crossing(left, right, not up, below if up else above)
    return above if up else below


def _long(count: int) -> bool:
    """Whether compiled code pays: from a length on, or where it has been loaded already."""
    return count >= books.PLAIN_BELOW or (count > 200 and "alphintra_backtest.compiled" in sys.modules)


@cache
def _compiled() -> Any:
    from . import compiled

    numbers, flags = compiled.one_dimension(np.float64), compiled.one_dimension(np.bool_)
    return compiled.entry("crossings", numbers, numbers, flags, flags)


def _numbers(name: str, value: Any) -> Any:
    if value.__class__ is np.ndarray and value.dtype.char == "d":
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        from alphintra.errors import SignalsError

        raise SignalsError(f"{name} of a crossing holds {array.dtype}, expected numbers", where=name)
    return array.astype(np.float64, copy=False)
