"""The kind of job that checks a stored version again: other rules, other numbers, or rules that are new."""

from __future__ import annotations

import json
from functools import partial

from alphintra.rules.report import Report
from sqlalchemy.orm import Session

from ..db.dataset_tables import DatasetReportRow, DatasetVersionRow
from ..db.engine import database_now
from ..db.tables import DatasetRow
from ..errors import Gone
from ..services.dataset_inputs import Inputs, folder_of, is_sealed
from ..services.dataset_storage import DatasetStorage
from ..services.findings import rule_of, verdict
from .attempt import JobInput
from .ingest_output import collect_report
from .kind import JobKind
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
        dataset = session.get_one(DatasetRow, version.dataset_id)
        if version.state != "ACTIVE" or dataset.state != "ACTIVE" or dataset.user_id is None:
            raise Gone(f"Version {version.number} of {dataset.name} was deleted.", code="DATASET_DELETED")
        read = Inputs().add(session, self._storage, folder_of(session, dataset), version, "parent")
        sealed = is_sealed(version)
        message = {"id": held.job_id, "kind": held.kind, "rules": asked.parameters, "before": None, "counts": sealed}
        collects = partial(collect_report, sealed=sealed)
        return JobInput({}, message, collect=collects, links=read.links, sealed=read.sealed, about="file")

    def save(self, session: Session, held: Claim, output: Report) -> None:
        """Keep the report; what was acknowledged of an error that is still there stays so."""
        asked = session.get_one(DatasetReportRow, held.resource_id)
        version = session.get_one(DatasetVersionRow, asked.version_id, with_for_update=True)
        asked.report = json.loads(output.to_json())
        asked.created_at = database_now(session)
        found = verdict(output)
        accepted = {own["rule"] for own in version.acknowledgements}
        version.validation_errors = [line for line in found.errors if rule_of(line) not in accepted]
        version.about = version.about | {"all_rules_ran": found.ran}
        version.is_validated = found.ran and not version.validation_errors
        dataset = session.get_one(DatasetRow, version.dataset_id, with_for_update=True)
        if dataset.current_version_id == version.id:
            dataset.is_validated, dataset.validation_errors = version.is_validated, version.validation_errors
