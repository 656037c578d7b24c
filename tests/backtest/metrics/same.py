"""What the tests compare with: real series, awkward series, and equality of kind, labels and numbers."""

from __future__ import annotations

from typing import Any

import alphintra.data as data
import numpy as np
import pandas as pd


def closes(symbol: str) -> pd.Series:
    bars = data.resolve(f"us-equities-daily/{symbol}").bars[symbol]
    index = pd.DatetimeIndex(bars.session.astype("datetime64[D]").astype("datetime64[ns]"))
    return pd.Series(bars.close, index=index, name=symbol)


def real_frame() -> pd.DataFrame:
    return pd.DataFrame({s: closes(s) for s in ("AAPL", "IBM")}).pct_change().iloc[1:]


def random_frame(seed: int, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.date_range("2010-01-01", periods=n, freq="D")
    return pd.DataFrame(rng.normal(0.0005, 0.01, (n, 2)), index=index, columns=["AAPL", "IBM"])


AWKWARD = {
    "empty": np.array([]),
    "one": np.array([0.01]),
    "two": np.array([0.01, -0.02]),
    "all zero": np.zeros(5),
    "constant": np.full(7, 0.01),
    "only losses": np.array([-0.01, -0.02, -0.03]),
    "only gains": np.array([0.01, 0.02, 0.03]),
    "with NaN": np.array([0.01, np.nan, -0.02, 0.03, np.nan]),
    "only NaN": np.full(5, np.nan),
    "one known": np.array([np.nan, 0.01, np.nan, np.nan]),
    "total loss": np.array([0.1, -1.0, 0.2]),
}


def assert_same(ours: Any, theirs: Any, rtol: float = 1e-12) -> None:
    assert type(ours) is type(theirs) or (np.ndim(ours) == 0 and np.ndim(theirs) == 0)
    if isinstance(theirs, pd.Series):
        pd.testing.assert_series_equal(ours, theirs, rtol=rtol, atol=1e-15, check_names=False, check_freq=False)
    elif isinstance(theirs, pd.DataFrame):
        pd.testing.assert_frame_equal(ours, theirs, rtol=rtol, atol=1e-15, check_freq=False, check_names=False)
    else:
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-15)
