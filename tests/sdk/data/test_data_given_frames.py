# ruff: noqa: E501 - one case a line
"""DataFrames and dicts of them, time frames, bounds, and prices that look split."""

from datetime import UTC, date, datetime

import alphintra.data as data
import numpy as np
import pandas as pd
import pytest
from alphintra.data.market import MarketData
from alphintra.errors import DataError


def frame(index, price=10.0, **columns):
    index = pd.DatetimeIndex(index) if isinstance(index, list) else index
    values = {"Open": price, "High": price + 1, "Low": price - 1, "Close": price, "Volume": 100.0}
    return pd.DataFrame({**values, **columns}, index=index)


DAYS = pd.date_range("2024-01-02", periods=5, freq="B")


def test_a_frame_is_the_symbol_data():
    market = data.resolve(frame(DAYS))
    assert (market.name, market.symbols, market.calendar) == ("DATA", ("DATA",), "XNYS")
    assert market.dataset_hash == data.resolve(frame(DAYS)).dataset_hash
    assert market.dataset_hash != data.resolve(frame(DAYS, price=11.0)).dataset_hash


@pytest.mark.parametrize(
    "make",
    [
        lambda f: f.reset_index(names="Date"),
        lambda f: f.reset_index(names="").rename(columns={"": None}),
        lambda f: f.reset_index(names="Unnamed: 0"),
        lambda f: f.set_axis(f.index.strftime("%Y-%m-%d")),
        lambda f: f.set_axis(pd.Index([d.date() for d in f.index])),
        lambda f: f.set_axis(f.index.as_unit("ns")),
        lambda f: f.astype(object),
        lambda f: f.astype("float32"),
        lambda f: f.astype("Float64"),
        lambda f: f.astype(int),
        lambda f: f.assign(Close=f["Close"].astype("category")),
    ],
)
def test_other_frames_of_the_same_data(make):
    assert data.resolve(make(frame(DAYS))).dataset_hash == data.resolve(frame(DAYS)).dataset_hash


def test_a_datetime_index_wins_over_a_column_named_date():
    market = data.resolve(frame(DAYS, date="not a date"))
    assert str(market.bars["DATA"].session[0].astype("M8[D]")) == "2024-01-02"


def test_an_index_with_a_zone_gives_local_sessions():
    index = pd.DatetimeIndex(["2024-03-08", "2024-03-11"]).tz_localize("America/New_York")
    market = data.resolve(frame(index))
    assert market.notes == ()
    opens = market.bars["DATA"].open_time.astype("M8[us]")
    assert [str(t)[:16] for t in opens] == ["2024-03-08T14:30", "2024-03-11T13:30"]


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (lambda f: f.iloc[:0], "NO_ROWS", "there are no rows (DataFrame)"),
        (lambda f: f.drop(columns="Low"), "MISSING_COLUMN", "missing column low (DataFrame)"),
        (lambda f: f.reset_index(drop=True), "MISSING_COLUMN", "missing column time"),
        (lambda f: f.iloc[::-1], "UNSORTED_TIMES", "row 2"),
        (lambda f: pd.concat([f, f.iloc[-1:]]), "DUPLICATE_TIME", "DataFrame, row 6"),
        (lambda f: f.assign(High=[11, 11, np.nan, 11, 11]), "NOT_FINITE", "the value is nan (DataFrame, row 3, column 'High')"),
        (lambda f: f.assign(High=[11, 11, "x", 11, 11]), "NOT_A_NUMBER", "'x' is not a number (DataFrame, row 3, column 'High')"),
        (lambda f: f.assign(High=[11, 11, None, 11, 11]).astype(object), "EMPTY_CELL", "row 3, column 'High'"),
        (lambda f: f.assign(High=pd.Series([11, 11, None, 11, 11], dtype="Int64").to_numpy()).astype({"High": "Int64"}), "EMPTY_CELL", "row 3"),
        (lambda f: f.assign(High=DAYS), "NOT_A_NUMBER", "column 'High'"),
        (lambda f: f.assign(High=[1j] * 5), "UNKNOWN_TYPE", "complex128"),
        (lambda f: f.set_axis([*f.index[:2], pd.NaT, *f.index[3:]]), "EMPTY_CELL", "the time is missing (DataFrame, row 3"),
        (lambda f: f.set_axis([datetime(2024, 1, 2, tzinfo=UTC), *(datetime(2024, 1, d) for d in (3, 4, 5, 8))]), "MIXED_TIME_ZONES", "some do not"),
        (lambda f: pd.concat({"A": f}, axis=1), "MULTI_INDEX", "Give one symbol's frame"),
        (lambda f: pd.concat({"A": f}), "MULTI_INDEX", "dict of frames"),
    ],
)  # fmt: skip
def test_bad_frames_are_named(make, code, says):
    with pytest.raises(DataError) as caught:
        data.resolve(make(frame(DAYS)))
    assert (caught.value.code, says in str(caught.value)) == (code, True), str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda f: f.assign(High=np.nan),
        lambda f: f.assign(High=np.inf),
        lambda f: f.assign(High="").astype(object),
        lambda f: f.assign(Open=0.0),
        lambda f: f.assign(Close=-1.0),
        lambda f: f.assign(High=8.0),
        lambda f: f.assign(Open=12.0),
        lambda f: f.assign(Volume=-1.0),
        lambda f: f.assign(adj_close=0.0),
        lambda f: f.iloc[::-1],
        lambda f: pd.concat([f, f.iloc[-1:]]),
    ],
)
def test_every_bad_row_comes_with_place_and_remedy(make):
    with pytest.raises(DataError) as caught:
        data.resolve({"A": make(frame(DAYS))})
    assert caught.value.where.startswith("DataFrame 'A', row ")
    assert "column '" in caught.value.where
    assert caught.value.hint


