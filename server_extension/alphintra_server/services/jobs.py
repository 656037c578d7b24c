"""Jobs of every kind, as their owner sees them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..crash_points import reached
from ..db.check_tables import CheckRunRow
from ..db.engine import Database
from ..db.tables import BacktestRow, JobLogRow, JobRow
from ..errors import NotFound
from ..jobs import store
from ..jobs.fair_queue import positions
from ..metrics import count_cancelled
from ..models.jobs import Job, JobError, JobLog, JobPage, JobPagination, JobQuery, JobStatus, Progress

_ID = re.compile(r"[0-9a-f]{32}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Jobs:
    """What a user can do with their jobs.

    Args:
        database: Where they are.
        wake: Called after one was cancelled.
    """

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake

    async def search(self, who: Caller, query: JobQuery, path: str) -> JobPage:
        """List the caller's, newest first.

        Args:
            who: The caller.
            query: Filters, and where to go on.
            path: The list's own address, for that of the next page.
        """

        def work(session: Session) -> JobPage:
            # A name that there is not is looked for once, in the smallest index.
            total = _count(session, who, query) if _names(query) else None
            rows = [] if total == 0 else _page(session, who, query)
            more = len(rows) > query.limit
            rows = rows[: query.limit]
            places = positions(session, rows)
            strategies = _strategies(session, rows)
            following = None
            if more:
                given = query.model_dump(mode="json", exclude_none=True, exclude={"status", "cursor"})
                if query.status:
                    given["status"] = ",".join(query.status)
                following = f"{path}?{urlencode(given | {'cursor': _cursor(rows[-1])})}"
            if total is None:
                total = _count(session, who, query) if more or query.cursor is not None else len(rows)
            where = JobPagination(limit=query.limit, total=total, next=following)
            items = [to_model(row, places.get(row.id), strategies.get(row.id)) for row in rows]
            return JobPage(items=items, _pagination=where)

        return await self._database.read(work)

    async def get(self, who: Caller, job_id: str) -> Job:
        """Read one."""

        def work(session: Session) -> Job:
            row = find(session, who, job_id)
            place, strategy = positions(session, [row]).get(row.id), _strategies(session, [row]).get(row.id)
            return to_model(row, place, strategy, whole=True)

        return await self._database.read(work)

    async def log(self, who: Caller, job_id: str) -> JobLog:
        """Read the last lines that one printed."""

        def work(session: Session) -> JobLog:
            row = session.get(JobLogRow, find(session, who, job_id).id)
            return JobLog(id=job_id, lines=[] if row is None else row.lines)

        return await self._database.read(work)

    async def cancel(self, who: Caller, job_id: str) -> Job:
        """Stop one that waits or runs."""

        def work(session: Session) -> Job:
            return to_model(store.request_cancel(session, find(session, who, job_id).id))

        job = await self._database.write(work)
        count_cancelled(job.kind, job.status)
        reached("in_cancel")
        self._wake()
        return job

    async def count(self, who: Caller) -> dict[str, int]:
        """Tell how many of the caller's run and wait."""

        def work(session: Session) -> dict[str, int]:
            def number(*conditions: ColumnElement[bool]) -> int:
                query = select(func.count()).select_from(JobRow).where(JobRow.user_id == who.user_id, *conditions)
                return session.scalar(query) or 0

            return {
                "running": number(JobRow.status == "RUNNING"),
                "queued": number(JobRow.status == "PENDING", JobRow.phase == "queued"),
            }

        return await self._database.read(work)


def find(session: Session, who: Caller, job_id: str) -> JobRow:
    """Load a job of the caller; another's is as absent as none."""
    row = session.scalars(select(JobRow).where(JobRow.id == job_id, JobRow.user_id == who.user_id)).first()
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return row


