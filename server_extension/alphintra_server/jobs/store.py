"""The job table: every transition is one guarded update, and writes what happened to the outbox.

States are the plan's: PENDING → RUNNING → COMPLETED | FAILED | CANCELLED. A job is made PENDING in phase
``created``; ``queue`` lets it be claimed. Whoever claims it holds it by (attempt, owner) until a lease ends,
and every write to a running job names both: a server that was away too long, and whose job was taken over,
changes nothing any more.

All functions run inside the caller's transaction.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, Select, and_, func, or_, select, update
from sqlalchemy.orm import Session

from ..db.engine import database_now
from ..db.tables import JobRow, OutboxRow
from ..db.types import utc_now
from ..errors import Conflict, TooMany

LEASE = timedelta(seconds=30)
HEARTBEAT_SECONDS = 5.0
MAX_ATTEMPTS = 3
TOPIC = "job"
FINISHED = ("COMPLETED", "FAILED", "CANCELLED")
NORMAL, LOW = 0, 10
"""Priorities: a job of a higher number waits while anybody has one of a lower number in the queue."""


@dataclass(frozen=True)
class Claim:
    """The right to write to a running job."""

    job_id: str
    attempt: int
    owner: str
    kind: str
    user_id: str
    resource_id: str
    priority: int = NORMAL


class FencedOutError(Exception):
    """The job is no longer this claim's: it was taken over, cancelled or finished."""


def create(
    session: Session, *, user_id: str, kind: str, resource_id: str, priority: int = NORMAL
) -> JobRow:
    """Make a job that waits to be queued."""
    now = utc_now()
    row = JobRow(
        id=uuid.uuid4().hex,
        user_id=user_id,
        kind=kind,
        resource_id=resource_id,
        priority=priority,
        status="PENDING",
        phase="created",
        attempt=0,
        log=[],
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    announce(session, row, "created")
    return row


def queue(session: Session, job_id: str, *, max_queued: int) -> JobRow:
    """Let a created job be claimed.

    Raises:
        Conflict: It is queued, running or finished already.
        TooMany: The user has ``max_queued`` jobs of this priority waiting.
    """
    row = session.get_one(JobRow, job_id)
    waiting = session.scalar(
        select(func.count()).where(
            JobRow.user_id == row.user_id,
            JobRow.priority == row.priority,
            JobRow.status == "PENDING",
            JobRow.phase == "queued",
        )
    )
    if (waiting or 0) >= max_queued:
        raise TooMany(
            f"{waiting} jobs are waiting already; try again when some have run.",
            code="QUEUE_FULL",
            headers={"Retry-After": "30"},
        )
    now = utc_now()
    changed = _update(
        session,
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.status == "PENDING", JobRow.phase == "created")
        .values(phase="queued", queued_at=now, updated_at=now),
    )
    session.refresh(row)
    if not changed:
        state = "queued" if row.status == "PENDING" else row.status.lower()
        raise Conflict(
            f"It is {state} already; to repeat it, create a new one.",
            code="ALREADY_STARTED",
            extra={"state": row.status, "phase": row.phase},
        )
    announce(session, row, "queued")
    return row


