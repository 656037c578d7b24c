"""What makes checks run by themselves: a saved version, a new version of what is read, a schedule.

It compares what there is with what a run was made for, again and again, so that nothing is missed that happened while
no server was there, and a save that follows another within moments makes no second run. Each trigger is claimed by one
guarded update: of several servers one makes the run.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import CursorResult, and_, func, or_, select, update
from sqlalchemy.orm import Session

from ..db.check_tables import CheckPlanRow, CheckRunRow
from ..db.engine import Database, database_now
from ..db.tables import DatasetRow, JobRow, StrategyRow
from ..limits import Limits
from ..models.checks import CheckTrigger
from ..models.strategies import StrategyStatus
from ..repeated import Repeated
from . import check_inputs
from .check_outcomes import settle_failed
from .check_queue import enqueue, runs_the_same
from .check_schedule import next_due
from .run_defaults import RunDefaults
from .triggering import OneByOne

POLL_SECONDS = 2.0
KEPT_RECORDS = 2
"""Newest runs of a strategy whose record is kept: the next is compared with it, and one may be read right now."""
_BATCH = 100


class CheckTriggers(Repeated):
    """Looks for checks that are to run.

    Args:
        database: Where plans and runs are.
        defaults: What a plan leaves open.
        jobs_dir: Where the runs' records are.
        limits: How many jobs of each user may wait.
        wake: Called after a run was queued.
        log: Where oddities go.
        jobs_refused: Why this server runs no user code, if it runs none: then nothing is queued.
        clock: Tells the time; the database's, so that all servers have the same.
    """

    def __init__(
        self,
        database: Database,
        defaults: RunDefaults,
        jobs_dir: Path,
        limits: Limits,
        wake: Callable[[], None],
        log: logging.Logger,
        jobs_refused: str | None = None,
        clock: Callable[[Session], datetime] = database_now,
    ) -> None:
        super().__init__(self.look, "The triggers of checks", log, POLL_SECONDS)
        self._database = database
        self._defaults = defaults
        self._jobs_dir = jobs_dir
        self._limits = limits
        self._queued = wake
        self._jobs_refused = jobs_refused
        self._clock = clock
        self._plans = OneByOne(database, self._triggered, self._trigger, log, "The checks of strategy")

    async def look(self) -> None:
        """Queue what is to run, take note of runs that failed, and drop records that are no longer compared with."""
        queued = 0 if self._jobs_refused is not None else await self._plans.look()
        settled = 0
        if await self._database.read(_any_failed):
            settled = await self._database.write(settle_failed)
        if queued or settled:
            self._queued()
        await self._drop_records()

    def _triggered(self, session: Session) -> list[str]:
        # Users in turn: what of one waits until their queue has room must not keep what others have due from its time.
        in_order = (CheckPlanRow.due_at, CheckPlanRow.strategy_id)
        turn = func.row_number().over(partition_by=CheckPlanRow.user_id, order_by=in_order)
        query = (
            select(CheckPlanRow.strategy_id)
            .join(StrategyRow, StrategyRow.id == CheckPlanRow.strategy_id)
            .join(DatasetRow, DatasetRow.id == CheckPlanRow.dataset_id)
            .where(
                StrategyRow.status != StrategyStatus.ARCHIVED.value,
                or_(
                    and_(CheckPlanRow.on_save, StrategyRow.version != CheckPlanRow.version_seen),
                    and_(CheckPlanRow.on_dataset, DatasetRow.content_hash != CheckPlanRow.dataset_seen),
                    and_(CheckPlanRow.on_dataset, check_inputs.other_than_seen()),
                    CheckPlanRow.due_at <= self._clock(session),
                ),
            )
            .order_by(turn, *in_order)
        )
        return list(session.scalars(query))

    def _trigger(self, session: Session, one: str) -> bool:
        """Claim what triggers a plan and queue its run; tell whether there was something."""
        plan = session.get(CheckPlanRow, one, with_for_update=True)
        if plan is None:
            return False
        strategy = session.get_one(StrategyRow, one)
        dataset = session.get_one(DatasetRow, plan.dataset_id)
        if strategy.status == StrategyStatus.ARCHIVED:
            return False
        why: list[CheckTrigger] = []
        if plan.on_save and strategy.version != plan.version_seen:
            same = runs_the_same(session, one, plan.version_seen, strategy.version)
            claimed = _claim(session, plan, "version_seen", plan.version_seen, strategy.version)
            if claimed and not same:
                why.append(CheckTrigger.SAVE)
        if plan.on_dataset:
            beside = check_inputs.claim(session, plan)
            other = dataset.content_hash != plan.dataset_seen
            traded = other and _claim(session, plan, "dataset_seen", plan.dataset_seen, dataset.content_hash)
            if traded or beside:
                why.append(CheckTrigger.DATASET)
        now = self._clock(session)
        if plan.due_at is not None and plan.due_at <= now:
            # However many times were missed, one run makes up for them.
            after = next_due(now, plan.schedule, plan.at, plan.weekday)
            if _claim(session, plan, "due_at", plan.due_at, after):
                why.append(CheckTrigger.SCHEDULE)
        if not why:
            return False
        session.refresh(plan)
        enqueue(session, plan, why[0], self._defaults, self._limits.of(plan.user_id).queued)
        return True

    async def _drop_records(self) -> None:
        for run_id, job_id in await self._database.read(_old_records):
            await asyncio.to_thread(shutil.rmtree, self._jobs_dir / job_id, ignore_errors=True)
            await self._database.write(partial(_forget_record, run_id=run_id))


def _claim(session: Session, plan: CheckPlanRow, column: str, before: Any, after: Any) -> bool:
    """Move a plan's mark on; tell whether it still stood where it was read."""
    mark = getattr(CheckPlanRow, column)
    result = session.execute(
        update(CheckPlanRow)
        .where(CheckPlanRow.strategy_id == plan.strategy_id, mark == before)
        .values({column: after}),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(result, CursorResult)
    return bool(result.rowcount == 1)


def _any_failed(session: Session) -> bool:
    query = (
        select(CheckRunRow.id)
        .join(JobRow, JobRow.id == CheckRunRow.job_id)
        .where(CheckRunRow.passed.is_(None), JobRow.status == "FAILED")
    )
    return session.scalar(query.limit(1)) is not None


def _old_records(session: Session) -> list[tuple[str, str]]:
    """Runs whose record nothing is compared with any more: id, and id of the job."""
    place = func.row_number().over(
        partition_by=CheckRunRow.strategy_id, order_by=(CheckRunRow.created_at.desc(), CheckRunRow.id)
    )
    kept = (
        select(CheckRunRow.id, CheckRunRow.job_id, place.label("place"))
        .where(CheckRunRow.record.is_not(None))
        .subquery()
    )
    query = select(kept.c.id, kept.c.job_id).where(kept.c.place > KEPT_RECORDS)
    return [(run_id, job_id) for run_id, job_id in session.execute(query.limit(_BATCH))]


def _forget_record(session: Session, run_id: str) -> None:
    row = session.get(CheckRunRow, run_id)
    if row is not None:
        row.record = None
        session.get_one(JobRow, row.job_id).output_bytes = 0
