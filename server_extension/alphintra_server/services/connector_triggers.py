"""What makes connectors run by themselves: their schedule, and a failure that may pass.

It looks at what is due again and again. However many times were missed, one run makes up for them; each time is claimed
by one guarded update, so that of several servers one makes the run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from alphintra.errors import DataError
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ..db.connector_tables import ConnectorRow
from ..db.engine import Database, database_now
from ..limits import Limits
from ..metrics import CONNECTOR_AGE
from ..repeated import Repeated
from . import connector_runs
from .connector_schedule import next_due
from .triggering import OneByOne

POLL_SECONDS = 2.0
_BATCH = 100
KINDS = ("http", "exchange", "postgresql")


class ConnectorTriggers(Repeated):
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
        super().__init__(self.look, "The triggers of connectors", log, POLL_SECONDS)
        self._database = database
        self._limits = limits
        self._queued = wake
        self._jobs_refused = jobs_refused
        self._clock = clock
        self._due_ones = OneByOne(database, self._due, self._trigger, log, "Connector")

    async def look(self) -> int:
        """Queue what is due; return how many runs that made."""
        queued = 0 if self._jobs_refused is not None else await self._due_ones.look()
        if queued:
            self._queued()
        for kind, age in (await self._database.read(self._ages)).items():
            CONNECTOR_AGE.labels(kind).set(age)
        return queued

    def _due(self, session: Session) -> list[str]:
        now = self._clock(session)
        query = select(ConnectorRow.id, ConnectorRow.schedule).where(
            ConnectorRow.paused.is_(False),
            ConnectorRow.run_id.is_(None),
            or_(ConnectorRow.due_at <= now, ConnectorRow.retry_at <= now),
        )
        # Users in turn: what of one waits until their queue has room must not keep what others have due from its time.
        in_order = (ConnectorRow.due_at, ConnectorRow.id)
        turn = func.row_number().over(partition_by=ConnectorRow.user_id, order_by=in_order)
        found = session.execute(query.order_by(turn, *in_order).limit(_BATCH)).all()
        for row in found:
            # A calendar takes seconds to load, the first time: here, where no other waits for the database meanwhile.
            with suppress(DataError, ValueError):
                next_due(row.schedule, now)
        return [row.id for row in found]

    def _trigger(self, session: Session, one: str) -> bool:
        """Claim what is due of a connector and begin its run; tell whether there was something."""
        row = session.get(ConnectorRow, one, with_for_update=True)
        if row is None or row.paused or row.run_id is not None:
            return False
        now = self._clock(session)
        if row.due_at is not None and row.due_at <= now:
            # The next time is reckoned from now: what lies between is made up for by this one run.
            if not connector_runs.claim(session, row, "due_at", row.due_at, next_due(row.schedule, now)):
                return False
            if connector_runs.waits_for_mapping(session, row):
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
