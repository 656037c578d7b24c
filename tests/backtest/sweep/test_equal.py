"""A sweep's numbers are those of a plain loop over ``al.backtest``, whatever the executor."""

from __future__ import annotations

import math
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra_backtest.sweep.headline import KNOWN

from .conftest import DaskProcess
from .strategies import Cross, Dice, FastCross, Kinds

GRID = {"fast": [3, 5, 9], "slow": [10, 20]}
COSTS = {"commission": 0.001, "slippage": 0.0005, "cash": 50_000, "max_share": None}


def equal(a: Any, b: Any) -> bool:
    """Whether two sweeps have the same variants with the same numbers to the last bit, in the same order."""
    assert len(a.variants) == len(b.variants)
    for x, y in zip(a.variants, b.variants, strict=True):
        assert (x.number, x.params, x.error, x.first_session) == (y.number, y.params, y.error, y.first_session)
        assert np.array_equal(list(x.metrics.values()), list(y.metrics.values()), equal_nan=True), x.params
        assert np.array_equal(x.returns, y.returns), x.params
    return list(a.ranking) == list(b.ranking)


def agree(metrics: dict[str, float], variant: Any) -> bool:
    """Whether a variant has a result's metrics: to the last bit, sums of P&L in the headline to twelve digits."""
    for name, value in variant.metrics.items():
        if name == "profit_factor" and len(variant.metrics) == len(KNOWN):
            assert value == pytest.approx(metrics[name], rel=1e-11, nan_ok=True)
        else:
            assert np.array_equal(value, metrics[name], equal_nan=True), name
    return True


@pytest.mark.parametrize(("strategy", "metrics"), [(Cross, "auto"), (FastCross, "auto"), (FastCross, "all")])
def test_each_variant_is_its_backtest(strategy: Any, metrics: Any, frame: Any) -> None:
    sweep = al.sweep(strategy, frame, GRID, metrics=metrics, progress=False, **COSTS)
    sets = [(fast, slow) for fast in (3, 5, 9) for slow in (10, 20)]
    assert [(v.params["fast"], v.params["slow"]) for v in sweep.variants] == sets
    best = (-math.inf, {})
    for number, (fast, slow) in enumerate(sets):
        result = al.backtest(strategy, frame, params={"fast": fast, "slow": slow}, **COSTS)
        variant = sweep.variants[number]
        assert agree(result.metrics, variant)
        names = KNOWN if (strategy, metrics) == (FastCross, "auto") else result.metrics
        assert list(variant.metrics) == list(names)
        assert sweep.returns[number].dropna().equals(result.returns.rename(number))
        assert sweep.table.loc[number, "total_return"] == result.metrics["total_return"]
        best = max(best, (result.metrics["sharpe_ratio"], result.run["parameters"]), key=lambda pair: pair[0])
    assert sweep.best == best[1]
    again = sweep.best_result()
    assert again.metrics["sharpe_ratio"] == best[0]
    assert again.run["parameters"] == best[1]
    assert again.run["configuration"] == result.run["configuration"]


def test_signals_that_cannot_run_at_once_run_alone(frame: Any) -> None:
    """A metric beyond the headline, positions that are added to, and rules without phases."""

    class Adds(FastCross):
        def signals(self, data: Any) -> Any:
            size = 0.1 + 0.1 * (np.arange(len(data.close)) % 3)
            return al.Signals(weights=np.where(np.arange(len(data.close)) % self.fast == 0, size, np.nan))

    cases: list[tuple[Any, dict[str, Any]]] = [
        (FastCross, {"metric": "beta"}), (Adds, {}), (FastCross, {"profile": "backtesting.py"}),
    ]  # fmt: skip
    for strategy, more in cases:
        sweep = al.sweep(strategy, frame, {"fast": [3, 5]}, progress=False, **more)
        options = {name: value for name, value in more.items() if name == "profile"}
        for variant in sweep.variants:
            assert agree(al.backtest(strategy, frame, params=variant.params, **options).metrics, variant)


@pytest.mark.parametrize("strategy", [Cross, FastCross])
def test_serial_threads_and_auto_are_equal(strategy: Any, frame: Any) -> None:
    base = al.sweep(strategy, frame, GRID, executor="serial", progress=False, **COSTS)
    for executor in ("threads", "auto"):
        assert equal(base, al.sweep(strategy, frame, GRID, executor=executor, workers=2, progress=False, **COSTS))


def test_processes_are_equal_also_for_signals_seeds_and_classes_that_cannot_be_imported(frame: Any) -> None:
    class Local(Dice):
        """Only this function has it."""

    cases: list[tuple[Any, Any]] = [(Local, {"odds": [0.05, 0.2, 0.5]}), (FastCross, GRID)]
    for strategy, grid in cases:
        base = al.sweep(strategy, frame, grid, seed=7, executor="serial", progress=False, **COSTS)
        other = al.sweep(strategy, frame, grid, seed=7, executor="processes", workers=1, progress=False, **COSTS)
        assert equal(base, other)
    assert base.variants[0].metrics["total_trades"] > 0


def test_dask_is_equal(frame: Any, dask_process: DaskProcess) -> None:
    for strategy in (Cross, FastCross):
        base = al.sweep(strategy, frame, GRID, executor="serial", benchmark=frame, progress=False, **COSTS)
        other = al.sweep(
            strategy, frame, GRID, executor=dask_process.executor, benchmark=frame, progress=False, **COSTS
        )
        assert equal(base, other)


def test_types_of_parameters_keep_their_order(frame: Any) -> None:
    grid = {"entry": ["up", "any"], "long": [True, False], "size": np.array([0.5, 1.0]), "days": np.arange(2, 5)}
    sweep = al.sweep(Kinds, frame, grid, progress=False)
    assert len(sweep) == 2 * 2 * 2 * 3
    assert sweep.variants[0].params == {"entry": "up", "long": True, "size": 0.5, "days": 2}
    assert sweep.variants[-1].params == {"entry": "any", "long": False, "size": 1.0, "days": 4}
    assert {name: type(value) for name, value in sweep.variants[5].params.items()} == {
        "entry": str, "long": bool, "size": float, "days": int,
    }  # fmt: skip
    for number in (0, 7, 23):
        result = al.backtest(Kinds, frame, params=sweep.variants[number].params)
        assert result.metrics["final_equity"] == sweep.table.loc[number, "final_equity"]


def test_start_end_and_benchmark_are_those_of_a_backtest(frame: Any) -> None:
    options = {"start": "2020-03-02", "end": "2020-06-30", "benchmark": frame, "risk_free_rate": 0.02}
    sweep = al.sweep(Cross, frame, {"fast": [3, 8]}, progress=False, **options)
    for number in (0, 1):
        result = al.backtest(Cross, frame, params={"fast": sweep.variants[number].params["fast"]}, **options)
        assert sweep.variants[number].metrics["beta"] == result.metrics["beta"]
        assert sweep.returns[number].index.equals(result.returns.index)
        assert sweep.result(number).run["configuration"] == result.run["configuration"]


def test_auto_moves_to_processes_when_they_are_worth_it(frame: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from alphintra_backtest.sweep import executors

    monkeypatch.setattr(executors, "WORTH_PROCESSES", 0.0)
    monkeypatch.setattr(executors, "_TRIED", 0.0)
    base = al.sweep(Cross, frame, GRID, executor="serial", progress=False)
    assert equal(base, al.sweep(Cross, frame, GRID, workers=2, progress=False))
