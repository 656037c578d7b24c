"""F19: closed bars of a higher time frame, against tables that can be checked by eye.

Bars of less than a day open at their number in the session (1, 2, …), rise and fall by 0.5, close 0.25 higher.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import DataError, OrderError, StrategyError

from .markets import flat, intraday, raw, watch


def hold(step: str) -> Any:
    def start(s: Any) -> None:
        s.higher = s.data.resample(step)

    return start


def row(s: Any) -> tuple[float, ...] | None:
    h = s.higher
    return (h.open[-1], h.high[-1], h.low[-1], h.close[-1], h.volume[-1]) if len(h) else None


def counts(market: Any, step: str) -> list[int]:
    return list(watch(market, lambda s: len(s.higher), hold(step)).values())


def test_hours_of_the_exchange_begin_at_half_past_nine() -> None:
    # 13 half hours a day: 9:30–10:30 is closed with bar 2, …, 14:30–15:30 with bar 12, 15:30–16:00 with bar 13.
    market = intraday(["2024-01-02", "2024-01-03"], 30)
    day = [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7]
    assert counts(market, "1h") == day + [7 + n for n in day]
    seen = watch(market, row, hold("1h"))
    assert seen[0] is None
    assert seen[1] == (1, 2.5, 0.5, 2.25, 2)
    assert seen[2] == seen[1]
    assert seen[11] == (11, 12.5, 10.5, 12.25, 2)
    assert seen[12] == (13, 13.5, 12.5, 13.25, 1)
    assert seen[13] == seen[12]
    assert seen[14] == (1, 2.5, 0.5, 2.25, 2)


def test_a_half_day_cuts_its_last_bar() -> None:
    # 24 November 2023 closes at 13:00: seven half hours, the fourth hour has one.
    market = intraday(["2023-11-22", "2023-11-24", "2023-11-27"], 30)
    assert counts(market, "1h")[13:20] == [7, 8, 8, 9, 9, 10, 11]
    assert watch(market, row, hold("1h"))[19] == (7, 7.5, 6.5, 7.25, 1)
    assert counts(market, "1d")[12:20] == [1, 1, 1, 1, 1, 1, 1, 2]


def test_hours_follow_the_exchange_through_the_change_of_time() -> None:
    # 14:30 UTC on Friday 8 March 2024, 13:30 UTC on Monday.
    market = intraday(["2024-03-08", "2024-03-11"], 30)
    assert counts(market, "4h")[13:] == [2 + n for n in [0] * 7 + [1] * 5 + [2]]
    assert str(market.bars["X"].open_time[[0, 13]].astype("M8[us]").astype("M8[m]")) == (
        "['2024-03-08T14:30' '2024-03-11T13:30']"
    )


def test_round_the_clock_hours_are_counted_from_midnight_utc() -> None:
    # Data from 2:00: the first four hours have two bars, closed at 4:00. The last, 20:00–24:00, closes with the data.
    market = intraday(["2024-03-09", "2024-03-10"], 60, calendar="24/7", keep=lambda d, k: d or k >= 2)
    seen = watch(market, row, hold("4h"))
    assert seen[0] is None
    assert seen[1] == (3, 4.5, 2.5, 4.25, 2)
    assert seen[5] == (5, 8.5, 4.5, 8.25, 4)
    assert counts(market, "4h")[-5:] == [11, 11, 11, 11, 12]
    assert counts(market, "1d")[20:23] == [0, 1, 1]


def test_a_week_ends_with_its_last_session() -> None:
    # Good Friday, 29 March 2024: the week and the month close on Thursday the 28th. Easter Monday is traded.
    frame = flat(*range(1, 12), first="2024-03-18")
    frame = frame.drop(index=frame.index[9])
    assert counts(frame, "1w") == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert counts(frame, "1mo") == [0] * 8 + [1, 1]
    seen = watch(frame, row, hold("1w"))
    assert seen[4] == (1, 5, 1, 5, 3000)
    assert seen[8] == (6, 9, 6, 9, 2400)
    assert watch(frame, row, hold("1mo"))[9] == (1, 9, 1, 9, 5400)


def test_a_week_whose_last_session_is_missing_is_known_at_the_next_bar() -> None:
    frame = flat(1, 2, 3, 4, 5, 6, first="2024-03-18")
    frame = frame.drop(index=frame.index[4])
    assert counts(frame, "1w") == [0, 0, 0, 0, 1]


def test_weeks_of_bars_of_an_hour() -> None:
    market = intraday(["2024-03-28", "2024-04-01"], 30)
    assert counts(market, "1w")[11:14] == [0, 1, 1]
    assert counts(market, "1mo")[11:14] == [0, 1, 1]


def test_the_datas_own_step_is_the_data() -> None:
    assert counts(flat(1, 2, 3), "1d") == [1, 2, 3]
    market = intraday(["2024-01-02"], 30)
    assert counts(market, "30min") == list(range(1, 14))


def test_two_bars_that_become_visible_at_once() -> None:
    # Half hours 1 and 4 alone: 9:30–10:30 is over at 10:30, but the next decision is at 11:30, as 10:30–11:30 closes.
    def start(s: Any) -> None:
        s.higher = s.data.resample("1h")
        s.double = s.indicator(lambda c, h: c + h, s.data.close, s.higher.close)
        s.whole = s.indicator(lambda h: h * 2, s.higher.close)

    market = intraday(["2024-01-02"], 30, keep=lambda d, k: k in (0, 3, 4))
    seen = watch(market, lambda s: (s.higher.close[-2:].tolist(), s.double[-1], s.whole[-2:].tolist()), start)
    assert seen == {1: ([1.25, 4.25], 8.5, [2.5, 8.5]), 2: ([1.25, 4.25], 8.5, [2.5, 8.5])}


def test_a_bar_that_reaches_beyond_its_hour_is_known_at_its_own_end() -> None:
    # X has a bar from 10:00 to 10:40, so its first hour is not known at 10:30, when Y decides.
    y = intraday(["2024-01-02"], 30, keep=lambda d, k: k < 4)
    bars = y.bars["X"]
    opens, closes = bars.open_time.copy(), bars.close_time.copy()
    closes[1] += 10 * 60_000_000
    opens[2] = closes[1]
    x = dataclasses.replace(bars, open_time=opens, close_time=closes)
    market = dataclasses.replace(y, symbols=("X", "Y"), bars={"X": x, "Y": dataclasses.replace(bars, symbol="Y")})

    def start(s: Any) -> None:
        s.x, s.y = s.data["X"].resample("1h"), s.data["Y"].resample("1h")

    seen = watch(market, lambda s: (f"{s.now:%H:%M}", len(s.x), len(s.y)), start)
    assert list(seen.values()) == [("15:00", 0, 0), ("15:30", 0, 1), ("15:40", 1, 1), ("16:00", 1, 1), ("16:30", 2, 2)]


def test_bars_before_and_after_hours_are_bars_of_their_own_and_no_part_of_the_day() -> None:
    # 30 minutes before the open and two bars after the close, all on the session's date.
    market = intraday(["2024-01-02"], 30)
    bars = market.bars["X"]
    half = 30 * 60_000_000

    def wider(field: str, early: float, late: tuple[float, float]) -> Any:
        return np.concatenate(([early], getattr(bars, field), late))

    close = int(bars.close_time[-1])
    grown = dataclasses.replace(
        bars,
        open_time=wider("open_time", bars.open_time[0] - half, (close, close + half)).astype(np.int64),
        close_time=wider("close_time", bars.open_time[0], (close + half, close + 2 * half)).astype(np.int64),
        session=np.full(16, bars.session[0]),
        **{f: wider(f, 99.0, (77.0, 78.0)) for f in ("open", "high", "low", "close", "volume")},
    )
    market = dataclasses.replace(market, bars={"X": grown})
    assert counts(market, "1h") == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8, 8, 9]
    assert watch(market, row, hold("1h"))[15] == (77, 78, 77, 78, 155)
    assert counts(market, "1d") == [0] * 13 + [1, 1, 1]
    assert watch(market, row, hold("1d"))[13] == (1, 13.5, 0.5, 13.25, 13)


def test_crossings_with_the_base_are_told_once() -> None:
    # Hours close at 2.25, 4.25, …: the half hour's close is above the hour before from bar 3 on, equal on even bars.
    market = intraday(["2024-01-02"], 30)
    crossed = watch(market, lambda s: al.crossed_above(s.data.close, s.higher.close), hold("1h"))
    assert [i for i, yes in crossed.items() if yes] == [2, 4, 6, 8, 10]


def test_a_crossing_of_higher_bars_is_told_at_the_bar_that_shows_it() -> None:
    # The hours close at 2.25, 4.25, 6.25: through 3 with the fourth half hour, and not again at the fifth.
    market = intraday(["2024-01-02"], 30)
    crossed = watch(market, lambda s: al.crossed_above(s.higher.close, 3), hold("1h"))
    assert [i for i, yes in crossed.items() if yes] == [3]

    def many(s: Any) -> bool:
        for level in range(100, 110):
            al.crossed_above(s.higher.close, level)
        return al.crossed_above(s.higher.close, 3)

    assert watch(market, many, hold("1h")) == crossed


def test_indicators_over_higher_bars_warm_up_and_are_drawn_as_seen() -> None:
    class Average(al.Strategy):
        def on_start(self) -> None:
            self.average = self.indicator(al.ta.SMA, self.data.resample("1h").close, 2)

        def on_bar(self) -> None:
            self.record(average=self.average[-1])

    # 2.25, 4.25, 6.25 …: the second average is known with the fourth half hour.
    result = al.backtest(Average, intraday(["2024-01-02"], 30))
    assert result.columns["recorded"]["average"].tolist() == [
        3.25,
        3.25,
        5.25,
        5.25,
        7.25,
        7.25,
        9.25,
        9.25,
        11.25,
        12.75,
    ]
    (line,) = result.indicators
    assert (line.symbol, len(line.values)) == ("X", 13)
    assert line.values[3:].tolist() == result.columns["recorded"]["average"].tolist()
    assert np.isnan(line.values[:3]).all()


def test_weeks_are_in_todays_shares() -> None:
    # Monday 18 March: 90, 92, 94 before 2:1 on Thursday: 48, 49. In the next week 3:1 on Tuesday.
    market = raw(
        flat(90, 92, 94, 48, 49, 51, 18, first="2024-03-18"),
        {"DATA": (("2024-03-21", 2.0, 1.88), ("2024-03-26", 3.0, 0.0))},
    )
    seen = watch(market, row, hold("1w"))
    assert seen[4] == (45, 49, 45, 49, 600 * (6 + 2))
    assert seen[5] == seen[4]
    assert seen[6] == pytest.approx((15, 49 / 3, 15, 49 / 3, 600 * (18 + 6)))
    total = watch(market, lambda s: s.higher.total_return[-1] if len(s.higher) else None, hold("1w"))
    assert (total[4], total[6]) == pytest.approx((49, 49 / 3))


def test_each_symbol_has_its_own() -> None:
    def start(s: Any) -> None:
        s.higher = s.data["B"].resample("1w")
        assert s.higher is s.data["B"].resample("1w")
        assert s.higher is not s.data["A"].resample("1w")
        with pytest.raises(OrderError, match=r"self.data\['A'\].resample"):
            s.data.resample("1w")

    data = {"A": flat(*range(1, 8), first="2024-03-18"), "B": flat(*range(11, 18), first="2024-03-18")}
    assert watch(data, lambda s: s.higher.close[-1] if len(s.higher) else 0, start)[6] == 15


def test_look_ahead_is_refused_as_in_all_views() -> None:
    market = intraday(["2024-01-02"], 30)
    for act in (lambda s: s.higher.close[0], lambda s: s.higher.close[:-1], lambda s: np.asarray(s.higher.close)):
        with pytest.raises(StrategyError, match="LookAheadError"):
            watch(market, act, hold("1h"))
    with pytest.raises(StrategyError, match=r"data.resample\('1h'\).close has no values in on_start"):
        watch(market, row, lambda s: s.data.resample("1h").close[-1])
    with pytest.raises(StrategyError, match="declared in on_start"):
        watch(market, lambda s: s.data.resample("1h").close[-1])


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("1h", r"resample\('1h'\) is finer than the data, which has bars of '1d'"),
        ("2d", "have no fixed start – there is '1d', '1w' and '1mo'"),
        ("1H", "no time frame – for example '5min'"),
        ("weekly", "no time frame"),
        ("0min", "no time frame"),
        (60, "no time frame"),
    ],
)
def test_steps_that_daily_bars_refuse(step: Any, words: str) -> None:
    with pytest.raises(StrategyError, match=words) as caught:
        watch(flat(1, 2), row, hold(step))
    assert isinstance(caught.value.__cause__, DataError)


@pytest.mark.parametrize(
    ("step", "calendar", "words"),
    [
        ("5min", "XNYS", "finer than the data, which has bars of '30min'"),
        ("45min", "XNYS", "bars of '30min' do not divide into it"),
        ("24h", "XNYS", "use '1d'"),
        ("5h", "24/7", "a day does not divide into it"),
        ("48h", "24/7", "a day does not divide into it"),
    ],
)
def test_steps_that_bars_of_half_an_hour_refuse(step: str, calendar: str, words: str) -> None:
    with pytest.raises(StrategyError, match=words):
        watch(intraday(["2024-01-02"], 30, calendar=calendar), row, hold(step))


@pytest.mark.parametrize(("step", "words"), [("1mo", "do not divide into months"), ("1d", "finer than the data")])
def test_steps_that_weekly_bars_refuse(step: str, words: str) -> None:
    weekly = flat(*range(1, 60), first="2024-01-01").iloc[::5]
    with pytest.raises(StrategyError, match=words):
        watch(weekly, row, hold(step))
    assert counts(weekly, "1w") == list(range(1, 13))
