"""Comparing backtests."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from .base import Body, Reply
from .strategies import Name

FEWEST, MOST = 2, 20
"""Backtests that one comparison takes."""


def _different(values: list[str]) -> list[str]:
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        raise ValueError(f"{twice[0]} is in it twice")
    return values


class BacktestsCompare(Body):
    """Which backtests, and what to call them."""

    ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]],
        Field(min_length=FEWEST, max_length=MOST, description="Completed backtests; the first is what the others are "
              "compared with."),
        AfterValidator(_different),
    ]  # fmt: skip
    names: Annotated[list[Name], Field(max_length=MOST), AfterValidator(_different)] | None = Field(
        None, description="One for each; null names them by what tells them apart."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of the bootstrap.")


class Difference(Reply):
    """A run's difference to the first one in a metric, and the ends of its interval; null where there is none."""

    run: str
    metric: str
    difference: float | None
    low: float | None
    high: float | None
    chance: bool | None = Field(description="Whether the interval holds 0.")


class BacktestComparison(Reply):
    """Backtests side by side, on the sessions that all of them have."""

    ids: list[str]
    names: list[str]
    start: date = Field(description="First common session.")
    end: date
    sessions: int = Field(description="Returns that all of them have.")
    dropped_sessions: dict[str, int] = Field(description="Sessions of each that the comparison leaves out.")
    metrics: dict[str, dict[str, float | None]] = Field(description="By name, over the common sessions.")
    own_metrics: dict[str, dict[str, float | None]] = Field(description="By name, over each one's own sessions.")
    differences: list[Difference]
    correlation: dict[str, dict[str, float | None]]
    settings: dict[str, dict[str, Any]] = Field(description="What was set differently.")
    assumptions: dict[str, dict[str, str | None]] = Field(description="What the numbers rest on differently.")
    sentences: list[str]
    confidence: float
    resamples: int
    seed: int
    study: dict[str, Any] = Field(description="The page that a view draws.")
