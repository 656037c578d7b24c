"""When rows are known, by hand: New York closes at 21:00 UTC in winter, at 18:00 on the day after Thanksgiving."""

import numpy as np
import pytest
from alphintra.errors import DataError
from alphintra.store.known import known_at
from alphintra.store.manifest import About

CASES = [
    ("2020-01-02", None, None, "open", "2020-01-03T00:00"),
    ("2020-01-02", "1d", "24/7", "open", "2020-01-03T00:00"),
    ("2020-01-02", "1d", "XNYS", "open", "2020-01-02T21:00"),
    ("2020-11-27", "1d", "XNYS", "close", "2020-11-27T18:00"),
    ("2020-01-04", "1d", "XNYS", "open", "2020-01-05T00:00"),  # a Saturday
    ("2020-01-27", "1w", "XNYS", "open", "2020-02-03T00:00"),
    ("2020-02-02", "1w", "XNYS", "close", "2020-02-03T00:00"),
    # Bars of several days, weeks or months are over when all of these are.
    ("2020-01-27", "3d", "XNYS", "open", "2020-01-30T00:00"),
    ("2020-01-27T00:00", "3d", "24/7", "open", "2020-01-30T00:00"),
    ("2020-01-27", "2w", None, "open", "2020-02-10T00:00"),
    ("2020-01-01T00:00", "3mo", None, "open", "2020-04-01T00:00"),
    ("2020-03-31", "3mo", None, "close", "2020-04-01T00:00"),
    ("2020-02-01", "1mo", None, "open", "2020-03-01T00:00"),
    ("2020-02-29", "1mo", None, "close", "2020-03-01T00:00"),
    ("2020-01-02T15:00", None, "XNYS", "open", "2020-01-02T15:00"),
    ("2020-01-02T15:00", "1h", None, "open", "2020-01-02T16:00"),
    ("2020-01-02T15:00", "1h", None, "close", "2020-01-02T15:00"),
    ("2020-01-02T20:30", "1h", "XNYS", "open", "2020-01-02T21:00"),
    ("2020-01-02T21:00", "1h", "XNYS", "open", "2020-01-02T22:00"),  # after the close
    ("2020-01-02T00:00", "1d", "XNYS", "open", "2020-01-02T21:00"),
    ("2020-01-02T00:00", "1d", None, "open", "2020-01-03T00:00"),
    ("2020-01-02T09:00", "1d", None, "open", "2020-01-03T09:00"),
    ("2020-01-02T21:00", "1d", "XNYS", "close", "2020-01-02T21:00"),
]


@pytest.mark.parametrize(("time", "timeframe", "calendar", "label", "expected"), CASES)
def test_when_a_row_is_known(time, timeframe, calendar, label, expected):
    about = About(timeframe=timeframe, calendar=calendar, label=label)
    date = len(time) == 10
    times = np.array([time], dtype="M8[D]" if date else "M8[us]").astype(np.int32 if date else np.int64)
    found = known_at(times, "date32" if date else "timestamp[us, UTC]", about)
    assert str(found.astype("M8[us]").astype("M8[m]")[0]) == expected


def test_a_time_frame_that_is_none_is_refused():
    with pytest.raises(DataError, match="no time frame 'hourly'"):
        known_at(np.array([0]), "timestamp[us, UTC]", About(timeframe="hourly"))
