"""What a grid may be, its order, and what is said where it makes no sense."""

from __future__ import annotations

import itertools
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import AlphintraError, ExecutorError, ParameterError, RuleError
from alphintra_backtest.sweep import executors, space

from .strategies import STARTED, Counted, Cross, Kinds


def pairs(sweep: Any) -> list[tuple[int, int]]:
    return [(v.params["fast"], v.params["slow"]) for v in sweep.variants]


def swept(frame: Any, grid: Any, **options: Any) -> Any:
    return al.sweep(Cross, frame, grid, **{"executor": "serial", "progress": False, **options})


def test_the_last_parameter_varies_fastest_in_the_order_of_the_grid(frame: Any) -> None:
    assert pairs(swept(frame, {"slow": [30, 10], "fast": range(3, 6)})) == [
        (3, 30), (4, 30), (5, 30), (3, 10), (4, 10), (5, 10),
    ]  # fmt: skip


def test_what_a_grid_s_values_may_be(frame: Any) -> None:
    grids: list[Any] = [range(3, 6), [3, 4, 5], (3, 4, 5), np.arange(3, 6), np.array([3.0, 4.0, 5.0]), {3: 0}.keys()]
    for values in grids[:5]:
        assert pairs(swept(frame, {"fast": values, "slow": 20})) == [(3, 20), (4, 20), (5, 20)]
    assert pairs(swept(frame, {"fast": [4, 4, 3, 4]})) == [(4, 20), (3, 20)]  # a value counts once
    assert pairs(swept(frame, {"fast": 4})) == [(4, 20)]
    assert pairs(swept(frame, {"fast": np.int64(4)})) == [(4, 20)]
    kinds = al.sweep(Kinds, frame, {"entry": "any", "long": False}, progress=False)
    assert [v.params["entry"] for v in kinds.variants] == ["any"]


@pytest.mark.parametrize(
    "constraint", [lambda p: p.fast < p.slow, "fast < slow", "not fast >= slow", "slow - fast > 0 and fast > 0"]
)
def test_a_constraint_leaves_the_order_of_the_rest(frame: Any, constraint: Any) -> None:
    sweep = swept(frame, {"fast": [5, 10, 20], "slow": [10, 20]}, constraint=constraint)
    allowed = [(f, s) for f, s in itertools.product((5, 10, 20), (10, 20)) if f < s]
    assert pairs(sweep) == allowed == [(5, 10), (5, 20), (10, 20)]


def test_a_constraint_sees_all_parameters(frame: Any) -> None:
    assert pairs(swept(frame, {"fast": [10, 20, 30]}, constraint="2 * fast <= slow")) == [(10, 20)]  # slow is 20
    assert pairs(swept(frame, {"fast": [3, 9, 15]}, constraint="5 < fast < slow / 2")) == [(9, 20)]


