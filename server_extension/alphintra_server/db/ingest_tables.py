"""What is asked for of a file that was uploaded: one row for each job that makes a version of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from .tables import Base
from .types import UtcDateTime


class IngestRow(Base):
    """One version that is to be made of an upload; its state is the job's."""

    __tablename__ = "ingests"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # Who asked for it; the dataset may be another user's who lets them change it.
    user_id: Mapped[str] = mapped_column(String(255))
    owner_id: Mapped[str] = mapped_column(String(255))
    upload_id: Mapped[str] = mapped_column(String(32))
    dataset_name: Mapped[str] = mapped_column(String(200))
    # The version that it goes on from; NULL where the file holds all that there is to be.
    parent_id: Mapped[str | None] = mapped_column(String(32))
    # Whether the last rows of that may come once more, as they do from a source.
    overlap: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    # Whether its files are encrypted, if that was said: else as those of the version are that is current by then.
    sealed: Mapped[bool | None] = mapped_column(Boolean)
    # What the dataset says of where it comes from.
    source: Mapped[str] = mapped_column(String(20), default="USER_UPLOAD", server_default="USER_UPLOAD")
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON)
    # What is stated of the values, and of a dataset that is new.
    about: Mapped[dict[str, Any]] = mapped_column(JSON)
    description: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(JSON)
    remember: Mapped[bool] = mapped_column(Boolean)
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), unique=True)
    # What came of it.
    version_id: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "upload_id"),)
