"""The benchmark's comparison can fail and names where, its plain loops are right, its bars are the same every time."""

from __future__ import annotations

import asyncio
import copy
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


class Bench:
    """The benchmark's modules, which are no package."""

    def __getattr__(self, name: str) -> Any:
        return importlib.import_module(name)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return Bench()


def run_engine(name: str, bars: dict[str, Any], folder: Path, *flags: str) -> Any:
    np.savez(folder / "bars.npz", **bars)
    command = [
        sys.executable, str(BENCHMARKS / f"engine_{name}.py"), str(folder / "bars.npz"), str(folder / "answer.json"),
        "1", *flags,
    ]  # fmt: skip
    subprocess.run(command, env={**os.environ, "ALPHINTRA_DATA_DIR": str(folder)}, check=True)
    return json.loads((folder / "answer.json").read_text())


ANSWER = {
    "fills": [[60_000_000, "BUY", 100.0, 101.5, 2.03], [120_000_000, "SELL", 100.0, 102.0, 2.04]],
    "equity": 1_000_045.93,
}


def test_equal_answers_differ_nowhere(bench: Any) -> None:
    assert bench.equality.difference("peer", ANSWER, copy.deepcopy(ANSWER)) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a["fills"][1].__setitem__(0, 180_000_000), "fill 1: "),
        (lambda a: a["fills"][0].__setitem__(1, "SELL"), "fill 0: "),
        (lambda a: a["fills"][0].__setitem__(2, 101.0), "fill 0: "),
        (lambda a: a["fills"][1].__setitem__(3, 102.00001), "fill 1: "),
        (lambda a: a["fills"][1].__setitem__(4, 0.0), "fill 1: "),
        (lambda a: a["fills"].pop(), "we have 2 fills, peer has 1"),
        (lambda a: a.__setitem__("equity", 1_000_046.93), "final equity: "),
    ],
)
def test_each_difference_is_found(bench: Any, change: Any, said: str) -> None:
    theirs = copy.deepcopy(ANSWER)
    change(theirs)
    assert bench.equality.difference("peer", ANSWER, theirs).startswith(said)


def test_sweeps_are_compared_variant_by_variant(bench: Any) -> None:
    ours = {"equities": [1_000_000.0, 999_000.5]}
    apart = bench.equality.apart
    assert apart(ours, copy.deepcopy(ours)) is None
    assert apart(ours, {"equities": [1_000_000.0, 999_000.6]}).startswith("variant 1: our final equity is")
    assert apart(ours, {"equities": [1_000_000.0]}) == "we have 2 variants, the peer has 1"


def test_the_bars_are_seeded_and_well_formed(bench: Any) -> None:
    a, b = bench.bars.random_walk(500), bench.bars.random_walk(500)
    assert np.array_equal(a["close"], b["close"])
    assert (a["low"] <= np.minimum(a["open"], a["close"])).all()
    assert (a["high"] >= np.maximum(a["open"], a["close"])).all()
    assert set(np.diff(a["time"])) == {60_000_000}


def test_our_engine_trades_each_crossing_at_the_next_open(bench: Any, tmp_path: Path) -> None:
    """Against a reference of a few lines: averages by cumulative sums, fills at the open after a crossing."""
    bars = bench.bars.random_walk(3_000)
    answer = run_engine("alphintra", bars, tmp_path)
    averages = {}
    for n in (50, 200):
        total = np.concatenate(([0.0], np.cumsum(bars["close"])))
        averages[n] = np.full(3_000, np.nan)
        averages[n][n - 1 :] = (total[n:] - total[:-n]) / n
    above = averages[50] > averages[200]
    expected, held = [], False
    for i in range(200, 2_999):
        if above[i] and not above[i - 1]:
            expected.append((int(bars["time"][i + 1]), "BUY", bars["open"][i + 1]))
            held = True
        elif not above[i] and above[i - 1] and held:
            expected.append((int(bars["time"][i + 1]), "SELL", bars["open"][i + 1]))
            held = False
    assert len(expected) > 10
    assert [(t, side, p) for t, side, _, p, _ in answer["fills"]] == expected
    signs = {"BUY": -1, "SELL": 1}
    cash = 1_000_000 + sum(100 * p * (signs[s] - 0.0002) for _, s, p in expected)
    assert answer["equity"] == pytest.approx(cash + 100 * held * bars["close"][-1], rel=1e-12)