BAD: list[tuple[Any, dict[str, Any], str, str]] = [
    ({}, {}, "EMPTY_GRID", "the grid is empty: there is nothing to vary"),
    (None, {}, "EMPTY_GRID", "the grid is empty"),
    ({"fast": []}, {}, "EMPTY_GRID", "fast has no values"),
    ({"fast": range(9, 3)}, {}, "EMPTY_GRID", "fast has no values"),
    ({"fast": range(2, 60), "slow": range(2, 60), "fsat": [1]}, {}, "BAD_PARAMETER", "did you mean 'fast'?"),
    ({"fast": [1, 5]}, {}, "BAD_PARAMETER", "fast=1 is below its low of 2"),
    ({"fast": [5, 100]}, {}, "BAD_PARAMETER", "fast=100 is above its high of 60"),
    ({"fast": ["5"]}, {}, "BAD_PARAMETER", "fast must be int, got '5'"),
    ({"fast": [2.5]}, {}, "BAD_PARAMETER", "fast must be int"),
    ({"fast": {"from": 3}}, {}, "BAD_PARAMETER", "its values are a mapping"),
    ([3, 4], {}, "BAD_PARAMETER", "the grid must be a mapping"),
    ({"fast": range(10_000_000)}, {}, "GRID_TOO_LARGE", "10,000,000 combinations"),
    ({"fast": [3]}, {"constraint": lambda p: False}, "NOTHING_ALLOWED", "excludes all 1 combinations"),
    ({"fast": [3, 4]}, {"constraint": "fast > slow"}, "NOTHING_ALLOWED", "excludes all 2 combinations"),
    ({"fast": [3]}, {"constraint": lambda p: p.quick < 3}, "BAD_PARAMETER", "parameters are: fast, slow"),
    ({"fast": [3]}, {"constraint": lambda p: 1 / 0}, "BAD_PARAMETER", "raised ZeroDivisionError"),
    ({"fast": [3]}, {"constraint": 5}, "BAD_PARAMETER", "a constraint is a function or text"),
    ({"fast": [3]}, {"constraint": "fast < quick"}, "BAD_PARAMETER", "names 'quick', which is no parameter"),
    ({"fast": [3]}, {"constraint": "fast <"}, "BAD_PARAMETER", "cannot be read"),
    ({"fast": [3]}, {"constraint": "fast"}, "BAD_PARAMETER", "compares nothing"),
    ({"fast": [3]}, {"constraint": "__import__('os').getpid() > 0"}, "BAD_PARAMETER", "constraint"),
    ({"fast": [3]}, {"constraint": "fast.real < 3"}, "BAD_PARAMETER", "more than comparisons (Attribute)"),
    ({"fast": [3]}, {"constraint": "fast ** 9 < 3"}, "BAD_PARAMETER", "more than comparisons (Pow)"),
    ({"fast": [3]}, {"constraint": "'a' * fast < 3"}, "BAD_PARAMETER", "arithmetic is for numbers"),
    ({"fast": [3]}, {"metric": "sharp_ratio"}, "BAD_PARAMETER", "did you mean 'sharpe_ratio'?"),
    ({"fast": [3]}, {"metrics": "some"}, "BAD_PARAMETER", "metrics is 'auto' or 'all'"),
    ({"fast": [3]}, {"maximize": "yes"}, "BAD_PARAMETER", "maximize is true or false"),
    ({"fast": [3]}, {"method": "genetic"}, "BAD_PARAMETER", "there is: grid, random, optuna"),
    ({"fast": [3]}, {"trials": 10}, "BAD_PARAMETER", "a grid runs all of its variants"),
    ({"fast": (3, 9)}, {"method": "random", "trials": 0}, "BAD_PARAMETER", "from 1 to 100,000"),
    ({"fast": (9, 3)}, {"method": "optuna"}, "EMPTY_GRID", "the interval (9, 3) is empty"),
    ({"fast": [3]}, {"executor": "thread"}, "UNKNOWN_EXECUTOR", "did you mean 'threads'?"),
    ({"fast": [3]}, {"executor": "dask://here"}, "UNKNOWN_EXECUTOR", "dask://HOST:PORT"),
    ({"fast": [3]}, {"executor": None}, "UNKNOWN_EXECUTOR", "no executor None"),
    ({"fast": [3]}, {"workers": 0}, "BAD_WORKERS", "workers must be a whole number"),
    ({"fast": [3]}, {"progress": "yes"}, "BAD_PARAMETER", "progress is true, false or a function"),
    ({"fast": [3]}, {"resume": 5}, "BAD_PARAMETER", "resume is true, false or a file"),
    ({"fast": [3]}, {"comission": 0.1}, "BAD_RULE", "there is no rule 'comission'"),
    ({"fast": [3]}, {"params": {"fast": 3}}, "BAD_RULE", "params is no option of a variant"),
    ({"fast": [3]}, {"seed": -1}, "BAD_RULE", "seed must be a whole number"),
]


@pytest.mark.parametrize(("grid", "options", "code", "said"), BAD, ids=lambda v: str(v)[:40])
def test_bad_input(frame: Any, grid: Any, options: Any, code: str, said: str) -> None:
    with pytest.raises((ParameterError, ExecutorError, RuleError)) as found:
        swept(frame, grid, **options)
    assert found.value.code == code
    assert said in str(found.value)


def test_a_grid_of_ten_million_is_refused_before_it_is_made(frame: Any) -> None:
    class Wide(al.Strategy):
        a = al.Param(1, low=0, high=10_000)
        b = al.Param(1, low=0, high=10_000)

    with pytest.raises(ParameterError, match=r"the grid has 10,010,000 combinations.*take larger steps"):
        al.sweep(Wide, frame, {"a": range(10_001 - 1), "b": range(1_001)})
    assert space.MOST_COMBINATIONS < 10_000_000


def test_what_cannot_run_is_no_variant(frame: Any) -> None:
    with pytest.raises(ParameterError, match="is not a Strategy class"):
        al.sweep(Cross(), frame, {"fast": [3]})
    with pytest.raises(ParameterError, match="has no parameters: declare some"):
        al.sweep(type("Bare", (al.Strategy,), {"on_bar": lambda self: None}), frame, {})
    STARTED.clear()
    with pytest.raises(ParameterError):
        al.sweep(Counted, frame, {"fast": [3, 4, 1]})
    assert STARTED == []


def test_a_job_of_the_server_may_use_this_machine_only() -> None:
    assert executors.check("processes", local=True) == "processes"
    assert executors.check("dask://10.0.0.1:8786") == "dask://10.0.0.1:8786"
    for address in ("dask://10.0.0.1:8786", "dask://anything"):
        with pytest.raises(AlphintraError) as found:
            executors.check(address, local=True)
        assert found.value.code == "EXECUTOR_NOT_ALLOWED"
