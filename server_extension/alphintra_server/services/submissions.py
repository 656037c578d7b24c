"""Work that a notebook hands over: stored as a strategy's version, and queued."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePosixPath

from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.engine import Database
from ..db.tables import JobRow
from ..idempotency import remember
from ..models.submissions import Submission, Submitted
from . import strategies
from .backtest_checks import check_parameters
from .backtests import Backtests
from .method_checks import check_grid
from .sources import Sources, choose_class, refuse_blocking
from .strategies import Strategies
from .workspace import Workspace


class Submissions:
    """Takes source text and runs it.

    Args:
        database: Where everything is kept.
        sources: Checks the code before it is stored.
        strategies: Stores it.
        backtests: Queues it.
        workspace: Where the files are that source comes from.
        wake: Called after a job was queued.
    """

    def __init__(
        self,
        database: Database,
        sources: Sources,
        strategies: Strategies,
        backtests: Backtests,
        workspace: Workspace,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._sources = sources
        self._strategies = strategies
        self._backtests = backtests
        self._workspace = workspace
        self._wake = wake

    async def submit(self, who: Caller, body: Submission) -> Submitted:
        """Check the source, then store it and queue one backtest of it, all or nothing.

        What was run is what the caller gave: parameters that were saved with the strategy do not count.
        """
        self._backtests.refuse_jobs()
        source = await self._sources.describe(body.code, body.modules)
        refuse_blocking(source)
        chosen = choose_class(source, body.class_name)
        check_parameters(chosen, body.parameters)
        await asyncio.to_thread(check_grid, chosen, body.method, body.parameters)
        settings, path = body.settings(), self._path(body.source_path)

        def work(session: Session) -> Submitted:
            saved, _ = self._strategies.keep(session, who, source, chosen, path)
            strategy = strategies.find_runnable(session, who, saved.id)
            version = strategies.version_of(session, strategy)
            accepted = self._backtests.enqueue(
                session, who, strategy, version, settings, body.class_name, saved_parameters=False
            )
            made = Submitted(
                **accepted.model_dump(),
                strategy_id=strategy.id,
                strategy_version=version.number,
                name=session.get_one(JobRow, accepted.job_id).name,
                new_version=saved.created_version,
            )
            return remember(session, made)

        submitted = await self._database.write(work)
        self._wake()
        return submitted

    def _path(self, given: str) -> str:
        """Where source came from, in the workspace's terms: a file that was saved from Lab is the same strategy."""
        with suppress(ValueError):
            given = str(PurePosixPath(given).relative_to(self._workspace.root.resolve()))
        path = posixpath.normpath(given).lstrip("/")
        return "interactive" if path in {"", "."} else path
