"""Times in every form become the right instant; what is doubtful is said."""

from __future__ import annotations

import datetime as dt
import io
import zoneinfo
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from alphintra.errors import DataError
from alphintra.ingest.guessing import recalled
from alphintra.ingest.mapping import Mapping
from alphintra.ingest.zones import Localizer, clock_of

from tests.sdk.ingest import workbooks
from tests.sdk.ingest.conftest import Desk, places, rows

UTC = dt.UTC
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "UTC",
                                  "Africa/Casablanca", "America/Sao_Paulo"])  # fmt: skip
def test_local_times_are_those_of_the_standard_library(zone: str) -> None:
    """Every half hour of three years, and each hour of 1900 to 2100 on the days of a change."""
    own = zoneinfo.ZoneInfo(zone)
    start = dt.datetime(2018, 12, 31)
    local = [start + dt.timedelta(minutes=30 * n) for n in range(48 * 366)]
    for low in clock_of(zone).low.tolist():
        day = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=low)
        local += [day + dt.timedelta(hours=h) for h in (-3, 3)]
    epoch = dt.datetime(1970, 1, 1)
    stamps = np.array([round((when - epoch) / dt.timedelta(microseconds=1)) for when in local], dtype=np.int64)
    utc, gaps, folds = Localizer(zone, repeats=True).to_utc(stamps, ["X"], np.zeros(len(stamps), dtype=np.int64))
    doubtful = set(gaps.tolist()) | set(folds.tolist())
    for n, when in enumerate(local):
        ahead = own.utcoffset(when)
        assert ahead is not None
        folded = own.utcoffset(when.replace(fold=1))
        assert (n in doubtful) == (ahead != folded)
        if n not in doubtful:
            assert utc[n] == stamps[n] - ahead // dt.timedelta(microseconds=1)


def minutes(first: dt.datetime, count: int) -> list[dt.datetime]:
    """UTC minutes."""
    return [first.replace(tzinfo=UTC) + dt.timedelta(minutes=n) for n in range(count)]


@pytest.mark.parametrize("order", ["by symbol", "by time", "newest first"])
def test_an_hour_that_comes_twice_is_told_by_the_order_of_rows(order: str, desk: Desk) -> None:
    stamps = minutes(dt.datetime(2024, 11, 3, 4, 30), 180)  # 00:30 in New York, across the change at 06:00 UTC
    bars = [(symbol, when) for symbol in ("A", "B") for when in stamps]
    if order == "by time":
        bars.sort(key=lambda own: own[1])
    elif order == "newest first":
        bars.sort(key=lambda own: own[1], reverse=True)
    lines = [f"{symbol},{when.astimezone(NEW_YORK):%Y-%m-%d %H:%M},1" for symbol, when in bars]
    path = desk.write("x.csv", "symbol,time,close\n" + "\n".join(lines) + "\n")
    staged = desk.read(path, zone="America/New_York")
    found = rows(staged)
    for symbol in ("A", "B"):
        assert [row["time"] for row in found if row["symbol"] == symbol] == [own.replace(tzinfo=None) for own in stamps]
    assert staged.counts == {"TS_DST_FOLD": 2 * 120}
    assert staged.findings[0].severity == "warning"


def test_a_time_that_does_not_exist_is_said(desk: Desk) -> None:
    path = desk.write("x.csv", "time,close\n2024-03-10 01:59,1\n2024-03-10 02:30,2\n2024-03-10 03:30,3\n")
    staged = desk.read(path, zone="America/New_York")
    assert places(staged) == [("TS_DST_GAP", "x.csv, row 2 (line 3), column 'time'")]
    assert (staged.findings[0].symbol, staged.findings[0].time) == ("x", "2024-03-10T02:30:00")
    assert [row["time"].strftime("%H:%M") for row in rows(staged)] == ["06:59", "07:30", "07:30"]


CELLS = {
    "2020-01-02T09:30:00+05:30": ("2020-01-02 04:00:00", {}),
    "2020-01-02 09:30:00.25 -0500": ("2020-01-02 14:30:00.250000", {}),
    "2020-01-02T14:30:00Z": ("2020-01-02 14:30:00", {}),
    "1577975400": ("2020-01-02 14:30:00", {}),
    "1577975400.25": ("2020-01-02 14:30:00.250000", {}),
    "1577975400250": ("2020-01-02 14:30:00.250000", {}),
    "1577975400250001": ("2020-01-02 14:30:00.250001", {}),
    "1577975400250001999": ("2020-01-02 14:30:00.250001", {}),
    "20200102 093000": ("2020-01-02 14:30:00", {"zone": "America/New_York"}),
    "202001020930": ("2020-01-02 14:30:00", {"zone": "America/New_York"}),
    "01/13/2020 9:30 AM": ("2020-01-13 14:30:00", {"zone": "America/New_York"}),
    "13.01.2020 09:30": ("2020-01-13 14:30:00", {"zone": "America/New_York"}),
    "Jan 13, 2020 09:30:01": ("2020-01-13 14:30:01", {"zone": "America/New_York"}),
}


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_is_its_instant(cell: str, desk: Desk) -> None:
    wanted, changes = CELLS[cell]
    staged = desk.read(desk.write("x.csv", f'time,close\n"{cell}",1\n'), **changes)
    assert str(rows(staged)[0]["time"]) == wanted
    assert staged.counts == ({"TS_PRECISION": 1} if cell.endswith("999") else {})


