"""From an upload to a version of a dataset, as its owner asks for it: look at it, confirm the mapping, make it."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from alphintra.errors import DataError
from alphintra.ingest.mapping import Mapping as FileMapping
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetVersionRow, StorageAccountRow, UploadRow
from ..db.engine import Database, database_now
from ..db.ingest_tables import IngestRow
from ..db.tables import DatasetRow, JobRow, unique_name
from ..db.types import utc_now
from ..errors import Conflict, Gone, Invalid, NotFound, Unavailable
from ..idempotency import remember
from ..jobs import fair_queue, store
from ..jobs.ingest import INGEST, INSPECT
from ..limits import Limits
from ..models.ingests import IngestAccepted, IngestRequest, Inspection
from . import upload_rows
from .dataset_inputs import is_sealed
from .dataset_names import check_name
from .dataset_rows import refuse_shipped

_BUSY = ("INSPECTING", "INGESTING")
_GONE = ("ABORTED", "EXPIRED", "FAILED", "DONE")


class Ingests:
    """What a user can do with an upload that is here.

    Args:
        database: Where everything is recorded.
        limits: How many jobs may wait.
        wake: Called after a job was queued.
        refused: Why no jobs run on this machine, or ``None``.
        keys_seen: Whether code of users can read the server's keys.
    """

    def __init__(
        self,
        database: Database,
        limits: Limits,
        wake: Callable[[], None],
        refused: str | None = None,
        *,
        keys_seen: bool = False,
    ) -> None:
        self._database = database
        self._limits = limits
        self._wake = wake
        self._refused = refused
        self._keys_seen = keys_seen

    async def inspection(self, who: Caller, upload_id: str) -> Inspection:
        """Read what a first look found, as far as there was one."""
        return await self._database.read(lambda session: _to_model(_find(session, who, upload_id)))

    async def inspect(self, who: Caller, upload_id: str) -> IngestAccepted:
        """Look at an upload, again if need be."""

        def work(session: Session) -> IngestAccepted:
            row = self._startable(session, who, upload_id)
            job = enqueue_inspection(session, row, self._limits)
            return remember(session, IngestAccepted(upload_id=row.id, job_id=job.id, status=job.status))

        accepted = await self._database.write(work)
        self._wake()
        return accepted

    async def ingest(self, who: Caller, upload_id: str, body: IngestRequest) -> IngestAccepted:
        """Make a version of an upload."""
        mapping = await asyncio.to_thread(checked_mapping, body.mapping)
        if body.dataset is not None:
            check_name(body.dataset, "dataset")
        if body.sealed and self._keys_seen:
            raise Unavailable(
                "Nothing is sealed here: this server has no sandbox, so code of users can read its keys.",
                code="NO_SANDBOX",
            )
        await asyncio.to_thread(refuse_calendar, body.about.calendar)

        def work(session: Session) -> IngestAccepted:
            row = self._startable(session, who, upload_id)
            name = body.dataset or row.dataset_name
            current = _current(session, who, name)
            parent = _parent(current, name, sealed=bool(body.sealed)) if body.append else None
            refuse_shipped(session, name)
            account(session, who.user_id)
            ingest = IngestRow(
                id=uuid.uuid4().hex,
                user_id=who.user_id,
                owner_id=who.user_id,
                upload_id=row.id,
                dataset_name=name,
                parent_id=parent,
                sealed=body.sealed,
                mapping=mapping,
                about=body.about.model_dump(),
                description=body.description,
                tags=body.tags,
                remember=body.remember,
                fingerprint=None if row.inspection is None else row.inspection["fingerprint"],
                created_at=utc_now(),
            )
            job = enqueue_ingest(session, row, ingest, self._limits)
            return remember(session, IngestAccepted(upload_id=row.id, job_id=job.id, status=job.status))

        accepted = await self._database.write(work)
        self._wake()
        return accepted

    def _startable(self, session: Session, who: Caller, upload_id: str) -> UploadRow:
        """Lock an upload on which a job may be started."""
        row = _find(session, who, upload_id, lock=True)
        if self._refused:
            raise Unavailable(self._refused, code="NO_SANDBOX")
        if row.state == "RECEIVING":
            raise Conflict(
                f"{row.received:,} of {row.length:,} bytes are here: send the rest first.", code="UPLOAD_INCOMPLETE"
            )
        if row.state in _BUSY:
            raise Conflict(
                f"A job is at work on it: {row.job_id}.", code="UPLOAD_BUSY", extra={"job_id": row.job_id}
            )
        if row.state in _GONE:
            raise Gone(
                f"The file is no longer kept ({row.state.lower()}): upload it again.", code=f"UPLOAD_{row.state}"
            )
        return row


def enqueue_inspection(session: Session, row: UploadRow, limits: Limits) -> JobRow:
    """Queue a first look at an upload that is here, in the transaction in which it came to be."""
    job = store.create(
        session, user_id=row.user_id, kind=INSPECT, resource_id=row.id, name=f"Look at {row.filename}"
    )
    row.state, row.job_id, row.error = "INSPECTING", job.id, None
    upload_rows.went_on(row, database_now(session))
    session.flush()
    return fair_queue.queue(session, job.id, max_queued=limits.of(row.user_id).queued)


def enqueue_ingest(session: Session, row: UploadRow, ingest: IngestRow, limits: Limits) -> JobRow:
    """Queue the job that makes a version of an upload that is here."""
    job = store.create(
        session, user_id=row.user_id, kind=INGEST, resource_id=row.id, name=f"{row.filename} → {ingest.dataset_name}"
    )
    ingest.job_id = job.id
    session.add(ingest)
    row.state, row.job_id, row.mapping, row.error = "INGESTING", job.id, ingest.mapping, None
    upload_rows.went_on(row, database_now(session))
    session.flush()
    return fair_queue.queue(session, job.id, max_queued=limits.of(row.user_id).queued)


def account(session: Session, user_id: str) -> StorageAccountRow:
    """Return where a user's files lie; drawn when there is the first."""
    found = session.get(StorageAccountRow, user_id)
    if found is None:
        found = StorageAccountRow(user_id=user_id, folder=secrets.token_hex(16), created_at=utc_now())
        session.add(found)
        session.flush()
    return found


