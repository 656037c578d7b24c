"""A thousand small jobs through the queue: jobs a second, and how busy the cores are meanwhile.

First it compares: every job must have the final equity of the same run in this process. ``python
benchmarks/job_queue.py`` prints the figures; ``--jobs`` takes fewer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from rest_run import CASH, COMMISSION, DATA, END, START, STRATEGY, Server, here, serving

JOBS = 1_000
#: Seconds that one job may take on average before the benchmark gives up.
PATIENCE = 20.0
#: What part of the cores' time a full queue must use.
BUSY = 0.9


@dataclass(frozen=True)
class Measured:
    """What the queue did.

    Attributes:
        seconds: From the first ``run`` to the end of the last job.
        jobs: How many.
        busy: Part of the time of all cores that was used meanwhile, by whatever ran on this machine.
        cores: How many there are.
        equities: Final equity of each job.
    """

    seconds: float
    jobs: int
    busy: float
    cores: int
    equities: set[float]

    @property
    def rate(self) -> float:
        """Jobs a second."""
        return self.jobs / self.seconds


def measure(jobs: int = JOBS) -> Measured:
    """Queue the jobs in a server of their own and wait for their end.

    Raises:
        RuntimeError: A job failed, or it took too long.
    """
    cores = psutil.cpu_count() or 1
    flags = [f"--AlphintraServer.max_queued={jobs}", f"--AlphintraServer.max_jobs={cores}"]
    flags.append(f"--AlphintraServer.pool_size={cores}")
    with tempfile.TemporaryDirectory(prefix="alphintra-queue-") as name, serving(Path(name), *flags) as server:
        strategy = server.json("POST", "api/strategies/code/create", {"name": "SmaCross", "code": STRATEGY})
        asked = {
            "strategy_id": strategy["id"], "dataset_id": DATA, "start_date": START, "end_date": END,
            "initial_capital": CASH, "commission": COMMISSION,
        }  # fmt: skip
        made = [server.json("POST", "api/backtests", asked)["id"] for _ in range(jobs)]
        began, before = time.perf_counter(), psutil.cpu_times()
        for backtest in made:
            server.ask("POST", f"api/backtests/{backtest}/run")
        _wait(server, began + PATIENCE * jobs)
        seconds, after = time.perf_counter() - began, psutil.cpu_times()
        idle = after.idle - before.idle + getattr(after, "iowait", 0.0) - getattr(before, "iowait", 0.0)
        equities = {float(server.json("GET", f"api/backtests/{backtest}/results")["final_equity"]) for backtest in made}
    return Measured(seconds, jobs, 1 - idle / (seconds * cores), cores, equities)


def difference(found: Measured) -> str | None:
    """Say in what the jobs differ from the same run in this process; ``None`` where in nothing."""
    expected = here()
    return None if found.equities == {expected} else f"final equity {sorted(found.equities)} and {expected}"


def _wait(server: Server, until: float) -> None:
    """Wait until no job is waiting or running; asks seldom, so as not to be measured itself."""
    for state in ("PENDING", "RUNNING"):
        while _count(server, state):
            if time.perf_counter() > until:
                raise RuntimeError(f"jobs are still {state}")
            time.sleep(1)
    failed = _count(server, "FAILED")
    if failed:
        raise RuntimeError(f"{failed} jobs failed")


def _count(server: Server, state: str) -> int:
    page: Any = server.json("GET", f"api/backtests?status={state}&limit=1")
    return int(page["_pagination"]["total"])


def main() -> int:
    """Measure, compare, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=JOBS, help="how many")
    found = measure(parser.parse_args().jobs)
    problem = difference(found)
    if problem:
        print(f"NOT EQUAL: {problem}")
        return 1
    print(f"equal: the final equity of {found.jobs:,} jobs and of the same run in this process")
    print(
        f"{found.jobs:,} small jobs through the queue: {found.seconds:.0f} s, {found.rate:.2f} jobs/s, "
        f"{found.busy:.0%} of {found.cores} cores busy (target {BUSY:.0%})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
