"""Jobs of every kind: their state, what they took, and the events that tell of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from .base import MAX_LIMIT, Body, Reply


class JobStatus(StrEnum):
    """The five states of a job."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Progress(Reply):
    """How far a running job is."""

    fraction: float
    phase: str
    text: str | None = Field(None, description="What a method is at, such as `120 of 990 variants`.")
    bar_time: str | None = None
    eta_seconds: float | None = None


class FailedRun(Reply):
    """Which run of a sweep or a walk-forward failed: what repeats it alone."""

    parameters: dict[str, Any]
    window: int | None = Field(None, description="Of a walk-forward, from 1.")
    part: str | None = Field(None, description="`training` or `test`.")
    start: str | None = Field(None, description="First session of that part.")
    end: str | None = Field(None, description="Its last session.")


class JobError(Reply):
    """Why a job failed, and where."""

    code: str
    message: str
    file: str | None = None
    line: int | None = None
    cell: int | None = None
    step: int | None = Field(None, description="Of a recipe, from 1.")
    bar_time: str | None = None
    traceback: str | None = None
    run: FailedRun | None = None


class Used(Reply):
    """What a job's last attempt took; of a running one, so far. Null where it is not known."""

    queue_seconds: float | None = Field(None, description="From queued to the start of the attempt.")
    run_seconds: float | None = Field(None, description="From the start of the attempt to its end.")
    cpu_seconds: float | None = Field(None, description="Of all its processes.")
    peak_memory_bytes: int | None = None
    bytes_written: int | None = None


class Job(Used):
    """A unit of work of any kind."""

    id: str
    kind: str = Field(description="What sort of job: `backtest`, `check`; more may come.")
    resource_id: str = Field(description="What it works on: the id of the backtest or of the run of checks.")
    strategy_id: str | None = Field(None, description="Whose code it runs.")
    name: str = Field(description="For people.")
    status: JobStatus
    phase: str = Field(description="Finer than the status, such as created, queued, starting, running, cancelling.")
    attempt: int = Field(description="1 for the first; more where a server was lost meanwhile.")
    priority: int = Field(description="0 normal, 10 low: waits for everybody's normal ones.")
    sandbox_level: str | None
    progress: Progress | None
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    error: JobError | None
    pruned_at: datetime | None = Field(None, description="Since when its output and log are no longer kept.")
    position: int | None = Field(None, description="Place in the queue, 1 for the next; null where it does not wait.")


class JobPagination(Reply):
    """Where a page lies: `next` continues after its last item, whatever was added meanwhile."""

    limit: int
    total: int = Field(description="How many there are with these filters.")
    next: str | None = Field(None, description="Address of the next page, absent on the last.")


class JobPage(Reply):
    """One page of jobs, newest first."""

    items: list[Job]
    pagination: JobPagination = Field(alias="_pagination")


def _split(value: Any) -> Any:
    return value.split(",") if isinstance(value, str) else value


class JobQuery(Body):
    """Filters of the list of jobs."""

    status: Annotated[list[JobStatus] | None, BeforeValidator(_split)] = Field(
        None, description="One or several, with commas: `PENDING,RUNNING`.", max_length=5
    )
    kind: str | None = Field(None, max_length=20)
    q: str | None = Field(None, max_length=200, description="Part of the name, in any case; or an id.")
    limit: int = Field(50, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(
        None, pattern=r"^[0-9]{1,17}-[0-9a-zA-Z]{1,32}$", description="Where to go on, from `next`."
    )


class JobLog(Reply):
    """What a job printed: the last 200 of its first 2,000 lines (1 MiB)."""

    id: str
    lines: list[str]
