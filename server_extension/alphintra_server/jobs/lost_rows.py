"""Running jobs whose server is lost, as rows: found, seized, put back into the queue or given up.

All functions run inside the caller's transaction; see ``store``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from ..db.engine import database_now
from ..db.tables import JobRow
from ..db.types import utc_now
from .leases import LEASE
from .store import announce, ended, guarded

MAX_LOSSES = 3


def find_lost(session: Session, *, not_owner: str | None = None) -> list[JobRow]:
    """List running jobs that nobody keeps any more: by database time, or all but one server's.

    Args:
        session: The transaction.
        not_owner: Where only one server can hold the database: its boot id. Every job of another boot is
            lost, whatever its lease says.
    """
    condition = JobRow.lease_until < database_now(session)
    if not_owner is not None:
        condition = or_(condition, JobRow.owner != not_owner)
    query = select(JobRow).where(JobRow.status == "RUNNING", condition)
    return list(session.scalars(query.order_by(JobRow.id)))


def seize(session: Session, row: JobRow, owner: str, lease: timedelta = LEASE) -> JobRow | None:
    """Take a lost job from its server, so that what is left of the attempt can be killed.

    In this order: a server that comes back before finds its job as it was, one that comes back later can write nothing
    to it any more, and never is a worker killed whose end would count.

    Args:
        session: The transaction.
        row: The job as ``find_lost`` read it: a heartbeat since then keeps it where it is.
        owner: The boot id of whoever settles it.
        lease: How long there is for that.

    Returns:
        The job in its new state; None where its server has come back.
    """
    now = database_now(session)
    mine = {"owner": owner, "heartbeat_at": now, "lease_until": now + lease, "updated_at": utc_now()}
    if not guarded(session, update(JobRow).where(*_as_seen(row)).values(**mine)):
        return None
    return session.get_one(JobRow, row.id, populate_existing=True)


def take_over(session: Session, row: JobRow) -> JobRow | None:
    """Put a lost job back into the queue, or give it up when it was lost for the third time.

    Attempts that ended because their server was stopped in order are not counted: nothing was lost by them.

    Args:
        session: The transaction.
        row: The job as ``seize`` left it.

    Returns:
        The job in its new state; None where somebody else has touched it since.
    """
    locked = select(JobRow).where(*_as_seen(row)).with_for_update()
    found = session.scalars(locked, execution_options={"populate_existing": True}).first()
    if found is None:
        return None
    now = database_now(session)
    losses = found.losses + 1
    values: dict[str, Any] = {"owner": None, "lease_until": None, "losses": losses, "updated_at": utc_now()}
    # It may have been asked for since the job was seized.
    if found.cancel_requested_at is not None:
        values |= {"status": "CANCELLED", "phase": "cancelled", "finished_at": now}
        message = "cancelled"
    elif losses < MAX_LOSSES:
        values |= {"status": "PENDING", "phase": "queued", "progress": None}
        message = "queued again: its server was lost"
    else:
        text = f"Its server was lost {losses} times while it ran: the server's log says why, then run it again."
        values |= {
            "status": "FAILED",
            "phase": "failed",
            "finished_at": now,
            "error_code": "LOST",
            "error": {"code": "LOST", "message": text},
        }
        message = text
    session.execute(update(JobRow).where(JobRow.id == found.id).values(**values))
    session.refresh(found)
    ended(session, found)
    announce(session, found, message)
    return found


def _as_seen(row: JobRow) -> tuple[ColumnElement[bool], ...]:
    """Guard of a change to a running job that nobody has touched since it was read."""
    return (
        JobRow.id == row.id,
        JobRow.status == "RUNNING",
        JobRow.attempt == row.attempt,
        JobRow.owner == row.owner,
        JobRow.heartbeat_at == row.heartbeat_at,
    )
