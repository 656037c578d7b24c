"""Money at output: each leg is rounded once, half to even, to 1e-8."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

DECIMALS = 8


def leg(amount: float) -> float:
    """Return one money leg (cash, a fee, a P&L) as it is written; NaN and inf pass."""
    # Python's round works on the exact binary value, so it is half-even without a second error;
    # adding 0.0 turns -0.0 into 0.0.
    return round(float(amount), DECIMALS) + 0.0


def total(amounts: Iterable[float]) -> float:
    """Add money legs as decimals, each rounded once, so that the sum is that of the written legs."""
    return float(sum((Decimal(repr(leg(amount))) for amount in amounts), Decimal(0)))
