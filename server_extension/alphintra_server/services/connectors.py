"""Connectors as their owner sets them up, runs them and looks at them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from alphintra.errors import DataError
from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.connector_tables import ConnectorRow, ConnectorRunRow
from ..db.engine import Database, database_now, one_at_a_time
from ..db.tables import DatasetRow, unique_name
from ..db.types import utc_now
from ..errors import Conflict, Invalid, NotFound, ServiceError, TooMany, Unavailable
from ..idempotency import remember
from ..limits import Limits
from ..models.base import PageQuery
from ..models.connectors import (
    SECRETS_OF,
    Connector,
    ConnectorChange,
    ConnectorCreate,
    ConnectorRun,
    ExchangeSource,
    HttpSource,
    PostgresSource,
    Secret,
    SourceError,
)
from ..models.datasets import SourceState
from . import connector_runs
from .connector_schedule import next_due
from .connector_secrets import ConnectorSecrets
from .dataset_names import check_name
from .dataset_rows import refuse_shipped
from .exchange_bars import about_bars, mapping_of_bars
from .ingests import checked_mapping, refuse_calendar
from .paging import Slice

MOST_CONNECTORS = 100
"""Connectors of one user."""
_AT_ONCE = 1_000


class Connectors:
    """What a user can do with their connectors.

    Args:
        database: Where they are.
        secrets: What they know.
        limits: How many jobs may wait.
        wake: Called after a job was queued.
        refused: Why no jobs run on this machine, or ``None``.
        clock: Tells the time; the database's, so that all servers have the same.
    """

    def __init__(
        self,
        database: Database,
        secrets: ConnectorSecrets,
        limits: Limits,
        wake: Callable[[], None],
        refused: str | None = None,
        clock: Callable[[Session], datetime] = database_now,
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._limits = limits
        self._wake = wake
        self._refused = refused
        self._clock = clock

    async def create(self, who: Caller, body: ConnectorCreate) -> Connector:
        """Set one up; nothing runs yet but by its schedule."""
        check_name(body.dataset, "dataset")
        mapping, about = body.mapping, body.about.model_dump()
        if isinstance(body.source, ExchangeSource):
            if mapping is not None:
                raise Invalid.field("mapping", "the bars of an exchange are read as they are: leave it out")
            mapping, about = mapping_of_bars(), about_bars(about, body.source.timeframe)
        elif mapping is not None:
            mapping = await asyncio.to_thread(checked_mapping, mapping)
        _refuse_unfit(body.source, body.secret, body.since)
        schedule = None if body.schedule is None else body.schedule.model_dump()
        due = await self._due(schedule)
        await asyncio.to_thread(refuse_calendar, about["calendar"])
        secret_id = await self._put(body.secret)

        def work(session: Session) -> Connector:
            one_at_a_time(session.connection(), f"connectors of {who.user_id}")
            refuse_shipped(session, body.dataset)
            mine = select(func.count()).where(ConnectorRow.user_id == who.user_id)
            if (session.scalar(mine) or 0) >= MOST_CONNECTORS:
                raise TooMany(f"You have {MOST_CONNECTORS} connectors: delete one.", code="TOO_MANY_CONNECTORS")
            now = utc_now()
            row = ConnectorRow(
                id=uuid.uuid4().hex,
                user_id=who.user_id,
                name=body.name,
                kind=body.source.kind,
                source=body.source.model_dump(),
                secret_id=secret_id,
                secret_names=[] if body.secret is None else body.secret.names,
                dataset_name=body.dataset,
                mapping=mapping,
                about=about,
                description=body.description,
                tags=list(body.tags),
                since=body.since,
                overlap_bars=body.overlap_bars,
                schedule=schedule,
                paused=body.paused,
                due_at=None if body.paused else due,
                failures=0,
                created_at=now,
                updated_at=now,
            )
            try:
                with session.begin_nested():
                    session.add(row)
            except IntegrityError:
                raise Conflict(f"Another connector fills {body.dataset}.", code="CONNECTOR_EXISTS") from None
            return remember(session, _shown(session, [row])[0])

        try:
            return await self._database.write(work)
        except ServiceError:
            await asyncio.to_thread(self._secrets.remove, secret_id)
            raise

    async def search(self, who: Caller, query: PageQuery) -> Slice[Connector]:
        """List the caller's own, by name."""

        def work(session: Session) -> Slice[Connector]:
            mine = ConnectorRow.user_id == who.user_id
            total = session.scalar(select(func.count()).select_from(ConnectorRow).where(mine)) or 0
            ordered = select(ConnectorRow).where(mine).order_by(ConnectorRow.name, ConnectorRow.id)
            return Slice(_shown(session, session.scalars(ordered.limit(query.limit).offset(query.offset))), total)

        return await self._database.read(work)

    async def get(self, who: Caller, connector_id: str) -> Connector:
        """Read one."""
        return await self._database.read(lambda session: _shown(session, [_find(session, who, connector_id)])[0])

    async def change(self, who: Caller, connector_id: str, body: ConnectorChange) -> Connector:
        """Change one; a run that is under way goes on as it began."""
        given = body.model_fields_set
        for name in ("name", "source", "overlap_bars", "paused"):
            if name in given and getattr(body, name) is None:
                raise Invalid.field(name, "it cannot be null")
        mapping = None if body.mapping is None else await asyncio.to_thread(checked_mapping, body.mapping)
        before = await self._database.read(lambda session: _find(session, who, connector_id))
        schedule = before.schedule
        if "schedule" in given:
            schedule = None if body.schedule is None else body.schedule.model_dump()
        due = await self._due(schedule)
        secret_id = await self._put(body.secret)
        old: list[str | None] = []

        def work(session: Session) -> Connector:
            row = _find(session, who, connector_id, lock=True)
            old.clear()
            if body.source is not None:
                if row.secret_id is not None and "secret" not in given and _goal(row.source) != _goal(body.source):
                    raise Invalid.field("secret", "the source lies elsewhere now: give the secret anew, or null")
                _exchange_source(row, body.source)
            if "secret" in given:
                old.append(row.secret_id)
                row.secret_id, row.secret_names = secret_id, [] if body.secret is None else body.secret.names
            if "mapping" in given:
                if row.kind == "exchange":
                    raise Invalid.field("mapping", "the bars of an exchange are read as they are")
                row.mapping = mapping
                row.conditions = None
            if body.name is not None:
                row.name = body.name
            if "since" in given:
                row.since = body.since
            if body.overlap_bars is not None:
                row.overlap_bars = body.overlap_bars
            _refuse_names(row.source, row.secret_names, row.since)
            resumed, next_time = row.paused and body.paused is False, due
            if "schedule" in given:
                row.schedule = schedule
            elif resumed and row.schedule != schedule:  # another request has changed it since it was read
                next_time = next_due(row.schedule, self._clock(session))
            if body.paused is not None:
                row.paused = body.paused
            if resumed and connector_runs.dataset_of(session, row) is None:
                # It was deleted; whoever goes on all the same wants it anew.
                row.version_id = row.conditions = None
            if resumed or "schedule" in given:
                row.due_at, row.failures = next_time, 0
            if row.paused or row.schedule is None:
                row.due_at = row.retry_at = None
            row.updated_at = utc_now()
            session.flush()
            return _shown(session, [row])[0]

        try:
            changed = await self._database.write(work)
        except ServiceError:
            await asyncio.to_thread(self._secrets.remove, secret_id)
            raise
        for gone in old:
            await asyncio.to_thread(self._secrets.remove, gone)
        return changed

    async def delete(self, who: Caller, connector_id: str) -> None:
        """Forget one, its runs and its secret; the dataset stays."""

        def work(session: Session) -> str | None:
            row = _find(session, who, connector_id, lock=True)
            if row.run_id is not None:
                run = session.get_one(ConnectorRunRow, row.run_id)
                job = run.ingest_job_id or run.fetch_job_id
                raise Conflict(
                    f"A run is under way: cancel the job {job} first.", code="RUN_ACTIVE", extra={"job_id": job}
                )
            session.execute(delete(ConnectorRunRow).where(ConnectorRunRow.connector_id == row.id))
            session.delete(row)
            return row.secret_id

        await asyncio.to_thread(self._secrets.remove, await self._database.write(work))

    async def run(self, who: Caller, connector_id: str) -> ConnectorRun:
        """Fetch now."""

        def work(session: Session) -> ConnectorRun:
            row = _find(session, who, connector_id, lock=True)
            if self._refused:
                raise Unavailable(self._refused, code="NO_SANDBOX")
            return remember(session, _run(connector_runs.begin(session, row, connector_runs.HAND, self._limits)))

        begun = await self._database.write(work)
        self._wake()
        return begun

    async def runs(self, who: Caller, connector_id: str, query: PageQuery) -> Slice[ConnectorRun]:
        """List the runs of one, the newest first."""

        def work(session: Session) -> Slice[ConnectorRun]:
            wanted = ConnectorRunRow.connector_id == _find(session, who, connector_id).id
            total = session.scalar(select(func.count()).select_from(ConnectorRunRow).where(wanted)) or 0
            ordered = select(ConnectorRunRow).where(wanted)
            ordered = ordered.order_by(ConnectorRunRow.created_at.desc(), ConnectorRunRow.id)
            return Slice([_run(row) for row in session.scalars(ordered.limit(query.limit).offset(query.offset))], total)

        return await self._database.read(work)

    async def sweep(self) -> int:
        """Remove secrets that no connector has; return how many."""
        old = await asyncio.to_thread(self._secrets.old)

        def kept(session: Session) -> set[str | None]:  # as parts: a query takes some ten thousand values
            parts = (old[start : start + _AT_ONCE] for start in range(0, len(old), _AT_ONCE))
            queries = (select(ConnectorRow.secret_id).where(ConnectorRow.secret_id.in_(part)) for part in parts)
            return {secret_id for query in queries for secret_id in session.scalars(query)}

        here = await self._database.read(kept)
        gone = [secret_id for secret_id in old if secret_id not in here]
        for secret_id in gone:
            await asyncio.to_thread(self._secrets.remove, secret_id)
        return len(gone)

    async def _put(self, secret: Secret | None) -> str | None:
        return None if secret is None else await asyncio.to_thread(self._secrets.put, secret.model_dump())

    async def _due(self, schedule: Mapping[str, Any] | None) -> datetime | None:
        """Tell when a schedule is next due; a calendar takes a while, so off the event loop.

        Raises:
            Invalid: There is no such calendar, or it has ended.
        """

        def work(session: Session) -> datetime | None:
            from alphintra.data.calendars import calendar_code

            if schedule is not None and schedule["after_close"] is not None:
                calendar_code(schedule["after_close"])
            return next_due(schedule, self._clock(session))

        try:
            return await self._database.read(work)
        except DataError as error:
            raise Invalid.field("schedule.after_close", error.message) from None
        except ValueError as error:
            raise Invalid.field("schedule", str(error)) from None


