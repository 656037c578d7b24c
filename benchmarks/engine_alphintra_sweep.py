"""Ours: every pair of averages over the same bars, in threads, with one cache of averages."""

from __future__ import annotations

from typing import Any

from alphintra_backtest.options import options
from alphintra_backtest.signals_sweep import sweep_signals
from engine_alphintra import resolved
from engine_alphintra_signals import SmaCross
from job import CASH, COMMISSION, PAIRS, Aside, serve

GRID = [{"fast": fast, "slow": slow} for fast, slow in PAIRS]


def run(bars: Any) -> Any:
    """Sweep."""
    with Aside() as aside:
        market = resolved(bars)
    config = options(
        cash=CASH, commission=COMMISSION, slippage=0, profile="default", risk_free_rate=0.0, seed=0,
        rules={"max_share": None},
    )  # fmt: skip
    swept = sweep_signals(SmaCross, market, GRID, config)
    return aside.spent, lambda: {"bars": len(bars) * len(GRID), "equities": swept.equity.tolist()}


if __name__ == "__main__":
    serve(run)
