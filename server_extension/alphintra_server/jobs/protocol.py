"""What a worker may say: JSON lines, each checked and bounded. Nothing in them is trusted."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    WrapValidator,
)

MAX_LINE = 64 << 10
MAX_MESSAGES = 20_000
MAX_BYTES = 8 << 20
MESSAGES_PER_SECOND = 20
BYTES_PER_SECOND = 8 << 10
"""What a job that runs for long may say on top: its progress, ten times a second."""
KEPT_LOG_LINES = 200
KEPT_LOG_CHARS = 2_000

FILES = {
    # name → most bytes
    "result.json": 64 << 20,
    "view.json": 2 << 20,
    "study.json": 4 << 20,
    "trials.json": 64 << 10,
    "sessions.json": 8 << 20,
    "report.html": 16 << 20,
    "trades.parquet": 256 << 20,
    "fills.parquet": 256 << 20,
    "orders.parquet": 256 << 20,
    "equity.parquet": 256 << 20,
    "checks.json": 4 << 20,
    "record.json": 64 << 20,
    "inspection.json": 4 << 20,
    "manifest.json": 16 << 20,
    "report.json": 4 << 20,
    "fetched": 1 << 40,  # within the job's own bounds: those of its disk, and max_fetch
    "fetched.json": 64 << 10,
    "preview.json": 4 << 20,
    "comparison.json": 2 << 20,
}
"""The output files there are. A worker that names another is not believed at all."""

REQUIRED = ("result.json", "view.json", "report.html")

_UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class ProtocolError(Exception):
    """The worker said something it may not say."""


class OutputLimitError(ProtocolError):
    """The worker said too much."""


def clean(text: Any) -> str:
    """Drop terminal sequences and control characters, which would forge lines of a log."""
    return _UNPRINTABLE.sub("", str(text))


def _time(value: str | None) -> str | None:
    if value is not None:
        datetime.fromisoformat(value)
    return value


def _short(most: int) -> BeforeValidator:
    return BeforeValidator(lambda value: None if value is None else clean(value)[:most])


BarTime = Annotated[str | None, Field(max_length=40), AfterValidator(_time)]


Day = Annotated[str | None, Field(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_time)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Ready(_Message):
    """The worker runs."""

    type: Literal["ready"]
    pid: int = 0
    versions: dict[str, str] = Field(default_factory=dict, max_length=50)


class Warm(_Message):
    """It has loaded all that a job may need."""

    type: Literal["warm"]


class ProgressReport(_Message):
    """How far it is."""

    type: Literal["progress"]
    fraction: float = Field(ge=0, le=1, allow_inf_nan=False)
    phase: Annotated[str, _short(20)] = "running"
    text: Annotated[str | None, _short(200)] = None
    bar_time: BarTime = None


class Log(_Message):
    """Lines that the strategy logged."""

    type: Literal["log"]
    text: Annotated[str, _short(MAX_LINE)]


class OutputFile(_Message):
    """A file in the output folder."""

    name: Literal[tuple(FILES)]  # type: ignore[valid-type]
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Result(_Message):
    """The end, with files."""

    type: Literal["result"]
    files: list[OutputFile] = Field(max_length=len(FILES))


_Value = (
    StrictBool
    | Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)]
    | Annotated[StrictFloat, Field(allow_inf_nan=False)]
    | Annotated[StrictStr, Field(max_length=2_000)]
)


class FailedRun(_Message):
    """Which of the runs of a job that makes many has failed."""

    parameters: Annotated[dict[Annotated[str, Field(min_length=1, max_length=200)], _Value], Field(max_length=100)]
    window: int | None = Field(None, ge=1, le=10**7)
    part: Literal["training", "test"] | None = None
    start: Day = None
    end: Day = None


def _or_none(value: Any, handler: Callable[[Any], Any]) -> Any:
    """Nothing where it is not what it should be: why the job failed is told all the same."""
    with suppress(ValidationError):
        return handler(value)
    return None


class Error(_Message):
    """The end, with a reason."""

    type: Literal["error"]
    code: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,59}$")
    message: Annotated[str, _short(4_000)]
    file: Annotated[str | None, _short(400)] = None
    line: int | None = Field(None, ge=0, le=10**7)
    cell: int | None = Field(None, ge=0, le=10**6)
    step: int | None = Field(None, ge=1, le=10**3)
    bar_time: BarTime = None
    traceback: Annotated[str | None, _short(20_000)] = None
    run: Annotated[FailedRun | None, WrapValidator(_or_none)] = None


Message = Annotated[Ready | Warm | ProgressReport | Log | Result | Error, Field(discriminator="type")]
_ADAPTER: TypeAdapter[Message] = TypeAdapter(Message)


class Conversation:
    """Counts what was said and reads it. What a job may say grows with its time, not with its worker's.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._messages = 0
        self._bytes = 0
        self._clock = clock
        self._began: float | None = None

    def begin(self) -> None:
        """The job was given."""
        self._began = self._clock()

    def hear(self, line: bytes) -> Message:
        """Read one line.

        Raises:
            OutputLimitError: More lines or bytes than a job needs.
            ProtocolError: Not a message.
        """
        self._messages += 1
        self._bytes += len(line)
        seconds = 0.0 if self._began is None else self._clock() - self._began
        most, most_bytes = MAX_MESSAGES + MESSAGES_PER_SECOND * seconds, MAX_BYTES + BYTES_PER_SECOND * seconds
        if self._messages > most or self._bytes > most_bytes:
            raise OutputLimitError(
                f"The job said more than {MAX_MESSAGES} lines or {MAX_BYTES >> 20} MiB: print less."
            )
        try:
            return _ADAPTER.validate_python(json.loads(line))
        except (ValueError, RecursionError) as error:
            kind = "schema" if isinstance(error, ValidationError) else "JSON"
            raise ProtocolError(
                f"The worker sent a message that is not one ({kind}): the strategy wrote to what it did not open."
            ) from None