def states_of(session: Session, who: Caller, rows: Iterable[DatasetRow]) -> dict[str, SourceState]:
    """Tell how fresh datasets are that a connector fills, by the id of each that one does."""
    keys = {(row.user_id, row.name): row for row in rows if row.user_id is not None}
    if not keys:
        return {}
    query = select(ConnectorRow).where(tuple_(ConnectorRow.user_id, ConnectorRow.dataset_name).in_(list(keys)))
    found = {}
    for connector in session.scalars(query):
        dataset = keys[connector.user_id, connector.dataset_name]
        mine = connector.user_id == who.user_id
        error = _error(connector)
        if error is not None and not mine:
            error = error.model_copy(update={"message": None})
        found[dataset.id] = SourceState(
            connector_id=connector.id if mine else None,
            kind=connector.kind,
            paused=connector.paused,
            running=connector.run_id is not None,
            last_row=dataset.end_date,
            last_success_at=connector.last_success_at,
            next_run_at=_next(connector),
            last_error=None if error is None else error.model_dump(),
        )
    return found


def _exchange_source(row: ConnectorRow, source: HttpSource | ExchangeSource | PostgresSource) -> None:
    """Have a connector fetch from elsewhere, or otherwise."""
    if source.kind != row.kind:
        raise Invalid.field("source.kind", f"the connector is of the kind {row.kind}: make another one")
    if isinstance(source, ExchangeSource) and source.timeframe != row.source["timeframe"]:
        raise Invalid.field("source.timeframe", "a dataset has bars of one time frame: make another connector")
    row.source, row.conditions = source.model_dump(), None


