"""From times to bars with opens, closes and sessions: what data given directly leaves to be found out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alphintra.data.market import DAY_US, I32, I64, Note
from alphintra.data.sessions import calendar_sessions, exchange, is_weekend
from alphintra.data.times import Times
from alphintra.errors import DataError

_DAILY = 20 * 3_600_000_000
"""Steps from here on, with one bar a date, are daily bars or coarser."""
_REGULAR = 5
_DAYS = (("1d", 0, 4), ("1w", 5, 9), ("1mo", 28, 31))
"""How many days apart such bars are."""
_UNITS = ((3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1_000, "ms"))
_SIZES = {name: size for size, name in _UNITS} | {"us": 1, "d": DAY_US, "w": 7 * DAY_US}
_STEP, _LONG = re.compile(r"([1-9]\d*)(us|ms|s|min|h|d|w)"), re.compile(r"([1-9]\d*)(d|w|mo)")


@dataclass(frozen=True)
class Label:
    """What is stated about the times of data given directly.

    Attributes:
        calendar: Code of the exchange, ``24/7``, ``weekdays``, or ``None``: found from the dates.
        at: Whether times are those of the bars' ``open`` or ``close``.
        time_zone: Zone of times that name none; ``None``: UTC.
        timeframe: ``1d``, ``1min``, …: also of symbols that are seldom traded; ``None``: each one's own steps tell.
    """

    calendar: str | None = None
    at: str = "open"
    time_zone: str | None = None
    timeframe: str | None = None


@dataclass(frozen=True, eq=False)
class Span:
    """Opens, closes and sessions of one symbol's bars."""

    open_time: I64
    close_time: I64
    session: I32


@dataclass(frozen=True, eq=False)
class Frame:
    """What all symbols of one run share, and the spans of each.

    Attributes:
        timeframe: ``1d``, ``1min``, ``1h``, ``1w``, ``1mo``, …
        calendar: ``XNYS`` or another exchange, ``24/7`` or ``weekdays``.
        periods_per_year: N of rule M1.
        sessions: The calendar's sessions over the data and beyond its end.
        spans: By symbol.
        notes: What a report has to say about them.
    """

    timeframe: str
    calendar: str
    periods_per_year: int
    sessions: I32
    spans: Mapping[str, Span]
    notes: tuple[Note, ...] = ()


def find_frame(times: Mapping[str, Times], label: Label | None = None) -> Frame:
    """Find out time frame and calendar, and give every bar its open, close and session.

    Daily rows whose dates are all sessions of XNYS take opens and closes from that calendar;
    any other day is 00:00 to 24:00 UTC. N is 252 without rows on weekends, else 365.
    ``label`` overrides what is found out.

    Raises:
        DataError: Symbols have different time frames, or bars are further apart than months; a bar
            is on a day without a session of the stated calendar.
    """
    told = label or Label()
    frames = _frames(times, told.timeframe)
    kinds = sorted({frame for frame in frames.values() if frame is not None})
    if len(kinds) > 1:
        pairs = ", ".join(f"{symbol}: {frame}" for symbol, frame in frames.items() if frame)
        raise DataError(
            f"the symbols have different time frames ({pairs})",
            code="MIXED_TIMEFRAMES",
            hint="Bring them to one; finer bars of the same symbols are given as detail=.",
        )
    # A single row tells no step: it is a day's bar unless other symbols say otherwise.
    timeframe = kinds[0] if kinds else "1d"
    everyone = np.unique(np.concatenate([own.session for own in times.values()]))
    if told.calendar is not None:
        from alphintra.data.labelled import on_calendar

        return on_calendar(times, timeframe, everyone, told)
    if timeframe == "1d":
        return _daily(times, everyone)
    if timeframe in ("1w", "1mo"):
        return coarse(times, everyone, timeframe, told)
    return _intraday(times, timeframe, told)


