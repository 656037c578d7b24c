# ruff: noqa: E501 - one case a line
"""CSV and Parquet files given directly: what is read, and what is refused with which words."""

import gzip

import alphintra.data as data
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from alphintra.errors import DataError

HEADER = "date,open,high,low,close,volume\n"
GOOD = HEADER + "2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12,200\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="prices.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def stamps(values):
    return [str(v)[:16] for v in values.astype("M8[us]")]


def test_a_daily_file_of_exchange_sessions(write):
    market = data.resolve(write(GOOD, "ACME.csv"))
    assert (market.name, market.symbols) == ("ACME", ("ACME",))
    bars = market.bars["ACME"]
    assert stamps(bars.open_time) == ["2024-01-02T14:30", "2024-01-03T14:30"]
    assert stamps(bars.close_time) == ["2024-01-02T21:00", "2024-01-03T21:00"]
    assert [list(c) for c in (bars.open, bars.high, bars.low, bars.close, bars.volume)] == [
        [10, 11],
        [12, 13],
        [9, 10],
        [11, 12],
        [100, 200],
    ]
    assert (market.timeframe, market.calendar, market.periods_per_year) == ("1d", "XNYS", 252)
    assert (market.asset_class, market.prices, market.lot, market.tick) == ("STOCKS", "as given", 1.0, None)
    assert [(n.code, n.text, n.level) for n in market.notes] == [
        ("time_zone_assumed", "time zone: assumed UTC", "info")
    ]
    assert not market.closes_only


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("date", "Date").replace("open", "OPEN"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace("\n", "\r\n"),
        GOOD.rstrip("\n"),
        GOOD.replace("2024-01-03", "\n\n2024-01-03"),
        "\ufeff" + GOOD,
        "\n" + GOOD,
        GOOD.replace("date", ""),
        GOOD.replace("date", "Unnamed: 0"),
        GOOD.replace("date", "timestamp").replace("2024-01-02", " 2024-01-02 "),
        GOOD.replace("2024-01-0", "2024/1/"),
        GOOD.replace("2024-01-0", "2024010"),
        GOOD.replace("2024-01-02", '"2024-01-02"'),
        "name,note,date,open,high,low,close,volume\na,x,2024-01-02,10,12,9,11,100\n"
        "b,y,2024-01-03,11,13,10,12,200\n",
    ],
)
def test_other_ways_to_write_the_same_file(write, text):
    expected = data.resolve(write(GOOD, ["good", "..", "prices.csv"][-1]))
    got = data.resolve(write(text))
    assert got.dataset_hash == expected.dataset_hash
    np.testing.assert_array_equal(got.bars["prices"].close, [11, 12])


