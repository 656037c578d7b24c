"""The queue: each user's jobs in order, users in turn, and nobody more than their share.

Whose turn it is depends on what is running: first whoever has least at work, weighed by cost, then whoever has waited
longest. A job of low priority waits while anybody has a normal one that may run.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, select, update
from sqlalchemy.orm import Session

from ..db.engine import database_now, one_at_a_time
from ..db.tables import JobLogRow, JobRow
from ..db.types import utc_now
from ..errors import Conflict, TooMany
from ..limits import Limits
from . import store
from .leases import LEASE
from .store import LOW, NORMAL, Claim, guarded

_WAITING = (JobRow.status == "PENDING", JobRow.phase == "queued")


def queue(session: Session, job_id: str, *, max_queued: int) -> JobRow:
    """Let a created job be claimed.

    Raises:
        Conflict: It is queued, running or finished already.
        TooMany: The user has ``max_queued`` jobs of this priority waiting.
    """
    row = session.get_one(JobRow, job_id)
    one_at_a_time(session.connection(), f"queue of {row.user_id}")
    waiting = session.scalar(
        select(func.count()).where(JobRow.user_id == row.user_id, JobRow.priority == row.priority, *_WAITING)
    )
    if (waiting or 0) >= max_queued:
        raise TooMany(
            f"{waiting} jobs are waiting already; try again when some have run.",
            code="QUEUE_FULL",
            headers={"Retry-After": "30"},
        )
    changed = guarded(
        session,
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.status == "PENDING", JobRow.phase == "created")
        .values(phase="queued", queued_at=database_now(session), updated_at=utc_now()),
    )
    session.refresh(row)
    if not changed:
        state = "queued" if row.status == "PENDING" else row.status.lower()
        raise Conflict(
            f"It is {state} already; to repeat it, create a new one.",
            code="ALREADY_STARTED",
            extra={"state": row.status, "phase": row.phase},
        )
    store.announce(session, row, "queued")
    return row


def claim(
    session: Session, owner: str, *, limits: Limits, low: bool = True, lease: timedelta = LEASE
) -> Claim | None:
    """Take the next queued job, if there is one that may run.

    Args:
        session: The transaction.
        owner: The server's boot id.
        limits: How many jobs of each user may run at once, and for how long.
        low: Whether a job of low priority may be taken.
        lease: How long it is held without a heartbeat.
    """
    # Several servers choose one after the other: else two would count the same running jobs, and a user get too many.
    one_at_a_time(session.connection(), "claim")
    now = database_now(session)
    row = session.scalars(_next(limits, low)).first()
    if row is None:
        return None
    waited = 0.0 if row.queued_at is None else max((now - row.queued_at).total_seconds(), 0.0)
    changed = guarded(
        session,
        update(JobRow)
        .where(JobRow.id == row.id, *_WAITING)
        .values(
            status="RUNNING",
            phase="starting",
            attempt=JobRow.attempt + 1,
            owner=owner,
            lease_until=now + lease,
            heartbeat_at=now,
            deadline=now + timedelta(seconds=limits.of(row.user_id).seconds),
            started_at=now,
            updated_at=utc_now(),
            progress=None,
            queue_seconds=waited,
            run_seconds=None,
            cpu_seconds=None,
            peak_memory=None,
            bytes_written=None,
        ),
    )
    if not changed:
        return None
    # What an earlier attempt printed is not what this one did.
    session.execute(delete(JobLogRow).where(JobLogRow.job_id == row.id))
    session.refresh(row)
    store.announce(session, row, "started")
    return Claim(row.id, row.attempt, owner, row.kind, row.user_id, row.resource_id, row.priority)


def positions(session: Session, rows: list[JobRow]) -> dict[str, int]:
    """Tell the place in the queue of those that wait, 1 for the next, as if nothing ran and nobody came."""
    wanted = [row.id for row in rows if row.status == "PENDING" and row.phase == "queued"]
    if not wanted:
        return {}
    in_order = (JobRow.queued_at, JobRow.id)
    turn = func.row_number().over(partition_by=(JobRow.priority, JobRow.user_id), order_by=in_order)
    turns = select(JobRow.id, JobRow.priority, JobRow.queued_at, turn.label("turn")).where(*_WAITING).subquery()
    place = func.row_number().over(order_by=(turns.c.priority, turns.c.turn, turns.c.queued_at, turns.c.id))
    places = select(turns.c.id, place.label("place")).subquery()
    found = session.execute(select(places.c.id, places.c.place).where(places.c.id.in_(wanted)))
    return {row.id: row.place for row in found}


def _next(limits: Limits, low: bool) -> Select[Any]:
    is_low = JobRow.priority > NORMAL
    # What somebody runs at low priority does not put their other jobs behind those of others.
    running = (
        select(
            JobRow.user_id,
            func.count().label("jobs"),
            func.sum(case((is_low, 0), else_=JobRow.cost)).label("normal"),
            func.sum(case((is_low, JobRow.cost), else_=0)).label("low"),
        )
        .where(JobRow.status == "RUNNING")
        .group_by(JobRow.user_id)
        .subquery()
    )
    own = {user: theirs.jobs for user, theirs in limits.own.items()}
    most: ColumnElement[int] | int = limits.usual.jobs
    if own:
        most = case(own, value=JobRow.user_id, else_=limits.usual.jobs)
    share = func.coalesce(case((is_low, running.c.low), else_=running.c.normal), 0)
    return (
        select(JobRow)
        .outerjoin(running, running.c.user_id == JobRow.user_id)
        .where(*_WAITING, JobRow.priority <= (LOW if low else NORMAL), func.coalesce(running.c.jobs, 0) < most)
        .order_by(JobRow.priority, share, JobRow.queued_at, JobRow.id)
        .limit(1)
        .with_for_update(of=JobRow, skip_locked=True)
    )
