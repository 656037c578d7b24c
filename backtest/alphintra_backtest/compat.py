"""Crossings as other engines tell them, for ported strategies; ``al.crossed_above`` and ``al.crossed_below`` stay.

They differ where the lines touch: at ``a = 1, 2, 3`` against ``b = 2, 2, 2`` the SDK's crossing is on the third bar,
and backtesting.py has none. At ``a = 3, 2, 3`` the SDK and vectorbt (if it was below before) have one, backtrader none.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def _last_two(name: str, line: Any) -> tuple[float, float]:
    """The values of the bar before and of this one."""
    return _at(name, line, 1), _at(name, line, 0)


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


def _at(name: str, line: Any, ago: int) -> float:
    """A line's value some bars ago, NaN before its first; a number is the same on every bar."""
    if isinstance(line, int | float | np.number) and not isinstance(line, bool):
        return float(line)
    try:
        return float(line[-1 - ago])
    except IndexError:
        return math.nan
    except (TypeError, KeyError):
        raise TypeError(f"{name} of a crossing is a series, an array or a number, not {line!r}") from None


def _difference(a: Any, b: Any, ago: int) -> float:
    return _at("a", a, ago) - _at("b", b, ago)


def backtrader_crossover(a: Any, b: Any) -> int:
    """Tell how ``a`` crosses ``b`` as ``bt.ind.CrossOver`` does: 1 upwards, −1 downwards, 0 not at all.

    It is above now, and the last difference before that was not zero was below, however many bars ago that is.

    Args:
        a: A series of the strategy, an array that ends at this bar, or a number.
        b: The same; one of both is no number.
    """
    now = _difference(a, b, 0)
    if not now:
        return 0
    ago = 1
    while (before := _difference(a, b, ago)) == 0:
        ago += 1
    if before < 0 < now:
        return 1
    return -1 if now < 0 < before else 0


def vectorbt_crossed_above(a: Any, b: Any) -> bool:
    """Tell whether ``a`` crosses above ``b`` as vectorbt's ``crossed_above`` does.

    It is above now, it was not one bar ago, and it has been below since the lines are defined: to begin with equality
    is no crossing, and what came from above, touched and rose again crosses anew once it has ever been below.

    Args:
        a: A series of the strategy, an array that ends at this bar, or a number.
        b: The same.
    """
    if not _difference(a, b, 0) > 0 or not _difference(a, b, 1) <= 0:
        return False
    ago = 1
    while (before := _difference(a, b, ago)) >= 0:
        ago += 1
    return before < 0


def vectorbt_crossed_below(a: Any, b: Any) -> bool:
    """Tell whether ``a`` crosses below ``b`` as vectorbt's ``crossed_below`` does: the other way round.

    Args:
        a: A series of the strategy, an array that ends at this bar, or a number.
        b: The same.
    """
    return vectorbt_crossed_above(b, a)
