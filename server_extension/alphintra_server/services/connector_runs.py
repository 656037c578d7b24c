"""The runs of connectors: begun once, ended once, whichever server does it. Each within its caller's transaction."""

from __future__ import annotations

import random
import uuid
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from ..db.committed import when_committed
from ..db.connector_tables import ConnectorRow, ConnectorRunRow
from ..db.dataset_tables import UploadRow
from ..db.engine import database_now
from ..db.tables import DatasetRow, JobRow, unique_name
from ..errors import Conflict
from ..jobs import fair_queue, store
from ..limits import Limits
from ..metrics import CONNECTOR_FAILURES, CONNECTOR_ROWS, CONNECTOR_RUNS
from . import upload_rows
from .connector_schedule import MOST_RETRIES, pause_after

FETCH = "fetch"
HAND, SCHEDULE, RETRY = "HAND", "SCHEDULE", "RETRY"
KEPT_RUNS = 200
PASSING = frozenset(
    {
        "DISK_FULL", "INTERNAL", "LOST", "MEMORY_LIMIT", "NO_SANDBOX", "PARENT_CHANGED", "PROTOCOL", "QUEUE_FULL",
        "SOURCE_BROKEN", "SOURCE_BUSY", "SOURCE_SLOW", "SOURCE_UNREACHABLE", "STORAGE", "STORE_FAILED", "TIME_LIMIT",
        "WORKER_DIED",
    }
)  # fmt: skip
"""Why a run may fail that another one, a little later, may not."""
_REASONS = PASSING | {
    "BAD_MAPPING", "BAD_OUTPUT", "CACHE_TOO_SMALL", "DAMAGED_FILE", "DATASET_DELETED", "DISK_LIMIT", "INTERNAL_ERROR",
    "MAPPING_MISMATCH", "MISSING_LIBRARY", "NO_ROWS", "OVERLAP_CONFLICT", "QUOTA_EXCEEDED", "SEALED", "SECRET_GONE",
    "SOURCE_ADDRESS", "SOURCE_CERTIFICATE", "SOURCE_MISSING", "SOURCE_REDIRECTS", "SOURCE_REFUSED", "SOURCE_STATUS",
    "SOURCE_TOO_LARGE", "TS_PARSE",
}  # fmt: skip


def begin(session: Session, connector: ConnectorRow, trigger: str, limits: Limits) -> ConnectorRunRow:
    """Begin a run. The caller holds the connector's row, so that two servers do not begin one each.

    Raises:
        Conflict: One is under way.
        TooMany: Too many jobs of the user's wait.
    """
    if connector.run_id is not None:
        raise Conflict(
            f"A run is under way: {connector.run_id}.", code="RUN_ACTIVE", extra={"run_id": connector.run_id}
        )
    _drop_leftover(session, connector)
    now, run_id = database_now(session), uuid.uuid4().hex
    job = store.create(
        session,
        user_id=connector.user_id,
        kind=FETCH,
        resource_id=run_id,
        name=f"Fetch {connector.name}",
        priority=store.NORMAL if trigger == HAND else store.LOW,
    )
    run = ConnectorRunRow(
        id=run_id,
        connector_id=connector.id,
        user_id=connector.user_id,
        trigger=trigger,
        state="FETCHING",
        fetch_job_id=job.id,
        created_at=now,
    )
    session.add(run)
    connector.run_id, connector.retry_at = run_id, None
    session.flush()
    fair_queue.queue(session, job.id, max_queued=limits.of(connector.user_id).queued)
    _forget_oldest(session, connector.id)
    return run


def of_job(session: Session, job_id: str) -> tuple[ConnectorRunRow, ConnectorRow] | None:
    """Lock the run that a job is a part of, and its connector; ``None`` for a job of no connector's."""
    query = select(ConnectorRunRow).where(
        or_(ConnectorRunRow.fetch_job_id == job_id, ConnectorRunRow.ingest_job_id == job_id)
    )
    run = session.scalars(query.with_for_update(), execution_options={"populate_existing": True}).first()
    if run is None:
        return None
    return run, session.get_one(ConnectorRow, run.connector_id, with_for_update=True, populate_existing=True)


def succeed(
    session: Session,
    run: ConnectorRunRow,
    connector: ConnectorRow,
    state: str,
    version_id: str | None,
    added: int = 0,
) -> None:
    """End a run well.

    Args:
        session: The transaction.
        run: The run.
        connector: Its connector.
        state: ``DONE`` or ``NOTHING_NEW``.
        version_id: The dataset's current version now.
        added: Rows that it has more than before.
    """
    now = _end(session, run, connector, state)
    connector.last_success_at, connector.last_error, connector.failures = now, None, 0
    connector.version_id = version_id or connector.version_id
    if run.conditions is not None:
        connector.conditions = run.conditions | {"version": connector.version_id}
    elif state == "DONE":
        connector.conditions = None
    if state == "DONE":
        run.version_id = version_id
        when_committed(session, lambda: CONNECTOR_ROWS.labels(connector.kind).inc(added))


