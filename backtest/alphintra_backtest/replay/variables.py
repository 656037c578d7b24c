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
    from alphintra_backtest.session import Session

    from .replay import Replay

#: Variables that are shown, and columns of features among them.
MOST, MOST_FEATURES = 100, 20
_TEXT = reprlib.Repr()
_TEXT.maxstring = _TEXT.maxother = 120
#: Elements of a container that are written out, where there are more its length comes behind.
_SHOWN = 4
_TEXT.maxlist = _TEXT.maxtuple = _TEXT.maxset = _TEXT.maxdict = _TEXT.maxdeque = _SHOWN
_SIZED = (list, tuple, set, frozenset, dict, deque)


def variables(replay: Replay) -> list[dict[str, Any]]:
    """One entry for each attribute that does not begin with an underscore and each column of a feature, moving first.

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
    found += _features(replay._session, bar, at)
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


def _series(name: str, value: Any, kind: type[Any]) -> list[tuple[str, Any]]:
    """The series in an attribute: itself, or those of a tuple that an indicator returned."""
    if isinstance(value, kind):
        if value._array.dtype == object:  # of texts: shown as any other thing
            return []
        return [(f"{name}[-1]", value)]
    if isinstance(value, tuple) and value and all(isinstance(one, kind) for one in value):
        return [(f"{name}[{n}][-1]", one) for n, one in enumerate(value)]
    return []


def _features(session: Session, bar: int, before: int | None) -> list[dict[str, Any]]:
    """The latest values known of features: numbers as of an indicator, others as text."""
    found: list[dict[str, Any]] = []
    if bar < 0:
        return found
    for name, of in session.market.features.items():
        for symbol in session.symbols[: 1 if of.shared else MOST_FEATURES]:
            feature = session.features[name][symbol]
            place = f"features[{name!r}]" + (f"[{symbol!r}]" if not of.shared and len(session.symbols) > 1 else "")
            for column in of.columns:
                if len(found) == MOST_FEATURES:
                    return found
                view, label = feature.per_bar.column(column), f"{place}.{column}[-1]"
                if view._array.dtype != object:
                    found.append(_indicator(label, view, bar, before))
                    continue
                value = view._array[bar]
                changed = before is not None and before >= 0 and value != view._array[before]
                found.append({
                    "name": label, "text": "no value yet" if value is None else short(value), "value": None,
                    "changed": changed, "kind": "text", "spark": [],
                })  # fmt: skip
    return found


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
