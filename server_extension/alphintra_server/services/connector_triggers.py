"""What makes connectors run by themselves: their schedule, and a failure that may pass.

It looks at what is due again and again. However many times were missed, one run makes up for them; each time is claimed
by one guarded update, so that of several servers one makes the run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ..db.connector_tables import ConnectorRow
from ..db.engine import Database, database_now
from ..db.outage import Outage, is_away
from ..errors import TooMany
from ..limits import Limits
from ..metrics import CONNECTOR_AGE
from . import connector_runs
from .connector_schedule import next_due

POLL_SECONDS = 2.0
_BATCH = 100
KINDS = ("http", "exchange", "postgresql")


class ConnectorTriggers:
    """Looks for connectors that are to run.

    Args:
        database: Where they are.
        limits: How many jobs of each user may wait.
        wake: Called after a run was queued.
        log: Where oddities go.
        jobs_refused: Why this server runs no jobs, if it runs none: then nothing is queued.
        clock: Tells the time; the database's, so that all servers have the same.
    """

    def __init__(
        self,
        database: Database,
        limits: Limits,
        wake: Callable[[], None],
        log: logging.Logger,
        jobs_refused: str | None = None,
        clock: Callable[[Session], datetime] = database_now,
    ) -> None:
        self._database = database
        self._limits = limits
        self._wake = wake
        self._log = log
        self._outage = Outage(log, "The triggers of connectors")
        self._jobs_refused = jobs_refused
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._stumbled: set[str] = set()

    def start(self) -> None:
        """Begin to look, for what was missed while no server was there first."""
        self._task = asyncio.create_task(self._run(), name="alphintra-connectors")

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> int:
        """Queue what is due; return how many runs that made."""
        queued = 0
        if self._jobs_refused is None:
            for connector_id in await self._database.read(self._due):
                try:
                    queued += await self._database.write(partial(self._trigger, connector_id=connector_id))
                except TooMany:
                    # Nothing was written: it stays due, and is looked at again.
                    continue
                except Exception as error:
                    if is_away(error):
                        raise
                    # One that cannot be begun must not hold up the others.
                    if connector_id not in self._stumbled:
                        self._stumbled.add(connector_id)
                        self._log.exception("Connector %s cannot be run", connector_id)
        if queued:
            self._wake()
        for kind, age in (await self._database.read(self._ages)).items():
            CONNECTOR_AGE.labels(kind).set(age)
        return queued

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
                self._outage.over()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  connectors must go on after a bad moment of the database
                self._outage.seen(error)
            await asyncio.sleep(POLL_SECONDS)

    def _due(self, session: Session) -> list[str]:
        now = self._clock(session)
        query = select(ConnectorRow.id).where(
            ConnectorRow.paused.is_(False),
            ConnectorRow.run_id.is_(None),
            or_(ConnectorRow.due_at <= now, ConnectorRow.retry_at <= now),
        )
        return list(session.scalars(query.order_by(ConnectorRow.due_at, ConnectorRow.id).limit(_BATCH)))

    def _trigger(self, session: Session, connector_id: str) -> bool:
        """Claim what is due of a connector and begin its run; tell whether there was something."""
        row = session.get(ConnectorRow, connector_id, with_for_update=True)
        if row is None or row.paused or row.run_id is not None:
            return False
        now = self._clock(session)
        if row.due_at is not None and row.due_at <= now:
            # The next time is reckoned from now: what lies between is made up for by this one run.
            if not connector_runs.claim(session, row, "due_at", row.due_at, next_due(row.schedule, now)):
                return False
            row.failures = 0
            connector_runs.begin(session, row, connector_runs.SCHEDULE, self._limits)
            return True
        if row.retry_at is not None and row.retry_at <= now:
            if not connector_runs.claim(session, row, "retry_at", row.retry_at, None):
                return False
            connector_runs.begin(session, row, connector_runs.RETRY, self._limits)
            return True
        return False

    def _ages(self, session: Session) -> dict[str, float]:
        """Tell for each kind how long ago the scheduled connector succeeded that has not done so for the longest."""
        oldest = func.min(func.coalesce(ConnectorRow.last_success_at, ConnectorRow.created_at))
        query = (
            select(ConnectorRow.kind, oldest)
            .where(ConnectorRow.paused.is_(False), ConnectorRow.due_at.is_not(None))
            .group_by(ConnectorRow.kind)
        )
        now = self._clock(session)
        found = {kind: max((now - since).total_seconds(), 0.0) for kind, since in session.execute(query)}
        return dict.fromkeys(KINDS, 0.0) | found