def test_gzip_and_parquet_give_the_same_data(write, tmp_path):
    expected = data.resolve(write(GOOD)).dataset_hash
    assert data.resolve(write(gzip.compress(GOOD.encode()), "prices.csv.gz")).dataset_hash == expected
    frame = pd.read_csv(write(GOOD), parse_dates=["date"])
    for number, table in enumerate(
        (frame, frame.set_index("date"), frame.set_index("date").rename_axis(None))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        table.to_parquet(folder / "prices.parquet")
        assert data.resolve(folder / "prices.parquet").dataset_hash == expected


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        ("2024-01-02,10,9,8,9.5,1", "BAD_OHLC", "the high 9 is below the open 10 (prices.csv, row 1 (line 2), column 'high')"),
        ("2024-01-02,10,12,9,13,1", "BAD_OHLC", "the high 12 is below the close 13"),
        ("2024-01-02,10,9,12,10,1", "BAD_OHLC", "the high 9 is below the low 12"),
        ("2024-01-02,10,12,10.5,11,1", "BAD_OHLC", "the low 10.5 is above the open 10"),
        ("2024-01-02,11,12,10.5,10,1", "BAD_OHLC", "column 'low'"),
        ("2024-01-02,10,12,9,11,1\n\n2024-01-03,10,twelve,9,11,1", "NOT_A_NUMBER", "'twelve' is not a number (prices.csv, row 2 (line 4), column 'high')"),
        ('2024-01-02,"1,000",1200,900,1100,1', "NOT_A_NUMBER", "without thousands separators"),
        ("2024-01-02,10,1_2,9,11,1", "NOT_A_NUMBER", "'1_2'"),
        ("2024-01-02,10,12,9,11,N/A", "NOT_A_NUMBER", "column 'volume'"),
        ("2024-01-02,10,,9,11,1", "EMPTY_CELL", "the cell is empty (prices.csv, row 1 (line 2), column 'high')"),
        ("2024-01-02,10,nan,9,11,1", "NOT_FINITE", "the value is nan (prices.csv, row 1 (line 2), column 'high')"),
        ("2024-01-02,10,inf,9,11,1", "NOT_FINITE", "the value is inf"),
        ("2024-01-02,10,12,-9,11,1\n2024-01-03,10,12,-9,11,1", "NOT_POSITIVE", "the price is -9 (2 rows are like this)"),
        ("2024-01-02,0,12,0,11,1", "NOT_POSITIVE", "column 'open'"),
        ("2024-01-02,10,12,9,11,-1", "NEGATIVE_VOLUME", "the volume is -1"),
        ("2024-01-02,10,12,9,11", "ROW_SHAPE", "the row has 5 cells where the header has 6 (prices.csv, row 1 (line 2))"),
        ("2024-01-02,10,12,9,11,1,7", "ROW_SHAPE", "7 cells"),
        ("2024-01-02,10,12,9,11,1\n2024-01-02,10,12,9,11,1", "DUPLICATE_TIME", "2024-01-02T00:00:00 occurs twice (prices.csv, row 2 (line 3), column 'date')"),
        ("2024-01-03,10,12,9,11,1\n2024-01-02,10,12,9,11,1", "UNSORTED_TIMES", "Sort the rows"),
        (",10,12,9,11,1", "EMPTY_CELL", "the time is missing"),
        ("soon,10,12,9,11,1", "BAD_TIME", "'soon' is not a time (prices.csv, row 1 (line 2), column 'date')"),
        ("2024-02-30,10,12,9,11,1", "BAD_TIME", "'2024-02-30'"),
        ("30/02/2024,10,12,9,11,1", "BAD_TIME", "'30/02/2024'"),
        ("2024-01-02,10,12,9,11,1\n" + "x" * 99 + ",10,12,9,11,1", "BAD_TIME", "x…'"),
        ("77,10,12,9,11,1", "BAD_TIME", "'77' is not a time"),
        ("123456789012345678,10,12,9,11,1\n12345678901,10,12,9,11,1", "BAD_TIME", "since 1970"),
        ("01/02/2024,10,12,9,11,1", "AMBIGUOUS_DATE", "day and month cannot be told apart in '01/02/2024'"),
        ("2024-01-02T00:00Z,10,12,9,11,1\n2024-01-03T00:00,10,12,9,11,1", "MIXED_TIME_ZONES", "some times name a zone and some do not"),
        ("2024-01-02T00:00Z,10,12,9,11,1\n2024-01-03T00:00+05:00,10,12,9,11,1", "MIXED_TIME_ZONES", "different time zones (prices.csv, row 2 (line 3), column 'date')"),
        ("2024-01-02T00:00+00:00,10,12,9,11,1\n2024-01-03T00:00+01:00,10,12,9,11,1", "MIXED_TIME_ZONES", "Convert them to UTC"),
        ("2024-13-02T00:00Z,10,12,9,11,1", "BAD_TIME", "'2024-13-02T00:00'"),
        ("2024-01-01,10,12,9,11,1\n2024-04-01,10,12,9,11,1", "UNKNOWN_TIMEFRAME", "91 days apart"),
    ],
)  # fmt: skip
def test_bad_cells_are_named(write, rows, code, says):
    with pytest.raises(DataError) as caught:
        data.resolve(write(HEADER + rows + "\n"))
    assert (caught.value.code, says in str(caught.value)) == (code, True), str(caught.value)


