"""Strategies, their versions and templates."""

from __future__ import annotations

import json
import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from .base import Body, Diagnostic, Moment, Money, PageQuery, Reply
from .costs import CommissionGiven, SlippageGiven
from .methods import BacktestMethodology, MethodGiven

MAX_CODE = 1 << 20
MAX_PARAMETERS = 64 << 10
MAX_FEATURE_NAME = 64
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class StrategyStatus(StrEnum):
    """Where a strategy is in its life."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


def _python_only(value: str) -> str:
    if value != "python":
        raise ValueError("only 'python' is supported")
    return value


def _tags(value: list[str]) -> list[str]:
    cleaned = [tag.strip() for tag in value]
    if any(not tag or len(tag) > 50 for tag in cleaned):
        raise ValueError("a tag has 1 to 50 characters")
    return list(dict.fromkeys(cleaned))


def _utf8(value: str) -> str:
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ValueError("must be text without lone surrogates") from None
    if "\x00" in value:
        raise ValueError("must be text without NUL")
    if size > MAX_CODE:
        raise ValueError(f"at most {MAX_CODE} bytes, these are {size}")
    return value


def one_line(value: str) -> str:
    """Refuse text that is blank or more than a line."""
    if not value.strip():
        raise ValueError("must not be blank")
    if _CONTROL.search(value):
        raise ValueError("must be one line without control characters")
    return value


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > MAX_PARAMETERS:
        raise ValueError(f"at most {MAX_PARAMETERS >> 10} KiB")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(one_line)]
Code = Annotated[str, Field(min_length=1), AfterValidator(_utf8)]
Tags = Annotated[list[str], Field(max_length=50), AfterValidator(_tags)]
Parameters = Annotated[dict[str, Any], Field(max_length=200), AfterValidator(_small)]
def _names(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        if not name.strip() or len(name) > MAX_FEATURE_NAME or not name.isprintable():
            raise ValueError(f"{name[:80]!r} is no name: 1 to {MAX_FEATURE_NAME} printable characters")
    return value


Features = Annotated[
    dict[str, Annotated[str, Field(min_length=1, max_length=400)]], Field(max_length=64), AfterValidator(_names)
]
"""Datasets by the name that a strategy reads them by."""
ClassName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\W\d]\w*$")]


class StrategyCreate(Body):
    """A new strategy from code."""

    name: Name
    description: str = Field("", max_length=20_000)
    code: Code
    language: Annotated[str, AfterValidator(_python_only)] = "python"
    class_name: ClassName | None = Field(None, description="Which class of the code, if it has several.")
    parameters: Parameters = Field(default_factory=dict)
    tags: Tags = Field(default_factory=list)


class StrategyUpdate(Body):
    """Changes to a strategy: what is absent stays."""

    name: Name | None = None
    description: str | None = Field(None, max_length=20_000)
    code: Code | None = None
    language: Annotated[str, AfterValidator(_python_only)] | None = None
    class_name: ClassName | None = None
    parameters: Parameters | None = None
    tags: Tags | None = None
    status: Literal[StrategyStatus.DRAFT, StrategyStatus.ACTIVE] | None = Field(
        None, description="ARCHIVED has an endpoint of its own."
    )


class Strategy(Reply):
    """A strategy as it is now."""

    id: str
    user_id: str
    name: str
    description: str
    code: str
    language: str = "python"
    sdk_version: str
    parameters: dict[str, Any]
    status: StrategyStatus
    created_at: datetime
    updated_at: datetime
    tags: list[str]
    version: int
    class_name: str | None
    source_path: str | None = Field(description="The workspace file that this strategy was saved from.")
    source_hash: str
    modules: list[str] = Field(description="Workspace modules stored with the code.")


class StrategyVersion(Reply):
    """One saved state."""

    strategy_id: str
    version: int
    name: str
    description: str
    code: str
    class_name: str | None
    parameters: dict[str, Any]
    tags: list[str]
    modules: dict[str, str]
    source_hash: str
    sdk_version: str
    created_at: datetime


class StrategyQuery(PageQuery):
    """Filters of the list of strategies."""

    tag: str | None = None
    status: StrategyStatus | None = Field(None, description="Archived ones are listed only when asked for.")
    search: str | None = Field(None, max_length=200)
    sort: Literal["updated_at", "created_at", "name"] = "updated_at"


class OneRun(Body):
    """How to run once: what is absent takes the server's defaults."""

    start_date: Moment | None = None
    end_date: Moment | None = None
    parameters: Parameters = Field(default_factory=dict)
    initial_capital: Annotated[Money, Field(gt=0, le=10**15)] | None = None
    commission: CommissionGiven | None = Field(None, description="Fraction of notional, or the terms.")
    slippage: SlippageGiven | None = Field(None, description="Fraction of price, or the terms.")
    profile: str = Field(
        "default", min_length=1, max_length=40, description="Whose rules fill orders: default, or another engine's."
    )
    rules: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, max_length=50, description="Rules that differ from the profile's."
    )
    benchmark: Name | None = None
    features: Features = Field(
        default_factory=dict,
        description="Further series for the strategy, by name: id or name of a dataset, `name@3/SYMBOL` as elsewhere.",
    )
    reference: Name | None = Field(
        None, description="Splits and dividends that raw prices go through: id or name of reference data, `name@3`."
    )
    seed: int = Field(0, ge=0, lt=2**63)
    risk_free_rate: float = Field(0.0, gt=-1, lt=10, allow_inf_nan=False, description="Annual.")
    class_name: ClassName | None = None


class RunSettings(OneRun):
    """How to run, once or by a method: what is absent takes the server's defaults."""

    name: Name | None = None
    methodology: BacktestMethodology = BacktestMethodology.STANDARD
    method: MethodGiven = None


class StrategyExecute(RunSettings):
    """Run the stored code once."""

    dataset_id: str | None = Field(
        None, min_length=1, max_length=400, description="Id or name, `name/SYMBOL` for one symbol."
    )


class Accepted(Reply):
    """A job was queued."""

    backtest_id: str
    job_id: str
    status: str


class StrategyTemplate(Reply):
    """A notebook to start from."""

    id: str
    name: str
    description: str
    category: str
    code: str
    parameters: dict[str, Any]
    documentation: str
    difficulty_level: str
    is_public: bool = True
    author_id: str = "alphintra"
    usage_count: int
    rating: float | None = Field(description="null until somebody has rated it")
    data: str
    symbols: list[str]
    file: str
    tags: list[str]


class TemplateClone(Body):
    """What to call the clone."""

    name: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        pattern=r"^[^\W_][\w .()-]*$",
        description="File name without ending; default: the template's.",
    )


class Cloned(Reply):
    """Where the clone is, relative to the workspace."""

    path: str


class SourcePath(Body):
    """A file of the workspace."""

    path: str = Field(min_length=1, max_length=1024)


class SourceClass(Reply):
    """A strategy class that was found in source."""

    name: str
    line: int
    cell: int | None
    parameters: dict[str, dict[str, Any]]
    doc: str


class Inspection(Reply):
    """What a workspace file holds."""

    path: str
    language: str
    classes: list[SourceClass]
    diagnostics: list[Diagnostic]
    modules: list[str]


class FromFile(Body):
    """Save the strategy of a workspace file."""

    path: str = Field(min_length=1, max_length=1024)
    class_name: ClassName | None = None


class SavedStrategy(Strategy):
    """A strategy saved from a file."""

    created_version: bool
