"""What is kept of jobs that have ended, and for how long: the oldest goes first, nothing goes that is looked at.

Of a completed job its output stays (report, series, trades) until nobody has read it for a while, or until its user has
more of it than may be. What stays for good is the row itself and the figures of a backtest: they are small, and later
results count the trials before them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from ..db.check_tables import CheckRunRow
from ..db.engine import Database, database_now
from ..db.tables import BacktestRow, IdempotencyRow, JobLogRow, JobRow, TradeRow
from ..db.types import utc_now
from ..errors import Gone
from ..idempotency import KEEP as KEEP_ANSWERS
from ..repeated import Repeated
from . import store
from .worker_home import remove_tree

_BATCH = 100
_USED_AGAIN = timedelta(hours=1)


@dataclass(frozen=True)
class Kept:
    """How much is kept.

    Attributes:
        days: Since it ended or was last read, for output and logs.
        user_bytes: Output of one user, all jobs together.
        read_hours: What was read within these is kept even where its user has too much.
    """

    days: float = 90.0
    user_bytes: int = 20 << 30
    read_hours: float = 24.0


class Retention(Repeated):
    """Prunes, now and then.

    Args:
        database: Where the jobs are.
        jobs_dir: Where their output is.
        kept: How much stays.
        log: Where it says what it removed.
        seconds: Between two looks.
    """

    def __init__(
        self, database: Database, jobs_dir: Path, kept: Kept, log: logging.Logger, seconds: float = 600.0
    ) -> None:
        super().__init__(self.look, "The retention of jobs", log, seconds)
        self._database = database
        self._jobs_dir = jobs_dir
        self._kept = kept
        self._log = log

    async def look(self) -> int:
        """Prune what is due; return of how many jobs."""
        pruned = 0
        while found := await self._database.read(self._due):
            for job_id in found:
                pruned += await self._prune(job_id)
            if len(found) < _BATCH:
                break
        await self._database.write(self._tidy)
        if pruned:
            self._log.info("The output of %s jobs was pruned", pruned)
        return pruned

    def _due(self, session: Session) -> list[str]:
        """Find completed jobs whose output goes: too old, or too much of one user's."""
        now = database_now(session)
        last = func.coalesce(JobRow.used_at, JobRow.finished_at)
        completed = (
            JobRow.status == "COMPLETED",
            JobRow.pruned_at.is_(None),
            # A run of checks goes on to be compared with; its record has a rule of its own.
            ~exists().where(CheckRunRow.job_id == JobRow.id, CheckRunRow.record.is_not(None)),
        )
        long_ago = now - timedelta(days=self._kept.days)
        # The first of the two is read off an index.
        old = select(JobRow.id).where(*completed, JobRow.finished_at < long_ago, last < long_ago)
        found = list(session.scalars(old.order_by(JobRow.finished_at).limit(_BATCH)))
        if found:
            return found
        # The newest that are read come first: what their sum leaves no room for goes.
        so_far = func.sum(func.coalesce(JobRow.output_bytes, 0)).over(
            partition_by=JobRow.user_id, order_by=(last.desc(), JobRow.id)
        )
        sums = select(JobRow.id, last.label("last"), so_far.label("so_far")).where(*completed).subquery()
        too_much = select(sums.c.id).where(
            sums.c.so_far > self._kept.user_bytes, sums.c.last < now - timedelta(hours=self._kept.read_hours)
        )
        return list(session.scalars(too_much.order_by(sums.c.last).limit(_BATCH)))

    async def _prune(self, job_id: str) -> bool:
        """Say that it is gone, then remove it: a server that dies in between finds the folder at its next start."""

        def work(session: Session) -> bool:
            now = database_now(session)
            last = func.coalesce(JobRow.used_at, JobRow.finished_at)
            hours = min(24 * self._kept.days, self._kept.read_hours)
            mark = (
                update(JobRow)
                .where(
                    JobRow.id == job_id,
                    JobRow.status == "COMPLETED",
                    JobRow.pruned_at.is_(None),
                    # Somebody may have begun to read it since it was found.
                    last < now - timedelta(hours=hours),
                )
                .values(pruned_at=now)
            )
            if not store.guarded(session, mark):
                return False
            backtests = select(BacktestRow.id).where(BacktestRow.job_id == job_id)
            session.execute(delete(TradeRow).where(TradeRow.backtest_id.in_(backtests)))
            session.execute(delete(JobLogRow).where(JobLogRow.job_id == job_id))
            return True

        mine = await self._database.write(work)
        if mine:
            await asyncio.to_thread(remove_tree, self._jobs_dir / job_id)
        return mine

    def _tidy(self, session: Session) -> None:
        """Drop old logs of jobs that left no output, and answers that nobody may ask for again."""
        now = database_now(session)
        old = select(JobRow.id).where(
            JobRow.status.in_(store.FINISHED), JobRow.finished_at < now - timedelta(days=self._kept.days)
        )
        kept = select(JobRow.id).where(JobRow.status == "COMPLETED", JobRow.pruned_at.is_(None))
        session.execute(
            delete(JobLogRow).where(JobLogRow.job_id.in_(old), JobLogRow.job_id.not_in(kept)),
            execution_options={"synchronize_session": False},
        )
        session.execute(
            delete(IdempotencyRow).where(IdempotencyRow.created_at <= now - KEEP_ANSWERS),
            execution_options={"synchronize_session": False},
        )


def refuse_pruned(job: JobRow) -> None:
    """Refuse to read output that is no longer kept.

    Raises:
        Gone: It is not.
    """
    if job.pruned_at is not None:
        raise Gone(
            f"The results were pruned on {job.pruned_at:%Y-%m-%d}: run it again.",
            code="RESULTS_PRUNED",
            extra={"pruned_at": job.pruned_at.isoformat().replace("+00:00", "Z")},
        )


async def note_use(database: Database, jobs: Sequence[JobRow]) -> None:
    """Note that the output of jobs is read, so that it stays. Once an hour is enough.

    Raises:
        Gone: It was pruned in this very moment.
    """
    now = utc_now()
    due = sorted(job.id for job in jobs if job.used_at is None or job.used_at < now - _USED_AGAIN)
    if not due:
        return

    def work(session: Session) -> None:
        moment = database_now(session)
        for job_id in due:
            mark = update(JobRow).where(JobRow.id == job_id, JobRow.pruned_at.is_(None)).values(used_at=moment)
            if not store.guarded(session, mark):
                refuse_pruned(session.get_one(JobRow, job_id))

    await database.write(work)