@pytest.mark.parametrize(
    ("content", "name", "code", "says"),
    [
        ("", "prices.csv", "EMPTY_FILE", "the file is empty (prices.csv)"),
        ("\n\n", "prices.csv", "EMPTY_FILE", "empty"),
        (HEADER, "prices.csv", "NO_ROWS", "no rows below the header (prices.csv)"),
        ("date,open,high,close\n2024-01-02,1,1,1\n", "prices.csv", "MISSING_COLUMN", "missing column low (prices.csv)"),
        ("open,high,low,close\n1,1,1,1\n", "prices.csv", "MISSING_COLUMN", "The time is a DatetimeIndex or a column"),
        ("symbol,close\nA,1\n", "prices.csv", "MISSING_COLUMN", "give a dict of frames"),
        (",".join(f"c{i}" for i in range(30)) + "\n" + "1," * 29 + "1\n", "prices.csv", "MISSING_COLUMN", "and 10 more"),
        (HEADER.replace("volume", "Close") + "2024-01-02,1,1,1,1,1\n", "prices.csv", "DUPLICATE_COLUMN", "'close' and 'Close'"),
        (HEADER.replace("volume", "time") + "2024-01-02,1,1,1,1,1\n", "prices.csv", "DUPLICATE_COLUMN", "could be the time: 'date' and 'time'"),
        (HEADER.encode() + b"2024-01-02,\xff,1,1,1,1\n", "prices.csv", "ENCODING", "not UTF-8 (prices.csv, line 2)"),
        (HEADER.encode() + b"2024-01-02,\x00,1,1,1,1\n", "prices.csv", "ENCODING", "NUL"),
        (b"PK\x03\x04", "prices.parquet", "DAMAGED_FILE", "not a readable Parquet file"),
        (b"\x1f\x8b", "prices.csv.gz", "DAMAGED_FILE", "gzip"),
        (GOOD, "prices.xlsx", "UNKNOWN_FILE_TYPE", ".csv, .csv.gz, .parquet, .pq"),
    ],
)  # fmt: skip
def test_bad_files_are_named(write, content, name, code, says):
    with pytest.raises(DataError) as caught:
        data.resolve(write(content, name))
    assert (caught.value.code, says in str(caught.value)) == (code, True), str(caught.value)


def test_a_folder_is_not_a_file(tmp_path):
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(DataError, match="is not a file"):
        data.resolve(tmp_path / "x.csv")


def test_intraday_times_are_bar_opens_in_utc(write):
    rows = "".join(f"2024-01-02 09:{minute},10,12,9,11,1\n" for minute in (30, 31, 33))
    market = data.resolve(write(HEADER + rows))
    bars = market.bars["prices"]
    assert stamps(bars.open_time) == ["2024-01-02T09:30", "2024-01-02T09:31", "2024-01-02T09:33"]
    assert stamps(bars.close_time) == ["2024-01-02T09:31", "2024-01-02T09:32", "2024-01-02T09:34"]
    assert (market.timeframe, market.calendar, market.periods_per_year) == ("1min", "weekdays", 252)


@pytest.mark.parametrize(
    ("first", "second", "opens"),
    [
        ("2024-01-02T09:30:00Z", "2024-01-02T09:31:00Z", "2024-01-02T09:30"),
        ("2024-01-02 09:30 UTC", "2024-01-02 09:31 UTC", "2024-01-02T09:30"),
        ("2024-01-02T09:30:00-05:00", "2024-01-02T09:31:00-05:00", "2024-01-02T14:30"),
        ("2024-01-02 09:30+0530", "2024-01-02 09:31+0530", "2024-01-02T04:00"),
        ("1704187800", "1704187860", "2024-01-02T09:30"),
        ("1704187800000", "1704187860000", "2024-01-02T09:30"),
        ("1704187800000000", "1704187860000000", "2024-01-02T09:30"),
        ("1704187800000000000", "1704187860000000000", "2024-01-02T09:30"),
    ],
)
def test_zones_and_epochs_leave_nothing_to_assume(write, first, second, opens):
    market = data.resolve(write(HEADER + f"{first},10,12,9,11,1\n{second},10,12,9,11,1\n"))
    assert stamps(market.bars["prices"].open_time)[0] == opens
    assert (market.timeframe, market.notes) == ("1min", ())


