"""Rows that follow each other, taken together."""

from __future__ import annotations

from typing import Any

import numpy as np

from alphintra.recipes.rows import I64, missing
from alphintra.store.columns import numbers, raw_values

HOW = ("first", "last", "max", "min", "sum", "mean", "count")


def aggregate(array: Any, starts: I64, how: str) -> Any:
    """Return one value for each group of rows; missing values are passed over.

    Args:
        array: An Arrow array.
        starts: Where each group begins, increasing, the first at 0.
        how: One of :data:`HOW`. ``sum`` and ``mean`` give float64, ``count`` the number of values that are there.
    """
    import pyarrow as pa

    if not len(starts):
        return array.slice(0, 0)
    gone = missing(array)
    counts = np.add.reduceat(~gone, starts, dtype=np.int64)
    if how == "count":
        return numbers(counts.astype(np.float64))
    if how in ("first", "last"):
        places = np.arange(len(array))
        if how == "first":
            found = np.minimum.reduceat(np.where(gone, len(array), places), starts)
        else:
            found = np.maximum.reduceat(np.where(gone, -1, places), starts)
        empty = counts == 0
        taken = array.take(pa.array(np.where(empty, 0, found), mask=empty))
        return taken.fill_null(float("nan")) if str(array.type) == "double" else taken
    if how in ("sum", "mean"):
        values = np.where(gone, 0.0, raw_values(array).astype(np.float64))
        sums = np.add.reduceat(values, starts)
        with np.errstate(invalid="ignore", divide="ignore"):
            return numbers(np.where(counts > 0, sums / counts if how == "mean" else sums, np.nan))
    values = raw_values(array)
    if values.dtype.kind == "f":
        join = np.fmax if how == "max" else np.fmin
        return numbers(join.reduceat(values, starts))
    info = np.iinfo(values.dtype)
    worst = info.min if how == "max" else info.max
    best = (np.maximum if how == "max" else np.minimum).reduceat(np.where(gone, worst, values), starts)
    return pa.array(best, mask=counts == 0).cast(array.type)
