"""What a step takes: each parameter with its type, bounds, default and unit, for errors, forms and the docs alike."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field
from dataclasses import fields as fields_of
from typing import Any

import numpy as np

from alphintra.data.bounds import parse_bound
from alphintra.errors import AlphintraError, LookAheadError, ParameterError

_KEY = "parameter"
_MOST_COLUMNS = 2_000
_MOST_NAME = 200
_EVENT = {
    "type": "object",
    "properties": {
        "symbol": {"type": "string"}, "kind": {"enum": ["split", "dividend"]}, "ex_date": {"type": "string"},
        "value": {"type": "number", "minimum": 0}, "known_from": {"type": ["string", "null"]},
    },
    "required": ["symbol", "kind", "ex_date", "value"],
}  # fmt: skip
Choices = tuple[str, ...] | Callable[[], tuple[str, ...]]


class Parameter:
    """One parameter.

    Attributes:
        kind: ``number``, ``whole``, ``yes``, ``choice``, ``text``, ``column``, ``columns``, ``instant``, ``formula``,
            ``dataset``, ``choices by column``, ``numbers by name`` or ``events``.
        text: What it is, in one sentence.
        low: Least number.
        high: Greatest number.
        unit: Of the number.
        allowed: What may be chosen.
        refused: What looks ahead, and what to use instead.
        most: Greatest length of a text or a list.
        optional: Whether it may be ``None``.
    """

    def __init__(
        self,
        kind: str,
        text: str,
        *,
        low: float | None = None,
        high: float | None = None,
        unit: str | None = None,
        allowed: Choices = (),
        refused: Mapping[str, str] | None = None,
        most: int = _MOST_NAME,
        optional: bool = False,
    ) -> None:
        self.kind, self.text, self.low, self.high, self.unit = kind, text, low, high, unit
        self._allowed = allowed
        self.refused = dict(refused or {})
        self.most, self.optional = most, optional

    @property
    def allowed(self) -> tuple[str, ...]:
        """What may be chosen."""
        return self._allowed() if callable(self._allowed) else self._allowed

    def check(self, value: Any, name: str) -> Any:
        """Return a value as it is kept.

        Raises:
            ParameterError: It is of another type, or beyond a bound; names the parameter.
            LookAheadError: It would look ahead.
        """
        if value is None:
            if not self.optional:
                raise _wrong("it has to be given", name)
            return None
        checked: Any = getattr(self, "_" + self.kind.replace(" ", "_"))(value, name)
        return checked

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema, with ``x-kind`` and ``x-unit`` for a form."""
        out: dict[str, Any] = {"description": self.text, "x-kind": self.kind} | self._own_schema()
        if self.optional:
            out["type"] = [out["type"], "null"]
            if "enum" in out:
                out["enum"] = [*out["enum"], None]
        if self.unit is not None:
            out["x-unit"] = self.unit
        return out

    def _own_schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.low, "maximum": self.high}
        found = {key: value for key, value in bounds.items() if value is not None}
        by_kind: dict[str, dict[str, Any]] = {
            "number": {"type": "number", **found},
            "whole": {"type": "integer", **found},
            "yes": {"type": "boolean", **({"const": False} if self.refused else {})},
            "choice": {"type": "string", "enum": list(self.allowed)},
            "column": {"type": "string", "minLength": 1, "maxLength": _MOST_NAME},
            "columns": {
                "type": "array", "maxItems": _MOST_COLUMNS,
                "items": {"type": "string", "minLength": 1, "maxLength": _MOST_NAME},
            },
            "instant": {"type": "string", "maxLength": 40},
            "choices by column": {
                "type": "object", "maxProperties": _MOST_COLUMNS,
                "additionalProperties": {"type": "string", "enum": list(self.allowed)},
            },
            "numbers by name": {
                "type": "object", "maxProperties": 32, "additionalProperties": {"type": "number"},
            },
            "events": {"type": "array", "minItems": 1, "maxItems": self.most, "items": _EVENT},
        }  # fmt: skip
        return by_kind.get(self.kind, {"type": "string", "maxLength": self.most})

    def _number(self, value: Any, name: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise _wrong(f"{value!r} is no number", name)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise _wrong(f"{value!r} is no finite number", name)
        return self._bounded(number, name)

    def _whole(self, value: Any, name: str) -> int:
        number = self._number(value, name)
        if number != int(number):
            raise _wrong(f"{value!r} is no whole number", name)
        return int(number)

    def _bounded(self, number: float, name: str) -> float:
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            unit = f" {self.unit}" if self.unit else ""
            ends = [f"{end:,g}" if end is not None else "…" for end in (self.low, self.high)]
            raise _wrong(f"{number:g} is not from {ends[0]} to {ends[1]}{unit}", name)
        return number

    def _yes(self, value: Any, name: str) -> bool:
        if not isinstance(value, bool):
            raise _wrong(f"{value!r} is neither true nor false", name)
        if value and self.refused:
            raise LookAheadError(f"{name}=True looks ahead", where=name, hint=self.refused["true"])
        return value

    def _choice(self, value: Any, name: str) -> str:
        if isinstance(value, str) and value in self.refused:
            raise LookAheadError(f"{name}={value!r} looks ahead", where=name, hint=self.refused[value])
        if value not in self.allowed:
            near = difflib.get_close_matches(str(value)[:80], self.allowed, 1)
            rest = ", ".join(self.allowed[:20]) + (", …" if len(self.allowed) > 20 else "")
            hint = (f"Did you mean {near[0]}? " if near else "") + f"There are {rest}."
            raise _wrong(f"there is no {str(value)[:80]!r}", name, hint)
        return str(value)

    def _text(self, value: Any, name: str) -> str:
        if not isinstance(value, str) or len(value) > self.most or (value and not value.isprintable()):
            raise _wrong(f"it has to be a text of at most {self.most:,} printable characters", name)
        return value

    _formula = _text
    _dataset = _text

    def _column(self, value: Any, name: str) -> str:
        if not self._text(value, name):
            raise _wrong("the name of a column is empty", name)
        return str(value)

    def _columns(self, value: Any, name: str) -> tuple[str, ...]:
        items = (value,) if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or len(items) > _MOST_COLUMNS:
            raise _wrong(f"it has to be a list of at most {_MOST_COLUMNS:,} columns", name)
        found = tuple(self._column(item, name) for item in items)
        twice = next((item for i, item in enumerate(found) if item in found[:i]), None)
        if twice is not None:
            raise _wrong(f"column {twice!r} stands twice", name)
        return found

    def _instant(self, value: Any, name: str) -> str:
        try:
            bound = parse_bound(value, name)
        except AlphintraError as error:
            raise _wrong(error.message, name, error.hint) from None
        assert bound is not None
        if bound.instant is None:
            return str(np.datetime64(bound.session, "D"))
        return str(np.datetime64(bound.instant, "us")) + "Z"

    def _choices_by_column(self, value: Any, name: str) -> dict[str, str]:
        if not isinstance(value, Mapping) or len(value) > _MOST_COLUMNS:
            raise _wrong("it has to name what is chosen for each column", name)
        return {self._column(key, name): self._choice(item, f"{name}, {key}") for key, item in value.items()}

    def _numbers_by_name(self, value: Any, name: str) -> dict[str, float]:
        if not isinstance(value, Mapping) or len(value) > 32:
            raise _wrong("it has to name at most 32 numbers", name)
        return {self._column(key, name): self._number(item, f"{name}, {key}") for key, item in value.items()}

    def _events(self, value: Any, name: str) -> tuple[dict[str, Any], ...]:
        from alphintra.recipes.actions import checked_events

        return checked_events(value, name, self.most)


def of(step: Any) -> dict[str, Parameter]:
    """Return the parameters of a step, or of its class, by name."""
    return {item.name: item.metadata[_KEY] for item in fields_of(step)}


def required(item: Field[Any]) -> bool:
    """Tell whether a parameter has no default."""
    return item.default is MISSING and item.default_factory is MISSING


def number(text: str, default: float | None = None, *, low: float | None = None, high: float | None = None,
           unit: str | None = None) -> Any:  # fmt: skip
    """Declare a number; without a default it may be left out."""
    return _field(Parameter("number", text, low=low, high=high, unit=unit, optional=default is None), default)


def whole(text: str, default: int | None = None, *, low: int, high: int, unit: str | None = None,
          must: bool = False) -> Any:  # fmt: skip
    """Declare a whole number; without a default it may be left out, unless it ``must`` be given."""
    optional = default is None and not must
    return _field(Parameter("whole", text, low=low, high=high, unit=unit, optional=optional),
                  MISSING if must else default)  # fmt: skip


def yes(text: str, default: bool = False) -> Any:
    """Declare a truth value."""
    return _field(Parameter("yes", text), default)


def never(text: str, instead: str) -> Any:
    """Declare what is refused because it looks ahead: only false is taken."""
    return _field(Parameter("yes", text, refused={"true": instead}), False)


def choice(text: str, allowed: Choices, default: Any = MISSING, *, refused: Mapping[str, str] | None = None) -> Any:
    """Declare one of several; ``refused`` says what looks ahead, and what to do instead."""
    return _field(Parameter("choice", text, allowed=allowed, refused=refused, optional=default is None), default)


def text(text: str, default: Any = MISSING, *, kind: str = "text", most: int = _MOST_NAME) -> Any:
    """Declare a text, or something that is written as one."""
    return _field(Parameter(kind, text, most=most, optional=default is None), default)


def columns(text: str, default: Any = ()) -> Any:
    """Declare a list of columns."""
    return _field(Parameter("columns", text), default)


def by_column(text: str, allowed: Choices) -> Any:
    """Declare a choice for each of some columns."""
    return field(default_factory=dict, metadata={_KEY: Parameter("choices by column", text, allowed=allowed)})


def numbers(text: str) -> Any:
    """Declare numbers by name."""
    return field(default_factory=dict, metadata={_KEY: Parameter("numbers by name", text)})


def events(text: str, most: int) -> Any:
    """Declare a list of splits and dividends."""
    return _field(Parameter("events", text, most=most), MISSING)


def _field(parameter: Parameter, default: Any) -> Any:
    return field(default=default, metadata={_KEY: parameter})


def _wrong(what: str, name: str, hint: str | None = None) -> ParameterError:
    return ParameterError(what, where=name, hint=hint)
