"""Reading what a check job leaves: ``checks.json``, and the record that the next run is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .output import BadOutputError, Number, _checked, _read
from .protocol import FILES, OutputFile, clean

_NEEDED = ("checks.json", "record.json")


def _text(most: int) -> BeforeValidator:
    return BeforeValidator(lambda value: clean(value)[:most] if isinstance(value, str) else value)


Short = Annotated[str, _text(200)]
Long = Annotated[str, _text(2_000)]
Cell = Annotated[str, _text(500)] | bool | int | Number | None
Row = Annotated[dict[Annotated[str, Field(max_length=40)], Cell], Field(max_length=40)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="ignore")


class OutcomeDocument(_Document):
    """What came of one check."""

    text: Short
    passed: bool
    value: Number | None
    reason: Long


class InputDocument(_Document):
    """What went in differently."""

    what: Literal["code", "data", "parameters", "settings", "seed", "engine"]
    text: Long


class ComparedDocument(_Document):
    """The run before, by the id of its job."""

    id: str = Field(max_length=64)


class MetricDocument(_Document):
    """A metric that is not what it was."""

    name: Short
    before: Number | None
    after: Number | None
    difference: Number | None


class SideDocument(_Document):
    """One side of the first differing fill."""

    fill: Row | None
    order: Row | None
    history: list[Row] = Field(max_length=50)
    decision_bar: Row | None
    fill_bar: Row | None


class FirstFillDocument(_Document):
    """The first differing fill."""

    number: int = Field(ge=1, lt=2**53)
    before: SideDocument
    now: SideDocument
    text: Long


class DifferencesDocument(_Document):
    """What is not what it was."""

    metrics: list[MetricDocument] = Field(max_length=500)
    equal_fills: int = Field(ge=0, lt=2**53)
    first_fill: FirstFillDocument | None


class ChecksDocument(_Document):
    """``CheckRun.to_dict()``: what of it is kept in the database."""

    results: list[OutcomeDocument] = Field(min_length=1, max_length=50)
    compared_with: ComparedDocument | None
    inputs: list[InputDocument] = Field(max_length=10)
    differences: DifferencesDocument
    metrics: dict[Annotated[str, Field(max_length=60)], Number | None] = Field(max_length=500)


@dataclass(frozen=True)
class ChecksOutput:
    """A check job's output, checked; ``record`` is ``{bytes, sha256}`` of the record's file, which is not read."""

    document: ChecksDocument
    record: dict[str, Any]


def collect(folder: Path, claimed: list[OutputFile], *, checks: list[str] | None = None) -> ChecksOutput:
    """Check the files that the worker claims to have written.

    Args:
        folder: Where they are.
        claimed: What the worker says of them.
        checks: What was to be checked; None where the worker alone could know, from the class.

    Raises:
        BadOutputError: A file is missing, too large, a link or device, or not as claimed, or other checks were made.
    """
    if sorted(item.name for item in claimed) != sorted(_NEEDED):
        raise BadOutputError(f"A check job leaves {' and '.join(_NEEDED)}.")
    described: dict[str, dict[str, Any]] = {}
    content = b""
    for item in claimed:
        data, digest, size = _read(folder / item.name, FILES[item.name], keep=item.name == "checks.json")
        if digest != item.sha256 or size != item.bytes:
            raise BadOutputError(f"{item.name} is not the file that the job announced.")
        content = data or content
        described[item.name] = {"bytes": size, "sha256": digest}
    document = _checked(ChecksDocument, "checks.json", content)
    if checks is not None and [outcome.text for outcome in document.results] != checks:
        raise BadOutputError("checks.json: these are not the checks that were asked for.")
    return ChecksOutput(document, described["record.json"])


def read_record(folder: Path, described: dict[str, Any]) -> str | None:
    """Read a record that an earlier job left; ``None`` where it is not there, or not what it was."""
    try:
        data, digest, _ = _read(folder / "record.json", FILES["record.json"], keep=True)
    except BadOutputError:
        return None
    return data.decode("utf-8", "replace") if digest == described["sha256"] else None
