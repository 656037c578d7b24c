"""Jobs and the server in ``make bench``: what must be equal, then the times beside their targets."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import door
import health_under_jobs
import job_list
import job_queue
import job_start
import rest_run
from table import Table


@dataclass(frozen=True)
class JobBench:
    """What was measured so far.

    Attributes:
        queued: Jobs through the queue.
        listed: Jobs in the list.
    """

    queued: int = job_queue.JOBS
    listed: int = job_list.COUNT

    @cached_property
    def rest(self) -> tuple[float, list[float]]:
        """Seconds of a year of daily bars over REST, and the final equity of each run."""
        return rest_run.measure()

    @cached_property
    def starts(self) -> tuple[list[job_start.Start], list[job_start.Start]]:
        """Jobs that a worker of the pool took, and jobs that had to wait for theirs."""
        return job_start.measure()

    @cached_property
    def queue(self) -> job_queue.Measured:
        """Small jobs through the queue of a server."""
        return job_queue.measure(self.queued)

    @cached_property
    def door(self) -> door.Measured:
        """The same question three ways."""
        with tempfile.TemporaryDirectory(prefix="alphintra-door-") as name:
            return asyncio.run(door.measure(Path(name)))


def problem(bench: JobBench) -> str | None:
    """Say what is not equal, and print what is."""
    here = rest_run.here()
    for equity in bench.rest[1]:
        if equity != here:
            return f"REST and this process: final equity {equity} and {here}"
    print(f"equal: final equity of a year of daily bars over REST and in a process, {here:,.2f}")
    found = job_start.difference(*bench.starts) or job_queue.difference(bench.queue)
    if found:
        return f"jobs and this process: {found}"
    print(f"equal: jobs from the pool, jobs without it, {bench.queue.jobs:,} jobs of a queue and a run in a process")
    if any(answer != bench.door.answers[0] for answer in bench.door.answers):
        return f"the door, REST and the service: {bench.door.answers}"
    print("equal: a job's state by the service itself, through the door and over REST")
    return None


def show(bench: JobBench, table: Table) -> None:
    """Measure what is left and print all."""
    seconds = bench.rest[0]
    table.seconds("REST: a year daily, POST …/run to report", seconds, "≤ 30 s", seconds <= rest_run.ALLOWED)
    for work, starts, target in (
        ("a job's first line, from the pool (95 %)", bench.starts[0], job_start.FROM_POOL),
        ("  with the pool empty (95 %)", bench.starts[1], job_start.COLD),
    ):
        seconds = job_start.p95(starts)
        table.seconds(work, seconds, f"≤ {target:g} s", seconds <= target)
        ordered = sorted(start.seconds for start in starts)
        print(f"  of {len(ordered)}: median {ordered[len(ordered) // 2]:.3f} s, worst {ordered[-1]:.3f} s", flush=True)
    table.share(f"{bench.queue.jobs:,} small jobs: cores busy", bench.queue.busy, job_queue.BUSY)
    table.peer_seconds(f"jobs a second on {bench.queue.cores} cores", bench.queue.rate)
    added = bench.door.added
    table.seconds("the door: added to a question", added, f"≤ {door.ADDED:g} s", added <= door.ADDED)
    allowed = job_list.ALLOWED / 1e3
    for database, timed in job_list.measure(bench.listed).items():
        slowest = max(timed, key=lambda each: each.longest)
        seconds = slowest.longest / 1e3
        table.seconds(f"page of {bench.listed:,} jobs, {database}", seconds, f"≤ {allowed:g} s", seconds <= allowed)
        print(f"  the slowest of {len(timed)} filters: {slowest.name}", flush=True)
    idle, busy = health_under_jobs.measure()
    allowed = health_under_jobs.ALLOWED / 1e3
    work = f"/health while {health_under_jobs.JOBS} jobs print (95 %)"
    table.seconds(work, busy.p95 / 1e3, f"≤ {allowed:g} s", busy.p95 / 1e3 <= allowed)
    table.peer_seconds("while none does", idle.p95 / 1e3)
