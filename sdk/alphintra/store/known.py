"""When each row was known: what may be used at a time is told by this and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.data.arrow import whole
from alphintra.data.market import DAY_US
from alphintra.data.sessions import exchange
from alphintra.data.timeframe import length_of, step_us
from alphintra.store.columns import Column, raw_values, validity
from alphintra.store.manifest import About

I64 = npt.NDArray[np.int64]
COARSE = ("1d", "1w", "1mo")
"""Time frames whose bars are told by their date."""
WITHOUT_HOURS = ("24/7", "weekdays")


def known_at(times: npt.NDArray[np.int64] | npt.NDArray[np.int32], kind: str, about: About) -> I64:
    """Return when each row was known, int64 microseconds since 1970 UTC.

    A bar is known at its end: its time where it is stamped at the close, else a step later, at the latest when its
    exchange closes. A date is known when its session closes, or at 24:00 UTC where no exchange is stated; several days,
    a week or a month stamped with the first day are known when they are over. What is no bar is known at its time.

    Args:
        times: Microseconds, or days where ``kind`` is ``date32``.
        kind: The type of the column of time.
        about: What is stated of the version.
    """
    frame = about.timeframe
    if kind == "date32" or length_of(frame) is not None:
        return _dates(times, kind, about)
    utc = times.astype(np.int64)
    if frame is None or about.label == "close":
        return utc
    ends = utc + step_us(frame)
    if about.calendar is None or about.calendar in WITHOUT_HOURS:
        return ends
    table = exchange(about.calendar)
    rows = np.searchsorted(table.open_time, utc, side="right") - 1
    inside = (rows >= 0) & (utc < table.close_time[rows])
    return np.where(inside, np.minimum(ends, table.close_time[rows]), ends)


def not_before(known: I64, column: Column, cells: Any) -> I64:
    """Return when rows were known that a column says of when that was: then, and not before they were over.

    Args:
        known: When the rows were over, int64 microseconds since 1970 UTC.
        column: With the role ``known_at``; a date counts from its end, 24:00 UTC.
        cells: Its Arrow array; what is missing says nothing.
    """
    array = whole(cells)
    said, there = raw_values(array).astype(np.int64), validity(array)
    if column.type == "date32":
        said = (said + 1) * DAY_US
    return np.asarray(np.maximum(known, said if there is None else np.where(there, said, known)))


def _dates(times: npt.NDArray[np.int64] | npt.NDArray[np.int32], kind: str, about: About) -> I64:
    days = times.astype(np.int64) if kind == "date32" else times.astype(np.int64) // DAY_US
    # A day's row with a clock is no date: it is known at its close, or a day after its open.
    clock = np.zeros(len(days), dtype=np.int64) if kind == "date32" else times.astype(np.int64) - days * DAY_US
    count, unit = length_of(about.timeframe) or (1, "d")
    longer = count > 1 or unit != "d"
    if longer and about.label == "open":
        if unit != "mo":
            return (days + count * (7 if unit == "w" else 1)) * DAY_US + clock
        dates = days.astype("M8[D]")
        months = dates.astype("M8[M]")
        ends = (months + count).astype("M8[D]") + (dates - months.astype("M8[D]"))
        return np.asarray(ends.astype(np.int64) * DAY_US + clock)
    over = (days + 1) * DAY_US
    if about.label == "close":
        over = np.where(clock > 0, days * DAY_US + clock, over)
    else:
        over = over + clock
    if longer or about.calendar is None or about.calendar in WITHOUT_HOURS:
        return over
    table = exchange(about.calendar)
    rows = np.minimum(np.searchsorted(table.session, days), len(table.session) - 1)
    return np.where((table.session[rows] == days) & (clock == 0), table.close_time[rows], over)