def claim(session: Session, owner: str, *, deadline: timedelta, low: bool = True) -> Claim | None:
    """Take the next queued job: by priority, then users in turn, each one's jobs in order.

    Args:
        session: The transaction.
        owner: The server's boot id.
        deadline: How long it may run.
        low: Whether a job of low priority may be taken.
    """
    now = database_now(session)
    # What somebody runs at low priority does not put their other jobs behind those of others.
    running = (
        select(JobRow.user_id, JobRow.priority, func.count().label("running"))
        .where(JobRow.status == "RUNNING")
        .group_by(JobRow.user_id, JobRow.priority)
        .subquery()
    )
    # In turn: first who has least running, then who has waited longest.
    query: Select[Any] = (
        select(JobRow)
        .outerjoin(
            running, and_(running.c.user_id == JobRow.user_id, running.c.priority == JobRow.priority)
        )
        .where(JobRow.status == "PENDING", JobRow.phase == "queued", JobRow.priority <= (LOW if low else NORMAL))
        .order_by(JobRow.priority, func.coalesce(running.c.running, 0), JobRow.queued_at, JobRow.id)
        .limit(1)
        .with_for_update(of=JobRow, skip_locked=True)
    )
    row = session.scalars(query).first()
    if row is None:
        return None
    changed = _update(
        session,
        update(JobRow)
        .where(JobRow.id == row.id, JobRow.status == "PENDING", JobRow.phase == "queued")
        .values(
            status="RUNNING",
            phase="starting",
            attempt=JobRow.attempt + 1,
            owner=owner,
            lease_until=now + LEASE,
            heartbeat_at=now,
            deadline=now + deadline,
            started_at=now,
            updated_at=now,
            progress=None,
        ),
    )
    if not changed:
        return None
    session.refresh(row)
    announce(session, row, "started")
    return Claim(row.id, row.attempt, owner, row.kind, row.user_id, row.resource_id, row.priority)


def heartbeat(session: Session, held: Claim) -> bool:
    """Extend the lease; tell whether cancelling was asked for.

    Raises:
        FencedOutError: The job is no longer this claim's.
    """
    now = database_now(session)
    _fenced(session, held, heartbeat_at=now, lease_until=now + LEASE)
    asked = session.scalar(select(JobRow.cancel_requested_at).where(JobRow.id == held.job_id))
    return asked is not None


def progress(
    session: Session,
    held: Claim,
    report: dict[str, Any],
    log: list[str] | None = None,
    sandbox_level: str | None = None,
) -> None:
    """Record how far the job is."""
    values: dict[str, Any] = {"phase": report["phase"], "progress": report}
    if log is not None:
        values["log"] = log
    if sandbox_level is not None:
        values["sandbox_level"] = sandbox_level
    _fenced(session, held, **values)
    announce(session, session.get_one(JobRow, held.job_id, populate_existing=True), "")


def complete(session: Session, held: Claim, *, log: list[str]) -> JobRow:
    """Finish a job well. The caller writes its results in the same transaction.

    Raises:
        FencedOutError: Somebody else decided first; the transaction must not commit.
    """
    finished = {"fraction": 1.0, "phase": "finished", "bar_time": None, "eta_seconds": 0.0}
    return _finish(session, held, "COMPLETED", "finished", log=log, progress=finished)


def fail(session: Session, held: Claim, error: dict[str, Any], *, log: list[str] | None = None) -> JobRow:
    """Finish a job badly."""
    values: dict[str, Any] = {"error_code": error["code"], "error": error}
    if log is not None:
        values["log"] = log
    return _finish(session, held, "FAILED", "failed", **values)


def cancelled(session: Session, held: Claim, *, log: list[str] | None = None) -> JobRow:
    """Finish a job that was stopped on request."""
    return _finish(session, held, "CANCELLED", "cancelled", **({} if log is None else {"log": log}))


def release(session: Session, held: Claim) -> JobRow:
    """Put a job back into the queue: its server is going down and has ended the worker."""
    _fenced(session, held, status="PENDING", phase="queued", owner=None, lease_until=None, progress=None)
    row = session.get_one(JobRow, held.job_id, populate_existing=True)
    announce(session, row, "queued again: the server stops")
    return row


