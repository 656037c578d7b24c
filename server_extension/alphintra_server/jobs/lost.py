"""Jobs whose server is no more: what is left of them is killed, then they wait in the queue again.

A lease that has run out by the database's clock is a suspicion. It becomes a fact when this server, by its own steady
clock, has seen no heartbeat for some seconds more: neither a database that was away for a while nor a clock that jumped
takes a job from a server that is alive.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Container
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from ..crash_points import reached
from ..db.engine import Database
from ..db.tables import JobRow
from ..metrics import JOBS
from . import lost_rows, store
from .leases import Leases
from .worker_home import remove_tree, sweep

_LOG_MOST = 20


class LostJobs:
    """Finds and settles what other servers left.

    Args:
        database: Where the jobs are.
        jobs_dir: Where attempts have their folders.
        boot_id: This server's.
        log: Where it says what it did.
        leases: By which a server is suspected.
    """

    def __init__(
        self, database: Database, jobs_dir: Path, boot_id: str, log: logging.Logger, leases: Leases | None = None
    ) -> None:
        self._leases = leases or Leases()
        self._database = database
        self._jobs_dir = jobs_dir
        self._boot_id = boot_id
        self._log = log
        # (job, attempt) → the heartbeat that it had when it was first suspected, and when that was.
        self._suspects: dict[tuple[str, int], tuple[datetime | None, float]] = {}

    async def settle_at_start(self) -> int:
        """Settle what an earlier server left. A SQLite file admits one server, so no other can be keeping a job."""
        if not self._database.is_sqlite:
            return 0
        found = await self._database.read(lambda session: lost_rows.find_lost(session, not_owner=self._boot_id))
        return await self._settle(found)

    async def settle(self, mine: Container[str]) -> int:
        """Settle what has no server any more.

        Args:
            mine: Ids of the jobs at work here, whose leases come back with the next heartbeat.

        Returns:
            How many there were.
        """
        found = await self._database.read(lost_rows.find_lost)
        now = time.monotonic()
        suspects, lost = {}, []
        for row in found:
            if row.owner == self._boot_id and row.id in mine:
                continue
            key = (row.id, row.attempt)
            heartbeat, since = self._suspects.get(key, (row.heartbeat_at, now))
            if heartbeat != row.heartbeat_at:
                since = now
            if now - since >= 2 * self._leases.heartbeat:
                lost.append(row)
            else:
                suspects[key] = (row.heartbeat_at, since)
        self._suspects = suspects
        return await self._settle(lost)

    async def _settle(self, lost: list[JobRow]) -> int:
        settled = 0
        for seen in lost:
            try:
                settled += await self._settle_one(seen, settled < _LOG_MOST)
            except (InterfaceError, OperationalError):
                raise  # the database is away, for the others as well
            except Exception:  # noqa: BLE001  one bad row must not keep the others waiting
                # It is found again when its new lease has run out.
                self._log.exception("Job %s was lost and could not be settled", seen.id)
        if settled > _LOG_MOST:
            self._log.warning("%s jobs were lost in all", settled)
        return settled

    async def _settle_one(self, seen: JobRow, tell: bool) -> bool:
        # One transaction each: no two jobs are locked at once.
        lease = self._leases.lease
        row = await self._database.write(lambda session: lost_rows.seize(session, seen, self._boot_id, lease))
        if row is None:
            return False
        folder = self._jobs_dir / row.id / str(row.attempt)
        killed = await asyncio.to_thread(sweep, folder)
        await asyncio.to_thread(remove, folder)
        if tell:
            self._log.warning("Job %s was lost in attempt %s (%s processes ended)", row.id, row.attempt, killed)
        reached("in_sweep")
        taken = await self._database.write(lambda session: lost_rows.take_over(session, row))
        if taken is not None and taken.status in store.FINISHED:
            JOBS.labels(taken.kind, taken.status).inc()
        return True

    def remove_leftovers(self) -> None:
        """Remove the folders of attempts that are neither at work nor stand behind a result."""
        # The folders first: one that is there was claimed before the rows are read, so its row says RUNNING.
        folders = [
            folder
            for job in list(self._jobs_dir.iterdir())
            for folder in (list(job.iterdir()) or [job / "none"] if job.is_dir() else [])
        ]

        def kept(session: Session) -> set[tuple[str, int]]:
            query = select(JobRow.id, JobRow.attempt).where(
                (JobRow.status == "RUNNING") | ((JobRow.status == "COMPLETED") & JobRow.pruned_at.is_(None))
            )
            return {(job_id, attempt) for job_id, attempt in session.execute(query)}

        keep = self._database.read_now(kept)
        for folder in folders:
            if not (folder.name.isdigit() and (folder.parent.name, int(folder.name)) in keep):
                remove(folder)


def remove(folder: Path) -> None:
    """Remove an attempt's folder, and its job's if that was the last."""
    remove_tree(folder)
    with suppress(OSError):
        folder.parent.rmdir()
