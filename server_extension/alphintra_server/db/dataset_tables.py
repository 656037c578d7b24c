"""The tables of stored datasets: versions, files, uploads, who may use what. The catalogue's row is in ``tables``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from .tables import Base
from .types import UtcDateTime

NullableJson = JSON(none_as_null=True)


class StorageAccountRow(Base):
    """Where a user's files lie. How much there may be of them is one of the limits of users."""

    __tablename__ = "storage_accounts"

    user_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    # The store's id of the owner, drawn once: a user's name is never part of a path.
    folder: Mapped[str] = mapped_column(String(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DatasetVersionRow(Base):
    """One version: its row is the point from which it is there. Values never change; what is known of them does."""

    __tablename__ = "dataset_versions"

    # The store's id of the version.
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    number: Mapped[int] = mapped_column(Integer)
    # ACTIVE, DELETING, DELETED: one that is deleted keeps id, hashes and lineage.
    state: Mapped[str] = mapped_column(String(20), default="ACTIVE", server_default="ACTIVE")
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    manifest_bytes: Mapped[int] = mapped_column(BigInteger)
    content_hash: Mapped[str] = mapped_column(String(80))
    row_count: Mapped[int] = mapped_column(BigInteger)
    # Of all its files, those that it shares with others as well.
    file_size: Mapped[int] = mapped_column(BigInteger)
    symbol_count: Mapped[int] = mapped_column(Integer)
    column_count: Mapped[int] = mapped_column(Integer)
    # The first twenty.
    symbols: Mapped[list[str]] = mapped_column(JSON)
    columns: Mapped[list[str]] = mapped_column(JSON)
    timeframe: Mapped[str] = mapped_column(String(20))
    start_date: Mapped[datetime] = mapped_column(UtcDateTime)
    end_date: Mapped[datetime] = mapped_column(UtcDateTime)
    # What the manifest states of the values.
    about: Mapped[dict[str, Any]] = mapped_column(JSON)
    is_validated: Mapped[bool] = mapped_column(Boolean)
    # Errors that nobody has acknowledged: code and text.
    validation_errors: Mapped[list[str]] = mapped_column(JSON)
    # {rule, who, when, why} of those that somebody has.
    acknowledgements: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    # Steps by which it was made of its parents; NULL for what was uploaded.
    recipe: Mapped[Any | None] = mapped_column(NullableJson)
    # The job that made it.
    job_id: Mapped[str | None] = mapped_column(String(32))
    created_by: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("dataset_id", "number"), Index(None, "created_at"))


class DatasetParentRow(Base):
    """What a version was made of."""

    __tablename__ = "dataset_parents"

    version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"), primary_key=True)
    parent_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"), primary_key=True)

    __table_args__ = (Index(None, "parent_id"),)


class DatasetReportRow(Base):
    """A validation of a version after the one that its manifest holds; the newest counts."""

    __tablename__ = "dataset_reports"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"))
    job_id: Mapped[str | None] = mapped_column(String(32))
    # Which rules, and what was set of them.
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "version_id", "created_at"),)


class BlobReferenceRow(Base):
    """A file that a version needs. A file goes when no row tells of it any more."""

    __tablename__ = "blob_references"

    version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255))
    bytes: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index(None, "user_id", "sha256", "bytes"),)


class DatasetSymbolRow(Base):
    """A symbol of a dataset's current version, and the span of its rows."""

    __tablename__ = "dataset_symbols"

    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"), primary_key=True)
    symbol: Mapped[str] = mapped_column(String(128), primary_key=True)
    # As it is looked for, in any case.
    folded: Mapped[str] = mapped_column(String(384))
    rows: Mapped[int] = mapped_column(BigInteger)
    first: Mapped[datetime] = mapped_column(UtcDateTime)
    last: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "folded", "dataset_id"),)


class DatasetGrantRow(Base):
    """What another user may do with a dataset: READ looks, USE runs on it as well, EDIT changes it as well."""

    __tablename__ = "dataset_grants"

    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    level: Mapped[str] = mapped_column(String(10))
    granted_by: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "user_id", "dataset_id"),)


class DatasetLeaseRow(Base):
    """Somebody who reads a version now: its files stay until the last of them has ended."""

    __tablename__ = "dataset_leases"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"))
    # A job, a kernel's door, a download.
    holder: Mapped[str] = mapped_column(String(80))
    # By the database's clock; whoever reads for longer takes it again before.
    until: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "version_id", "until"), Index(None, "holder"), Index(None, "until"))


class UploadRow(Base):
    """A file on its way, and what becomes of it."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255))
    # What the sender calls it: shown, never part of a path.
    filename: Mapped[str] = mapped_column(String(255))
    # ``Upload-Metadata`` as the sender wrote it: it is told back.
    sent_metadata: Mapped[str | None] = mapped_column(Text)
    # The dataset that it is to become (a new one, or a new version of one that is there).
    dataset_name: Mapped[str] = mapped_column(String(200))
    length: Mapped[int] = mapped_column(BigInteger)
    # Bytes that are on the disk for good.
    received: Mapped[int] = mapped_column(BigInteger)
    # Of the whole file, once it is here.
    sha256: Mapped[str | None] = mapped_column(String(64))
    # RECEIVING, RECEIVED, INSPECTING, INSPECTED, INGESTING, DONE, FAILED; ABORTED, EXPIRED.
    state: Mapped[str] = mapped_column(String(20))
    # What was found in it, and how it is to be read.
    inspection: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    mapping: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    # The job that works on it, or was the last to.
    job_id: Mapped[str | None] = mapped_column(String(32))
    # The version that came of it.
    version_id: Mapped[str | None] = mapped_column(String(32))
    # {code, message, where?, hint?}
    error: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    # Whether its file still takes room.
    kept: Mapped[bool] = mapped_column(Boolean, default=True)
    # Whether its sender has done with one that came to nothing.
    dismissed: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(None, "user_id", "created_at", "id"),
        Index(None, "user_id", "kept", "length"),
        Index(None, "kept", "expires_at"),
    )


class RememberedMappingRow(Base):
    """How a user had files of one shape read."""

    __tablename__ = "remembered_mappings"

    user_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    # SHA-256 over what files of the shape have in common.
    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "user_id", "used_at"),)
