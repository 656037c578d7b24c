"""Validation of stored versions: the report, checking again, and errors that somebody accepts."""

from __future__ import annotations

import json
import uuid
from typing import Any

from alphintra.errors import RuleError
from alphintra.rules.registry import Choice, groups, rules
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetReportRow, DatasetVersionRow
from ..db.engine import database_now
from ..db.tables import DatasetRow, JobRow
from ..errors import Gone, Invalid, NotFound
from ..idempotency import remember
from ..jobs import fair_queue, store
from ..jobs.validate import VALIDATE
from ..models.validations import (
    Acknowledged,
    Acknowledgement,
    CheckAgain,
    RuleNumber,
    ValidationAccepted,
    ValidationReport,
    ValidationRequest,
    ValidationRule,
    ValidationRules,
)
from .dataset_rows import Level, find
from .feature_sets import REFERENCE, select_reference
from .findings import counted, rule_of
from .manifests import Manifests, place_of
from .queueing import Queueing
from .selections import pinned


class Validations:
    """What a user can do about the errors of a version.

    Args:
        jobs: Where jobs go, and everything is recorded.
        manifests: Hold the reports from when versions were made.
    """

    def __init__(self, jobs: Queueing, manifests: Manifests) -> None:
        self._manifests = manifests
        self._jobs = jobs

    def rules(self) -> ValidationRules:
        """List all rules."""
        return ValidationRules(
            rules=[
                ValidationRule(
                    id=rule.id,
                    group=groups()[rule.id],
                    severity=rule.severity,
                    definition=rule.definition,
                    silent=rule.silent,
                    parameters=[RuleNumber(**vars(number)) for number in rule.parameters],
                    seen_in=rule.seen_in,
                )
                for rule in rules().values()
            ]
        )

    async def report(self, who: Caller, dataset_id: str, number: int) -> ValidationReport:
        """Read the newest report on a version."""

        def work(session: Session) -> tuple[DatasetVersionRow, DatasetReportRow | None, Any]:
            dataset, version = _version(session, who, dataset_id, number)
            made = select(DatasetReportRow).join(JobRow, JobRow.id == DatasetReportRow.job_id)
            made = made.where(DatasetReportRow.version_id == version.id, JobRow.status == "COMPLETED")
            newest = made.order_by(DatasetReportRow.created_at.desc(), DatasetReportRow.id).limit(1)
            found = session.scalars(newest).first()
            return version, found, None if found is not None else place_of(session, dataset, version)

        version, row, place = await self._jobs.database.read(work)
        raw = row.report if row is not None else (await self._manifests.read(place))["provenance"]["report"]
        return ValidationReport(
            dataset_id=version.dataset_id,
            number=version.number,
            is_validated=version.is_validated,
            validation_errors=version.validation_errors,
            acknowledgements=version.acknowledgements,
            counts=counted(version.about),
            parameters={} if row is None else row.parameters,
            report=raw,
        )

    async def validate(
        self, who: Caller, dataset_id: str, number: int, body: CheckAgain
    ) -> ValidationAccepted:
        """Check a version again, with a choice of rules and of their numbers, and with what is known beside it."""
        choice = choice_of(ValidationRequest(left_out=body.left_out, parameters=body.parameters))

        def work(session: Session) -> ValidationAccepted:
            dataset, version = _version(session, who, dataset_id, number, Level.EDIT)
            self._jobs.refuse()
            parameters = json.loads(choice.to_json())
            if body.reference is not None:
                parameters[REFERENCE] = pinned(body.reference, select_reference(session, who, body.reference))
            report_id = uuid.uuid4().hex
            job = store.create(
                session,
                user_id=who.user_id,
                kind=VALIDATE,
                resource_id=report_id,
                name=f"Check {dataset.name}@{version.number}",
            )
            session.add(
                DatasetReportRow(
                    id=report_id,
                    version_id=version.id,
                    job_id=job.id,
                    parameters=parameters,
                    report={},
                    created_at=database_now(session),
                )
            )
            session.flush()
            job = fair_queue.queue(session, job.id, max_queued=self._jobs.limits.of(who.user_id).queued)
            return remember(session, ValidationAccepted(job_id=job.id, status=job.status))

        return await self._jobs.queue(work)

    async def acknowledge(
        self, who: Caller, dataset_id: str, number: int, body: Acknowledgement
    ) -> Acknowledged:
        """Accept errors of a version: it can be used then; who, when and why stay with it."""
        why = body.why.strip()
        if not why:
            raise Invalid.field("why", "say why the errors do not matter")

        def work(session: Session) -> Acknowledged:
            dataset, version = _version(session, who, dataset_id, number, Level.EDIT, lock=True)
            still = {rule_of(line): line for line in version.validation_errors}
            for rule in body.rules:
                if rule not in still:
                    known = ", ".join(sorted(still)) or "none"
                    raise Invalid.field("rules", f"{rule} has no open error; open are: {known}", code="NO_OPEN_ERROR")
            when = database_now(session).strftime("%Y-%m-%dT%H:%M:%SZ")
            # How many places were accepted: more of them, found later, are open.
            counts = counted(version.about)
            accepted = [
                {"rule": rule, "who": who.user_id, "when": when, "why": why}
                | ({"count": counts[rule]} if rule in counts else {})
                for rule in sorted(set(body.rules))
            ]
            version.acknowledgements = [*version.acknowledgements, *accepted]
            version.validation_errors = [line for rule, line in still.items() if rule not in body.rules]
            version.is_validated = bool(version.about["all_rules_ran"]) and not version.validation_errors
            # Another version may have become the current one since it was read: that one's errors are not these.
            session.refresh(dataset, with_for_update=True)
            if dataset.current_version_id == version.id:
                dataset.is_validated, dataset.validation_errors = version.is_validated, version.validation_errors
            made = Acknowledged(
                is_validated=version.is_validated,
                validation_errors=version.validation_errors,
                acknowledgements=version.acknowledgements,
            )
            return remember(session, made)

        return await self._jobs.database.write(work)


def choice_of(body: ValidationRequest, place: str = "") -> Choice:
    """Return which rules are to be checked, with which numbers.

    Args:
        body: As it was asked for.
        place: Put before the names of its fields in an error.

    Raises:
        Invalid: There is no such rule, or it has no such number.
    """
    try:
        return Choice.from_json(body.model_dump_json())
    except RuleError as error:
        unknown = any(rule not in rules() for rule in body.left_out)
        field = "left_out" if error.code == "UNKNOWN_RULE" and unknown else "parameters"
        raise Invalid.field(place + field, str(error), code=error.code) from None


def _version(
    session: Session, who: Caller, dataset_id: str, number: int, level: Level = Level.READ, *, lock: bool = False
) -> tuple[DatasetRow, DatasetVersionRow]:
    dataset = find(session, who, dataset_id, level)
    query = select(DatasetVersionRow).where(
        DatasetVersionRow.dataset_id == dataset.id, DatasetVersionRow.number == number
    )
    version = session.scalars(query.with_for_update() if lock else query).first()
    if version is None:
        raise NotFound(f"{dataset.name} has no version {number}.", code="UNKNOWN_VERSION")
    if version.state != "ACTIVE":
        raise Gone(f"Version {number} of {dataset.name} was deleted.", code="DATASET_DELETED")
    return dataset, version
