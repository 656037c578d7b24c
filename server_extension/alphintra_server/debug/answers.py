"""What a session's kernel says, read with care: it runs the trader's code, so anything may come."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from ..jobs import protocol
from ..jobs.protocol import clean

TEXT = 8_000
"""Characters of a variable's or a value's text that are shown."""
MAX_STATE = 128 << 10
"""Bytes of the market state as JSON."""
MAX_FRAMES, MAX_VARIABLES = 200, 1_000
"""Functions on a stack and variables of one that are looked at, the first of them."""

_Model = TypeVar("_Model", bound=BaseModel)


class NotUnderstoodError(Exception):
    """The kernel said what makes no sense."""


def _cut(most: int) -> BeforeValidator:
    return BeforeValidator(lambda value: None if value is None else _shown(str(value), most))


def _shown(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _aware(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError("a time without a zone")
    return value


def _first(most: int) -> BeforeValidator:
    return BeforeValidator(lambda value: value[:most] if isinstance(value, list) else value)


Reference = Annotated[int, Field(ge=0, lt=2**31)]
"""A number by which the debugger knows something; 0 for nothing."""


def _bounded(value: dict[str, Any] | None) -> dict[str, Any] | None:
    if value is not None and len(json.dumps(value)) > MAX_STATE:
        raise ValueError("too large")
    return value


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Stopped(_Answer):
    """Body of the event ``stopped``."""

    reason: Annotated[str, _cut(60)] = ""
    thread: Reference = Field(0, alias="threadId")


class SourceOf(_Answer):
    """Where a frame's code is."""

    path: Annotated[str, _cut(600)] = ""


class Frame(_Answer):
    """A function on the stack."""

    id: Reference
    name: Annotated[str, _cut(200)] = ""
    line: int = Field(0, ge=0, le=10**9)
    source: SourceOf = Field(default_factory=SourceOf)


class Stack(_Answer):
    """Body of the answer to ``stackTrace``."""

    frames: Annotated[list[Frame], _first(MAX_FRAMES)] = Field(default_factory=list, alias="stackFrames")


class Scope(_Answer):
    """A group of variables."""

    name: Annotated[str, _cut(60)] = ""
    reference: Reference = Field(0, alias="variablesReference")


class Scopes(_Answer):
    """Body of the answer to ``scopes``."""

    scopes: list[Scope] = Field(default_factory=list, max_length=50)


class Variable(_Answer):
    """A variable."""

    name: Annotated[str, _cut(400)]
    value: Annotated[str, _cut(TEXT)] = ""
    type: Annotated[str, _cut(200)] = ""
    reference: Reference = Field(0, alias="variablesReference")


class Variables(_Answer):
    """Body of the answer to ``variables``."""

    variables: Annotated[list[Variable], _first(MAX_VARIABLES)] = Field(default_factory=list)


class Value(_Answer):
    """Body of the answer to ``evaluate``."""

    result: Annotated[str, _cut(TEXT)] = ""
    type: Annotated[str | None, _cut(200)] = None
    reference: Reference = Field(0, alias="variablesReference")


class Taken(_Answer):
    """A breakpoint as the debugger took it."""

    verified: bool = False
    line: int | None = Field(None, ge=0, le=10**9)
    message: Annotated[str | None, _cut(400)] = None


class AllTaken(_Answer):
    """Body of the answer to ``setBreakpoints``."""

    breakpoints: list[Taken] = Field(default_factory=list, max_length=1_000)


class Market(_Answer):
    """Body of the answer to ``alphintra/market``."""

    status: Literal["none", "running", "paused", "done"]
    bar: int | None = Field(None, ge=-1, le=2**40)
    count: int | None = Field(None, ge=0, le=2**40)
    time: Annotated[datetime | None, AfterValidator(_aware)] = None
    error: Annotated[str | None, _cut(4_000)] = None
    state: Annotated[dict[str, Any] | None, AfterValidator(_bounded)] = None


class Finished(_Answer):
    """The run came to its end."""

    type: Literal["result"]
    summary: dict[Annotated[str, Field(max_length=60)], Annotated[float, Field(allow_inf_nan=False)] | None] = Field(
        max_length=20
    )


Outcome = Annotated[Finished | protocol.Error, Field(discriminator="type")]
_OUTCOME: TypeAdapter[Finished | protocol.Error] = TypeAdapter(Outcome)


def read(model: type[_Model], body: Any) -> _Model:
    """Read a body.

    Raises:
        NotUnderstoodError: It is none of this model.
    """
    try:
        return model.model_validate({} if body is None else body)
    except (ValidationError, RecursionError, ValueError):
        raise NotUnderstoodError(f"The kernel sent a {model.__name__} that is none.") from None


def read_outcome(body: Any) -> Finished | protocol.Error:
    """Read how a run ended.

    Raises:
        NotUnderstoodError: It says nothing of the kind.
    """
    try:
        return _OUTCOME.validate_python(body)
    except (ValidationError, RecursionError, ValueError):
        raise NotUnderstoodError("The kernel did not say how the run ended.") from None


def plain(text: str) -> str:
    """Text of a kernel without what would forge lines of a log or a terminal."""
    return clean(text)
