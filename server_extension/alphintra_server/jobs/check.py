"""The check kind of job: what its worker gets, and what its output means."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..db.check_tables import CheckRunRow
from ..db.tables import StrategyRow, StrategyVersionRow
from ..services.check_outcomes import settle, settle_failed
from ..services.dataset_inputs import inputs, readable
from ..services.dataset_storage import DatasetStorage
from ..services.feature_sets import REFERENCE
from ..services.selections import selected
from .attempt import JobInput
from .backtest import file_name, known_as
from .check_output import ChecksOutput, collect, read_record
from .kind import JobKind
from .store import Claim

_log = logging.getLogger(__name__)


class CheckKind(JobKind):
    """Implements ``JobKind``.

    Args:
        jobs_dir: Where the attempts' output is: a run is compared with what the run before left there.
        storage: Where users' datasets lie.
    """

    def __init__(self, jobs_dir: Path, storage: DatasetStorage) -> None:
        self._jobs_dir = jobs_dir
        self._storage = storage

    def load(self, session: Session, held: Claim) -> JobInput:
        """Read the stored version, the configuration, and the record of the run before."""
        row = session.get_one(CheckRunRow, held.resource_id)
        version = session.get_one(StrategyVersionRow, (row.strategy_id, row.strategy_version))
        strategy = session.get_one(StrategyRow, row.strategy_id)
        selection = selected(session, row)
        benchmark = row.configuration.get("benchmark")
        features = row.configuration.get("features") or {}
        others = {f"features.{name}": each for name, each in features.items()}
        if row.configuration.get(REFERENCE) is not None:
            others[REFERENCE] = row.configuration[REFERENCE]
        read = readable(session, held.user_id, selection, benchmark, others)
        given = inputs(session, self._storage, read)
        configuration = dict(row.configuration)
        # By the names that the worker's index has, which of another's dataset is not the id that was asked for.
        if benchmark is not None:
            configuration["benchmark"] = read[1].name
        own = dict(zip(others, (each.name for each in read[len(read) - len(others) :]), strict=True))
        if features:
            configuration["features"] = {name: own[f"features.{name}"] for name in features}
        if REFERENCE in own:
            configuration[REFERENCE] = own[REFERENCE]
        file = file_name(version.modules)
        files = {f"source/{file}": version.code}
        files |= {f"source/{path}": text for path, text in version.modules.items()}
        before = run_before(session, row)
        if before is not None and before.record is not None:
            folder = self._jobs_dir / before.job_id / str(before.record["attempt"]) / "out"
            record = read_record(folder, before.record)
            if record is None:
                _log.warning("Check run %s cannot be compared: the record of %s is gone", row.id, before.id)
            else:
                files["previous.json"] = record
        message: dict[str, Any] = {
            "id": held.job_id,
            "kind": held.kind,
            "source": {
                "file": file,
                "class_name": row.class_name,
                "modules": sorted(version.modules),
                "hash": version.source_hash,
            },
            "data": {"name": selection.name},
            "parameters": row.parameters,
            "configuration": configuration,
            "checks": row.checks,
        }
        known = known_as(strategy.source_path, version.line_map)
        collects = partial(collect, checks=row.checks)
        return JobInput(
            files | given.texts, message, known, version.line_map, collects, given.links, sealed=given.sealed
        )

    def save(self, session: Session, held: Claim, output: ChecksOutput) -> None:
        """Write the outcome; tell the owner where checks that passed do not any more."""
        row = session.get_one(CheckRunRow, held.resource_id)
        document = output.document
        before = None
        if document.compared_with is not None:
            # The worker runs the user's code: it can name no run but one of this strategy.
            query = select(CheckRunRow).where(
                CheckRunRow.strategy_id == row.strategy_id, CheckRunRow.job_id == document.compared_with.id
            )
            before = session.scalars(query).first()
        row.results = [outcome.model_dump() for outcome in document.results]
        row.metrics = document.metrics
        row.record = output.record | {"attempt": held.attempt}
        if document.compared_with is not None:
            row.compared_with = None if before is None else before.id
            row.inputs = [change.model_dump() for change in document.inputs]
            row.differences = document.differences.model_dump()
        # Those that ended before this one, and of which nobody has taken note yet, come first.
        settle_failed(session, row.strategy_id)
        settle(session, row, passed=all(outcome.passed for outcome in document.results))


def run_before(session: Session, row: CheckRunRow) -> CheckRunRow | None:
    """Find the newest earlier run on the same data of which a record is kept."""
    query = (
        select(CheckRunRow)
        .where(
            CheckRunRow.strategy_id == row.strategy_id,
            CheckRunRow.dataset_id == row.dataset_id,
            CheckRunRow.record.is_not(None),
            CheckRunRow.id != row.id,
        )
        .order_by(CheckRunRow.created_at.desc(), CheckRunRow.id)
    )
    return next((item for item in session.scalars(query.limit(10)) if item.symbols == row.symbols), None)
