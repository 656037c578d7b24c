"""The bars of the benchmark: seeded random walks, made up for measuring speed alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SEED = 20240607
START = np.datetime64("2015-01-01T00:00", "us")
FIELDS = ("open", "high", "low", "close", "volume")


def random_walk(count: int) -> dict[str, Any]:
    """One-minute bars: open, high, low, close and volume as float64, and the open times in µs since 1970."""
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


def universe(sessions: int, symbols: int) -> dict[str, Any]:
    """Daily bars of many symbols on all weekdays, (sessions, symbols) each, and their days as datetime64."""
    rng = np.random.default_rng(SEED)
    shape = (sessions, symbols)
    first = rng.uniform(20.0, 200.0, symbols)
    close = first * np.exp(np.cumsum(rng.normal(2e-4, 0.015, shape), axis=0))
    open_ = np.vstack((first, close[:-1])) * (1.0 + rng.normal(0.0, 3e-3, shape))
    high = np.maximum(open_, close) * (1.0 + np.abs(rng.normal(0.0, 3e-3, shape)))
    low = np.minimum(open_, close) * (1.0 - np.abs(rng.normal(0.0, 3e-3, shape)))
    return {
        "time": np.busday_offset("2014-01-01", np.arange(sessions), roll="forward"),
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": rng.integers(100_000, 1_000_000, shape).astype(np.float64),
    }


def write(path: Path, bars: dict[str, Any]) -> None:
    """Write bars as one NumPy archive."""
    np.savez(path, **bars)


def read(path: str) -> Any:
    """Return one symbol's bars as a DataFrame with a UTC index of open times."""
    import pandas as pd

    with np.load(path) as bars:
        index = pd.DatetimeIndex(bars["time"].astype("datetime64[us]"), tz="UTC", name="time")
        return pd.DataFrame({n: bars[n] for n in FIELDS}, index=index)


def read_universe(path: str) -> dict[str, Any]:
    """Return many symbols' daily bars as DataFrames by symbol."""
    import pandas as pd

    with np.load(path) as bars:
        index = pd.DatetimeIndex(bars["time"], name="date")
        whole = {n: bars[n] for n in FIELDS}
    return {
        symbol_name(s): pd.DataFrame({n: whole[n][:, s] for n in FIELDS}, index=index)
        for s in range(whole["close"].shape[1])
    }


def symbol_name(s: int) -> str:
    """Name of symbol ``s`` of the universe."""
    return f"S{s:03}"
