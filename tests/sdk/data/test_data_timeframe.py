import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.data.market import DAY_US
from alphintra.data.timeframe import infer_timeframe, several_of
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
