"""When a market is open: sessions, breaks, early closes, and the week of currencies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from alphintra.data.sessions import SessionTable, exchange, is_weekend
from alphintra.ingest.zones import Localizer, clock_of

I64 = npt.NDArray[np.int64]
B1 = npt.NDArray[np.bool_]
DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
_FIRST, _END = "1970-01-01", "2036-01-01"
_FX_ZONE = "America/New_York"
_AROUND = 10
"""Sessions on each side that tell when a market usually closes."""


@dataclass(frozen=True, eq=False)
class Hours:
    """Sessions of one market, times in microseconds UTC.

    Attributes:
        code: The calendar.
        zone: The market's time zone.
        exchange: Whether it is an exchange: opens and closes are its own, and holidays are known.
        session: Local dates, int64 days since 1970.
        open: When each opens.
        close: When it closes, early closes included.
        usual_close: When it would close on a day like those around it.
        break_start: When its break begins; its close where it has none.
        break_end: When its break ends; its close where it has none.
        optional: Sessions that may be without rows.
    """

    code: str
    zone: str
    exchange: bool
    session: I64
    open: I64
    close: I64
    usual_close: I64
    break_start: I64
    break_end: I64
    optional: B1

    @cached_property
    def parts(self) -> tuple[I64, I64, I64]:
        """Opens, closes and sessions of the parts between breaks."""
        broken = self.break_end < self.close
        opens = np.concatenate([self.open, self.break_end[broken]])
        closes = np.concatenate([np.where(broken, self.break_start, self.close), self.close[broken]])
        of = np.concatenate([np.arange(len(self.open)), np.flatnonzero(broken)])
        order = np.argsort(opens, kind="stable")
        return opens[order], closes[order], of[order]

    @cached_property
    def on_weekends(self) -> bool:
        """Whether there are sessions on Saturdays or Sundays."""
        return bool(is_weekend(self.session.astype(np.int32)).any())

    def of_days(self, days: I64) -> I64:
        """Return which session each day is, −1 for none."""
        table, first = self._by_day
        at = days - first
        inside = (at >= 0) & (at < len(table))
        return np.where(inside, table[np.where(inside, at, 0)], -1)

    @cached_property
    def _by_day(self) -> tuple[I64, int]:
        first = int(self.session[0])
        table = np.full(int(self.session[-1]) - first + 1, -1, dtype=np.int64)
        table[self.session - first] = np.arange(len(self.session))
        return table, first

    def local(self, utc: I64) -> I64:
        """Return times on the market's clocks."""
        return utc + offset_at(self.zone, utc)


def offset_at(zone: str, utc: I64) -> I64:
    """Return how far the clocks of a zone are ahead of UTC, microseconds."""
    clock = clock_of(zone)
    # A change is at the later reading minus the larger offset, whichever way clocks go.
    changes = clock.high - np.maximum(clock.offset[1:], clock.offset[:-1])
    return np.asarray(clock.offset[np.searchsorted(changes, utc, side="right")], dtype=np.int64)


@cache
def hours_of(calendar: str, asset_class: str | None) -> Hours:
    """Return the sessions of a calendar.

    Args:
        calendar: An exchange, ``24/5`` or ``weekdays``.
        asset_class: ``FOREX`` on weekdays is open from Sunday 17:00 to Friday 17:00 in New York.

    Raises:
        DataError: There is no such calendar, or the package that knows it is not installed.
    """
    if calendar in ("weekdays", "24/5"):
        return _week(fx=asset_class == "FOREX")
    from alphintra.data.calendars import calendar_code, time_zone

    code = calendar_code(calendar)
    if code == "weekdays":
        return _week(fx=asset_class == "FOREX")
    table = exchange(code)
    return _exchange(code, "America/New_York" if code == "XNYS" else time_zone(code), table)


def _exchange(code: str, zone: str, table: SessionTable) -> Hours:
    close = table.close_time
    start = close if table.break_start is None else table.break_start
    end = close if table.break_end is None else table.break_end
    broken = (start > table.open_time) & (end > start) & (end < close)
    return Hours(
        code,
        zone,
        True,
        table.session.astype(np.int64),
        table.open_time,
        close,
        _usual(table.session.astype(np.int64), close, zone),
        np.where(broken, start, close),
        np.where(broken, end, close),
        np.zeros(len(close), dtype=np.bool_),
    )


def _usual(session: I64, close: I64, zone: str) -> I64:
    """Return when each session would close on the clock of most sessions around it."""
    clock = close + offset_at(zone, close) - session * DAY_US
    width = 2 * _AROUND + 1
    padded = np.pad(clock, _AROUND, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1).astype(np.int64)
    return np.asarray(close + np.maximum(usual - clock, 0))


def _week(fx: bool) -> Hours:
    days = np.arange(np.datetime64(_FIRST), np.datetime64(_END)).astype(np.int64)
    days = days[~is_weekend(days.astype(np.int32))]
    if not fx:
        open_, close = days * DAY_US, (days + 1) * DAY_US
        return Hours("weekdays", "UTC", False, days, open_, close, close, close, close, np.ones(len(days), dtype=bool))
    local = np.concatenate([(days - 1) * DAY_US, days * DAY_US]) + 17 * HOUR_US
    utc, _, _ = Localizer(_FX_ZONE, repeats=False).to_utc(local, [""], np.zeros(len(local), dtype=np.int64))
    open_, close = utc[: len(days)], utc[len(days) :]
    dates = days.astype("M8[D]")
    months = dates.astype("M8[M]")
    month, day = months.astype(np.int64) % 12 + 1, (dates - months).astype(np.int64) + 1
    closed = ((month == 1) & (day == 1)) | ((month == 12) & (day == 25))
    return Hours("FX week", _FX_ZONE, False, days, open_, close, close, close, close, closed)
