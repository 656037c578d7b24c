"""Rows of check runs as the API shows them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from ..db.check_tables import CheckRunRow
from ..db.tables import JobRow
from ..models.checks import (
    CheckDifferences,
    CheckResult,
    ChecksRun,
    CheckTrigger,
    ComparedWith,
    InputChange,
)
from ..models.jobs import JobError, JobStatus
from . import selections
from .backtest_rows import key_metrics


def to_model(session: Session, row: CheckRunRow) -> ChecksRun:
    """Show a run with the state of its job."""
    job = session.get_one(JobRow, row.job_id)
    before = None if row.compared_with is None else session.get(CheckRunRow, row.compared_with)
    return ChecksRun(
        id=row.id,
        strategy_id=row.strategy_id,
        job_id=job.id,
        created_at=row.created_at,
        started_at=job.started_at,
        completed_at=job.finished_at,
        trigger=CheckTrigger(row.trigger),
        status=JobStatus(job.status),
        phase=job.phase,
        # What could not run has not passed, also before somebody took note of it.
        passed=False if job.status == "FAILED" else row.passed,
        results=[CheckResult(**outcome) for outcome in row.results],
        compared_with=None
        if before is None
        else ComparedWith(
            id=before.id,
            created_at=before.created_at,
            strategy_version=before.strategy_version,
            dataset_hash=before.dataset_hash,
            passed=before.passed,
        ),
        inputs=[InputChange(**change) for change in row.inputs],
        differences=None if row.differences is None else CheckDifferences.model_validate(row.differences),
        metrics=key_metrics(row.metrics) if row.metrics else None,
        strategy_version=row.strategy_version,
        class_name=row.class_name,
        dataset_id=row.dataset_id,
        dataset_name=selections.selected(session, row).name,
        dataset_hash=row.dataset_hash,
        parameters=row.parameters,
        error=None if job.error is None else JobError(**job.error),
    )
