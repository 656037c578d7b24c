"""Metrics with empyrical's names and edge cases, and their summary for one run (rules M0 to M5, M9 to M13).

``risk_free`` and ``required_return`` are *per period* here; ``Result.metrics`` converts the annual
rate of the run before it calls these functions.
"""

from alphintra_backtest.metrics.definitions import DEFINITIONS, HEADLINE, Definition
from alphintra_backtest.metrics.drawdowns import calmar_ratio, drawdown_series, equity_drawdown, max_drawdown
from alphintra_backtest.metrics.growth import (
    annual_return,
    cagr,
    calendar_growth,
    cum_returns,
    cum_returns_final,
    simple_returns,
)
from alphintra_backtest.metrics.labelled import annualization_factor
from alphintra_backtest.metrics.relation import (
    alpha,
    alpha_aligned,
    alpha_beta,
    alpha_beta_aligned,
    beta,
    beta_aligned,
    correlation,
)
from alphintra_backtest.metrics.risk import annual_volatility, downside_risk, sharpe_ratio, sortino_ratio
from alphintra_backtest.metrics.sampling import joined_returns, session_returns
from alphintra_backtest.metrics.summary import Summary, per_period, summarize

__all__ = [
    "DEFINITIONS",
    "HEADLINE",
    "Definition",
    "Summary",
    "alpha",
    "alpha_aligned",
    "alpha_beta",
    "alpha_beta_aligned",
    "annual_return",
    "annual_volatility",
    "annualization_factor",
    "beta",
    "beta_aligned",
    "cagr",
    "calendar_growth",
    "calmar_ratio",
    "correlation",
    "cum_returns",
    "cum_returns_final",
    "downside_risk",
    "drawdown_series",
    "equity_drawdown",
    "joined_returns",
    "max_drawdown",
    "per_period",
    "session_returns",
    "sharpe_ratio",
    "simple_returns",
    "sortino_ratio",
    "summarize",
]
