"""When a schedule is next due."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def next_due(now: datetime, schedule: str | None, at: str, weekday: str) -> datetime | None:
    """First time after ``now`` that a schedule names; ``None`` without one.

    Args:
        now: An aware time.
        schedule: ``daily`` or ``weekly``.
        at: Time of day, ``HH:MM`` in UTC.
        weekday: Day of a weekly schedule.
    """
    if schedule is None:
        return None
    now = now.astimezone(UTC)
    due = datetime.combine(now.date(), time.fromisoformat(at), UTC)
    if schedule == "weekly":
        due += timedelta(days=(WEEKDAYS.index(weekday) - due.weekday()) % 7)
    step = timedelta(days=7 if schedule == "weekly" else 1)
    return due if due > now else due + step
