"""The kind of job that fetches what a connector names. What it brings is an upload, read as any other."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..db.connector_tables import ConnectorRow, ConnectorRunRow
from ..db.dataset_tables import DatasetSymbolRow, DatasetVersionRow
from ..db.engine import database_now
from ..db.ingest_tables import IngestRow
from ..db.tables import DatasetRow
from ..errors import Gone, ServiceError
from ..limits import Limits
from ..services import connector_runs, upload_rows
from ..services.connector_schedule import since
from ..services.connector_secrets import ConnectorSecrets
from ..services.dataset_inputs import NOT_ADDED, refuse_sealed
from ..services.dataset_names import file_name
from ..services.dataset_storage import DatasetStorage
from . import store
from .attempt import JobInput
from .kind import JobKind
from .output import BadOutputError, _checked, _read
from .protocol import FILES, OutputFile, clean
from .store import Claim

FETCH = connector_runs.FETCH
FETCHED, SAID = "fetched", "fetched.json"
ENDED = timedelta(days=30)
"""A symbol further behind the newest row is not waited for."""
_Mark = Annotated[str | None, Field(max_length=200, pattern=r"^[\x20-\x7e]*$")]


class SaidDocument(BaseModel):
    """What the worker says of what it fetched."""

    model_config = ConfigDict(extra="ignore")

    state: Literal["fetched", "unchanged", "empty"]
    name: Annotated[str, Field(max_length=300), BeforeValidator(clean)]
    etag: _Mark = None
    modified: _Mark = None


@dataclass(frozen=True)
class Brought:
    """What a fetch brought.

    Attributes:
        said: What the worker says of it.
        parent_id: The version after whose rows it was asked for.
        url: Of what it was.
        sha256: Of the file; empty where there is none.
        length: Its bytes.
        upload_id: The upload that it becomes.
    """

    said: SaidDocument
    parent_id: str | None
    url: str
    sha256: str = ""
    length: int = 0
    upload_id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class FetchBounds:
    """What a fetch may do.

    Attributes:
        most_bytes: Bytes that it may bring.
        seconds: Time that it may take.
        networks: Networks that may be reached though they are not public.
        exchange_urls: Where an exchange is reached instead, by its name.
        upload_hours: Hours for which what it brought stays if it becomes nothing.
    """

    most_bytes: int = 1 << 30
    seconds: float = 300.0
    networks: tuple[str, ...] = ()
    exchange_urls: tuple[tuple[str, str], ...] = ()
    upload_hours: float = 24.0


class FetchKind(JobKind):
    """Implements ``JobKind``.

    Args:
        storage: Where uploads lie.
        secrets: What connectors know.
        limits: What each user may store, and how many jobs may wait.
        bounds: What a fetch may do.
    """

    keeps_output = False

    def __init__(
        self,
        storage: DatasetStorage,
        secrets: ConnectorSecrets,
        limits: Limits,
        bounds: FetchBounds,
    ) -> None:
        self._storage = storage
        self._secrets = secrets
        self._limits = limits
        self._bounds = bounds

    def load(self, session: Session, held: Claim) -> JobInput:
        """Give the worker the source, its secret, and from when on it is asked."""
        run = session.get_one(ConnectorRunRow, held.resource_id)
        connector = session.get_one(ConnectorRow, run.connector_id)
        dataset = connector_runs.dataset_of(session, connector)
        if dataset is None and connector.version_id is not None:
            raise Gone(
                f"The dataset {connector.dataset_name} was deleted: go on with the connector to begin anew.",
                code="DATASET_DELETED",
            )
        try:
            secret = self._secrets.get(connector.secret_id)
        except FileNotFoundError:
            raise Gone("The connector's secret is gone: set it again.", code="SECRET_GONE") from None
        source = dict(connector.source)
        base = dict(self._bounds.exchange_urls).get(str(source.get("exchange")))
        if source["kind"] == "exchange" and base is not None:
            source["base"] = base
        parent = None if dataset is None else dataset.current_version_id
        if dataset is not None and parent is not None:
            refuse_sealed(dataset, session.get_one(DatasetVersionRow, parent), NOT_ADDED)
        start = connector.since
        if dataset is not None:
            start = since(furthest_behind(session, dataset), dataset.timeframe, connector.overlap_bars)
        url = str(source.get("url", ""))
        known = connector.conditions or {}
        same = known.get("url") == url and parent is not None and known.get("version") == parent
        message = {
            "id": held.job_id,
            "kind": held.kind,
            "connector": source,
            "secret": secret,
            "since": None if start is None else start.isoformat(),
            "since_of": _by_symbol(session, connector, dataset),
            "until": database_now(session).isoformat(),
            "conditions": {key: known[key] for key in ("etag", "modified") if known.get(key)} if same else {},
            "networks": self._bounds.networks,
            "most_bytes": self._bounds.most_bytes,
            "fetch_seconds": self._bounds.seconds,
        }
        collect = partial(collect_fetch, parent_id=parent, url=url, most=self._bounds.most_bytes)
        return JobInput({}, message, collect=collect, about="source", network=True)

    def keeping(self, held: Claim, output: Brought, folder: Path) -> AbstractContextManager[None]:
        """Put the file where uploads lie; without a row it is swept from there."""
        return self._kept(output, folder) if output.sha256 else nullcontext()

    def save(self, session: Session, held: Claim, output: Brought) -> None:
        """End the run where nothing is new; else hand the file on as an upload."""
        found = connector_runs.of_job(session, held.job_id)
        assert found is not None
        run, connector = found
        if not output.sha256:
            connector_runs.succeed(session, run, connector, "NOTHING_NEW", output.parent_id)
            return
        if "{" not in output.url and (output.said.etag or output.said.modified):
            run.conditions = {"url": output.url, "etag": output.said.etag, "modified": output.said.modified}
        try:
            self._hand_on(session, run, connector, output)
        except ServiceError as error:
            raise BadOutputError(error.detail, error.code) from None

    def _hand_on(
        self, session: Session, run: ConnectorRunRow, connector: ConnectorRow, output: Brought
    ) -> None:
        from ..services.ingests import account, enqueue_ingest, enqueue_inspection

        upload = upload_rows.reserve(
            session,
            connector.user_id,
            length=output.length,
            filename=file_name(output.said.name),
            dataset=connector.dataset_name,
            metadata=None,
            quota=self._limits.of(connector.user_id).storage,
            hours=self._bounds.upload_hours,
        )
        upload.id, upload.sha256 = output.upload_id, output.sha256
        upload.received, upload.state = output.length, "RECEIVED"
        run.upload_id = upload.id
        session.flush()
        if connector.mapping is None:
            enqueue_inspection(session, upload, self._limits)
            connector_runs.need_mapping(session, run, connector)
            return
        dataset = connector_runs.dataset_of(session, connector)
        current = None if dataset is None else dataset.current_version_id
        if current != output.parent_id:
            raise BadOutputError(
                f"Another version of {connector.dataset_name} was made meanwhile.", "PARENT_CHANGED"
            )
        if current is not None and session.get_one(DatasetVersionRow, current).state != "ACTIVE":
            text = f"The current version of {connector.dataset_name} is being deleted."
            raise BadOutputError(text, "DATASET_DELETED")
        account(session, connector.user_id)
        ingest = IngestRow(
            id=uuid.uuid4().hex,
            user_id=connector.user_id,
            owner_id=connector.user_id,
            upload_id=upload.id,
            dataset_name=connector.dataset_name,
            parent_id=current,
            overlap=current is not None,
            source="EXTERNAL",
            mapping=connector.mapping,
            about=connector.about,
            description=connector.description,
            tags=connector.tags,
            remember=False,
            fingerprint=None,
            created_at=database_now(session),
        )
        job = enqueue_ingest(session, upload, ingest, self._limits)
        run.ingest_job_id, run.state = job.id, "INGESTING"

    @contextmanager
    def _kept(self, output: Brought, folder: Path) -> Iterator[None]:
        source, target = folder / FETCHED, self._storage.upload(output.upload_id)
        if os.geteuid() == 0:
            os.chown(source, 0, 0, follow_symlinks=False)
        source.replace(target)
        with target.open("rb") as file:
            os.fsync(file.fileno())
        yield


def collect_fetch(
    folder: Path, claimed: list[OutputFile], *, parent_id: str | None, url: str, most: int
) -> Brought:
    """Check what a worker left that has fetched something.

    Raises:
        BadOutputError: It is not what such a worker leaves.
    """
    found = {item.name: item for item in claimed}
    if len(found) != len(claimed) or set(found) not in ({SAID}, {SAID, FETCHED}):
        raise BadOutputError(f"This job leaves {SAID}, and {FETCHED} where there is something new.")
    data, digest, size = _read(folder / SAID, FILES[SAID], keep=True)
    if (digest, size) != (found[SAID].sha256, found[SAID].bytes):
        raise BadOutputError(f"{SAID} is not the file that the job announced.")
    said = _checked(SaidDocument, SAID, data)
    if (said.state == "fetched") != (FETCHED in found):
        raise BadOutputError(f"{SAID} says something else than there is.")
    brought = Brought(said, parent_id, url)
    if FETCHED not in found:
        return brought
    _, digest, size = _read(folder / FETCHED, most, keep=False)
    if (digest, size) != (found[FETCHED].sha256, found[FETCHED].bytes) or not size:
        raise BadOutputError(f"{FETCHED} is not the file that the job announced.")
    return replace(brought, sha256=digest, length=size)


def furthest_behind(session: Session, dataset: DatasetRow) -> datetime:
    """Return the last row of the symbol that is furthest behind, of those within 30 days of the newest row.

    A source that has some symbols later than others is asked for the rows of all. Those further behind count as ended:
    what was delisted must not have years read again by each run.
    """
    query = select(func.min(DatasetSymbolRow.last)).where(
        DatasetSymbolRow.dataset_id == dataset.id, DatasetSymbolRow.last >= dataset.end_date - ENDED
    )
    return session.scalar(query) or dataset.end_date


def _by_symbol(session: Session, connector: ConnectorRow, dataset: DatasetRow | None) -> dict[str, str]:
    """Tell from when on each symbol of an exchange is asked for; one that is new, from the beginning."""
    if connector.kind != "exchange" or dataset is None:
        return {}
    wanted = list(connector.source["symbols"])
    query = select(DatasetSymbolRow.symbol, DatasetSymbolRow.last).where(
        DatasetSymbolRow.dataset_id == dataset.id, DatasetSymbolRow.symbol.in_(wanted)
    )
    ends: dict[str, datetime] = {row.symbol: row.last for row in session.execute(query)}
    found = {
        symbol: since(ends[symbol], dataset.timeframe, connector.overlap_bars) if symbol in ends else connector.since
        for symbol in wanted
    }
    return {symbol: time.isoformat() for symbol, time in found.items() if time is not None}


store.when_ended(FETCH, connector_runs.job_ended)