HOURS = pd.date_range("2024-01-02 14:00", periods=5, freq="h")


def test_times_with_and_without_a_zone_do_not_mix_across_frames():
    zoned = frame(HOURS.tz_localize("America/New_York"))
    with pytest.raises(DataError) as caught:
        data.resolve({"A": zoned, "B": frame(HOURS)})
    assert caught.value.code == "MIXED_TIME_ZONES"
    assert "the times of 'A' name a time zone and those of 'B' do not (B)" in str(caught.value)
    # two zones are two ways to write the same times, and a date needs none
    london = frame(HOURS.tz_localize("America/New_York").tz_convert("Europe/London"))
    assert data.resolve({"A": zoned, "B": london}).notes == ()
    days = {"A": frame(DAYS.tz_localize("America/New_York")), "B": frame(DAYS)}
    opens = [own.open_time for own in data.resolve(days).bars.values()]
    np.testing.assert_array_equal(opens[0], opens[1])


def test_a_symbol_that_never_meets_the_others_is_a_warning():
    market = data.resolve({"A": frame(DAYS), "B": frame(DAYS[2:]), "C": frame(["2010-01-04", "2010-01-05"])})
    assert [(n.code, n.level) for n in market.notes] == [("time_zone_assumed", "info"), ("no_overlap", "warning")]
    assert market.notes[1].text == (
        "no time in common with the other symbols: C 2010-01-04 to 2010-01-05; "
        "others: A 2024-01-02 to 2024-01-08, B 2024-01-04 to 2024-01-08"
    )


@pytest.mark.parametrize(
    "other",
    [
        ["2010-01-04", "2010-01-05"],  # other years
        ["2023-12-28", "2023-12-29", "2024-01-09", "2024-01-10"],  # around the first symbol's, never on its days
    ],
)
def test_symbols_that_never_meet_are_an_error(other):
    with pytest.raises(DataError) as caught:
        data.resolve({"A": frame(DAYS), "B": frame(other)})
    assert caught.value.code == "NO_OVERLAP"
    assert "A 2024-01-02 to 2024-01-08, B " + other[0] in str(caught.value)
    assert "time zones" in caught.value.hint


def test_symbols_meet_where_any_time_is_shared():
    two = frame(["2023-12-28", "2023-12-29", "2024-01-04", "2024-01-09", "2024-01-10"])
    assert [n.code for n in data.resolve({"A": frame(DAYS), "B": two}).notes] == ["time_zone_assumed"]
    minutes = pd.date_range("2024-01-02 14:00", periods=3, freq="30min")
    with pytest.raises(DataError, match="no time in common"):
        data.resolve({"A": frame(minutes), "B": frame(minutes + pd.Timedelta("10min"))})


