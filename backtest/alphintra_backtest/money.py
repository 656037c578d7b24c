"""Money at output: each leg is rounded once, half to even, to 1e-8."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

DECIMALS = 8
UNIT = 10**DECIMALS

MANY = 64
"""From so many amounts on it pays to round them as one array."""

PLAIN = 1e6
"""Below this size an amount has at most 15 digits, so that a float and its decimal text are the same number."""

DOUBT = 0.01
"""So near to half a unit Python rounds: a product below 1e14 is off by 0.008 at most."""


def leg(amount: float) -> float:
    """Return one money leg (cash, a fee, a P&L) as it is written; NaN and inf pass."""
    # Python's round works on the exact binary value, so it is half-even without a second error;
    # adding 0.0 turns -0.0 into 0.0.
    return round(float(amount), DECIMALS) + 0.0


def legs(amounts: F64) -> F64:
    """Return :func:`leg` of each amount."""
    units = _units(amounts)
    # a whole number below 1e14 divided by 1e8 is the float nearest to the decimal, as round() gives it
    written: F64 = np.where(np.isnan(units), 0.0, units) / UNIT + 0.0
    for i in np.flatnonzero(np.isnan(units)):
        written[i] = leg(amounts[i])
    return written


def total(amounts: Iterable[float]) -> float:
    """Add money legs as decimals, each rounded once, so that the sum is that of the written legs."""
    given = amounts if isinstance(amounts, np.ndarray | list) else list(amounts)
    if len(given) < MANY:
        return float(sum((Decimal(repr(leg(amount))) for amount in given), Decimal(0)))
    values = np.asarray(given, dtype=np.float64)
    units = _units(values)
    odd = np.isnan(units)
    # 1e14 units at most each: summed in blocks that stay below 2^63
    whole = sum(int(part.sum()) for part in np.array_split(units[~odd].astype(np.int64), len(units) // 50_000 + 1))
    rest = sum((Decimal(repr(leg(amount))) for amount in values[odd]), Decimal(0))
    return whole / UNIT if not odd.any() else float(Decimal(whole) / UNIT + rest)


def _units(amounts: F64) -> F64:
    """Return amounts in units of 1e-8, rounded half to even; NaN where Python has to round it."""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = amounts * UNIT
        units = np.rint(scaled)
        sure = (np.abs(np.abs(scaled - units) - 0.5) > DOUBT) & (np.abs(amounts) < PLAIN)
    return np.where(sure, units, np.nan)
