"""The job table: every transition is one guarded update, and writes what happened to the outbox.

States are the plan's: PENDING → RUNNING → COMPLETED | FAILED | CANCELLED. A job is made PENDING in phase
``created``; ``fair_queue`` lets it be claimed. Whoever claims it holds it by (attempt, owner) until a lease ends, and
every write to a running job names both: a server that was away too long, and whose job was taken over, changes nothing
any more.

Times that are compared or subtracted are the database's, so that neither a server whose clock is off nor one whose
clock jumps runs a job twice. All functions run inside the caller's transaction; each locks the job before the user's
event counter.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, case, select, tuple_, update
from sqlalchemy.orm import Session

from .. import outbox
from ..db.engine import database_now
from ..db.tables import JobLogRow, JobRow
from ..db.types import utc_now
from ..errors import Conflict
from .leases import LEASE

if TYPE_CHECKING:
    from alphintra_kernel.usage import Usage

TOPIC = "job"
FINISHED = ("COMPLETED", "FAILED", "CANCELLED")
NORMAL, LOW = 0, 10
"""Priorities: a job of a higher number waits while anybody has one of a lower number in the queue."""


_when_ended: dict[str, Callable[[Session, JobRow], None]] = {}


def when_ended(kind: str, do: Callable[[Session, JobRow], None]) -> None:
    """Have something done wherever a job of a kind ends without a result, in that transaction.

    Whoever ends it: a supervisor, whoever cancels it while it waits, a server that takes over from another.
    """
    _when_ended[kind] = do


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


@dataclass(frozen=True)
class Report:
    """What a running job says of itself.

    Attributes:
        progress: Fraction, phase, text, market time and estimate of what is left.
        log: The last lines that it printed; None where there are no new ones.
        sandbox_level: Where it runs.
        run_seconds: Since the attempt began.
        usage: What it has taken so far.
    """

    progress: dict[str, Any]
    log: list[str] | None = None
    sandbox_level: str | None = None
    run_seconds: float | None = None
    usage: Usage | None = None


class FencedOutError(Exception):
    """The job is no longer this claim's: it was taken over, cancelled or finished."""