def test_a_dict_keeps_its_order_and_may_start_late():
    market = data.resolve({"ZZZ": frame(DAYS), "AAA": frame(DAYS[2:])})
    assert (market.name, market.symbols) == ("DATA", ("ZZZ", "AAA"))
    assert [len(market.bars[s]) for s in market.symbols] == [5, 3]
    assert market.calendar == "XNYS"


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({}, "NO_ROWS", "empty"),
        ({"A": [1]}, "BAD_DATA_TYPE", "the value for 'A' is a list"),
        ({1: frame(DAYS)}, "BAD_SYMBOL", "1 is not a name"),
        ({"A": frame(DAYS), "B": frame(DAYS).drop(columns="Low")}, "MISSING_COLUMN", "DataFrame 'B'"),
        ({"A": frame(DAYS), "B": frame(pd.date_range("2024-01-02", periods=5, freq="h"))}, "MIXED_TIMEFRAMES", "A: 1d, B: 1h"),
        ({"A": frame(DAYS), "B": frame(DAYS, **{"Adj Close": 5.0})}, "MIXED_ADJUSTMENT", "(A)"),
        (5, "BAD_DATA_TYPE", "data is a int"),
        ([frame(DAYS)], "BAD_DATA_TYPE", "data is a list"),
    ],
)  # fmt: skip
def test_bad_collections_are_named(given, code, says):
    with pytest.raises(DataError) as caught:
        data.resolve(given)
    assert (caught.value.code, says in str(caught.value)) == (code, True), str(caught.value)


@pytest.mark.parametrize(
    ("index", "timeframe", "calendar", "periods", "first_close", "last_close"),
    [
        (pd.date_range("2024-01-02", periods=5, freq="B"), "1d", "XNYS", 252, "2024-01-02T21:00", "2024-01-08T21:00"),
        # New Year is no session, so days are UTC days
        (pd.date_range("2024-01-01", periods=5, freq="B"), "1d", "weekdays", 252, "2024-01-02T00:00", "2024-01-06T00:00"),
        (pd.date_range("2024-01-02", periods=7), "1d", "24/7", 365, "2024-01-03T00:00", "2024-01-09T00:00"),
        # before the exchange's calendar is known
        (pd.date_range("1955-01-03", periods=5), "1d", "weekdays", 252, "1955-01-04T00:00", "1955-01-08T00:00"),
        (pd.date_range("2024-01-02", periods=3, freq="7D"), "1w", "weekdays", 52, "2024-01-09T00:00", "2024-01-23T00:00"),
        (pd.date_range("2024-01-01", periods=3, freq="MS"), "1mo", "weekdays", 12, "2024-02-01T00:00", "2024-04-01T00:00"),
        (pd.date_range("2024-01-01", periods=4, freq="4h"), "4h", "weekdays", 252, "2024-01-01T04:00", "2024-01-01T16:00"),
        (pd.date_range("2024-01-06", periods=4, freq="15min"), "15min", "24/7", 365, "2024-01-06T00:15", "2024-01-06T01:00"),
        (pd.date_range("2024-01-02", periods=4, freq="30s"), "30s", "weekdays", 252, "2024-01-02T00:00", "2024-01-02T00:02"),
        (pd.DatetimeIndex(["2024-01-02"]), "1d", "XNYS", 252, "2024-01-02T21:00", "2024-01-02T21:00"),
    ],
)  # fmt: skip
def test_time_frames_and_calendars(index, timeframe, calendar, periods, first_close, last_close):
    market = data.resolve(frame(index))
    assert (market.timeframe, market.calendar, market.periods_per_year) == (timeframe, calendar, periods)
    closes = market.bars["DATA"].close_time.astype("M8[us]")
    assert (str(closes[0])[:16], str(closes[-1])[:16]) == (first_close, last_close)
    assert market.sessions[0] == market.bars["DATA"].session[0]
    assert market.sessions[-1] >= market.bars["DATA"].session[-1] + 40
    assert (np.diff(market.sessions) > 0).all()


def test_months_keep_their_day():
    market = data.resolve(frame(["2024-01-15", "2024-02-15", "2024-03-15"]))
    closes = market.bars["DATA"].close_time.astype("M8[us]").astype("M8[D]")
    assert [str(c) for c in closes] == ["2024-02-15", "2024-03-15", "2024-04-15"]


