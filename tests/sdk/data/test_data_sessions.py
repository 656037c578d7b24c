import numpy as np
import pytest
from alphintra.data.sessions import calendar_sessions, exchange, is_weekend


def days(*texts):
    return np.array(texts, dtype="M8[D]").astype(np.int32)


def test_closures_of_public_record_are_no_sessions():
    table = exchange("XNYS")
    for text in ("2001-09-11", "2001-09-14", "2012-10-29", "2012-10-30", "2004-06-11", "1987-07-03"):
        assert table.positions(days(text)) is None, text
    rows = table.positions(days("2001-09-10", "2001-09-17"))
    assert list(np.diff(rows)) == [1]


def test_early_closes_and_daylight_saving():
    table = exchange("XNYS")
    rows = table.positions(days("2012-11-21", "2012-11-23", "2013-07-03", "2013-03-08", "2013-03-11"))
    opens = table.open_time[rows].astype("M8[us]").astype("M8[m]")
    closes = table.close_time[rows].astype("M8[us]").astype("M8[m]")
    assert [str(t)[-5:] for t in opens] == ["14:30", "14:30", "13:30", "14:30", "13:30"]
    assert [str(t)[-5:] for t in closes] == ["21:00", "18:00", "17:00", "21:00", "20:00"]


def test_the_table_reaches_into_the_future():
    table = exchange("XNYS")
    assert str(table.session[0].astype("M8[D]")) == "1970-01-02"
    assert str(table.session[-1].astype("M8[D]")) == "2035-12-31"
    assert table.positions(days("2036-01-02")) is None
    assert table.positions(days("1969-12-31")) is None


@pytest.mark.parametrize(
    ("calendar", "count"),
    # 2024-12-23 (Monday) and 60 days after 2024-12-27: 65 days to 2025-02-25, on 47 of them a
    # weekday; Christmas, New Year, the day of mourning (9 January), King's and Presidents' day less.
    [("24/7", 65), ("weekdays", 47), ("XNYS", 42)],
)
def test_sessions_go_on_after_the_data(calendar, count):
    first, last = days("2024-12-23", "2024-12-27")
    sessions = calendar_sessions(calendar, int(first), int(last))
    assert sessions[0] == first
    assert len(sessions) == count
    assert sessions.dtype == np.int32


def test_weekends():
    assert list(is_weekend(days("2024-01-05", "2024-01-06", "2024-01-07", "2024-01-08"))) == [
        False, True, True, False,
    ]  # fmt: skip
