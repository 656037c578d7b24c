"""Bars for the tests of checks: small, and rising and falling by a rule that can be followed by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

CLOSES = [float(100 + (7 * i) % 23 + i) for i in range(60)]

#: Martin Luther King, Presidents' Day, Good Friday.
HOLIDAYS = ["2024-01-15", "2024-02-19", "2024-03-29"]


def frame(closes: list[float], first: str = "2024-01-02", volume: float | list[float] = 1e6) -> pd.DataFrame:
    """Daily bars on sessions of New York that open at the close before, one up and one down of both."""
    close = np.array(closes, dtype=float)
    opens = np.concatenate([close[:1], close[:-1]])
    columns = {
        "open": opens,
        "high": np.maximum(opens, close) + 1,
        "low": np.minimum(opens, close) - 1,
        "close": close,
        "volume": volume,
    }
    return pd.DataFrame(columns, index=pd.bdate_range(first, periods=len(close), freq="C", holidays=HOLIDAYS))
