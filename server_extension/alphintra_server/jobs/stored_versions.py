"""The kinds of job that read stored versions: a recipe run on one, tried on one, and two compared cell by cell."""

from __future__ import annotations

import uuid
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.committed import when_committed
from ..db.dataset_tables import DatasetVersionRow, StorageAccountRow
from ..db.engine import Database
from ..db.recipe_tables import VersionRequestRow
from ..db.tables import DatasetRow, JobRow
from ..errors import Gone, ServiceError
from ..limits import Limits
from ..metrics import PROCESSED_ROWS, STORED_FAILURES
from ..sealing.vault import Vault
from ..services.dataset_inputs import Inputs, current_is_sealed, folder_of, joined
from ..services.dataset_recording import Made, record
from ..services.dataset_rows import Level, find
from ..services.dataset_storage import DatasetStorage
from ..services.findings import COUNTS, handed_on, verdict
from . import store
from .attempt import JobInput
from .ingest_output import Written
from .kind import JobKind
from .output import BadOutputError
from .recipe_output import Expected, collect_comparison, collect_preview, collect_processed
from .store import Claim
from .validate import VALIDATE
from .version_keeping import kept, refuse_too_much

PROCESS, PREVIEW, COMPARE = "process", "preview", "compare"
_PARENT, _OTHER = "parent", "other"
_REASONS = frozenset(
    {
        "BAD_COLUMN", "BAD_DATA", "BAD_DIVIDEND", "BAD_OUTPUT", "BAD_PARAMETER", "CACHE_TOO_SMALL", "DAMAGED_FILE",
        "DATASET_ACCESS", "DATASET_DELETED", "DATA_GONE", "DISK_FULL", "DISK_LIMIT", "INTERNAL", "INTERNAL_ERROR",
        "LOOK_AHEAD", "LOST", "MEMORY_LIMIT", "NOT_ON_GRID", "NOT_RAW", "NOT_SORTED", "NO_KNOWLEDGE", "NO_ROWS",
        "NO_SANDBOX", "NO_TIMEFRAME", "OUTPUT_LIMIT", "PARENT_CHANGED", "PROTOCOL", "QUOTA_EXCEEDED", "SEALED",
        "SEALED_BUSY", "SEALED_TOO_LARGE", "STORAGE", "STORE_FAILED", "TIME_LIMIT", "TOO_LARGE", "UNKNOWN_COLUMN",
        "UNKNOWN_DATASET", "UNKNOWN_SYMBOL", "WORKER_DIED",
    }
)  # fmt: skip


class ProcessKind(JobKind):
    """Implements ``JobKind``: makes a version of a dataset by a recipe.

    Args:
        database: Where what is to be made is recorded.
        storage: Where versions lie.
        limits: What each user may store.
        vault: Makes the keys of what is made of sealed data, or is the next version of it.
    """

    keeps_output = False

    def __init__(self, database: Database, storage: DatasetStorage, limits: Limits, vault: Vault) -> None:
        self._database = database
        self._storage = storage
        self._limits = limits
        self._vault = vault

    def load(self, session: Session, held: Claim) -> JobInput:
        """Give the worker the version, those that are joined, and the recipe.

        Each attempt makes a version of an id of its own: what one that was taken over still writes is nobody's.
        """
        row = _request_of(session, held)
        dataset, source = _version(session, row, row.version_id, _needed(session, row))
        more = _joined(session, row)
        read = joined(session, self._storage, more)
        read.add(session, self._storage, folder_of(session, dataset), source, _PARENT)
        version = uuid.uuid4().hex
        assert row.owner_id is not None
        assert row.dataset_name is not None
        sealed = read.sealed or current_is_sealed(session, row.owner_id, row.dataset_name)
        keys = self._vault.make(version) if sealed else None
        message = {
            "id": held.job_id,
            "kind": held.kind,
            "version": version,
            "recipe": row.recipe,
            "symbols": row.options["symbols"],
            "rules": row.options["rules"],
            "seal": None if keys is None else keys.to_json(),
        }
        others = [more[name][1] for name in sorted(more)]
        assert row.recipe is not None
        expected = Expected(
            version,
            tuple(dict.fromkeys([source.id, *(other.id for other in others)])),
            row.recipe["steps"],
            [{"dataset": name, "content_hash": more[name][1].content_hash} for name in sorted(more)],
            bool(source.about.get("simulated")),
        )
        return JobInput(
            read.texts,
            message,
            collect=partial(collect_processed, expected=expected, keys=keys),
            links=read.links,
            sealed=read.sealed,
            more=lambda found: found.files,
            about="file",
        )

    def keeping(self, held: Claim, output: Written, folder: Path) -> AbstractContextManager[None]:
        """Check every file, put them into the store, and have them not swept until the version is recorded."""

        def owner(session: Session) -> str:
            return session.get_one(StorageAccountRow, _request_of(session, held).owner_id).folder

        return kept(self._storage, lambda: self._database.read_now(owner), output, folder)

    def save(self, session: Session, held: Claim, output: Written) -> None:
        """Record the version."""
        row = _request_of(session, held)
        try:
            _refuse_withdrawn(session, row)
        except ServiceError as error:
            raise BadOutputError(error.detail, error.code) from None
        assert row.owner_id is not None
        assert row.dataset_name is not None
        source = session.get_one(DatasetVersionRow, row.version_id)
        dataset = session.get_one(DatasetRow, row.dataset_id)
        found = verdict(output.report)
        stands = handed_on(source.validation_errors, source.acknowledgements, source.about, found)
        try:
            version = record(
                session,
                Made(
                    manifest=output.manifest,
                    owner_id=row.owner_id,
                    maker_id=row.user_id,
                    job_id=held.job_id,
                    dataset_name=row.dataset_name,
                    source=dataset.source,
                    description=row.options["description"],
                    tags=tuple(row.options["tags"]),
                    based_on=row.current_id,
                    is_validated=found.ran and not stands.errors,
                    errors=tuple(stands.errors),
                ),
            )
        except ServiceError as error:
            raise BadOutputError(error.detail, error.code) from None
        version.about = version.about | {"all_rules_ran": found.ran, COUNTS: stands.counts}
        version.acknowledgements = stands.acknowledgements
        row.made_id = version.id
        refuse_too_much(session, self._limits, row.owner_id, row.user_id)
        when_committed(session, lambda: PROCESSED_ROWS.inc(version.row_count))


