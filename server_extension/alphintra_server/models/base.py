"""What all models share: how decimals, times and pages are written."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

Item = TypeVar("Item")

_ONLY_DIGITS = re.compile(r"[+-]?\d+(\.\d*)?")
"""What would be read as seconds or milliseconds: a mistyped date such as 20051332."""

MAX_LIMIT = 200
"""Most items that one page of a list holds."""


class Reply(BaseModel):
    """A model that the API gives."""

    model_config = ConfigDict(populate_by_name=True)


class Body(BaseModel):
    """A model that the API takes: what it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid")


def _as_utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time lies in the years 1 to 9999, in UTC") from None


def _whole_day(value: Any) -> Any:
    # A bare date is that day's midnight in UTC. A number is refused: seconds, milliseconds and bars all
    # look alike.
    if isinstance(value, bool | int | float):
        raise ValueError("a time is text in ISO 8601, such as 2012-12-31")
    if isinstance(value, str):
        try:
            return datetime.combine(date.fromisoformat(value.strip()), time(), UTC)
        except ValueError:
            if _ONLY_DIGITS.fullmatch(value.strip()):
                raise ValueError("a time is text in ISO 8601, such as 2012-12-31") from None
    return value


def _last_of_day(value: Any) -> Any:
    # A bare date is all of that day.
    found = _whole_day(value)
    return found if found is value else found.replace(hour=23, minute=59, second=59, microsecond=999_999)


Moment = Annotated[datetime, BeforeValidator(_whole_day), AfterValidator(_as_utc)]
"""A time in UTC: RFC 3339, or a date."""

LastMoment = Annotated[datetime, BeforeValidator(_last_of_day), AfterValidator(_as_utc)]
"""A time in UTC up to which something counts: RFC 3339, or a date, whose whole day counts."""


def _plain(value: Decimal) -> str:
    return format(value, "f")


Money = Annotated[
    Decimal,
    Field(allow_inf_nan=False, max_digits=30),
    PlainSerializer(_plain, return_type=str, when_used="json"),
]
"""A decimal, written as a string so that no reader rounds it."""

Exact = Annotated[
    Decimal,
    Field(allow_inf_nan=False),
    PlainSerializer(_plain, return_type=str, when_used="json"),
]
"""A decimal of an answer: what was computed has as many digits as it has. Where it comes from bounds them."""


class Pagination(Reply):
    """Where a page lies in its list."""

    limit: int
    offset: int
    total: int
    next: str | None = Field(None, description="Address of the next page, absent on the last.")


class Page(Reply, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    pagination: Pagination = Field(alias="_pagination")


class PageQuery(Body):
    """Which page."""

    limit: int = Field(50, ge=1, le=MAX_LIMIT)
    offset: int = Field(0, ge=0, le=10_000_000)


class Diagnostic(Reply):
    """One finding about code; lines and columns count from 1."""

    line: int
    column: int
    end_line: int
    end_column: int
    severity: str = Field(description="error, warning or info")
    code: str
    message: str
    cell: int | None = Field(None, description="In a notebook: the cell, counting every cell from 1.")
    file: str | None = None
