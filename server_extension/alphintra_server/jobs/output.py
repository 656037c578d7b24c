"""Reading what a worker left behind: file by file, bounded, checked, never unpickled."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import math
import os
import re
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from .protocol import FILES, REQUIRED, OutputFile, clean

Document = TypeVar("Document", bound=BaseModel)

MAX_TRADES = 100_000
MAX_SESSIONS = 200_000
_MAX_HEADER = 1 << 20
_MAX_DEPTH = 60
"""Levels of lists and objects in each other: what an answer holds must be written within any recursion limit."""
_MAX_POWER = 40
"""Digits of an exact number, and the power of ten that its first digit stands for, up or down."""
_MAX_INTEGER = 300
"""Digits of a whole number, so that it is a float as well."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class BadOutputError(Exception):
    """The output is not what a run leaves, or cannot be kept.

    Attributes:
        code: What the job's error says.
    """

    def __init__(self, message: str, code: str = "BAD_OUTPUT") -> None:
        super().__init__(message)
        self.code = code


def _exact(value: Any) -> Any:
    # A float becomes the shortest text that reads back as it: what ``to_json`` wrote.
    if isinstance(value, str) and len(value) > 2 * _MAX_POWER:
        raise ValueError("a number of too many digits")
    return Decimal(repr(value)) if isinstance(value, float) else value


def _writable(value: Decimal) -> Decimal:
    # A few bytes of text, 1E-1000000000, are gigabytes in plain notation.
    if abs(value.adjusted()) > _MAX_POWER or len(value.as_tuple().digits) > _MAX_POWER:
        raise ValueError(f"a number of more than {_MAX_POWER} digits or powers of ten")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time lies in the years 1 to 9999, in UTC") from None


def _without_nul(value: str) -> str:
    if "\0" in value:  # no text of PostgreSQL's holds one
        raise ValueError("text without NUL characters")
    return value


Exact = Annotated[Decimal, BeforeValidator(_exact), Field(allow_inf_nan=False), AfterValidator(_writable)]
_Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]
_Text = Annotated[str, AfterValidator(_without_nul)]
Number = Annotated[float, Field(allow_inf_nan=False)]
# Days since 1970-01-01, of the years that a timestamp in nanoseconds can hold.
_Day = Annotated[int, Field(ge=-106_000, le=106_000)]
_Count = Annotated[int, Field(ge=0, lt=2**31)]


class TradeDocument(BaseModel):
    """A trade as the SDK writes it."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    id: _Text = Field(max_length=64)
    symbol: _Text = Field(max_length=64)
    side: Literal["BUY", "SELL"]
    quantity: Exact
    entry_price: Exact
    exit_price: Exact | None
    entry_time: _Time
    exit_time: _Time | None
    pnl: Exact | None
    commission: Exact
    exit_reason: _Text = Field(max_length=40)
    return_: Number | None = Field(None, alias="return")
    bars: int | None = None
    mae: Number | None = None
    mfe: Number | None = None
    open: bool = False


class AssumptionDocument(BaseModel):
    """Something that the numbers rest on."""

    model_config = ConfigDict(extra="ignore")

    code: str = Field(max_length=100)
    text: str = Field(max_length=10_000)
    level: str = Field(max_length=20)
    rule: str | None = Field(None, max_length=100)
    items: list[str] = Field(default_factory=list, max_length=10_000)


class ResultDocument(BaseModel):
    """``Result.to_json()``: what of it is kept in the database."""

    model_config = ConfigDict(extra="ignore")

    run: dict[str, Any] = Field(max_length=100)
    assumptions: list[AssumptionDocument] = Field(max_length=1000)
    metrics: dict[str, Number | None] = Field(max_length=500)
    undefined: dict[str, str] = Field(max_length=500)
    trades: list[TradeDocument] = Field(max_length=MAX_TRADES)


class TrialsDocument(BaseModel):
    """What a job adds to the trials of its strategy, as a line of the SDK's trial log has it."""

    model_config = ConfigDict(extra="ignore")

    count: int = Field(1, ge=0, le=1_000_000)
    sample: tuple[_Day, _Day, _Count] | None = None
    spread: tuple[_Count, Number, Annotated[Number, Field(ge=0)]] | None = None


