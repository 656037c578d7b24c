"""A sweep gives each variant what a backtest of it gives, to the last bit."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import ParameterError, SignalsError, StrategyError
from alphintra_backtest.options import options
from alphintra_backtest.signals_sweep import sweep_signals

from .cases import force, random_frame


class Cross(al.Strategy):
    fast = al.Param(5, low=2, high=400)
    slow = al.Param(20, low=2, high=400)

    def signals(self, data: Any) -> Any:
        fast, slow = al.ta.SMA(data.close, self.fast), al.ta.SMA(data.close, self.slow)
        return al.Signals(al.crossed_above(fast, slow), al.crossed_below(fast, slow))


class Mixed(al.Strategy):
    """Weights, or entries with brackets and sizes by the bar, over two symbols."""

    seed = al.Param(0, low=0, high=1000)

    def signals(self, data: Any) -> Any:
        rng = np.random.default_rng(self.seed)
        if self.seed % 3 == 0:
            return al.Signals(
                weights=np.where(rng.random(data.shape) < 0.2, rng.uniform(-0.5, 0.5, data.shape), np.nan)
            )
        size = 0.3 if self.seed % 3 == 1 else rng.uniform(0.1, 0.5, data.shape)
        entries, shorts = rng.random(data.shape) < 0.2, rng.random(data.shape) < 0.1
        return al.Signals(entries, short_entries=shorts, size=size, stop_loss_percent=0.02 + self.seed / 1e5)


def config(**rules: Any) -> Any:
    return options(
        cash=50_000, commission=0.001, slippage=0.0005, profile="default", risk_free_rate=0.0, seed=0, rules=rules
    )


def of_backtest(strategy: Any, market: Any, params: Any, **rules: Any) -> tuple[float, int, int]:
    result = al.backtest(strategy, market, params=params, cash=50_000, commission=0.001, slippage=0.0005, **rules)
    return float(result.curves.equity[-1]), len(result.columns["fills"]["time"]), len(result.columns["orders"]["id"])


def test_all_990_pairs_are_equal_to_their_backtests() -> None:
    pairs = [(fast, slow) for slow in range(3, 47) for fast in range(2, slow)]
    assert len(pairs) == 990
    market = al.data.resolve(random_frame(np.random.default_rng(5), 120, 0.0))
    grid = [{"fast": fast, "slow": slow} for fast, slow in pairs]
    swept = sweep_signals(Cross, market, grid, config(), threads=2)
    assert len(swept) == 990
    for v, params in enumerate(grid):
        assert (swept.equity[v], swept.fills[v], swept.orders[v]) == of_backtest(Cross, market, params), params
    assert swept.fills.sum() > 3_000
    again = sweep_signals(Cross, market, grid, config(), threads=1)
    assert np.array_equal(again.equity, swept.equity)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("rules", [{}, {"close_at_end": "last_close"}, {"fill_at": "close", "max_share": 0.001}])
def test_other_forms_and_rules_are_equal_too(rules: Any, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, compiled=compiled)
    rng = np.random.default_rng(6)
    market = al.data.resolve({"A": random_frame(rng, 150, 0.0), "B": random_frame(rng, 150, 0.2)})
    grid = [{"seed": seed} for seed in range(40)]
    swept = sweep_signals(Mixed, market, grid, config(**rules), threads=2)
    for v, params in enumerate(grid):
        assert (swept.equity[v], swept.fills[v], swept.orders[v]) == of_backtest(Mixed, market, params, **rules), params


def test_start_and_defaults() -> None:
    market = al.data.resolve(random_frame(np.random.default_rng(7), 200, 0.0))
    (equity,) = sweep_signals(Cross, market, [{}], config(), start="2024-06-03").equity
    result = al.backtest(Cross, market, start="2024-06-03", cash=50_000, commission=0.001, slippage=0.0005)
    assert equity == result.curves.equity[-1]
    assert len(sweep_signals(Cross, market, [], config())) == 0


def test_bad_input_is_told() -> None:
    market = al.data.resolve(random_frame(np.random.default_rng(7), 50, 0.0))
    with pytest.raises(ParameterError, match="fast=1 is below its low of 2"):
        sweep_signals(Cross, market, [{}, {"fast": 1}], config())

    class Plain(al.Strategy):
        pass

    with pytest.raises(SignalsError, match="Plain defines no signals"):
        sweep_signals(Plain, market, [{}], config())

    class Broken(al.Strategy):
        n = al.Param(0, low=0, high=9)

        def signals(self, data: Any) -> Any:
            return al.Signals(data.close > 1 / self.n)

    with pytest.raises(StrategyError, match="ZeroDivisionError"):
        sweep_signals(Broken, market, [{"n": 1}, {"n": 0}], config(), threads=2)


KEPT = (
    "total_return", "max_drawdown", "total_trades", "winning_trades", "losing_trades", "win_rate", "profit_factor",
    "time_in_market",
)  # fmt: skip


def told(swept: Any, v: int, cash: float) -> dict[str, float]:
    """What ``swept`` says of a variant under the names of the metrics."""
    trades, lost = int(swept.trades[v]), float(swept.lost[v])
    return {
        "total_return": float(swept.equity[v]) / cash - 1.0,
        "max_drawdown": float(swept.drawdown[v]),
        "total_trades": trades,
        "winning_trades": int(swept.wins[v]),
        "losing_trades": int(swept.losses[v]),
        "win_rate": int(swept.wins[v]) / trades if trades else np.nan,
        "profit_factor": float(swept.gained[v]) / lost if lost else np.nan,
        "time_in_market": int(swept.in_market[v]) / swept.bars,
    }


def compared(strategy: Any, market: Any, grid: list[Any], **rules: Any) -> int:
    """Compare each variant with its backtest; the number of those that were not told apart."""
    swept = sweep_signals(strategy, market, grid, config(**rules), threads=2)
    known = 0
    for v, params in enumerate(grid):
        if swept.apart[v]:
            continue
        known += 1
        result = al.backtest(strategy, market, params=params, cash=50_000, commission=0.001, slippage=0.0005, **rules)
        assert np.array_equal(swept.returns[v], result.returns.to_numpy()), params
        assert np.array_equal(swept.session, result.returns.index.to_numpy().astype("datetime64[D]").astype(np.int32))
        ours = told(swept, v, 50_000)
        for name in KEPT:
            assert ours[name] == pytest.approx(result.metrics[name], rel=1e-9, abs=1e-12, nan_ok=True), (params, name)
    return known


def test_what_is_kept_of_a_variant_is_what_its_backtest_says_of_shares_with_splits_and_dividends() -> None:
    market = al.data.resolve("us-equities-daily/AAPL")
    grid = [{"fast": fast, "slow": slow} for fast in (5, 10, 20) for slow in (50, 150)]
    assert compared(Cross, market, grid) == len(grid)


class Turns(al.Strategy):
    """Long, short and flat over stretches of any length, for most of the time, or for whole blocks of closes."""

    seed = al.Param(0, low=0, high=1000)

    def signals(self, data: Any) -> Any:
        rng = np.random.default_rng(self.seed)
        often = 10.0 ** rng.uniform(-3, -0.5)
        said = rng.random((4, len(data))) < often
        return al.Signals(said[0], said[1], said[2] & (self.seed % 2 == 0), said[3], size=0.9)


@pytest.mark.parametrize("compiled", [False, True])
def test_what_is_kept_of_one_symbol_that_has_every_bar(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, compiled=compiled)
    for bars in (2, 9, 300, 1003)[: 4 if compiled else 3]:
        market = al.data.resolve(random_frame(np.random.default_rng(bars), bars, 0.0))
        grid = [{"seed": seed} for seed in range(30)]
        assert compared(Turns, market, grid) > (0 if bars < 10 else 10)
        swept = sweep_signals(Turns, market, grid, config())
        for v in np.flatnonzero(~swept.apart):
            equity = al.backtest(
                Turns, market, params=grid[v], cash=50_000, commission=0.001, slippage=0.0005
            ).curves.equity  # fmt: skip
            best = np.maximum(np.maximum.accumulate(equity), 50_000)
            assert swept.drawdown[v] == (equity / best - 1.0).min(), grid[v]


@pytest.mark.parametrize("rules", [{}, {"max_share": 0.0005}, {"borrow_rate": 0.05}, {"close_at_end": "last_close"}])
def test_what_is_kept_of_weights_brackets_and_several_symbols(rules: Any) -> None:
    rng = np.random.default_rng(8)
    market = al.data.resolve({"A": random_frame(rng, 120, 0.0), "B": random_frame(rng, 120, 0.2)})
    known = compared(Mixed, market, [{"seed": seed} for seed in range(18)], **rules)
    assert (known == 0) == ("close_at_end" in rules)  # weights, and entries in parts, add to positions: those are apart
