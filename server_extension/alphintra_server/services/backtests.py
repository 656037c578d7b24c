"""Backtests: what to run, its state, its results."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..crash_points import reached
from ..db.engine import Database
from ..db.tables import (
    BacktestResultRow,
    BacktestRow,
    DatasetRow,
    JobRow,
    StrategyRow,
    StrategyVersionRow,
    TradeRow,
)
from ..db.types import utc_now
from ..errors import NotFound, Unavailable
from ..idempotency import remember
from ..jobs import fair_queue, store
from ..jobs.retention import note_use
from ..limits import Limits
from ..metrics import count_cancelled
from ..models import costs
from ..models.backtests import (
    BacktestCreate,
    BacktestJob,
    BacktestQuery,
    BacktestResult,
    Trade,
    TradesQuery,
)
from ..models.methods import Method, SweepMethod, stored
from ..models.strategies import Accepted, RunSettings, StrategyExecute
from . import failure_report, strategies
from .backtest_checks import check_parameters
from .backtest_rows import completed, count, find, load_beside, to_model, trade_model
from .method_checks import check_grid, check_length, check_method
from .paging import Slice
from .run_defaults import RunDefaults
from .run_terms import decide
from .sources import Sources, choose_class, refuse_blocking

KIND = "backtest"
_METHOD_COST = 4
"""What a job weighs that runs many times, on as many cores as there are, against one that runs once."""
_DECIMAL_FIGURES = ("total_return", "annualized_return", "max_drawdown", "final_equity")
_FIGURES = (
    "sharpe_ratio", "sortino_ratio", "win_rate", "profit_factor", "avg_trade_duration",
    "correlation_to_benchmark", "volatility", "calmar_ratio",
)  # fmt: skip
_COUNTS = ("total_trades", "longest_winning_streak", "longest_losing_streak")


class Backtests:
    """What a user's backtests can do.

    Args:
        database: Where they are.
        sources: Checks the code before it is queued.
        jobs_dir: Where the attempts' output is.
        defaults: What a body leaves open.
        limits: How many jobs of each user may wait.
        wake: Called after a job was queued or cancelled.
        jobs_refused: Why this server runs no user code, if it runs none.
    """

    def __init__(
        self,
        database: Database,
        sources: Sources,
        jobs_dir: Path,
        defaults: RunDefaults,
        limits: Limits,
        wake: Callable[[], None],
        jobs_refused: str | None = None,
    ) -> None:
        self._database = database
        self._sources = sources
        self._jobs_dir = jobs_dir
        self._defaults = defaults
        self._limits = limits
        self._wake = wake
        self._jobs_refused = jobs_refused

    async def create(self, who: Caller, body: BacktestCreate) -> BacktestJob:
        """Store what to run; ``run`` runs it."""

        def work(session: Session) -> BacktestJob:
            strategy = strategies.find_runnable(session, who, body.strategy_id)
            version = strategies.version_of(session, strategy, body.strategy_version)
            row = self._insert(session, who, strategy, version, body.dataset_id, body)
            return remember(session, to_model(session, row))

        made = await self._database.write(work)
        self._wake()
        return made

    async def execute(self, who: Caller, strategy_id: str, body: StrategyExecute) -> Accepted:
        """Check the stored code, then create and queue one backtest of it, all or nothing."""

        def load(session: Session) -> tuple[StrategyRow, StrategyVersionRow]:
            row = strategies.find_runnable(session, who, strategy_id)
            return row, strategies.version_of(session, row)

        _, version = await self._database.read(load)
        class_name = await self.runnable_class(
            version, body.class_name or version.class_name, body.parameters, body.method
        )

        def work(session: Session) -> Accepted:
            strategy = strategies.find_runnable(session, who, strategy_id)
            accepted = self.enqueue(session, who, strategy, version, body, class_name)
            return remember(session, accepted)

        accepted = await self._database.write(work)
        self._wake()
        return accepted

    def enqueue(
        self,
        session: Session,
        who: Caller,
        strategy: StrategyRow,
        version: StrategyVersionRow,
        body: StrategyExecute,
        class_name: str,
        *,
        saved_parameters: bool = True,
    ) -> Accepted:
        """Create and queue one backtest of a version that was checked, in the caller's transaction.

        Args:
            session: The transaction.
            who: Whose it is.
            strategy: The strategy.
            version: What of it runs.
            body: How.
            class_name: Which class.
            saved_parameters: Whether parameters that were saved with the version count where ``body`` has none.
        """
        reference = body.dataset_id or self._defaults.dataset
        row = self._insert(session, who, strategy, version, reference, body, class_name)
        if not saved_parameters:
            row.parameters = body.parameters
        job = fair_queue.queue(session, row.job_id, max_queued=self._limits.of(who.user_id).queued)
        return Accepted(backtest_id=row.id, job_id=job.id, status=job.status)

    async def run(self, who: Caller, backtest_id: str) -> Accepted:
        """Queue a created backtest."""

        def load(session: Session) -> tuple[BacktestRow, StrategyVersionRow, JobRow]:
            row = find(session, who, backtest_id)
            strategies.find_runnable(session, who, row.strategy_id)
            version = session.get_one(StrategyVersionRow, (row.strategy_id, row.strategy_version))
            return row, version, session.get_one(JobRow, row.job_id)

        row, version, job = await self._database.read(load)
        class_name = row.class_name
        if job.status == "PENDING" and job.phase == "created":
            method = stored(row.methodology, row.method)
            class_name = await self.runnable_class(version, row.class_name, row.parameters, method)

        def work(session: Session) -> Accepted:
            again = find(session, who, backtest_id)
            strategies.find_runnable(session, who, again.strategy_id)
            queued = fair_queue.queue(session, again.job_id, max_queued=self._limits.of(who.user_id).queued)
            again.class_name = class_name
            return remember(session, Accepted(backtest_id=again.id, job_id=queued.id, status=queued.status))

        accepted = await self._database.write(work)
        self._wake()
        return accepted

    async def cancel(self, who: Caller, backtest_id: str) -> Accepted:
        """Stop a backtest that waits or runs."""

        def work(session: Session) -> Accepted:
            row = find(session, who, backtest_id)
            job = store.request_cancel(session, row.job_id)
            return Accepted(backtest_id=row.id, job_id=job.id, status=job.status)

        accepted = await self._database.write(work)
        count_cancelled(KIND, accepted.status)
        reached("in_cancel")
        self._wake()
        return accepted

    async def get(self, who: Caller, backtest_id: str) -> BacktestJob:
        """Read one."""
        return await self._database.read(lambda session: to_model(session, find(session, who, backtest_id)))

    async def search(self, who: Caller, query: BacktestQuery) -> Slice[BacktestJob]:
        """List the caller's, newest first."""
        wanted: Select[Any] = select(BacktestRow).where(BacktestRow.user_id == who.user_id)
        if query.status is not None:
            wanted = wanted.join(JobRow, JobRow.id == BacktestRow.job_id).where(
                JobRow.status == query.status.value
            )
        if query.strategy_id is not None:
            wanted = wanted.where(BacktestRow.strategy_id == query.strategy_id)
        if query.dataset_id is not None:
            named = select(DatasetRow.id).where(DatasetRow.name == query.dataset_id)
            wanted = wanted.where(
                (BacktestRow.dataset_id == query.dataset_id) | BacktestRow.dataset_id.in_(named)
            )
        order = BacktestRow.name.asc() if query.sort == "name" else BacktestRow.created_at.desc()

        def work(session: Session) -> Slice[BacktestJob]:
            total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
            rows = session.scalars(
                wanted.order_by(order, BacktestRow.id).limit(query.limit).offset(query.offset)
            ).all()
            # Held until the models are made: each row's others are then at hand without a query of its own.
            _beside = load_beside(session, rows)
            return Slice([to_model(session, row, brief=True) for row in rows], total)

        return await self._database.read(work)

    async def results(self, who: Caller, backtest_id: str, *, view: bool) -> BacktestResult:
        """Read the figures of a completed backtest, with what the view draws if asked for."""
        row, result = await self._open(who, backtest_id)
        payload = study = None
        if view:
            payload = await asyncio.to_thread(self._json, row, result, "view.json")
            if "study.json" in result.files:
                study = await asyncio.to_thread(self._json, row, result, "study.json")
        metrics = result.metrics
        figures: dict[str, Any] = {name: metrics.get(name) for name in _FIGURES}
        figures |= {name: _decimal(metrics.get(name)) for name in _DECIMAL_FIGURES}
        figures |= {name: count(metrics.get(name)) for name in _COUNTS}
        return BacktestResult(
            backtest_id=row.id,
            metrics=metrics,
            undefined=result.undefined,
            assumptions=result.assumptions,
            run=result.run,
            trials=result.trials,
            earlier_trials=result.earlier_trials,
            earlier_trials_since=result.earlier_trials_since,
            view=payload,
            study=study,
            **figures,
        )

    async def report(self, who: Caller, backtest_id: str) -> bytes:
        """Read the HTML report of a completed backtest, or of one that failed."""
        failed = await self._database.read(
            lambda session: failure_report.failed(session, find(session, who, backtest_id))
        )
        if failed is not None:
            return failure_report.page(failed).encode("utf-8", "replace")
        row, result = await self._open(who, backtest_id)
        return await asyncio.to_thread(self.read_file, row, result, "report.html")

    async def trades(self, who: Caller, backtest_id: str, query: TradesQuery) -> Slice[Trade]:
        """Read a page of the trade log."""

        def work(session: Session) -> Slice[Trade]:
            row, _, _ = completed(session, who, backtest_id)
            wanted: Select[Any] = select(TradeRow).where(TradeRow.backtest_id == row.id)
            if query.symbol is not None:
                wanted = wanted.where(TradeRow.symbol == query.symbol)
            total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
            column = {
                "entry_time": TradeRow.entry_time,
                "exit_time": TradeRow.exit_time,
                "pnl": TradeRow.pnl_number,
            }[query.sort]
            ordered = column.desc() if query.order == "desc" else column.asc()
            # Open trades have neither an exit nor a result: they come last in either direction.
            wanted = wanted.order_by(column.is_(None), ordered, TradeRow.number)
            rows = session.scalars(wanted.limit(query.limit).offset(query.offset))
            return Slice([trade_model(item) for item in rows], total)

        return await self._database.read(work)

    async def _open(self, who: Caller, backtest_id: str) -> tuple[BacktestRow, BacktestResultRow]:
        """Load results to read: while they are read they are kept."""
        row, result, job = await self._database.read(lambda session: completed(session, who, backtest_id))
        await note_use(self._database, [job])
        return row, result

    async def runnable_class(
        self,
        version: StrategyVersionRow,
        class_name: str | None,
        parameters: dict[str, Any],
        method: Method | None = None,
    ) -> str:
        """Refuse code that cannot run and parameters or a grid that it does not have; return the class to run."""
        self.refuse_jobs()
        source = await self._sources.describe(version.code, version.modules, version.line_map)
        refuse_blocking(source)
        chosen = choose_class(source, class_name)
        check_parameters(chosen, version.parameters | parameters)
        await asyncio.to_thread(check_grid, chosen, method, version.parameters | parameters)
        return str(chosen["name"])

    def refuse_jobs(self) -> None:
        """Raise where this server runs no user code."""
        if self._jobs_refused:
            raise Unavailable(self._jobs_refused, code="NO_SANDBOX")

    def _insert(
        self,
        session: Session,
        who: Caller,
        strategy: StrategyRow,
        version: StrategyVersionRow,
        reference: str,
        settings: RunSettings,
        class_name: str | None = None,
    ) -> BacktestRow:
        seed = settings.seed
        if isinstance(settings.method, SweepMethod) and settings.method.seed is not None:
            seed = settings.method.seed
        terms = decide(session, who, reference, settings, self._defaults, seed)
        selection, start, end = terms.selection, terms.start, terms.end
        fraction, commission_terms = costs.split(terms.commission)
        price_fraction, slippage_terms = costs.split(terms.slippage)
        check_method(settings.method)
        check_length(settings.method, selection, start, end)
        backtest_id = uuid.uuid4().hex
        name = settings.name or f"{strategy.name} on {selection.name}"[:200]
        job = store.create(
            session,
            user_id=who.user_id,
            kind=KIND,
            resource_id=backtest_id,
            name=name,
            cost=1 if settings.method is None else _METHOD_COST,
        )
        row = BacktestRow(
            id=backtest_id,
            user_id=who.user_id,
            strategy_id=strategy.id,
            strategy_version=version.number,
            class_name=class_name or settings.class_name or version.class_name,
            dataset_id=selection.row.id,
            dataset_version_id=None if selection.version is None else selection.version.id,
            dataset_hash=selection.content_hash,
            symbols=list(selection.symbols),
            name=name,
            start_date=start,
            end_date=end,
            start_given=settings.start_date is not None,
            end_given=settings.end_date is not None,
            initial_capital=terms.cash,
            commission=fraction,
            slippage=price_fraction,
            commission_terms=commission_terms,
            slippage_terms=slippage_terms,
            methodology=settings.methodology.value,
            method=None if settings.method is None else settings.method.model_dump(mode="json"),
            profile=settings.profile,
            parameters=version.parameters | settings.parameters,
            rules=settings.rules,
            benchmark=terms.benchmark,
            features={name: each.stored() for name, each in terms.features.items()} or None,
            reference=None if terms.reference is None else terms.reference.stored(),
            seed=seed,
            risk_free_rate=settings.risk_free_rate,
            job_id=job.id,
            created_at=utc_now(),
        )
        session.add(row)
        session.flush()
        return row

    def _json(self, row: BacktestRow, result: BacktestResultRow, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.read_file(row, result, name))
        return found

    def read_file(self, row: BacktestRow, result: BacktestResultRow, name: str) -> bytes:
        """Read a file of a backtest's output, if it is what was stored."""
        described = result.files.get(name)
        if described is None:
            raise NotFound(f"This backtest has no {name}.")
        path = self._jobs_dir / row.job_id / str(result.attempt) / "out" / name
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            raise NotFound(f"The {name} of this backtest is no longer stored.") from None
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_size != described["bytes"]:
            os.close(file)
            raise NotFound(f"The {name} of this backtest is no longer what it was.")
        with os.fdopen(file, "rb") as opened:
            return opened.read(described["bytes"])


def _decimal(value: float | None) -> Decimal | None:
    # ``repr`` is the shortest text that reads back as the same number; Decimal(float) would show its bits.
    return None if value is None else Decimal(repr(value))
