"""The kind of job that checks a stored version again: other rules, other numbers, or rules that are new."""

from __future__ import annotations

import json
from functools import partial

from alphintra.rules.report import Report
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetReportRow, DatasetVersionRow
from ..db.engine import database_now
from ..db.tables import DatasetRow, JobRow
from ..errors import Gone, ServiceError
from ..services.dataset_inputs import Inputs, folder_of, is_sealed
from ..services.dataset_rows import Level, find
from ..services.dataset_storage import DatasetStorage
from ..services.feature_sets import REFERENCE, select_reference
from ..services.findings import COUNTS, looked_again, verdict
from . import store
from .attempt import JobInput
from .ingest_output import collect_report
from .kind import JobKind
from .output import BadOutputError
from .store import Claim

VALIDATE = "validate"


class ValidateKind(JobKind):
    """Implements ``JobKind``.

    Args:
        storage: Where versions lie.
    """

    keeps_output = False

    def __init__(self, storage: DatasetStorage) -> None:
        self._storage = storage

    def load(self, session: Session, held: Claim) -> JobInput:
        """Give the worker the version, and which rules."""
        asked = session.get_one(DatasetReportRow, held.resource_id)
        version = session.get_one(DatasetVersionRow, asked.version_id)
        dataset = _to_edit(session, held, version)
        if version.state != "ACTIVE":
            raise Gone(f"Version {version.number} of {dataset.name} was deleted.", code="DATASET_DELETED")
        read = Inputs().add(session, self._storage, folder_of(session, dataset), version, "parent")
        sealed = is_sealed(version)
        rules = {name: own for name, own in asked.parameters.items() if name != REFERENCE}
        reference = asked.parameters.get(REFERENCE)
        if reference is not None:
            # Looked up once more: sharing may have ended meanwhile.
            other = select_reference(session, Caller(held.user_id, ()), reference)
            if other.version is None or other.version.state != "ACTIVE":
                raise Gone(f"{other.name} was deleted.", code="DATASET_DELETED")
            read.add(session, self._storage, folder_of(session, other.row), other.version, REFERENCE)
            sealed = sealed or is_sealed(other.version)
        message = {
            "id": held.job_id, "kind": held.kind, "rules": rules, "before": None, "counts": sealed,
            REFERENCE: reference is not None,
        }  # fmt: skip
        collects = partial(collect_report, sealed=sealed)
        return JobInput({}, message, collect=collects, links=read.links, sealed=read.sealed, about="file")

    def save(self, session: Session, held: Claim, output: Report) -> None:
        """Keep the report, and none from before."""
        asked = session.get_one(DatasetReportRow, held.resource_id)
        version = session.get_one(DatasetVersionRow, asked.version_id, with_for_update=True)
        try:
            _to_edit(session, held, version)
        except ServiceError as error:
            raise BadOutputError(error.detail, error.code) from None
        asked.report = json.loads(output.to_json())
        asked.created_at = database_now(session)
        found = verdict(output)
        stands = looked_again(version.validation_errors, version.acknowledgements, version.about, found)
        version.validation_errors = stands.errors
        version.about = version.about | {"all_rules_ran": found.ran, COUNTS: stands.counts}
        version.is_validated = found.ran and not version.validation_errors
        dataset = session.get_one(DatasetRow, version.dataset_id, with_for_update=True)
        if dataset.current_version_id == version.id:
            dataset.is_validated, dataset.validation_errors = version.is_validated, version.validation_errors
        ended = select(JobRow.id).where(JobRow.status.in_(store.FINISHED))
        earlier = (DatasetReportRow.version_id == version.id, DatasetReportRow.id != asked.id)
        session.execute(
            delete(DatasetReportRow).where(*earlier, DatasetReportRow.job_id.in_(ended)),
            execution_options={"synchronize_session": False},
        )


def _to_edit(session: Session, held: Claim, version: DatasetVersionRow) -> DatasetRow:
    """Return the dataset of a version, if whoever asked may still change it: sharing may have ended meanwhile.

    Raises:
        ServiceError: It was deleted, or is not for them.
    """
    return find(session, Caller(held.user_id, ()), version.dataset_id, Level.EDIT)
