"""Values of JSON as the annotations of dataclasses say: a field too many, or of another type, is an error."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from alphintra.errors import DataError


def typed(kind: Any, value: Any, where: str) -> Any:
    """Return a value as its annotation says, its objects as the dataclasses that they name.

    Raises:
        DataError: ``BAD_MAPPING``: it is none, or has a field that is not known; it names ``where``.
    """
    origin = get_origin(kind)
    if origin is Literal:
        if not isinstance(value, str) or value not in get_args(kind):
            raise _untyped(where, "one of " + ", ".join(get_args(kind)))
        return value
    if origin is tuple:
        if not isinstance(value, list) or len(value) > 10_000:
            raise _untyped(where, "a list")
        return tuple(typed(get_args(kind)[0], own, f"{where}[{place}]") for place, own in enumerate(value))
    if origin is not None:  # str | None
        return None if value is None else typed(str, value, where)
    if kind in (str, bool):
        if not isinstance(value, kind) or (isinstance(value, str) and len(value) > 1_024):
            raise _untyped(where, f"a {kind.__name__} of at most 1,024 characters")
        return value
    if kind in (int, float):
        if isinstance(value, bool) or not isinstance(value, (int, kind)):
            raise _untyped(where, "a number")
        return kind(value)
    if not isinstance(value, dict):
        raise _untyped(where, "an object")
    hints = get_type_hints(kind)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise _untyped(where, f"without the field '{unknown[0][:40]}'")
    try:
        own = {
            entry.name: typed(hints[entry.name], value[entry.name], f"{where}.{entry.name}")
            for entry in fields(kind)
            if entry.name in value
        }
        return kind(**own)
    except TypeError as error:
        raise DataError(f"{where} lacks a field", code="BAD_MAPPING", where=where) from error


def _untyped(where: str, wanted: str) -> DataError:
    return DataError(f"{where} must be {wanted}", code="BAD_MAPPING", where=where)
