"""The two kinds of job that read an upload: a first look at it, and making a version of a dataset of it."""

from __future__ import annotations

import json
import uuid
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from alphintra.ingest.findings import SEVERITIES
from alphintra.ingest.mapping import Mapping
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..db.committed import when_committed
from ..db.dataset_tables import (
    DatasetVersionRow,
    RememberedMappingRow,
    StorageAccountRow,
    UploadRow,
)
from ..db.engine import Database, database_now
from ..db.ingest_tables import IngestRow
from ..db.tables import DatasetRow, JobRow
from ..errors import Conflict
from ..limits import Limits
from ..metrics import INGEST_FAILURES, INGEST_SECONDS, INGESTED_ROWS
from ..sealing.vault import Vault
from ..services import connector_runs, upload_rows
from ..services.dataset_inputs import NOT_ADDED, Inputs, current_is_sealed, refuse_sealed
from ..services.dataset_recording import Made, record
from ..services.dataset_storage import DatasetStorage
from ..services.findings import COUNTS, added_up, counted, together, verdict
from . import store
from .attempt import JobInput
from .ingest_output import InspectionDocument, NothingNew, Written, collect_inspection, collect_version
from .kind import JobKind
from .output import BadOutputError
from .store import Claim
from .version_keeping import kept, refuse_too_much

INSPECT, INGEST = "inspect", "ingest"
UPLOAD = "upload"
_PARENT = "parent"
_NOT_THE_FILE = frozenset(
    {
        "BAD_OUTPUT", "CACHE_TOO_SMALL", "DATA_GONE", "DISK_FULL", "DISK_LIMIT", "INTERNAL", "LOST", "MEMORY_LIMIT",
        "NO_SANDBOX", "OUTPUT_LIMIT", "PROTOCOL", "SEALED", "STORAGE", "STORE_FAILED", "TIME_LIMIT", "WORKER_DIED",
    }
)  # fmt: skip
"""Why a job may not be done that are no property of the file: the same file may do another time."""
_REASONS = frozenset(
    {
        "BAD_COLUMN", "BAD_JSON", "BAD_MAPPING", "BAD_SYMBOL", "COLUMN_LIMIT", "CONFLICT", "DAMAGED_FILE", "EMPTY_FILE",
        "INTERNAL_ERROR", "KNOWN_FROM_MISSING", "MAPPING_MISMATCH", "NOT_SORTED", "NO_REFERENCE", "NO_ROWS", "OVERLAP",
        "OVERLAP_CONFLICT", "PARENT_CHANGED", "QUOTA_EXCEEDED", "ROW_LIMIT", "SEALED", "TOO_LARGE", "TS_TZ_MISSING",
        "UNKNOWN_FILE_TYPE", "UNKNOWN_TIME_ZONE", "UNREADABLE",
    }
)  # fmt: skip


class InspectKind(JobKind):
    """Implements ``JobKind``: looks at an upload.

    Args:
        storage: Where it lies.
    """

    keeps_output = False

    def __init__(self, storage: DatasetStorage) -> None:
        self._storage = storage

    def load(self, session: Session, held: Claim) -> JobInput:
        """Give the worker the file."""
        row = session.get_one(UploadRow, held.resource_id)
        message = {"id": held.job_id, "kind": held.kind, "upload": _described(row)}
        links = {UPLOAD: self._storage.upload(row.id)}
        return JobInput({}, message, collect=collect_inspection, links=links, about="file")

    def save(self, session: Session, held: Claim, output: InspectionDocument) -> None:
        """Keep what was found, with how the user had such a file read before."""
        row = session.get_one(UploadRow, held.resource_id)
        remembered = session.get(RememberedMappingRow, (row.user_id, output.fingerprint))
        found = output.model_dump(mode="json")
        row.inspection = found | {"remembered": None if remembered is None else remembered.mapping}
        row.state, row.error = "INSPECTED", None
        upload_rows.went_on(row, database_now(session))

    def told(self, row: JobRow, output: Any) -> None:
        """Count what came of it, and remove a file that cannot be read."""
        _count(row)
        if row.status == "FAILED" and row.error_code not in _NOT_THE_FILE:
            self._storage.upload(row.resource_id).unlink(missing_ok=True)


