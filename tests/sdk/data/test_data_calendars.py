# ruff: noqa: E501 - one case a line
"""Calendars, labels and time zones that are stated for data given directly."""

import subprocess
import sys
from datetime import time

import alphintra.data as data
import numpy as np
import pandas as pd
import pytest
from alphintra.errors import DataError
from alphintra_backtest import hours


def bars(index):
    return pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), 10.0), index=pd.DatetimeIndex(index))


def stamps(values):
    return [str(v)[:16] for v in values.astype("M8[us]")]


def spans(market, symbol="DATA"):
    own = market.bars[symbol]
    return list(zip(stamps(own.open_time), stamps(own.close_time), [str(s) for s in own.session.astype("M8[D]")], strict=True))


def test_days_of_london_open_and_close_with_its_exchange():
    # 08:00 to 16:30 in London; 24 December 2024 ended at 12:30; clocks went forward on 31 March
    market = data.with_calendar(bars(["2024-03-27", "2024-03-28", "2024-04-02"]), "XLON")
    assert spans(market)[1:] == [
        ("2024-03-28T08:00", "2024-03-28T16:30", "2024-03-28"),
        ("2024-04-02T07:00", "2024-04-02T15:30", "2024-04-02"),
    ]
    christmas = data.with_calendar(bars(["2024-12-23", "2024-12-24"]), "XLON")
    assert spans(christmas)[1] == ("2024-12-24T08:00", "2024-12-24T12:30", "2024-12-24")
    assert (market.calendar, market.periods_per_year) == ("XLON", 252)
    days = market.sessions.astype("M8[D]").astype(str).tolist()
    assert "2024-04-01" not in days  # Easter Monday
    assert "2024-05-06" not in days  # early May bank holiday, a session in New York
    assert "2024-05-07" in days
    assert market.sessions[-1] >= market.bars["DATA"].session[-1] + 40


def test_what_is_stated_is_part_of_the_identity():
    given = bars(["2024-03-28", "2024-04-02", "2024-04-03"])
    stated = [data.with_calendar(given), data.with_calendar(given, "XLON"), data.with_calendar(given, label="close")]
    assert len({market.dataset_hash for market in stated}) == 3
    assert stated[0].dataset_hash == data.resolve(given).dataset_hash


def test_hours_in_london_time_with_opens_as_labels():
    index = ["2024-12-24 08:00", "2024-12-24 10:00", "2024-12-24 12:00", "2024-12-27 08:00", "2024-12-27 16:00"]
    given = bars([*index[:1], "2024-12-24 09:00", *index[1:2], "2024-12-24 11:00", *index[2:]])
    market = data.with_calendar(given, "XLON", timezone="Europe/London")
    found = spans(market)
    assert found[4] == ("2024-12-24T12:00", "2024-12-24T12:30", "2024-12-24")  # ends with the session
    assert found[5][2] == "2024-12-27"
    assert found[6] == ("2024-12-27T16:00", "2024-12-27T16:30", "2024-12-27")
    assert market.timeframe == "1h"
    assert [n.code for n in market.notes] == []  # no zone is assumed


def test_hours_with_closes_as_labels():
    index = pd.date_range("2024-06-03 09:00", "2024-06-03 17:00", freq="h")[:-1].append(pd.DatetimeIndex(["2024-06-03 16:30"]))
    market = data.with_calendar(bars(index), "XLON", label="close", timezone="Europe/London")
    found = spans(market)
    assert found[0] == ("2024-06-03T07:00", "2024-06-03T08:00", "2024-06-03")
    assert found[-1] == ("2024-06-03T15:00", "2024-06-03T15:30", "2024-06-03")


