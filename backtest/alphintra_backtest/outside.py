"""Data that a strategy reads beside ``self.data``: a check cannot cut it, so it is named."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

_LIBRARIES = ("pandas", "polars", "pyarrow")
_LOOKED_AT = 50


def data_outside(strategy: type) -> list[str]:
    """One sentence for each global, closure variable and class attribute of the strategy that holds data."""
    found: dict[str, str] = {}
    seen: set[int] = set()
    for cls in _own_classes(strategy):
        for name, value in vars(cls).items():
            function = inspect.unwrap(getattr(value, "__func__", value))
            if isinstance(function, FunctionType):
                for variable, held in _read_by(function, cls.__module__, seen):
                    found.setdefault(variable, _kind(held) or "")
            elif _kind(value):
                found.setdefault(f"{cls.__name__}.{name}", _kind(value) or "")
    return [
        f"The strategy reads {name}, which holds data outside self.data ({kind}): what comes from there is not checked."
        for name, kind in found.items()
        if kind
    ]


def _own_classes(strategy: type) -> list[type]:
    """The trader's classes: those before ours in the order of inheritance."""
    return [c for c in strategy.__mro__ if c is not object and not c.__module__.startswith("alphintra")]


def _read_by(function: FunctionType, module: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Names and values of the variables outside a function that it reads, or the functions beside it do."""
    if id(function) in seen:
        return
    seen.add(id(function))
    values: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            values[name] = cell.cell_contents
        except ValueError:  # not bound yet
            continue
    for name in _globals_of(function.__code__):
        if name in function.__globals__:
            values[name] = function.__globals__[name]
    for name, value in values.items():
        if isinstance(value, FunctionType):
            if value.__module__ == module:
                yield from _read_by(value, module, seen)
        else:
            yield name, value


def _globals_of(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals_of(constant)


def _kind(value: Any) -> str | None:
    """What kind of data a value is; ``None`` for what a strategy may well hold, such as a list of symbols."""
    kind = type(value)
    library = kind.__module__.split(".")[0]
    if library == "numpy" and kind.__name__ in ("ndarray", "memmap"):
        return "an array" if value.size > 1 else None
    if library in _LIBRARIES and kind.__name__ in ("DataFrame", "Series", "Table", "LazyFrame"):
        return f"a {kind.__name__}"
    if kind.__module__.startswith("alphintra.") and kind.__name__ in ("MarketData", "Dataset", "Result"):
        return f"a {kind.__name__}"
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        items = list(value.values() if isinstance(value, Mapping) else value)
        for item in items[:_LOOKED_AT]:
            inner = None if isinstance(item, Mapping | list | tuple | set | frozenset) else _kind(item)
            if inner:
                return f"a {kind.__name__} with {inner}"
        if len(items) > _LOOKED_AT and all(
            isinstance(item, int | float) and not isinstance(item, bool) for item in items[:_LOOKED_AT]
        ):
            return f"a {kind.__name__} of numbers"
    return None
