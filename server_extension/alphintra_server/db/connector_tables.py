"""The tables of connectors: where data is fetched from, when, and what came of each run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .tables import Base
from .types import UtcDateTime

NullableJson = JSON(none_as_null=True)


class ConnectorRow(Base):
    """A source that a dataset's rows come from."""

    __tablename__ = "connectors"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(200))
    # http, exchange, postgresql.
    kind: Mapped[str] = mapped_column(String(20))
    source: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Names a file of the server's; what stands in it is in no table.
    secret_id: Mapped[str | None] = mapped_column(String(32))
    # Which secrets there are.
    secret_names: Mapped[list[str]] = mapped_column(JSON)
    dataset_name: Mapped[str] = mapped_column(String(200))
    # How what is fetched is read; NULL until somebody has said so.
    mapping: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    about: Mapped[dict[str, Any]] = mapped_column(JSON)
    description: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(JSON)
    # From when on, where nothing is there yet.
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    overlap_bars: Mapped[int] = mapped_column(Integer)
    schedule: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    paused: Mapped[bool] = mapped_column(Boolean)
    # When it is next due, and when it is tried again, by the database's clock; whoever moves them on makes the run.
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Failures in a row.
    failures: Mapped[int] = mapped_column(Integer)
    # The run that is under way.
    run_id: Mapped[str | None] = mapped_column(String(32))
    # The version that the last run found or made, and the source's marks of it.
    version_id: Mapped[str | None] = mapped_column(String(32))
    conditions: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    last_success_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # {code, message, at}; NULL after a success.
    last_error: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("user_id", "dataset_name"),
        Index(None, "due_at"),
        Index(None, "retry_at"),
    )


class ConnectorRunRow(Base):
    """One run: a job that fetches, and one that makes a version of what it brought."""

    __tablename__ = "connector_runs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    connector_id: Mapped[str] = mapped_column(ForeignKey("connectors.id"))
    user_id: Mapped[str] = mapped_column(String(255))
    # HAND, SCHEDULE, RETRY.
    trigger: Mapped[str] = mapped_column(String(20))
    # FETCHING, INGESTING; DONE, NOTHING_NEW, NEEDS_MAPPING, FAILED, CANCELLED.
    state: Mapped[str] = mapped_column(String(20))
    fetch_job_id: Mapped[str] = mapped_column(String(32), unique=True)
    ingest_job_id: Mapped[str | None] = mapped_column(String(32), unique=True)
    upload_id: Mapped[str | None] = mapped_column(String(32))
    version_id: Mapped[str | None] = mapped_column(String(32))
    # What the source says of what it gave, kept once that is stored.
    conditions: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    error: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "connector_id", "created_at", "id"), Index(None, "upload_id"))