@pytest.mark.parametrize(
    ("end", "bars", "last"),
    [
        ("2010-12-31", 2727, "2010-12-31"),
        ("2011-01-01", 2727, "2010-12-31"),
        (date(2010, 12, 31), 2727, "2010-12-31"),
        (datetime(2010, 12, 31), 2727, "2010-12-31"),
        (pd.Timestamp("2010-12-31"), 2727, "2010-12-31"),
        (np.datetime64("2010-12-31"), 2727, "2010-12-31"),
        ("2010-12-31 20:59", 2726, "2010-12-30"),  # before the close
        ("2010-12-31 21:00", 2727, "2010-12-31"),
        ("2010-12-31T16:00:00-05:00", 2727, "2010-12-31"),
        ("2030-01-01", 3270, "2013-03-01"),
    ],
)
def test_end_is_included_and_cuts(end, bars, last):
    whole = data.resolve("us-equities-daily/AAPL")
    market = data.resolve("us-equities-daily/AAPL", end=end)
    own = market.bars["AAPL"]
    assert len(own) == bars
    assert str(own.session[-1].astype("M8[D]")) == last
    assert len(own.open) == len(own.close_time) == len(own.volume) == bars
    # the identity and the prices are those of the whole data
    assert market.dataset_hash == whole.dataset_hash
    assert own.close[0] == whole.bars["AAPL"].close[0]


def test_start_cuts_nothing():
    market = data.resolve("us-equities-daily/AAPL", start="2010-01-01", end="2010-12-31")
    assert str(market.bars["AAPL"].session[0].astype("M8[D]")) == "2000-03-01"
    assert isinstance(market, MarketData)
    assert len(data.resolve(market, end="2005-12-30").bars["AAPL"]) == 1468


def test_a_start_with_a_time_is_compared_with_closes():
    assert data.resolve("us-equities-daily/AAPL", start="2013-03-01 21:00").symbols == ("AAPL",)
    with pytest.raises(DataError, match="no bar at or after start"):
        data.resolve("us-equities-daily/AAPL", start="2013-03-01 21:01")


def test_symbols_without_a_bar_are_left_out_and_named():
    market = data.resolve("us-equities-daily", end="2010-12-31")
    assert market.symbols == ("AAPL", "GOOG", "IBM", "MSFT")
    assert market.notes[-1].text == "no bars until 2010-12-31, left out: FB"


@pytest.mark.parametrize(
    ("bounds", "code", "says"),
    [
        ({"start": "2013-03-02"}, "BAD_RANGE", "us-equities-daily has bars from 2000-03-01 to 2013-03-01"),
        ({"end": "2000-02-29"}, "BAD_RANGE", "us-equities-daily has bars from 2000-03-01 to 2013-03-01"),
        ({"start": "2010-01-04", "end": "2010-01-03"}, "BAD_RANGE", "start (2010-01-04) is after end"),
        (
            {"start": "2010-01-02", "end": "2010-01-03"},
            "BAD_RANGE",
            "and until end (2010-01-03)",
        ),  # a weekend
        ({"start": "yesterday"}, "BAD_DATE", "start='yesterday' is not a date"),
        ({"start": "2010-02-30"}, "BAD_DATE", "2010-02-30"),
        ({"end": 20101231}, "BAD_DATE", "end=20101231"),
        ({"end": pd.NaT}, "BAD_DATE", "NaT"),
    ],
)
def test_bad_bounds_are_named(bounds, code, says):
    with pytest.raises(DataError) as caught:
        data.resolve("us-equities-daily", **bounds)
    assert (caught.value.code, says in str(caught.value)) == (code, True), str(caught.value)


def test_raw_apple_looks_split_on_its_two_dates():
    raw = data.load("us-equities-daily/AAPL").to_pandas().drop(columns="adj_close")
    market = data.resolve(raw)
    assert market.prices == "as given"
    warning = market.notes[-1]
    assert (warning.code, warning.level) == ("looks_like_split", "warning")
    assert warning.text == "looks like a split: DATA on 2000-06-21, 2005-02-28"


@pytest.mark.parametrize(
    ("closes", "volumes", "found"),
    [
        ([100, 50], [10, 20], 1),  # 2:1, twice the shares
        ([100, 200], [20, 10], 1),  # 1:2
        ([100, 66], [10, 15], 1),  # 3:2 within 2 %
        ([100, 50], [10, 200], 0),  # a crash: far more traded than a split explains
        ([100, 80], [10, 12], 0),  # a bad day
        ([100, 50], [0, 0], 1),  # volume unknown
    ],
)
def test_what_looks_like_a_split(closes, volumes, found):
    prices = np.array(closes, dtype=float)
    given = pd.DataFrame(
        {"open": prices, "high": prices, "low": prices, "close": prices, "volume": volumes}, index=DAYS[:2]
    )
    assert [n.code for n in data.resolve(given).notes].count("looks_like_split") == found


def test_many_splits_are_counted():
    prices = np.array([100.0, 50, 25, 12.5, 6.25])
    given = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), prices), index=DAYS)
    assert data.resolve(given).notes[-1].text.endswith("2024-01-03, 2024-01-04, 2024-01-05 and 1 more")
