"""``self.every(…)``: the calendar's schedules, against dates and times read off a calendar of 2023 and 2024."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.data.sessions import exchange
from alphintra.errors import LookAheadError, RuleError, StrategyError
from alphintra_backtest.schedules import SCHEDULES

from .markets import day, intraday, watch


def daily(first: str, last: str) -> pd.DataFrame:
    """A bar for each session of New York."""
    sessions = exchange("XNYS").session
    days = sessions[(sessions >= day(first)) & (sessions <= day(last))]
    index = pd.DatetimeIndex(days.astype("M8[D]"))
    return pd.DataFrame(dict.fromkeys(("open", "high", "low", "close", "volume"), 10.0), index=index)


def times(data: Any, *schedules: str) -> dict[str, list[str]]:
    """When each schedule holds: the close of the bar in New York, to the minute."""
    held: dict[str, list[str]] = defaultdict(list)

    def look(s: Any) -> None:
        for name in schedules:
            if s.every(name):
                held[name].append(f"{pd.Timestamp(s.now).tz_convert('America/New_York'):%Y-%m-%d %H:%M}")

    watch(data, look)
    return held


def named(data: Any) -> dict[str, list[int]]:
    """Bars at which each schedule of the list holds."""
    seen = watch(data, lambda s: [s.every(name) for name in SCHEDULES])
    return {name: [n for n, held in enumerate(seen.values()) if held[i]] for i, name in enumerate(SCHEDULES)}


def dates(data: Any, schedule: str) -> list[str]:
    return [text[5:10] for text in times(data, schedule)[schedule]]


def test_weeks_and_months_end_where_the_calendar_says() -> None:
    # 29 March 2024 is Good Friday, 15 January and 19 February are Mondays without trading.
    quarter = daily("2024-01-02", "2024-04-02")
    assert dates(quarter, "month_end") == ["01-31", "02-29", "03-28"]
    assert dates(quarter, "month_start") == ["01-02", "02-01", "03-01", "04-01"]
    assert dates(quarter, "quarter_end") == ["03-28"]
    assert dates(quarter, "quarter_start") == ["01-02", "04-01"]
    assert dates(quarter, "year_end") == []
    assert dates(quarter, "year_start") == ["01-02"]
    assert dates(quarter, "week_end") == [
        "01-05", "01-12", "01-19", "01-26", "02-02", "02-09", "02-16", "02-23", "03-01", "03-08", "03-15", "03-22",
        "03-28",
    ]  # fmt: skip
    assert dates(quarter, "week_start") == [
        "01-02", "01-08", "01-16", "01-22", "01-29", "02-05", "02-12", "02-20", "02-26", "03-04", "03-11", "03-18",
        "03-25", "04-01",
    ]  # fmt: skip
    assert dates(daily("2023-12-20", "2024-01-05"), "year_end") == ["12-29"]


def test_the_first_and_the_last_bar_of_the_data_are_judged_by_the_calendar() -> None:
    # From Wednesday to Tuesday: no week starts with the data, none ends with it. Thursday the 28th ends week and month.
    assert dates(daily("2024-03-13", "2024-03-19"), "week_start") == ["03-18"]
    assert dates(daily("2024-03-13", "2024-03-19"), "week_end") == ["03-15"]
    assert dates(daily("2024-03-26", "2024-03-28"), "week_end") == ["03-28"]
    assert dates(daily("2024-03-26", "2024-03-28"), "month_end") == ["03-28"]
    assert dates(daily("2024-01-16", "2024-01-17"), "week_start") == ["01-16"]  # the Monday before had no session


def test_every_daily_bar_opens_and_closes_a_session() -> None:
    three = daily("2024-01-02", "2024-01-04")
    for schedule in ("session_open", "session_close", "15:30", "16:00"):
        assert dates(three, schedule) == ["01-02", "01-03", "01-04"]
    assert dates(three, "16:01") == []


def test_sessions_of_half_hours_with_a_half_day() -> None:
    # 24 November 2023 closes at 13:00.
    market = intraday(["2023-11-22", "2023-11-24", "2023-11-27"], 30)
    held = times(market, "session_open", "session_close", "week_end", "week_start", "15:30", "12:45", "09:00")
    assert held["session_open"] == ["2023-11-22 10:00", "2023-11-24 10:00", "2023-11-27 10:00"]
    assert held["session_close"] == ["2023-11-22 16:00", "2023-11-24 13:00", "2023-11-27 16:00"]
    assert held["week_end"] == ["2023-11-24 13:00"]
    assert held["week_start"] == ["2023-11-27 10:00"]
    assert held["15:30"] == ["2023-11-22 15:30", "2023-11-27 15:30"]
    assert held["12:45"] == ["2023-11-22 13:00", "2023-11-24 13:00", "2023-11-27 13:00"]
    assert held["09:00"] == held["session_open"]


def test_the_close_comes_from_the_calendar_not_from_the_bars() -> None:
    # The data ends at 12:00; on the half day the last bar is missing: neither is a close.
    market = intraday(
        ["2023-11-22", "2023-11-24", "2023-11-27"], 30, keep=lambda d, k: (d, k) != (1, 6) and (d < 2 or k < 5)
    )
    assert times(market, "session_close")["session_close"] == ["2023-11-22 16:00"]


def test_a_time_of_day_is_the_exchanges_through_the_change_of_time() -> None:
    # New York turns its clocks on 10 March 2024: 15:30 is 20:30 UTC on Friday, 19:30 UTC on Monday.
    market = intraday(["2024-03-08", "2024-03-11"], 30)
    seen = watch(market, lambda s: f"{s.now:%d %H:%M}" if s.every("15:30") else None)
    assert [text for text in seen.values() if text] == ["08 20:30", "11 19:30"]


def test_round_the_clock_days_are_utc() -> None:
    market = intraday(["2024-03-30", "2024-03-31", "2024-04-01"], 60, calendar="24/7")
    hours = {name: [] for name in ("session_open", "session_close", "month_end", "month_start", "week_end", "08:30")}

    def look(s: Any) -> None:
        for name, at in hours.items():
            if s.every(name):
                at.append(s.bar_index)

    watch(market, look)
    assert hours == {
        "session_open": [0, 24, 48], "session_close": [23, 47, 71], "month_end": [47], "month_start": [48],
        "week_end": [47], "08:30": [8, 32, 56],
    }  # fmt: skip


def test_bars_before_the_open_do_not_open_the_session() -> None:
    market = intraday(["2024-01-02"], 30)
    bars = market.bars["X"]
    half = 30 * 60_000_000
    earlier = replace(bars, open_time=bars.open_time - 2 * half, close_time=bars.close_time - 2 * half)
    market = replace(market, bars={"X": earlier})
    held = times(market, "session_open", "session_close", "08:45")
    assert held == {"session_open": ["2024-01-02 10:00"], "08:45": ["2024-01-02 09:00"]}


def test_a_calendar_without_closes_takes_the_last_bar_of_a_day() -> None:
    # Half hours from 14:00 to 16:00 UTC on two days of the week: the data's last day is not over.
    index = pd.DatetimeIndex([f"2024-01-{d:02} {h}" for d in (2, 3) for h in ("14:00", "14:30", "15:00", "15:30")])
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close", "volume"), 10.0), index=index)
    assert al.data.resolve(frame).calendar == "weekdays"
    seen = watch(frame, lambda s: (s.every("session_open"), s.every("session_close"), s.every("15:00")))
    assert np.flatnonzero([v[0] for v in seen.values()]).tolist() == [0, 4]
    assert np.flatnonzero([v[1] for v in seen.values()]).tolist() == [3]
    assert np.flatnonzero([v[2] for v in seen.values()]).tolist() == [1, 5]


def test_weekly_and_monthly_bars() -> None:
    # Weeks from Monday 1 January 2024: each bar ends its week; those of 29 January and 26 February are a month's last.
    index = pd.date_range("2024-01-01", periods=9, freq="7D")
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close", "volume"), 10.0), index=index)
    seen = watch(frame, lambda s: (s.every("week_end"), s.every("month_end"), s.every("session_close")))
    assert [v[0] for v in seen.values()] == [True] * 9
    assert np.flatnonzero([v[1] for v in seen.values()]).tolist() == [4, 8]
    assert [v[2] for v in seen.values()] == [True] * 9
    # The week from 25 December 2023 ends the year on Sunday, that from 1 January 2024 begins the next.
    index = pd.date_range("2023-12-18", periods=4, freq="7D")
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close", "volume"), 10.0), index=index)
    held = named(frame)
    assert held["year_end"] == held["quarter_end"] == held["month_end"] == [1]
    assert held["year_start"] == held["quarter_start"] == held["month_start"] == [2]

    # Months from October 2023 to May 2024.
    index = pd.date_range("2023-10-01", periods=8, freq="MS")
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close", "volume"), 10.0), index=index)
    held = named(frame)
    for every in ("session_open", "session_close", "month_start", "month_end"):
        assert held[every] == list(range(8))
    assert (held["quarter_start"], held["quarter_end"]) == ([0, 3, 6], [2, 5])
    assert (held["year_start"], held["year_end"]) == ([3], [2])


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("month-end", "did you mean 'month_end'?"),
        ("sesion_close", "did you mean 'session_close'?"),
        ("9:30", "did you mean '09:30'?"),
        ("25:00", "such as '15:30'"),
        ("weekly", ", ".join(SCHEDULES)),
        (5, "unknown schedule 5"),
    ],
)
def test_unknown_schedules(schedule: Any, words: str) -> None:
    with pytest.raises(StrategyError) as caught:
        watch(daily("2024-01-02", "2024-01-03"), lambda s: s.every(schedule))
    assert isinstance(caught.value.__cause__, RuleError)
    assert words in str(caught.value)


def test_a_schedule_is_not_read_in_on_start() -> None:
    with pytest.raises(StrategyError) as caught:
        watch(daily("2024-01-02", "2024-01-03"), lambda s: None, lambda s: s.every("15:30"))
    assert isinstance(caught.value.__cause__, LookAheadError)
