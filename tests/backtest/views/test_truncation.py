"""Whatever a strategy reads at a bar is what it reads in a run on data that ends with this bar."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .markets import intraday, raw, watch

pytestmark = pytest.mark.no_cover

BARS = 30
INDEX = pd.bdate_range("2024-01-02", periods=BARS)

ratios = st.sampled_from([1.0, 2.0, 1.5, 0.1, 3.0, 4 / 3])
dividends = st.sampled_from([0.0, 0.3, 1.0])
events = st.dictionaries(st.integers(0, BARS), st.tuples(ratios, dividends), max_size=5)


def bars(seed: int, missing: set[int]) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    close = 20 * np.exp(np.cumsum(rng.normal(0, 0.03, BARS)))
    opened = close * np.exp(rng.normal(0, 0.01, BARS))
    frame = pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(opened, close) * 1.01,
            "low": np.minimum(opened, close) * 0.99,
            "close": close,
            "volume": rng.integers(100, 999, BARS).astype(float),
        },
        index=INDEX,
    )
    return frame.drop(index=INDEX[sorted(missing)])


def start(s: Any) -> None:
    a, b = s.data["A"], s.data["B"]
    s.series = [a.close, a.volume, a.total_return, b.high, b.total_return]
    s.series.append(s.indicator(al.ta.SMA, a.close, 3))
    s.series.append(s.indicator(al.ta.EMA, s.series[-1], 2))
    s.series.extend(s.indicator(lambda h, v: (np.maximum.accumulate(h), np.cumsum(v)), b.high, b.volume))
    s.series.append(s.indicator(lambda x, y: x / y, a.total_return, b.close))
    week = b.resample("1w")
    s.series.extend([week.open, week.high, week.volume, week.total_return, a.resample("1mo").close])
    s.series.append(s.indicator(lambda c: np.cumsum(c) / np.arange(1, len(c) + 1), week.close))


def look(s: Any) -> list[Any]:
    found: list[Any] = [list(v[:]) for v in s.series]
    found += [s.data.panel(f)[-6:].tolist() for f in ("close", "volume", "total_return")]
    average = s.series[5]
    found += [
        al.crossed_above(s.data["A"].close, average), al.crossed_below(s.data["A"].close, average),
        al.crossed_above(s.data["B"].close, s.data["A"].close), al.crossed_below(s.data["B"].total_return, 20),
        al.crossed_above(s.series[9], 1.0), al.crossed_below(s.data["B"].close, s.series[-1]),
    ]  # fmt: skip
    names = ("month_end", "week_end", "week_start", "quarter_end", "session_close", "15:30")
    return found + [s.every(name) for name in names]


@settings(
    max_examples=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    a=events, b=events, seed=st.integers(0, 1000), missing=st.sets(st.integers(1, BARS - 2), max_size=6),
    cuts=st.sets(st.integers(6, BARS - 2), min_size=3, max_size=3),
)  # fmt: skip
def test_no_view_knows_what_comes_after_its_bar(
    a: dict[int, Any], b: dict[int, Any], seed: int, missing: set[int], cuts: set[int]
) -> None:
    def dated(found: dict[int, Any]) -> tuple[tuple[str, float, float], ...]:
        days = [*INDEX, INDEX[-1] + pd.Timedelta(days=1)]
        return tuple((str(days[i].date()), *found[i]) for i in sorted(found))

    market = raw({"A": bars(seed, set()), "B": bars(seed + 1, missing)}, {"A": dated(a), "B": dated(b)})
    whole = watch(market, look, start)
    for cut in cuts:
        short = watch(market, look, start, end=str(INDEX[cut].date()))
        assert repr(short) == repr({i: v for i, v in whole.items() if i <= cut})


def test_bars_of_half_an_hour_cut_anywhere() -> None:
    rng = np.random.default_rng(5)
    market = intraday(["2023-11-22", "2023-11-24", "2023-11-27"], 30, lambda d, k: 20 + float(rng.normal()))

    def begin(s: Any) -> None:
        s.hours, s.days = s.data.resample("1h"), s.data.resample("1d")
        s.mean = s.indicator(al.ta.SMA, s.hours.close, 2)

    def see(s: Any) -> list[Any]:
        views = (s.hours.high, s.hours.volume, s.days.close, s.mean)
        schedules = ("session_open", "session_close", "week_end", "week_start", "12:45", "15:30")
        crossed = al.crossed_above(s.data.close, s.mean), al.crossed_below(s.hours.close, 20.5)
        return [*(v[:].tolist() for v in views), *crossed, *(s.every(name) for name in schedules)]

    whole = watch(market, see, begin)
    stamps = market.bars["X"].close_time.astype("M8[us]")
    for cut in range(4, len(stamps)):
        short = watch(market, see, begin, end=f"{stamps[cut]}")
        assert repr(short) == repr({i: v for i, v in whole.items() if i <= cut})