def test_a_session_may_begin_on_the_day_before_in_utc():
    # Sydney: 10:00 to 16:00, 23:00 of the day before in UTC in summer
    market = data.with_calendar(bars(pd.date_range("2024-01-10 10:00", periods=3, freq="h")), "XASX", timezone="Australia/Sydney")
    assert spans(market)[0] == ("2024-01-09T23:00", "2024-01-10T00:00", "2024-01-10")
    assert {row[2] for row in spans(market)} == {"2024-01-10"}


def test_bars_outside_the_sessions_are_kept_and_counted():
    market = data.with_calendar(bars(pd.date_range("2024-06-03 06:00", periods=4, freq="h")), "XLON")
    assert len(market.bars["DATA"]) == 4
    warning = next(n for n in market.notes if n.code == "off_session")
    assert warning.text == "bars outside the sessions of XLON: DATA 1 (the first at 2024-06-03T06:00 UTC)"
    assert warning.level == "warning"


def test_closes_as_labels_without_a_calendar():
    market = data.with_calendar(bars(pd.date_range("2024-01-02 15:00", periods=3, freq="30min")), label="close")
    assert spans(market)[0] == ("2024-01-02T14:30", "2024-01-02T15:00", "2024-01-02")
    fridays = data.with_calendar(bars(["2024-01-05", "2024-01-12", "2024-01-19"]), label="close")
    assert spans(fridays)[1][:2] == ("2024-01-06T00:00", "2024-01-13T00:00")
    assert fridays.timeframe == "1w"


def test_round_the_clock_and_weekdays():
    crypto = data.with_calendar(bars(["2024-01-02", "2024-01-03"]), "24/7")
    assert (crypto.calendar, crypto.periods_per_year) == ("24/7", 365)
    assert spans(crypto)[0][:2] == ("2024-01-02T00:00", "2024-01-03T00:00")
    hours = data.with_calendar(bars(pd.date_range("2024-01-02", periods=3, freq="h")), "24/7")
    assert (hours.calendar, hours.periods_per_year) == ("24/7", 365)
    forex = data.with_calendar(bars(["2024-01-02", "2024-01-03"]), "weekdays")
    assert (forex.calendar, spans(forex)[0][1]) == ("weekdays", "2024-01-03T00:00")


def test_autumn_hours_come_twice():
    # Clocks in New York went back at 02:00 on 3 November 2024: 01:00 is 05:00 UTC, then 06:00 UTC
    index = ["2024-11-03 00:00", "2024-11-03 00:30", "2024-11-03 01:00", "2024-11-03 01:30", "2024-11-03 01:00", "2024-11-03 01:30", "2024-11-03 02:00"]
    market = data.with_calendar(bars(index), timezone="America/New_York")
    assert [s[11:] for s in stamps(market.bars["DATA"].open_time)] == ["04:00", "04:30", "05:00", "05:30", "06:00", "06:30", "07:00"]


