import numpy as np
import pytest
from alphintra.data.market import DAY_US
from alphintra.data.timeframe import infer_timeframe
from alphintra.data.times import Times

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
