"""``self.every(…)``: timestamps that the calendar tells in advance.

A schedule holds at a timestamp if the calendar says so, whatever bars come later. Only calendars that do not know when
their sessions close (``weekdays`` with bars shorter than a day) take a session's last bar from the data.
"""

from __future__ import annotations

import re
from datetime import time
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .hours import calendar_from, hours, intraday, local

if TYPE_CHECKING:
    from alphintra.data.market import MarketData

    from .grid import Grid

Days = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_PERIODS = ("week", "month", "quarter", "year")
SCHEDULES = (
    "session_open", "session_close", *(f"{p}_{edge}" for p in _PERIODS for edge in ("start", "end")),
)  # fmt: skip
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def column(market: MarketData, grid: Grid, schedule: str) -> memoryview[bool]:
    """Whether a schedule holds at each timestamp of a run.

    Raises:
        RuleError: There is no such schedule; the error names the nearest.
    """
    clock = _CLOCK.fullmatch(schedule) if isinstance(schedule, str) else None
    if clock is not None:
        flags = _at(market, grid, time(int(clock[1]), int(clock[2])))
    elif schedule in SCHEDULES:
        flags = _named(market, grid, schedule)
    else:
        raise _unknown(schedule)
    return memoryview(np.ascontiguousarray(flags))  # type: ignore[arg-type]


def _named(market: MarketData, grid: Grid, schedule: str) -> Flags:
    what, _, edge = schedule.partition("_")
    edges = _opens(market, grid) if edge in ("open", "start") else _closes(market, grid)
    if what == "session":
        return edges
    calendar = calendar_from(market.calendar, market.timeframe, market.sessions)
    session = grid.session.astype(np.int64)
    if edge == "end":
        beside = np.searchsorted(calendar, session, side="right")
        known = beside < len(calendar)
        other = np.where(known, calendar[np.minimum(beside, len(calendar) - 1)], session + 1)
    else:
        beside = np.searchsorted(calendar, session, side="left") - 1
        other = np.where(beside >= 0, calendar[np.maximum(beside, 0)], session - 1)
    return np.asarray(edges & (period(session, what) != period(other, what)))


def period(days: Days, name: str) -> Days:
    """Number of the week (from Monday), month, quarter or year that each day is in."""
    if name == "week":
        return (days + 3) // 7  # 1970-01-01 was a Thursday
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // {"month": 1, "quarter": 3, "year": 12}[name])


def _first(session: Any, reached: Flags) -> Flags:
    """The first timestamp of each session at which something is reached."""
    change = np.append(True, session[1:] != session[:-1])
    rows = np.flatnonzero(reached)
    group = np.cumsum(change)[rows]
    out = np.zeros(len(session), dtype=np.bool_)
    out[rows[np.append(True, group[1:] != group[:-1])] if len(rows) else rows] = True
    return out


def _opens(market: MarketData, grid: Grid) -> Flags:
    """The first timestamp of each session; bars of before the exchange's open do not count."""
    if not intraday(market.timeframe):
        return _first(grid.session, np.ones(len(grid.time), dtype=np.bool_))
    opens, _ = hours(market.calendar, grid.session)
    return _first(grid.session, grid.time > opens)


def _closes(market: MarketData, grid: Grid) -> Flags:
    """The timestamp at which each session closes: the first that reaches the close the calendar knows."""
    session = grid.session
    if not intraday(market.timeframe):
        return np.append(session[1:] != session[:-1], True)
    reached = grid.time >= hours(market.calendar, session)[1]
    if market.calendar != "weekdays":
        return _first(session, reached)
    return np.append(session[1:] != session[:-1], reached[-1])


def _at(market: MarketData, grid: Grid, at: time) -> Flags:
    days, row = np.unique(grid.session, return_inverse=True)
    return _first(grid.session, grid.time >= local(market.calendar, days, at)[row])


def _unknown(schedule: Any) -> Exception:
    from alphintra.errors import RuleError

    near = get_close_matches(str(schedule), SCHEDULES, 1, 0.5)
    if re.fullmatch(r"\d:[0-5]\d", str(schedule)):
        near = [f"0{schedule}"]
    mean = f"did you mean {near[0]!r}? " if near else ""
    return RuleError(
        f"unknown schedule {schedule!r}",
        hint=f"{mean}There is: {', '.join(SCHEDULES)} and a time of the exchange such as '15:30'",
    )
