"""Ours: every pair of averages over the same bars, in threads, with one cache of averages.

The sweep's engine alone, or with ``--public`` the whole ``al.sweep`` a trader calls: session returns, headline metrics
of each variant, its table and the trial log.
"""

from __future__ import annotations

import sys
from typing import Any

import alphintra as al
from alphintra_backtest.options import options
from alphintra_backtest.signals_sweep import sweep_signals
from engine_alphintra import resolved
from engine_alphintra_signals import SmaCross
from job import CASH, COMMISSION, PAIRS, Aside, serve

PUBLIC = "--public" in sys.argv
GRID = [{"fast": fast, "slow": slow} for fast, slow in PAIRS]
# The last parameter varies fastest: the same pairs in the same order.
VALUES = {"slow": sorted({slow for _, slow in PAIRS}), "fast": sorted({fast for fast, _ in PAIRS})}


def run(bars: Any) -> Any:
    """Sweep."""
    with Aside() as aside:
        market = resolved(bars)
    if PUBLIC:
        found = al.sweep(
            SmaCross, market, VALUES, constraint="fast < slow", cash=CASH, commission=COMMISSION, max_share=None,
            progress=False,
        )  # fmt: skip
        returns = found.table["total_return"]
        return aside.spent, lambda: {
            "bars": len(bars) * len(GRID), "equities": [CASH * (1.0 + value) for value in returns.tolist()],
        }  # fmt: skip
    config = options(
        cash=CASH, commission=COMMISSION, slippage=0, profile="default", risk_free_rate=0.0, seed=0,
        rules={"max_share": None},
    )  # fmt: skip
    swept = sweep_signals(SmaCross, market, GRID, config)
    return aside.spent, lambda: {"bars": len(bars) * len(GRID), "equities": swept.equity.tolist()}


if __name__ == "__main__":
    serve(run)
