"""From the claim of a job to the first line of user code: from the pool, and with the pool empty.

First it compares: the run of a worker from the pool, that of a worker started for it, and ``al.backtest`` in this
process must have the same fills and metrics. ``python benchmarks/job_start.py`` prints the seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphintra_kernel.levels import probe_report
from alphintra_kernel.sandbox import Sandbox
from alphintra_server.jobs.attempt import Attempt, Finished, JobInput
from alphintra_server.jobs.launcher import JobLimits, Launcher
from alphintra_server.jobs.pool import Pool
from alphintra_server.jobs.store import Claim
from rest_run import COMMISSION, DATA, END, START, STRATEGY

#: Seconds that the plan allows from the claim to the first line of user code, at the 95th percentile.
FROM_POOL, COLD = 0.05, 5.0
#: Jobs from the pool: enough that the worst is not what 95 % are within.
WARM = 60
#: Longest that a worker may take to load everything.
PATIENCE = 300.0
FIRST_LINE = "import time; print(time.monotonic())\n"
MESSAGE: dict[str, Any] = {
    "id": "bench",
    "kind": "backtest",
    "source": {"file": "strategy.py", "class_name": "SmaCross", "modules": []},
    "data": {"name": DATA},
    "parameters": {},
    "configuration": {"start": START, "end": END, "cash": 100_000, "commission": COMMISSION, "rules": {}},
}


@dataclass(frozen=True)
class Start:
    """A job that was run.

    Attributes:
        seconds: From the claim to its first line, by the clock of the machine, which the line itself has read.
        noticed: The same as the server measures it.
        result: Its ``result.json``.
    """

    seconds: float
    noticed: float
    result: dict[str, Any]


async def run(launcher: Launcher, folder: Path, number: int) -> Start:
    """Run the job as the supervisor does.

    Raises:
        RuntimeError: It did not finish.
    """

    async def report(*_: object) -> None:
        pass

    held = Claim(f"bench{number}", 1, "bench", "backtest", "local", "bench")
    attempt = Attempt(held, launcher, folder / held.job_id / "1", report)
    outcome = await attempt.run(JobInput({"source/strategy.py": FIRST_LINE + STRATEGY}, MESSAGE))
    if not isinstance(outcome, Finished) or attempt.first_line_seconds is None:
        raise RuntimeError(f"the job ended as {outcome}")
    stored = json.loads((attempt.folder / "out" / "result.json").read_text())
    return Start(float(next(iter(attempt.log))) - attempt.claimed, attempt.first_line_seconds, stored)


async def measure_in(folder: Path, warm: int, cold: int) -> tuple[list[Start], list[Start]]:
    """Run some jobs from a pool whose workers have loaded everything, and some without a pool."""
    sandbox = Sandbox(probe_report().level, allow_unsandboxed=True)
    launcher = Launcher(sandbox, JobLimits(), workers_dir=folder / "workers")
    pool = Pool(launcher, 1, logging.getLogger("benchmark"))
    colds = [await run(launcher, folder / "jobs", number) for number in range(cold)]
    await pool.start()
    try:
        warms = []
        for number in range(cold, cold + warm):
            until = time.monotonic() + PATIENCE
            while not pool.warm:
                if time.monotonic() > until:
                    raise RuntimeError(f"no worker of the pool was warm after {PATIENCE:g} s")
                await asyncio.sleep(0.05)
            warms.append(await run(launcher, folder / "jobs", number))
    finally:
        await pool.stop()
    return warms, colds


def measure(warm: int = WARM, cold: int = 5) -> tuple[list[Start], list[Start]]:
    """Jobs that a pool's worker took, and jobs that had to wait for theirs."""
    # A start records its worker on the disk before anything else: not behind what was written before this.
    os.sync()
    with tempfile.TemporaryDirectory(prefix="alphintra-starts-") as name:
        return asyncio.run(measure_in(Path(name), warm, cold))


def difference(warm: list[Start], cold: list[Start]) -> str | None:
    """Say in what a job's result differs from that of the same run in this process; ``None`` where in nothing."""
    import alphintra as al

    names: dict[str, Any] = {}
    exec(STRATEGY, names)
    here = al.backtest(names["SmaCross"], DATA, start=START, end=END, cash=100_000, commission=COMMISSION)
    expected = json.loads(here.to_json())
    for where, starts in (("the pool", warm), ("a new worker", cold)):
        for start in starts:
            for part in ("fills", "trades", "metrics"):
                if _without_id(start.result[part]) != _without_id(expected[part]):
                    return f"{part} of a job of {where} are not those of al.backtest"
    return None


def _without_id(part: Any) -> Any:
    """Leave out which run a trade is of: that is a new one each time."""
    return [{**row, "backtest_id": None} for row in part] if isinstance(part, list) else part


def p95(starts: list[Start]) -> float:
    """Seconds that 95 of 100 starts took at most."""
    ordered = sorted(start.seconds for start in starts)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


def main() -> int:
    """Compare, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warm", type=int, default=WARM, help="jobs from the pool")
    parser.add_argument("--cold", type=int, default=5, help="jobs with the pool empty")
    args = parser.parse_args()
    warm, cold = measure(args.warm, args.cold)
    problem = difference(warm, cold)
    if problem:
        print(f"NOT EQUAL: {problem}")
        return 1
    print("equal: fills, trades and metrics of jobs from the pool, of jobs without it and of al.backtest")
    for name, starts, target in (("from the pool", warm, FROM_POOL), ("with the pool empty", cold, COLD)):
        seconds = sorted(start.seconds for start in starts)
        print(
            f"claim to first line, {name}: median {seconds[len(seconds) // 2]:.4f} s, 95 % within {p95(starts):.4f} s "
            f"(target {target:g} s), worst as the server sees it {max(start.noticed for start in starts):.4f} s"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
