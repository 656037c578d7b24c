"""Connectors: where a dataset's rows come from, when they are fetched, and what came of it."""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from ..services.cron import Cron
from .base import Body, Moment, Reply
from .datasets import MOST_TAGS, Tag
from .ingests import Stated

_HEADER = re.compile(r"[A-Za-z0-9!#$&^_.~-]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e]{1,8192}")
_OURS = frozenset(
    {
        "host", "connection", "content-length", "transfer-encoding", "accept-encoding", "range", "if-range",
        "if-none-match", "if-modified-since", "expect", "upgrade", "te", "trailer",
    }
)  # fmt: skip
_HOST = r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$"
_PLAIN = r"^[^\x00-\x1f\x7f]+$"
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PLAIN)]


class HttpSource(Body):
    """A file at an address."""

    kind: Literal["http"]
    url: str = Field(
        max_length=2_000,
        description="http or https. `{start}` and `{end}` become times, `{page}` 1, 2, 3, … until a page is empty, "
        "`{token}` that of the secret.",
    )
    time_format: Literal["iso", "date", "s", "ms"] = Field("iso", description="How `{start}` and `{end}` are written.")
    most_pages: int = Field(100, ge=1, le=1_000, description="More pages end the run with an error.")

    @field_validator("url")
    @classmethod
    def _plain(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError("it is not an address") from None
        if parts.scheme not in ("http", "https") or not host or port == 0 or not value.isprintable() or " " in value:
            raise ValueError("an address begins with http:// or https:// and a host")
        if "@" in parts.netloc:
            raise ValueError("a password does not belong into an address: send it as a header of the secret")
        if "{" in parts.netloc:
            raise ValueError("the host of an address is fixed")
        return value


class ExchangeSource(Body):
    """Bars of a crypto exchange that ccxt knows."""

    kind: Literal["exchange"]
    exchange: str = Field(pattern=r"^[a-z0-9_]{2,40}$", description="Its name in ccxt, such as `binance`.")
    symbols: list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9/:_.-]{0,63}$")]] = Field(
        min_length=1, max_length=100, description="As ccxt writes them, such as `BTC/USDT`."
    )
    timeframe: str = Field(pattern=r"^[1-9][0-9]{0,2}[smhdw]$", description="`1m`, `1h`, `1d`, …")


class PostgresSource(Body):
    """A query on a PostgreSQL server."""

    kind: Literal["postgresql"]
    host: str = Field(max_length=253, pattern=_HOST)
    port: int = Field(5432, ge=1, le=65_535)
    database: Text
    user: Text
    sslmode: Literal["disable", "prefer", "require", "verify-full"] = "require"
    query: str = Field(
        min_length=1,
        max_length=50_000,
        description="A SELECT. `%(since)s` is the time from which on rows are wanted, `%(until)s` now; a `%` is `%%`.",
    )

    @field_validator("query")
    @classmethod
    def _without_nul(cls, value: str) -> str:
        if "\0" in value:
            raise ValueError("a query has no NUL characters")
        return value


Source = Annotated[HttpSource | ExchangeSource | PostgresSource, Field(discriminator="kind")]


SECRETS_OF: dict[str, tuple[str, ...]] = {"http": ("headers", "token"), "postgresql": ("password",), "exchange": ()}
"""Which secrets a kind of source takes."""


def _kinds_of(secret: str) -> dict[str, Any]:
    """Say in the schema which kinds of sources a secret is for: a form shows it for those alone."""
    return {"x-kinds": [kind for kind, names in SECRETS_OF.items() if secret in names]}


