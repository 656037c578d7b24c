"""Each rule fires on rows that are wrong in its way, as often and where they are, and no other error with it.

Prices are simulated, at the times of real calendars.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from alphintra.rules import Choice
from alphintra.store.opening import open_folder
from alphintra.store.writing import write_frames

from tests.sdk.rules.made import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    check,
    days,
    facts,
    fired,
    places,
    put,
    sessions,
    stamps,
    us,
    walk,
    without,
)

CRYPTO: dict[str, Any] = {"timeframe": "1min", "calendar": "24/7", "asset_class": "CRYPTO"}
NYSE: dict[str, Any] = {"timeframe": "1min", "calendar": "XNYS", "asset_class": "STOCKS"}
NYSE_DAYS: dict[str, Any] = NYSE | {"timeframe": "1d"}
START = us("2024-01-02T00:00")


def minutes(rows: int = 600, seed: int = 0) -> pa.Table:
    return walk(START + MINUTE * np.arange(rows), seed)


def session_days(start: str, end: str, seed: int = 0) -> pa.Table:
    return days(np.flatnonzero(np.isin(np.arange(40_000), _dates(start, end))), seed)


def _dates(start: str, end: str) -> Any:
    from alphintra.rules.hours import hours_of

    return hours_of("XNYS", None).session[sessions("XNYS", start, end)]


def shifted(table: pa.Table, by: int, start: int, stop: int) -> pa.Table:
    times = table["time"].cast(pa.int64()).to_numpy().copy()
    times[start:stop] += by
    return table.set_column(0, "time", pa.array(times).cast(pa.timestamp("us", "UTC")))


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
    weekly = days(np.append(_dates("2023-01-03", "2023-06-30"), 19_544 + 7 * np.arange(40)))  # daily, then Fridays
    assert check({"A": weekly}, **NYSE_DAYS)["FREQ_MIXED"].count == 1
    assert check({"A": weekly}, **NYSE_DAYS | {"timeframe": "1w"})["FREQ_MISDECLARED"].count == 1


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
    daily = days(np.sort(np.append(_dates("2024-06-03", "2024-07-31"), [19_908, 19_910])))  # 4 July and a Saturday
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


def test_what_nobody_said() -> None:
    report = check({"A": minutes()}, **CRYPTO | {"adjustment": "unknown", "zone_known": False, "most_rows": 599})
    assert fired(report) == {
        "TS_TZ_MISSING": ("warning", 1), "ADJ_UNKNOWN": ("info", 1), "ROW_LIMIT": ("error", 1)
    }  # fmt: skip
    assert places(report, "ROW_LIMIT") == [("A", "2024-01-02T09:59:00Z")]
    assert not report.is_validated


def test_columns() -> None:
    table = minutes().append_column("Close", pa.array(np.arange(600.0)))
    report = check({"A": table}, Choice(parameters={"COLUMN_LIMIT": {"columns": 6}}), **CRYPTO)
    assert fired(report) == {"SCHEMA_DUP_COLUMN": ("error", 1), "COLUMN_LIMIT": ("error", 1)}
    stated = facts(minutes())
    no_low = replace(stated, columns=tuple(c for c in stated.columns if c.role not in ("low", "close")))
    from alphintra.rules import Validation

    run = Validation(no_low)
    run.see("A", minutes().select(["time", "open", "high", "volume"]))
    assert [p.message for p in run.finish()["SCHEMA_REQUIRED"].places] == [
        "no column is the close", "no column is the low"
    ]  # fmt: skip


def test_symbols() -> None:
    table = minutes(30)
    names = ["AAPL", "aapl", "nan"]
    report = check({name: walk(START + MINUTE * np.arange(30), i) for i, name in enumerate(names)}, **CRYPTO)
    assert fired(report) == {"SYMBOL_CASE": ("error", 1), "SYMBOL_COERCED": ("error", 1)}
    assert (places(report, "SYMBOL_CASE"), places(report, "SYMBOL_COERCED")) == ([("aapl", None)], [("nan", None)])
    report = check({"1": table, "600000": minutes(30, 1)}, **CRYPTO)
    assert places(report, "SYMBOL_COERCED") == [("1", None)]
    assert fired(check({"000001": table, "600000": minutes(30, 1), "NA": table, "TRUE": table}, **CRYPTO)) == {}


def test_a_universe_of_survivors() -> None:
    dates = _dates("2015-01-02", "2021-12-31")[::40]
    many = {f"S{i:02}": days(dates, i) for i in range(20)}
    left_out = Choice(frozenset({"GAP_SESSION", "FREQ_MISDECLARED"}))
    assert fired(check(many, left_out, **NYSE_DAYS)) == {"SURVIVORSHIP": ("info", 1)}
    many["S07"] = many["S07"].slice(0, len(dates) - 3)
    assert fired(check(many, left_out, **NYSE_DAYS)) == {}


def test_columns_that_know_the_future() -> None:
    table = minutes(1_000)
    close = table["close"].to_numpy()
    rng = np.random.default_rng(3)
    returns = np.append(np.diff(close) / close[:-1], 0)
    features = {
        "momentum": np.append(0, returns[:-1]),
        "leak": returns + rng.normal(0, returns.std(), 1_000),
        "ahead": np.append(close[3:], [np.nan] * 3),
        "next_value": rng.normal(size=1_000),
        "nextel": rng.normal(size=1_000),
        "noise": rng.normal(size=1_000),
    }
    for name, values in features.items():
        table = table.append_column(name, pa.array(values))
    report = check({"A": table}, **CRYPTO)
    assert fired(report) == {"LOOKAHEAD_COLUMN": ("warning", 3)}
    assert [(p.column, p.message) for p in report["LOOKAHEAD_COLUMN"].places] == [
        ("next_value", "its name says 'next': give it the role label, or leave it out"),
        ("ahead", "equals 'close' of 3 rows later in all 997 rows"),
        ("leak", "its correlation with the next return is 0.71, with that of its own row -0.03"),
    ]


def test_times_of_knowledge() -> None:
    times = START + DAY * np.arange(10)
    known = times + 2 * DAY
    known[3] = times[3] - 1  # before its own time, and before the row before was known
    known[6] -= 2 * DAY  # not before its own time, but before an earlier row
    table = pa.table({
        "time": pa.array(times).cast(pa.timestamp("us", "UTC")),
        "earnings": np.arange(10.0),
        "known_at": pa.array(known).cast(pa.timestamp("us", "UTC")),
    })  # fmt: skip
    report = check({"A": table})
    assert fired(report) == {"KNOWN_AT_ORDER": ("error", 2)}
    # A day begins in Auckland before it does in UTC.
    dates = table.set_column(0, "date", table["time"].cast(pa.timestamp("us")).cast(pa.date32()))
    assert [p.time for p in check({"A": dates})["KNOWN_AT_ORDER"].places] == ["2024-01-05", "2024-01-08"]
    assert [p.message for p in check({"A": dates})["KNOWN_AT_ORDER"].places] == ["known before an earlier row"] * 2
    assert [(p.time, p.message) for p in report["KNOWN_AT_ORDER"].places] == [
        ("2024-01-05T00:00:00Z", "known before its own time"), ("2024-01-08T00:00:00Z", "known before an earlier row")
    ]  # fmt: skip


def test_missing_values() -> None:
    table = minutes(1_000)
    warm = np.append(np.full(200, np.nan), np.arange(800.0))
    holes = warm.copy()
    holes[300:341] = np.nan  # 41 of the 800 that came after the first one
    table = table.append_column("warm", pa.array(warm)).append_column("holes", pa.array(holes))
    report = check({"A": table}, **CRYPTO)
    assert [(p.symbol, p.column, p.message) for p in report["NAN_PATTERN"].places] == [
        ("A", "holes", "5.1% of its values are missing after the first one")
    ]
    daily = session_days("2024-01-02", "2024-12-31")
    for row in range(100, 103):
        daily = put(daily, row, open=None, high=None, low=None, close=None, volume=None)
    report = check({"A": daily}, **NYSE_DAYS)
    assert [(p.time, p.message) for p in report["NAN_PATTERN"].places] == [
        (daily["date"][100].as_py().isoformat(), "3 days without any value")
    ]
    assert fired(report) == {"NAN_PATTERN": ("warning", 1)}


def test_columns_that_say_nothing_and_texts() -> None:
    table = minutes(40).append_column("same", pa.array(np.full(40, 7.0)))
    table = table.append_column("id", pa.array([f"row {i}" for i in range(40)]))
    table = table.append_column("note", pa.array(["=1+1", *["x"] * 38, "y" * 70_000]))
    report = check({"A": table}, **CRYPTO)
    assert fired(report) == {
        "CELL_LIMIT": ("error", 1), "FORMULA_TEXT": ("info", 1), "CONST_COLUMN": ("info", 1), "CARDINALITY": ("info", 1)
    }  # fmt: skip
    assert [(r, report[r].places[0].column) for r in ("CELL_LIMIT", "FORMULA_TEXT", "CONST_COLUMN", "CARDINALITY")] == [
        ("CELL_LIMIT", "note"), ("FORMULA_TEXT", "note"), ("CONST_COLUMN", "same"), ("CARDINALITY", "id")
    ]  # fmt: skip


def test_rows_that_are_there_already(tmp_path: Any) -> None:
    table = minutes(200)
    write_frames(tmp_path / "v", "v1", {"A": table.slice(0, 100)}, roles={n: n for n in table.column_names})
    parent = open_folder(tmp_path / "v")
    stated = {"columns": parent.manifest.columns, "parent": parent, "label": "unknown"}
    assert fired(check({"A": table.slice(50), "B": table}, **CRYPTO | stated)) == {}
    changed = put(table, 60, volume=123_456.0).slice(50)
    report = check({"A": changed, "B": table}, **CRYPTO | stated)
    assert fired(report) == {"OVERLAP_CONFLICT": ("error", 1)}
    assert places(report, "OVERLAP_CONFLICT") == [("A", "2024-01-02T01:00:00Z")]


def test_quotes_that_cross() -> None:
    bid = np.full(10, 99.0) + np.arange(10)
    ask, price = bid + 1, bid + 0.5
    bid[3] = ask[3]
    price[5] = 120.0
    table = pa.table({
        "time": pa.array(START + np.arange(10)).cast(pa.timestamp("us", "UTC")), "bid": bid, "ask": ask, "price": price
    })  # fmt: skip
    report = check({"A": table}, Choice(frozenset({"CONST_COLUMN"})))
    assert fired(report) == {"TICK_CROSSED": ("warning", 2)}
    assert [p.message for p in report["TICK_CROSSED"].places] == [
        "bid 103 is not below ask 103", "the trade at 120 is outside 104 to 105"
    ]  # fmt: skip