class SessionsDocument(BaseModel):
    """Account value at the end of each session, the starting cash first."""

    model_config = ConfigDict(extra="ignore")

    day: list[_Day] = Field(max_length=MAX_SESSIONS)
    value: list[Number] = Field(max_length=MAX_SESSIONS)

    @model_validator(mode="after")
    def _in_order(self) -> SessionsDocument:
        if len(self.day) != len(self.value):
            raise ValueError("day and value differ in length")
        if any(later <= earlier for earlier, later in itertools.pairwise(self.day)):
            raise ValueError("days must rise")
        return self


class RunDocument(BaseModel):
    """What a comparison reads of ``Result.run``."""

    model_config = ConfigDict(extra="ignore")

    strategy: str = Field(max_length=500)
    dataset: str = Field(max_length=500)
    engine_version: str | None = Field(None, max_length=100)
    parameters: dict[str, Any] = Field(max_length=500)
    periods_per_year: float = Field(gt=0, le=10**7, allow_inf_nan=False)


class _Block(BaseModel):
    model_config = ConfigDict(extra="ignore")

    type: Literal["figure", "table", "text", "facts", "trials"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str = Field(max_length=200)
    title: str = Field(max_length=500)
    blocks: list[_Block] = Field(max_length=200)


class StudyDocument(BaseModel):
    """The frame of ``alphintra_backtest.study``'s payload; what is inside its blocks is drawn, never believed."""

    model_config = ConfigDict(extra="ignore")

    version: Literal[1]
    kind: str = Field(pattern=r"^[a-z_]{1,40}$")
    title: str = Field(max_length=1000)
    sections: list[_Section] = Field(max_length=100)


@dataclass
class Output:
    """A run's output, checked."""

    document: ResultDocument
    trials: TrialsDocument
    sparkline: list[float]
    files: dict[str, dict[str, Any]]


def collect(folder: Path, claimed: list[OutputFile]) -> Output:
    """Check the files that the worker claims to have written.

    The worker must be dead: then nobody can change them between the check and the use.

    Raises:
        BadOutputError: A file is missing, too large, a link or device, or not as claimed.
    """
    names = [item.name for item in claimed]
    missing = [name for name in REQUIRED if name not in names]
    if missing or len(set(names)) < len(names):
        raise BadOutputError(f"The job left no {', '.join(missing) or 'clear list of files'}.")
    texts: dict[str, bytes] = {}
    files: dict[str, dict[str, Any]] = {}
    for item in claimed:
        data, digest, size = _read(folder / item.name, FILES[item.name], keep=item.name.endswith(".json"))
        if digest != item.sha256 or size != item.bytes:
            raise BadOutputError(f"{item.name} is not the file that the job announced.")
        texts[item.name] = data
        files[item.name] = {"bytes": size, "sha256": digest}
    result = _parse("result.json", texts["result.json"])
    trades = result.get("trades")
    if isinstance(trades, list) and len(trades) > MAX_TRADES:
        raise BadOutputError(
            f"The run made {len(trades):,} trades, and a result holds at most {MAX_TRADES:,}: "
            "test fewer days or symbols, or trade less often."
        )
    document = _valid(ResultDocument, "result.json", result)
    _refuse_depth("result.json", document.run)
    said = [item.model_dump() for item in document.assumptions]
    if len(json.dumps([document.run, said, document.undefined])) > _MAX_HEADER:
        raise BadOutputError("result.json: run, assumptions and undefined are too large.")
    view = _parse("view.json", texts["view.json"])
    _refuse_depth("view.json", view)
    if view.get("version") != 1:
        raise BadOutputError("view.json is not of version 1.")
    trials = _checked(TrialsDocument, "trials.json", texts.get("trials.json", b"{}"))
    if "sessions.json" in texts:
        _checked(SessionsDocument, "sessions.json", texts["sessions.json"])
    if "study.json" in texts:
        study = _parse("study.json", texts["study.json"])
        _valid(StudyDocument, "study.json", study)
        _refuse_depth("study.json", study)
    return Output(document, trials, _sparkline(view), files)


def _checked(model: type[Document], name: str, data: bytes) -> Document:
    return _valid(model, name, _parse(name, data))


def _valid(model: type[Document], name: str, raw: dict[str, Any]) -> Document:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = clean(".".join(str(part) for part in first["loc"]))[:200]  # with names that a worker chose
        raise BadOutputError(f"{name}: {place}: {first['msg']}") from None


def _read(path: Path, limit: int, *, keep: bool) -> tuple[bytes, str, int]:
    """Read a file of an output folder whose name is one of ours; returns content (if kept), SHA-256 and size."""
    file = _open(path)
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:  # of a folder, fdopen would say something else
        os.close(file)
        raise BadOutputError(f"{path.name} is not a plain file.")
    with os.fdopen(file, "rb") as opened:
        if found.st_size > limit:
            raise BadOutputError(f"{path.name} is larger than {limit >> 20} MiB.")
        digest, parts, size = hashlib.sha256(), [], 0
        while block := opened.read(1 << 20):
            size += len(block)
            if size > limit:
                raise BadOutputError(f"{path.name} is larger than {limit >> 20} MiB.")
            digest.update(block)
            if keep:
                parts.append(block)
    return b"".join(parts), digest.hexdigest(), size


def read_kept(folder: Path, name: str) -> bytes:
    """Read a file of the output that a job's attempt left.

    Raises:
        BadOutputError: It is not there any more.
    """
    return _read(folder / name, FILES[name], keep=True)[0]


def _open(path: Path) -> int:
    # One step below the folder, and neither the folder nor the file a link: nothing is left to resolve. Without
    # O_NONBLOCK, opening a named pipe would wait for ever.
    try:
        folder = os.open(path.parent, _FOLDER)
        try:
            return os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError:
        raise BadOutputError(f"{path.name} is missing, or a link.") from None


def adopt(source: Path, target: Path, names: Iterable[str]) -> None:
    """Move the files that were checked, and nothing else, to where the job's output stays.

    Args:
        source: A folder that a worker has written, and in which nobody writes any more.
        target: The folder to make.
        names: What was checked.

    Raises:
        OSError: They could not be moved.
    """
    target.mkdir(mode=0o700)
    for name in names:
        try:
            (source / name).rename(target / name)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.move(source / name, target / name)


def _parse(name: str, data: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        text = data.decode("utf-8")
        parsed = json.loads(text, parse_constant=refuse, parse_float=_finite, parse_int=_bounded)
        if _SURROGATE.search(text):  # two of them are a character; one alone cannot be written again
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise BadOutputError(f"{name} is not JSON: {str(error)[:200]}") from None
    if not isinstance(parsed, dict):
        raise BadOutputError(f"{name} is not a JSON object.")
    return parsed


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def _bounded(text: str) -> int:
    if len(text) > _MAX_INTEGER:
        raise ValueError(f"a whole number of {len(text)} digits")
    return int(text)


def _refuse_depth(name: str, value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise BadOutputError(f"{name}: more than {_MAX_DEPTH} lists and objects in each other.")


def _sparkline(view: dict[str, Any], most: int = 40) -> list[float]:
    charts = view.get("charts")
    curve = charts.get("curve") if isinstance(charts, dict) else None
    equity = curve.get("equity") if isinstance(curve, dict) else None
    if not isinstance(equity, list):
        return []
    values = [float(item) for item in equity if isinstance(item, int | float)]
    if len(values) <= most:
        return values
    step = (len(values) - 1) / (most - 1)
    return [values[round(index * step)] for index in range(most)]
