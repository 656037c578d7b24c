"""TA-Lib's functions, without Polars until somebody has a table of it.

TA-Lib imports Polars wherever that is installed, only to recognise its Series and tables among arguments. That takes
twice as long as all that a first backtest loads besides, so stand-ins of both types are imported in its place.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any


class _Later(type):
    """A type of Polars that is not loaded yet: it knows what is of that type, and makes some."""

    def __instancecheck__(cls, value: Any) -> bool:
        # without Polars there is nothing of its types
        real = getattr(sys.modules.get("polars"), cls.__name__, cls)
        return real is not cls and isinstance(value, real)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module("polars"), cls.__name__)(*args, **kwargs)


class _Aside(ModuleType):
    """What ``import polars`` finds meanwhile; another thread that does so finds Polars behind it."""

    Series = _Later("Series", (), {})
    DataFrame = _Later("DataFrame", (), {})

    def __init__(self) -> None:
        super().__init__("polars")
        self._thread = threading.get_ident()

    def __getattr__(self, name: str) -> Any:
        if name == "__spec__" or threading.get_ident() == self._thread:
            raise AttributeError(name)
        _remove(self)
        return getattr(importlib.import_module("polars"), name)


def _remove(stand_in: ModuleType) -> None:
    if sys.modules.get("polars") is stand_in:
        del sys.modules["polars"]


@contextlib.contextmanager
def _polars_aside() -> Iterator[None]:
    """Within it ``import polars`` loads nothing, unless it was loaded before."""
    stand_in = _Aside()
    sys.modules.setdefault("polars", stand_in)
    try:
        yield
    finally:
        _remove(stand_in)


with _polars_aside():
    import talib as talib


def described(name: str) -> dict[str, Any]:
    """What TA-Lib says of a function: names of its inputs and outputs, parameters with their defaults."""
    from talib import abstract

    function: Any = getattr(abstract, "Function")  # noqa: B009 - TA-Lib's types do not have it
    return dict(function(name).info)
