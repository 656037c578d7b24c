"""A strategy's checks: what they are and when they run, their runs, and their history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.check_tables import CheckPlanRow, CheckRunRow
from ..db.engine import Database, database_now
from ..db.tables import DatasetRow, StrategyRow
from ..db.types import utc_now
from ..errors import Conflict, Invalid, NotFound, PreconditionFailed, Unavailable
from ..idempotency import remember
from ..jobs import store
from ..limits import Limits
from ..metrics import count_cancelled
from ..models.base import PageQuery
from ..models.checks import Checks, ChecksAccepted, CheckSettings, ChecksRun, ChecksUpdate, CheckTrigger
from ..models.strategies import StrategyStatus
from . import check_inputs, strategies
from .backtest_checks import check_dates, check_options
from .check_queue import KIND, costs, enqueue
from .check_rows import to_model
from .check_schedule import next_due
from .feature_sets import choose
from .paging import Slice
from .run_defaults import RunDefaults
from .selections import Selection, select_for_run


class StrategyChecks:
    """What a user can do with the checks of their strategies.

    Args:
        database: Where they are.
        defaults: What a plan leaves open.
        limits: How many jobs of each user may wait.
        wake: Called after a run was queued.
        jobs_refused: Why this server runs no user code, if it runs none.
        clock: Tells the time; the database's, so that all servers have the same.
    """

    def __init__(
        self,
        database: Database,
        defaults: RunDefaults,
        limits: Limits,
        wake: Callable[[], None],
        jobs_refused: str | None = None,
        clock: Callable[[Session], datetime] = database_now,
    ) -> None:
        self._database = database
        self._defaults = defaults
        self._limits = limits
        self._wake = wake
        self._jobs_refused = jobs_refused
        self._clock = clock

    async def get(self, who: Caller, strategy_id: str) -> Checks:
        """Read a strategy's checks; the defaults where none were set."""

        def work(session: Session) -> Checks:
            row = strategies.find(session, who, strategy_id)
            return self._to_model(session, row, session.get(CheckPlanRow, row.id))

        return await self._database.read(work)

    async def put(self, who: Caller, strategy_id: str, body: ChecksUpdate, if_match: str | None = None) -> Checks:
        """Set a strategy's checks; nothing runs yet."""

        def work(session: Session) -> Checks:
            strategy = strategies.find(session, who, strategy_id, lock=True)
            plan = session.get(CheckPlanRow, strategy.id, with_for_update=True)
            revision = 0 if plan is None else plan.revision
            if if_match is not None and if_match.strip() not in {"*", strategies.etag(revision)}:
                raise PreconditionFailed("The checks were changed meanwhile.", extra={"revision": revision})
            if strategy.status == StrategyStatus.ARCHIVED:
                raise _archived()
            selection = self._checked(session, who, body)
            now = utc_now()
            due = next_due(self._clock(session), body.schedule, body.at, body.weekday)
            seen = {"version_seen": strategy.version, "dataset_seen": selection.row.content_hash}
            values: dict[str, Any] = {
                "checks": body.checks,
                "dataset_id": selection.row.id,
                "symbols": list(selection.symbols),
                "settings": body.settings.model_dump(mode="json", exclude_unset=True),
                "on_save": body.on_save,
                "on_dataset": body.on_dataset,
                "schedule": body.schedule,
                "at": body.at,
                "weekday": body.weekday,
                "revision": revision + 1,
                "updated_at": now,
            }
            goes_on = plan is not None and plan.on_dataset and body.on_dataset
            if plan is None:
                plan = CheckPlanRow(
                    strategy_id=strategy.id, user_id=who.user_id, created_at=now, due_at=due, **values, **seen
                )
                session.add(plan)
            else:
                # A trigger that stands already and has not run yet is not forgotten.
                if plan.on_save and body.on_save:
                    del seen["version_seen"]
                if plan.on_dataset and body.on_dataset and plan.dataset_id == selection.row.id:
                    del seen["dataset_seen"]
                if (plan.schedule, plan.at, plan.weekday) != (body.schedule, body.at, body.weekday):
                    plan.due_at = due
                for name, value in (values | seen).items():
                    setattr(plan, name, value)
            session.flush()
            check_inputs.note(session, plan, anew=not goes_on)
            return self._to_model(session, strategy, plan)

        return await self._database.write(work)

    async def run(self, who: Caller, strategy_id: str) -> ChecksAccepted:
        """Queue a run now; one that waits takes the newest version instead."""
        if self._jobs_refused:
            # Another's strategy is as absent as none, also here.
            await self._database.read(lambda session: strategies.find(session, who, strategy_id))
            raise Unavailable(self._jobs_refused, code="NO_SANDBOX")

        def work(session: Session) -> ChecksAccepted:
            strategy = strategies.find_runnable(session, who, strategy_id)
            plan = session.get(CheckPlanRow, strategy.id, with_for_update=True)
            if plan is None:
                raise Conflict("The strategy has no checks here yet: PUT them first.", code="NO_CHECKS")
            row, job = enqueue(session, plan, CheckTrigger.MANUAL, self._defaults, self._limits.of(plan.user_id).queued)
            return remember(session, ChecksAccepted(run_id=row.id, job_id=job.id, status=job.status))

        accepted = await self._database.write(work)
        self._wake()
        return accepted

    async def runs(self, who: Caller, strategy_id: str, query: PageQuery) -> Slice[ChecksRun]:
        """List a strategy's runs, newest first."""

        def work(session: Session) -> Slice[ChecksRun]:
            strategy = strategies.find(session, who, strategy_id)
            wanted = select(CheckRunRow).where(CheckRunRow.strategy_id == strategy.id)
            total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
            rows = session.scalars(
                wanted.order_by(CheckRunRow.created_at.desc(), CheckRunRow.id)
                .limit(query.limit)
                .offset(query.offset)
            ).all()
            return Slice([to_model(session, row) for row in rows], total)

        return await self._database.read(work)

    async def get_run(self, who: Caller, strategy_id: str, run_id: str) -> ChecksRun:
        """Read one run."""

        def work(session: Session) -> ChecksRun:
            return to_model(session, _find_run(session, who, strategy_id, run_id))

        return await self._database.read(work)

    async def cancel(self, who: Caller, strategy_id: str, run_id: str) -> ChecksAccepted:
        """Stop a run that waits or is at work."""

        def work(session: Session) -> ChecksAccepted:
            row = _find_run(session, who, strategy_id, run_id)
            job = store.request_cancel(session, row.job_id)
            return ChecksAccepted(run_id=row.id, job_id=job.id, status=job.status)

        accepted = await self._database.write(work)
        count_cancelled(KIND, accepted.status)
        self._wake()
        return accepted

    def _checked(self, session: Session, who: Caller, body: ChecksUpdate) -> Selection:
        """Refuse what no run could do: data, dates, rules and costs that there are not."""
        settings = body.settings
        base, slash, symbols = body.dataset_id.partition("/")
        name, at, _ = base.partition("@")
        if at:
            text = f"checks read the version that is current when they run: write {name}{slash}{symbols}"
            raise Invalid.field("dataset_id", text, code="VERSION_NAMED")
        selection = select_for_run(session, who, body.dataset_id)
        check_dates(selection, settings.start_date, settings.end_date)
        beside = [selection]
        if settings.benchmark is not None:
            against = select_for_run(session, who, settings.benchmark, "benchmark")
            if against.symbol_count != 1:
                raise Invalid.field("settings.benchmark", f"{against.name} has several symbols: choose one")
            beside.append(against)
        choose(session, who, settings.features, settings.reference, beside)
        usual = self._defaults.initial_capital
        commission, slippage = costs(settings, self._defaults)
        check_options(
            cash=usual if settings.initial_capital is None else settings.initial_capital,
            commission=commission,
            slippage=slippage,
            profile=settings.profile,
            risk_free_rate=settings.risk_free_rate,
            seed=settings.seed,
            rules=settings.rules,
        )
        return selection

    def _to_model(self, session: Session, strategy: StrategyRow, plan: CheckPlanRow | None) -> Checks:
        last = session.scalars(
            select(CheckRunRow)
            .where(CheckRunRow.strategy_id == strategy.id)
            .order_by(CheckRunRow.created_at.desc(), CheckRunRow.id)
            .limit(1)
        ).first()
        shown = None if last is None else to_model(session, last)
        if plan is None:
            return Checks(
                configured=False,
                checks=None,
                dataset_id=self._defaults.dataset,
                schedule=None,
                revision=0,
                next_due=None,
                last_run=shown,
            )
        dataset = session.get_one(DatasetRow, plan.dataset_id)
        return Checks(
            checks=plan.checks,
            dataset_id=Selection(dataset, tuple(plan.symbols)).name,
            settings=CheckSettings.model_validate(plan.settings),
            on_save=plan.on_save,
            on_dataset=plan.on_dataset,
            schedule=plan.schedule,
            at=plan.at,
            weekday=plan.weekday,
            configured=True,
            revision=plan.revision,
            next_due=plan.due_at,
            last_run=shown,
        )


def _find_run(session: Session, who: Caller, strategy_id: str, run_id: str) -> CheckRunRow:
    strategy = strategies.find(session, who, strategy_id)
    row = session.get(CheckRunRow, run_id)
    if row is None or row.strategy_id != strategy.id:
        raise NotFound(f"The strategy has no run {run_id} of its checks.")
    return row


def _archived() -> Conflict:
    return Conflict("The strategy is archived; restore it first.", code="ARCHIVED")
