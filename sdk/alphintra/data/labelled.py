"""Data given directly whose calendar, label or time zone is stated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from alphintra.data.calendars import calendar_code
from alphintra.data.market import DAY_US, I32, I64, MarketData, Note
from alphintra.data.sessions import SessionTable, calendar_sessions, exchange, is_weekend
from alphintra.data.timeframe import Frame, Label, Span, coarse, opens_and_closes
from alphintra.data.times import Times
from alphintra.errors import DataError


def with_calendar(
    data: Any,
    calendar: str | None = None,
    *,
    label: str = "open",
    timezone: str | None = None,
    prices: str | None = None,
) -> MarketData:
    """Read a file or frames whose calendar, label or time zone is not the one assumed.

    Args:
        data: CSV or Parquet file, DataFrame, or dict of DataFrames by symbol.
        calendar: Code of an exchange (``XLON``, from the package exchange_calendars), ``XNYS``,
            ``24/7`` or ``weekdays``. Daily bars then open and close with the exchange, early closes
            included; intraday bars belong to its sessions and end at their close at the latest.
            Left out: as for data given directly without this.
        label: Whether the times are those of the bars' ``"open"`` or ``"close"``. Days without a
            time name their session either way.
        timezone: Zone of times that name none, such as ``Europe/London``; left out: UTC.
        prices: As in :func:`resolve`.

    Returns:
        Market data, to be given to a backtest as ``data``.

    Raises:
        DataError: There is no such calendar or zone, or a bar lies on a day without a session.
    """
    from alphintra.data.resolve import whole

    if label not in ("open", "close"):
        raise DataError(f"label={label!r} is neither 'open' nor 'close'", code="BAD_LABEL")
    code = None if calendar is None else calendar_code(calendar)
    return whole(data, prices, Label(code, label, timezone))


def on_calendar(times: Mapping[str, Times], timeframe: str, everyone: I32, label: Label) -> Frame:
    """Give every bar its open, close and session on the calendar that is stated.

    Raises:
        DataError: Names the first date that is no session of it.
    """
    code = str(label.calendar)
    periods = {"1w": 52, "1mo": 12}.get(timeframe, 365 if code == "24/7" else 252)
    if timeframe in ("1w", "1mo"):
        frame = coarse(times, everyone, timeframe, label)
        return Frame(timeframe, code, periods, frame.sessions, frame.spans)
    spans, outside = {}, []
    for symbol, own in times.items():
        if timeframe == "1d":
            spans[symbol] = _days(symbol, own, code)
            continue
        opens, closes = opens_and_closes(own.utc, timeframe, label)
        spans[symbol], off = _inside(symbol, opens, closes, code, label)
        if len(off):
            when = np.datetime_as_string(off[0].astype("M8[us]"), unit="m")
            outside.append(f"{symbol} {len(off):,} (the first at {when} UTC)")
    first = min(int(span.session[0]) for span in spans.values())
    last = max(int(span.session[-1]) for span in spans.values())
    notes: tuple[Note, ...] = ()
    if outside:
        text = f"bars outside the sessions of {code}: {', '.join(outside[:3])}"
        notes = (Note("off_session", text, "warning"),)
    return Frame(timeframe, code, periods, calendar_sessions(code, first, last), spans, notes)


def _days(symbol: str, own: Times, code: str) -> Span:
    if code in ("24/7", "weekdays"):
        _no_weekends(symbol, own.session, code)
        opens = own.session.astype(np.int64) * DAY_US
        return Span(opens, opens + DAY_US, own.session)
    table = exchange(code)
    rows = _rows(symbol, own.session, table, code)
    return Span(table.open_time[rows], table.close_time[rows], own.session)


def _inside(symbol: str, opens: I64, closes: I64, code: str, label: Label) -> tuple[Span, I64]:
    """Return intraday bars cut at their session's ends, and the opens of those outside any session."""
    if code in ("24/7", "weekdays"):
        session = (opens // DAY_US).astype(np.int32)
        _no_weekends(symbol, session, code)
        return Span(opens, closes, session), opens[:0]
    table = exchange(code)
    if label.at == "close":
        rows = np.searchsorted(table.open_time, closes, side="left") - 1
        inside = (rows >= 0) & (closes <= table.close_time[rows])
    else:
        rows = np.searchsorted(table.open_time, opens, side="right") - 1
        inside = (rows >= 0) & (opens < table.close_time[rows])
    session = np.where(inside, table.session[rows], opens // DAY_US).astype(np.int32)
    _rows(symbol, session, table, code)
    opens_in = np.where(inside, np.maximum(opens, table.open_time[rows]), opens)
    closes_in = np.where(inside, np.minimum(closes, table.close_time[rows]), closes)
    return Span(opens_in, closes_in, session), opens[~inside]


def _rows(symbol: str, sessions: I32, table: SessionTable, code: str) -> I64:
    rows = np.minimum(np.searchsorted(table.session, sessions), len(table.session) - 1)
    wrong = np.flatnonzero(table.session[rows] != sessions)
    if len(wrong):
        day = np.datetime64(int(sessions[wrong[0]]), "D")
        known = [str(np.datetime64(int(end), "D")) for end in table.session[[0, -1]]]
        raise DataError(
            f"{day} is not a session of {code}",
            code="NOT_A_SESSION",
            where=f"{symbol}, row {int(wrong[0]) + 1}",
            hint=f"The calendar is known from {known[0]} to {known[1]}. Check calendar and time zone.",
        )
    return rows.astype(np.int64)


def _no_weekends(symbol: str, sessions: I32, code: str) -> None:
    wrong = np.flatnonzero(is_weekend(sessions))
    if code == "weekdays" and len(wrong):
        raise DataError(
            f"{np.datetime64(int(sessions[wrong[0]]), 'D')} is on a weekend",
            code="NOT_A_SESSION",
            where=f"{symbol}, row {int(wrong[0]) + 1}",
            hint="Use calendar='24/7', or leave the row out.",
        )
