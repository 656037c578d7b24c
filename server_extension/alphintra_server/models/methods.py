"""How the history is used: one run, or a method that makes a judgement of many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    ValidationInfo,
    WrapValidator,
)

from .base import Body

ParameterName = Annotated[str, Field(min_length=1, max_length=200)]


def _kind(value: Any) -> str:
    """Tell a value by its type, so that an error is about that alone."""
    return f"<{type(value).__name__}>" if isinstance(value, bool | int | float) else "<str>"


Value = Annotated[
    Annotated[StrictBool, Tag("<bool>")]
    | Annotated[StrictInt, Tag("<int>")]
    | Annotated[StrictFloat, Tag("<float>")]
    | Annotated[StrictStr, Field(max_length=200), Tag("<str>")],
    Discriminator(_kind),
]
"""One value of a parameter."""


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return value


Number = Annotated[int | float, BeforeValidator(_number)]


class BacktestMethodology(StrEnum):
    """How the history is used; there may be more of them one day."""

    STANDARD = "STANDARD"
    SWEEP = "SWEEP"
    WALK_FORWARD = "WALK_FORWARD"
    MONTE_CARLO = "MONTE_CARLO"


class ValueRange(Body):
    """Values between two ends, both included."""

    low: Number
    high: Number
    step: Annotated[Number, Field(gt=0)] | None = Field(
        None,
        description="Distance of two values; null is 1 for a grid, and everything between the ends for a search "
        "that draws.",
    )


def _form(value: Any) -> str:
    """Tell by its form what was given, so that an error is about that alone."""
    return "<range>" if isinstance(value, dict | ValueRange) else "<values>"


Values = Annotated[
    Annotated[list[Value], Tag("<values>")] | Annotated[ValueRange, Tag("<range>")], Discriminator(_form)
]
"""The values of one parameter: a list, or a range."""

Grid = Annotated[dict[ParameterName, Values], Field(max_length=50)]
Constraint = Annotated[str, Field(max_length=1_000, description="Which combinations run, such as `fast < slow`.")]
Metric = Annotated[str, Field(min_length=1, max_length=100, description="Name in the results' `metrics`.")]
Executor = Annotated[
    str,
    Field(
        max_length=300,
        description="Where variants run: auto, serial, threads or processes, all inside the job's sandbox.",
    ),
]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Length = Annotated[
    Annotated[StrictInt, Field(gt=0, lt=2**31), Tag("<sessions>")]
    | Annotated[StrictStr, Field(min_length=1, max_length=20), Tag("<duration>")],
    Discriminator(lambda given: "<duration>" if isinstance(given, str) else "<sessions>"),
]
"""A number of sessions, or a duration such as ``2Y``, ``6M``, ``8W``, ``90D``."""


class SweepMethod(Body):
    """Many parameter sets on the same data, as ``al.sweep``."""

    grid: Grid = Field(description="Parameter → values; the last one varies fastest.")
    constraint: Constraint | None = None
    metric: Metric = "sharpe_ratio"
    search: Literal["grid", "random", "optuna"] = "grid"
    trials: int | None = Field(None, ge=1, description="Variants that random and optuna run; null is 100.")
    seed: Seed | None = Field(
        None, description="Seed of the drawing and of each run, then shown as the backtest's too; null is its `seed`."
    )
    executor: Executor = "auto"


class WalkForwardMethod(Body):
    """Parameters chosen on one stretch and traded on the next, as ``al.walk_forward``."""

    grid: Grid = Field(description="Parameter → values; the last one varies fastest.")
    train: Length = Field(description="Sessions, or a duration such as 2Y, 6M, 8W or 90D.")
    test: Length = Field(description="As `train`.")
    step: Length | None = Field(None, description="From one test window to the next; null is `test`.")
    constraint: Constraint | None = None
    metric: Metric = "sharpe_ratio"
    anchored: StrictBool = Field(False, description="Every training window begins at the first session.")
    purge: int = Field(0, ge=0, lt=2**31, description="Bars dropped at the end of each training window.")
    min_trades: int = Field(10, ge=0, lt=2**31, description="Closed trades that a variant needs in training.")
    flatten: StrictBool = Field(False, description="Close all positions at each window's end.")
    executor: Executor = "auto"


class MonteCarloMethod(Body):
    """What else could have happened, as ``al.monte_carlo``."""

    resample: Literal["returns", "trades", "order", "prices"] = "returns"
    paths: int | None = Field(None, ge=2, description="null is 1,000, or 100 with prices.")
    seed: Seed | None = Field(None, description="Seed of the draws; null is the backtest's `seed`.")
    executor: Executor = "auto"


@dataclass(frozen=True)
class _Given:
    """What stands in ``method``, with the methodology that says how to read it."""

    kind: str
    value: Any


def _read(value: Any, handler: Callable[[Any], Any], info: ValidationInfo) -> Any:
    kind = info.data.get("methodology")
    if kind is None:  # it was refused itself
        return None
    if kind is BacktestMethodology.STANDARD:
        if value is not None:
            raise ValueError("must be null for STANDARD")
        return None
    if value is None:
        if kind is not BacktestMethodology.MONTE_CARLO:
            raise ValueError(f"{kind.value} needs an object with its grid")
        value = {}
    return handler(_Given(kind.value, value))


_taken = BeforeValidator(lambda given: given.value)

MethodGiven = Annotated[
    Annotated[
        Annotated[SweepMethod, _taken, Tag("<SWEEP>")]
        | Annotated[WalkForwardMethod, _taken, Tag("<WALK_FORWARD>")]
        | Annotated[MonteCarloMethod, _taken, Tag("<MONTE_CARLO>")],
        Discriminator(lambda given: f"<{given.kind}>"),
    ]
    | None,
    WrapValidator(_read),
    Field(validate_default=True, description="What the methodology needs; null for STANDARD."),
]
"""The settings of the methodology beside it, which must be declared before it."""

Method = SweepMethod | WalkForwardMethod | MonteCarloMethod

_MODELS: dict[str, type[Method]] = {
    "SWEEP": SweepMethod,
    "WALK_FORWARD": WalkForwardMethod,
    "MONTE_CARLO": MonteCarloMethod,
}


def stored(methodology: str, method: dict[str, Any] | None) -> Method | None:
    """Read back what was kept of a method."""
    return None if method is None else _MODELS[methodology].model_validate(method)