class PreviewKind(JobKind):
    """Implements ``JobKind``: tries a recipe on some rows of a version.

    Args:
        storage: Where versions lie.
    """

    def __init__(self, storage: DatasetStorage) -> None:
        self._storage = storage

    def load(self, session: Session, held: Claim) -> JobInput:
        """Give the worker the version, those that are joined, and the recipe."""
        row = _request_of(session, held)
        dataset, source = _version(session, row, row.version_id, Level.READ)
        read = joined(session, self._storage, _joined(session, row))
        read.add(session, self._storage, folder_of(session, dataset), source, _PARENT)
        message = {"id": held.job_id, "kind": held.kind, "recipe": row.recipe, **row.options}
        return JobInput(read.texts, message, collect=collect_preview, links=read.links, about="file")

    def save(self, session: Session, held: Claim, output: Any) -> None:
        """Keep no recipe that was only tried."""
        _request_of(session, held).recipe = None


class CompareKind(JobKind):
    """Implements ``JobKind``: compares two versions of a dataset.

    Args:
        storage: Where versions lie.
    """

    def __init__(self, storage: DatasetStorage) -> None:
        self._storage = storage

    def load(self, session: Session, held: Claim) -> JobInput:
        """Give the worker both versions."""
        row = _request_of(session, held)
        read = Inputs()
        for folder, version_id in ((_PARENT, row.version_id), (_OTHER, row.other_id)):
            assert version_id is not None
            dataset, version = _version(session, row, version_id, Level.READ)
            read.add(session, self._storage, folder_of(session, dataset), version, folder)
        message = {"id": held.job_id, "kind": held.kind}
        return JobInput({}, message, collect=collect_comparison, links=read.links, about="file")

    def save(self, session: Session, held: Claim, output: Any) -> None:
        """Write nothing: what was found lies in the job's folder."""
        return


def _count_failure(session: Session, job: JobRow) -> None:
    """Count a job that came to nothing by why, of a list of ours: a worker could name anything."""
    if job.status == "FAILED":
        reason = job.error_code if job.error_code in _REASONS else "OTHER"
        when_committed(session, lambda: STORED_FAILURES.labels(job.kind, reason).inc())


for _kind in (PROCESS, PREVIEW, COMPARE, VALIDATE):
    store.when_ended(_kind, _count_failure)


def _request_of(session: Session, held: Claim) -> VersionRequestRow:
    return session.scalars(select(VersionRequestRow).where(VersionRequestRow.job_id == held.job_id)).one()


def _needed(session: Session, row: VersionRequestRow) -> Level:
    """Tell what its maker has to be allowed of the dataset that is processed."""
    dataset = session.get_one(DatasetRow, row.dataset_id)
    return Level.EDIT if (row.owner_id, row.dataset_name) == (dataset.user_id, dataset.name) else Level.USE


def _refuse_withdrawn(session: Session, row: VersionRequestRow) -> None:
    """Refuse a version made of what is no longer shared with whoever asked. What was deleted meanwhile was read.

    Raises:
        ServiceError: Sharing has ended while the job was at work.
    """
    needed = {row.version_id: _needed(session, row), **dict.fromkeys(row.joined.values(), Level.USE)}
    for version_id, level in needed.items():
        dataset = session.get_one(DatasetRow, session.get_one(DatasetVersionRow, version_id).dataset_id)
        if dataset.state == "ACTIVE":
            find(session, Caller(row.user_id, ()), dataset.id, level)


def _version(
    session: Session, row: VersionRequestRow, version_id: str, level: Level
) -> tuple[DatasetRow, DatasetVersionRow]:
    """Return a version, if whoever asked may still have it: sharing may have ended while the job waited.

    Raises:
        ServiceError: It was deleted, or is not for them.
    """
    version = session.get_one(DatasetVersionRow, version_id)
    dataset = find(session, Caller(row.user_id, ()), version.dataset_id, level)
    if version.state != "ACTIVE":
        raise Gone(f"Version {version.number} of {dataset.name} was deleted.", code="DATASET_DELETED")
    return dataset, version


def _joined(session: Session, row: VersionRequestRow) -> dict[str, tuple[DatasetRow, DatasetVersionRow]]:
    return {name: _version(session, row, version_id, Level.USE) for name, version_id in row.joined.items()}
