"""A strategy's own variables for a view: text, number, whether it changed, and how it came to be."""

from __future__ import annotations

import math
import reprlib
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from .histories import POINTS, thinned
from .strategy_state import OF_THE_RUN

if TYPE_CHECKING:
    from .replay import Replay

#: Variables that are shown.
MOST = 100
_TEXT = reprlib.Repr()
_TEXT.maxstring = _TEXT.maxother = 120
#: Elements of a container that are written out, where there are more its length comes behind.
_SHOWN = 4
_TEXT.maxlist = _TEXT.maxtuple = _TEXT.maxset = _TEXT.maxdict = _TEXT.maxdeque = _SHOWN
_SIZED = (list, tuple, set, frozenset, dict, deque)


def variables(replay: Replay) -> list[dict[str, Any]]:
    """One entry for each attribute that does not begin with an underscore, those that move first.

    Each has ``name``, ``text``, ``value`` (a number, or None), ``changed`` (since the replay stood elsewhere, or by
    hand), ``kind`` (``indicator``, ``parameter``, ``number``, ``truth``, ``text``, ``object``) and ``spark``.
    """
    from alphintra.params import declared
    from alphintra.views import Series

    instance, bar = replay.strategy, replay.in_progress
    before = replay._before
    at, moved = (None, set()) if before is None else (before.bar, before.moved(instance))
    by_hand = {change[0] for change in replay.branch.changes} if replay.branch is not None else set()
    parameters = declared(type(instance))
    found = []
    for name, value in vars(instance).items():
        if name in OF_THE_RUN or name.startswith("_"):
            continue
        for label, view in _series(name, value, Series):
            found.append(_indicator(label, view, bar, at))
        if _series(name, value, Series):
            continue
        text = short(value)
        number = _number(value)
        found.append({
            "name": name,
            "text": text,
            "value": number,
            "changed": name in by_hand or name in moved,
            "kind": "parameter" if name in parameters else _kind(value),
            "spark": replay._values.of(name, bar) if number is not None and name not in parameters else [],
        })  # fmt: skip
    order = {"indicator": 0, "parameter": 1}
    return sorted(found, key=lambda one: order.get(one["kind"], 2))[:MOST]


def short(value: Any) -> str:
    """A value in a line; a trader's own class may fail to make its text."""
    try:
        if isinstance(value, float):
            return f"{value:.10g}"
        text = _TEXT.repr(value)
        return f"{text} ({len(value)})" if isinstance(value, _SIZED) and len(value) > _SHOWN else text
    except Exception:  # noqa: BLE001
        return f"<{type(value).__name__}>"


def _series(name: str, value: Any, kind: type) -> list[tuple[str, Any]]:
    """The series in an attribute: itself, or those of a tuple that an indicator returned."""
    if isinstance(value, kind):
        return [(f"{name}[-1]", value)]
    if isinstance(value, tuple) and value and all(isinstance(one, kind) for one in value):
        return [(f"{name}[{n}][-1]", one) for n, one in enumerate(value)]
    return []


def _indicator(label: str, view: Any, bar: int, before: int | None) -> dict[str, Any]:
    at = int(view.timeline.own[bar]) if bar >= 0 else -1
    values = view._on(max(bar, 0))
    value = float(values[at]) if at >= 0 else math.nan
    old = int(view.timeline.own[before]) if before is not None and before >= 0 else -1
    earlier = float(values[old]) if old >= 0 else math.nan
    return {
        "name": label,
        "text": f"{value:.6g}" if value == value else "no value yet",
        "value": value if math.isfinite(value) else None,
        "changed": before is not None and not (value == earlier or (value != value and earlier != earlier)),
        "kind": "indicator",
        "spark": thinned(values[max(0, at + 1 - POINTS) : at + 1]),
    }


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return None
    return value.item() if isinstance(value, np.number) else value


def _kind(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "truth"
    if isinstance(value, int | float | np.number):
        return "number"
    return "text" if isinstance(value, str) else "object"
