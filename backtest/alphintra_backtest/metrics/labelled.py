"""Take arrays, Series and DataFrames alike, and give each its own kind back, without importing pandas.

A pandas object can only reach these functions when pandas is already loaded, so its own classes are
used to build the answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

DAILY, WEEKLY, MONTHLY, QUARTERLY, YEARLY = "daily", "weekly", "monthly", "quarterly", "yearly"
"""Names of periods, as empyrical has them."""

PERIODS_PER_YEAR = {DAILY: 252, WEEKLY: 52, MONTHLY: 12, QUARTERLY: 4, YEARLY: 1}
"""Default annualisation by the name of the period, as empyrical has it."""


def annualization_factor(period: str, annualization: float | None) -> float:
    """Return the number of periods in a year.

    Args:
        period: ``daily``, ``weekly``, ``monthly``, ``quarterly`` or ``yearly``; ignored where
            ``annualization`` is given.
        annualization: Periods per year (rule M1).

    Raises:
        ValueError: If the period has no such name.
    """
    if annualization is not None:
        return annualization
    if period not in PERIODS_PER_YEAR:
        raise ValueError(f"Period cannot be '{period}'. Can be '{', '.join(PERIODS_PER_YEAR)}'.")
    return PERIODS_PER_YEAR[period]


def is_pandas(x: Any) -> bool:
    """Tell whether ``x`` is a Series or DataFrame."""
    return hasattr(x, "iloc")


def is_frame(x: Any) -> bool:
    """Tell whether ``x`` is a DataFrame."""
    return is_pandas(x) and x.ndim == 2


def known(values: Any) -> Any:
    """Return the values that are not NaN as one float64 array of shape (k,)."""
    array = np.asarray(values, dtype=np.float64)
    return array[~np.isnan(array)]


def excess(returns: Any, reference: Any) -> Any:
    """Return ``returns - reference``, on their labels where both have some."""
    if isinstance(reference, int | float) and reference == 0:
        return returns
    return returns - reference


def like(x: Any, values: Any) -> Any:
    """Return ``values`` (same shape as ``x``) as the kind of object that ``x`` is."""
    if is_frame(x):
        return type(x)(values, index=x.index, columns=x.columns)
    if is_pandas(x):
        return type(x)(values, index=x.index)
    return values


def reduced(x: Any, value: Any, out: Any = None, *, series: bool = False) -> Any:
    """Return one number per column of ``x``.

    Args:
        x: What was reduced over its first axis.
        value: The result, of shape ``x.shape[1:]``.
        out: Array to write to, or ``None``.
        series: Whether a DataFrame's answer is a Series over its columns (else an array).
    """
    if out is None:
        result = np.empty(x.shape[1:], dtype=np.float64)
    else:
        result = out
    result[()] = value
    if x.ndim == 1:
        return result.item()
    if out is None and series and is_frame(x):
        return x._constructor_sliced(result, index=x.columns)
    return result


def quiet() -> Any:
    """Silence what numpy says of division by zero in this thread: NaN and inf are the answer."""
    return np.errstate(divide="ignore", invalid="ignore", over="ignore")


def mean(values: Any) -> Any:
    """Return the mean over the first axis without the NaN, NaN of nothing.

    As ``numpy.nanmean``, which speaks through the process-wide warnings where there is nothing: runs may be threads.
    """
    missing = np.isnan(values)
    return np.where(missing, 0.0, values).sum(axis=0) / (len(values) - missing.sum(axis=0))


def deviation(values: Any) -> Any:
    """Return the standard deviation over the first axis with ddof 1, without the NaN; NaN below two values."""
    missing = np.isnan(values)
    count = len(values) - missing.sum(axis=0)
    off = np.where(missing, 0.0, values - mean(values))
    return np.sqrt(np.square(off).sum(axis=0) / np.where(count > 1, count - 1.0, np.nan))


def aligned(returns: Any, factor_returns: Any) -> tuple[Any, Any]:
    """Put two series on the union of their labels (NaN where one has none); arrays pass as they are.

    Raises:
        ValueError: If arrays differ in length.
    """
    if not is_pandas(returns) and not is_pandas(factor_returns):
        if len(returns) != len(factor_returns):
            raise ValueError(
                f"{len(returns)} returns cannot be paired with {len(factor_returns)} by position"
            )
        return returns, factor_returns
    import pandas as pd

    left, right = (x if is_pandas(x) else pd.Series(x) for x in (returns, factor_returns))
    left, right = left.align(right, join="outer", axis=0)
    return left, right
