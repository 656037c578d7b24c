"""Corporate actions: what happens to a share between two sessions (rule F8)."""

from __future__ import annotations

from dataclasses import dataclass

from alphintra.data.market import F64, I32, I64


@dataclass(frozen=True, eq=False)
class Actions:
    """Splits and dividends of one symbol, by ex-date; all arrays of length n.

    Attributes:
        ex: Sessions (int32 days since 1970-01-01, strictly increasing) before whose open they take effect.
        split: New shares for each old one, 1.0 where none.
        dividend: Money for each share held at the close before, 0.0 where none.
        known: Times, int64 microseconds since 1970-01-01 UTC, from which they are known.
    """

    ex: I32
    split: F64
    dividend: F64
    known: I64
