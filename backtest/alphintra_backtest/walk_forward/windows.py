"""Where the windows of a walk-forward lie (W1): split points are sessions of the data, a purge is counted in bars."""

from __future__ import annotations

import calendar
import itertools
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

_EPOCH = date(1970, 1, 1)
_DURATION = re.compile(r"(\d+)\s*([DWMY])", re.IGNORECASE)
_UNITS = {"D": (0, 1), "W": (0, 7), "M": (1, 0), "Y": (12, 0)}
#: Days of the longest duration that is taken for one: what a date can hold.
_LONGEST = 100_000
_EXAMPLES = 'a number of sessions such as 252, or a duration such as "2Y", "6M", "8W" or "90D"'


@dataclass(frozen=True)
class Length:
    """A length of time: a number of sessions, or a duration by the calendar.

    Attributes:
        sessions: Number of sessions; 0 where it is a duration.
        months: Months of the duration.
        days: Days of the duration.
        text: As it was written.
    """

    sessions: int
    months: int
    days: int
    text: str

    def equals(self, other: Length) -> bool:
        """Whether both are equally long, however they were written."""
        return (self.sessions, self.months, self.days) == (other.sessions, other.months, other.days)

    def after(self, day: date, times: int = 1) -> date:
        """The date this many durations after ``day`` (before it, where ``times`` is negative).

        The day of the month is kept, or is the month's last: a month after 31 January is 28 or 29 February.
        """
        months = day.year * 12 + day.month - 1 + self.months * times
        year, month = divmod(months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return date(year, month + 1, min(day.day, last)) + timedelta(days=self.days * times)


def length_of(name: str, value: Any) -> Length:
    """Read a number of sessions or a duration.

    Raises:
        ParameterError: It is neither, or not above 0; names the argument.
    """
    from alphintra.errors import ParameterError

    if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        count, unit = int(match[1]), match[2].upper()
        months, days = _UNITS[unit]
        if 0 < count * (months * 30 + days) <= _LONGEST:
            return Length(0, months * count, days * count, value.strip())
    elif isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 < value < 2**31:
        return Length(int(value), 0, 0, f"{value} sessions" if value > 1 else "1 session")
    raise ParameterError(f"{name}={value!r} is no length of a window", where=name, hint=f"give {_EXAMPLES}")


@dataclass(frozen=True)
class Window:
    """One training window and the test window that follows it, as timestamps (indices) of the data.

    Attributes:
        number: From 0.
        train_first: First timestamp of training.
        purged_stop: That after the last one which training may use.
        test_first: First timestamp of the test window, and the end of the training window.
        test_stop: That after its last one.
        partial: Whether the data ends before the test window does.
    """

    number: int
    train_first: int
    purged_stop: int
    test_first: int
    test_stop: int
    partial: bool


@dataclass(frozen=True)
class Layout:
    """How windows are laid out.

    Attributes:
        train: Length of a training window; of the first one where they are anchored.
        test: Length of a test window.
        step: From one test window's start to the next.
        anchored: Whether every training window begins at the first session.
        purge: Bars at the end of a training window that are not used.
    """

    train: Length
    test: Length
    step: Length
    anchored: bool
    purge: int


def layout(train: Any, test: Any, step: Any, anchored: Any, purge: Any) -> Layout:
    """Read the arguments of ``al.walk_forward`` that say where windows lie.

    Raises:
        ParameterError: One of them makes no sense; names it.
    """
    from alphintra.errors import ParameterError

    if not isinstance(anchored, bool):
        raise ParameterError(f"anchored is true or false, got {anchored!r}", where="anchored")
    if isinstance(purge, bool) or not isinstance(purge, int | np.integer) or not 0 <= purge < 2**31:
        raise ParameterError(
            f"purge={purge!r} is no number of bars", where="purge", hint="a whole number from 0 on: bars of the data"
        )
    lengths = length_of("train", train), length_of("test", test)
    return Layout(*lengths, lengths[1] if step is None else length_of("step", step), anchored, int(purge))


class _Sessions:
    """The sessions of a walk, and moving along them by lengths."""

    def __init__(self, days: npt.NDArray[np.int32]) -> None:
        self.days = days

    def __len__(self) -> int:
        return len(self.days)

    def day(self, index: int) -> date:
        return _EPOCH + timedelta(days=int(self.days[index]))

    def at(self, day: date) -> int:
        """Index of the first session on or after a date."""
        return int(np.searchsorted(self.days, (day - _EPOCH).days))

    def moved(self, mark: tuple[int, date], by: Length, times: int = 1) -> tuple[int, date]:
        """An index and its date, moved; a duration moves the date, so that many of them do not drift."""
        if by.sessions:
            index = mark[0] + by.sessions * times
            return index, self.day(index) if 0 <= index < len(self) else mark[1]
        day = by.after(mark[1], times)
        return self.at(day), day


def windows(
    session: npt.NDArray[np.int32], plan: Layout, first: int = 0, calendar_days: npt.NDArray[np.int32] | None = None
) -> list[Window]:
    """Lay out the windows of a walk.

    The first test window begins one training length after the first session; each further one a step later. A test
    window that the data's end cuts short is kept: its sessions are traded as well. By durations, a window holds the
    sessions from its first date up to the date one duration later; one that holds none is left out.

    Args:
        session: Session of each timestamp, days since 1970-01-01, ascending, shape (T,).
        plan: The lengths.
        first: First timestamp of the walk.
        calendar_days: Sessions of the calendar, beyond the data's end; they tell whether a duration is cut short.

    Raises:
        ParameterError: A window is longer than the data, test windows overlap, or a purge leaves no bar to train on;
            names the argument.
    """
    days = np.unique(session[first:])
    along = _Sessions(days)
    _check(along, plan)
    starts = first + np.searchsorted(session[first:], days)
    bounds = np.append(starts, len(session))
    found: list[Window] = []
    for k in itertools.count():
        test = _split(along, plan, k)
        if test[0] >= len(days):
            break
        until = _split(along, plan, k + 1) if plan.step.equals(plan.test) else along.moved(test, plan.test)
        if min(until[0], len(days)) <= test[0]:
            continue
        start = 0 if plan.anchored else max(0, _begin(along, plan, k))
        window = Window(
            len(found), int(bounds[start]), int(bounds[test[0]]) - plan.purge, int(bounds[test[0]]),
            int(bounds[min(until[0], len(days))]), _cut_short(along, plan.test, until, calendar_days),
        )  # fmt: skip
        _check_training(plan, window.test_first - window.train_first)
        if found and window.test_first < found[-1].test_stop:
            raise _overlap(plan)
        found.append(window)
    return found


def _split(along: _Sessions, plan: Layout, k: int) -> tuple[int, date]:
    """Where the ``k``-th test window begins.

    Durations are added up first: a month after 29 February is 29 March, but two months after 31 January are 31 March.
    """
    origin = (0, along.day(0))
    if plan.train.sessions or plan.step.sessions:
        return along.moved(along.moved(origin, plan.train), plan.step, k)
    train, step = plan.train, plan.step
    return along.moved(origin, Length(0, train.months + k * step.months, train.days + k * step.days, ""))


def _begin(along: _Sessions, plan: Layout, k: int) -> int:
    """Where the training window of the ``k``-th test window begins, if they are not anchored."""
    if plan.train.sessions or plan.step.sessions:
        return along.moved(_split(along, plan, k), plan.train, -1)[0] if k else 0
    return along.moved((0, along.day(0)), plan.step, k)[0]


def _cut_short(
    along: _Sessions, test: Length, until: tuple[int, date], calendar_days: npt.NDArray[np.int32] | None
) -> bool:
    if test.sessions:
        return until[0] > len(along)
    last, end = int(along.days[-1]), (until[1] - _EPOCH).days
    if calendar_days is None:
        return last + 1 < end
    return bool(((calendar_days > last) & (calendar_days < end)).any())


def _check(along: _Sessions, plan: Layout) -> None:
    """Refuse a training window that takes up the data, and steps that overlap."""
    from alphintra.errors import ParameterError

    count, span = len(along), f"from {along.day(0)} to {along.day(len(along) - 1)}"
    for name, asked in (("train", plan.train), ("test", plan.test)):
        too_long = asked.sessions > count or (not asked.sessions and along.at(asked.after(along.day(0))) > count - 1)
        if too_long or (name == "train" and _split(along, plan, 0)[0] >= count):
            raise ParameterError(
                f"{name}={asked.text} is longer than the data leaves: {count} sessions {span}",
                where=name,
                hint="shorter windows, or more data",
            )
    if plan.step.sessions and plan.test.sessions and plan.step.sessions < plan.test.sessions:
        raise _overlap(plan)


def _check_training(plan: Layout, bars: int) -> None:
    from alphintra.errors import ParameterError

    if bars < 1:
        raise ParameterError(f"train={plan.train.text} holds no session of the data", where="train", hint=_EXAMPLES)
    if plan.purge >= bars:
        raise ParameterError(
            f"purge={plan.purge} leaves nothing of a training window of {bars} bars", where="purge",
            hint="fewer bars, or longer training",
        )  # fmt: skip


def _overlap(plan: Layout) -> Exception:
    from alphintra.errors import ParameterError

    return ParameterError(
        f"step={plan.step.text} is less than test={plan.test.text}: test windows would overlap, and one account cannot "
        "run through both",
        where="step",
        hint="leave step out, or make it at least as long as test",
    )