def _goal(source: Mapping[str, Any] | HttpSource | ExchangeSource | PostgresSource) -> tuple[object, ...]:
    """Tell to whom a secret goes."""
    said = source if isinstance(source, Mapping) else source.model_dump()
    parts = urlsplit(str(said.get("url", "")))
    return parts.scheme, parts.netloc, *(said.get(name) for name in ("host", "port", "database", "user", "sslmode"))


def _refuse_unfit(
    source: HttpSource | ExchangeSource | PostgresSource, secret: Secret | None, since: datetime | None
) -> None:
    _refuse_names(source.model_dump(), [] if secret is None else secret.names, since)


def _refuse_names(source: Mapping[str, Any], secrets: list[str], since: datetime | None) -> None:
    """Refuse what does not go together: a source and the names of its secrets."""
    for name in (secret.partition(".")[0] for secret in secrets):
        if name not in SECRETS_OF[source["kind"]]:
            raise Invalid.field("secret", f"this kind of source has no {name}")
    url = str(source.get("url", ""))
    if ("{token}" in url) != ("token" in secrets):
        raise Invalid.field("secret.token", "an address has {token} exactly if the secret has a token")
    query = str(source.get("query", ""))
    if since is None and ("{start}" in url or "%(since)s" in query or source["kind"] == "exchange"):
        raise Invalid.field("since", "say from when on: there is no row yet to go on from")


