"""When the sessions of a calendar open and close, as it is known in advance."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]

DAY_US = 86_400_000_000
#: Calendars of whole UTC days: they know no opens and closes of an exchange.
UTC_DAYS = ("24/7", "weekdays")


def table(calendar: str) -> Any:
    """The sessions of an exchange; ``None`` for a calendar of whole UTC days."""
    from alphintra.data.sessions import exchange

    return None if calendar in UTC_DAYS else exchange(calendar)


@cache
def _zone(calendar: str) -> Any:
    """Local time of an exchange; the one that is shipped needs no calendar library."""
    from zoneinfo import ZoneInfo

    from alphintra.data.calendars import library_for

    if calendar == "XNYS":
        return ZoneInfo("America/New_York")
    return ZoneInfo(str(library_for(calendar).get_calendar(calendar).tz))


def hours(calendar: str, sessions: Any) -> tuple[I64, I64]:
    """Opens and closes of sessions in µs UTC: the exchange's, else 00:00 to 24:00 UTC.

    Args:
        calendar: Name of the calendar.
        sessions: (n,) days since 1970-01-01.
    """
    days = np.asarray(sessions, dtype=np.int64)
    opens = days * DAY_US
    closes = opens + DAY_US
    known = table(calendar)
    if known is not None and len(known.session):
        rows = np.minimum(np.searchsorted(known.session, days), len(known.session) - 1)
        hit = known.session[rows] == days
        opens[hit], closes[hit] = known.open_time[rows[hit]], known.close_time[rows[hit]]
    return opens, closes


def local(calendar: str, sessions: Any, at: time) -> I64:
    """The moment at which clocks of the exchange show ``at`` on each session's date, µs UTC."""
    days = np.asarray(sessions, dtype=np.int64)
    into = (at.hour * 60 + at.minute) * 60_000_000
    if calendar in UTC_DAYS:
        return days * DAY_US + into
    here = _zone(calendar)
    epoch = date(1970, 1, 1).toordinal()
    moments = [datetime.combine(date.fromordinal(epoch + d), at, here).timestamp() for d in days.tolist()]
    return np.round(np.array(moments, dtype=np.float64) * 1e6).astype(np.int64)


def calendar_from(calendar: str, timeframe: str, sessions: Any) -> I64:
    """The calendar's sessions with the one before the first: what opens a week may be the data's first."""
    from alphintra.data.sessions import calendar_sessions

    days = np.asarray(sessions, dtype=np.int64)
    if not len(days):
        return days
    first = int(days[0])
    if coarse(timeframe):
        return np.concatenate(([first - 1], days))
    earlier = calendar_sessions(calendar, first - 14, first)
    return np.concatenate((earlier[earlier < first][-1:].astype(np.int64), days))


def coarse(timeframe: str) -> bool:
    """Whether bars are weeks or months."""
    return timeframe.endswith(("w", "mo"))


def intraday(timeframe: str) -> bool:
    """Whether bars are shorter than a session."""
    return timeframe != "1d" and not coarse(timeframe)
