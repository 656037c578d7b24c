"""Random and Optuna: a seed gives the same variants, whoever runs them."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pytest
from alphintra.errors import ParameterError
from alphintra_backtest.sweep.choosing import BATCH

from .strategies import STARTED, Counted, Cross, Kinds
from .test_equal import equal


def swept(strategy: Any, frame: Any, grid: Any, method: Any, **options: Any) -> Any:
    return al.sweep(strategy, frame, grid, method=method, **{"executor": "serial", "progress": False, **options})


def params(sweep: Any) -> list[Any]:
    return [v.params for v in sweep.variants]


@pytest.mark.parametrize("method", ["random", "optuna"])
def test_a_seed_gives_the_same_search_on_any_executor(frame: Any, method: str) -> None:
    grid, rule = {"fast": (2, 40), "slow": (5, 60)}, "fast < slow"
    base = swept(Cross, frame, grid, method, constraint=rule, trials=20, seed=5)
    assert len(base) == 20
    assert all(p["fast"] < p["slow"] for p in params(base))
    for executor, workers in (("threads", 1), ("threads", 3)):
        again = swept(
            Cross, frame, grid, method, constraint=rule, trials=20, seed=5, executor=executor, workers=workers
        )
        assert equal(base, again)
    other = swept(Cross, frame, grid, method, constraint=rule, trials=20, seed=6)
    assert params(other) != params(base)


def test_random_draws_each_once_and_all_where_there_are_no_more(frame: Any) -> None:
    sweep = swept(Cross, frame, {"fast": range(3, 9), "slow": [10, 20]}, "random", trials=8)
    drawn = {(p["fast"], p["slow"]) for p in params(sweep)}
    assert len(drawn) == 8 and drawn <= {(f, s) for f in range(3, 9) for s in (10, 20)}
    everything = swept(Cross, frame, {"fast": range(3, 9), "slow": [10, 20]}, "random", trials=50)
    assert len(everything) == 12


def test_what_the_grid_leaves_out_is_drawn_between_its_own_bounds(frame: Any) -> None:
    for method in ("random", "optuna"):
        sweep = swept(Kinds, frame, {"size": (0.2, 0.9)}, method, trials=24, seed=1)
        assert sweep.parameters == ("size", "days", "long", "entry")
        assert {p["entry"] for p in params(sweep)} == {"up", "down", "any"}
        assert {p["long"] for p in params(sweep)} == {True, False}
        assert all(1 <= p["days"] <= 20 and type(p["days"]) is int for p in params(sweep))
        # size has a step of 0.1: 0.2, 0.3, … 0.9
        assert {p["size"] for p in params(sweep)} <= {0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}
        fixed = swept(Kinds, frame, {"days": 4, "long": True, "entry": ["any"]}, method, trials=3)
        assert {(p["days"], p["long"], p["entry"]) for p in params(fixed)} == {(4, True, "any")}


def test_optuna_searches_where_the_metric_is_good(frame: Any) -> None:
    # final_equity grows with size in a long-only hold of a rising market: the search ends near the top of the bounds.
    class Hold(al.Strategy):
        size = al.Param(0.1, low=0.0, high=1.0)

        def on_bar(self) -> None:
            if not self.position().size:
                self.order_target_percent(self.size)

    rising = frame.assign(open=100.0 + frame.reset_index().index, close=100.5 + frame.reset_index().index)
    rising = rising.assign(high=rising["close"] + 1, low=rising["open"] - 1)
    sweep = swept(Hold, rising, {}, "optuna", trials=40, metric="final_equity", seed=2)
    assert sweep.best["size"] > 0.95
    late = [p["size"] for p in params(sweep)[-16:]]
    assert sum(size > 0.7 for size in late) > 8  # uniform draws would give 30 %: 4.8
    down = swept(Hold, rising, {}, "optuna", trials=40, metric="final_equity", maximize=False, seed=2)
    assert down.best["size"] < 0.05


def test_optuna_runs_a_set_once_and_lists_every_trial(frame: Any) -> None:
    STARTED.clear()
    sweep = swept(Counted, frame, {"fast": [3, 4], "slow": [10, 20]}, "optuna", trials=2 * BATCH + 3)
    assert len(sweep) == 2 * BATCH + 3
    assert [v.number for v in sweep.variants] == list(range(2 * BATCH + 3))
    tried = {(p["fast"], p["slow"]) for p in params(sweep)}
    assert sorted(STARTED) == sorted(tried | {(5, 20)})  # and the default


def test_a_constraint_that_allows_nothing_ends_a_search(frame: Any) -> None:
    few = {"fast": (2, 60), "slow": (2, 20)}  # 1 of 120 combinations or so
    sweep = swept(Cross, frame, few, "optuna", trials=3, constraint="fast + 15 < slow")
    assert all(p["fast"] + 15 < p["slow"] for p in params(sweep)) and len(sweep) == 3
    for method in ("random", "optuna"):
        with pytest.raises(ParameterError) as found:
            swept(Cross, frame, {"fast": (30, 60), "slow": (2, 20)}, method, constraint="fast < slow")
        assert found.value.code == "NOTHING_ALLOWED"