@pytest.mark.parametrize(
    ("first", "second", "opens"),
    [
        ("13/02/2024 9:30", "13/02/2024 09:31", "2024-02-13T09:30"),
        ("02-13-2024 09:30:00", "02-13-2024 09:31:00", "2024-02-13T09:30"),
        ("2024/02/13 09:30", "2024/02/13 09:31", "2024-02-13T09:30"),
        ("2024-02-13T09:30:00.5", "2024-02-13T09:31:00.5", "2024-02-13T09:30"),
        ("02/02/2024 09:30", "02/02/2024 09:31", "2024-02-02T09:30"),  # day and month are the same
    ],
)
def test_other_forms_of_times(write, first, second, opens):
    market = data.resolve(write(HEADER + f"{first},10,12,9,11,1\n{second},10,12,9,11,1\n"))
    assert stamps(market.bars["prices"].open_time)[0] == opens
    assert market.notes[0].text == "time zone: assumed UTC"


def test_daylight_saving_is_one_zone_not_a_mixture(write):
    text = HEADER + "2024-03-08 00:00:00-05:00,10,12,9,11,1\n2024-03-11 00:00:00-04:00,10,12,9,11,1\n"
    market = data.resolve(write(text))
    bars = market.bars["prices"]
    assert [str(s.astype("M8[D]")) for s in bars.session] == ["2024-03-08", "2024-03-11"]
    assert stamps(bars.open_time) == ["2024-03-08T14:30", "2024-03-11T13:30"]
    assert market.notes == ()


def test_a_volume_of_zeros_is_unknown_and_a_single_zero_is_not(write):
    zeros = data.resolve(write(GOOD.replace(",100", ",0").replace(",200", ",0")))
    assert zeros.bars["prices"].volume is None
    single = data.resolve(write(GOOD.replace(",100", ",0")))
    assert list(single.bars["prices"].volume) == [0, 200]
    assert data.resolve(write(GOOD.replace("volume", "other"))).bars["prices"].volume is None


def test_an_adjusted_close_is_traded(write):
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,40,44,36,40,10,100\n2024-01-03,20,22,18,20,10,300\n"
    market = data.resolve(write(text))
    bars = market.bars["prices"]
    # factors 10/40 and 10/20, rescaled to 1 at the last bar: 1/2 and 1
    assert (list(bars.open), list(bars.close), list(bars.volume)) == ([20, 20], [20, 20], [200, 300])
    assert market.prices == "adjusted, dividends reinvested"
    with pytest.raises(DataError, match="the price is 0"):
        data.resolve(write(text.replace(",10,300", ",0,300")))


def test_unusual_parquet_types(tmp_path):
    path = tmp_path / "prices.parquet"
    prices = {name: pa.array([10, 10], pa.int32()) for name in ("open", "high", "low")}
    close = pa.array(["10", "10"]).cast(pa.decimal128(6, 2))
    when = pa.array(["2024-01-02", "2024-01-03"])

    def write(**columns):
        pq.write_table(pa.table({"date": when, **prices, "close": close, **columns}), path)
        return data.resolve(path)

    assert list(write().bars["prices"].close) == [10.0, 10.0]
    assert write(date=when.dictionary_encode()).calendar == "XNYS"
    assert write(date=when.cast(pa.date32())).calendar == "XNYS"
    assert write(close=pa.array(["10", "10"])).bars["prices"].close[0] == 10
    for column, code in [
        ({"close": pa.array([10.0, None])}, "EMPTY_CELL"),
        ({"close": pa.array(["10", None])}, "EMPTY_CELL"),
        ({"close": pa.array([True, False])}, "NOT_A_NUMBER"),
        ({"date": pa.array([1.5, 2.5])}, "BAD_TIME"),
        ({"date": pa.array(["2024-01-02", None])}, "EMPTY_CELL"),
    ]:
        with pytest.raises(DataError) as caught:
            write(**column)
        assert caught.value.code == code
