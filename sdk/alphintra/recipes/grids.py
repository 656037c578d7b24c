"""At which times a calendar expects bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.data.market import DAY_US
from alphintra.data.sessions import calendar_sessions, exchange, is_weekend
from alphintra.data.timeframe import step_us
from alphintra.errors import DataError
from alphintra.recipes.rows import BOOL, I64, Shape
from alphintra.store.known import COARSE, WITHOUT_HOURS

_MOST_OFF = 0.01
MOST = 50_000_000
"""Most bars that are expected of one symbol."""


def grid(times: npt.NDArray[Any], shape: Shape) -> I64:
    """Return the times at which bars are expected between the first and the last of a symbol.

    In the unit of ``times``, sorted. Without a calendar, bars are expected around the clock.

    Raises:
        DataError: There would be more than 50 million; more than one in a hundred rows stands at another time than is
            expected.
    """
    found = _expected(times, shape)
    wanted = _within(times, shape)
    off = int((~among(times, found) & wanted).sum())
    if off > _MOST_OFF * wanted.sum():
        raise DataError(
            f"{off:,} of {wanted.sum():,} rows stand at other times than the calendar expects", code="NOT_ON_GRID",
            where="rows", hint="Check time frame, calendar and label of the version, or leave rows out.",
        )  # fmt: skip
    return found


def _within(times: npt.NDArray[Any], shape: Shape) -> BOOL:
    """Tell which rows are within the calendar's sessions: what is traded outside of them stands at any time."""
    about = shape.about
    days = shape.time.type == "date32" or about.timeframe in COARSE
    if days or about.calendar is None or about.calendar in WITHOUT_HOURS:
        return np.ones(len(times), dtype=bool)
    table = exchange(about.calendar)
    first = times - (1 if about.label == "close" else 0)
    rows = np.searchsorted(table.open_time, first, side="right") - 1
    return np.asarray((rows >= 0) & (first < table.close_time[rows]))


def among(values: npt.NDArray[Any], some: npt.NDArray[Any]) -> BOOL:
    """Tell which values are among others that are sorted."""
    if not len(some):
        return np.zeros(len(values), dtype=bool)
    places = np.minimum(np.searchsorted(some, values), len(some) - 1)
    return np.asarray(some[places] == values)


def _expected(times: npt.NDArray[Any], shape: Shape) -> I64:
    about = shape.about
    first, last = int(times[0]), int(times[-1])
    calendar = about.calendar or "24/7"
    dates = shape.time.type == "date32"
    if about.timeframe in COARSE or dates:
        if not dates:
            # The clock of a day's row is that of the first one.
            clock = first % DAY_US
            return _days(first // DAY_US, last // DAY_US, str(about.timeframe), calendar) * DAY_US + clock
        return _days(first, last, str(about.timeframe), calendar)
    step = step_us(str(about.timeframe))
    if (last - first) // step > MOST:
        raise _too_many((last - first) // step)
    if calendar in WITHOUT_HOURS:
        all_day = np.arange(first, last + 1, step, dtype=np.int64)
        if calendar == "weekdays":
            starts = all_day - (step if about.label == "close" else 0)
            all_day = all_day[~is_weekend((starts // DAY_US).astype(np.int32))]
        return all_day
    table = exchange(calendar)
    some = (table.close_time >= first) & (table.open_time <= last)
    opens, closes = table.open_time[some], table.close_time[some]
    counts = -(-(closes - opens) // step)
    if counts.sum() > MOST:
        raise _too_many(int(counts.sum()))
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    found, ends = np.repeat(opens, counts) + place * step, np.repeat(closes, counts)
    if table.break_start is not None and table.break_end is not None:
        # Nothing is traded in a break; a bar that reaches out of it holds what is traded beside it.
        off, on = (np.repeat(edge[some], counts) for edge in (table.break_start, table.break_end))
        kept = (found < off) | (found + step > on)
        found, ends = found[kept], ends[kept]
    if about.label == "close":
        found = np.minimum(found + step, ends)
    return np.asarray(found[(found >= first) & (found <= last)])


def _days(first: int, last: int, timeframe: str, calendar: str) -> I64:
    if timeframe == "1w":
        return np.arange(first, last + 1, 7, dtype=np.int64)
    if timeframe == "1mo":
        start = np.datetime64(first, "D")
        months = np.arange(start.astype("M8[M]"), np.datetime64(last, "D").astype("M8[M]") + 2)
        days = months.astype("M8[D]").astype(np.int64)
        if first != days[0]:  # stamped with the last day of the month
            days = days[1:] - 1
        return np.asarray(days[(days >= first) & (days <= last)])
    if last - first > MOST:
        raise _too_many(last - first)
    sessions = calendar_sessions(calendar, first, last).astype(np.int64)
    return np.asarray(sessions[sessions <= last])


def _too_many(count: int) -> DataError:
    return DataError(
        f"the calendar expects {count:,} rows, and at most {MOST:,} are made", code="TOO_LARGE", where="rows",
        hint="Check the time frame, and the first and last time.",
    )  # fmt: skip
