"""Each rule fires on rows that are wrong in its way, as often and where they are, and no other error with it.

Prices are simulated, at the times of real calendars.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from alphintra.rules import Choice

from tests.sdk.rules.made import (
    CRYPTO,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    NYSE,
    NYSE_DAYS,
    START,
    check,
    days,
    fired,
    minutes,
    places,
    put,
    session_dates,
    session_days,
    sessions,
    stamps,
    us,
    walk,
    without,
)


def test_clean_rows_fire_nothing() -> None:
    assert fired(check({"BTC": minutes(), "ETH": minutes(seed=1)}, **CRYPTO)) == {}


@pytest.mark.parametrize(
    ("rule", "severity", "values"),
    [
        ("OHLC_ORDER", "error", {"high": 1.0}),
        ("OHLC_ORDER", "error", {"low": 1e4}),
        ("PRICE_POSITIVE", "error", {"low": 0.0}),
        ("PRICE_POSITIVE", "error", {"low": -1.0}),
        ("PRICE_NONFINITE", "error", {"open": None}),
        ("PRICE_NONFINITE", "error", {"high": float("inf")}),
        ("VOL_NEGATIVE", "error", {"volume": -1.0}),
        ("VOL_ZERO_MOVE", "warning", {"volume": 0.0}),
    ],
)
def test_a_bar_that_cannot_be(rule: str, severity: str, values: dict[str, float]) -> None:
    report = check({"AAA": minutes(), "BTC": put(minutes(), 123, **values)}, **CRYPTO)
    assert fired(report) == {rule: (severity, 1)}
    assert places(report, rule) == [("BTC", "2024-01-02T02:03:00Z")]
    # A symbol that has no volume at all has none to be missed.
    still = minutes().set_column(5, "volume", pa.array(np.zeros(600)))
    assert fired(check({"EUR": still}, **CRYPTO)) == {"CONST_COLUMN": ("info", 1)}


def test_rounding_of_adjusted_prices_is_a_warning() -> None:
    table = minutes()
    high = table["high"].to_numpy().copy()
    high[5] = max(table["close"][5].as_py(), table["open"][5].as_py()) - 0.01
    table = table.set_column(2, "high", pa.array(high))
    assert check({"A": table}, **CRYPTO)["OHLC_ORDER"].severity == "error"
    adjusted = check({"A": table}, **CRYPTO | {"adjustment": "splits"})
    assert fired(adjusted) == {"OHLC_ORDER": ("warning", 1)}
    assert "is below" in str(adjusted["OHLC_ORDER"].places[0].message)
    wide = Choice(parameters={"OHLC_ORDER": {"tolerance": 0.01}})
    assert fired(check({"A": table}, wide, **CRYPTO)) == {}
    # Crude oil was quoted below 0, on 20 April 2020.
    oil = put(minutes(), 7, low=-40.0)
    assert fired(check({"CL": oil}, **CRYPTO | {"asset_class": "FUTURES"})) == {}


def test_volumes_of_shares_and_prices_on_a_grid() -> None:
    table = session_days("2024-01-02", "2024-06-28")
    report = check({"A": put(table, 3, volume=10.5)}, **NYSE_DAYS)
    assert fired(report) == {"VOL_FRACTION": ("info", 1)}
    assert places(report, "VOL_FRACTION") == [("A", "2024-01-05")]
    grid = Choice(parameters={"PRICE_TICK": {"tick": 0.01}})
    assert fired(check({"A": table}, grid, **NYSE_DAYS)) == {}
    coarse = check({"A": table}, Choice(parameters={"PRICE_TICK": {"tick": 0.05}}), **NYSE_DAYS)
    names = ("open", "high", "low", "close")
    cents = np.round(np.concatenate([table[name].to_numpy() for name in names]) * 100).astype(int)
    assert coarse["PRICE_TICK"].count == int((cents % 5 != 0).sum())
    unknown = check({"A": table}, **NYSE_DAYS)["PRICE_TICK"]
    assert (unknown.status, unknown.reason) == ("not_checked", "price step unknown")


def test_times_that_cannot_be() -> None:
    old = walk([us("1799-12-31T23:59"), us("2024-01-01T00:00"), NOW + DAY, NOW + DAY + 1])
    report = check({"A": old}, **CRYPTO | {"timeframe": None})
    assert places(report, "TS_RANGE") == [("A", "1799-12-31T23:59:00Z"), ("A", "2026-11-28T12:00:00.000001Z")]


def test_rows_of_one_time() -> None:
    table = minutes(60)
    again = pa.concat_tables([table.slice(0, 10), table.slice(9, 1), put(table, 9, close=1e-2).slice(9)])
    report = check({"A": again}, Choice(frozenset({"OHLC_ORDER", "OUTLIER_RETURN"})), **CRYPTO)
    assert fired(report) == {"TS_DUP_EXACT": ("warning", 1), "TS_DUP_CONFLICT": ("error", 1)}
    assert places(report, "TS_DUP_EXACT") == places(report, "TS_DUP_CONFLICT") == [("A", "2024-01-02T00:09:00Z")]
    # What is missing in both is equal.
    gone = put(table, 9, volume=None)
    report = check({"A": pa.concat_tables([gone.slice(0, 10), gone.slice(9)])}, **CRYPTO)
    assert fired(report) == {"TS_DUP_EXACT": ("warning", 1)}
    ticks = pa.table({"time": table["time"], "bid": table["close"], "ask": table["high"]})
    report = check({"A": pa.concat_tables([ticks.slice(0, 10), ticks.slice(9)])}, asset_class="CRYPTO")
    assert (report["TS_DUP_EXACT"].reason, fired(report)) == ("several ticks may share a time", {})


def test_steps_of_another_time_frame() -> None:
    five = walk(START + 5 * MINUTE * np.arange(200))
    report = check({"A": five}, **CRYPTO)
    assert fired(report) == {"FREQ_MISDECLARED": ("error", 1), "GAP_24X7": ("warning", 4 * 199)}
    assert report["FREQ_MISDECLARED"].places[0].message == (
        "of 199 steps 0.0% are those of 1min, 0.0% shorter, 100.0% longer"
    )
    finer = check({"A": walk(START + MINUTE * np.arange(200))}, **CRYPTO | {"timeframe": "5min"})
    assert fired(finer) == {"FREQ_MISDECLARED": ("error", 1)}
    times = np.append(START + MINUTE * np.arange(500), START + MINUTE * 500 + 5 * MINUTE * np.arange(40))
    mixed = check({"A": walk(times)}, **CRYPTO)
    assert fired(mixed) == {"FREQ_MIXED": ("warning", 1), "GAP_24X7": ("warning", 4 * 39)}
    fridays = 19_544 + 7 * np.arange(40)
    weekly = days(np.append(session_dates("2023-01-03", "2023-06-30"), fridays))
    assert check({"A": weekly}, **NYSE_DAYS)["FREQ_MIXED"].count == 1
    assert check({"A": weekly}, **NYSE_DAYS | {"timeframe": "1w"})["FREQ_MISDECLARED"].count == 1
    for months in (1, 3):  # the last weekdays of months, which are 28 to 33 days apart
        ends = np.arange("2010-02", "2024-02", months, dtype="M8[M]").astype("M8[D]") - 1
        long = days(np.busday_offset(ends, 0, "backward").astype(int))
        assert check({"A": long}, **NYSE_DAYS)["FREQ_MISDECLARED"].count == 1


def test_gaps() -> None:
    table = minutes()
    report = check({"BTC": without(table, 100, 101, 300)}, **CRYPTO)
    assert fired(report) == {"GAP_24X7": ("warning", 3)}
    assert places(report, "GAP_24X7") == [("BTC", "2024-01-02T01:40:00Z"), ("BTC", "2024-01-02T05:00:00Z")]
    assert [p.message for p in report["GAP_24X7"].places] == ["2 bars are missing", "a bar is missing"]

    daily = session_days("2024-06-03", "2024-07-31")
    report = check({"A": without(daily, 5, 6, 20)}, **NYSE_DAYS)
    assert fired(report) == {"GAP_SESSION": ("warning", 3)}
    assert [time for _, time in places(report, "GAP_SESSION")] == ["2024-06-10", "2024-06-11", "2024-07-02"]

    # 1 to 5 July 2024: the 3rd is half a day, the 4th a holiday. One session is left out, and three bars.
    times = stamps("XNYS", "2024-07-01", "2024-07-09")
    kept = (times < us("2024-07-08T00:00")) | (times > us("2024-07-09T00:00"))
    kept &= ~np.isin(times, [us("2024-07-03T16:59"), us("2024-07-05T13:30"), us("2024-07-05T13:31")])
    report = check({"A": walk(times[kept])}, **NYSE)
    assert fired(report) == {"GAP_SESSION": ("warning", 1), "GAP_INTRADAY": ("info", 3)}
    assert places(report, "GAP_INTRADAY") == [("A", "2024-07-03T16:59:00Z")]  # two that follow each other are one gap
    assert report["GAP_INTRADAY"].places[0].message == "3 bars are missing"
    # Stamped at their ends, the same bars have the same gaps.
    closes = check({"A": walk(times[kept] + MINUTE)}, **NYSE | {"label": "close"})
    assert fired(closes) == fired(report)
    assert places(closes, "GAP_INTRADAY") == [("A", "2024-07-03T17:00:00Z")]


def test_a_liquid_symbol_that_lacks_bars_is_a_warning() -> None:
    times = stamps("XNYS", "2024-06-03", "2024-06-28")
    thin = times[np.random.default_rng(1).random(len(times)) < 0.7]
    report = check({"A": walk(thin)}, **NYSE)
    first, last = (np.searchsorted(times, thin[i]) for i in (0, -1))
    assert fired(report) == {"GAP_INTRADAY": ("warning", int(last - first + 1 - len(thin)))}
    lenient = Choice(parameters={"GAP_INTRADAY": {"share": 0.4}})
    assert check({"A": walk(thin)}, lenient, **NYSE)["GAP_INTRADAY"].severity == "info"
    seldom = times[np.random.default_rng(1).random(len(times)) < 0.3]  # no bar without a trade: not liquid
    assert set(fired(check({"A": walk(seldom)}, **NYSE)).values()) == {
        ("info", int(np.searchsorted(times, seldom[-1]) - np.searchsorted(times, seldom[0]) + 1 - len(seldom)))
    }


def test_rows_while_the_market_is_closed() -> None:
    times = stamps("XNYS", "2024-07-01", "2024-07-09")
    night, late, saturday = us("2024-07-01T12:00"), us("2024-07-03T17:30"), us("2024-07-06T15:00")
    holiday = us("2024-07-04T15:00")
    report = check({"A": walk(np.sort(np.append(times, [night, late, saturday, holiday])))}, **NYSE)
    assert fired(report) == {
        "OFF_SESSION": ("warning", 2), "WEEKEND_ROWS": ("warning", 1), "HALF_DAY": ("info", 1)
    }  # fmt: skip
    assert places(report, "OFF_SESSION") == [("A", "2024-07-01T12:00:00Z"), ("A", "2024-07-04T15:00:00Z")]
    assert places(report, "WEEKEND_ROWS") == [("A", "2024-07-06T15:00:00Z")]
    assert places(report, "HALF_DAY") == [("A", "2024-07-03T17:30:00Z")]
    extended = Choice(parameters={"OFF_SESSION": {"minutes_before": 330}})
    report = check({"A": walk(np.append(night, times))}, extended, **NYSE)
    assert fired(report) == {}
    evening = np.append(times[times < us("2024-07-02")], us("2024-07-01T21:30"))
    assert fired(check({"A": walk(evening)}, **NYSE)) == {"OFF_SESSION": ("warning", 1)}
    for minutes_after, count in ((90, 0), (89, 1)):
        late = Choice(parameters={"OFF_SESSION": {"minutes_after": minutes_after}})
        assert check({"A": walk(evening)}, late, **NYSE)["OFF_SESSION"].count == count
    closed = [19_908, 19_910]  # 4 July and a Saturday
    daily = days(np.sort(np.append(session_dates("2024-06-03", "2024-07-31"), closed)))
    report = check({"A": daily}, **NYSE_DAYS)
    assert fired(report) == {"OFF_SESSION": ("warning", 1), "WEEKEND_ROWS": ("warning", 1)}


def test_a_label_that_is_not_the_stated_one() -> None:
    times = stamps("XNYS", "2024-06-03", "2024-06-28")
    report = check({"A": walk(times + MINUTE)}, **NYSE)
    assert report["TS_LABEL"].places[0].message == (
        "100% of 19 sessions are stamped at the close of bars; stated is the open"
    )
    assert report["OFF_SESSION"].count == 19
    unknown = check({"A": walk(times)}, **NYSE | {"label": "unknown"})
    assert fired(unknown) == {"TS_LABEL": ("info", 1)}
    assert str(unknown["TS_LABEL"].places[0].message).endswith("the open of bars; nobody said which it is")


def test_times_of_other_clocks() -> None:
    """In winter hours on summer's offset: half of the year begins an hour early."""
    times = stamps("XNYS", "2024-01-02", "2024-05-31", 30 * MINUTE)
    winter = times < us("2024-03-10T00:00")
    report = check({"A": walk(times - HOUR * winter)}, **NYSE | {"timeframe": "30min"})
    count = len(sessions("XNYS", "2024-01-02", "2024-03-09"))
    assert report["TS_TZ_SHIFT"].count == count
    assert places(report, "TS_TZ_SHIFT") == [("A", "2024-01-02T13:30:00Z")]
    assert report["TS_TZ_SHIFT"].places[0].message == (
        f"from here {count} sessions begin an hour earlier than the others"
    )