def _frames(times: Mapping[str, Times], stated: str | None) -> dict[str, str | None]:
    """Return each symbol's time frame: the stated one where its steps are longer because it was seldom traded.

    Bars do not overlap: two rows one step apart show that bars are no longer than it. A symbol without such a pair has
    what another one shows, unless its steps are regular: then they are its bars.

    Raises:
        DataError: ``UNKNOWN_TIMEFRAME``: what is stated, or what a symbol's rows show, is nothing that is traded.
    """
    several = (length_of(stated) or (1, ""))[0] > 1
    if stated is None or several or (length_of(stated) is None and step_us(stated) >= _DAILY):
        found = {symbol: infer_timeframe(own) for symbol, own in times.items()}
        if several and "1d" in found.values():
            raise _not_traded(f"the bars are of {stated}")
        return found
    days = next(((max(least, 1), most) for name, least, most in _DAYS if name == stated), None)
    least, most = days or (step_us(stated),) * 2
    name = stated if days else _intraday_name(least)  # 60min is 1h
    apart = {symbol: np.diff(own.utc if days is None else own.session) for symbol, own in times.items()}
    shown = {symbol for symbol, steps in apart.items() if len(steps) and least <= steps.min() <= most}
    out: dict[str, str | None] = {}
    for symbol, own in times.items():
        steps = apart[symbol]
        if symbol in shown and stated == "1d" and _of_several_days(steps):
            raise _not_traded(f"the bars of {symbol} are {steps.min()} days apart")
        seldom = not len(steps) or (steps.min() > most and not _regular(steps, None if days is None else own.session))
        out[symbol] = name if symbol in shown or (shown and seldom) else infer_timeframe(own)
    return out


def _regular(steps: I32 | I64, session: I32 | None) -> bool:
    """Tell whether rows follow each other as longer bars do: most are as far apart, but for nights and weekends.

    Args:
        steps: From row to row.
        session: Their dates, where steps are days: bars of months are regular by the calendar alone.
    """
    if session is not None and steps.min() >= _DAYS[-1][1]:
        months: I32 = session.astype("M8[D]").astype("M8[M]").astype(np.int32)
        steps = np.diff(months)
    often = int(np.unique(steps, return_counts=True)[1].max())
    return often > 1 and 2 * often >= len(steps)


def _of_several_days(apart: I32 | I64) -> bool:
    """Tell bars of two to four days, over weekends as well, which end later than days do."""
    nearest = int(apart.min())
    return len(apart) >= _REGULAR and 2 <= nearest <= 4 and not (apart % nearest).any()


def infer_timeframe(times: Times) -> str | None:
    """Return the time frame of one symbol's bars; ``None`` for a single bar.

    A row that is there twice counts once: a day's bars stay those of days.
    """
    utc, first = np.unique(times.utc, return_index=True)
    if len(utc) < 2:
        return None
    values, counts = np.unique(np.diff(utc), return_counts=True)
    step = int(values[np.argmax(counts)])
    session = times.session[first]
    one_a_date = len(np.unique(session)) == len(session)
    if step < _DAILY or not one_a_date:
        return _intraday_name(step)
    apart = np.diff(session)
    days, several = float(np.median(apart)), _of_several_days(apart)
    for name, least, most in _DAYS:
        if least <= days <= most and not several:
            return name
    raise _not_traded(f"the bars are {days:g} days apart")


def _not_traded(text: str) -> DataError:
    return DataError(text, code="UNKNOWN_TIMEFRAME", hint="Bars may be intraday, daily, weekly or monthly.")


def several_of(session: I32) -> str | None:
    """Return the time frame of bars that are regularly some days, weeks or months apart: ``3d``, ``2w``, ``3mo``.

    Args:
        session: Dates, increasing.

    Returns:
        ``None`` where they are too few, or not regular. No run trades such bars; when they are over has to be known.
    """
    if len(session) <= _REGULAR:
        return None
    dates = session.astype("M8[D]")
    months = dates.astype("M8[M]")
    apart = np.diff(session).astype(np.int64)
    by_month = np.diff(months).astype(np.int64)
    least = int(by_month.min())
    if least and len(np.unique(dates - months.astype("M8[D]"))) == 1 and not (by_month % least).any():
        return f"{least}mo"
    least = int(apart.min())
    if not least or (apart % least).any():
        return None
    return f"{least}d" if least % 7 else f"{least // 7}w"


def _intraday_name(step: int) -> str:
    for size, unit in _UNITS:
        if step % size == 0:
            return f"{step // size}{unit}"
    return f"{step}us"


def step_us(timeframe: str) -> int:
    """Return the length of a time frame of a fixed one in microseconds.

    Raises:
        DataError: It is none: ``1mo``, or a word.
    """
    found = _STEP.fullmatch(timeframe)
    if found is None:
        raise DataError(
            f"there is no time frame {timeframe!r} of a fixed length", code="UNKNOWN_TIMEFRAME",
            hint="Write 5min, 1h, 1d, 1w or 1mo.",
        )  # fmt: skip
    return int(found[1]) * _SIZES[found[2]]


