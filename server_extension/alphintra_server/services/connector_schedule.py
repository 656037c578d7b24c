"""When a connector is due: by its schedule, and again after a failure. And from when on it asks its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from alphintra.data.sessions import exchange

from .cron import Cron

MOST_RETRIES = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 3_600.0
_STEP = re.compile(r"([1-9]\d{0,4})(ms|s|min|h|d|w|mo)")
_UNITS = {
    "ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1),
    "d": timedelta(days=1), "w": timedelta(weeks=1), "mo": timedelta(days=31),
}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def next_due(schedule: Mapping[str, Any] | None, now: datetime) -> datetime | None:
    """Return the first time of a schedule after ``now``, in UTC; ``None`` without one.

    Args:
        schedule: ``cron`` and ``time_zone``; or ``after_close``, a calendar, and ``minutes``.
        now: An aware time.

    Raises:
        ValueError: There is no such time.
        DataError: There is no such calendar.
    """
    if schedule is None:
        return None
    if schedule.get("cron") is not None:
        return Cron.parse(schedule["cron"]).next_after(now, ZoneInfo(schedule["time_zone"]))
    calendar, later = schedule["after_close"], timedelta(minutes=schedule["minutes"])
    if calendar in ("24/7", "weekdays"):
        # Their days end at midnight in UTC.
        end = (now - later).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        while calendar == "weekdays" and (end - timedelta(days=1)).weekday() >= 5:
            end += timedelta(days=1)
        return end + later
    closes = exchange(calendar).close_time
    at = int(np.searchsorted(closes, (now - later - _EPOCH) // _MICROSECOND, side="right"))
    if at == len(closes):
        raise ValueError(f"the calendar {calendar} ends before")
    return _EPOCH + timedelta(microseconds=int(closes[at])) + later


def pause_after(failures: int, chance: float) -> timedelta:
    """Return how long to wait after so many failures in a row: a minute, two, four, … an hour; up to half less.

    Args:
        failures: From 1.
        chance: From 0 to 1, drawn: connectors that failed together do not come back together.
    """
    longest = min(_FIRST_PAUSE * 2.0 ** (failures - 1), _LONGEST_PAUSE)
    return timedelta(seconds=longest * (1 - chance / 2))


def since(last: datetime, timeframe: str, overlap: int) -> datetime:
    """Return from when on a source is asked: the last row that is there, and so many bars before it.

    Bars are counted by the clock, so that a weekend takes some of them; of what has no time frame, none.
    """
    found = _STEP.fullmatch(timeframe)
    if found is None:
        return last
    try:
        return last - overlap * int(found[1]) * _UNITS[found[2]]
    except OverflowError:  # thousands of bars of years each: all that there is
        return datetime.min.replace(tzinfo=UTC)
