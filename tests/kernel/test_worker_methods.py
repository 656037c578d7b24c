"""Studies in a worker: the files they leave, what they tell, and the trial log that is the job's own."""

from __future__ import annotations

import io
import json
import os
import resource
from pathlib import Path
from typing import Any

import pytest
from alphintra_kernel.limits import MIB, workers_within
from alphintra_kernel.protocol import Channel, Progress

from . import jobs
from .test_worker import run

PERIOD = {"start": "2009-01-02", "end": "2010-12-31", "cash": 100_000, "commission": 0.001, "rules": {}}
GRID = {"fast": [10, 20], "slow": {"low": 40, "high": 50, "step": 10}}
METHODS = {
    "SWEEP": ({"grid": GRID, "seed": None}, "sweep", 4),
    "WALK_FORWARD": ({"grid": GRID, "train": 200, "test": 150, "min_trades": 0}, "walk_forward", 5),
    "MONTE_CARLO": ({"resample": "order", "paths": 5, "seed": 1, "executor": "auto"}, "monte_carlo", 1),
}


def job(**changes: Any) -> dict[str, Any]:
    return jobs.job(**{"configuration": PERIOD, "strategy_id": "s1", "trials": [], **changes})


def folder(path: Path) -> Path:
    return jobs.folder(path, {"strategy.py": jobs.SMA_CROSS, "shares.py": jobs.SHARES})


def read(root: Path, name: str) -> Any:
    return json.loads((root / "out" / name).read_text())


@pytest.mark.parametrize("methodology", METHODS)
def test_a_study_leaves_its_page_beside_the_run(tmp_path: Path, methodology: str) -> None:
    method, kind, tried = METHODS[methodology]
    root = folder(tmp_path)
    code, said = run(root, job(methodology=methodology, method=method))
    assert code == 0, said[-1]
    names = {entry["name"] for entry in said[-1]["files"]}
    assert "study.json" in names
    assert names == {path.name for path in (root / "out").iterdir()}
    assert read(root, "study.json")["kind"] == kind
    # As many trials as variants; a walk's account is one more. A Monte Carlo path is none.
    assert read(root, "trials.json")["count"] == tried
    sessions = read(root, "sessions.json")
    assert len(sessions["day"]) == len(sessions["value"]) > 100
    assert sessions["value"][0] == 100_000
    assert sessions["value"][-1] == pytest.approx(read(root, "result.json")["metrics"]["final_equity"])
    if methodology != "MONTE_CARLO":  # five paths are drawn within the time that progress is held back
        assert any(m.get("text") for m in said if m["type"] == "progress")


def test_what_the_server_counted_before_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine"
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(mine))
    earlier = {"count": 6, "created_at": "2020-01-02T03:04:05Z", "sample": None, "spread": [0, 0.0, 0.0]}
    method = {"grid": {"fast": [5, 10, 20]}}
    root = folder(tmp_path / "job")
    code, said = run(root, job(methodology="SWEEP", method=method, trials=[earlier]))
    assert code == 0, said[-1]
    sentences = read(root, "study.json")["sentences"]
    assert any("Of 9 variants tried" in line for line in sentences), sentences
    assert any("6 of the 9 are earlier recorded runs" in line and "2020-01-02" in line for line in sentences)
    # Of what was there before only the server knows: the job adds its own three.
    assert read(root, "trials.json")["count"] == 3
    # The log of the user's own notebooks is untouched, and the job's is gone.
    assert os.environ["ALPHINTRA_DATA_DIR"] == str(mine)
    assert not mine.exists()
    assert not list((root / "out").glob(".*"))


def test_a_failed_study_tells_why_and_leaves_nothing(tmp_path: Path) -> None:
    root = folder(tmp_path)
    code, said = run(root, job(methodology="SWEEP", method={"grid": {"fast": [1]}}))
    assert code == 1
    assert (said[-1]["code"], "below its low" in said[-1]["message"]) == ("BAD_PARAMETER", True)
    assert not list((root / "out").iterdir())


def test_a_text_of_progress_is_bounded_and_held_back() -> None:
    writer = io.BytesIO()
    now = iter([0.0, 0.05, 0.2])
    progress = Progress(Channel(io.BytesIO(), writer), lambda: next(now))
    for text in ("1 of 9 variants", "2 of 9 variants", "x" * 1_000):
        progress.study(0.5, "sweeping", text)
    said = [json.loads(line) for line in writer.getvalue().splitlines()]
    assert [len(m["text"]) for m in said] == [len("1 of 9 variants"), 97 + 3 + 97]
    assert said[0] == {
        "type": "progress", "fraction": 0.5, "phase": "sweeping", "bar_time": None, "text": "1 of 9 variants",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cores", "memory", "processes", "workers"),
    [
        (4, resource.RLIM_INFINITY, resource.RLIM_INFINITY, 4),
        # (2,048 − 768) MiB hold four workers of 320 MiB.
        (64, 2048 * MIB, 100_000, 4),
        # 128 − 32 processes hold eight workers of 8 + 4 threads.
        (8, resource.RLIM_INFINITY, 128, 8),
        (16, resource.RLIM_INFINITY, 128, 4),
        (2, 2048 * MIB, 128, 2),
        (8, 512 * MIB, 16, 1),
    ],
)
def test_processes_that_the_limits_allow(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory: int, processes: int, workers: int
) -> None:
    limits = {resource.RLIMIT_DATA: memory, resource.RLIMIT_NPROC: processes}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limits[which], limits[which]))
    assert workers_within() == workers