class IngestKind(JobKind):
    """Implements ``JobKind``: makes a version of a dataset of an upload.

    Args:
        database: Where what is to be made is recorded.
        storage: Where uploads and versions lie.
        limits: What each user may store.
        vault: Makes the keys of what is sealed.
    """

    keeps_output = False

    def __init__(self, database: Database, storage: DatasetStorage, limits: Limits, vault: Vault) -> None:
        self._database = database
        self._storage = storage
        self._limits = limits
        self._vault = vault

    def load(self, session: Session, held: Claim) -> JobInput:
        """Give the worker the file and how it is read, and the version that the new one goes on from.

        Each attempt makes a version of an id of its own: what one that was taken over still writes is nobody's.
        """
        row, owner = _request_of(session, held.job_id)
        upload = session.get_one(UploadRow, row.upload_id)
        read = Inputs(links={UPLOAD: self._storage.upload(upload.id)})
        parents = (row.parent_id,) if row.parent_id is not None else ()
        for parent in parents:
            before = session.get_one(DatasetVersionRow, parent)
            refuse_sealed(session.get_one(DatasetRow, before.dataset_id), before, NOT_ADDED)
            read.add(session, self._storage, owner, before, _PARENT)
        version, described = uuid.uuid4().hex, _described(upload)
        sealed = row.sealed
        if sealed is None and not parents:
            sealed = current_is_sealed(session, row.owner_id, row.dataset_name)
        keys = self._vault.make(version) if sealed else None
        message = {
            "id": held.job_id,
            "kind": held.kind,
            "upload": described,
            "mapping": row.mapping,
            "version": version,
            "parents": parents,
            "overlap": row.overlap,
            "about": row.about,
            "seal": None if keys is None else keys.to_json(),
        }
        # As the worker writes it: every field of the mapping, in the types of JSON.
        mapping = json.loads(json.dumps(asdict(Mapping.from_json(json.dumps(row.mapping)))))
        collect = partial(
            collect_version,
            version=version,
            parents=parents,
            source=described | {"mapping": mapping},
            overlap=row.overlap,
            keys=keys,
        )
        return JobInput({}, message, collect=collect, links=read.links, more=lambda found: found.files, about="file")

    def keeping(self, held: Claim, output: Written | NothingNew, folder: Path) -> AbstractContextManager[None]:
        """Check every file, put them into the store, and have them not swept until the version is recorded."""
        if not isinstance(output, Written):
            return nullcontext()

        def owner() -> str:
            return self._database.read_now(lambda session: _request_of(session, held.job_id)[1])

        return kept(self._storage, owner, output, folder)

    def save(self, session: Session, held: Claim, output: Written | NothingNew) -> None:
        """Record the version, and say so of the run of a connector that it ends."""
        row, _ = _request_of(session, held.job_id)
        upload = session.get_one(UploadRow, row.upload_id)
        fetched = connector_runs.of_job(session, held.job_id)
        if isinstance(output, NothingNew):
            _done(session, upload)
            if fetched is not None:
                connector_runs.succeed(session, *fetched, "NOTHING_NEW", row.parent_id)
            return
        found = verdict(output.report)
        errors, ran, accepted, before = found.errors, found.ran, [], 0
        counts = dict(found.counts)
        if row.parent_id is not None:
            parent = session.get_one(DatasetVersionRow, row.parent_id)
            errors = together(parent.validation_errors, errors, counted(parent.about))
            accepted, before = parent.acknowledgements, parent.row_count
            counts = added_up(counted(parent.about), counts)
            ran = ran and bool(parent.about["all_rules_ran"])
        try:
            version = record(
                session,
                Made(
                    manifest=output.manifest,
                    owner_id=row.owner_id,
                    maker_id=row.user_id,
                    job_id=held.job_id,
                    dataset_name=row.dataset_name,
                    source=row.source,
                    description=row.description,
                    tags=tuple(row.tags),
                    opens=row.sealed is False,
                    based_on=row.parent_id,
                    # A connector adds rows: a dataset that was made since it asked for all is not to lose its own.
                    begins=fetched is not None and row.parent_id is None,
                    is_validated=ran and not errors,
                    errors=errors,
                ),
            )
        except Conflict as error:
            raise BadOutputError(error.detail, error.code) from None
        version.about = version.about | {"all_rules_ran": ran, COUNTS: counts}
        version.acknowledgements = list(accepted)
        row.version_id = upload.version_id = version.id
        # Events that were read out of a file of bars: the next such file is bars again.
        beside = row.mapping.get("kind") == "reference" and _guessed_kind(upload) == "bars"
        _done(session, upload, sealed=output.manifest.sealed)
        if fetched is not None:
            connector_runs.succeed(session, *fetched, "DONE", version.id, version.row_count - before)
        refuse_too_much(session, self._limits, row.owner_id, row.user_id)
        if row.remember and row.fingerprint is not None and not beside:
            _remember(session, row)

    def told(self, row: JobRow, output: Any) -> None:
        """Count what came of it, and remove the file that has become a version."""
        _count(row)
        if row.status == "COMPLETED":
            if isinstance(output, Written):
                INGESTED_ROWS.inc(output.manifest.rows)
            self._storage.upload(row.resource_id).unlink(missing_ok=True)


