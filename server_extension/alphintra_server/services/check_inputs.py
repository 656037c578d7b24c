"""What a plan's runs read beside their prices: a new version of one of these datasets is new data as well.

A dataset of which the plan names a version stays as it is; of the others it is kept for which content a run was made.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, select, update
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.check_tables import CheckPlanInputRow, CheckPlanRow
from ..db.tables import DatasetRow
from ..errors import ServiceError
from .dataset_rows import Level, find


def note(session: Session, plan: CheckPlanRow, *, anew: bool = False) -> None:
    """Write down what the next runs of a plan read; what is known already keeps its mark, unless all begin anew."""
    rows = select(CheckPlanInputRow).where(CheckPlanInputRow.strategy_id == plan.strategy_id)
    wanted = _named(session, plan)
    gone = delete(CheckPlanInputRow).where(CheckPlanInputRow.strategy_id == plan.strategy_id)
    session.execute(gone if anew else gone.where(CheckPlanInputRow.dataset_id.not_in(wanted)))
    known = {row.dataset_id for row in session.scalars(rows)}
    for dataset_id, content in wanted.items():
        if dataset_id not in known:
            session.add(CheckPlanInputRow(strategy_id=plan.strategy_id, dataset_id=dataset_id, seen=content))
    session.flush()


def other_than_seen() -> ColumnElement[bool]:
    """Tell of which plans an input is not what it was."""
    query = select(CheckPlanInputRow.dataset_id).join(DatasetRow, DatasetRow.id == CheckPlanInputRow.dataset_id)
    return query.where(
        CheckPlanInputRow.strategy_id == CheckPlanRow.strategy_id, CheckPlanInputRow.seen != DatasetRow.content_hash
    ).exists()


def claim(session: Session, plan: CheckPlanRow) -> bool:
    """Move the marks of a plan's inputs on; tell whether this moved one."""
    query = select(CheckPlanInputRow.dataset_id, CheckPlanInputRow.seen, DatasetRow.content_hash)
    moved = query.join(DatasetRow, DatasetRow.id == CheckPlanInputRow.dataset_id).where(
        CheckPlanInputRow.strategy_id == plan.strategy_id, CheckPlanInputRow.seen != DatasetRow.content_hash
    )
    found = False
    for dataset_id, before, after in session.execute(moved).all():
        result = session.execute(
            update(CheckPlanInputRow)
            .where(
                CheckPlanInputRow.strategy_id == plan.strategy_id,
                CheckPlanInputRow.dataset_id == dataset_id,
                CheckPlanInputRow.seen == before,
            )
            .values(seen=after),
            execution_options={"synchronize_session": False},
        )
        assert isinstance(result, CursorResult)
        found = found or result.rowcount == 1
    return found


def _named(session: Session, plan: CheckPlanRow) -> dict[str, str]:
    """Return the datasets of which the current version is read, with its content; the run says what is not there."""
    settings: dict[str, Any] = plan.settings
    given = [settings.get("benchmark"), settings.get("reference"), *(settings.get("features") or {}).values()]
    found: dict[str, str] = {}
    for reference in given:
        base, at, _ = (reference or "").partition("/")[0].partition("@")
        if not base or at:
            continue
        try:
            row = find(session, Caller(plan.user_id, ()), base, Level.USE)
        except ServiceError:
            continue
        found[row.id] = row.content_hash
    return found
