"""Trading sessions: the shipped table of the New York exchange, and the calendars without one.

The table is built from ``exchange_calendars`` by ``scripts/build_datasets.py``, so that a run
imports no calendar library: that import alone costs more than most backtests.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from alphintra.data.arrow import to_array
from alphintra.data.market import DAY_US, I32, I64

CALENDARS = Path(__file__).resolve().parent.parent / "datasets" / "calendars"
TAIL_DAYS = 60
"""Calendar days for which sessions are given beyond the end of the data."""
OWN = ("XNYS", "24/7", "weekdays")
"""Calendars that need no calendar library."""
_MINUTE_US = 60_000_000


@dataclass(frozen=True, eq=False)
class SessionTable:
    """Sessions of one exchange with their opens and closes.

    Attributes:
        session: Local dates as int32 days since 1970-01-01, increasing.
        open_time: Opens, int64 microseconds UTC.
        close_time: Closes, int64 microseconds UTC; early closes included.
        break_start: When each one's break begins, its close where it has none; ``None`` where no session has one.
        break_end: When each one's break ends.
    """

    session: I32
    open_time: I64
    close_time: I64
    break_start: I64 | None = None
    break_end: I64 | None = None

    def positions(self, sessions: I32) -> I64 | None:
        """Return the row of each session, or ``None`` if one of them is not a session."""
        rows = np.searchsorted(self.session, sessions)
        inside = rows < len(self.session)
        if not inside.all() or not np.array_equal(self.session[rows], sessions):
            return None
        return rows.astype(np.int64)


@cache
def exchange(code: str) -> SessionTable:
    """Return the sessions of an exchange: ``XNYS`` from the shipped table, others from a library.

    Raises:
        DataError: There is no such exchange, or the library is not installed.
    """
    if code not in OWN:
        from alphintra.data.calendars import session_table

        return session_table(code)
    import pyarrow.parquet as pq

    with pq.ParquetFile(CALENDARS / f"{code}.parquet") as file:  # read_table would import pandas
        table = file.read()
    session = to_array(table["session"])
    midnight = session.astype(np.int64) * DAY_US
    return SessionTable(
        session=session,
        open_time=midnight + to_array(table["open_minute"]).astype(np.int64) * _MINUTE_US,
        close_time=midnight + to_array(table["close_minute"]).astype(np.int64) * _MINUTE_US,
    )


def is_weekend(sessions: I32) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Tell which dates are Saturdays or Sundays."""
    weekday = (sessions + 3) % 7  # 1970-01-01 was a Thursday
    return np.asarray(weekday >= 5)


def calendar_sessions(calendar: str, first: int, last: int) -> I32:
    """Return a calendar's sessions from ``first`` to 60 days after ``last``.

    Args:
        calendar: ``XNYS`` or another exchange, ``24/7`` or ``weekdays``.
        first: First date, days since 1970-01-01.
        last: Last date of the data.
    """
    if calendar not in ("24/7", "weekdays"):
        table = exchange(calendar).session
        return table[np.searchsorted(table, first) : np.searchsorted(table, last + TAIL_DAYS + 1)]
    days = np.arange(first, last + TAIL_DAYS + 1, dtype=np.int32)
    return days if calendar == "24/7" else days[~is_weekend(days)]