def flat_then(*bars: tuple[float, float, float, float]) -> dict[str, Any]:
    """200 bars at 100, which is then the slow average, and further bars (open, high, low, close)."""
    rows = np.array([(100.0, 100.0, 100.0, 100.0)] * 200 + list(bars))
    columns = dict(zip(("open", "high", "low", "close"), rows.T, strict=True))
    return {"time": np.arange(len(rows)) * 60_000_000, "volume": np.full(len(rows), 1000.0), **columns}


def test_the_loop_enters_above_the_band_and_leaves_below_it(bench: Any) -> None:
    """The average at bar 200 is 100.005 and 101 is more than 0.1 % above it: 100 are bought at the next open."""
    bars = flat_then((100, 101, 100, 101), (101, 102, 101, 102), (102, 102, 98, 98), (98, 98, 97, 97))
    answer = bench.reference.reading(bars, None)
    assert answer["fills"] == [
        [201 * 60_000_000, "BUY", 100.0, 101.0, pytest.approx(2.02)],
        [203 * 60_000_000, "SELL", 100.0, 98.0, pytest.approx(1.96)],
    ]
    assert answer["equity"] == pytest.approx(1_000_000 - 300 - 3.98)


@pytest.mark.parametrize(
    ("last", "time", "price"),
    [
        # Bought at 101; the high of that bar is 102 and lifts the stop to 102 × 0.998 = 101.796 for the next one.
        ((102.0, 102.0, 101.5, 102.0), 203 * 60_000_000, 101.796),  # touched inside the bar: at its close time
        ((101.0, 102.0, 101.0, 102.0), 202 * 60_000_000, 101.0),  # already below it at the open: at its open time
    ],
)
def test_the_loop_trails_its_stop_by_completed_bars(
    bench: Any, last: tuple[float, float, float, float], time: int, price: float
) -> None:
    bars = flat_then((100, 101, 100, 101), (101, 102, 101, 102), last)
    sold = bench.reference.reading(bars, 0.002)["fills"][1]
    assert sold == [time, "SELL", 100.0, pytest.approx(price, rel=1e-12), pytest.approx(price * 100 * 0.0002)]


@pytest.mark.parametrize(
    ("held", "most"),
    [
        (0, 9),  # ten are worth 1,000, and their fee of 0.20 is above the budget
        (10, 10),  # they are held already and cost no fee
        (12, 9),  # ten would cost 0.04 for the two that are sold; nine are worth 900
    ],
)
def test_the_loop_buys_the_most_that_the_budget_carries(bench: Any, held: int, most: int) -> None:
    assert bench.reference.most(1_000.0, 100.0, held) == most


@pytest.mark.parametrize("flags", [(), ("--trail",)])
def test_our_engine_reads_and_trails_as_the_loop(bench: Any, tmp_path: Path, flags: tuple[str, ...]) -> None:
    bars = bench.bars.random_walk(5_000)
    loop = bench.reference.reading(bars, bench.job.TRAIL if flags else None)
    assert len(loop["fills"]) > 15
    assert bench.equality.difference("loop", run_engine("alphintra_reading", bars, tmp_path, *flags), loop) is None


def test_our_engine_rotates_as_the_loop(bench: Any, tmp_path: Path) -> None:
    bars = bench.bars.universe(200, 120)
    loop = bench.reference.rotation(bars)
    days = {str(np.datetime64(fill[0], "us").astype("M8[D]")) for fill in loop["fills"]}
    # Six months of weekdays after New Year is 26 June: the first weekday of each month from July on.
    assert days == {"2014-07-01", "2014-08-01", "2014-09-01", "2014-10-01"}
    assert bench.equality.difference("loop", run_engine("alphintra_rotation", bars, tmp_path), loop) is None


def test_the_table_says_which_targets_were_reached(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    table = bench.table.Table()
    answer = {"bars": 1_000_000, "wall": [0.5, 0.25], "cpu": [0.25, 0.25]}
    assert table.speed("fast enough", answer, 3e6) == 4_000_000
    table.peer("a peer", answer | {"wall": [2.0]}, 4_000_000)
    table.wall("too slow", answer, 0.2)
    table.memory("small enough", 30_000_000, 10_000_000, 3.0)
    table.times("beside a peer", 1.5, 1.6, 1.5)
    table.note("of one machine")
    table.end()
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line]
    assert lines[1:] == [
        "fast enough 1,000,000 0.250 0.250 4,000,000 ≥ 3 M yes",
        "a peer 1,000,000 2.000 0.250 500,000 ours is 8 ×",
        "too slow 1,000,000 0.250 0.250 4,000,000 ≤ 0.2 s NO",
        "small enough 30 MB, 3.00 × the data ≤ 3 × yes",
        "beside a peer 1.500 1.60 × ≤ 1.5 × NO",
        "2 of 4 targets reached",
        "of one machine",
    ]