def length_of(timeframe: str | None) -> tuple[int, str] | None:
    """Return how many days (``d``), weeks (``w``) or months (``mo``) a bar is of; ``None`` where it is of less."""
    found = None if timeframe is None else _LONG.fullmatch(timeframe)
    return None if found is None else (int(found[1]), found[2])


def _daily(times: Mapping[str, Times], everyone: I32) -> Frame:
    table = exchange("XNYS")
    if table.positions(everyone) is not None:
        spans = {}
        for symbol, own in times.items():
            rows = np.searchsorted(table.session, own.session)
            spans[symbol] = Span(table.open_time[rows], table.close_time[rows], own.session)
        calendar = "XNYS"
    else:
        spans = {symbol: _whole_days(own.session) for symbol, own in times.items()}
        calendar = _calendar(everyone)
    return _framed("1d", calendar, everyone, spans)


def _whole_days(session: I32) -> Span:
    opens = session.astype(np.int64) * DAY_US
    return Span(opens, opens + DAY_US, session)


def _intraday(times: Mapping[str, Times], timeframe: str, label: Label) -> Frame:
    spans = {}
    for symbol, own in times.items():
        opens, closes = opens_and_closes(own.utc, timeframe, label)
        spans[symbol] = Span(opens, closes, (opens // DAY_US).astype(np.int32))
    everyone = np.unique(np.concatenate([span.session for span in spans.values()]))
    return _framed(timeframe, _calendar(everyone), everyone, spans)


def opens_and_closes(utc: I64, timeframe: str, label: Label) -> tuple[I64, I64]:
    """Return opens and closes of intraday bars: a step apart, less where the next bar is nearer."""
    step = step_us(timeframe)
    if label.at == "close":
        opens = utc - step
        opens[1:] = np.maximum(opens[1:], utc[:-1])
        return opens, utc
    closes = utc + step
    closes[:-1] = np.minimum(closes[:-1], utc[1:])
    return utc, closes


def coarse(times: Mapping[str, Times], everyone: I32, timeframe: str, label: Label) -> Frame:
    """Weeks and months: a bar ends where the next one begins; its session is the date it is given with."""
    spans = {}
    for symbol, own in times.items():
        if label.at == "close":
            ends = (own.session.astype(np.int64) + 1) * DAY_US
            starts = ends - (7 if timeframe == "1w" else 31) * DAY_US
            starts[1:] = np.maximum(starts[1:], ends[:-1])
            spans[symbol] = Span(starts, ends, own.session)
            continue
        opens = own.session.astype(np.int64) * DAY_US
        ends = np.append(own.session[1:], own.session[-1]).astype(np.int64) * DAY_US
        full = _period_end(own.session, timeframe)
        ends[-1] = full[-1]
        spans[symbol] = Span(opens, np.minimum(ends, full), own.session)
    following = _following(int(everyone[-1]), timeframe)
    periods = 52 if timeframe == "1w" else 12
    sessions = np.concatenate([everyone, following])
    return Frame(timeframe, _calendar(everyone), periods, sessions, spans)


def _period_end(session: I32, timeframe: str) -> I64:
    if timeframe == "1w":
        return (session.astype(np.int64) + 7) * DAY_US
    dates = session.astype("M8[D]")
    months = dates.astype("M8[M]")
    into = dates - months.astype("M8[D]")
    ends = (months + 1).astype("M8[D]") + into
    return np.asarray(ends.astype(np.int64) * DAY_US)


def _following(last: int, timeframe: str) -> I32:
    if timeframe == "1w":
        return np.arange(last + 7, last + 71, 7, dtype=np.int32)
    month = np.datetime64(last, "D").astype("M8[M]")
    return np.asarray((month + np.arange(1, 4)).astype("M8[D]").astype(np.int32))


def _calendar(sessions: I32) -> str:
    return "24/7" if is_weekend(sessions).any() else "weekdays"


def _framed(timeframe: str, calendar: str, everyone: I32, spans: Mapping[str, Span]) -> Frame:
    sessions = calendar_sessions(calendar, int(everyone[0]), int(everyone[-1]))
    return Frame(timeframe, calendar, 365 if calendar == "24/7" else 252, sessions, spans)
