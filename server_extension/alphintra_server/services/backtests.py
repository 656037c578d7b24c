"""Backtests: what to run, and its state."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..crash_points import reached
from ..db.engine import Database
from ..db.tables import (
    BacktestRow,
    DatasetRow,
    JobRow,
    StrategyRow,
    StrategyVersionRow,
)
from ..db.types import utc_now
from ..errors import Unavailable
from ..idempotency import remember
from ..jobs import fair_queue, store
from ..limits import Limits
from ..metrics import count_cancelled
from ..models import costs
from ..models.backtests import (
    BacktestCreate,
    BacktestJob,
    BacktestQuery,
)
from ..models.methods import Method, SweepMethod, stored
from ..models.strategies import Accepted, RunSettings, StrategyExecute
from . import strategies
from .backtest_checks import check_parameters
from .backtest_rows import find, load_beside, to_model
from .method_checks import check_grid, check_length, check_method
from .paging import Slice
from .run_defaults import RunDefaults
from .run_terms import decide
from .sources import Sources, choose_class, refuse_blocking

KIND = "backtest"
_METHOD_COST = 4
"""What a job weighs that runs many times, on as many cores as there are, against one that runs once."""


class Backtests:
    """What a user's backtests can do.

    Args:
        database: Where they are.
        sources: Checks the code before it is queued.
        defaults: What a body leaves open.
        limits: How many jobs of each user may wait.
        wake: Called after a job was queued or cancelled.
        jobs_refused: Why this server runs no user code, if it runs none.
    """

    def __init__(
        self,
        database: Database,
        sources: Sources,
        defaults: RunDefaults,
        limits: Limits,
        wake: Callable[[], None],
        jobs_refused: str | None = None,
    ) -> None:
        self._database = database
        self._sources = sources
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
