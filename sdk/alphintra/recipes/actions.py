"""Splits and dividends as a recipe holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphintra.data.actions import KINDS, Event, check_value
from alphintra.data.bounds import parse_bound
from alphintra.data.market import DAY_US
from alphintra.errors import AlphintraError, ParameterError

_KEYS = {"symbol", "kind", "ex_date", "value", "known_from", "known_to", "source"}


@dataclass(frozen=True)
class Action:
    """What happens to the shares of a symbol before an open.

    Attributes:
        ex: Its session, days since 1970.
        known: From when it is known, microseconds UTC; ``None``: from the start of its session.
        split: New shares for each old one.
        dividend: Money for each old share.
    """

    ex: int
    known: int | None
    split: float
    dividend: float


def checked_events(value: Any, name: str, most: int) -> tuple[dict[str, Any], ...]:
    """Return splits and dividends as a recipe keeps them: a frame, or a list of dicts.

    Raises:
        ParameterError: Names the row and what is wrong in it.
    """
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        value = value.to_dict("records")
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= most:
        raise ParameterError(f"it has to be a list of 1 to {most:,} splits and dividends", where=name)
    return tuple(_event(item, f"{name}, row {row}") for row, item in enumerate(value, 1))


def actions_of(events: tuple[dict[str, Any], ...], symbol: str) -> list[Action]:
    """Return what happens to a symbol, by session."""
    days: dict[int, Action] = {}
    for event in events:
        if event["symbol"] != symbol:
            continue
        ex = int(np.datetime64(event["ex_date"], "D").astype(np.int64))
        known = None
        if event["known_from"] is not None:
            text = event["known_from"]
            known = ex_time(text) if len(text) == 10 else int(np.datetime64(text.removesuffix("Z"), "us").astype("i8"))
        before = days.get(ex, Action(ex, None, 1.0, 0.0))
        known = max((k for k in (before.known, known) if k is not None), default=None)
        split = before.split * (event["value"] if event["kind"] == "split" else 1.0)
        paid = before.dividend + (event["value"] if event["kind"] == "dividend" else 0.0)
        days[ex] = Action(ex, known, split, paid)
    return [days[ex] for ex in sorted(days)]


def ex_time(date: str) -> int:
    """Return the end of a date: what has a date alone is known when it is over."""
    return (int(np.datetime64(date, "D").astype(np.int64)) + 1) * DAY_US


def _event(item: Any, where: str) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not {"symbol", "kind", "ex_date", "value"} <= set(item) <= _KEYS:
        raise ParameterError(
            "no split or dividend", where=where, hint="It has symbol, kind, ex_date, value, and maybe known_from."
        )
    symbol, kind = str(item["symbol"]), item["kind"]
    if kind not in KINDS:
        raise ParameterError(f"the kind {kind!r:.40} is neither split nor dividend", where=where)
    said = {name: item.get(name) for name in ("ex_date", "known_from")}
    # pandas' NaT differs from itself.
    said = {name: None if v is None or v != v else v for name, v in said.items()}
    try:
        value = float(item["value"])
        ex, known = (parse_bound(said[name], name) for name in ("ex_date", "known_from"))
        if ex is None:
            raise ParameterError("the ex-date is missing", where=where)
        check_value(Event(symbol, kind, ex.session, value))
    except (TypeError, ValueError):
        raise ParameterError(f"{item['value']!r:.40} is no number", where=where) from None
    except AlphintraError as error:
        raise ParameterError(error.message, where=where, hint=error.hint) from None
    if math.isinf(value):
        raise ParameterError("the value has no end", where=where)
    text = None
    if known is not None:
        text = str(np.datetime64(known.session, "D")) if known.instant is None else (
            str(np.datetime64(known.instant, "us")) + "Z"
        )  # fmt: skip
    return {
        "symbol": symbol,
        "kind": kind,
        "ex_date": str(np.datetime64(ex.session, "D")),
        "value": value,
        "known_from": text,
    }