def test_closes_that_stand_still() -> None:
    table = minutes()
    close = np.round(table["close"].to_numpy() + 0.001 * (np.arange(600) % 7), 3)
    close[100:110] = 100.0
    close[200:229] = 101.0
    close[570:600] = 102.0
    volume = table["volume"].to_numpy().copy()
    volume[200:230] = 0
    volume[570:] = 0
    table = pa.table({"time": table["time"], "close": close, "volume": volume})
    report = check({"A": table}, Choice(frozenset({"OUTLIER_RETURN"})), **CRYPTO)
    assert fired(report) == {"STALE_RUN": ("warning", 2)}
    assert [(p.time, p.message) for p in report["STALE_RUN"].places] == [
        ("2024-01-02T01:40:00Z", "10 equal closes"), ("2024-01-02T09:30:00Z", "30 equal closes")
    ]  # fmt: skip
    patient = Choice(frozenset({"OUTLIER_RETURN"}), {"STALE_RUN": {"traded": 11, "rows": 29}})
    assert [p.message for p in check({"A": table}, patient, **CRYPTO)["STALE_RUN"].places] == [
        "29 equal closes", "30 equal closes"
    ]  # fmt: skip


def test_moves_that_come_back() -> None:
    closes = pa.table({"time": minutes(1_500)["time"], "close": minutes(1_500)["close"]})
    price = closes["close"][700].as_py()
    spike = put(closes, 701, close=round(price * 1.2, 2))
    report = check({"A": spike}, **CRYPTO)
    assert places(report, "OUTLIER_RETURN") == [("A", "2024-01-02T11:41:00Z")]
    assert fired(report) == {"OUTLIER_RETURN": ("warning", 1)}
    # A move that lasts is none, nor one of five price steps; nor is the 51st return too early to judge.
    lasting = closes["close"].to_numpy().copy()
    lasting[701:] = np.round(lasting[701:] * 1.2, 2)
    assert fired(check({"A": closes.set_column(1, "close", pa.array(lasting))}, **CRYPTO)) == {}
    tick = Choice(parameters={"OUTLIER_RETURN": {"tick": 5.0}})
    assert fired(check({"A": spike}, tick, **CRYPTO)) == {}
    early = put(closes, 50, close=200.0)
    assert fired(check({"A": early}, **CRYPTO)) == {}