def test_metrics_that_differ_are_named(bench: Any) -> None:
    ours = {"total return": 0.5, "Sharpe ratio": 1.25}
    assert bench.equality.figures("vectorbt", ours, dict(ours)) is None
    assert bench.equality.figures("vectorbt", ours, {**ours, "Sharpe ratio": 1.26}) == (
        "Sharpe ratio: ours is 1.25, vectorbt's is 1.26"
    )


def test_metrics_of_our_run_are_those_of_its_equity(bench: Any, tmp_path: Path) -> None:
    walk = bench.bars.random_walk(3_000)
    answer = run_engine("alphintra_metrics", walk, tmp_path)
    run = run_engine("alphintra_signals", walk, tmp_path)
    assert list(answer["metrics"]) == list(bench.metrics.COMPARED)
    assert answer["metrics"]["total return"] == pytest.approx(run["equity"] / bench.job.CASH - 1)
    assert answer["trades"] == len(run["fills"]) // 2
    assert answer["count"] > 70


def _here(bench: Any) -> str:
    """The run of the job benchmarks in this process."""
    import alphintra as al

    start = bench.job_start
    names: dict[str, Any] = {}
    exec(start.STRATEGY, names)
    run = al.backtest(
        names["SmaCross"], start.DATA, start=start.START, end=start.END, cash=100_000, commission=start.COMMISSION
    )
    return run.to_json()


def test_jobs_that_differ_are_named(bench: Any) -> None:
    """A fill of a job that is not that of the notebook, and an equity out of a queue that is not."""
    start = bench.job_start
    same = json.loads(_here(bench))
    other = copy.deepcopy(same)
    other["fills"][0]["price"] += 0.01
    good, bad = (start.Start(seconds, seconds, result) for seconds, result in ((0.02, same), (0.9, other)))
    assert start.difference([good], [good]) is None
    assert start.difference([good], [bad]) == "fills of a job of a new worker are not those of al.backtest"
    assert start.p95([good] * 19 + [bad]) == 0.9
    assert start.p95([good] * 39 + [bad]) == 0.02
    equity = bench.rest_run.here()
    measured = bench.job_queue.Measured(2.0, 4, 0.95, 2, {equity})
    assert (bench.job_queue.difference(measured), measured.rate) == (None, 2.0)
    measured = bench.job_queue.Measured(2.0, 4, 0.95, 2, {equity, equity + 1})
    assert "final equity" in bench.job_queue.difference(measured)


def test_what_a_door_adds_and_how_long_a_page_took(bench: Any) -> None:
    assert bench.door.Measured([0.25, 1.0, 0.5], [0.75, 9.0, 0.5], [], []).added == 0.25
    timed = bench.job_list.Timed
    assert [timed("", 2.0, later, 1).longest for later in (float("nan"), 1.0, 3.0)] == [2.0, 2.0, 3.0]


def test_the_list_of_datasets_lets_through_what_its_filters_say(bench: Any, tmp_path: Path) -> None:
    listing = bench.dataset_list
    database = listing.fill(f"sqlite:///{tmp_path / 'list.sqlite'}", 40)
    names = ("all", "of the platform", "a text that many have", "a text that none has", "a tag")
    found = [asyncio.run(listing.time_filter(database, name, listing.FILTERS[name])) for name in names]
    database.close()
    assert [timed.total for timed in found] == [39, 9, 21, 0, 5]
    assert listing.Timed("", 2.0, 3.0, 1).longest == 3.0


def test_a_door_that_answers_otherwise_is_named(bench: Any) -> None:
    same, other = {"id": "a"}, {"id": "b"}
    start = bench.job_start.Start(0.1, 0.1, json.loads(_here(bench)))
    jobs = bench.job_figures.JobBench(1, 1)
    equity = bench.rest_run.here()
    known = {
        "rest": (0.1, [equity]), "starts": ([start], [start]),
        "queue": bench.job_queue.Measured(2.0, 1, 0.95, 2, {equity}),
        "door": bench.door.Measured([], [], [], [same, same, other]),
    }  # fmt: skip
    vars(jobs).update(known)
    assert bench.job_figures.problem(jobs) == f"the door, REST and the service: {[same, same, other]}"
    vars(jobs)["door"] = bench.door.Measured([], [], [], [same] * 3)
    assert bench.job_figures.problem(jobs) is None
    vars(jobs)["rest"] = (0.1, [equity + 1])
    assert bench.job_figures.problem(jobs).startswith("REST and this process: final equity")