class Secret(Body):
    """What only the process that fetches gets to know. It is never shown again."""

    headers: dict[str, str] = Field(
        default_factory=dict,
        max_length=10,
        description="Headers of HTTP requests.",
        json_schema_extra=_kinds_of("headers"),
    )
    token: str | None = Field(
        None,
        min_length=1,
        max_length=4_096,
        description="Stands for `{token}` in an address.",
        json_schema_extra=_kinds_of("token"),
    )
    password: str | None = Field(
        None,
        min_length=1,
        max_length=1_024,
        description="Of the database's user.",
        json_schema_extra=_kinds_of("password"),
    )

    @field_validator("headers")
    @classmethod
    def _sendable(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not _HEADER.fullmatch(name) or name.lower() in _OURS:
                raise ValueError(f"{name[:100]!r} cannot be set")
            if not _VALUE.fullmatch(text):
                raise ValueError(f"the value of {name} has other characters than a header may have, or too many")
        return value

    @field_validator("password", "token")
    @classmethod
    def _without_nul(cls, value: str | None) -> str | None:
        if value is not None and "\0" in value:
            raise ValueError("a secret has no NUL characters")
        return value

    @property
    def names(self) -> list[str]:
        """What there is, without its values."""
        single = [name for name in ("token", "password") if getattr(self, name) is not None]
        return [*(f"headers.{name}" for name in sorted(self.headers)), *single]


class Schedule(Body):
    """When a connector runs by itself: at times of a clock, or after the sessions of an exchange."""

    cron: str | None = Field(
        None, max_length=200, description="Minute, hour, day of the month, month, day of the week: `30 17 * * mon-fri`."
    )
    time_zone: str = Field("UTC", max_length=64, description="Of `cron`: `America/New_York`.")
    after_close: str | None = Field(None, max_length=40, description="A calendar: `XNYS`, `24/7`, `weekdays`, …")
    minutes: int = Field(15, ge=0, le=1_440, description="After the close.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.cron is None) == (self.after_close is None):
            raise ValueError("name either cron or after_close")
        return self

    @field_validator("cron")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            Cron.parse(value)
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in zoneinfo.available_timezones():
            raise ValueError(f"there is no time zone {value!r}")
        return value


class ConnectorCreate(Body):
    """A new connector."""

    name: Text
    source: Source
    secret: Secret | None = None
    dataset: str = Field(max_length=200, description="Name of the dataset that the rows go to; of one connector.")
    mapping: dict[str, Any] | None = Field(
        None, description="How what is fetched is read; left out, the first run looks at it and asks."
    )
    about: Stated = Stated()
    description: str = Field("", max_length=5_000)
    tags: list[Tag] = Field(default_factory=list, max_length=MOST_TAGS)
    since: Moment | None = Field(None, description="From when on, while there is no dataset yet.")
    overlap_bars: int = Field(
        5, ge=0, le=10_000, description="Bars before the last stored one that are fetched again, to see corrections."
    )
    schedule: Schedule | None = None
    paused: bool = False


class ConnectorChange(Body):
    """What is to be changed; what is absent stays. A secret that is null is forgotten."""

    name: Text | None = None
    source: Source | None = None
    secret: Secret | None = None
    mapping: dict[str, Any] | None = None
    since: Moment | None = None
    overlap_bars: int | None = Field(None, ge=0, le=10_000)
    schedule: Schedule | None = Field(None, description="null: only by hand.")
    paused: bool | None = None


class SourceError(Reply):
    """Why the last run came to nothing."""

    code: str
    message: str | None = Field(None, description="null where the connector is another user's.")
    at: datetime


class Connector(Reply):
    """A connector; its secret is never shown."""

    id: str
    name: str
    source: dict[str, Any]
    secrets: list[str] = Field(description="Which secrets there are: `headers.Authorization`, `token`, `password`.")
    dataset: str
    mapping: dict[str, Any] | None
    about: dict[str, Any]
    description: str
    tags: list[str]
    since: datetime | None
    overlap_bars: int
    schedule: dict[str, Any] | None
    paused: bool
    running: str | None = Field(description="Id of the run that is under way.")
    failures: int = Field(description="In a row.")
    last_row: datetime | None = Field(description="Time of the dataset's last row.")
    last_success_at: datetime | None
    next_run_at: datetime | None
    last_error: SourceError | None
    created_at: datetime
    updated_at: datetime


class ConnectorRun(Reply):
    """One run: a job that fetches, then one that makes a version of what is new."""

    id: str
    connector_id: str
    trigger: str = Field(description="HAND, SCHEDULE or RETRY.")
    state: str = Field(
        description="FETCHING, INGESTING; DONE, NOTHING_NEW, NEEDS_MAPPING (look at the upload), FAILED, CANCELLED."
    )
    job_id: str = Field(description="The job that is at work, or was the last to.")
    fetch_job_id: str
    ingest_job_id: str | None
    upload_id: str | None
    version_id: str | None
    error: dict[str, Any] | None
    created_at: datetime
    ended_at: datetime | None
