"""Ours: all metrics of the compiled form's run, which is made aside."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
from alphintra_backtest import metrics
from engine_alphintra import resolved
from engine_alphintra_signals import SmaCross
from job import CASH, COMMISSION, Aside, serve
from metrics import COMPARED

#: One-minute bars in a year of 365 days, as vectorbt counts them.
BARS_PER_YEAR = 365 * 24 * 60


def run(bars: Any) -> Any:
    """Backtest aside, then compute the metrics."""
    with Aside() as aside:
        result = al.backtest(SmaCross, resolved(bars), cash=CASH, commission=COMMISSION, max_share=None)
    found = result.metrics

    def tell() -> dict[str, Any]:
        equity = result.curves.equity
        # vectorbt's returns begin with the first bar, ours one bar before the first that decides
        returns = np.zeros(len(bars))
        returns[len(bars) - len(equity) + 1 :] = np.diff(equity) / equity[:-1]
        sharpe = metrics.sharpe_ratio(returns, annualization=BARS_PER_YEAR)
        values = (found["total_return"], sharpe, found["max_drawdown"])
        return {
            "metrics": dict(zip(COMPARED, map(float, values), strict=True)),
            "count": len(found),
            "trades": found["total_trades"],
        }

    return aside.spent, tell


if __name__ == "__main__":
    serve(run)
