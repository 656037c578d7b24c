"""Claims queued jobs, runs their attempts, keeps their leases, and takes over what others lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..db.engine import Database
from ..db.tables import JobRow
from ..metrics import JOB_SECONDS, JOBS, JOBS_RUNNING
from . import store
from .attempt import Attempt, Failed, Finished, JobInput, Outcome
from .launcher import Launcher
from .store import Claim, FencedOutError
from .worker_home import sweep

_IDLE_SECONDS = 2.0


class JobKind(Protocol):
    """What a kind of job knows: its input, and what its output means."""

    def load(self, session: Session, held: Claim) -> JobInput:
        """Read what the worker gets."""

    def save(self, session: Session, held: Claim, output: Any) -> None:
        """Write results, in the transaction that completes the job."""


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
    ) -> None:
        self.boot_id = uuid.uuid4().hex
        self._database = database
        self._launcher = launcher
        self._jobs_dir = jobs_dir
        self._kinds = kinds
        self._max_jobs = max_jobs
        self._wake_events = wake_events
        self._log = log
        self._attempts: dict[str, Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None
        self._heart: threading.Thread | None = None
        self._heart_stop = threading.Event()
        self._stopping = False

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
        self._jobs_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self._reconcile(at_start=True)
        await asyncio.to_thread(self._remove_leftovers)
        loop = asyncio.get_running_loop()
        self._heart = threading.Thread(
            target=self._beat, args=(loop,), name="alphintra-heartbeat", daemon=True
        )
        self._heart.start()
        self._loop_task = asyncio.create_task(self._run(), name="alphintra-supervisor")

    async def stop(self) -> None:
        """End the workers and put their jobs back into the queue."""
        self._stopping = True
        if self._loop_task is not None:
            self._loop_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop_task
        for attempt in list(self._attempts.values()):
            attempt.stop("shutdown")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=15)
        self._heart_stop.set()
        if self._heart is not None:
            await asyncio.to_thread(self._heart.join, 10)

    def wake(self) -> None:
        """Say that a job was queued or cancelled."""
        self._wake.set()
        self._wake_events()

    async def _run(self) -> None:
        next_look = time.monotonic() + store.HEARTBEAT_SECONDS
        while True:
            try:
                self._wake.clear()
                await self._pass_on_cancels()
                while len(self._attempts) < self._max_jobs and await self._claim_one():
                    pass
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + store.HEARTBEAT_SECONDS
                    await self._reconcile(at_start=False)
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001  jobs must go on after a bad moment of the database
                self._log.exception("The job supervisor stumbled; it goes on")
                await asyncio.sleep(1)
            # Not wait_for: on Python 3.11 it swallows a cancellation that meets the wake-up, and stop() waits for ever.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._wake.wait()

    async def _claim_one(self) -> bool:
        if self._launcher is None:
            return False
        launcher = self._launcher
        deadline = timedelta(seconds=launcher.limits.wall_seconds)
        # One place stays free of low priority: whoever comes next must not wait for what nobody waits for.
        low = sum(attempt.held.priority >= store.LOW for attempt in self._attempts.values())
        room = low < max(1, self._max_jobs - 1)
        held = await self._database.write(
            lambda session: store.claim(session, self.boot_id, deadline=deadline, low=room)
        )
        if held is None:
            return False
        self._wake_events()
        folder = self._jobs_dir / held.job_id / str(held.attempt)
        attempt = Attempt(
            held, launcher, folder, report=lambda said, log, level, usage: self._report(held, said, log, level)
        )
        self._attempts[held.job_id] = attempt
        task = asyncio.create_task(self._do(attempt), name=f"alphintra-job-{held.job_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _do(self, attempt: Attempt) -> None:
        held = attempt.held
        began = time.monotonic()
        JOBS_RUNNING.labels(held.kind).inc()
        try:
            kind = self._kinds[held.kind]
            job = await self._database.read(lambda session: kind.load(session, held))
            outcome: Outcome = await attempt.run(job)
            if not isinstance(outcome, Finished):
                # Before its end is told: who reads that a job is over finds nothing of it on the disk.
                await asyncio.to_thread(self._remove, attempt.folder)
            status = await self._settle(attempt, kind, outcome)
        except FencedOutError:
            status = None
        except Exception:  # noqa: BLE001  whatever went wrong, the job must not stay RUNNING
            self._log.exception("Job %s broke the supervisor", held.job_id)
            status = await self._give_up(held)
        finally:
            JOBS_RUNNING.labels(held.kind).dec()
            self._attempts.pop(held.job_id, None)
        if status != "COMPLETED":
            await asyncio.to_thread(self._remove, attempt.folder)
        if status is not None:
            JOBS.labels(held.kind, status).inc()
            JOB_SECONDS.labels(held.kind).observe(time.monotonic() - began)
        self.wake()

    async def _settle(self, attempt: Attempt, kind: JobKind, outcome: Outcome) -> str | None:
        """Write the end of an attempt: the one guarded update decides."""
        held, log = attempt.held, list(attempt.log)

        def work(session: Session) -> str | None:
            asked = session.scalar(select(JobRow.cancel_requested_at).where(JobRow.id == held.job_id))
            if isinstance(outcome, Finished):
                # Completed before the cancel was carried out: the result stands.
                row = store.complete(session, held, log=log)
                kind.save(session, held, outcome.output)
            elif isinstance(outcome, Failed):
                row = store.fail(session, held, outcome.error, log=log)
            elif outcome.why == "cancelled" or asked is not None:
                row = store.cancelled(session, held, log=log)
            elif outcome.why == "shutdown":
                row = store.release(session, held)
            else:
                return None
            return row.status

        status = await self._database.write(work)
        return status if status in store.FINISHED else None

    async def _give_up(self, held: Claim) -> str | None:
        error = {"code": "INTERNAL", "message": "The server could not run this job; its log says why."}
        try:
            await self._database.write(lambda session: store.fail(session, held, error) and None)
        except FencedOutError:
            return None
        return "FAILED"

    async def _report(self, held: Claim, said: dict[str, Any], log: list[str], level: str) -> None:
        try:
            await self._database.write(lambda session: store.progress(session, held, said, log, level))
        except FencedOutError:
            if held.job_id in self._attempts:
                self._attempts[held.job_id].stop("fenced")
        self._wake_events()

    async def _pass_on_cancels(self) -> None:
        if not self._attempts:
            return
        query = select(JobRow.id).where(
            JobRow.owner == self.boot_id, JobRow.status == "RUNNING", JobRow.cancel_requested_at.is_not(None)
        )
        for job_id in await self._database.read(lambda session: list(session.scalars(query))):
            if job_id in self._attempts:
                self._attempts[job_id].stop("cancelled")

    async def _reconcile(self, *, at_start: bool) -> None:
        # SQLite's lock file admits one server, so at its start no other can be keeping a job.
        not_owner = self.boot_id if at_start and self._database.is_sqlite else None
        lost = await self._database.read(
            lambda session: [
                (row.id, row.attempt) for row in store.find_lost(session, not_owner=not_owner, lock=False)
            ]
        )
        if not lost:
            return
        for job_id, attempt in lost:
            folder = self._jobs_dir / job_id / str(attempt)
            killed = await asyncio.to_thread(sweep, folder)
            self._log.warning("Job %s was lost in attempt %s (%s processes ended)", job_id, attempt, killed)
            await asyncio.to_thread(self._remove, folder)

        def work(session: Session) -> None:
            for row in store.find_lost(session, not_owner=not_owner):
                store.take_over(session, row)

        await self._database.write(work)
        self._wake.set()
        self._wake_events()

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keep the leases, from a thread of its own: a busy event loop must not lose jobs."""
        while not self._heart_stop.wait(store.HEARTBEAT_SECONDS):
            for attempt in list(self._attempts.values()):
                try:
                    cancel = self._database.write_now(
                        lambda session, held=attempt.held: store.heartbeat(session, held)  # type: ignore[misc]
                    )
                    why = "cancelled" if cancel else None
                except FencedOutError:
                    why = "fenced"
                except Exception:  # noqa: BLE001  the next beat may succeed; the lease lasts for six
                    self._log.exception("A heartbeat failed")
                    continue
                if why is not None:
                    with contextlib.suppress(RuntimeError):
                        loop.call_soon_threadsafe(attempt.stop, why)

    def _remove(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()

    def _remove_leftovers(self) -> None:
        """Remove the folders of attempts that no completed job points at."""

        def completed(session: Session) -> set[tuple[str, int]]:
            query = select(JobRow.id, JobRow.attempt).where(JobRow.status == "COMPLETED")
            return {(job_id, attempt) for job_id, attempt in session.execute(query)}

        kept = self._database.read_now(completed)
        for job in list(self._jobs_dir.iterdir()):
            for folder in list(job.iterdir()) if job.is_dir() else []:
                if not (folder.name.isdigit() and (job.name, int(folder.name)) in kept):
                    self._remove(folder)
