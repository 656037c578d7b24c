"""Crossings of two series, or of a series and a number: made whole on first use, and read by one index a bar."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ._engine import engine
from .errors import LookAheadError, OrderError
from .views import F64, Series, _from


def _spread(view: Series | float, count: int) -> tuple[F64, F64]:
    """The latest value at every timestamp of the run and at the one before it, NaN where it does not exist.

    Both are on the basis of the timestamp: yesterday's price is compared in today's shares.
    """
    if not isinstance(view, Series):
        flat = np.full(count, float(view))
        return flat, flat
    own = view.timeline.own
    if view.timeline.dense and view._bases is None:
        return view._array, np.concatenate(([np.nan], view._array[:-1]))
    before = np.concatenate(([-1], own[:-1]))
    now, then = np.empty(count), np.empty(count)
    for start, stop, values in view._stretches():
        now[start:stop], then[start:stop] = _from(values, own[start:stop]), _from(values, before[start:stop])
    return now, then


def _column(a: Series, b: Series | float, up: bool) -> list[bool]:
    """A crossing at every timestamp, made whole on first use: each value uses two past ones.

    A list: it takes eight bytes a timestamp, and reading it is a third of reading a memoryview.
    """
    if a._c.i < 0:
        raise LookAheadError("a crossing is read in on_bar, not in on_start")
    if isinstance(b, Series) and b._c is not a._c:
        raise OrderError("the two series belong to different runs")
    count = len(a.timeline.own)
    if all(isinstance(v, Series) and v.timeline.dense and v._bases is None for v in (a, b)):
        x, y = a._array, b._array  # type: ignore[union-attr]
        at = x > y if up else x < y
        at[1:] &= x[:-1] <= y[:-1] if up else x[:-1] >= y[:-1]
        at[:1] = False
        return at.tolist()  # type: ignore[no-any-return]
    (a1, a2), (b1, b2) = _spread(a, count), _spread(b, count)
    with np.errstate(invalid="ignore"):
        crossed = (a1 > b1) & (a2 <= b2) if up else (a1 < b1) & (a2 >= b2)
    found: list[bool] = crossed.tolist()
    return found


#: Crossings with a number are kept as columns for this many numbers a series: a level that moves is compared as it is.
_LEVELS = 8


def _crossing(a: Series, b: Series | float, kept: dict[Any, Any], up: bool) -> bool:
    """A crossing that is not kept yet: make its column, or compare the four values for one number too many."""
    if not isinstance(b, Series):
        if isinstance(b, bool) or not isinstance(b, int | float | np.number):
            raise TypeError(f"a crossing compares with a series or a number, not {b!r}")
        if len(kept) >= _LEVELS:
            i = a._c.i
            last = a.timeline.map[i - 1] if i > 0 else -1
            if last < 0:
                return False
            now, before = a[-1], a._mv[last]
            return bool(now > b and before <= b) if up else bool(now < b and before >= b)
    kept[b] = column = _column(a, b, up)
    return column[a._c.i]


def _crossed_arrays(a: Any, b: Any, up: bool) -> Any:
    """A crossing of whole arrays, as ``signals(data)`` has them."""
    if not isinstance(a, np.ndarray) or isinstance(b, Series):
        name = "crossed_above" if up else "crossed_below"
        raise TypeError(f"{name}(a, b): a is a series or an array, not {a!r}") from None
    return _whole_crossing()(a, b, up)


@cache
def _whole_crossing() -> Any:
    return engine("signals_arrays").crossed


def crossed_above(a: Any, b: Any) -> Any:
    """True on the bar where ``a`` rises above ``b``: ``a[-1] > b[-1] and a[-2] <= b[-2]``. False where undefined.

    A series that has no new value at a timestamp (a symbol without a bar, a higher time frame) holds its last one,
    so a crossing is told once, at the first timestamp from which it can be known.

    Args:
        a: A series, for the current bar's bool; or an array, (T,) or (T, S), for a bool array of all bars.
        b: A series, or an array of a's shape; or a number.
    """
    try:
        return a._above[b][a._c.i]
    except KeyError:
        return _crossing(a, b, a._above, True)
    except AttributeError:
        return _crossed_arrays(a, b, True)


def crossed_below(a: Any, b: Any) -> Any:
    """True on the bar where ``a`` falls below ``b``: ``a[-1] < b[-1] and a[-2] >= b[-2]``. False where undefined.

    A series without a new value holds its last one; see :func:`crossed_above`.

    Args:
        a: A series, for the current bar's bool; or an array, (T,) or (T, S), for a bool array of all bars.
        b: A series, or an array of a's shape; or a number.
    """
    try:
        return a._below[b][a._c.i]
    except KeyError:
        return _crossing(a, b, a._below, False)
    except AttributeError:
        return _crossed_arrays(a, b, False)
