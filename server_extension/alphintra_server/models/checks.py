"""Checks of a strategy: when they run, and what came of each run."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from .backtests import KeyMetrics
from .base import Body, Reply
from .jobs import JobError, JobStatus
from .strategies import OneRun


class CheckTrigger(StrEnum):
    """Why a run was made."""

    SAVE = "SAVE"
    DATASET = "DATASET"
    SCHEDULE = "SCHEDULE"
    MANUAL = "MANUAL"


def _readable(value: list[str] | None) -> list[str] | None:
    from alphintra.errors import ParameterError
    from alphintra_backtest.checks.texts import parse

    if value is None:
        return None
    try:
        return [check.text for check in parse(value)]
    except ParameterError as error:
        raise ValueError(f"{error.where}: {error.message}" + (f"; {error.hint}" if error.hint else "")) from None


CheckTexts = Annotated[list[str], Field(min_length=1, max_length=50), AfterValidator(_readable)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class CheckSettings(OneRun):
    """How the checks' backtest runs: what is absent takes the server's defaults."""


def _usual() -> CheckSettings:
    return CheckSettings.model_validate({})


class ChecksUpdate(Body):
    """What a strategy's checks are on the server, on which data, and when they run by themselves."""

    checks: CheckTexts | None = Field(
        None, description="Such as `sharpe_ratio >= 0.8`; null: those that the class carries."
    )
    dataset_id: str = Field(
        min_length=1, max_length=400, description="Id or name, `name/SYMBOL` for one symbol."
    )
    settings: CheckSettings = Field(default_factory=_usual)
    on_save: bool = Field(False, description="After a saved change of the code or its parameters.")
    on_dataset: bool = Field(False, description="After a new version of the dataset.")
    schedule: Literal["daily", "weekly"] | None = None
    at: TimeOfDay = Field("00:00", description="Time of day of the schedule, UTC.")
    weekday: Weekday = Field("monday", description="Day of a weekly schedule.")


class CheckResult(Reply):
    """What came of one check."""

    text: str
    passed: bool
    value: float | None = Field(description="The metric's value; null where it is undefined or there is none.")
    reason: str


class InputChange(Reply):
    """Something that went into the run and is not what it was before."""

    what: str = Field(description="code, data, parameters, settings, seed or engine")
    text: str


class ComparedWith(Reply):
    """The run before."""

    id: str
    created_at: datetime
    strategy_version: int
    dataset_hash: str
    passed: bool | None


class MetricChange(Reply):
    """A metric that is not what it was; the difference is null where one of them is undefined."""

    name: str
    before: float | None
    after: float | None
    difference: float | None


class FillSide(Reply):
    """One run's side of the first differing fill: fill, its order with history, and the bars."""

    fill: dict[str, Any] | None
    order: dict[str, Any] | None
    history: list[dict[str, Any]]
    decision_bar: dict[str, Any] | None
    fill_bar: dict[str, Any] | None


class FirstFill(Reply):
    """The first fill that is not what it was; its number counts from 1."""

    number: int
    before: FillSide
    now: FillSide
    text: str


class CheckDifferences(Reply):
    """What is not what it was in the run before."""

    metrics: list[MetricChange]
    equal_fills: int = Field(description="How many fills from the beginning are the same.")
    first_fill: FirstFill | None


class ChecksRun(Reply):
    """A run of a strategy's checks."""

    id: str
    strategy_id: str
    job_id: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    trigger: CheckTrigger
    status: JobStatus
    phase: str
    passed: bool | None = Field(
        description="null until it has ended, or where it was cancelled; false where it failed to run."
    )
    results: list[CheckResult]
    compared_with: ComparedWith | None = Field(
        description="The run before on the same data, null for the first, or where it is no longer kept."
    )
    inputs: list[InputChange] = Field(description="What went in differently than in the run before.")
    differences: CheckDifferences | None = Field(description="null where there was no run to compare with.")
    metrics: KeyMetrics | None
    strategy_version: int
    class_name: str | None
    dataset_id: str
    dataset_name: str
    dataset_hash: str
    parameters: dict[str, Any]
    error: JobError | None


class Checks(Reply):
    """A strategy's checks as they are now; the defaults where none were set."""

    configured: bool = Field(description="False before the first PUT: then there is nothing to run.")
    checks: list[str] | None = Field(None, description="null: those that the class carries.")
    dataset_id: str = Field(description="`name`, or `name/SYMBOL`.")
    settings: CheckSettings = Field(default_factory=_usual)
    on_save: bool = False
    on_dataset: bool = False
    schedule: str | None = Field(None, description="daily or weekly")
    at: str = "00:00"
    weekday: str = "monday"
    revision: int = Field(description="What the entity tag names.")
    next_due: datetime | None
    last_run: ChecksRun | None


class ChecksAccepted(Reply):
    """A run was queued; or one that waited already takes the newest version."""

    run_id: str
    job_id: str
    status: str