def test_stored_datasets_are_compared(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = bench.stored_datasets.measure
    found = measure(tmp_path / "same", (2, 2_000), (30, 1_000))
    assert (found.problem, found.rows, found.symbols, found.read) == (None, 4_000, 30, 1_000)
    assert min(found.write, found.hash, found.range, found.first, found.preview) > 0
    monkeypatch.setattr(bench.stored_datasets, "content_hash", lambda columns: "sha256:another")
    found = measure(tmp_path / "other", (2, 2_000), (30, 1_000))
    assert found.problem == "the hash of a version and that of its arrays"


def test_candles_are_right_before_they_are_measured(bench: Any, tmp_path: Path) -> None:
    bench.candles.made(tmp_path, 20_000)
    found = bench.candles.measure(tmp_path)
    assert min(found.first, found.slowest, found.usual, found.pandas, found.csv, found.kept) > 0
    assert found.kept < 20_000 * 6 * 8 * 1.5


def test_validation_is_right_before_it_is_measured(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = bench.validation.run(10_000)
    assert [(own.rows, own.problem) for own in found] == [(10_000, None), (10_000, None), (1_000, None)]
    assert min(min(own.rules, own.writer) for own in found) > 0
    monkeypatch.setattr(bench.validation.Validation, "see", lambda run, symbol, table: None)
    assert bench.validation.measure("none", "24/7", 1_000, 10).problem == "of 10 bars that are wrong, 0 were found"


@pytest.fixture
def ingested(bench: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A file that becomes a version, both sides in this process, which loads nothing beforehand."""
    from alphintra_kernel import first_run

    ingest = bench.ingest
    monkeypatch.setattr(first_run, "warm_up", lambda: iter(()))

    def run(kind: str, work: Path, server: Any = None) -> Any:
        steps = {"ours": ingest._ours, "copy": ingest._copy}[kind](work)
        assert next(steps) == {}
        answer = next(steps)
        if server is not None:
            server.keep(work / "out", answer)
        return ingest.Run(1.5 if kind == "ours" else 1.0, 2.0, ingest._peak(), 0.1)

    monkeypatch.setattr(ingest, "_run", run)

    def go(name: str, change: Any = None) -> Any:
        folder = tmp_path / name
        folder.mkdir()
        made = ingest.minutes(3_000)
        ingest.write(folder / "minutes.csv", made, by_time=name != "sorted")
        if change is not None:
            change(made)
        return ingest.measure(folder / "minutes.csv", name, folder, made, rounds=1)

    return go


def test_a_csv_its_version_and_the_copy_of_it_are_compared(bench: Any, ingested: Any, capsys: Any) -> None:
    found = [ingested(name) for name in bench.ingest.FILES]
    assert [(own.rows, own.problem, own.ratio) for own in found] == [(3_000, None, 1.5)] * 2
    assert bench.ingest.problem(found) is None
    table = bench.table.Table()
    bench.ingest.show(found, table)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[3] == "CSV to version, 0.003 M rows, sorted 1.500 1.50 × ≤ 1.5 × yes"
    assert lines[7] == "CSV to version, 0.003 M rows, by time alone 1.500 1.50 × ≤ 3 × yes"


def test_a_version_that_is_not_the_csv_is_named(bench: Any, ingested: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_close(made: Any) -> None:
        made["S004"]["close"][7] += 0.01

    assert ingested("sorted", other_close).problem == "close that DuckDB wrote"
    from alphintra.store import converting

    real = converting.to_numpy
    monkeypatch.setattr(
        converting, "to_numpy", lambda table: {s: v | {"high": v["high"] + 0.01} for s, v in real(table).items()}
    )
    found = ingested("by time alone")
    assert found.problem == "high of S000 that is stored"
    assert bench.ingest.problem([found]) == "CSV by time alone: high of S000 that is stored"


def test_datasets_that_are_not_equal_are_named_before_a_figure(bench: Any, tmp_path: Path) -> None:
    figures = bench.dataset_figures
    own = figures.DatasetBench(tmp_path, 10)
    run = bench.ingest.Run(1.0, 1.0, 1, 0.0)
    vars(own)["ingested"] = [bench.ingest.Measured("sorted", 10, [run], [run], "time that DuckDB wrote")]
    assert figures.problem(own) == "CSV sorted: time that DuckDB wrote"
    vars(own)["ingested"] = [bench.ingest.Measured("sorted", 10, [run], [run], None)]
    vars(own)["stored"] = bench.stored_datasets.Measured(*[1.0] * 6, 1, 1, 1, "the hash")
    assert figures.problem(own) == "the hash"
