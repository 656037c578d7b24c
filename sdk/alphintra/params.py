"""Parameters of a strategy: a default with bounds, declared on the class and read like a number."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar, overload

from .errors import ParameterError

T = TypeVar("T", int, float, bool, str)


class Param(Generic[T]):
    """A parameter of a strategy.

    Args:
        default: Value where the run gives none; its type is the parameter's type.
        low: Smallest allowed value (numbers only).
        high: Largest allowed value (numbers only).
        step: Grid step for sliders and sweeps.
        choices: Allowed values, instead of bounds.
        description: One sentence for forms and reports.

    Raises:
        ParameterError: The default itself is outside its bounds.
    """

    def __init__(
        self,
        default: T,
        *,
        low: float | None = None,
        high: float | None = None,
        step: float | None = None,
        choices: tuple[T, ...] | None = None,
        description: str = "",
    ) -> None:
        self.default: T = default
        self.low = low
        self.high = high
        self.step = step
        self.choices: tuple[T, ...] | None = choices
        self.description = description
        self.name = ""
        self.check(default)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Param[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Param[T] | T:
        return self if instance is None else self.default

    def check(self, value: Any) -> T:
        """Return ``value`` as the parameter's type, or raise ParameterError naming the bound it breaks."""
        kind = type(self.default)
        name = self.name or "parameter"
        if kind is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
            value = float(value)
        if kind is int and isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not kind:
            raise ParameterError(f"{name} must be {kind.__name__}, got {value!r}", where=name)
        if self.choices is not None and value not in self.choices:
            raise ParameterError(f"{name}={value!r} is not one of {list(self.choices)}", where=name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if isinstance(value, int):
                if not -(2**63) <= value < 2**63:
                    raise ParameterError(f"{name} is larger than 64 bits hold", where=name)
            elif not math.isfinite(value):
                raise ParameterError(f"{name} must be finite, got {value!r}", where=name)
            bounds = f"give a value from {self.low} to {self.high}, or widen the bounds of its Param"
            if self.low is None or self.high is None:
                bounds = "give a value within the bounds of its Param, or widen them"
            if self.low is not None and value < self.low:
                raise ParameterError(f"{name}={value!r} is below its low of {self.low}", where=name, hint=bounds)
            if self.high is not None and value > self.high:
                raise ParameterError(f"{name}={value!r} is above its high of {self.high}", where=name, hint=bounds)
        return value

    def describe(self) -> dict[str, Any]:
        """Plain description for forms, JSON and documentation."""
        return {
            "default": self.default,
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "choices": list(self.choices) if self.choices is not None else None,
            "type": type(self.default).__name__,
            "description": self.description,
        }


def declared(cls: type) -> dict[str, Param[Any]]:
    """All parameters of a strategy class, base classes first, in order of declaration."""
    found: dict[str, Param[Any]] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Param):
                found[name] = value
    return found


def bind(cls: type, values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Values of all parameters: what is given, checked, and the defaults for the rest.

    Raises:
        ParameterError: An unknown name (the nearest is named) or a value outside its bounds.
    """
    return bind_all(cls, [values])[0]


def bind_all(cls: type, variants: Iterable[Mapping[str, Any] | None]) -> list[dict[str, Any]]:
    """Like :func:`bind`, for several sets of values."""
    known = declared(cls)
    checked: dict[str, dict[int, Any]] = {name: {} for name in known}
    return [_bind(cls, known, checked, values) for values in variants]


def _bind(
    cls: type,
    known: Mapping[str, Param[Any]],
    checked: dict[str, dict[int, Any]],
    values: Mapping[str, Any] | None,
) -> dict[str, Any]:
    bound = {name: p.default for name, p in known.items()}
    if values is None:
        return bound
    if not isinstance(values, Mapping):
        raise ParameterError(f"params must be a mapping of names to values, got {values!r}", where="params")
    for name, value in values.items():
        param = known.get(name)
        if param is None:
            near = difflib.get_close_matches(name, known, 1)
            have = ", ".join(known) or "none"
            raise ParameterError(
                f"{cls.__name__} has no parameter {name!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"it has: {have}",
                where=name,
            )
        if value.__class__ is not int:
            bound[name] = param.check(value)
            continue
        # A grid has a thousand variants of a few dozen values.
        of_param = checked[name]
        if value not in of_param:
            of_param[value] = param.check(value)
        bound[name] = of_param[value]
    return bound