def _find(session: Session, who: Caller, connector_id: str, *, lock: bool = False) -> ConnectorRow:
    query = select(ConnectorRow).where(ConnectorRow.id == connector_id, ConnectorRow.user_id == who.user_id)
    row = session.scalars(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"There is no connector {connector_id}.", code="UNKNOWN_CONNECTOR")
    return row


def _shown(session: Session, rows: Iterable[ConnectorRow]) -> list[Connector]:
    listed = list(rows)
    names = {unique_name(row.user_id, row.dataset_name): row.id for row in listed}
    query = select(DatasetRow.unique_name, DatasetRow.end_date).where(
        DatasetRow.unique_name.in_(list(names)), DatasetRow.state == "ACTIVE"
    )
    ends = {names[name]: end for name, end in session.execute(query)}
    return [_to_model(row, ends.get(row.id)) for row in listed]


def _to_model(row: ConnectorRow, last_row: datetime | None) -> Connector:
    same = (
        "id", "name", "source", "mapping", "about", "description", "tags", "since", "overlap_bars", "schedule",
        "paused", "failures", "last_success_at", "created_at", "updated_at",
    )  # fmt: skip
    return Connector(
        **{name: getattr(row, name) for name in same},
        secrets=row.secret_names,
        dataset=row.dataset_name,
        running=row.run_id,
        last_row=last_row,
        next_run_at=_next(row),
        last_error=_error(row),
    )


def _next(row: ConnectorRow) -> datetime | None:
    return min((time for time in (row.due_at, row.retry_at) if time is not None), default=None)


def _error(row: ConnectorRow) -> SourceError | None:
    return None if row.last_error is None else SourceError.model_validate(row.last_error)


def _run(row: ConnectorRunRow) -> ConnectorRun:
    names = [name for name in ConnectorRun.model_fields if name != "job_id"]
    return ConnectorRun(
        **{name: getattr(row, name) for name in names}, job_id=row.ingest_job_id or row.fetch_job_id
    )
