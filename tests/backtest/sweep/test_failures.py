"""What goes wrong in a variant stays with it; what goes wrong around it names it, and nothing finished is lost."""

from __future__ import annotations

import threading
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import ExecutorError, StrategyError
from alphintra_backtest.sweep.processes import named

from .conftest import DaskProcess
from .strategies import Counted, Cross, Dies, Fails, FastFails

GRID = {"fast": [5, 7, 9], "slow": [20]}


@pytest.mark.parametrize(("strategy", "said"), [(Fails, "ZeroDivisionError"), (FastFails, "ValueError: seven")])
def test_a_variant_that_raises_is_a_row_with_its_error(frame: Any, strategy: Any, said: str) -> None:
    for executor in ("serial", "threads"):
        sweep = al.sweep(strategy, frame, GRID, executor=executor, progress=False)
        assert [v.error is None for v in sweep.variants] == [True, False, True]
        error = sweep.variants[1].error
        assert error["code"] == "STRATEGY_ERROR" and said in error["message"] and "strategies.py" in error["message"]
        assert np.isnan(list(sweep.variants[1].metrics.values())).all()
        assert sweep.ranking[-1] == 1
        assert said in sweep.table.loc[1, "error"] and sweep.table["error"].isna().tolist() == [True, False, True]
        assert sweep.returns[1].isna().all() and sweep.returns[0].notna().any()
        with pytest.raises(StrategyError, match=said):
            sweep.result(1)
        (warning,) = [w for w in sweep.study().warnings if w["code"] == "FAILED_TRIALS"]
        assert warning["text"] == "1 of 3 variants failed." and said in warning["items"][0]


def test_where_all_fail_the_first_error_is_raised(frame: Any) -> None:
    with pytest.raises(StrategyError, match=r"ZeroDivisionError.*the only variant failed") as found:
        al.sweep(Fails, frame, {"fast": [7]}, executor="serial", progress=False)
    assert found.value.code == "STRATEGY_ERROR"
    with pytest.raises(StrategyError, match="all 2 variants failed; this is the first") as found:
        al.sweep(Fails, frame, {"fast": [7], "slow": [20, 30]}, executor="serial", progress=False)


def test_warm_up_that_never_ends_is_an_error_of_the_variant(frame: Any) -> None:
    sweep = al.sweep(Cross, frame.head(50), {"slow": [20, 60]}, executor="serial", progress=False)
    assert sweep.variants[1].error["code"] == "NEVER_READY"


def test_a_process_that_dies_names_its_variant_and_keeps_the_others(frame: Any) -> None:
    with pytest.raises(ExecutorError) as found:
        al.sweep(Dies, frame, GRID, executor="processes", workers=1, progress=False)
    assert found.value.code == "WORKER_DIED"
    assert "the process that ran trial 1 (fast=7, slow=20) ended with status 3" in str(found.value)
    assert found.value.__notes__ == ["1 of 3 variants are finished and kept: go on with resume=True"]
    rest = al.sweep(Dies, frame, {"fast": [5, 9]}, executor="serial", progress=False, resume=True)
    assert rest.resumed == 1


def test_who_died_among_several() -> None:
    first = (4, {"fast": 3})
    assert named([first]) == "trial 4 (fast=3)"
    assert named([first, (5, {}), (6, {})]) == "trial 4 (fast=3) or one of the 2 after it"


def test_a_strategy_that_cannot_be_sent(frame: Any) -> None:
    class Locked(Cross):
        lock = threading.Lock()

    with pytest.raises(ExecutorError, match="Locked cannot be sent to another process: TypeError") as found:
        al.sweep(Locked, frame, GRID, executor="processes", progress=False)
    assert found.value.code == "NOT_SENDABLE"
    assert len(al.sweep(Locked, frame, GRID, progress=False)) == 3


def test_auto_stays_here_with_what_cannot_be_sent(frame: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from alphintra_backtest.sweep import executors

    class Locked(Cross):
        lock = threading.Lock()

    monkeypatch.setattr(executors, "WORTH_PROCESSES", 0.0)
    monkeypatch.setattr(executors, "_TRIED", 0.0)
    assert len(al.sweep(Locked, frame, {"fast": range(3, 9)}, workers=2, progress=False)) == 6


def test_no_scheduler_answers(frame: Any) -> None:
    with pytest.raises(ExecutorError, match=r"no Dask scheduler answers at dask://127.0.0.1:1") as found:
        al.sweep(Cross, frame, GRID, executor="dask://127.0.0.1:1", progress=False)
    assert found.value.code == "EXECUTOR_UNREACHABLE"


def test_a_scheduler_that_goes_away_in_the_middle(frame: Any, dask_process: DaskProcess) -> None:
    def tell(fraction: float, text: str) -> None:
        dask_process.kill()

    grid = {"fast": range(3, 11), "slow": range(50, 58)}
    with pytest.raises(ExecutorError, match=r"the Dask scheduler at dask://.* went away") as found:
        al.sweep(Counted, frame, grid, executor=dask_process.executor, progress=tell)
    assert found.value.code == "EXECUTOR_LOST"
    (note,) = found.value.__notes__
    kept = int(note.split()[0])
    assert 1 <= kept < 64 and note.endswith("of 64 variants are finished and kept: go on with resume=True")
    rest = al.sweep(Counted, frame, grid, executor="serial", progress=False, resume=True)
    assert rest.resumed == kept
    (whole,) = [al.sweep(Counted, frame, {"fast": [3], "slow": [50]}, executor="serial", progress=False)]
    assert np.array_equal(whole.variants[0].returns, rest.variants[0].returns)