def to_model(
    row: JobRow, position: int | None = None, strategy_id: str | None = None, *, whole: bool = False
) -> Job:
    """Show a job; ``whole`` with all that is known of its error."""
    error = row.error
    if error is not None and not whole:
        error = {"code": error["code"], "message": error["message"]}
    return Job(
        id=row.id,
        kind=row.kind,
        resource_id=row.resource_id,
        strategy_id=strategy_id,
        name=row.name,
        status=JobStatus(row.status),
        phase=row.phase,
        attempt=row.attempt,
        priority=row.priority,
        sandbox_level=row.sandbox_level,
        progress=Progress(**row.progress) if row.progress else None,
        queue_seconds=row.queue_seconds,
        run_seconds=row.run_seconds,
        cpu_seconds=row.cpu_seconds,
        peak_memory_bytes=row.peak_memory,
        bytes_written=row.bytes_written,
        created_at=row.created_at,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=None if error is None else JobError(**error),
        pruned_at=row.pruned_at,
        position=position,
    )


def _strategies(session: Session, rows: Sequence[JobRow]) -> dict[str, str]:
    """Find the strategies whose code jobs run, by job."""
    found: dict[str, str] = {}
    for table in (BacktestRow, CheckRunRow):
        query = select(table.job_id, table.strategy_id).where(table.job_id.in_([row.id for row in rows]))
        found |= {row.job_id: row.strategy_id for row in session.execute(query)}
    return found


def _names(query: JobQuery) -> bool:
    """Whether a name is looked for, not an id."""
    return bool(query.q) and _ID.fullmatch(query.q or "") is None


def _count(session: Session, who: Caller, query: JobQuery) -> int:
    """Count all that the filters let through."""
    conditions = _filters(session, who, query)
    if not query.status:  # all of them: so the index is read from its user on, whatever is asked of what follows
        conditions.append(JobRow.status.in_([item.value for item in JobStatus]))
    return session.scalar(select(func.count()).select_from(JobRow).where(*conditions)) or 0


def _filters(
    session: Session, who: Caller, query: JobQuery, status: JobStatus | None = None
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [JobRow.user_id == who.user_id]
    if status is not None:
        found.append(JobRow.status == status.value)
    elif query.status:
        found.append(JobRow.status.in_([item.value for item in query.status]))
    if query.kind is not None:
        found.append(JobRow.kind == query.kind)
    if query.q and not _names(query):
        found.append(or_(JobRow.id == query.q, JobRow.resource_id == query.q))
    elif query.q:
        # Read off the index alone, and quicker than LIKE: on PostgreSQL ten times as quick as with ILIKE.
        sqlite = session.get_bind().dialect.name == "sqlite"
        place = (func.instr if sqlite else func.strpos)(JobRow.name_folded, query.q.casefold())
        found.append(place > 0)
    return found


def _page(session: Session, who: Caller, query: JobQuery) -> list[JobRow]:
    """Read one more than a page, after the cursor."""
    after = []
    if query.cursor is not None:
        micros, _, last = query.cursor.partition("-")
        moment = _EPOCH + timedelta(microseconds=int(micros))
        after = [JobRow.created_at <= moment, or_(JobRow.created_at < moment, JobRow.id < last)]
    found: list[tuple[datetime, str]] = []
    # Each status on its own is read off an index in order, and off nothing else; several at once would be sorted first.
    # Without one, there is an index in order for all kinds, not for each.
    statuses: list[JobStatus | None] = [*sorted(set(query.status or JobStatus))]
    for status in statuses if query.status or query.kind is not None else [None]:
        wanted = select(JobRow.created_at, JobRow.id).where(*_filters(session, who, query, status), *after)
        wanted = wanted.order_by(JobRow.created_at.desc(), JobRow.id.desc()).limit(query.limit + 1)
        found += [(row.created_at, row.id) for row in session.execute(wanted)]
    ids = [job_id for _, job_id in sorted(found, reverse=True)[: query.limit + 1]]
    rows = {row.id: row for row in session.scalars(select(JobRow).where(JobRow.id.in_(ids)))}
    return [rows[job_id] for job_id in ids]


def _cursor(row: JobRow) -> str:
    return f"{(row.created_at - _EPOCH) // timedelta(microseconds=1)}-{row.id}"
