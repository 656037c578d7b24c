"""The functions of formulas: none of them reads a later row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphintra.recipes.rows import F64
from alphintra.recipes.windows import array, rolling


@dataclass(frozen=True)
class Function:
    """One function.

    Attributes:
        arguments: How many columns or formulas it takes.
        window: Whether a number of rows comes after them.
        text: What it is.
        call: The arguments, each float64 or one number, then the rows; returns float64.
    """

    arguments: int
    window: bool
    text: str
    call: Callable[..., Any]


def _lag(values: F64, rows: int) -> F64:
    out = np.full(len(values), np.nan)
    if rows < len(values):
        out[rows:] = values[:-rows]
    return out


def _window(name: str) -> Callable[[F64, int], F64]:
    return lambda values, rows: array(getattr(rolling(values, rows, rows), name)())


def _ema(values: F64, rows: int) -> F64:
    import pandas as pd

    return array(pd.Series(values, copy=False).ewm(span=rows, adjust=False, min_periods=rows).mean())


FUNCTIONS = {
    "abs": Function(1, False, "absolute value", np.abs),
    "sign": Function(1, False, "−1, 0 or 1", np.sign),
    "log": Function(1, False, "natural logarithm; missing for what is not above 0", np.log),
    "exp": Function(1, False, "e to the power of it", np.exp),
    "sqrt": Function(1, False, "square root", np.sqrt),
    "floor": Function(1, False, "next whole number below", np.floor),
    "min": Function(2, False, "the lesser of two", np.minimum),
    "max": Function(2, False, "the greater of two", np.maximum),
    "where": Function(3, False, "the second where the first is not 0, else the third; missing where the first is",
                      lambda yes, a, b: np.where(np.isnan(yes), np.nan, np.where(yes != 0, a, b))),
    "missing": Function(1, False, "1 where it is missing, else 0", lambda x: np.isnan(x).astype(np.float64)),
    "coalesce": Function(2, False, "the first, or where it is missing the second",
                         lambda a, b: np.where(np.isnan(a), b, a)),
    "lag": Function(1, True, "so many rows before", _lag),
    "diff": Function(1, True, "minus so many rows before", lambda x, n: x - _lag(x, n)),
    "change": Function(1, True, "divided by so many rows before, minus 1", lambda x, n: x / _lag(x, n) - 1),
    "mean": Function(1, True, "mean of the last rows, this one included", _window("mean")),
    "std": Function(1, True, "standard deviation of the last rows (n − 1)", _window("std")),
    "sum": Function(1, True, "sum of the last rows", _window("sum")),
    "median": Function(1, True, "median of the last rows", _window("median")),
    "highest": Function(1, True, "greatest of the last rows", _window("max")),
    "lowest": Function(1, True, "least of the last rows", _window("min")),
    "ema": Function(1, True, "exponential mean, factor 2 ÷ (rows + 1), from the first row on", _ema),
}  # fmt: skip
