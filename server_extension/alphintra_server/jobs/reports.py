"""What running jobs say of themselves, on its way to the database: the newest of each, all in one transaction.

However fast ten jobs print, they cost one write in half a second; and a database that is away holds up no worker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from ..db.engine import Database
from ..db.outage import Outage
from . import store
from .store import Claim, Report

WRITE_SECONDS = 0.5
"""Between two writes of progress."""
LOG_SECONDS = 2.0
"""Between two writes of a job's log, which may be large."""


class Reports:
    """Collects reports and writes them.

    Args:
        database: Where the jobs are.
        fenced: Called with the id of a job that is no longer this server's.
        wake_events: Called after a write.
        log: Where troubles go.
    """

    def __init__(
        self,
        database: Database,
        fenced: Callable[[str], None],
        wake_events: Callable[[], None],
        log: logging.Logger,
    ) -> None:
        self._database = database
        self._fenced = fenced
        self._wake_events = wake_events
        self._outage = Outage(log, "The progress of jobs")
        self._newest: dict[str, tuple[Claim, Report]] = {}
        # When each running job's log was last written, and what it was.
        self._logs: dict[str, tuple[float, list[str]]] = {}
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="alphintra-job-reports")

    async def stop(self) -> None:
        """Stop writing."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def put(self, held: Claim, report: Report) -> None:
        """Take a job's newest report."""
        self._newest[held.job_id] = (held, report)
        self._some.set()

    def forget(self, job_id: str) -> None:
        """Drop what an attempt that has ended said last: its end says it all."""
        self._newest.pop(job_id, None)
        self._logs.pop(job_id, None)

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            taken, self._newest = self._newest, {}
            reports = [(held, self._with_log(held, report)) for held, report in taken.values()]
            try:
                lost = await self._database.write(
                    lambda session, reports=reports: store.progress(session, reports)  # type: ignore[misc]
                )
                self._outage.over()
            except Exception as error:  # noqa: BLE001  the next report says more than this one
                self._outage.seen(error)
            else:
                for job_id in lost:
                    self._fenced(job_id)
                self._wake_events()
            await asyncio.sleep(WRITE_SECONDS)

    def _with_log(self, held: Claim, report: Report) -> Report:
        now = time.monotonic()
        written, lines = self._logs.get(held.job_id, (-LOG_SECONDS, []))
        if report.log is None or now - written < LOG_SECONDS or report.log == lines:
            return replace(report, log=None)
        self._logs[held.job_id] = (now, report.log)
        return report
