"""Jobs as a door shows them."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.engine import Database
from ..db.tables import BacktestRow, JobRow
from ..errors import NotFound
from ..models.backtests import JobError, JobStatus, Progress
from ..models.base import PageQuery
from ..models.submissions import Job, JobLog
from ..services.backtests import KIND
from ..services.paging import Slice


class Jobs:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, who: Caller, job_id: str) -> Job:
        return await self._database.read(lambda session: _model(session, _find(session, who, job_id)))

    async def log(self, who: Caller, job_id: str) -> JobLog:
        return await self._database.read(lambda session: JobLog(id=job_id, lines=_find(session, who, job_id).log))

    async def search(self, who: Caller, query: PageQuery) -> Slice[Job]:
        wanted = select(JobRow).where(JobRow.user_id == who.user_id)

        def work(session: Session) -> Slice[Job]:
            total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
            rows = session.scalars(
                wanted.order_by(JobRow.created_at.desc(), JobRow.id).limit(query.limit).offset(query.offset)
            )
            return Slice([_model(session, row) for row in rows], total)

        return await self._database.read(work)


def _find(session: Session, who: Caller, job_id: str) -> JobRow:
    row = session.scalars(select(JobRow).where(JobRow.id == job_id, JobRow.user_id == who.user_id)).first()
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return row


def _model(session: Session, row: JobRow) -> Job:
    backtest = session.get(BacktestRow, row.resource_id) if row.kind == KIND else None
    return Job(
        id=row.id,
        kind=row.kind,
        resource_id=row.resource_id,
        name="" if backtest is None else backtest.name,
        status=JobStatus(row.status),
        phase=row.phase,
        attempt=row.attempt,
        progress=Progress(**row.progress) if row.progress else None,
        created_at=row.created_at,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=JobError(**row.error) if row.error else None,
    )
