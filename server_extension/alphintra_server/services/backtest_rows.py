"""Rows of backtests and trades: found for whom they are, and as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetVersionRow
from ..db.tables import BacktestResultRow, BacktestRow, DatasetRow, JobLogRow, JobRow, StrategyRow, TradeRow
from ..errors import Conflict, NotFound
from ..jobs.retention import refuse_pruned
from ..models.backtests import BacktestJob, KeyMetrics, Trade, TradeSide
from ..models.costs import CommissionTerms, SlippageTerms, joined
from ..models.jobs import JobError, JobStatus, Progress
from ..models.methods import BacktestMethodology, stored
from . import dataset_rows, selections


def find(session: Session, who: Caller, backtest_id: str) -> BacktestRow:
    """Load a backtest of the caller; another's is as absent as none.

    Raises:
        NotFound: There is none of theirs.
    """
    query = select(BacktestRow).where(BacktestRow.id == backtest_id, BacktestRow.user_id == who.user_id)
    row = session.scalars(query).first()
    if row is None:
        raise NotFound(f"There is no backtest {backtest_id}.")
    return row


def completed(
    session: Session, who: Caller, backtest_id: str
) -> tuple[BacktestRow, BacktestResultRow, JobRow]:
    """Load a backtest of the caller that has results, with these and its job.

    Raises:
        NotFound: There is no such backtest of theirs.
        Conflict: It has no results, or not yet.
        Gone: They are no longer kept.
    """
    row = find(session, who, backtest_id)
    job = session.get_one(JobRow, row.job_id)
    result = session.get(BacktestResultRow, row.id)
    if job.status != "COMPLETED" or result is None:
        state = job.phase if job.status == "PENDING" else job.status.lower()
        raise Conflict(
            f"{row.name!r} has no results: it is {state}.",
            code="NOT_COMPLETED",
            extra={"id": row.id, "state": job.status, "phase": job.phase, "error": job.error},
        )
    refuse_pruned(job)
    return row, result, job


def to_model(session: Session, row: BacktestRow, *, brief: bool = False) -> BacktestJob:
    """Show a backtest with the state of its job."""
    job = session.get_one(JobRow, row.job_id)
    strategy = session.get_one(StrategyRow, row.strategy_id)
    dataset = session.get_one(DatasetRow, row.dataset_id)
    result = session.get(BacktestResultRow, row.id) if job.status == "COMPLETED" else None
    selection = selections.selected(session, row)
    log = session.get(JobLogRow, job.id)
    lines = [] if log is None else log.lines
    return BacktestJob(
        id=row.id,
        user_id=row.user_id,
        strategy_id=row.strategy_id,
        dataset_id=row.dataset_id,
        name=row.name,
        start_date=row.start_date,
        end_date=row.end_date,
        initial_capital=row.initial_capital,
        commission=joined(row.commission, row.commission_terms, CommissionTerms),
        slippage=joined(row.slippage, row.slippage_terms, SlippageTerms),
        methodology=BacktestMethodology(row.methodology),
        method=stored(row.methodology, row.method),
        profile=row.profile,
        status=JobStatus(job.status),
        created_at=row.created_at,
        completed_at=job.finished_at,
        strategy_name=strategy.name,
        strategy_version=row.strategy_version,
        class_name=row.class_name,
        dataset_name=selection.name,
        symbols=row.symbols or (selection.version or dataset).symbols[: dataset_rows.LISTED],
        parameters=row.parameters,
        rules=row.rules,
        benchmark=row.benchmark,
        features={name: kept["reference"] for name, kept in (row.features or {}).items()},
        reference=None if row.reference is None else row.reference["reference"],
        seed=row.seed,
        risk_free_rate=row.risk_free_rate,
        job_id=job.id,
        phase=job.phase,
        attempt=job.attempt,
        started_at=job.started_at,
        progress=Progress(**job.progress) if job.progress else None,
        metrics=key_metrics(result.metrics) if result else None,
        sparkline=result.sparkline if result else None,
        error=JobError(**job.error) if job.error else None,
        warnings=_warnings(result.assumptions) if result else [],
        log=lines[-20:] if brief else lines,
        sandbox_level=job.sandbox_level,
        has_study=result is not None and "study.json" in result.files,
        pruned_at=job.pruned_at,
    )


def load_beside(session: Session, rows: Sequence[BacktestRow]) -> list[Any]:
    """Load what ``to_model`` reads beside each of many backtests, table by table."""
    jobs = [row.job_id for row in rows]
    queries: tuple[Select[Any], ...] = (
        select(JobRow).where(JobRow.id.in_(jobs)),
        select(JobLogRow).where(JobLogRow.job_id.in_(jobs)),
        select(StrategyRow).where(StrategyRow.id.in_({row.strategy_id for row in rows})),
        select(DatasetRow).where(DatasetRow.id.in_({row.dataset_id for row in rows})),
        select(DatasetVersionRow).where(DatasetVersionRow.id.in_({row.dataset_version_id for row in rows})),
        select(BacktestResultRow).where(BacktestResultRow.backtest_id.in_([row.id for row in rows])),
    )
    return [item for query in queries for item in session.scalars(query)]


def count(value: float | None) -> int | None:
    """Write a whole number that the metrics keep as a float."""
    return None if value is None else int(value)


def key_metrics(metrics: dict[str, float | None]) -> KeyMetrics:
    """Pick the figures that a list shows."""
    return KeyMetrics(
        total_return=metrics.get("total_return"),
        sharpe_ratio=metrics.get("sharpe_ratio"),
        max_drawdown=metrics.get("max_drawdown"),
        total_trades=count(metrics.get("total_trades")),
    )


def _warnings(assumptions: Sequence[dict[str, Any]]) -> list[str]:
    return [item["text"] for item in assumptions if item.get("level") in {"error", "warning"}]


def trade_model(row: TradeRow) -> Trade:
    """Show a trade."""
    return Trade(
        id=row.id,
        backtest_id=row.backtest_id,
        symbol=row.symbol,
        side=TradeSide(row.side),
        quantity=row.quantity,
        entry_price=row.entry_price,
        exit_price=row.exit_price,
        entry_time=row.entry_time,
        exit_time=row.exit_time,
        pnl=row.pnl,
        commission=row.commission,
        exit_reason=row.exit_reason,
        **row.more,
    )
