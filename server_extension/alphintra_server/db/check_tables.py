"""The tables of strategies' checks: when they run, and what came of each run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from .tables import Base
from .types import UtcDateTime

NullableJson = JSON(none_as_null=True)


class CheckPlanRow(Base):
    """What checks a strategy has on the server, on which data, and when they run by themselves."""

    __tablename__ = "check_plans"

    strategy_id: Mapped[str] = mapped_column(ForeignKey("strategies.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255))
    # NULL: those that the class carries.
    checks: Mapped[list[str] | None] = mapped_column(NullableJson)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    symbols: Mapped[list[str]] = mapped_column(JSON)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    on_save: Mapped[bool] = mapped_column(Boolean)
    on_dataset: Mapped[bool] = mapped_column(Boolean)
    schedule: Mapped[str | None] = mapped_column(String(20))
    at: Mapped[str] = mapped_column(String(5))
    weekday: Mapped[str] = mapped_column(String(10))
    # When the schedule is next due, by the database's clock; whoever moves it on makes the run.
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The version and the data for which a run was asked for, or which were there when the plan was made.
    version_seen: Mapped[int] = mapped_column(Integer)
    dataset_seen: Mapped[str] = mapped_column(String(80))
    revision: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "due_at"),)


class CheckPlanInputRow(Base):
    """A dataset that a plan's runs read beside their prices, in the version that is current then."""

    __tablename__ = "check_plan_inputs"

    strategy_id: Mapped[str] = mapped_column(ForeignKey("check_plans.strategy_id"), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"), primary_key=True)
    # The data for which a run was asked for, or which were there when the plan was made.
    seen: Mapped[str] = mapped_column(String(80))


class CheckRunRow(Base):
    """One run of a strategy's checks; its state is the job's."""

    __tablename__ = "check_runs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255))
    strategy_id: Mapped[str] = mapped_column(ForeignKey("strategies.id"))
    trigger: Mapped[str] = mapped_column(String(20))
    strategy_version: Mapped[int] = mapped_column(Integer)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    # NULL for what ships: it has no versions.
    dataset_version_id: Mapped[str | None] = mapped_column(String(32))
    dataset_hash: Mapped[str] = mapped_column(String(80))
    symbols: Mapped[list[str]] = mapped_column(JSON)
    checks: Mapped[list[str] | None] = mapped_column(NullableJson)
    class_name: Mapped[str | None] = mapped_column(String(200))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    # What ``al.backtest`` gets beside them.
    configuration: Mapped[dict[str, Any]] = mapped_column(JSON)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Whether the checks passed; a run that could not be made did not. NULL until it has ended, or was cancelled.
    passed: Mapped[bool | None] = mapped_column(Boolean)
    results: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    # The earlier run that it was compared with, as far as it is still kept.
    compared_with: Mapped[str | None] = mapped_column(String(32))
    inputs: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    differences: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    metrics: Mapped[dict[str, float | None]] = mapped_column(JSON)
    # {attempt, bytes, sha256} of what the next run is compared with; only the newest runs keep it.
    record: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)

    __table_args__ = (Index(None, "strategy_id", "created_at"),)
