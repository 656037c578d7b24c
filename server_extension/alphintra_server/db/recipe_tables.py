"""What is asked for of stored versions: one row for each job that runs or tries a recipe, or compares two versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .dataset_tables import NullableJson
from .tables import Base
from .types import UtcDateTime


class VersionRequestRow(Base):
    """What a job is to do with a version; its state is the job's, and what a look found lies in the job's folder."""

    __tablename__ = "version_requests"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255))
    # The dataset and the version that are processed, tried, or compared.
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"))
    # The version that it is compared with.
    other_id: Mapped[str | None] = mapped_column(String(32))
    # The steps, with what they were fitted to.
    recipe: Mapped[Any | None] = mapped_column(NullableJson)
    # Versions that are joined: id by the name that the recipe has for it.
    joined: Mapped[dict[str, str]] = mapped_column(JSON)
    # What else the worker is told: symbols, rules, sample.
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Whose the version is that is made, and of which dataset; NULL where none is.
    owner_id: Mapped[str | None] = mapped_column(String(255))
    dataset_name: Mapped[str | None] = mapped_column(String(200))
    # The version that was the current one of that dataset, and has to be still; NULL where it was new.
    current_id: Mapped[str | None] = mapped_column(String(32))
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), unique=True)
    # What came of it.
    made_id: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "dataset_id"), Index(None, "version_id"))
