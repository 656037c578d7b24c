"""Jobs on stored versions: finding the version, queueing the job, reading what it left."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetVersionRow
from ..db.engine import Database, database_now
from ..db.recipe_tables import VersionRequestRow
from ..db.tables import DatasetRow, JobRow
from ..errors import Conflict, Gone, NotFound
from ..jobs import fair_queue, store
from ..jobs.output import BadOutputError, read_kept
from ..jobs.retention import note_use, refuse_pruned
from ..limits import Limits
from ..models.jobs import JobError, JobStatus
from .dataset_rows import find
from .datasets import numbered


def readable(session: Session, dataset: DatasetRow, number: int | None) -> DatasetVersionRow:
    """Return a version of a dataset that a job may read, the current one if none is named.

    Raises:
        Conflict: The dataset ships with the product, and has none.
        NotFound: There is no such version.
        Gone: It was deleted.
    """
    if dataset.current_version_id is None:
        raise Conflict(f"{dataset.name} ships with the product: it has no versions.", code="NO_VERSIONS")
    if number is None:
        version = session.get_one(DatasetVersionRow, dataset.current_version_id)
    else:
        version = numbered(session, dataset, number)
    if version.state != "ACTIVE":
        raise Gone(f"Version {version.number} of {dataset.name} was deleted.", code="DATASET_DELETED")
    return version


def enqueue(
    session: Session, limits: Limits, who: Caller, kind: str, name: str, version: DatasetVersionRow, **asked: Any
) -> JobRow:
    """Queue a job on a version.

    Args:
        session: The transaction.
        limits: How many may wait.
        who: Who asks.
        kind: What sort of job.
        name: What people know it by.
        version: What it reads.
        asked: Other columns of the request.
    """
    request_id = uuid.uuid4().hex
    job = store.create(session, user_id=who.user_id, kind=kind, resource_id=request_id, name=name)
    session.add(
        VersionRequestRow(
            id=request_id,
            user_id=who.user_id,
            dataset_id=version.dataset_id,
            version_id=version.id,
            job_id=job.id,
            created_at=database_now(session),
            **{"joined": {}, "options": {}} | asked,
        )
    )
    session.flush()
    return fair_queue.queue(session, job.id, max_queued=limits.of(who.user_id).queued)


def asked_for(
    session: Session, who: Caller, kind: str, job_id: str, dataset_id: str | None = None
) -> tuple[VersionRequestRow, JobRow]:
    """Return what the caller had asked for, and its job; access to what it read is looked up anew.

    Raises:
        ServiceError: There is no such job of theirs, or what it read is not theirs to read any more.
    """
    query = select(VersionRequestRow, JobRow).join(JobRow, JobRow.id == VersionRequestRow.job_id)
    query = query.where(JobRow.id == job_id, JobRow.user_id == who.user_id, JobRow.kind == kind)
    found = session.execute(query).first()
    dataset = None if dataset_id is None else find(session, who, dataset_id)
    if found is None or (dataset is not None and dataset.id != found[0].dataset_id):
        raise NotFound(f"There is no job {job_id} of this kind on this dataset.")
    row, job = found
    for version_id in (row.version_id, *row.joined.values()):
        find(session, who, session.get_one(DatasetVersionRow, version_id).dataset_id)
    return row, job


def at_work(job: JobRow) -> dict[str, Any]:
    """Say how far a job has come, as every answer about one says it."""
    error = None if job.error is None else JobError(**job.error)
    return {"job_id": job.id, "status": JobStatus(job.status), "error": error}


class KeptOutput:
    """Reads what completed jobs left.

    Args:
        database: Where it is noted that it is read.
        jobs_dir: Where it lies.
    """

    def __init__(self, database: Database, jobs_dir: Path) -> None:
        self._database = database
        self._jobs_dir = jobs_dir

    async def read(self, job: JobRow, name: str) -> bytes | None:
        """Read a file; ``None`` where the job has not completed.

        Raises:
            Gone: It is no longer kept.
        """
        if job.status != "COMPLETED":
            return None
        refuse_pruned(job)
        await note_use(self._database, [job])
        try:
            return await asyncio.to_thread(read_kept, self._jobs_dir / job.id / str(job.attempt) / "out", name)
        except BadOutputError:
            raise Gone(f"The {name} of this job is no longer stored.") from None
