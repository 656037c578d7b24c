"""What each metric of a result is called, how it is computed, its unit and where it comes from."""

from __future__ import annotations

from alphintra_backtest.metrics.definition import Definition
from alphintra_backtest.metrics.definitions_account import ACCOUNT, ACTIVITY
from alphintra_backtest.metrics.definitions_benchmark import BENCHMARK
from alphintra_backtest.metrics.definitions_trades import TRADES

HEADLINE = (
    "total_return",
    "annualized_return",
    "sharpe_ratio",
    "sortino_ratio",
    "max_drawdown",
    "volatility",
    "win_rate",
    "profit_factor",
    "total_trades",
    "time_in_market",
)
"""The figures at the top of every view of a result."""

_ALL = {definition.name: definition for definition in (*ACCOUNT, *BENCHMARK, *ACTIVITY, *TRADES)}

DEFINITIONS: dict[str, Definition] = {name: _ALL[name] for name in HEADLINE} | _ALL
"""All metrics of a result by name, in the order in which they are shown: the headline figures first."""
