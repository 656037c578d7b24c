"""Running one job as the supervisor does, without a database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alphintra_server.jobs.attempt import Attempt, JobInput, Outcome
from alphintra_server.jobs.launcher import JobLimits, Launcher
from alphintra_server.jobs.store import Claim

STRATEGY = '''\
import alphintra as al
{imports}

class Small(al.Strategy):
    def on_bar(self):
        {body}
'''


async def nobody(*_: object) -> None:
    """Takes a report."""


def attempt(launcher: Launcher, folder: Path, job_id: str = "job", **options: Any) -> Attempt:
    """An attempt at a job."""
    held = Claim(job_id, 1, "boot", "backtest", "local", "resource")
    return Attempt(held, launcher, folder / "jobs" / job_id / "1", options.pop("report", nobody), **options)


def backtest(body: str = "pass", imports: str = "", **changes: Any) -> JobInput:
    """A small backtest whose every bar does ``body``."""
    message: dict[str, Any] = {
        "id": "job",
        "kind": "backtest",
        "source": {"file": "strategy.py", "class_name": "Small", "modules": []},
        "data": {"name": "us-equities-daily/AAPL"},
        "parameters": {},
        "methodology": "STANDARD",
        "configuration": {"start": "2012-03-01", "end": "2012-06-28", "cash": 100_000, "rules": {}},
    }
    text = STRATEGY.format(body=body, imports=imports)
    return JobInput({"source/strategy.py": text}, message | changes, "strategy.py")


async def until(check: Callable[[], Any], seconds: float = 180) -> Any:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to pass")


async def cancelled_at(attempt: Attempt, job: JobInput, line: str) -> tuple[Outcome, float]:
    """Run a job, cancel it when it has printed a line, and say how long it then took to end."""
    task = asyncio.create_task(attempt.run(job))
    await until(lambda: line in list(attempt.log) or task.done())
    assert not task.done(), task.result()
    began = time.monotonic()
    attempt.stop("cancelled")
    return await task, time.monotonic() - began


def launcher(folder: Path, sandbox: Any, argv: tuple[str, ...] | None = None, **limits: Any) -> Launcher:
    """A launcher whose workers have their folders in the test's own."""
    return Launcher(sandbox, JobLimits(**limits), argv, folder / "workers")