def create(
    session: Session,
    *,
    user_id: str,
    kind: str,
    resource_id: str,
    name: str = "",
    priority: int = NORMAL,
    cost: int = 1,
) -> JobRow:
    """Make a job that waits to be queued.

    Args:
        session: The transaction.
        user_id: Whose it is.
        kind: What sort of job.
        resource_id: What it works on.
        name: What people know it by.
        priority: ``NORMAL`` or ``LOW``.
        cost: What it weighs among its user's running jobs: 1 for one that keeps one core busy.
    """
    now = utc_now()
    row = JobRow(
        id=uuid.uuid4().hex,
        user_id=user_id,
        kind=kind,
        resource_id=resource_id,
        name=name[:200],
        priority=priority,
        cost=cost,
        status="PENDING",
        phase="created",
        attempt=0,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    announce(session, row, "created")
    return row


def heartbeat(session: Session, held: Sequence[Claim], lease: timedelta = LEASE) -> tuple[set[str], set[str]]:
    """Extend the leases of a server's jobs, all in one statement.

    Returns:
        Ids of those that are no longer these claims', and of those that are to be cancelled.
    """
    if not held:
        return set(), set()
    now = database_now(session)
    mine = (
        tuple_(JobRow.id, JobRow.attempt, JobRow.owner).in_(
            sorted((claim.job_id, claim.attempt, claim.owner) for claim in held)
        ),
        JobRow.status == "RUNNING",
    )
    changed = update(JobRow).where(*mine).values(heartbeat_at=now, lease_until=now + lease)
    session.execute(changed, execution_options={"synchronize_session": False})
    kept = {
        job_id: asked is not None
        for job_id, asked in session.execute(select(JobRow.id, JobRow.cancel_requested_at).where(*mine))
    }
    lost = {claim.job_id for claim in held} - kept.keys()
    return lost, {job_id for job_id, asked in kept.items() if asked}


def progress(session: Session, reports: Sequence[tuple[Claim, Report]]) -> set[str]:
    """Record how far jobs are, several at once.

    Returns:
        Ids of those that are no longer these claims'.
    """
    lost: set[str] = set()
    told: list[Claim] = []
    # In one order, so that no two servers wait for each other; all jobs before the first event.
    for held, report in sorted(reports, key=lambda pair: pair[0].job_id):
        # A job that is being cancelled says so until it has ended.
        phase = report.progress["phase"]
        values: dict[str, Any] = {
            "phase": case((JobRow.cancel_requested_at.is_not(None), "cancelling"), else_=phase),
            "progress": report.progress,
            "run_seconds": report.run_seconds,
            **_spent(report.usage),
        }
        if report.sandbox_level is not None:
            values["sandbox_level"] = report.sandbox_level
        if not guarded(session, _of(held).values(updated_at=utc_now(), **values)):
            lost.add(held.job_id)
            continue
        if report.log is not None:
            write_log(session, held.job_id, report.log)
        told.append(held)
    for held in sorted(told, key=lambda claim: claim.user_id):
        announce(session, session.get_one(JobRow, held.job_id, populate_existing=True), "")
    return lost


def complete(
    session: Session,
    held: Claim,
    *,
    log: list[str],
    run_seconds: float | None = None,
    usage: Usage | None = None,
    output_bytes: int | None = None,
) -> JobRow:
    """Finish a job well. The caller writes its results in the same transaction.

    Raises:
        FencedOutError: Somebody else decided first; the transaction must not commit.
    """
    finished = {"fraction": 1.0, "phase": "finished", "bar_time": None, "eta_seconds": 0.0}
    values = {"progress": finished, "output_bytes": output_bytes, **_spent(usage)}
    return _finish(session, held, "COMPLETED", "finished", log, run_seconds=run_seconds, **values)


def fail(
    session: Session,
    held: Claim,
    error: dict[str, Any],
    *,
    log: list[str] | None = None,
    run_seconds: float | None = None,
    usage: Usage | None = None,
) -> JobRow:
    """Finish a job badly."""
    values = {"error_code": error["code"], "error": error, **_spent(usage)}
    return _finish(session, held, "FAILED", "failed", log, run_seconds=run_seconds, **values)


def cancelled(
    session: Session,
    held: Claim,
    *,
    log: list[str] | None = None,
    run_seconds: float | None = None,
    usage: Usage | None = None,
) -> JobRow:
    """Finish a job that was stopped on request."""
    return _finish(session, held, "CANCELLED", "cancelled", log, run_seconds=run_seconds, **_spent(usage))


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
    # Locked, so that it neither starts nor goes back into the queue between the look and the change.
    row = session.get_one(JobRow, job_id, populate_existing=True, with_for_update=True)
    if row.status in FINISHED:
        raise Conflict(
            f"It is {row.status.lower()} already.",
            code="ALREADY_FINISHED",
            extra={"state": row.status, "phase": row.phase},
        )
    now = database_now(session)
    row.updated_at = utc_now()
    row.cancel_requested_at = row.cancel_requested_at or now
    if row.status == "PENDING":
        row.status, row.phase, row.finished_at = "CANCELLED", "cancelled", now
    else:
        row.phase = "cancelling"
    session.flush()
    ended(session, row)
    announce(session, row, "cancelled" if row.status == "CANCELLED" else "cancelling")
    return row


def write_log(session: Session, job_id: str, lines: list[str]) -> None:
    """Keep what there is of a job's log now."""
    row = session.get(JobLogRow, job_id)
    if row is None:
        session.add(JobLogRow(job_id=job_id, lines=lines))
    else:
        row.lines = lines
    session.flush()


def announce(session: Session, row: JobRow, message: str) -> None:
    """Write the job's state to the outbox, in the transaction that changed it."""
    error = row.error or {}
    payload = {
        "job_id": row.id,
        "kind": row.kind,
        "resource_id": row.resource_id,
        "name": row.name,
        "status": row.status,
        "phase": row.phase,
        "attempt": row.attempt,
        "progress": row.progress,
        "message": message or error.get("message", ""),
        "queue_seconds": row.queue_seconds,
        "run_seconds": row.run_seconds,
        "cpu_seconds": row.cpu_seconds,
        "peak_memory_bytes": row.peak_memory,
        "bytes_written": row.bytes_written,
        "updated_at": _iso(row.updated_at),
    }
    outbox.append(session, row.user_id, TOPIC, payload)


def guarded(session: Session, statement: Any) -> bool:
    """Run an update of one row; tell whether its guard held."""
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    return bool(result.rowcount == 1)


def _finish(
    session: Session, held: Claim, status: str, phase: str, log: list[str] | None, **values: Any
) -> JobRow:
    now = database_now(session)
    if values.get("run_seconds") is None:
        del values["run_seconds"]
    _fenced(session, held, status=status, phase=phase, finished_at=now, lease_until=None, **values)
    if log:
        write_log(session, held.job_id, log)
    row = session.get_one(JobRow, held.job_id, populate_existing=True)
    ended(session, row)
    announce(session, row, row.error["message"] if row.error else status.lower())
    return row


def ended(session: Session, row: JobRow) -> None:
    """Do what is done where a job of its kind ends without a result, if this one has."""
    if row.status in ("FAILED", "CANCELLED") and row.kind in _when_ended:
        _when_ended[row.kind](session, row)


def _spent(usage: Usage | None) -> dict[str, Any]:
    if usage is None:
        return {}
    return {
        "cpu_seconds": usage.cpu_seconds,
        "peak_memory": usage.peak_memory,
        "bytes_written": usage.bytes_written,
    }


def _of(held: Claim) -> Any:
    """The update that only the holder of a claim can make."""
    return update(JobRow).where(
        JobRow.id == held.job_id,
        JobRow.attempt == held.attempt,
        JobRow.owner == held.owner,
        JobRow.status == "RUNNING",
    )


def _fenced(session: Session, held: Claim, **values: Any) -> None:
    if not guarded(session, _of(held).values(updated_at=utc_now(), **values)):
        raise FencedOutError(held.job_id)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
