"""Debug sessions: a strategy held inside ``on_bar`` at a bar of history."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from .base import Body, Moment, PageQuery, Reply
from .jobs import JobError
from .strategies import OneRun, one_line

MAX_BREAKPOINTS = 100
MAX_LINE_NUMBER = 10**6
MAX_WAIT = 30.0


class DebugStatus(StrEnum):
    """ACTIVE while it runs, PAUSED while it stands inside a bar, COMPLETED once it has ended."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"


class BreakpointGiven(Body):
    """Where to stop, and on what condition."""

    line: int = Field(ge=1, le=MAX_LINE_NUMBER, description="Line of the strategy's stored code.")
    condition: Annotated[str, Field(max_length=1_000), AfterValidator(one_line)] | None = Field(
        None, description="An expression, such as `self.position().size > 0`; it stops where it is true."
    )


def _breakpoints(value: Any) -> Any:
    """Take lines alone as well."""
    if not isinstance(value, list):
        return value
    return [{"line": item} if isinstance(item, int) and not isinstance(item, bool) else item for item in value]


class BreakpointsBody(Body):
    """The breakpoints of a session, all of them."""

    breakpoints: list[BreakpointGiven] = Field(
        default_factory=list,
        max_length=MAX_BREAKPOINTS,
        description="Lines, or lines with a condition: `[12, {\"line\": 14, \"condition\": \"self.cash < 0\"}]`.",
    )

    _lines = field_validator("breakpoints", mode="before")(_breakpoints)

    @field_validator("breakpoints")
    @classmethod
    def _each_once(cls, value: list[BreakpointGiven]) -> list[BreakpointGiven]:
        lines = [item.line for item in value]
        if len(set(lines)) < len(lines):
            raise ValueError("names a line twice")
        return value


class Waiting(Body):
    """How long to wait for the answer."""

    wait_seconds: float = Field(
        10.0,
        ge=0,
        le=MAX_WAIT,
        allow_inf_nan=False,
        description="Answer when the session stands again, or after this long with status ACTIVE.",
    )


class DebugCreate(OneRun, BreakpointsBody, Waiting):
    """Debug the stored code on a dataset."""

    dataset_id: str = Field(
        min_length=1, max_length=400, description="Id or name, `name/SYMBOL` for one symbol."
    )
    strategy_version: int | None = Field(None, ge=1, lt=2**31, description="Default: the current one.")


class DebugStep(Waiting):
    """How far to step."""

    unit: Literal["line", "into", "out", "bar"] = Field(
        "line",
        description="line: over calls; after the last line of `on_bar` follows the first one of the next bar. "
        "into: also into functions of the strategy. out: to the end of the function. bar: to the next bar.",
    )


class DebugRunTo(Waiting):
    """Where to run to, forwards or backwards."""

    timestamp: Moment | None = Field(None, description="To the first bar at or after this time.")
    bar: int | None = Field(None, ge=0, lt=2**31, description="To the bar with this index; 0 is the first of the data.")

    @model_validator(mode="after")
    def _one_of_them(self) -> DebugRunTo:
        if (self.timestamp is None) == (self.bar is None):
            raise ValueError("give either timestamp or bar")
        return self


class DebugEvaluate(Body):
    """What to evaluate in the function that stands."""

    expression: str = Field(
        min_length=1,
        max_length=10_000,
        description="An expression, or a statement such as `self.fast = 18`. It runs in the strategy's process.",
    )
    frame: int = Field(0, ge=0, lt=200, description="Which of `stack`: 0 is the innermost function.")


class VariablesQuery(Body):
    """Whose variables."""

    frame: int = Field(0, ge=0, lt=200, description="Which of `stack`: 0 is the innermost function.")
    reference: int | None = Field(
        None, ge=1, lt=2**31, description="A variable's `reference`: what is in it. It holds until the session moves."
    )


class DebugQuery(PageQuery):
    """Which page of a strategy's sessions."""


class Breakpoint(Reply):
    """A breakpoint as the debugger took it."""

    line: int = Field(description="Where it is.")
    asked_line: int = Field(description="Where it was asked for.")
    condition: str | None = None
    verified: bool = Field(description="Whether the debugger stops there.")
    message: str | None = Field(None, description="Why it is elsewhere, or not verified.")


class DebugPlace(Reply):
    """A line of the trader's code."""

    function: str
    file: str
    line: int
    cell: int | None = Field(None, description="Of code that came from a notebook: the cell.")
    cell_line: int | None = None


class DebugVariable(Reply):
    """A variable, as text."""

    name: str
    type: str
    text: str
    reference: int | None = Field(None, description="Asks for what is in it.")


class DebugVariables(Reply):
    """The variables of the function that stands, or what is in one of them."""

    items: list[DebugVariable]
    strategy: list[dict[str, Any]] = Field(
        default_factory=list, description="The strategy's own, with what changed in this bar marked."
    )


class DebugValue(Reply):
    """What an expression is worth."""

    text: str
    type: str | None = None
    reference: int | None = Field(None, description="Asks for what is in it.")


class DebugInput(Reply):
    """A dataset that the run reads beside the one that it trades."""

    dataset: str = Field(description="Name, version and symbols, as the SDK knows it.")
    content_hash: str = Field(description="Identity of the values of the whole version.")


class DebugSession(Reply):
    """A debug session and where it stands."""

    id: str
    strategy_id: str
    strategy_version: int
    class_name: str
    dataset_id: str
    dataset_name: str
    dataset_hash: str = Field(description="Identity of the values of the whole version.")
    benchmark: DebugInput | None
    features: dict[str, DebugInput] = Field(description="What the strategy reads beside its own, by name.")
    reference: DebugInput | None = Field(description="Splits and dividends that the prices go through.")
    start_date: datetime
    end_date: datetime
    breakpoints: list[int] = Field(description="Their lines.")
    breakpoint_details: list[Breakpoint]
    variables: dict[str, Any] = Field(description="The strategy's own, where it stands.")
    status: DebugStatus
    current_timestamp: datetime | None = Field(description="Time of the bar that it is in.")
    reason: str | None = Field(
        description="Why it stands: entry (there are no breakpoints), breakpoint, condition_error, step, step_back, "
        "run_to; why it ended: finished, stopped, error, idle, shutdown (of the server)."
    )
    bar: int | None
    count: int | None = Field(description="Bars of the data.")
    place: DebugPlace | None
    stack: list[DebugPlace] = Field(default_factory=list, description="The trader's functions, the innermost first.")
    market: dict[str, Any] | None = Field(description="Account, positions, working orders and log, where it stands.")
    summary: dict[str, float | None] | None = Field(description="Figures of a run that came to its end.")
    error: JobError | None
    log: list[str] = Field(description="The last lines that the strategy printed.")
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None = Field(description="When it is ended unless somebody moves it.")
