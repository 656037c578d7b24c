"""``make bench``: equal results first, then speed and memory beside their targets, on seeded random walks.

Every engine crosses SMA(50) and SMA(200), trades at the next open, pays the same fee fraction and has no volume cap.
What has no peer is compared with a plain loop over the bars. If one fill differs in time, side, size, price or fee, or
the final equity differs, the benchmark says where and ends with 1 before any speed is printed.

A speed is that of the best whole run (indicators, fills, equity) in a warm process: second and later runs, by wall
time, each engine repeated for as long as the others. A target that is missed is printed as such and fails nothing:
machines differ.

``--only jobs`` and ``--only datasets`` leave out the rest, and need no peers; ``--only engine`` leaves out both.

The peers live in ``benchmarks/.venv-peers`` with their own lock, ``benchmarks/peers.txt``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import bars
import dataset_figures
import debug_back
import ingest
import job_figures
import job_list
import job_queue
import metrics
import overfitting
import reference
import replay
import replay_play
import report
from equality import apart, difference, final
from job import CASH, COMMISSION, FAST, HELD, QUANTITY, SLOW, TRAIL
from kernel_first import CELL, first_result
from peers import environment, import_seconds, install_peers, measure
from table import Table, speed_of, warm

#: Engines of the first line, all run on the bars on which they must agree.
NAMES = {"backtesting_py": "backtesting.py", "pybroker": "PyBroker", "backtrader": "backtrader"}
PARTS = ("engine", "jobs", "datasets")
SESSIONS, SYMBOLS = 2_520, 500
#: Bars of a first result.
FIRST = 2_000


@dataclass(frozen=True)
class Bench:
    """The files of one benchmark, and what was run on them so far."""

    folder: Path
    equal: int
    large: int

    def __post_init__(self) -> None:
        for name, count in (("equal", self.equal), ("large", self.large), ("sweep", 5_000), ("first", FIRST)):
            bars.write(self.file(name), bars.random_walk(count))
        bars.write(self.file("universe"), bars.universe(SESSIONS, SYMBOLS))

    def file(self, name: str) -> Path:
        """Path of a set of bars."""
        return self.folder / f"{name}.npz"

    def run(self, engine: str, name: str, repeats: int, *flags: str) -> dict[str, Any]:
        """Run an engine over a set of bars."""
        return measure(engine, self.file(name), self.folder, repeats, *flags)

    @cached_property
    def peers(self) -> dict[str, dict[str, Any]]:
        """The peers of the first line, two runs each."""
        return {engine: self.run(engine, "equal", 2) for engine in NAMES}

    @cached_property
    def rotation(self) -> dict[str, Any]:
        """The rotation, four runs."""
        return self.run("alphintra_rotation", "universe", 2)

    @cached_property
    def played(self) -> replay_play.Played | None:
        """A replay at play in a browser."""
        return replay_play.measure()

    def first_in_kernel(self) -> tuple[float, float]:
        """Seconds and final equity of the first cell of a fresh kernel."""
        data = self.folder / "first.csv"
        if not data.exists():
            bars.read(str(self.file("first"))).to_csv(data)
        cell = CELL.format(
            fast=FAST, slow=SLOW, quantity=QUANTITY, cash=CASH, commission=COMMISSION, data=data.name
        )  # fmt: skip
        return first_result(cell, self.folder, environment(self.folder))


def results_are_equal(bench: Bench) -> bool:
    """Compare every line of the table with a peer or a plain loop; say what is equal, or where it is not."""
    ours = bench.run("alphintra", "equal", 1)
    for engine, name in NAMES.items():
        if not _equal(f"on_bar and {name}", difference(name, ours, bench.peers[engine])):
            return False
    print(
        f"equal: {len(ours['fills'])} fills (time, side, quantity, price, fee) and final equity "
        f"{ours['equity']:,.2f} on {bench.equal:,} bars, in ours, {', '.join(NAMES.values())}"
    )
    walk = bars.random_walk(bench.equal)
    for what, flags, trail in (("an on_bar that reads", (), None), ("one with a trailing stop", ("--trail",), TRAIL)):
        ours = bench.run("alphintra_reading", "equal", 1, *flags)
        if not _equal(f"{what} and a plain loop", difference("the loop", ours, reference.reading(walk, trail))):
            return False
        print(f"equal: {len(ours['fills'])} fills of {what} and of a plain loop")
    checks = (signals_are_equal, metrics_are_equal, rotation_is_equal, kernel_is_equal, play_is_equal)
    return all(check(bench) for check in checks) and pbo_is_equal()


def signals_are_equal(bench: Bench) -> bool:
    """Compare the compiled form with ``on_bar`` and with vectorbt, and the sweeps."""
    ours, theirs = (bench.run(engine, "equal", 1) for engine in ("alphintra_signals", "vectorbt"))
    by_bar = bench.run("alphintra_signals", "equal", 1, "--by-bar")
    swept, other = (bench.run(engine, "sweep", 1) for engine in ("alphintra_sweep", "vectorbt_sweep"))
    public = bench.run("alphintra_sweep", "sweep", 1, "--public")
    for name, problem in (
        ("on_bar", difference("on_bar", ours, by_bar)),
        ("vectorbt", difference("vectorbt", ours, theirs)),
        ("vectorbt's sweep", apart(swept, other)),
        ("al.sweep", apart(swept, public)),
    ):
        if not _equal(f"signals and {name}", problem):
            return False
    print(
        f"equal: {len(ours['fills'])} fills of signals, on_bar and vectorbt, "
        f"and the final equities of {len(swept['equities'])} variants of our sweep, al.sweep and vectorbt's"
    )
    return True


def metrics_are_equal(bench: Bench) -> bool:
    """Compare three metrics of the compiled form's run with those of vectorbt's."""
    if not _equal("metrics of ours and vectorbt", metrics.difference(bench)):
        return False
    print(f"equal: {', '.join(metrics.COMPARED)} of ours and of vectorbt on {bench.equal:,} bars")
    return True


def rotation_is_equal(bench: Bench) -> bool:
    """Compare the rotation with a plain loop."""
    loop = reference.rotation(bars.universe(SESSIONS, SYMBOLS))
    if not _equal("the rotation and a plain loop", difference("the loop", bench.rotation, loop)):
        return False
    print(
        f"equal: {len(loop['fills']):,} fills of a rotation into {HELD} of {SYMBOLS} symbols and of a plain loop"
    )
    return True


def kernel_is_equal(bench: Bench) -> bool:
    """Compare what a cell shows in a notebook kernel with backtesting.py on the same bars."""
    theirs = bench.run("backtesting_py", "first", 1)["equity"]
    if not _equal("the kernel and backtesting.py", final("backtesting.py", bench.first_in_kernel()[1], theirs)):
        return False
    print(f"equal: final equity of {FIRST:,} bars in a notebook kernel and in backtesting.py")
    return True


def play_is_equal(bench: Bench) -> bool:
    """Compare the fills that a page has after playing a replay with those of the backtest."""
    if bench.played is None:
        print("NOT COMPARED: a replay at play, for there is no Chromium")
        return True
    if not _equal("the page after play and the backtest", bench.played.problem):
        return False
    print(f"equal: {bench.played.fills} fills in a page after playing a replay and of the backtest")
    return True


def pbo_is_equal() -> bool:
    """Compare the splits of the probability of overfitting with a plain loop."""
    if not _equal("PBO and a plain loop", overfitting.difference()):
        return False
    print("equal: every logit of the probability of overfitting and of a plain loop with pandas")
    return True


def _equal(what: str, problem: str | None) -> bool:
    if problem:
        print(f"NOT EQUAL, {what}: {problem}")
    return problem is None


def show(bench: Bench, table: Table) -> None:
    """Measure and print the engine's lines."""
    crossing = bench.run("alphintra", "large", 2)
    speed = table.speed("on_bar: SMA(50/200) crossing", warm(crossing), 3e6)
    for engine, name in NAMES.items():
        table.peer(name, warm(bench.peers[engine]), speed)
    for work, flags, target in (
        ("on_bar: reads close, indicator, position", (), 1e6),
        ("on_bar: the same with a trailing stop", ("--trail",), 0.5e6),
    ):
        table.speed(work, warm(bench.run("alphintra_reading", "large", 2, *flags)), target)
    for work, engine, name, peer, target in (
        ("signals: SMA(50/200) crossing", "alphintra_signals", "large", "vectorbt", 100e6),
        ("sweep: 990 pairs of averages", "alphintra_sweep", "sweep", "vectorbt_sweep", 150e6),
    ):
        speed = table.speed(work, warm(bench.run(engine, name, 2)), target)
        table.peer("vectorbt", warm(bench.run(peer, name, 2)), speed)
    public = warm(bench.run("alphintra_sweep", "sweep", 2, "--public"))
    table.also("al.sweep: 13 metrics of each pair, as a table", public)
    table.peer("vectorbt, final value alone", warm(bench.run("vectorbt_sweep", "sweep", 2)), speed_of(public))
    metrics.show(bench, table)
    table.wall(f"{SYMBOLS} symbols, 10 years daily, rotation", warm(bench.rotation), 1.0)
    used = bench.run("alphintra_rotation", "universe", 1, "--memory")
    table.memory("  its peak beside the data", used["peak"], used["data"], 3.0)
    seconds = min(bench.first_in_kernel()[0] for _ in range(3))
    table.seconds(f"first result in a ready kernel, {FIRST:,} bars", seconds, "≤ 0.3 s", seconds <= 0.3)
    engines = ("alphintra", "backtesting_py", "backtrader", "vectorbt")
    first = {engine: min(bench.run(engine, "first", 1)["process"] for _ in range(3)) for engine in engines}
    ours = first.pop("alphintra")
    table.seconds(f"first result in a new process, {FIRST:,} bars", ours, "< each peer", ours < min(first.values()))
    for engine, seconds in first.items():
        table.peer_seconds(NAMES.get(engine, engine), seconds)
    seconds, loop = overfitting.seconds()
    work = f"PBO: {overfitting.TRIALS} trials × {overfitting.SESSIONS:,} sessions"
    table.seconds(work, seconds, "≤ 2 s", seconds <= 2)
    table.peer_seconds(f"a loop with pandas, {overfitting.TIMED} of 12,870 splits", loop)
    seconds = import_seconds(bench.folder)
    table.seconds("import alphintra", seconds, "≤ 0.3 s", seconds <= 0.3)
    walked = replay.measure(replay.Averages, replay.COUNT)
    table.peer_seconds(f"replay of {replay.COUNT:,} bars: made in", walked.run)
    table.seconds("  to any bar, the slowest", max(walked.places), "≤ 1 s", max(walked.places) <= replay.ANY_BAR)
    table.seconds("  one step back, the slowest", max(walked.backs), "≤ 0.05 s", max(walked.backs) <= replay.BACK)
    table.bytes("  its copies", walked.size, replay.COPIES)
    backs = debug_back.measure(bench.folder).backs
    table.seconds("  a step back in the debugger, the slowest", max(backs), "≤ 0.6 s", max(backs) <= debug_back.TARGET)
    if bench.played is not None:
        (wished, held), *more = bench.played.rates.items()
        table.rate("  at play in a browser", held, replay_play.HELD, f"≥ {replay_play.HELD:g} of {wished}")
        faster = ", ".join(f"{came:.0f} of {rate}" for rate, came in more)
        table.note(f"Replay at play, bars a second that came of those that were asked for: {faster}.")
    page = report.measure(bench.folder)
    table.seconds("report of 10 years daily: on the screen", page.read, "< 1 s", page.read < 1.0)
    table.bytes("  its size", page.size, 3_000_000)
    table.peer_seconds("written in", page.write)
    table.peer_seconds("first chart drawn by Plotly", page.chart)
    table.note(
        f"The first run of the first line took {crossing['wall'][0]:.2f} s: it loads the compiled core.\n"
        "Memory: the most that one run has allocated at a time (tracemalloc, NumPy's arrays included), its results "
        "too;\nthe data are the market's own arrays.\n"
        "Kernel: the installed notebook kernel, 3 s after it was ready; its first cell, request to idle, with display."
    )


