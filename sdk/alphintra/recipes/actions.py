"""Splits and dividends as a recipe holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from alphintra.data.actions import KINDS, Event, check_value
from alphintra.data.bounds import Bound, parse_bound
from alphintra.data.market import DAY_US
from alphintra.errors import AlphintraError, ParameterError

_KEYS = {"symbol", "kind", "ex_date", "value", "known_from", "known_to", "source"}


@dataclass(frozen=True)
class Action:
    """What happens to the shares of a symbol before an open, as it was known for a time.

    Attributes:
        ex: Its session, days since 1970.
        known: From when it is known, microseconds UTC; ``None``: from the start of its session.
        gone: From when something else is known of this session, or nothing; ``None``: never.
        split: New shares for each old one.
        dividend: Money for each old share.
    """

    ex: int
    known: int | None
    gone: int | None
    split: float
    dividend: float

    def known_at(self, until: int) -> bool:
        """Tell whether it was known at an instant, microseconds UTC."""
        return (self.known is None or self.known <= until) and (self.gone is None or until < self.gone)


def checked_events(value: Any, name: str, most: int) -> tuple[dict[str, Any], ...]:
    """Return splits and dividends as a recipe keeps them: a frame, or a list of dicts.

    Raises:
        ParameterError: Names the row and what is wrong in it.
    """
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        value = value.to_dict("records")
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= most:
        raise ParameterError(f"it has to be a list of 1 to {most:,} splits and dividends", where=name)
    found = tuple(_event(item, f"{name}, row {row}") for row, item in enumerate(value, 1))
    splits: dict[tuple[str, str, str | None], int] = {}
    for row, event in enumerate(found, 1):
        if event["kind"] != "split":
            continue
        before = splits.setdefault((event["symbol"], event["ex_date"], event["known_from"]), row)
        if before != row:
            raise ParameterError(
                f"row {before} is a split of {event['symbol']} on {event['ex_date']} as well",
                where=f"{name}, row {row}",
                hint="Leave one of them; a correction has its own, later known_from.",
            )
    return found


def actions_of(events: tuple[dict[str, Any], ...], symbol: str) -> list[Action]:
    """Return what happens to a symbol, by session, and of one session by when it was known.

    Of rows of one kind and date the one that was known last counts from then on: it is a correction. Dividends that
    were known from the same time add up.
    """
    days: dict[int, dict[str, dict[float, list[dict[str, Any]]]]] = {}
    for event in events:
        if event["symbol"] == symbol:
            ex = int(np.datetime64(event["ex_date"], "D").astype(np.int64))
            of_kind = days.setdefault(ex, {}).setdefault(event["kind"], {})
            of_kind.setdefault(_moment(event["known_from"], -math.inf), []).append(event)
    found = []
    for ex in sorted(days):
        changes = {known for of_kind in days[ex].values() for known in of_kind}
        changes |= {_moment(own.get("known_to"), math.inf) for of_kind in days[ex].values() for rows in of_kind.values()
                    for own in rows} - {math.inf}  # fmt: skip
        edges = [*sorted(changes), math.inf]
        for known, gone in pairwise(edges):
            split, paid = _counting(days[ex].get("split", {}), known), _counting(days[ex].get("dividend", {}), known)
            if split or paid:
                found.append(Action(ex, _whole(known), _whole(gone), math.prod(split), sum(paid)))
    return found


def _counting(of_kind: dict[float, list[dict[str, Any]]], at: float) -> list[float]:
    """Return the values that count at an instant: of what was known last, what was not withdrawn."""
    newest = max((known for known in of_kind if known <= at), default=None)
    rows = [] if newest is None else of_kind[newest]
    return [event["value"] for event in rows if at < _moment(event.get("known_to"), math.inf)]


def _moment(text: str | None, never: float) -> float:
    if text is None:
        return never
    return ex_time(text) if len(text) == 10 else int(np.datetime64(text.removesuffix("Z"), "us").astype("i8"))


def _whole(moment: float) -> int | None:
    return None if math.isinf(moment) else int(moment)


def ex_time(date: str) -> int:
    """Return the end of a date: what has a date alone is known when it is over."""
    return (int(np.datetime64(date, "D").astype(np.int64)) + 1) * DAY_US


def _event(item: Any, where: str) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not {"symbol", "kind", "ex_date", "value"} <= set(item) <= _KEYS:
        raise ParameterError(
            "no split or dividend",
            where=where,
            hint="It has symbol, kind, ex_date, value, and maybe known_from and known_to.",
        )
    symbol, kind = str(item["symbol"]), item["kind"]
    if kind not in KINDS:
        raise ParameterError(f"the kind {kind!r:.40} is neither split nor dividend", where=where)
    said = {name: item.get(name) for name in ("ex_date", "known_from", "known_to")}
    # pandas' NaT differs from itself.
    said = {name: None if v is None or v != v else v for name, v in said.items()}
    try:
        value = float(item["value"])
        ex, known, gone = (parse_bound(said[name], name) for name in ("ex_date", "known_from", "known_to"))
        if ex is None:
            raise ParameterError("the ex-date is missing", where=where)
        check_value(Event(symbol, kind, ex.session, value))
    except (TypeError, ValueError):
        raise ParameterError(f"{item['value']!r:.40} is no number", where=where) from None
    except AlphintraError as error:
        raise ParameterError(error.message, where=where, hint=error.hint) from None
    if math.isinf(value):
        raise ParameterError("the value has no end", where=where)
    found = {
        "symbol": symbol,
        "kind": kind,
        "ex_date": str(np.datetime64(ex.session, "D")),
        "value": value,
        "known_from": _text(known),
    }
    if gone is None:
        return found
    if known is not None and _moment(_text(gone), 0) <= _moment(_text(known), 0):
        raise ParameterError("known_to is not after known_from", where=where)
    return found | {"known_to": _text(gone)}


def _text(bound: Bound | None) -> str | None:
    if bound is None:
        return None
    if bound.instant is None:
        return str(np.datetime64(bound.session, "D"))
    return str(np.datetime64(bound.instant, "us")) + "Z"