def test_a_fraction_may_be_absent(desk: Desk) -> None:
    path = desk.write("x.csv", "time,close\n2020-01-02T09:30:00,1\n2020-01-02T09:30:00.5,2\n2020-01-02T09:30:01,3\n")
    staged = desk.read(path, zone="UTC")
    assert [row["time"].microsecond for row in rows(staged)] == [0, 500_000, 0]


@pytest.mark.parametrize("cell,day", [("13-Jan-2020", 13), ("20200102", 2), ("2020/1/2", 2), ("13/01/20", 13),
                                      ("1577923200000", 2), ("January 13, 2020", 13)])  # fmt: skip
def test_a_cell_is_its_day(cell: str, day: int, desk: Desk) -> None:
    staged = desk.read(desk.write("x.csv", f'date,close\n"{cell}",1\n'))
    assert rows(staged)[0]["date"] == dt.date(2020, 1, day)


def test_who_says_which_is_the_day_and_which_the_month_is_not_told_that_it_could_be_otherwise(desk: Desk) -> None:
    path = desk.write("x.csv", "date,close\n01/02/2020,1\n03/04/2020,2\n")
    guess = desk.inspect(path).guess
    (asked,) = guess.questions
    assert (asked.field, asked.choices) == ("columns[0].format", ("%d/%m/%Y", "%m/%d/%Y"))
    assert places(desk.read_as(path, guess.mapping)) == [("TS_AMBIGUOUS", "x.csv, column 'date'")]
    for form, days in (("%d/%m/%Y", [(1, 2), (3, 4)]), ("%m/%d/%Y", [(2, 1), (4, 3)])):
        date, close = guess.mapping.columns
        mapping = replace(guess.mapping, columns=(replace(date, format=form, stated=True), close))
        staged = desk.read_as(path, Mapping.from_json(mapping.to_json()))
        assert staged.counts == {}
        assert [(row["date"].day, row["date"].month) for row in rows(staged)] == days
        # Of the next file of such columns it is known; not where that one is in another format after all.
        later = desk.inspect(desk.write("later.csv", "date,close\n05/06/2021,1\n07/08/2021,1\n")).guess
        assert recalled(later, mapping).mapping.columns[0] == mapping.columns[0]
        other = desk.inspect(desk.write("other.csv", "date,close\n05.06.2021,1\n07.08.2021,1\n")).guess
        assert not recalled(other, mapping).mapping.columns[0].stated


def test_an_epoch_in_another_unit_is_said(desk: Desk) -> None:
    path = desk.write("x.csv", "time,close\n1577975400,1\n1577975460,2\n")
    mapping = desk.inspect(path).guess.mapping
    for form, rule, said in (
        ("epoch:ms", "TS_UNIT", "as epoch:ms the times begin in 1970; as epoch:s they are in 2001 to 2100"),
        ("epoch:us", "TS_UNIT", "as epoch:us the times begin in 1970; as epoch:s they are in 2001 to 2100"),
    ):
        columns = (replace(mapping.columns[0], format=form), mapping.columns[1])
        staged = desk.read_as(path, replace(mapping, columns=columns))
        assert [(own.rule, own.message) for own in staged.findings] == [(rule, said)]
    path = desk.write("ms.csv", "time,close\n1577975400000,1\n")
    with pytest.raises(DataError, match="no row could be read: the time is out of range as epoch:s") as caught:
        desk.read_as(path, mapping)
    assert (caught.value.code, caught.value.where) == ("TS_UNIT", "ms.csv, row 1 (line 2), column 'time'")


def test_a_date_and_a_clock_that_lost_its_zero(desk: Desk) -> None:
    path = desk.write("x.csv", "Date,Time,Close\n20200102,93000,1\n20200102,100000,2\n")
    staged = desk.read(path, zone="America/New_York")
    assert [row["time"].hour for row in rows(staged)] == [14, 15]


