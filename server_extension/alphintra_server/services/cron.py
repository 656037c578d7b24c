"""Times of day by five fields, as cron has them: minute, hour, day of the month, month, day of the week.

In the time zone of a clock on a wall. Where clocks go forward, a time that does not exist is the one as much later;
where they go back, a time that comes twice is the first. With ``*`` as the hour, real time counts: each hour that
passes has its minutes, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MOST_DAYS = 9 * 366
"""A leap day is at most eight years away."""


@dataclass(frozen=True)
class Cron:
    """Five fields, read.

    Attributes:
        minutes: Of the hour, in order.
        hours: Of the day, in order.
        every_hour: Whether the field is ``*`` or steps of it.
        days: Of the month.
        months: Of the year.
        weekdays: 0 is Sunday.
        either: A day of the month or of the week is enough: cron's rule where both are named.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    every_hour: bool
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Read ``30 17 * * mon-fri``.

        Raises:
            ValueError: It is not such a text, or names no day that there is.
        """
        fields = text.lower().split()
        if len(fields) != 5:
            raise ValueError("it has five fields: minute, hour, day of the month, month, day of the week")
        minute, hour, day, month, weekday = fields
        found = cls(
            minutes=tuple(sorted(_field(minute, 0, 59))),
            hours=tuple(sorted(_field(hour, 0, 23))),
            every_hour=hour.startswith("*"),
            days=frozenset(_field(day, 1, 31)),
            months=frozenset(_field(month, 1, 12, _MONTHS, 1)),
            weekdays=frozenset(number % 7 for number in _field(weekday, 0, 7, _DAYS, 0)),
            either=not day.startswith("*") and not weekday.startswith("*"),
        )
        if not any(found._has(date(2024, 1, 1) + timedelta(days=number)) for number in range(_MOST_DAYS)):
            raise ValueError("there is no such day")
        return found

    def next_after(self, now: datetime, zone: ZoneInfo) -> datetime:
        """Return the first of its times that is later, in UTC."""
        today = now.astimezone(zone).date()
        # A time of yesterday's that does not exist may be today.
        for number in range(-1, _MOST_DAYS):
            day = today + timedelta(days=number)
            if self._has(day):
                for moment in self._of(day, zone):
                    if moment > now:
                        return moment
        raise AssertionError("unreachable: parse looks for a day")

    def _has(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return in_month or in_week if self.either else in_month and in_week

    def _of(self, day: date, zone: ZoneInfo) -> list[datetime]:
        found = set()
        for hour in self.hours:
            for minute in self.minutes:
                wall = datetime.combine(day, time(hour, minute), zone)
                if not self.every_hour:
                    found.add(wall.astimezone(UTC))
                    continue
                for fold in (0, 1):
                    moment = wall.replace(fold=fold).astimezone(UTC)
                    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
                        found.add(moment)
        return sorted(found)


def _field(text: str, low: int, high: int, names: tuple[str, ...] = (), first: int = 0) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and (not step.isascii() or not step.isdigit() or not 1 <= int(step) <= high):
            raise ValueError(f"{part!r} has no step from 1 to {high}")
        if span == "*":
            begin, end = low, high
        else:
            one, dash, other = span.partition("-")
            begin = _number(one, low, high, names, first)
            end = _number(other, low, high, names, first) if dash else high if slash else begin
            if end < begin:
                raise ValueError(f"{part!r} ends before it begins")
        found.update(range(begin, end + 1, int(step) if slash else 1))
    return found


def _number(text: str, low: int, high: int, names: tuple[str, ...], first: int) -> int:
    if text in names:
        return names.index(text) + first
    if not text.isascii() or not text.isdigit() or len(text) > 2 or not low <= int(text) <= high:
        raise ValueError(f"{text!r} is not a number from {low} to {high}" + (" or a name" if names else ""))
    return int(text)
