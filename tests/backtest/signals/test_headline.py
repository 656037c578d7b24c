"""The headline of a swept variant is that of its backtest."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra_backtest.signals_sweep import sweep_signals
from alphintra_backtest.sweep.headline import KNOWN, headline

from .test_sweep import Cross, Mixed, config

OF_TRADES = ("profit_factor",)  # a sum of P&L that a single run rounds to 1e-8


def check(strategy: Any, market: Any, grid: list[Any], risk_free_rate: float = 0.0) -> int:
    swept = sweep_signals(strategy, market, grid, config())
    found, holds = headline(swept, 50_000.0, market.periods_per_year, risk_free_rate)
    for v in np.flatnonzero(holds).tolist():
        result = al.backtest(
            strategy, market, params=grid[v], cash=50_000, commission=0.001, slippage=0.0005,
            risk_free_rate=risk_free_rate,
        )  # fmt: skip
        for name in KNOWN:
            if name in OF_TRADES:
                assert found[v][name] == pytest.approx(result.metrics[name], rel=1e-9, nan_ok=True), (v, name)
            else:
                assert np.array_equal(found[v][name], result.metrics[name], equal_nan=True), (v, name)
    return int(np.count_nonzero(holds))


def test_it_is_the_headline_of_the_backtest() -> None:
    market = al.data.resolve("us-equities-daily/AAPL")
    grid: list[Any] = [{"fast": fast, "slow": slow} for fast in (5, 20) for slow in (50, 150)]
    assert check(Cross, market, grid, risk_free_rate=0.02) == 4


def test_variants_without_trades_are_undefined_where_a_backtest_is() -> None:
    market = al.data.resolve("us-equities-daily/AAPL")
    assert check(Cross, market, [{"fast": 30, "slow": 30}]) == 1  # never crosses


def test_what_adds_to_positions_needs_a_run_of_its_own() -> None:
    market = al.data.resolve("us-equities-daily/IBM")
    swept = sweep_signals(Mixed, market, [{"seed": 0}], config())
    _, holds = headline(swept, 50_000.0, market.periods_per_year, 0.0)
    assert holds.tolist() == [False]
