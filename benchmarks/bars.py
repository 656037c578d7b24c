"""The bars of the benchmark: a seeded random walk of one-minute bars, made up for measuring speed alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SEED = 20240607
START = np.datetime64("2015-01-01T00:00", "us")


def random_walk(count: int) -> dict[str, Any]:
    """Open, high, low, close and volume as float64, and the open times in µs since 1970."""
    rng = np.random.default_rng(SEED)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 2e-4, count)))
    open_ = np.concatenate(([100.0], close[:-1])) * (1.0 + rng.normal(0.0, 5e-5, count))
    high = np.maximum(open_, close) * (1.0 + np.abs(rng.normal(0.0, 5e-5, count)))
    low = np.minimum(open_, close) * (1.0 - np.abs(rng.normal(0.0, 5e-5, count)))
    time = START.astype(np.int64) + np.arange(count, dtype=np.int64) * 60_000_000
    return {
        "time": time,
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": np.full(count, 1000.0),
    }


def write(path: Path, count: int) -> None:
    """Write the bars as one NumPy archive."""
    np.savez(path, **random_walk(count))


def read(path: str) -> Any:
    """Return the bars as a DataFrame with a UTC index of open times."""
    import pandas as pd

    with np.load(path) as bars:
        index = pd.DatetimeIndex(bars["time"].astype("datetime64[us]"), tz="UTC", name="time")
        return pd.DataFrame({n: bars[n] for n in ("open", "high", "low", "close", "volume")}, index=index)