def ended(session: Session, job: JobRow) -> None:
    """Say of an upload how the job on it ended that made nothing of it, in the transaction in which it does.

    A file that cannot be read is of no use to anybody: it goes. One that another mapping may read, and one on which the
    job could not be done, wait for the next try.
    """
    connector_runs.job_ended(session, job)
    if job.status == "FAILED":
        # A worker could name any: what is counted is a list of ours.
        known = job.error_code in _NOT_THE_FILE or job.error_code in SEVERITIES or job.error_code in _REASONS
        reason = job.error_code if known else "OTHER"
        when_committed(session, lambda: INGEST_FAILURES.labels(job.kind, reason).inc())
    query = select(UploadRow).where(UploadRow.job_id == job.id).with_for_update()
    row = session.scalars(query, execution_options={"populate_existing": True}).first()
    if row is None:
        return
    now = database_now(session)
    row.error = job.error
    upload_rows.went_on(row, now)
    if job.kind == INGEST:
        row.state = "RECEIVED" if row.inspection is None else "INSPECTED"
    elif job.status == "CANCELLED" or job.error_code in _NOT_THE_FILE:
        row.state = "RECEIVED"
    else:
        row.state, row.expires_at, row.kept = "FAILED", now, False


for _kind in (INSPECT, INGEST):
    store.when_ended(_kind, ended)


def _request_of(session: Session, job_id: str) -> tuple[IngestRow, str]:
    row = session.scalars(select(IngestRow).where(IngestRow.job_id == job_id)).one()
    return row, session.get_one(StorageAccountRow, row.owner_id).folder


def _done(session: Session, upload: UploadRow, *, sealed: bool = False) -> None:
    """Say of an upload that it has served."""
    upload.state, upload.error, upload.kept = "DONE", None, False
    if sealed:  # it shows rows
        upload.inspection = None
    upload.updated_at = upload.expires_at = database_now(session)


def _guessed_kind(upload: UploadRow) -> str | None:
    return None if upload.inspection is None else upload.inspection["mapping"].get("kind")


def _described(row: UploadRow) -> dict[str, Any]:
    return {"name": row.filename, "bytes": row.length, "sha256": row.sha256}


def _remember(session: Session, row: IngestRow) -> None:
    """Keep how the user has files of this shape read."""
    now = database_now(session)
    kept = session.get(RememberedMappingRow, (row.user_id, row.fingerprint))
    if kept is None:
        session.add(
            RememberedMappingRow(
                user_id=row.user_id, fingerprint=row.fingerprint, mapping=row.mapping, used_at=now
            )
        )
    else:
        kept.mapping, kept.used_at = row.mapping, now


def _count(row: JobRow) -> None:
    if row.status == "COMPLETED" and row.run_seconds is not None:
        INGEST_SECONDS.labels(row.kind).observe(row.run_seconds)
