"""Queueing a run of a strategy's checks: at most one waits for each strategy, and it runs the newest version."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..db.check_tables import CheckPlanRow, CheckRunRow
from ..db.tables import DatasetRow, JobRow, StrategyRow, StrategyVersionRow
from ..db.types import utc_now
from ..jobs import fair_queue, store
from ..models.checks import CheckSettings, CheckTrigger
from ..models.costs import CommissionGiven, CommissionTerms, SlippageGiven, for_engine
from . import check_inputs
from .run_defaults import RunDefaults
from .strategies import version_of

KIND = "check"
KEPT_RUNS = 200
"""Runs of one strategy that its history holds."""


def enqueue(
    session: Session,
    plan: CheckPlanRow,
    trigger: CheckTrigger,
    defaults: RunDefaults,
    max_queued: int,
) -> tuple[CheckRunRow, JobRow]:
    """Queue a run of a plan, or let the one that waits take the newest version and data.

    The caller holds the plan's row, so that two servers do not queue one each.

    Raises:
        TooMany: The user has ``max_queued`` runs of checks waiting.
    """
    check_inputs.note(session, plan)
    strategy = session.get_one(StrategyRow, plan.strategy_id)
    version = version_of(session, strategy)
    dataset = session.get_one(DatasetRow, plan.dataset_id)
    settings = CheckSettings.model_validate(plan.settings)
    content: dict[str, Any] = {
        "strategy_version": version.number,
        "dataset_id": dataset.id,
        "dataset_version_id": dataset.current_version_id,
        "dataset_hash": dataset.content_hash,
        "symbols": plan.symbols,
        "checks": plan.checks,
        "class_name": settings.class_name or version.class_name,
        "parameters": version.parameters | settings.parameters,
        "configuration": configuration(settings, defaults),
    }
    waiting = (
        select(CheckRunRow, JobRow)
        .join(JobRow, JobRow.id == CheckRunRow.job_id)
        .where(CheckRunRow.strategy_id == plan.strategy_id, JobRow.status == "PENDING", JobRow.phase == "queued")
        # A server that claims it right now holds its job: then it is no longer waiting.
        .with_for_update(of=JobRow, skip_locked=True)
    )
    # Two wait where one was queued again after its server was lost: the newest is the one to change.
    found = session.execute(waiting.order_by(CheckRunRow.created_at.desc()).limit(1)).first()
    if found is not None:
        row, job = found
        for name, value in content.items():
            setattr(row, name, value)
        return row, job
    run_id = uuid.uuid4().hex
    job = store.create(
        session,
        user_id=plan.user_id,
        kind=KIND,
        resource_id=run_id,
        name=f"Checks of {strategy.name}",
        priority=store.LOW,
    )
    row = CheckRunRow(
        id=run_id,
        user_id=plan.user_id,
        strategy_id=plan.strategy_id,
        trigger=trigger.value,
        job_id=job.id,
        created_at=utc_now(),
        results=[],
        inputs=[],
        metrics={},
        **content,
    )
    session.add(row)
    session.flush()
    job = fair_queue.queue(session, job.id, max_queued=max_queued)
    _forget_oldest(session, plan.strategy_id)
    return row, job


def configuration(settings: CheckSettings, defaults: RunDefaults) -> dict[str, Any]:
    """What ``al.backtest`` gets beside strategy, data and parameters."""
    cash = defaults.initial_capital if settings.initial_capital is None else settings.initial_capital
    commission, slippage = costs(settings, defaults)
    # Absent where there are none: runs of before compare as the same.
    beside: dict[str, Any] = {"features": settings.features} if settings.features else {}
    if settings.reference is not None:
        beside["reference"] = settings.reference
    return beside | {
        "start": None if settings.start_date is None else settings.start_date.date().isoformat(),
        "end": None if settings.end_date is None else settings.end_date.date().isoformat(),
        "cash": float(cash),
        "commission": for_engine(commission),
        "slippage": for_engine(slippage),
        "profile": settings.profile,
        "benchmark": settings.benchmark,
        "seed": settings.seed,
        "risk_free_rate": settings.risk_free_rate,
        "rules": settings.rules,
    }


def costs(settings: CheckSettings, defaults: RunDefaults) -> tuple[CommissionGiven, SlippageGiven]:
    """What was asked for, else the profile's own commission, else the server's defaults."""
    from alphintra_backtest.profiles import COMMISSIONS

    commission: CommissionGiven = defaults.commission
    if settings.commission is not None:
        commission = settings.commission
    elif settings.profile in COMMISSIONS:
        commission = CommissionTerms.model_validate(COMMISSIONS[settings.profile])
    return commission, defaults.slippage if settings.slippage is None else settings.slippage


def runs_the_same(session: Session, strategy_id: str, one: int, other: int) -> bool:
    """Whether two versions of a strategy differ in nothing that runs: a new name or description is no new code."""
    a, b = (session.get(StrategyVersionRow, (strategy_id, number)) for number in (one, other))
    return (
        a is not None
        and b is not None
        and (a.source_hash, a.class_name, a.parameters) == (b.source_hash, b.class_name, b.parameters)
    )


def _forget_oldest(session: Session, strategy_id: str) -> None:
    """Drop what the history no longer holds; a run whose record is kept stays until that is gone."""
    newest = (
        select(CheckRunRow.id)
        .where(CheckRunRow.strategy_id == strategy_id)
        .order_by(CheckRunRow.created_at.desc(), CheckRunRow.id)
        .limit(KEPT_RUNS)
    )
    old = session.execute(
        select(CheckRunRow.id, CheckRunRow.job_id)
        .join(JobRow, JobRow.id == CheckRunRow.job_id)
        .where(
            CheckRunRow.strategy_id == strategy_id,
            CheckRunRow.id.not_in(newest),
            CheckRunRow.record.is_(None),
            JobRow.status.in_(store.FINISHED),
        )
        .limit(KEPT_RUNS)
    ).all()
    if old:
        session.execute(delete(CheckRunRow).where(CheckRunRow.id.in_([run_id for run_id, _ in old])))
        session.execute(delete(JobRow).where(JobRow.id.in_([job_id for _, job_id in old])))