def need_mapping(session: Session, run: ConnectorRunRow, connector: ConnectorRow) -> None:
    """End a run whose file nobody has said yet how to read."""
    now = _end(session, run, connector, "NEEDS_MAPPING")
    text = f"Say how the file is read: look at the upload {run.upload_id}, and give the connector its mapping."
    run.error = {"code": "NEEDS_MAPPING", "message": text}
    connector.last_error = run.error | {"at": now.isoformat()}


def job_ended(session: Session, job: JobRow) -> None:
    """End the run of a job that came to nothing."""
    found = of_job(session, job.id)
    if found is None or found[0].ended_at is not None:
        return
    run, connector = found
    if job.status == "CANCELLED":
        _end(session, run, connector, "CANCELLED")
        return
    now = _end(session, run, connector, "FAILED")
    error = job.error or {}
    code, message = str(error.get("code", "INTERNAL")), str(error.get("message", ""))[:1_000]
    run.error = {"code": code, "message": message}
    connector.failures += 1
    connector.last_error = run.error | {"at": now.isoformat()}
    if code == "DATASET_DELETED":
        # Nobody wants it: it comes back when its owner says so.
        connector.paused, connector.due_at = True, None
    elif connector.paused or connector.schedule is None:
        return  # it runs by itself no more: that was said while this run was under way
    elif code in PASSING and run.trigger != HAND and connector.failures <= MOST_RETRIES:
        connector.retry_at = now + pause_after(connector.failures, random.random())


def dataset_of(session: Session, connector: ConnectorRow) -> DatasetRow | None:
    """Find the dataset that a connector's rows go to, if it is there."""
    return session.scalars(
        select(DatasetRow).where(
            DatasetRow.unique_name == unique_name(connector.user_id, connector.dataset_name),
            DatasetRow.state == "ACTIVE",
        )
    ).first()


def _end(session: Session, run: ConnectorRunRow, connector: ConnectorRow, state: str) -> datetime:
    now = database_now(session)
    run.state, run.ended_at = state, now
    if connector.run_id == run.id:
        connector.run_id = None
    when_committed(session, lambda: _count(connector.kind, run))
    return now


def _count(kind: str, run: ConnectorRunRow) -> None:
    """Count a run by how it ended."""
    CONNECTOR_RUNS.labels(kind, run.state).inc()
    if run.state == "FAILED" and run.error is not None:
        code = run.error["code"]
        CONNECTOR_FAILURES.labels(kind, code if code in _REASONS else "OTHER").inc()


def waits_for_mapping(session: Session, connector: ConnectorRow) -> bool:
    """Tell whether a file lies there of which somebody is to say how it is read: another would take its place."""
    last = None if connector.mapping is not None else _last_upload(session, connector)
    if last is None:
        return False
    lies = select(UploadRow.id).where(
        UploadRow.id == last, UploadRow.kept, UploadRow.state.in_(("RECEIVED", "INSPECTED", *upload_rows.BUSY))
    )
    return session.scalar(lies) is not None


def _drop_leftover(session: Session, connector: ConnectorRow) -> None:
    """End the upload that the last run left, if it became nothing: there will be another."""
    last = _last_upload(session, connector)
    if last is not None:
        upload_rows.end(session, last, "EXPIRED")


def _last_upload(session: Session, connector: ConnectorRow) -> str | None:
    return session.scalar(
        select(ConnectorRunRow.upload_id)
        .where(ConnectorRunRow.connector_id == connector.id, ConnectorRunRow.upload_id.is_not(None))
        .order_by(ConnectorRunRow.created_at.desc(), ConnectorRunRow.id)
        .limit(1)
    )


def _forget_oldest(session: Session, connector_id: str) -> None:
    newest = (
        select(ConnectorRunRow.id)
        .where(ConnectorRunRow.connector_id == connector_id)
        .order_by(ConnectorRunRow.created_at.desc(), ConnectorRunRow.id)
        .limit(KEPT_RUNS)
    )
    session.execute(
        delete(ConnectorRunRow).where(ConnectorRunRow.connector_id == connector_id, ConnectorRunRow.id.not_in(newest)),
        execution_options={"synchronize_session": False},
    )


def claim(session: Session, connector: ConnectorRow, column: str, before: datetime, after: datetime | None) -> bool:
    """Move a connector's mark on; tell whether it still stood where it was read and no run was under way."""
    mark = getattr(ConnectorRow, column)
    moved = (
        update(ConnectorRow)
        .where(ConnectorRow.id == connector.id, mark == before, ConnectorRow.run_id.is_(None))
        .values({column: after})
        .returning(ConnectorRow.id)
    )
    found = session.execute(moved, execution_options={"synchronize_session": False}).first()
    if found is not None:
        session.refresh(connector)
    return found is not None