def test_levels_that_shift() -> None:
    table = session_days("2023-01-03", "2023-12-29")
    rows = len(table)

    def scaled(names: tuple[str, ...], by: float, volume: float = 1.0) -> pa.Table:
        out = table
        for i, name in enumerate(out.column_names):
            factor = by if name in names else volume if name == "volume" else 1.0
            if i and factor != 1:
                own = out[name].to_numpy() * np.where(np.arange(rows) >= 120, factor, 1.0)
                out = out.set_column(i, name, pa.array(np.round(own, 4)))
        # The open is the close before, so on the day itself it has the new level.
        return out

    prices = ("open", "high", "low", "close")
    date = table["date"][120].as_py().isoformat()
    # The volume is a tenth to ten times the day before: it confirms or denies a split by chance, so it is left out.
    bars = ["date", *prices]
    split = check({"A": scaled(prices, 0.25).select(bars)}, **NYSE_DAYS)
    assert (fired(split), places(split, "SPLIT_LIKE")) == ({"SPLIT_LIKE": ("warning", 1)}, [("A", date)])
    day = int(table["date"][120].cast(pa.int32()).as_py())
    known = check({"A": scaled(prices, 0.25).select(bars)}, **NYSE_DAYS, events={"A": frozenset({day})})
    assert fired(known) == {}
    denied = scaled(prices, 0.25)
    denied = denied.set_column(5, "volume", pa.array(np.full(rows, 500.0)))
    assert fired(check({"A": denied}, Choice(frozenset({"CONST_COLUMN"})), **NYSE_DAYS)) == {}
    for day_of_none in (119, 120):  # a volume that is not known denies nothing
        volume = np.where(np.arange(rows) == day_of_none, np.nan, 500.0)
        unknown = denied.set_column(5, "volume", pa.array(volume))
        assert fired(check({"A": unknown}, **NYSE_DAYS)) == {"SPLIT_LIKE": ("warning", 1)}
    pence = check({"A": scaled(prices, 100.0)}, **NYSE_DAYS)
    assert (fired(pence), places(pence, "CURRENCY_UNIT")) == ({"CURRENCY_UNIT": ("warning", 1)}, [("A", date)])
    assert pence["CURRENCY_UNIT"].places[0].message == "prices are 100 times what they were"
    steady = np.where(np.arange(rows) >= 120, 100_000.0, 1_000.0) + np.arange(rows) % 7
    lots = table.set_column(5, "volume", pa.array(steady))
    report = check({"A": lots}, **NYSE_DAYS)
    assert (fired(report), places(report, "VOL_UNIT")) == ({"VOL_UNIT": ("warning", 1)}, [("A", date)])