def test_a_day_with_a_time_of_day_is_a_finding(desk: Desk) -> None:
    lines = [f"2020-01-{day:02} 00:00,1\n" for day in range(1, 20)] + ["2020-01-20 09:30,1\n"]
    path = desk.write("x.csv", "time,close\n" + "".join(lines))
    mapping = replace(desk.inspect(path).guess.mapping, resolution="date")
    staged = desk.read_as(path, mapping)
    assert places(staged) == [("TS_PARSE", "x.csv, row 20 (line 21), column 'time'")]


@pytest.mark.parametrize(
    "cell,zone,wanted",
    [
        ("29.04.2020 08:30", "America/New_York", dt.datetime(2020, 4, 29, 12, 30)),
        # What has a day alone is known when the day is over.
        ("29.04.2020", "America/New_York", dt.datetime(2020, 4, 30, 4)),
        ("29.04.2020", None, dt.datetime(2020, 4, 30)),
        ("2020-04-29T08:30-04:00", None, dt.datetime(2020, 4, 29, 12, 30)),
    ],
)
def test_when_a_value_was_known_is_a_time_of_its_own(cell: str, zone: str, wanted: dt.datetime, desk: Desk) -> None:
    text = f"period,released_at,gdp\n2020-03-31,{cell},1.5\n2020-06-30,soon,2\n2020-09-30,,3\n"
    staged = desk.read(desk.write("x.csv", text), zone=zone)
    known = [row["known_at"] and row["known_at"].astimezone(UTC).replace(tzinfo=None) for row in rows(staged)]
    assert known == [wanted, None]
    assert places(staged) == [("TS_PARSE", "x.csv, row 2 (line 3), column 'released_at'")]


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_times_of_typed_files(desk: Desk) -> None:
    when = dt.datetime(2020, 1, 2, 14, 30, 0, 1, tzinfo=UTC)
    zoned = pa.array([when], pa.timestamp("ns", "America/New_York"))
    staged = desk.read(desk.write("zoned.parquet", parquet(time=zoned, close=[1.0])))
    assert rows(staged)[0]["time"] == when.replace(tzinfo=None)
    looked = desk.inspect(desk.write("zoned.parquet", parquet(time=zoned, close=[1.0])))
    assert [own.field for own in looked.guess.questions if own.field == "zone"] == []
    assert looked.to_json()["kinds"] == ["zoned", "number"]
    naive = desk.write("naive.parquet", parquet(time=pa.array([dt.datetime(2020, 1, 2, 9, 30)]), close=[1.0]))
    assert [own.field for own in desk.inspect(naive).guess.questions] == ["zone", "label"]
    assert rows(desk.read(naive, zone="America/New_York"))[0]["time"] == dt.datetime(2020, 1, 2, 14, 30)
    # A day is that of the zone in which it was written, as pandas keeps Yahoo's days.
    midnight = pa.array([dt.datetime(2020, 1, 2, 5, tzinfo=UTC)], pa.timestamp("us", "America/New_York"))
    days = desk.read(desk.write("days.parquet", parquet(Date=midnight, Close=pa.array([1.5], pa.float32()))))
    assert rows(days) == [{"symbol": "days", "date": dt.date(2020, 1, 2), "close": 1.5}]
    numbers = desk.read(desk.write("int.parquet", parquet(date=[20200102], ticker=["TRUE"], close=[2])))
    assert rows(numbers) == [{"symbol": "TRUE", "date": dt.date(2020, 1, 2), "close": 2.0}]


def test_times_of_spreadsheets(desk: Desk) -> None:
    table = [
        ["time", "symbol", "close"],
        [dt.datetime(2020, 1, 2, 9, 30), 600_000.0, 1.5],
        [],
        [dt.datetime(2020, 1, 2), 7.0, "#N/A"],
    ]
    notes = [["about"], ["these are notes"]]
    path = desk.write("x.xlsx", workbooks.xlsx(table, hidden=notes))
    staged = desk.read(path, zone="UTC")
    found = rows(staged)
    assert [(own["symbol"], own["time"], own["close"]) for own in found] == [
        ("600000", dt.datetime(2020, 1, 2, 9, 30), 1.5), ("7", dt.datetime(2020, 1, 2), None),
    ]  # fmt: skip
    assert [(own.rule, own.severity) for own in staged.findings] == [("SYMBOL_COERCED", "warning")]
    assert [(own.rule, own.message) for own in desk.inspect(path).findings] == [
        ("SHEET_SKIPPED", "the sheet 'Notes' is left out: it is hidden"),
    ]  # fmt: skip
    assert [row["_row"] for row in found] == [1, 3]
