"""The headline metrics of many variants of a ``signals`` strategy at once, by the functions that a single run uses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.metrics.account import per_period
from alphintra_backtest.metrics.risk import annual_volatility, downside_risk, sharpe_ratio, sortino_ratio

if TYPE_CHECKING:
    import numpy.typing as npt

    from alphintra_backtest.signals_sweep import Swept

#: What is known of each variant without a run of its own; the rest of the metrics needs one.
KNOWN = (
    "total_return", "annualized_return", "sharpe_ratio", "sortino_ratio", "max_drawdown", "volatility", "win_rate",
    "profit_factor", "total_trades", "time_in_market", "calmar_ratio", "winning_trades", "losing_trades",
)  # fmt: skip


def headline(
    swept: Swept, cash: float, periods_per_year: float, risk_free_rate: float
) -> tuple[list[dict[str, float]], npt.NDArray[np.bool_]]:
    """Return the metrics :data:`KNOWN` of each variant, NaN where undefined, and which variants they hold for.

    They are those of :func:`~alphintra_backtest.metrics.summary.summarize`: of the account to the last bit, of trades,
    whose P&L is not rounded to 1e-8 here, to about twelve digits.

    Args:
        swept: What came of V variants.
        cash: Starting cash.
        periods_per_year: N of rule M1.
        risk_free_rate: Annual, as a fraction.

    Returns:
        A dict for each variant, and (V,) bool: False where a variant needs a run of its own.
    """
    count = swept.returns.shape[1]
    growth = swept.equity / cash
    holds = ~swept.apart & np.isfinite(swept.returns).all(axis=1) & (growth >= 0) & (count > 1)
    # Columns of the transposed rows lie in memory as one run's returns do, so their sums are the same to the last bit.
    returns = swept.returns.T
    risk_free = per_period(risk_free_rate, periods_per_year)
    common: dict[str, Any] = {"annualization": periods_per_year}
    with np.errstate(all="ignore"):
        risk = downside_risk(returns, risk_free, **common)
        yearly = [_power(g, periods_per_year / count) - 1.0 if count else math.nan for g in growth.tolist()]
        columns: dict[str, Any] = {
            "total_return": growth - 1.0,
            "annualized_return": np.array(yearly),
            "sharpe_ratio": sharpe_ratio(returns, risk_free, **common),
            "sortino_ratio": sortino_ratio(returns, risk_free, **common, _downside_risk=risk),
            "max_drawdown": swept.drawdown + 0.0,
            "volatility": annual_volatility(returns, **common),
            "win_rate": swept.wins / swept.trades,
            "profit_factor": swept.gained / swept.lost,
            "total_trades": swept.trades.astype(np.float64),
            "time_in_market": swept.in_market / swept.bars,
            "calmar_ratio": np.array(yearly) / np.abs(swept.drawdown),
            "winning_trades": swept.wins.astype(np.float64),
            "losing_trades": swept.losses.astype(np.float64),
        }
    table = np.column_stack([columns[name] for name in KNOWN])
    table[~np.isfinite(table)] = math.nan
    return [dict(zip(KNOWN, row, strict=True)) for row in table.tolist()], holds


def _power(base: float, exponent: float) -> float:
    """Return ``base ** exponent``, inf where that overflows, NaN of a negative base."""
    if base < 0:
        return math.nan
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf
