import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.data.market import DAY_US
from alphintra.data.timeframe import Label, find_frame, infer_timeframe, several_of
from alphintra.data.times import Times
from alphintra.errors import DataError

HOUR_US = DAY_US // 24


def times(steps: np.ndarray) -> Times:
    utc = np.asarray(steps, dtype=np.int64)
    return Times(utc, (utc // DAY_US).astype(np.int32), False, bool((utc % DAY_US == 0).all()))


@pytest.mark.parametrize(("step", "name"), [(DAY_US, "1d"), (7 * DAY_US, "1w"), (HOUR_US, "1h")])
def test_a_row_that_is_there_twice_makes_no_other_time_frame(step, name):
    once = np.arange(60) * step
    assert infer_timeframe(times(once)) == name
    assert infer_timeframe(times(np.sort(np.append(once, once[[7, 7, 31]])))) == name


def test_two_bars_a_day_are_none_of_days():
    assert infer_timeframe(times(np.arange(60) * 12 * HOUR_US)) == "12h"
    assert infer_timeframe(times(np.zeros(3))) is None


@pytest.mark.parametrize("days", [2, 3, 4])
def test_bars_of_several_days_are_no_days(days):
    """They were read as days, so a run saw their closes days before they were known."""
    index = pd.date_range("2024-01-01", periods=9, freq=f"{days}D").delete(4)  # one is missing
    with pytest.raises(DataError, match="days apart") as caught:
        al.data.resolve(pd.DataFrame({"open": 1.0, "high": 2.0, "low": 1.0, "close": 2.0}, index=index))
    assert caught.value.code == "UNKNOWN_TIMEFRAME"
    few = pd.DataFrame({"open": 1.0, "high": 2.0, "low": 1.0, "close": 2.0}, index=index[:4])
    assert al.data.resolve(few).timeframe == "1d"  # a day here and there


@pytest.mark.parametrize(("frequency", "expected"), [("3D", "3d"), ("14D", "2w"), ("3MS", "3mo"), ("W", "1w")])
def test_when_bars_of_several_days_are_over_is_known(frequency, expected):
    days = pd.date_range("2024-01-01", periods=9, freq=frequency).delete(4).to_numpy().astype("M8[D]").astype(np.int32)
    assert several_of(days) == expected
    assert several_of(days[:3]) is None and several_of(np.cumsum(days % 5 + 3)) is None


def of(index):
    utc = index.to_numpy().astype("M8[us]").astype(np.int64)
    return Times(utc, (utc // DAY_US).astype(np.int32), assumed_utc=False, midnight=not (utc % DAY_US).any())


def bars_at(*hours):
    days = pd.bdate_range("2020-01-06", "2020-01-17")
    return of(pd.DatetimeIndex(sorted(day + pd.Timedelta(hours=hour) for day in days for hour in hours)))


TWO_YEARS = {"start": "2020-01-01", "end": "2022-01-01"}


@pytest.mark.parametrize(
    ("stated", "longer"),
    [
        *(("1d", of(pd.date_range(**TWO_YEARS, freq=freq))) for freq in ("3D", "W-MON", "SMS", "MS", "BME", "QS")),
        ("1w", of(pd.date_range(**TWO_YEARS, freq="MS"))),
        *(("1min", bars_at(*hours)) for hours in ([14.5], [14.5, 18.5], [14.5, 17.5, 20.5], np.arange(14.5, 21))),
    ],
)
def test_longer_bars_beside_stated_ones_are_not_taken_for_them(stated, longer):
    """As bars of a symbol that is seldom traded a month's close was known on its first day."""
    short = {"1d": of(pd.bdate_range(**TWO_YEARS)), "1w": of(pd.date_range(**TWO_YEARS, freq="7D")),
             "1min": of(pd.date_range("2020-01-06 14:30", "2020-01-17 21:00", freq="1min"))}  # fmt: skip
    with pytest.raises(DataError, match=r"different time frames|days apart"):
        find_frame({"A": short[stated], "B": longer}, Label(timeframe=stated))


@pytest.mark.parametrize(("stated", "freq", "name"), [("24h", "D", "1d"), ("60min", "h", "1h"), ("1440min", "D", "1d")])
def test_a_stated_time_frame_has_one_name(stated, freq, name):
    index = of(pd.date_range("2020-01-01", periods=60, freq=freq))
    assert find_frame({"A": index}, Label(timeframe=stated)).timeframe == name
