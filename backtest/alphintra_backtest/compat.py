"""Crossings as other engines tell them, for ported strategies; ``al.crossed_above`` and ``al.crossed_below`` stay.

They differ where the lines touch: at ``a = 1, 2, 3`` against ``b = 2, 2, 2`` the SDK's crossing is on the third bar,
and backtesting.py has none.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def _last_two(name: str, line: Any) -> tuple[float, float]:
    """The values of the bar before and of this one, NaN where there are none; a number is both."""
    if isinstance(line, int | float | np.number) and not isinstance(line, bool):
        return float(line), float(line)
    try:
        return float(line[-2]), float(line[-1])
    except IndexError:
        return math.nan, math.nan
    except (TypeError, KeyError):
        raise TypeError(f"{name} of a crossing is a series, an array or a number, not {line!r}") from None


def backtesting_py_crossover(a: Any, b: Any) -> bool:
    """Tell whether ``a`` rises above ``b`` as ``backtesting.lib.crossover`` does: below it one bar ago, above it now.

    A bar on which both are equal ends nothing and begins nothing: from below over equal to above is no crossing.

    Args:
        a: A series of the strategy, an array that ends at this bar, or a number.
        b: The same.
    """
    (a_then, a_now), (b_then, b_now) = _last_two("a", a), _last_two("b", b)
    return a_then < b_then and a_now > b_now


def backtesting_py_cross(a: Any, b: Any) -> bool:
    """Tell whether ``a`` and ``b`` cross in either direction as ``backtesting.lib.cross`` does.

    Args:
        a: A series of the strategy, an array that ends at this bar, or a number.
        b: The same.
    """
    return backtesting_py_crossover(a, b) or backtesting_py_crossover(b, a)
