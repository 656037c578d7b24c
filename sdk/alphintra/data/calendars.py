"""Sessions of exchanges beyond the shipped one, from the package exchange_calendars.

Its import takes longer than most backtests, so it is only imported where such an exchange is named.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alphintra.data.instrument import did_you_mean
from alphintra.data.market import I64
from alphintra.data.sessions import CALENDARS, OWN, SessionTable
from alphintra.errors import DataError

_FIRST, _LAST = "1970-01-01", "2035-12-31"


def calendar_code(name: Any) -> str:
    """Return the code of a calendar: ``XNYS``, ``24/7``, ``weekdays`` or an exchange's.

    Raises:
        DataError: There is no such calendar; the error names the nearest.
    """
    if name in OWN:
        return str(name)
    library = library_for(name)
    known = library.get_calendar_names(include_aliases=True)
    if name not in known:
        raise DataError(
            f"there is no calendar {name!r}",
            code="UNKNOWN_CALENDAR",
            hint=did_you_mean(str(name), known) + "It is an exchange's code such as XLON, 24/7 or weekdays.",
        )
    code = str(library.resolve_alias(name))
    return {"24/5": "weekdays"}.get(code, code)


def session_table(code: str) -> SessionTable:
    """Build the sessions of an exchange from 1970, or from where its calendar begins, to 2035.

    Raises:
        DataError: The library cannot build this calendar.
    """
    library = library_for(code)
    try:
        calendar = _widest(library, code)
    except ValueError as error:  # raised by rules that contradict each other, as XTAE's in 4.13.2
        raise DataError(
            f"exchange_calendars cannot build the calendar {code}: {str(error)[:80]}…",
            code="BAD_CALENDAR",
            hint="Use the calendar of another exchange with the same sessions, or weekdays.",
        ) from None
    schedule = calendar.schedule
    close, broken = _us(schedule["close"]), schedule["break_start"].notna().to_numpy()
    return SessionTable(
        session=calendar.sessions.to_numpy().astype("M8[D]").astype(np.int32),
        open_time=_us(schedule["open"]),
        close_time=close,
        break_start=np.where(broken, _us(schedule["break_start"]), close) if broken.any() else None,
        break_end=np.where(broken, _us(schedule["break_end"]), close) if broken.any() else None,
    )


def time_zone(code: str) -> str:
    """Return the time zone of an exchange.

    Raises:
        DataError: There is no such exchange, or the library is not installed.
    """
    return str(library_for(code).get_calendar(code).tz)


def _widest(library: Any, code: str) -> Any:
    """Return a calendar over all years that are wanted and known."""
    import pandas as pd

    kind = type(library.get_calendar(code))
    first, last = pd.Timestamp(_FIRST), pd.Timestamp(_LAST)
    bounds = kind.bound_min(), kind.bound_max()
    first = first if bounds[0] is None else max(first, bounds[0])
    last = last if bounds[1] is None else min(last, bounds[1])
    return library.get_calendar(code, start=first, end=last)


def _us(times: Any) -> I64:
    return np.asarray(times.dt.tz_localize(None).to_numpy().astype("M8[us]").astype(np.int64))


def library_for(name: Any) -> Any:
    """Return the package exchange_calendars, which the calendar of that name needs.

    Raises:
        DataError: It is not installed; the error names the extra that brings it.
    """
    try:
        import exchange_calendars
    except ImportError:
        shipped = sorted(path.stem for path in CALENDARS.glob("*.parquet"))
        raise DataError(
            f"the calendar {name!r} needs the package exchange_calendars",
            code="NO_CALENDARS",
            hint="pip install 'alphintra[calendars]'. Without it there are "
            + ", ".join([*shipped, "24/7", "weekdays"])
            + ".",
        ) from None
    return exchange_calendars