def test_a_calendar_is_used_with_events_and_prices():
    given = bars(["2024-03-28", "2024-04-02", "2024-04-03"]).assign(adj_close=5.0)
    assert data.with_calendar(given, "XLON").prices == "adjusted, dividends reinvested"
    raw = data.with_calendar(given, "XLON", prices="raw")
    market = data.with_events(raw, dividends={"2024-04-02": 1.0})
    assert stamps(market.actions["DATA"].known) == ["2024-04-02T07:00"]
    assert market.calendar == "XLON"


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (lambda: data.with_calendar(bars(["2024-04-02"]), "XLOM"), "UNKNOWN_CALENDAR", "there is no calendar 'XLOM'"),
        (lambda: data.with_calendar(bars(["2024-04-02"]), 5), "UNKNOWN_CALENDAR", "there is no calendar 5"),
        (lambda: data.with_calendar(bars(["2024-03-28", "2024-04-01"]), "XLON"), "NOT_A_SESSION", "2024-04-01 is not a session of XLON (DATA, row 2)"),
        (lambda: data.with_calendar(bars(["1969-12-31"]), "XNYS"), "NOT_A_SESSION", "known from 1970-01-02 to 2035-12-31"),
        (lambda: data.with_calendar(bars(pd.date_range("2024-04-01 09:00", periods=3, freq="h")), "XLON"), "NOT_A_SESSION", "2024-04-01 is not a session of XLON (DATA, row 1)"),
        (lambda: data.with_calendar(bars(["2024-01-05", "2024-01-06"]), "weekdays"), "NOT_A_SESSION", "2024-01-06 is on a weekend (DATA, row 2)"),
        (lambda: data.with_calendar(bars(["2024-04-02"]), label="end"), "BAD_LABEL", "label='end' is neither"),
        (lambda: data.with_calendar(bars(["2024-04-02"]), timezone="Europe/Londn"), "UNKNOWN_TIME_ZONE", "no time zone 'Europe/Londn'"),
        (lambda: data.with_calendar(bars(["2024-04-02 09:00"]).tz_localize("UTC"), timezone="Europe/London"), "TIME_ZONE_KNOWN", "name a time zone already"),
        (lambda: data.with_calendar(bars(["2024-03-31 00:30", "2024-03-31 01:30"]), timezone="Europe/London"), "NO_SUCH_TIME", "2024-03-31T01:30:00 does not exist in Europe/London"),
        (lambda: data.with_calendar("us-equities-daily/AAPL", "XLON"), "CALENDAR_KNOWN", "are known already"),
    ],
)  # fmt: skip
def test_bad_calendars_are_named(make, code, says):
    with pytest.raises(DataError) as caught:
        make()
    assert (caught.value.code, says in str(caught.value)) == (code, True), str(caught.value)


def test_without_the_library_the_error_names_the_extra(monkeypatch):
    london = data.with_calendar(bars(["2024-04-02"]), "XLON")
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    with pytest.raises(DataError, match="needs the package exchange_calendars") as caught:
        data.with_calendar(bars(["2024-04-02"]), "XLON")
    assert caught.value.code == "NO_CALENDARS"
    assert "pip install 'alphintra[calendars]'" in str(caught.value)
    # Data that was made where it was installed may arrive where it is not.
    hours._zone.cache_clear()
    with pytest.raises(DataError, match="'XLON' needs the package exchange_calendars"):
        hours.local(london.calendar, london.sessions[:1], time(9))
    hours._zone.cache_clear()
    assert data.with_calendar(bars(["2024-04-02"]), "XNYS").calendar == "XNYS"


def test_a_calendar_the_library_cannot_build_is_named(monkeypatch):
    def broken(library, code):
        raise ValueError("rules that contradict each other")

    monkeypatch.setattr("alphintra.data.calendars._widest", broken)
    with pytest.raises(DataError, match="cannot build the calendar XBUE: rules that") as caught:
        data.with_calendar(bars(["2024-04-02"]), "XBUE")
    assert caught.value.code == "BAD_CALENDAR"


def test_the_library_is_imported_for_other_exchanges_only():
    code = (
        "import sys, alphintra.data as d\n"
        "d.resolve('us-equities-daily', prices='auto')\n"
        "import pandas as pd\n"
        "f = pd.DataFrame(dict.fromkeys(('open', 'high', 'low', 'close'), 1.0), index=pd.to_datetime(['2024-01-02', '2024-01-03']))\n"
        "[d.with_calendar(f, c) for c in (None, 'XNYS', '24/7', 'weekdays')]\n"
        "assert 'exchange_calendars' not in sys.modules\n"
        "d.with_calendar(f, 'NYSE')\n"
        "assert 'exchange_calendars' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_an_alias_is_the_exchange():
    assert data.with_calendar(bars(["2024-04-02"]), "NYSE").calendar == "XNYS"
    own = data.with_calendar(bars(["2024-04-02"]), "XTKS")
    np.testing.assert_array_equal(stamps(own.bars["DATA"].open_time), ["2024-04-02T00:00"])  # 09:00 in Tokyo
