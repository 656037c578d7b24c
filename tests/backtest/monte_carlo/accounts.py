"""Results with a given account, without a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from alphintra.result import Curves, Result

CASH = 100_000.0


def account(
    returns: Any, benchmark: Any = None, trades: dict[str, Any] | None = None, risk_free_rate: float = 0.0
) -> Result:
    """The result of a run that returned exactly this, a business day each."""
    returns = np.asarray(returns, dtype=np.float64)
    n = len(returns)
    days = pd.bdate_range("2015-01-01", periods=n + 1).to_numpy().astype("datetime64[D]").astype(np.int64)
    equity = CASH * np.concatenate(([1.0], np.cumprod(1 + returns)))
    other = np.full(n + 1, np.nan)
    if benchmark is not None:
        other = CASH * np.concatenate(([1.0], np.cumprod(1 + np.asarray(benchmark))))
    run = {
        "id": "run1", "strategy": "Given", "dataset": "DATA", "dataset_hash": "sha256:1", "strategy_hash": "sha256:2",
        "parameters": {}, "seed": 0, "periods_per_year": 252,
        "configuration": {
            "start": None, "end": None, "cash": CASH, "commission": 0.0, "slippage": 0.0, "profile": "default",
            "benchmark": None, "risk_free_rate": risk_free_rate, "rules": {},
        },
    }  # fmt: skip
    curves = Curves(
        time=days * 86_400_000_000, session=days.astype(np.int32), equity=equity, cash=equity,
        exposure=np.zeros(n + 1), in_market=np.zeros(n + 1, dtype=np.bool_), benchmark=other,
    )  # fmt: skip
    return Result(run=run, assumptions=[], curves=curves, columns={"trades": trades or {}}, market=None)  # type: ignore[arg-type]


def noise(n: int, seed: int = 0, mean: float = 0.0005) -> np.ndarray:
    """Independent normal returns, shape (n,)."""
    return np.random.default_rng(seed).normal(mean, 0.01, n)
