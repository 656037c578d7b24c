"""What a file does not say is asked in words that can be answered, or refused with what to do."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
from alphintra.errors import DataError

from tests.sdk.ingest.conftest import Desk, places, rows
from tests.sdk.ingest.test_guessing import at


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("ff.csv", ",Mkt-RF,RF\n201001,1.5,0.1\n201002,1.5,0.1\n", "Which column holds the time?"),
        ("cpi.csv", "month,cpi\n2020M01,1.5\n2020M02,1.6\n", "'month' is called so, but '2020M01' is in no format"),
        ("x.csv", "Date,Close\n43832,1.5\n43833,1.5\n", "'Date' is called so, but '43832' is in no format"),
        ("x.txt", "Date Close\n2020-01-02 1.5\n2020-01-03 1.6\n", "All of a line is one cell: commas, semicolons,"),
        ("x.csv", "id,amount_usd\n1234567890,1500000000\n1234567891,1500000001\n", "Which column holds the time?"),
    ],
)
def test_where_no_time_is_found_the_question_tells_why(name: str, text: str, said: str, desk: Desk) -> None:
    (asked,) = [own for own in desk.inspect(desk.write(name, text)).guess.questions if own.field == "columns"]
    assert said in asked.text


def test_days_alone_are_asked_about_where_times_of_day_cannot_be_read(desk: Desk) -> None:
    lines = "".join(f"2020-01-0{2 + n // 4},{n % 4}h,1.5\n" for n in range(8))
    (asked,) = desk.inspect(desk.write("AAPL.csv", "Date,Time,Close\n" + lines)).guess.questions
    assert asked.field == "columns"
    assert asked.text.startswith("Several rows have one day, and column 'Time' may hold their times of day")
    assert "'0h'" in asked.text
    days = "".join(f"2020-01-{2 + n:02},16h,1.5\n" for n in range(8))
    assert desk.inspect(desk.write("AAPL.csv", "Date,Time,Close\n" + days)).guess.questions == ()


@pytest.mark.parametrize(
    ("cells", "dated", "asked", "closes"),
    [
        (("149,123", "150,001"), "%d.%m.%Y", "Is 149,123 the number 149.123 (decimal sep", (149.123, 149_123)),
        (("149,123", "150,001"), "%Y-%m-%d", "Is 149,123 the number 149.123 (decimal sep", (149.123, 149_123)),
        (("3.019", "4.001"), "%d.%m.%Y", "Is 3.019 the number 3019 (decimal sep", (3_019, 3.019)),
        (("149.123", "150.001"), "%Y-%m-%d", "", 149.123),  # as everybody writes it
        (("149,12", "150,001"), "%d.%m.%Y", "", 149.12),
        (("0,123", "150,001"), "%d.%m.%Y", "", 0.123),
        (("1,149,123", "150,001"), "%Y-%m-%d", "", 1_149_123),
    ],
)
def test_three_decimals_are_no_thousand_unless_somebody_says_so(
    cells: tuple[str, str], dated: str, asked: str, closes: Any, desk: Desk
) -> None:
    """It is a factor of a thousand: a yen a dollar, 149,123, was read as 149123."""
    lines = [f"{dt.date(2020, 1, 30 + n):{dated}};{cell}" for n, cell in enumerate(cells)]
    path = desk.write("USDJPY.csv", "Date;Close\n" + "\n".join(lines) + "\n")
    guess = desk.inspect(path).guess
    assert [own.text[: len(asked)] for own in guess.questions] == ([asked] if asked else [])
    if not asked:
        assert rows(desk.read_as(path, guess.mapping))[0]["close"] == closes
        return
    assert (guess.questions[0].field, guess.questions[0].choices) == ("dialect.decimal", (",", "."))
    for decimal, thousands, close in ((",", ".", closes[0]), (".", ",", closes[1])):
        dialect = replace(guess.mapping.dialect, decimal=decimal, thousands=thousands)
        assert rows(desk.read_as(path, replace(guess.mapping, dialect=dialect)))[0]["close"] == close


def test_a_number_that_stands_for_nothing_is_nothing_in_every_format(desk: Desk) -> None:
    """Also where cells are read as text for the sake of symbols, and with white space around."""
    for name, text in (
        ("x.csv", "symbol,date,close,eps\nA,2020-01-02,1.5, -999\nA,2020-01-03,1.5,2\n"),
        ("y.csv", "date,close,eps\n2020-01-02,1.5, -999\n2020-01-03,1.5,2\n"),
        ("x.json", json.dumps([{"date": "2020-01-02", "close": 1.5, "eps": -999}])),
    ):
        first = rows(desk.read(desk.write(name, text), null_values=("-999",)))[0]
        assert (first["close"], first["eps"]) == (1.5, None)


def test_units_that_change_are_told_apart_where_they_are_said_to(desk: Desk) -> None:
    text = "open_time,close\n1735689599000,1\n1735689600000000,2\n1735689601,3\n1735689602000000500,4\n"
    staged = desk.read(desk.write("BTC.csv", text))
    seconds = [row["time"] - at(2025, 1, 1) for row in rows(staged)]
    assert seconds == [dt.timedelta(seconds=n) for n in range(-1, 3)]
    assert [(own.rule, own.row) for own in staged.findings] == [("TS_PRECISION", 4)]
    columns = desk.inspect(desk.write("BTC.csv", text)).guess.mapping.columns
    assert columns[0].format == "epoch:mixed"
    staged = desk.read(desk.write("BTC.csv", text), columns=(replace(columns[0], format="epoch:ms"), columns[1]))
    said = [own.message for own in staged.findings if own.rule == "TS_UNIT"]
    assert "the time is out of range as epoch:ms (choose epoch:mixed if its unit changes)" in said


def test_a_document_of_many_symbols_says_which_of_them_are_left_out(desk: Desk) -> None:
    bars = [{"t": f"2024-01-02T14:3{n}:00Z", "o": 1, "h": 2, "l": 0.5, "c": 1.5} for n in range(3)]
    path = desk.write("AAPL.json", json.dumps({"bars": {"AAPL": bars, "MSFT": bars}, "next_page_token": None}))
    staged = desk.read(path)
    assert (staged.rows, places(staged)) == (3, [("MEMBER_SKIPPED", "AAPL.json")])
    assert staged.findings[0].severity == "error"
    assert staged.findings[0].message == (
        "3 rows of the list bars.MSFT.item are left out: those of bars.AAPL.item are read"
    )


def test_rows_are_found_behind_what_tells_of_them(desk: Desk) -> None:
    """As pandas writes ``orient='table'``."""
    rows_of = [{"date": "2020-01-02T00:00:00.000Z", "close": 1.5}, {"date": "2020-01-03T00:00:00.000Z", "close": 2.5}]
    document = {"schema": {"fields": [{"name": "date", "type": "datetime"}]}, "data": rows_of}
    path = desk.write("AAPL.json", json.dumps(document))
    assert desk.inspect(path).guess.mapping.path == "data.item"
    assert [row["close"] for row in rows(desk.read(path))] == [1.5, 2.5]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"columns": ["close"], "index": [1577923200000], "data": [[1.5]]}, "stand beside them, as pandas' orient="),
        ({"close": {"1577923200000": 1.5}}, "the document holds no array of objects"),
        ({"t": [1577923200], "c": [1.5], "s": "ok"}, "the document holds no array of objects"),
        ({"chart": {"result": [{"timestamp": [1577923200], "indicators": {"quote": [{}]}}]}}, "no array of objects"),
    ],
)
def test_a_document_without_rows_is_refused_and_the_remedy_keeps_its_times(
    document: dict[str, Any], said: str, desk: Desk
) -> None:
    with pytest.raises(DataError) as caught:
        desk.inspect(desk.write("AAPL.json", json.dumps(document)))
    assert caught.value.code == "BAD_JSON"
    assert said in caught.value.message
    assert "df.reset_index().to_json(orient='records'" in (caught.value.hint or "")


def test_names_of_columns_tell_the_encoding(desk: Desk) -> None:
    """A few Chinese words resemble Russian ones: 开盘 is a column's name, ПЊХЬ is none."""
    lines = "".join(f"2020/01/{day:02}\t1\t2\t0.5\t1.5\n" for day in range(2, 9))
    text = "600000 浦发银行 日线 前复权\n日期\t开盘\t最高\t最低\t收盘\n" + lines
    guess = desk.inspect(desk.write("SH600000.txt", text.encode("gbk"))).guess
    (asked,) = guess.questions
    assert (asked.field, asked.choices[0]) == ("dialect.encoding", "gb18030")
    assert [column.role for column in guess.mapping.columns] == ["time", "open", "high", "low", "close"]


