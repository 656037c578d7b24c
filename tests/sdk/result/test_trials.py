"""The trial log: one line a run, and never an error."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from alphintra import trials
from alphintra.result import Result


def test_one_line_per_run(
    make_result: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "deep" / "data"))
    run = make_result(30).run
    assert trials.append(run, 1.25) == tmp_path / "deep" / "data" / "trials.jsonl"
    trials.append(run, math.nan)
    lines = (tmp_path / "deep" / "data" / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    first, second = (json.loads(line) for line in lines)
    assert (first["id"], first["strategy"], first["sharpe_ratio"]) == ("run1", "SmaCross", 1.25)
    assert first["dataset_hash"] == run["dataset_hash"]
    assert second["sharpe_ratio"] is None


def test_the_platforms_own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ALPHINTRA_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert trials.data_folder().name == "alphintra"


def test_failure_is_a_warning(
    make_result: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(in_the_way))
    with caplog.at_level(logging.WARNING):
        assert trials.append(make_result(30).run, None) is None
    assert "The trial log was not written" in caplog.text