def main() -> int:
    """Check, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=1_000_000, help="bars for our engine's speed")
    parser.add_argument("--equal", type=int, default=100_000, help="bars on which all engines must agree")
    parser.add_argument("--jobs", type=int, default=job_queue.JOBS, help="jobs through the queue of a server")
    parser.add_argument("--listed", type=int, default=job_list.COUNT, help="jobs in the list of jobs")
    parser.add_argument("--rows", type=int, default=ingest.ROWS, help="rows of the CSV that becomes a dataset")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--check-only", action="store_true", help="compare results, measure nothing")
    args = parser.parse_args()
    parts = (args.only,) if args.only else PARTS
    jobs = job_figures.JobBench(args.jobs, args.listed)
    with tempfile.TemporaryDirectory(prefix="alphintra-bench-") as name:
        engine = None
        if "engine" in parts:
            install_peers()
            engine = Bench(Path(name), args.equal, args.bars)
            if not results_are_equal(engine):
                return 1
        if "jobs" in parts and not _equal("jobs", job_figures.problem(jobs)):
            return 1
        rows = dataset_figures.CHECKED if args.check_only else args.rows
        datasets = dataset_figures.DatasetBench(Path(name), rows)
        if "datasets" in parts and not _equal("datasets", dataset_figures.problem(datasets)):
            return 1
        if args.check_only:
            return 0
        table = Table()
        if engine is not None:
            show(engine, table)
        if "jobs" in parts:
            job_figures.show(jobs, table)
        if "datasets" in parts:
            dataset_figures.show(datasets, table)
        table.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