def request_cancel(session: Session, job_id: str) -> JobRow:
    """Cancel a waiting job at once, or ask a running one's supervisor to.

    Raises:
        Conflict: It has finished.
    """
    now = utc_now()
    changed = _update(
        session,
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.status == "PENDING")
        .values(
            status="CANCELLED", phase="cancelled", cancel_requested_at=now, finished_at=now, updated_at=now
        ),
    )
    if not changed:
        changed = _update(
            session,
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.status == "RUNNING")
            .values(
                cancel_requested_at=func.coalesce(JobRow.cancel_requested_at, now),
                phase="cancelling",
                updated_at=now,
            ),
        )
    row = session.get_one(JobRow, job_id, populate_existing=True)
    if not changed:
        raise Conflict(
            f"It is {row.status.lower()} already.",
            code="ALREADY_FINISHED",
            extra={"state": row.status, "phase": row.phase},
        )
    announce(session, row, "cancelled" if row.status == "CANCELLED" else "cancelling")
    return row


def find_lost(session: Session, *, not_owner: str | None = None, lock: bool = True) -> list[JobRow]:
    """List running jobs that nobody keeps any more: by database time, or all but one server's.

    Args:
        session: The transaction.
        not_owner: Where only one server can hold the database: its boot id. Every job of another boot is
            lost, whatever its lease says.
        lock: Hold the rows for ``take_over``; off on a read-only connection.
    """
    condition = JobRow.lease_until < database_now(session)
    if not_owner is not None:
        condition = or_(condition, JobRow.owner != not_owner)
    query = select(JobRow).where(JobRow.status == "RUNNING", condition)
    return list(session.scalars(query.with_for_update(skip_locked=True) if lock else query))


def take_over(session: Session, row: JobRow) -> JobRow:
    """Put a lost job back into the queue, or give it up after its last attempt."""
    now = utc_now()
    guard = (
        JobRow.id == row.id,
        JobRow.status == "RUNNING",
        JobRow.attempt == row.attempt,
        JobRow.owner == row.owner,
    )
    values: dict[str, Any] = {"owner": None, "lease_until": None, "updated_at": now}
    if row.cancel_requested_at is not None:
        values |= {"status": "CANCELLED", "phase": "cancelled", "finished_at": now}
        message = "cancelled"
    elif row.attempt < MAX_ATTEMPTS:
        values |= {"status": "PENDING", "phase": "queued", "progress": None}
        message = "queued again: its server was lost"
    else:
        text = f"Its server was lost during each of {row.attempt} attempts."
        values |= {
            "status": "FAILED",
            "phase": "failed",
            "finished_at": now,
            "error_code": "LOST",
            "error": {"code": "LOST", "message": text},
        }
        message = text
    changed = _update(session, update(JobRow).where(*guard).values(**values))
    session.refresh(row)
    if changed:
        announce(session, row, message)
    return row


def announce(session: Session, row: JobRow, message: str) -> None:
    """Write the job's state to the outbox, in the transaction that changed it."""
    error = row.error or {}
    session.add(
        OutboxRow(
            user_id=row.user_id,
            topic=TOPIC,
            payload={
                "job_id": row.id,
                "kind": row.kind,
                "resource_id": row.resource_id,
                "status": row.status,
                "phase": row.phase,
                "progress": row.progress,
                "message": message or error.get("message", ""),
                "updated_at": _iso(row.updated_at),
            },
            created_at=utc_now(),
        )
    )


def _finish(session: Session, held: Claim, status: str, phase: str, **values: Any) -> JobRow:
    now = utc_now()
    _fenced(session, held, status=status, phase=phase, finished_at=now, lease_until=None, **values)
    row = session.get_one(JobRow, held.job_id, populate_existing=True)
    announce(session, row, row.error["message"] if row.error else status.lower())
    return row


def _fenced(session: Session, held: Claim, **values: Any) -> None:
    changed = _update(
        session,
        update(JobRow)
        .where(
            JobRow.id == held.job_id,
            JobRow.attempt == held.attempt,
            JobRow.owner == held.owner,
            JobRow.status == "RUNNING",
        )
        .values(updated_at=utc_now(), **values),
    )
    if not changed:
        raise FencedOutError(held.job_id)


def _update(session: Session, statement: Any) -> bool:
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    return bool(result.rowcount == 1)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
