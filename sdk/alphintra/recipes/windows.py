"""Figures over the rows before and at each row, and over a training part."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.errors import LookAheadError
from alphintra.recipes.rows import F64, Rows, end_of

MOST_ROWS = 1_000_000
"""Rows of the longest window."""


def rolling(values: F64, window: int, least: int) -> Any:
    """Return pandas' window over the rows before and at each row: ``mean``, ``std``, ``quantile`` and so on."""
    import pandas as pd

    return pd.Series(values, copy=False).rolling(window, min_periods=least)


def array(series: Any) -> F64:
    """Return a Series as float64."""
    return np.asarray(series.to_numpy(), dtype=np.float64)


def training(rows: Rows, end: str) -> npt.NDArray[np.bool_]:
    """Tell which rows were known by the end of the training part."""
    return rows.known <= end_of(end)


def one_way(window: int | None, fit_until: str | None, what: str) -> None:
    """Check that either a window or a training part is stated.

    Raises:
        LookAheadError: Neither is: the whole would be used, which holds what comes later.
    """
    if window is None and fit_until is None:
        raise LookAheadError(
            f"{what} over the whole looks ahead: each row would depend on all later ones",
            hint="Give window= (rows before and at each row), or fit_until= (the end of a training part).",
        )
    if window is not None and fit_until is not None:
        from alphintra.errors import ParameterError

        raise ParameterError("window and fit_until are two ways", where="fit_until", hint="Give one of them.")