def _find(session: Session, who: Caller, upload_id: str, *, lock: bool = False) -> UploadRow:
    query = select(UploadRow).where(UploadRow.id == upload_id, UploadRow.user_id == who.user_id)
    row = session.scalars(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound("There is no such upload.", code="UNKNOWN_UPLOAD")
    return row


def checked_mapping(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check a mapping that a user gives: of thousands of columns a fifth of a second, so off the event loop.

    Raises:
        Invalid: It cannot be followed; the text names the column.
    """
    try:
        return dict(json.loads(FileMapping.from_json(json.dumps(given)).to_json()))
    except DataError as error:
        where = "" if error.where is None else f"{error.where}: "
        hint = "" if error.hint is None else f" {error.hint}"
        raise Invalid.field("mapping", f"{where}{error.message}.{hint}", code=error.code) from None


def refuse_calendar(code: str | None) -> None:
    """Refuse a calendar that there is none of; loads a library for most.

    Raises:
        Invalid: There is none.
    """
    from alphintra.data.calendars import calendar_code

    if code is None:
        return
    try:
        calendar_code(code)
    except DataError as error:
        raise Invalid.field("about.calendar", error.message) from None


def _current(session: Session, who: Caller, name: str) -> DatasetVersionRow | None:
    """Return the current version of a dataset of the caller's, if there is one."""
    query = select(DatasetRow).where(
        DatasetRow.unique_name == unique_name(who.user_id, name), DatasetRow.state == "ACTIVE"
    )
    row = session.scalars(query).first()
    if row is None or row.current_version_id is None:
        return None
    return session.get_one(DatasetVersionRow, row.current_version_id)


def _parent(version: DatasetVersionRow | None, name: str, *, sealed: bool) -> str:
    """Return the version to which rows are added."""
    if version is None:
        raise Invalid.field("append", f"you have no dataset {name} to add rows to", code="UNKNOWN_DATASET")
    if version.state != "ACTIVE":
        raise Conflict(f"The current version of {name} is being deleted.", code="DATASET_DELETED")
    if sealed or is_sealed(version):
        text = "a sealed version goes on from no other, nor another from it: upload all rows as the next version"
        raise Invalid.field("sealed", text, code="SEALED")
    return version.id


def _to_model(row: UploadRow) -> Inspection:
    return Inspection(
        upload_id=row.id,
        filename=row.filename,
        dataset_name=row.dataset_name,
        state=row.state,
        job_id=row.job_id,
        version_id=row.version_id,
        error=row.error,
        inspection=row.inspection,
    )
