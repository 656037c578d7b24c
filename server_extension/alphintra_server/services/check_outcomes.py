"""The end of a check run: whether it passed, and the event where checks that passed before do not any more."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import outbox
from ..db.check_tables import CheckRunRow
from ..db.tables import JobRow, StrategyRow
from ..db.types import utc_now

TOPIC = "checks"
_MOST_NAMED = 20


def settle(session: Session, row: CheckRunRow, *, passed: bool) -> None:
    """Note whether a run's checks passed, in the transaction that ends it or takes note of its end.

    One event is written where the run before it passed and it does not.
    """
    before = session.scalars(
        select(CheckRunRow)
        .where(
            CheckRunRow.strategy_id == row.strategy_id,
            CheckRunRow.created_at < row.created_at,
            CheckRunRow.passed.is_not(None),
        )
        .order_by(CheckRunRow.created_at.desc())
        .limit(1)
    ).first()
    row.passed = passed
    session.flush()
    if passed or before is None or not before.passed:
        return
    strategy = session.get_one(StrategyRow, row.strategy_id)
    job = session.get_one(JobRow, row.job_id)
    failed = [outcome["text"] for outcome in row.results if not outcome["passed"]]
    reasons = [f"{outcome['text']}: {outcome['reason']}" for outcome in row.results if not outcome["passed"]]
    if job.error is not None:
        reasons = [f"the checks could not run: {job.error['message']}"]
    payload = {
        "strategy_id": row.strategy_id,
        "strategy_name": strategy.name,
        "run_id": row.id,
        "trigger": row.trigger,
        "strategy_version": row.strategy_version,
        "failed": failed[:_MOST_NAMED],
        "message": f"{strategy.name}: {'; '.join(reasons)}"[:2000],
        "created_at": utc_now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    outbox.append(session, row.user_id, TOPIC, payload)


def settle_failed(session: Session, strategy_id: str | None = None) -> int:
    """Take note of runs that could not be made: their code no longer loads, their data is gone, their server was lost.

    Args:
        session: The transaction.
        strategy_id: Of this strategy alone.

    Returns:
        How many there were.
    """
    query = (
        select(CheckRunRow)
        .join(JobRow, JobRow.id == CheckRunRow.job_id)
        .where(CheckRunRow.passed.is_(None), JobRow.status == "FAILED")
        .order_by(CheckRunRow.created_at)
        .with_for_update(of=CheckRunRow)
    )
    if strategy_id is not None:
        query = query.where(CheckRunRow.strategy_id == strategy_id)
    rows = session.scalars(query.limit(200)).all()
    for row in rows:
        settle(session, row, passed=False)
    return len(rows)
