"""Claims queued jobs, runs their attempts, and writes their ends.

Around it: ``Heart`` keeps the leases, ``Reports`` writes progress, ``LostJobs`` takes over what other servers lost. A
database that goes away for a while ends no worker: its end waits until it can be written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..crash_points import reached
from ..db.engine import Database
from ..db.outage import Outage, is_away
from ..db.tables import JobRow
from ..errors import ServiceError
from ..limits import Limits
from ..metrics import (
    JOB_BYTES_WRITTEN,
    JOB_CPU_SECONDS,
    JOB_PEAK_MEMORY,
    JOB_QUEUE_SECONDS,
    JOB_SECONDS,
    JOBS,
    JOBS_RUNNING,
)
from ..waiting import in_waiting
from . import fair_queue, store
from .attempt import Attempt, Failed, Finished, Outcome, failed, no_room
from .heart import Heart
from .kind import JobKind
from .launcher import Launcher
from .leases import Leases
from .lost import LostJobs, remove
from .output import BadOutputError
from .reports import Reports
from .store import Claim, FencedOutError, Report

if TYPE_CHECKING:
    from alphintra_kernel.usage import Usage

T = TypeVar("T")
_IDLE_SECONDS = 2.0
_RETRY_SECONDS = 5.0


class Supervisor:
    """Runs at most ``max_jobs`` workers of the jobs in a database.

    Args:
        database: Holds the table.
        launcher: Starts workers; None where this machine may run no jobs, so that none is claimed.
        jobs_dir: Where attempts have their folders.
        kinds: What each kind of job does.
        max_jobs: Workers at once.
        wake_events: Called after each commit, so that its events go out.
        log: Where oddities go.
        limits: What the jobs of each user may use.
        leases: How this server holds its jobs.
    """

    def __init__(
        self,
        database: Database,
        launcher: Launcher | None,
        jobs_dir: Path,
        kinds: dict[str, JobKind],
        max_jobs: int,
        wake_events: Callable[[], None],
        log: logging.Logger,
        limits: Limits | None = None,
        leases: Leases | None = None,
    ) -> None:
        self.boot_id = uuid.uuid4().hex
        self._database = database
        self._launcher = launcher
        self._jobs_dir = jobs_dir
        self._kinds = kinds
        self._max_jobs = max_jobs
        self._wake_events = wake_events
        self._log = log
        self._limits = limits or Limits()
        self._leases = leases or Leases()
        self._attempts: dict[str, Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_task: asyncio.Task[None] | None = None
        self._outage = Outage(log, "The job supervisor")
        self._heart = Heart(database, self._held, self._told_by_heart, log, self._leases)
        self._reports = Reports(database, lambda job_id: self._stop_attempt(job_id, "fenced"), wake_events, log)
        self._lost = LostJobs(database, jobs_dir, self.boot_id, log, self._leases)

    @property
    def running(self) -> int:
        """How many attempts this server has at work."""
        return len(self._attempts)

    @property
    def alive(self) -> bool:
        """Whether jobs are being claimed."""
        return self._loop_task is not None and not self._loop_task.done()

    async def start(self) -> None:
        """Settle what an earlier server left, then begin."""
        self._loop = asyncio.get_running_loop()
        self._jobs_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self._lost.settle_at_start()
        await asyncio.to_thread(self._lost.remove_leftovers)
        self._heart.start()
        self._reports.start()
        self._loop_task = asyncio.create_task(self._run(), name="alphintra-supervisor")

    async def stop(self) -> None:
        """End the workers and put their jobs back into the queue."""
        if self._loop_task is not None:
            self._loop_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop_task
        for attempt in list(self._attempts.values()):
            attempt.stop("shutdown")
        if self._tasks:
            # What cannot be written by then is taken over when the lease has run out.
            _, late = await asyncio.wait(self._tasks, timeout=15)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._reports.stop()
        await asyncio.to_thread(self._heart.stop)

    def wake(self) -> None:
        """Say that a job was queued or cancelled."""
        self._wake.set()
        self._wake_events()

    async def _run(self) -> None:
        next_look = time.monotonic()
        while True:
            try:
                self._wake.clear()
                await self._pass_on_cancels()
                while len(self._attempts) < self._max_jobs and await self._claim_one():
                    pass
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + self._leases.heartbeat
                    if await self._lost.settle(self._attempts):
                        self.wake()
                self._outage.over()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  jobs must go on after a bad moment of the database
                self._outage.seen(error)
                await asyncio.sleep(1)
            # Not wait_for: on Python 3.11 it swallows a cancellation that meets the wake-up, and stop() waits for ever.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._wake.wait()

    async def _claim_one(self) -> bool:
        if self._launcher is None:
            return False
        # One place stays free of low priority: whoever comes next must not wait for what nobody waits for.
        low = sum(attempt.held.priority >= store.LOW for attempt in self._attempts.values())
        room = low < max(1, self._max_jobs - 1)
        held = await self._database.write(
            lambda session: fair_queue.claim(
                session, self.boot_id, limits=self._limits, low=room, lease=self._leases.lease
            ),
            patience=None,
        )
        if held is None:
            return False
        reached("after_claim")
        self._wake_events()
        began = time.monotonic()
        folder = self._jobs_dir / held.job_id / str(held.attempt)
        attempt = Attempt(
            held,
            self._launcher,
            folder,
            report=self._reporter(held, began),
            limits=self._limits.of(held.user_id).of_a_job,
            claimed=began,
        )
        # An earlier attempt may still be here: this server was thought dead, and its job has come round again.
        self._stop_attempt(held.job_id, "fenced")
        self._attempts[held.job_id] = attempt
        task = asyncio.create_task(self._do(attempt, began), name=f"alphintra-job-{held.job_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _do(self, attempt: Attempt, began: float) -> None:
        held = attempt.held
        row: JobRow | None = None
        output: Any = None
        JOBS_RUNNING.labels(held.kind).inc()
        try:
            kind = self._kinds[held.kind]
            outcome = await self._try(attempt, kind)
            output = outcome.output if isinstance(outcome, Finished) else None
            seconds = time.monotonic() - began
            if not isinstance(outcome, Finished):
                # Before its end is told: who reads that a job is over finds nothing of it on the disk.
                await asyncio.to_thread(remove, attempt.folder)
            row = await self._keep_and_settle(attempt, kind, outcome, seconds)
            reached("after_commit_before_relay")
            if not kind.keeps_output:
                await asyncio.to_thread(remove, attempt.folder)
        except FencedOutError:
            pass
        except Exception:  # noqa: BLE001  whatever went wrong, the job must not stay RUNNING
            self._log.exception("Job %s broke the supervisor", held.job_id)
            row = await self._give_up(held)
        finally:
            JOBS_RUNNING.labels(held.kind).dec()
            if self._attempts.get(held.job_id) is attempt:
                del self._attempts[held.job_id]
                self._reports.forget(held.job_id)
        if row is None or row.status != "COMPLETED":
            await asyncio.to_thread(remove, attempt.folder)
        if row is not None and row.status in store.FINISHED:
            _measure(row)
            await asyncio.to_thread(self._kinds[held.kind].told, row, output)
        self.wake()

    async def _try(self, attempt: Attempt, kind: JobKind) -> Outcome:
        try:
            job = await self._persist(
                lambda: self._database.read(lambda session: kind.load(session, attempt.held))
            )
        except ServiceError as error:  # what it was to read is there no more
            return failed(error.code, error.detail)
        return await attempt.run(job)

    async def _keep_and_settle(
        self, attempt: Attempt, kind: JobKind, outcome: Outcome, seconds: float
    ) -> JobRow | None:
        """Put the output where it stays, and write the end while it is held there."""
        if not isinstance(outcome, Finished):
            return await self._settle(attempt, kind, outcome, seconds)
        keeping = kind.keeping(attempt.held, outcome.output, attempt.folder / "out")
        try:
            await in_waiting(keeping.__enter__)
        except BadOutputError as error:
            return await self._settle(attempt, kind, failed(error.code, str(error)), seconds)
        except OSError as error:
            return await self._settle(attempt, kind, no_room(error), seconds)
        try:
            return await self._settle(attempt, kind, outcome, seconds)
        except BadOutputError as error:
            return await self._settle(attempt, kind, failed(error.code, str(error)), seconds)
        finally:
            await in_waiting(keeping.__exit__, None, None, None)

    async def _settle(self, attempt: Attempt, kind: JobKind, outcome: Outcome, seconds: float) -> JobRow | None:
        """Write the end of an attempt: the one guarded update decides."""
        held, log, usage = attempt.held, list(attempt.log), attempt.usage
        size = await asyncio.to_thread(_size, attempt.folder) if isinstance(outcome, Finished) else 0

        def work(session: Session) -> JobRow | None:
            if isinstance(outcome, Finished):
                # Completed before the cancel was carried out: the result stands.
                row = store.complete(session, held, log=log, run_seconds=seconds, usage=usage, output_bytes=size)
                kind.save(session, held, outcome.output)
                reached("after_result_write")
                return row
            if isinstance(outcome, Failed):
                return store.fail(session, held, outcome.error, log=log, run_seconds=seconds, usage=usage)
            # Locked: who cancels now finds the job as this leaves it.
            query = select(JobRow.cancel_requested_at).where(JobRow.id == held.job_id).with_for_update()
            asked = session.scalar(query)
            if outcome.why == "cancelled" or asked is not None:
                return store.cancelled(session, held, log=log, run_seconds=seconds, usage=usage)
            return store.release(session, held) if outcome.why == "shutdown" else None

        return await self._end(held, work)

    async def _give_up(self, held: Claim) -> JobRow | None:
        error = {"code": "INTERNAL", "message": "The server could not run this job; its log says why."}
        try:
            return await self._end(held, lambda session: store.fail(session, held, error))
        except FencedOutError:
            return None

    async def _end(self, held: Claim, work: Callable[[Session], JobRow | None]) -> JobRow | None:
        """Write an end that may have been written already: a connection can break between commit and answer."""
        tries = 0

        async def write() -> JobRow | None:
            nonlocal tries
            tries += 1
            return await self._database.write(work, patience=None)

        try:
            return await self._persist(write)
        except FencedOutError:
            if tries == 1:
                raise
            row = await self._persist(
                lambda: self._database.read(lambda session: session.get(JobRow, held.job_id), patience=None)
            )
            mine = row is not None and (row.attempt, row.owner) == (held.attempt, held.owner)
            if row is None or not mine or row.status not in store.FINISHED:
                raise
            return row

    async def _persist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the database until it answers: a job's end must not get lost with it."""
        pause = 0.25
        while True:
            try:
                return await ask()
            except Exception as error:
                if not is_away(error):
                    raise
                self._outage.seen(error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _RETRY_SECONDS)

    def _reporter(
        self, held: Claim, began: float
    ) -> Callable[[dict[str, Any], list[str], str, Usage | None], Awaitable[None]]:
        async def report(said: dict[str, Any], log: list[str], level: str, usage: Usage | None) -> None:
            reached("after_start")
            self._reports.put(held, Report(said, log, level, time.monotonic() - began, usage))

        return report

    async def _pass_on_cancels(self) -> None:
        if not self._attempts:
            return
        query = select(JobRow.id).where(
            JobRow.id.in_(list(self._attempts)),
            JobRow.owner == self.boot_id,
            JobRow.status == "RUNNING",
            JobRow.cancel_requested_at.is_not(None),
        )
        for job_id in await self._database.read(lambda session: list(session.scalars(query)), patience=None):
            reached("in_cancel")
            self._stop_attempt(job_id, "cancelled")

    def _held(self) -> list[Claim]:
        return [attempt.held for attempt in list(self._attempts.values())]

    def _told_by_heart(self, job_id: str, why: str) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop_attempt, job_id, why)

    def _stop_attempt(self, job_id: str, why: str) -> None:
        attempt = self._attempts.get(job_id)
        if attempt is not None:
            attempt.stop(why)


def _size(folder: Path) -> int:
    return sum(file.lstat().st_size for file in (folder / "out").iterdir())


def _measure(row: JobRow) -> None:
    JOBS.labels(row.kind, row.status).inc()
    for histogram, value in (
        (JOB_SECONDS, row.run_seconds),
        (JOB_QUEUE_SECONDS, row.queue_seconds),
        (JOB_CPU_SECONDS, row.cpu_seconds),
        (JOB_PEAK_MEMORY, row.peak_memory),
        (JOB_BYTES_WRITTEN, row.bytes_written),
    ):
        if value is not None:
            histogram.labels(row.kind).observe(value)
