"""Indicators: TA-Lib's functions under their own names, loaded on first use.

``al.ta.SMA(close, 20)`` takes and returns float64 arrays of one length; in a strategy they are passed to
``self.indicator(al.ta.SMA, self.data.close, 20)``. Source: TA-Lib (https://ta-lib.org).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ._engine import engine


def __getattr__(name: str) -> Callable[..., Any]:
    if name.startswith("_"):
        raise AttributeError(name)
    if name not in _names():
        import difflib

        near = difflib.get_close_matches(name.upper(), _names(), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise AttributeError(f"TA-Lib has no indicator {name!r}{hint}")
    from ._talib import talib

    function = _remembering(getattr(talib, name))
    globals()[name] = function
    return function


def _remembering(function: Callable[..., Any]) -> Callable[..., Any]:
    """TA-Lib's function; while ``signals(data)`` runs, one result (read-only) for one set of arguments."""
    kept = engine("signals_data").kept

    @functools.wraps(function)
    def indicator(*args: Any, **kwargs: Any) -> Any:
        keep = kept()
        return function(*args, **kwargs) if keep is None else keep.call(function, args, kwargs)

    indicator.__module__ = __name__
    return indicator


def __dir__() -> list[str]:
    return _names()


def _names() -> list[str]:
    from ._talib import talib

    return list(talib.get_functions())  # type: ignore[no-untyped-call]
