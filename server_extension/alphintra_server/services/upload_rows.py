"""The rows of uploads: reserving room, how far one is, its end. Each function works within its caller's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from ..db.connector_tables import ConnectorRunRow
from ..db.dataset_tables import UploadRow
from ..db.engine import database_now, one_at_a_time
from ..errors import Gone, Invalid, TooLarge, TooMany
from ..models.uploads import Upload, UploadState
from .dataset_names import check_name, name_of_file
from .dataset_rows import refuse_shipped
from .storage_use import storage_used

MOST_OPEN = 32
"""Uploads of one user that may be on their way at once."""
BUSY = ("INSPECTING", "INGESTING")
"""A job reads the file."""
OVER = ("ABORTED", "EXPIRED")
CAME_TO_NOTHING = ("FAILED", "EXPIRED")
_FORGOTTEN = timedelta(days=30)


def refuse_too_many(session: Session, user_id: str) -> None:
    """Refuse to begin another upload where many are on their way; what a connector has brought is here already.

    Raises:
        TooMany: There are.
    """
    one_at_a_time(session.connection(), f"storage of {user_id}")
    begun = select(func.count()).where(UploadRow.user_id == user_id, UploadRow.state == "RECEIVING")
    if (session.scalar(begun) or 0) >= MOST_OPEN:
        raise TooMany(
            f"{MOST_OPEN} uploads of yours are on their way: finish or end one.",
            code="TOO_MANY_UPLOADS",
            headers={"Retry-After": "60"},
        )


def named(session: Session, filename: str, dataset: str | None) -> str:
    """Return what a dataset is to be called: as its sender says, else like its file, where nothing of ours is.

    Raises:
        Invalid: The sender's name cannot be one, or is the platform's.
    """
    if dataset is not None:
        refuse_shipped(session, check_name(dataset, "dataset"))
        return dataset
    name = name_of_file(filename)
    try:
        refuse_shipped(session, name)
    except Invalid:
        return f"my-{name}"[:100]
    return name


def reserve(
    session: Session,
    user_id: str,
    *,
    length: int,
    filename: str,
    dataset: str,
    metadata: str | None,
    quota: int,
    hours: float,
) -> UploadRow:
    """Begin an upload, if its user has room for it.

    Raises:
        TooLarge: They have no room.
    """
    one_at_a_time(session.connection(), f"storage of {user_id}")
    used = storage_used(session, user_id).total
    if used + length > quota:
        raise TooLarge(
            f"You may store {quota:,} bytes and have {used:,}: there is no room for {length:,}.",
            code="QUOTA_EXCEEDED",
            extra={"quota": quota, "used": used},
        )
    now = database_now(session)
    row = UploadRow(
        id=uuid.uuid4().hex,
        user_id=user_id,
        filename=filename,
        sent_metadata=metadata,
        dataset_name=dataset,
        length=length,
        received=0,
        state=UploadState.RECEIVING.value,
        kept=True,
        expires_at=now + timedelta(hours=hours),
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    return row


def advance(session: Session, upload_id: str, begin: int, end: int, hours: float, **more: Any) -> UploadRow:
    """Write down how far an upload is.

    Raises:
        Gone: It was ended, or another request has moved it on.
    """
    now = database_now(session)
    mark = (
        update(UploadRow)
        .where(UploadRow.id == upload_id, UploadRow.state == "RECEIVING", UploadRow.received == begin)
        .values(received=end, updated_at=now, expires_at=now + timedelta(hours=hours), **more)
        .returning(UploadRow.id)
    )
    if session.execute(mark).first() is None:
        raise Gone("The upload was ended meanwhile.", code="UPLOAD_ABORTED")
    return session.get_one(UploadRow, upload_id, populate_existing=True)


def went_on(row: UploadRow, now: datetime) -> None:
    """Note that something happened to an upload: from now on it stays as long as it did from then on."""
    row.expires_at += now - row.updated_at
    row.updated_at = now


def is_open() -> ColumnElement[bool]:
    """Tell which uploads wait for their sender; what a connector fetched is the connector's."""
    came_to_nothing = and_(UploadRow.state.in_(CAME_TO_NOTHING), UploadRow.dismissed.is_(False))
    fetched = select(ConnectorRunRow.id).where(ConnectorRunRow.upload_id == UploadRow.id)
    under_way = UploadRow.state.in_(("RECEIVING", "RECEIVED", "INSPECTED", *BUSY))
    return and_(or_(under_way, came_to_nothing), ~fetched.exists())


def end(session: Session, upload_id: str, state: str, hours: float | None = None) -> bool:
    """End an upload that no job reads; its row goes on to say so for a while. Tell whether this ended it.

    What a first look found shows rows: it goes with the file. One that waited in vain says for how many hours.
    """
    why = {"error": _expired(hours)} if state == "EXPIRED" and hours is not None else {}
    mark = (
        update(UploadRow)
        .where(UploadRow.id == upload_id, UploadRow.kept, UploadRow.state.not_in(BUSY))
        .values(state=state, kept=False, inspection=None, updated_at=database_now(session), **why)
        .returning(UploadRow.id)
    )
    return session.execute(mark).first() is not None


def _expired(hours: float) -> dict[str, Any]:
    return {
        "code": "UPLOAD_EXPIRED",
        "message": f"Nothing happened to it for {hours:g} hours, so what was here of it was removed.",
        "hint": "Upload the file again.",
    }


def dismiss(session: Session, upload_id: str) -> bool:
    """Have done with an upload that failed or expired. Tell whether it is one."""
    mark = (
        update(UploadRow)
        .where(UploadRow.id == upload_id, UploadRow.state.in_(CAME_TO_NOTHING))
        .values(dismissed=True)
        .returning(UploadRow.id)
    )
    return session.execute(mark).first() is not None


def due(session: Session) -> list[tuple[str, str]]:
    """Find uploads that nobody went on with, and those whose file has served: id, and the state they end in."""
    query = select(UploadRow.id, UploadRow.state).where(
        UploadRow.kept, UploadRow.expires_at <= database_now(session), UploadRow.state.not_in(BUSY)
    )
    served = ("DONE", "FAILED")
    return [(row.id, row.state if row.state in served else "EXPIRED") for row in session.execute(query.limit(1000))]


def forget_old(session: Session) -> None:
    """Drop the rows of uploads that ended long ago."""
    before = database_now(session) - _FORGOTTEN
    session.execute(
        delete(UploadRow).where(UploadRow.kept.is_(False), UploadRow.updated_at < before),
        execution_options={"synchronize_session": False},
    )


def kept_of(session: Session, names: Sequence[str]) -> set[str]:
    """Tell which of these are uploads whose file is to stay."""
    return set(session.scalars(select(UploadRow.id).where(UploadRow.id.in_(names), UploadRow.kept)))


def to_model(row: UploadRow) -> Upload:
    """Show an upload."""
    return Upload(
        id=row.id,
        filename=row.filename,
        dataset_name=row.dataset_name,
        length=row.length,
        received=row.received,
        sha256=row.sha256,
        state=UploadState(row.state),
        job_id=row.job_id,
        version_id=row.version_id,
        error=row.error,
        dismissed=row.dismissed,
        expires_at=row.expires_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
