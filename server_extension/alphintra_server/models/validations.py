"""Reports on versions, and errors that somebody accepts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .base import Body, Reply

RuleId = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,59}$")]


class ValidationRequest(Body):
    """Which rules, and with which numbers."""

    left_out: list[RuleId] = Field(default_factory=list, max_length=200)
    parameters: dict[RuleId, dict[Annotated[str, Field(max_length=40)], float]] = Field(
        default_factory=dict, max_length=200
    )


class CheckAgain(ValidationRequest):
    """Which rules, with which numbers, and what is known beside the rows."""

    reference: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="Splits and dividends that the rules take as known: id or name of reference data, `name@3`."
    )


class ValidationAccepted(Reply):
    """A job was queued."""

    job_id: str
    status: str


class Acknowledgement(Body):
    """Errors that are known and do not matter."""

    rules: list[RuleId] = Field(min_length=1, max_length=200)
    why: str = Field(min_length=1, max_length=2_000)


class Acknowledged(Reply):
    """What is open still, and what was accepted."""

    is_validated: bool
    validation_errors: list[str]
    acknowledgements: list[dict[str, Any]]


class ValidationReport(Acknowledged):
    """The newest report on a version."""

    dataset_id: str
    number: int
    parameters: dict[str, Any] = Field(
        description="Which rules were left out, which numbers were set, which reference data counted."
    )
    counts: dict[str, int] = Field(
        description="In how many places each error is, accepted or not, of all rows: `report` may be of the last file."
    )
    report: dict[str, Any] | None = Field(description="What each rule found, with the first places.")


class RuleNumber(Reply):
    """A number of a rule that can be set."""

    name: str
    default: float
    least: float
    most: float
    text: str
    whole: bool


class ValidationRule(Reply):
    """What one rule looks for."""

    id: str
    group: str = Field(description="What it looks at, such as `times`.")
    severity: Literal["error", "warning", "info"]
    definition: str = Field(description="When it fires.")
    silent: str = Field(description="What looks like it and is right, and when it is not checked.")
    parameters: list[RuleNumber]
    seen_in: Literal["file", "rows", "both"] = Field(
        description="`file`: when a file is read; on a stored version it stands as it was found then."
    )


class ValidationRules(Reply):
    """All rules, in the order in which reports have them."""

    rules: list[ValidationRule]