def test_adjusted_closes() -> None:
    table = session_days("2023-01-03", "2023-12-29")
    close = table["close"].to_numpy()
    share = np.where(np.arange(len(close)) < 100, 0.95, 1.0)
    good = table.append_column("adj_close", pa.array(close * share))
    assert fired(check({"A": good}, **NYSE_DAYS)) == {}
    bad = table.append_column("adj_close", pa.array(close * share[::-1]))
    report = check({"A": bad}, **NYSE_DAYS)
    at = len(close) - 100
    assert fired(report) == {"ADJ_INCONSISTENT": ("error", 1)}
    assert places(report, "ADJ_INCONSISTENT") == [("A", table["date"][at].as_py().isoformat())]
    assert report["ADJ_INCONSISTENT"].places[0].message == "the share of the close fell by 5.00%"
    drift = table.append_column("adj_close", pa.array(close * np.linspace(0.5, 1, len(close))))
    report = check({"A": drift}, Choice(parameters={"ADJ_INCONSISTENT": {"rounding": 1e-6}}), **NYSE_DAYS)
    assert [p.message for p in report["ADJ_INCONSISTENT"].places] == ["the share of the close rises in 249 of 250 rows"]
    # With the days of dividends known, a rise on another one is an error, wherever a batch begins.
    dates = table["date"].cast(pa.int32()).to_numpy()
    for day in (int(dates[100]), int(dates[100]) - 1):
        right = check({"A": good}, **NYSE_DAYS, ex_dates={"A": frozenset({day})})
        assert fired(right) == ({} if day > dates[99] else {"ADJ_INCONSISTENT": ("error", 1)})
    for known in (frozenset(), frozenset({int(dates[99]), int(dates[101])})):
        wrong = check({"A": good}, cuts=lambda: 50, **NYSE_DAYS, ex_dates={"A": known})
        assert places(wrong, "ADJ_INCONSISTENT") == [("A", table["date"][100].as_py().isoformat())]
        (place,) = wrong["ADJ_INCONSISTENT"].places
        assert place.message == "the share of the close rises by 5.26%, and no dividend or split is known"
    all_ = check({"A": drift}, Choice(parameters={"ADJ_INCONSISTENT": {"rounding": 1e-6}}), **NYSE_DAYS,
                 ex_dates={"A": frozenset(dates.tolist())})  # fmt: skip
    assert fired(all_) == {}
    # Weeks stamped Monday, and days stamped at a midnight that is of the day before by UTC, are not told from dates.
    weeks = days(np.arange(20) * 7 + 19_723)
    stamped = walk(np.arange(len(close)) * DAY + us("2024-01-01T13:00"))
    for rows, at, more in ((weeks, 10, {"timeframe": "1w"}), (stamped, 100, {"timeframe": "1d", "calendar": "24/7"})):
        shares = np.where(np.arange(len(rows)) < at, 0.95, 1.0)
        adjusted = rows.append_column("adj_close", pa.array(rows["close"].to_numpy() * shares))
        stamp = rows[0].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()[at] // DAY
        report = check({"A": adjusted}, **NYSE_DAYS | more, ex_dates={"A": frozenset({int(stamp) + 2})})
        assert "ADJ_INCONSISTENT" not in fired(report)
    reverse = np.where(np.arange(len(close)) < 100, 10.0, 1.0)
    raw = table.append_column("adj_close", pa.array(close * reverse))
    assert "ADJ_INCONSISTENT" not in fired(check({"A": raw}, **NYSE_DAYS))