@pytest.mark.parametrize(
    ("stem", "choices"),
    [
        ("AAPL_1min", ("AAPL",)),
        ("intraday_5min_IBM", ("IBM",)),
        ("BTCUSDT_1_2024-01-01_2024-01-31", ("BTCUSDT",)),
        ("download_data", ()),
    ],
)
def test_what_a_name_may_mean_is_offered(stem: str, choices: tuple[str, ...], desk: Desk) -> None:
    look = desk.inspect(desk.write(f"{stem}.csv", "date,close\n2020-01-02,1\n2020-01-03,1\n"))
    (asked,) = look.guess.questions
    assert (asked.field, asked.choices) == ("symbol", choices)


@pytest.mark.parametrize(("start", "what"), [(b"\x93NUMPY", "a NumPy array"), (b"DBN\x01", "a Databento file")])
def test_a_file_that_is_no_table_is_called_what_it_is(start: bytes, what: str, desk: Desk) -> None:
    with pytest.raises(DataError, match=what) as caught:
        desk.inspect(desk.write("x.bin", start + bytes(range(256))))
    assert caught.value.code == "UNKNOWN_FILE_TYPE"


@pytest.mark.parametrize("name", ["HighTime", "fixing"])
def test_a_time_of_day_beside_days_that_are_rows_is_no_clock(name: str, desk: Desk) -> None:
    """Bars of days stay bars of days, whatever tells when their high was; a clock is what tells rows of a day apart."""
    text = f"Date,High,Close,{name}\n2020-01-02,2,1,10:15\n2020-01-03,2,1,11:30\n"
    mapping = desk.inspect(desk.write("X.csv", text)).guess.mapping
    assert [own.role for own in mapping.columns] == ["time", "high", "close", "text"]
    assert mapping.resolution == "date"


@pytest.mark.parametrize(("name", "role"), [
    ("volume_eth", "volume"), ("volume_ratio", "feature"), ("volume_ma20", "feature"), ("volume_24h", "feature"),
])  # fmt: skip
def test_a_volume_is_that_of_a_coin_and_no_ratio(name: str, role: str, desk: Desk) -> None:
    text = f"Date,High,Close,{name}\n2020-01-02,2,1,1.5\n2020-01-03,2,1,0.5\n"
    assert desk.inspect(desk.write("X.csv", text)).guess.mapping.columns[3].role == role
