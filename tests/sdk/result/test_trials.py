"""The trial log: one line a run, never an error, and what it says of earlier tries."""

from __future__ import annotations

import json
import logging
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra import trials
from alphintra.result import Result
from alphintra.trials import Earlier, Sample, Spread

RUN = {
    "id": "own",
    "created_at": "2026-05-01T12:00:00Z",
    "strategy": "SmaCross",
    "strategy_file": "/home/me/strategies.ipynb",
    "strategy_hash": "sha256:1",
    "dataset": "us-equities-daily/AAPL",
    "dataset_hash": "sha256:a",
}
SAMPLE = Sample(11_000, 12_000, 690)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own, not made yet."""
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "deep" / "data"))
    return tmp_path / "deep" / "data"


def run(**changes: Any) -> dict[str, Any]:
    return RUN | {"id": None} | changes


def test_one_line_per_run(make_result: Callable[..., Result], folder: Path) -> None:
    run = make_result(30).run
    assert trials.append(run, 0.079, SAMPLE) == folder / "trials.jsonl"
    trials.append(run, math.nan)
    lines = (folder / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    first, second = (json.loads(line) for line in lines)
    assert (first["id"], first["strategy"], first["sharpe"]) == ("run1", "SmaCross", 0.079)
    assert first["sample"] == [11_000, 12_000, 690]
    assert first["dataset_hash"] == run["dataset_hash"]
    assert second["sharpe"] is None


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
        assert trials.earlier(RUN) == Earlier()
    assert "The trial log was not written" in caplog.text
    assert "The trial log was not read" in caplog.text


def test_nothing_was_tried_before() -> None:
    assert trials.earlier(RUN, SAMPLE) == Earlier(0, None, Spread())


def test_runs_sweeps_and_studies_are_counted() -> None:
    trials.append(run(created_at="2026-03-01T08:00:00Z"), 0.05, SAMPLE)
    trials.append(run(strategy_hash="sha256:edited"), 0.07, SAMPLE)
    trials.append_study(run(), 990, kind="sweep", sharpes=[0.01, 0.02, math.nan], sample=SAMPLE)
    trials.append_study(run(), 12, kind="walk_forward")
    trials.append_study(run(), 0)
    trials.append(RUN, 0.09, SAMPLE)
    trials.append(run(), 0.09, SAMPLE)  # after the run: not earlier
    found = trials.earlier(RUN, SAMPLE)
    assert (found.count, found.since) == (1 + 1 + 990 + 12, "2026-03-01T08:00:00Z")
    known = [0.05, 0.07, 0.01, 0.02]
    assert found.spread.count == 4
    assert found.spread.mean == pytest.approx(statistics.mean(known), rel=1e-12)
    assert found.spread.variance == pytest.approx(statistics.variance(known), rel=1e-12)
    assert trials.earlier(RUN).spread.count == 0
    assert math.isnan(Spread.of([0.1]).variance)


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        ({"strategy": "Other"}, False),
        ({"strategy_file": "/home/me/other.ipynb"}, False),
        ({"strategy_file": None}, False),
        ({"strategy_id": "stored"}, False),
        ({"dataset": "us-equities-daily/MSFT", "dataset_hash": "sha256:b"}, False),
        ({"dataset_hash": "sha256:a later version"}, True),
        ({"dataset": "prices"}, True),  # the same content under another name
    ],
)
def test_the_same_strategy_on_the_same_data(changes: dict[str, Any], counted: bool) -> None:
    trials.append(run(**changes))
    assert trials.earlier(RUN).count == counted


def test_frames_without_a_name_need_the_same_content() -> None:
    assert al.data.resolve(frame()).name == "DATA"
    trials.append(run(dataset="DATA", dataset_hash="sha256:b"))
    assert trials.earlier(RUN | {"dataset": "DATA"}).count == 0
    assert trials.earlier(RUN | {"dataset": "DATA", "dataset_hash": "sha256:b"}).count == 1


def test_a_class_without_a_file_is_the_same_while_its_code_is() -> None:
    trials.append(run(strategy_file=None))
    assert trials.earlier(RUN | {"strategy_file": None}).count == 1
    assert trials.earlier(RUN | {"strategy_file": None, "strategy_hash": "sha256:2"}).count == 0


def test_a_stored_strategy_is_known_by_its_id() -> None:
    trials.append(run(strategy_id="s1", strategy_file="/tmp/job1/strategy.py"))
    trials.append(run(strategy_id="s1", strategy_file="/tmp/job2/strategy.py", strategy="Renamed"))
    trials.append(run(strategy_id="s2"))
    assert trials.earlier(RUN | {"strategy_id": "s1"}).count == 2


def test_sharpe_ratios_of_other_sessions_do_not_count_for_v() -> None:
    """10 % of the sessions may be missing at the beginning: the warm-up of a slower indicator."""
    for sample in (SAMPLE, Sample(11_050, 12_000, 650), Sample(11_500, 12_000, 345), Sample(10_900, 11_900, 690)):
        trials.append(run(), 0.05, sample)
    found = trials.earlier(RUN, SAMPLE)
    assert (found.count, found.spread.count) == (4, 2)


def test_torn_and_foreign_lines(folder: Path) -> None:
    trials.append(run(), 0.05, SAMPLE)
    good = (folder / "trials.jsonl").read_bytes()
    foreign = [
        good[:100],  # torn
        good[150:],
        b'"SmaCross"\n',
        b'["SmaCross"]\n',
        b"\xff\xfe SmaCross \x00\n",
        b"[" * 100_000 + b'"SmaCross"\n',
        good.replace(b'"sharpe": 0.05', b'"count": -3'),
        good.replace(b'"sharpe": 0.05', b'"count": 1e400'),
        good.replace(b'"sharpe": 0.05', b'"count": true'),
        good.replace(b'"sharpe": 0.05', b'"sharpe": "x"'),
        good.replace(b"[11000, 12000, 690]", b'{"first": 1}'),
        good.replace(b'"sharpe": 0.05', b'"spread": [2, 0.05, "x"]'),
        good.replace(b'"created_at": "2026-05-01T12:00:00Z"', b'"created_at": 7'),
        good.rstrip(b"\n"),  # the last line, without its end
    ]
    with (folder / "trials.jsonl").open("wb") as log:
        log.write(b"\n".join(line.rstrip(b"\n") for line in foreign))
    found = trials.earlier(RUN, SAMPLE)
    # the five at the end count as runs, of which two carry a Sharpe ratio
    assert (found.count, found.since) == (5, "2026-05-01T12:00:00Z")
    assert found.spread == Spread(2, 0.05, 0.0)


def test_only_the_end_of_a_large_log_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(20):
        trials.append(run())
    line = (folder / "trials.jsonl").stat().st_size // 20
    monkeypatch.setattr(trials, "MOST_BYTES", line * 5 + line // 2)
    assert trials.earlier(RUN).count == 5


class Bought(al.Strategy):
    """Holds a share of its money."""

    share = al.Param(0.5)

    def on_bar(self) -> None:
        if not self.position().size:
            self.buy(percent=self.share)


def frame(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    close = 100 * np.cumprod(1 + rng.normal(0.0005, 0.01, n))
    index = pd.bdate_range("2024-01-01", periods=n)
    return pd.DataFrame({"open": close, "high": close, "low": close, "close": close}, index=index)


def test_runs_are_recorded_and_judged_by_themselves(folder: Path) -> None:
    """Three runs: K is 3, V the variance of their Sharpe ratios per session."""
    data = frame()
    results = [al.backtest(Bought, data, params={"share": share}, commission=0.001) for share in (0.2, 0.5, 0.9)]
    sharpes = [r.metrics["sharpe_ratio"] / math.sqrt(252) for r in results]
    lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    assert [line["sharpe"] for line in lines] == pytest.approx(sharpes, rel=1e-9)
    assert lines[0]["strategy_file"] == str(Path(__file__).resolve())
    judgement = results[2].overfitting
    assert (judgement.trials, judgement.earlier) == (3, 2)
    assert judgement.variance == pytest.approx(statistics.variance(sharpes), rel=1e-9)
    assert judgement.earlier_since == lines[0]["created_at"]
    assert 0 < judgement.dsr < judgement.psr
    assert "2 of the 3 are earlier recorded runs" in " ".join(judgement.sentences)
    alone = results[0].overfitting
    assert alone.trials == 1
    assert alone.undefined["dsr"].startswith("one trial only")


def test_a_look_from_another_side_is_no_trial(folder: Path) -> None:
    """The check for look-ahead runs the strategy many times; one line is written for the run itself."""
    al.backtest(Bought, frame(), check=True)
    al.check(Bought, frame(), points=2)
    assert len((folder / "trials.jsonl").read_text().splitlines()) == 1


def test_where_a_strategy_is_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module's file; for a cell the notebook that Jupyter names to the kernel; nothing in a plain interpreter."""
    assert trials.strategy_file(Bought) == str(Path(__file__).resolve())
    cell = type("Cell", (), {"__module__": "__main__"})
    main = type("Main", (), {})()
    monkeypatch.setitem(__import__("sys").modules, "__main__", main)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert trials.strategy_file(cell) is None
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "a.ipynb"))
    assert trials.strategy_file(cell) == str((tmp_path / "a.ipynb").resolve())
    main.__file__ = str(tmp_path / "script.py")
    assert trials.strategy_file(cell) == str((tmp_path / "script.py").resolve())
