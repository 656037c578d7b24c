"""The debug sessions of this server: who has which, how many there may be, and when they end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.engine import Database
from ..db.tables import StrategyRow, StrategyVersionRow
from ..errors import NotFound, TooMany, Unavailable
from ..jobs.backtest import file_name, known_as
from ..limits import Limits
from ..models.costs import for_engine
from ..models.debug import DebugCreate, DebugInput, DebugQuery, DebugSession, DebugStatus
from ..services import strategies
from ..services.backtests import Backtests
from ..services.dataset_inputs import Inputs, inputs, readable, refuse_sealed
from ..services.dataset_storage import DatasetStorage
from ..services.feature_sets import REFERENCE
from ..services.paging import Slice
from ..services.run_defaults import RunDefaults
from ..services.run_terms import RunTerms, decide
from .about import About, Given, Patience
from .live import LiveSession

if TYPE_CHECKING:
    from .kernels import DebugKernels

KEPT_PER_USER, KEPT = 5, 100
"""Ended sessions that can still be read, the newest: of a user, and of all together."""
_BENCHMARK = "benchmark"
_SEALED = "a debug session opens no sealed dataset. Use `al.replay` in a notebook, or a backtest."
_Beside = dict[str, DebugInput]
"""By field of the request, what a run reads beside the prices."""


class DebugSessions:
    """Starts, finds and ends them. They live in this server's memory: with it they end.

    Args:
        database: Where the strategies are.
        storage: Where users' datasets lie.
        backtests: Checks that code may run.
        defaults: What a run takes where the body says nothing.
        limits: What each user may use.
        kernels: Starts kernels; ``None`` where this server runs no user code.
        most: Sessions at once, of all users together.
        patience: How long is waited.
        log: Where failures go.
    """

    def __init__(
        self,
        database: Database,
        storage: DatasetStorage,
        backtests: Backtests,
        defaults: RunDefaults,
        limits: Limits,
        kernels: DebugKernels | None,
        most: int,
        patience: Patience,
        log: logging.Logger,
    ) -> None:
        self._database, self._storage = database, storage
        self._backtests, self._defaults, self._limits = backtests, defaults, limits
        self._kernels, self._most, self._patience, self._log = kernels, most, patience, log
        self._sessions: dict[str, LiveSession] = {}
        self._stopping = False

    async def create(self, who: Caller, strategy_id: str, body: DebugCreate) -> LiveSession:
        """Check the stored code and start a session of it."""
        from alphintra_kernel.sandbox import SandboxError

        def load(session: Session) -> tuple[StrategyRow, StrategyVersionRow, RunTerms, Inputs, _Beside]:
            row = strategies.find_runnable(session, who, strategy_id)
            version = strategies.version_of(session, row, body.strategy_version)
            terms = decide(session, who, body.dataset_id, body, self._defaults, body.seed)
            return row, version, terms, *self._reads(session, who, terms)

        row, version, terms, read, beside = await self._database.read(load)
        self._backtests.refuse_jobs()
        if self._kernels is None:
            raise Unavailable(
                "There are no debug sessions on this server: where there are no namespaces (/api/system: sandbox), "
                "the sandbox has no way for a debugger to its kernel. Use `al.replay` in a notebook.",
                code="NO_DEBUG",
            )
        class_name = await self._backtests.runnable_class(
            version, body.class_name or version.class_name, body.parameters
        )
        file = file_name(version.modules)
        about = About(
            user_id=who.user_id,
            strategy_id=row.id,
            strategy_version=version.number,
            class_name=class_name,
            dataset_id=terms.selection.row.id,
            dataset_name=terms.selection.name,
            dataset_hash=terms.selection.content_hash,
            start=terms.start,
            end=terms.end,
            file=file,
            known_as=known_as(row.source_path, version.line_map),
            line_map=version.line_map,
            benchmark=beside.get(_BENCHMARK),
            features={name: beside[f"features.{name}"] for name in terms.features},
            reference=beside.get(REFERENCE),
        )
        if self._stopping:
            raise Unavailable("The server is stopping.")
        limits = self._limits.of(who.user_id)
        self._refuse_more(who.user_id, limits.debug_sessions)
        made = LiveSession(about, self._kernels, self._patience, limits.log)
        self._sessions[made.id] = made  # before it is started: two requests at once are two sessions
        files = {f"source/{file}": version.code} | {f"source/{path}": text for path, text in version.modules.items()}
        given = Given(files | read.texts, _job(about, version, body, terms), read.links)
        try:
            await made.start(given, body.breakpoints, limits.of_a_job)
        except (OSError, RuntimeError, SandboxError) as error:
            self._log.warning("A debug session could not be started: %s", error)
            raise Unavailable("The session's kernel could not be started; try again.", code="NO_SANDBOX") from error
        finally:
            if not made.started:
                del self._sessions[made.id]
        self._forget_old(who.user_id)
        await made.stood(body.wait_seconds)
        return made

    def find(self, who: Caller, strategy_id: str, session_id: str) -> LiveSession:
        """Return a session of the caller; another's is as absent as none."""
        found = self._sessions.get(session_id)
        if found is None or (found.about.user_id, found.about.strategy_id) != (who.user_id, strategy_id):
            raise NotFound(f"There is no debug session {session_id}: one that has ended, or whose server has, is gone.")
        return found

    async def search(self, who: Caller, strategy_id: str, query: DebugQuery) -> Slice[DebugSession]:
        """List the caller's sessions of a strategy, newest first."""
        await self._database.read(lambda session: strategies.find(session, who, strategy_id))
        own = [
            found
            for found in reversed(self._sessions.values())
            if (found.about.user_id, found.about.strategy_id) == (who.user_id, strategy_id)
        ]
        part = own[query.offset : query.offset + query.limit]
        return Slice([found.to_model() for found in part], len(own))

    async def remove(self, who: Caller, strategy_id: str, session_id: str) -> DebugSession:
        """End a session and forget it; returns how it was."""
        found = self.find(who, strategy_id, session_id)
        found.end("stopped")
        await found.closed()
        self._sessions.pop(session_id, None)
        return found.to_model()

    async def stop(self) -> None:
        """End all: nothing of them runs afterwards."""
        self._stopping = True
        for found in self._sessions.values():
            found.end("shutdown")
        await asyncio.gather(*(found.closed() for found in self._sessions.values()))
        if self._kernels is not None:
            await self._kernels.close()

    def _reads(self, session: Session, who: Caller, terms: RunTerms) -> tuple[Inputs, _Beside]:
        """Return what its kernel gets of users' datasets, and by field what is read beside the prices."""
        others = {} if terms.benchmark is None else {_BENCHMARK: terms.benchmark}
        others |= {f"features.{name}": each.reference for name, each in terms.features.items()}
        if terms.reference is not None:
            others[REFERENCE] = terms.reference.reference
        reads = readable(session, who.user_id, terms.selection, None, others)
        for own in reads:
            if own.version is not None:
                refuse_sealed(own.row, own.version, _SEALED)
        named = [DebugInput(dataset=own.name, content_hash=own.content_hash) for own in reads[1:]]
        return inputs(session, self._storage, reads), dict(zip(others, named, strict=True))

    def _refuse_more(self, user_id: str, most: int) -> None:
        open_now = [found for found in self._sessions.values() if found.status is not DebugStatus.COMPLETED]
        own = [found for found in open_now if found.about.user_id == user_id]
        if len(own) >= most:
            raise TooMany(
                f"You have {len(own)} debug sessions open, and may have {most}: stop one.",
                code="TOO_MANY_SESSIONS",
                extra={"sessions": [{"id": found.id, "strategy_id": found.about.strategy_id} for found in own]},
            )
        if len(open_now) >= self._most:
            raise TooMany(
                f"{self._most} debug sessions are open on this server, and there may be no more: try again later.",
                code="TOO_MANY_SESSIONS",
                headers={"Retry-After": "60"},
            )

    def _forget_old(self, user_id: str) -> None:
        ended = [found for found in self._sessions.values() if found.status is DebugStatus.COMPLETED]
        own = [found for found in ended if found.about.user_id == user_id]
        for found in {*ended[:-KEPT], *own[:-KEPT_PER_USER]}:
            del self._sessions[found.id]


def _job(about: About, version: StrategyVersionRow, body: DebugCreate, terms: RunTerms) -> dict[str, Any]:
    """What the kernel is to run: as a backtest job of the same settings would."""
    return {
        "source": {"file": about.file, "class_name": about.class_name},
        "data": {"name": about.dataset_name},
        "breakpoints": bool(body.breakpoints),
        "parameters": version.parameters | body.parameters,
        # Datasets by the names that the kernel's index has, which of another's is not the id that was asked for.
        "configuration": {
            "start": None if body.start_date is None else terms.start.date().isoformat(),
            "end": None if body.end_date is None else terms.end.date().isoformat(),
            "cash": float(terms.cash),
            "commission": for_engine(terms.commission),
            "slippage": for_engine(terms.slippage),
            "profile": body.profile,
            "benchmark": None if about.benchmark is None else about.benchmark.dataset,
            "features": {name: each.dataset for name, each in about.features.items()} or None,
            "reference": None if about.reference is None else about.reference.dataset,
            "seed": body.seed,
            "risk_free_rate": body.risk_free_rate,
            "rules": body.rules,
        },
    }
