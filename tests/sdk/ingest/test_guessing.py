"""Files in the habits of those who write market data: what is guessed, what is asked, and what is read."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from alphintra.errors import DataError
from alphintra.ingest.guessing import recalled
from alphintra.ingest.mapping import Mapping, fingerprint

from tests.sdk.ingest.conftest import Desk, rows


@dataclass(frozen=True)
class Shape:
    """A file, the roles of its columns, the fields of its mapping, what is asked, and its first row."""

    name: str
    text: str
    roles: str
    first: dict[str, Any]
    fields: dict[str, Any] = field(default_factory=dict)
    asked: tuple[str, ...] = ()


def at(*args: int) -> dt.datetime:
    return dt.datetime(*args)  # type: ignore[arg-type]


BAR = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5}
KNOWN_FROM = (
    "No column says from when these events were known: each from its own date on, or all from one date on?"
)
MINUTES = "On which zone's clocks are these times?"
SHAPES = {
    "Yahoo": Shape(
        "AAPL.csv",
        "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,1,2,0.5,1.5,1.4,100\n2020-01-03,1,2,0.5,null,1.4,100\n",
        "time open high low close adj_close volume",
        {"symbol": "AAPL", "date": dt.date(2020, 1, 2), **BAR, "adj_close": 1.4, "volume": 100.0},
        {"kind": "bars", "resolution": "date", "adjustment": "splits", "null_values": ("null",)},
    ),
    "yfinance, three rows of header": Shape(
        "download.csv",
        "Price,Close,High,Low,Open\nTicker,MSFT,MSFT,MSFT,MSFT\nDate,,,,\n2020-01-02,1.5,2,0.5,1\n"
        "2020-01-03,1.5,2,0.5,1\n",
        "time close high low open",
        {"symbol": "MSFT", "date": dt.date(2020, 1, 2), **BAR},
        {"symbol_from": "fixed", "symbol": "MSFT"},
    ),
    "yfinance, splits and dividends beside prices": Shape(
        "AAPL.csv",
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
        "2020-08-28 00:00:00-04:00,1,2,0.5,1.5,100,0.0,0.0\n2020-08-31 00:00:00-04:00,1,2,0.5,1.5,100,0.0,4.0\n",
        "time open high low close volume ignore ignore",
        {"symbol": "AAPL", "date": dt.date(2020, 8, 28), **BAR, "volume": 100.0},
        {"kind": "bars", "adjustment": "splits_and_dividends"},
    ),
    "Alpha Vantage, splits beside prices": Shape(
        "daily_adjusted_IBM.csv",
        "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient\n"
        "2020-08-31,1,2,0.5,1.5,1.4,100,0.0000,1.0\n2020-08-28,1,2,0.5,1.5,1.4,100,1.6300,1.0\n",
        "time open high low close adj_close volume ignore ignore",
        {"symbol": "daily_adjusted_IBM", "date": dt.date(2020, 8, 28), **BAR, "adj_close": 1.4, "volume": 100.0,
         "_row": 2},
        {"kind": "bars", "adjustment": "raw"},
    ),
    "Yahoo, splits alone": Shape(
        "AAPL.csv",
        "Date,Stock Splits\n2014-06-09,7:1\n2020-08-31,4:1\n",
        "time split",
        {"symbol": "AAPL", "date": dt.date(2014, 6, 9), "split": 7.0},
        {"kind": "reference", "resolution": "date"},
        (KNOWN_FROM,),
    ),
    "Nasdaq, dividends alone": Shape(
        "AAPL.csv",
        "Ex/EFF Date,Type,Cash Amount,Declaration Date,Record Date,Payment Date\n"
        "08/17/2020,Cash,$0.82,07/30/2020,08/20/2020,08/23/2020\n"
        "11/06/2020,Cash,$0.205,10/29/2020,11/09/2020,11/12/2020\n",
        "time ignore dividend known_at ignore ignore",
        {"symbol": "AAPL", "date": dt.date(2020, 8, 17), "dividend": 0.82,
         "known_at": dt.datetime(2020, 7, 31, tzinfo=dt.UTC)},
        {"kind": "reference", "resolution": "date"},
    ),
    "a ratio, and nothing that says split": Shape(
        "corporate.csv",
        "Ticker,Effective Date,Ratio\nAAPL,2020-08-31,4-for-1\nGE,2021-08-02,1-for-8\n",
        "symbol time split",
        {"symbol": "AAPL", "date": dt.date(2020, 8, 31), "split": 4.0},
        {"kind": "reference"},
        (KNOWN_FROM,),
    ),
    "dividends among other figures are features": Shape(
        "fundamentals.csv",
        "symbol,date,eps,dividend\nAAPL,2020-08-31,1.1,0.2\nMSFT,2020-08-31,2.1,0.5\n",
        "symbol time feature feature",
        {"symbol": "AAPL", "date": dt.date(2020, 8, 31), "eps": 1.1, "dividend": 0.2},
        {"kind": "features"},
    ),
    "yfinance, days with an offset": Shape(
        "SPY.csv",
        "Date,Open,High,Low,Close\n2020-03-06 00:00:00-05:00,1,2,0.5,1.5\n2020-03-09 00:00:00-04:00,1,2,0.5,1.5\n",
        "time open high low close",
        {"symbol": "SPY", "date": dt.date(2020, 3, 6), **BAR},
        {"resolution": "date"},
    ),
    "Binance without header": Shape(
        "BTCUSDT-1m-2024-01.csv",
        "1704067200000,1,2,0.5,1.5,10,1704067259999,15,3,5,7,0\n"
        "1704067260000,1,2,0.5,1.5,10,1704067319999,15,3,5,7,0\n",
        "time open high low close volume ignore feature feature feature feature ignore",
        {"symbol": "BTCUSDT", "time": at(2024, 1, 1), **BAR, "volume": 10.0, "quote_volume": 15.0, "trades": 3.0,
         "taker_buy_volume": 5.0, "taker_buy_quote_volume": 7.0},
        {"label": "open", "adjustment": "raw"},
    ),
    "Binance with header, in microseconds": Shape(
        "ETHUSDT-1h-2025-01.csv",
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,"
        "ignore\n"
        "1735689600000000,1,2,0.5,1.5,10,1735693199999999,15,3,5,7,0\n"
        "1735693200000000,1,2,0.5,1.5,10,1735696799999999,15,3,5,7,0\n",
        "time open high low close volume feature feature feature feature feature ignore",
        {"symbol": "ETHUSDT", "time": at(2025, 1, 1), **BAR, "volume": 10.0, "close_time": 1735693199999999.0,
         "quote_volume": 15.0, "count": 3.0, "taker_buy_volume": 5.0, "taker_buy_quote_volume": 7.0},
        {"label": "open"},
    ),
    "Binance trades": Shape(
        "BTCUSDT-trades-2024-01-01.csv",
        "1,42283.58,0.1,4228.3,1704067200000,True,True\n2,42283.59,0.1,4228.3,1704067200100,False,True\n",
        "ignore price size feature time text text",
        {"symbol": "BTCUSDT", "time": at(2024, 1, 1), "price": 42283.58, "size": 0.1, "column_4": 4228.3,
         "column_6": "True", "column_7": "True"},
        {"kind": "ticks"},
    ),
    "LEAN minutes": Shape(
        "20131007_spy_minute_trade.csv",
        "34200000,10000,20000,5000,15000,200\n34260000,10000,20000,5000,15000,100\n",
        "clock open high low close volume",
        {"symbol": "spy", "time": at(2013, 10, 7, 13, 30), **BAR, "volume": 200.0},
        {"date_in_name": True, "adjustment": "raw", "label": "open"},
        (MINUTES,),
    ),
    "LEAN days": Shape(
        "spy.csv",
        "19980102 00:00,10000,20000,5000,15000,200\n19980105 00:00,10000,20000,5000,15000,200\n",
        "time open high low close volume",
        {"symbol": "spy", "date": dt.date(1998, 1, 2), **BAR, "volume": 200.0},
    ),
    "MetaTrader 5": Shape(
        "EURUSD_M1_202001020000_202001022359.csv",
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2020.01.02\t09:30:00\t1\t2\t0.5\t1.5\t10\t0\t5\n2020.01.02\t09:31:00\t1\t2\t0.5\t1.5\t10\t0\t5\n",
        "date clock open high low close volume feature feature",
        {"symbol": "EURUSD", "time": at(2020, 1, 2, 14, 30), **BAR, "volume": 10.0, "VOL": 0.0, "SPREAD": 5.0},
        {"label": "open"},
        (MINUTES,),
    ),
    "MetaTrader 4 without header": Shape(
        "EURUSD60.csv",
        "2020.01.02,09:00,1,2,0.5,1.5,10\n2020.01.02,10:00,1,2,0.5,1.5,10\n",
        "date clock open high low close volume",
        {"symbol": "EURUSD60", "time": at(2020, 1, 2, 14), **BAR, "volume": 10.0},
        {},
        (MINUTES,),
    ),
    "Kaggle, all shares in one file": Shape(
        "all_stocks_5yr.csv",
        "date,open,high,low,close,volume,Name\n2013-02-08,1,2,0.5,1.5,10,AAL\n2013-02-11,1,2,0.5,1.5,10,AAL\n"
        "2013-02-08,1,2,0.5,1.5,10,TRUE\n2013-02-11,1,2,0.5,1.5,10,TRUE\n",
        "time open high low close volume symbol",
        {"symbol": "AAL", "date": dt.date(2013, 2, 8), **BAR, "volume": 10.0},
        {"symbol_from": "column"},
    ),
    "Kaggle, a share a file": Shape(
        "aapl.us.txt",
        "Date,Open,High,Low,Close,Volume,OpenInt\n1984-09-07,1,2,0.5,1.5,10,0\n1984-09-10,1,2,0.5,1.5,10,0\n",
        "time open high low close volume feature",
        {"symbol": "aapl", "date": dt.date(1984, 9, 7), **BAR, "volume": 10.0, "OpenInt": 0.0},
    ),
    "Kaggle, an index that pandas wrote": Shape(
        "prices.csv",
        ",Unnamed: 0,Date,Ticker,Close,target\n0,5,2020-01-02,A,1.5,0.1\n1,6,2020-01-03,A,1.5,0.2\n",
        "ignore ignore time symbol close label",
        {"symbol": "A", "date": dt.date(2020, 1, 2), "close": 1.5, "target": 0.1},
    ),
    "R, whose rows have a name": Shape(
        "GSPC.csv",
        '"GSPC.Open","GSPC.Close"\n"2020-01-02",1,1.5\n"2020-01-03",1,1.5\n',
        "time open close",
        {"symbol": "GSPC", "date": dt.date(2020, 1, 2), "open": 1.0, "close": 1.5},
        {"kind": "bars"},
    ),
    "CryptoDataDownload, newest first": Shape(
        "Binance_BTCUSDT_1h.csv",
        "https://www.CryptoDataDownload.com\nUnix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT\n"
        "1704070800000,2024-01-01 01:00:00,BTCUSDT,3,3,3,3,10,15\n"
        "1704067200000,2024-01-01 00:00:00,BTCUSDT,1,2,0.5,1.5,10,15\n",
        "time ignore symbol open high low close volume feature",
        {"symbol": "BTCUSDT", "time": at(2024, 1, 1), **BAR, "volume": 10.0, "Volume USDT": 15.0, "_row": 2},
        {},
        ("Do times say when a bar opens or when it closes?",),
    ),
    "Investing.com": Shape(
        "TSLA Historical Data.csv",
        '"Date","Price","Open","High","Low","Vol.","Change %"\n"01/02/2020","1.5","1","2","0.5","47.66M","-2.85%"\n'
        '"01/13/2020","1,430.26","1,424.50","1,430.70","421.71","1.5K","2.85%"\n',
        "time close open high low volume feature",
        {"symbol": "TSLA", "date": dt.date(2020, 1, 2), **BAR, "volume": 47_660_000.0, "Change %": -0.0285},
    ),
    "Nasdaq": Shape(
        "HistoricalData_AAPL.csv",
        "Date,Close/Last,Volume,Open,High,Low\n01/28/2021,$1.5,10,$1,$2,$0.5\n"
        "01/29/2021,$137.09,10,$139.52,$141.99,$136.7\n",
        "time close volume open high low",
        {"symbol": "AAPL", "date": dt.date(2021, 1, 28), **BAR, "volume": 10.0},
    ),
    "HistData": Shape(
        "DAT_ASCII_EURUSD_M1_2012.csv",
        "20120201 093000;1;2;0.5;1.5;0\n20120201 093100;1;2;0.5;1.5;0\n",
        "time open high low close volume",
        {"symbol": "EURUSD", "time": at(2012, 2, 1, 14, 30), **BAR, "volume": 0.0},
        {"zone": "Etc/GMT+5", "label": "open"},
    ),
    "Dukascopy": Shape(
        "EURUSD.csv",
        "Gmt time,Open,High,Low,Close,Volume\n13.01.2020 00:00:00.000,1,2,0.5,1.5,10\n"
        "13.01.2020 00:01:00.000,1,2,0.5,1.5,10\n",
        "time open high low close volume",
        {"symbol": "EURUSD", "time": at(2020, 1, 13), **BAR, "volume": 10.0},
        {"zone": "UTC", "label": "open"},
    ),
    "Stooq": Shape(
        "aapl.us.txt",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "AAPL.US,D,20200102,000000,1,2,0.5,1.5,10,0\nAAPL.US,D,20200103,000000,1,2,0.5,1.5,10,0\n",
        "symbol text date clock open high low close volume feature",
        {"symbol": "AAPL.US", "PER": "D", "date": dt.date(2020, 1, 2), **BAR, "volume": 10.0, "OPENINT": 0.0},
        {"resolution": "date"},
    ),
    "FRED": Shape(
        "DGS10.csv",
        "DATE,DGS10\n1962-01-02,4.06\n1962-01-03,.\n",
        "time feature",
        {"symbol": "DGS10", "date": dt.date(1962, 1, 2), "DGS10": 4.06},
        {"kind": "features", "null_values": (".",)},
    ),
    "Decimal commas": Shape(
        "BMW.csv",
        "Datum;Eröffnung;Hoch;Tief;Schlusskurs\n02.01.2020;1,0;2,0;0,5;1,5\n"
        "13.01.2020;1.001,5;1.002,0;1.000,5;1.001,5\n",
        "time open high low close",
        {"symbol": "BMW", "date": dt.date(2020, 1, 2), **BAR},
    ),
    "Letters, as web interfaces write them": Shape(
        "AAPL.json",
        '[{"t":1577975400000,"o":1,"h":2,"l":0.5,"c":1.5,"v":10},'
        '{"t":1577975460000,"o":1,"h":2,"l":0.5,"c":1.5,"v":10}]',
        "time open high low close volume",
        {"symbol": "AAPL", "time": at(2020, 1, 2, 14, 30), **BAR, "volume": 10.0},
        {"format": "json"},
        ("Do times say when a bar opens or when it closes?",),
    ),
    "Klines over REST": Shape(
        "BTCUSDT.json",
        '[[1499040000000,"1","2","0.5","1.5","10",1499043599999,"15",3,"5","7","0"],'
        '[1499043600000,"1","2","0.5","1.5","10",1499047199999,"15",3,"5","7","0"]]',
        "time open high low close volume ignore feature feature feature feature ignore",
        {"symbol": "BTCUSDT", "time": at(2017, 7, 3), **BAR, "volume": 10.0, "quote_volume": 15.0, "trades": 3.0,
         "taker_buy_volume": 5.0, "taker_buy_quote_volume": 7.0},
        {"format": "json", "label": "open"},
    ),
    "Features with short names": Shape(
        "factors.csv",
        "month,a,b,min\n2020-01-31,1,2,3\n2020-02-29,4,5,6\n",
        "time feature feature feature",
        {"symbol": "factors", "date": dt.date(2020, 1, 31), "a": 1.0, "b": 2.0, "min": 3.0},
        {"kind": "features"},
    ),
    "A last price beside quotes": Shape(
        "ES.csv",
        "timestamp,bid,ask,last,volume\n2020-01-02T09:30:00Z,1.0,1.1,1.05,3\n2020-01-02T09:30:01Z,1.0,1.1,1.05,3\n",
        "time bid ask price size",
        {"symbol": "ES", "time": at(2020, 1, 2, 9, 30), "bid": 1.0, "ask": 1.1, "price": 1.05, "size": 3.0},
        {"kind": "ticks"},
    ),
    "Quotes with microseconds": Shape(
        "quotes.csv",
        "timestamp,symbol,bid,ask,bid_size,ask_size\n2020-01-02T09:30:00.123456Z,ES,1.0,1.1,100,200\n"
        "2020-01-02T09:30:00.2+00:00,ES,1.0,1.1,100,200\n",
        "time symbol bid ask bid_size ask_size",
        {"symbol": "ES", "time": at(2020, 1, 2, 9, 30, 0, 123456), "bid": 1.0, "ask": 1.1, "bid_size": 100.0,
         "ask_size": 200.0},
        {"kind": "ticks"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("habit", SHAPES)
def test_a_habit_is_recognised(habit: str, desk: Desk) -> None:
    shape = SHAPES[habit]
    path = desk.write(shape.name, shape.text)
    found = desk.inspect(path)
    mapping = found.guess.mapping
    assert " ".join(column.role for column in mapping.columns) == shape.roles
    assert {name: getattr(mapping, name) for name in shape.fields} == shape.fields
    assert tuple(own.text for own in found.guess.questions if own.field != "symbol") == shape.asked
    said = {reason.field for reason in found.guess.reasons}
    assert all(f"columns[{place}].role" in said for place in range(len(mapping.columns))), "each guess has its reason"
    assert all(reason.reason and 0 < reason.confidence <= 1 for reason in found.guess.reasons)
    answers = {MINUTES: {"zone": "America/New_York"}, KNOWN_FROM: {"known_from": "ex_date"}}
    for asked in shape.asked:
        mapping = replace(mapping, **answers.get(asked, {}))
    staged = desk.read_as(path, mapping)
    assert rows(staged)[0] == shape.first
    assert staged.counts == {}


def test_day_and_month_are_told_apart_by_the_whole_column(desk: Desk) -> None:
    """The day that decides is far beyond every sample."""
    lines = [f"{1 + n % 12:02}/{1 + n // 12 % 12:02}/{1990 + n // 144 % 30},{n}\n" for n in range(100_000)]
    lines[60_000] = "13/02/2019,1\n"
    found = desk.inspect(desk.write("x.csv", "Date,Close\n" + "".join(lines)))
    assert found.guess.mapping.columns[0].format == "%d/%m/%Y"
    assert not found.guess.questions
    lines[60_000] = "02/13/2019,1\n"
    found = desk.inspect(desk.write("x.csv", "Date,Close\n" + "".join(lines)))
    assert found.guess.mapping.columns[0].format == "%m/%d/%Y"
    lines[60_000] = "02/02/2019,1\n"
    found = desk.inspect(desk.write("x.csv", "Date,Close\n" + "".join(lines)))
    assert [own.field for own in found.guess.questions] == ["columns[0].format"]


def test_day_or_month_is_asked_by_a_date_that_tells_them_apart(desk: Desk) -> None:
    look = desk.inspect(desk.write("x.csv", "Date,Close\n01/01/2020,1\n01/02/2020,2\n03/04/2020,3\n"))
    (asked,) = [own for own in look.guess.questions if own.field == "columns[0].format"]
    wanted = "Is 01/02/2020 the day 2020-02-01 (%d/%m/%Y) or 2020-01-02 (%m/%d/%Y)? All dates could be either."
    assert asked.text == wanted


def test_times_without_a_zone_are_not_assumed_to_be_utc(desk: Desk) -> None:
    path = desk.write("x.csv", "time,close\n2020-01-02 09:30:00,1\n2020-01-02 09:31:00,2\n")
    found = desk.inspect(path)
    assert [own.field for own in found.guess.questions] == ["zone", "label"]
    with pytest.raises(DataError, match=r"the times name no time zone \(x\.csv\)") as caught:
        desk.read_as(path, found.guess.mapping)
    assert caught.value.code == "TS_TZ_MISSING"


@pytest.mark.parametrize(
    ("header", "encoding", "word"),
    [
        ("Dato;Åpning;Høy;Lav;Slutt", "cp1252", "Åpning"),
        ("Datum;Eröffnung;Hoch;Tief;Schluß", "cp1252", "Eröffnung"),
        ("Date;Ouverture;Plus haut;Clôture;Clôture €", "cp1252", "Clôture"),
        ("Data;Otwarcie;Najwyższy;Najniższy;Zamknięcie", "cp1250", "Najwyższy"),
    ],
)
def test_an_encoding_is_proposed_and_asked_for(header: str, encoding: str, word: str, desk: Desk) -> None:
    """Each choice is shown as it reads, and any of them can be chosen, whatever the columns' names were read as."""
    lines = [header, *(f"{day:02}.01.2020;1,5;2,5;0,5;2,0" for day in range(2, 29))]
    path = desk.write("x.csv", "\n".join(lines).encode(encoding))
    found = desk.inspect(path)
    (asked,) = [own for own in found.guess.questions if own.field == "dialect.encoding"]
    assert f"'{word}' in {encoding}" in asked.text
    assert encoding in asked.choices
    assert len(asked.choices) <= 6
    dialect = replace(found.guess.mapping.dialect, encoding=encoding)
    staged = desk.read_as(path, replace(found.guess.mapping, dialect=dialect))
    assert (staged.rows, staged.counts) == (27, {})


def test_another_encoding_is_no_excuse_for_other_columns(desk: Desk) -> None:
    text = "Dato;Åpning;Høy\n02.01.2020;1,5;2\n03.01.2020;1,5;2\n"
    mapping = desk.inspect(desk.write("x.csv", text.encode("cp1252"))).guess.mapping
    other = desk.write("y.csv", text.replace("Høy", "Lav").encode("cp1252"))
    with pytest.raises(DataError, match="The mapping was made for a file with other columns"):
        desk.read_as(other, replace(mapping, dialect=replace(mapping.dialect, encoding="cp1252")))


def test_words_are_read_in_the_encoding_that_was_chosen(desk: Desk) -> None:
    text = "Date,Close,Börse\n" + "".join(f"2020-01-{day:02},1.5,Düsseldorf für Größe\n" for day in range(1, 29))
    path = desk.write("x.csv", text.encode("cp1252"))
    found = desk.inspect(path)
    dialect = replace(found.guess.mapping.dialect, encoding="cp1252")
    *others, last = found.guess.mapping.columns
    columns = (*others, replace(last, name="Börse"))
    staged = desk.read_as(path, replace(found.guess.mapping, dialect=dialect, columns=columns))
    assert rows(staged)[0]["Börse"] == "Düsseldorf für Größe"


@pytest.mark.parametrize("encoding", ["no-such", "base64", "rot13", "a\0b", "undefined"])
def test_an_encoding_that_is_none_is_refused(encoding: str, desk: Desk) -> None:
    path = desk.write("x.csv", "Date,Close\n2020-01-02,1\n")
    dialect = replace(desk.inspect(path).guess.mapping.dialect, encoding=encoding)
    with pytest.raises(DataError) as caught:
        desk.read(path, dialect=dialect)
    assert caught.value.code in ("BAD_MAPPING", "ENCODING")


def test_a_mapping_is_remembered_by_its_columns(desk: Desk) -> None:
    first = desk.inspect(desk.write("a.csv", "Date,Close\n2020-01-02,1\n"))
    same = desk.inspect(desk.write("b.csv.gz", gzip.compress(b" date ,CLOSE\n2021-01-02,5\n2021-01-03,5\n")))
    other = desk.inspect(desk.write("c.csv", "Close,Date\n1,2020-01-02\n"))
    assert first.fingerprint == same.fingerprint != other.fingerprint
    assert fingerprint(["", ""], ["text", "number"]) != fingerprint(["", ""], ["number", "number"])


def test_what_was_decided_once_is_not_asked_again(desk: Desk) -> None:
    """Another day's file of the same columns: other delimiter, other dates, other symbol; the decisions stay."""
    first = desk.inspect(desk.write("ES.csv", "time,close,odd\n01/02/2020 09:30,1,2\n03/04/2020 09:30,1,2\n"))
    assert [own.field for own in first.guess.questions] == ["columns[0].format", "zone", "label"]
    columns = first.guess.mapping.columns
    decided = replace(
        first.guess.mapping,
        columns=(replace(columns[0], format="%m/%d/%Y %H:%M"), columns[1], replace(columns[2], role="ignore", name="")),
        zone="America/Chicago",
        label="close",
        adjustment="raw",
    )
    path = desk.write("NQ.csv", "time;close;odd\n01/02/2021 09:30;1,5;2\n03/04/2021 09:30;1,5;2\n")
    second = desk.inspect(path)
    assert second.fingerprint == first.fingerprint
    found = recalled(second.guess, Mapping.from_json(decided.to_json()))
    assert found.questions == ()
    assert rows(desk.read_as(path, found.mapping)) == [
        {"symbol": "NQ", "time": at(2021, 1, 2, 15, 30), "close": 1.5},
        {"symbol": "NQ", "time": at(2021, 3, 4, 15, 30), "close": 1.5},
    ]
    assert (found.mapping.label, found.mapping.adjustment) == ("close", "raw")


def test_an_archive_of_many_files_is_one_dataset(desk: Desk) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, close in (("b/zz.us.txt", 1.0), ("a/mm.us.txt", 2.0), ("b/aa.us.txt", 3.0)):
            archive.writestr(name, f"Date,Close\n2020-01-02,{close}\n2020-01-03,x\n2020-01-06,{close + 5}\n")
        archive.writestr("README.md", "# about")
        archive.writestr("symbols.csv", "Symbol,Security Name\nAA,Alcoa\n")
    path = desk.write("stocks.zip", sink.getvalue())
    found = desk.inspect(path)
    members = ("a/mm.us.txt", "b/aa.us.txt", "b/zz.us.txt", "symbols.csv")
    assert found.tables == tuple(f"stocks.zip/{name}" for name in members)
    assert found.table == found.tables[0]
    staged = desk.read_as(path, found.guess.mapping)
    assert [(row["symbol"], row["close"], row["_row"], row["_file"]) for row in rows(staged)] == [
        ("aa", 3.0, 1, 1), ("aa", 8.0, 3, 1), ("mm", 2.0, 1, 0),
        ("mm", 7.0, 3, 0), ("zz", 1.0, 1, 2), ("zz", 6.0, 3, 2),
    ]  # fmt: skip
    assert [own.name for own in staged.sources] == [f"stocks.zip/{own}.us.txt" for own in ("a/mm", "b/aa", "b/zz")]
    assert staged.counts == {"MEMBER_SKIPPED": 2, "SCHEMA_TYPE": 3}
    (skipped,) = [own for own in staged.findings if own.file == "stocks.zip/symbols.csv"]
    assert (skipped.severity, skipped.message) == (
        "error", "the member is left out: column 1 is 'Symbol', not 'Date'",
    )  # fmt: skip


def _days(head: str, *symbols: str, days: tuple[int, ...] = (2, 3, 6)) -> str:
    lines = [f"{symbol},2020-01-{day:02},1,2,0.5,1.5" for symbol in symbols for day in days]
    return "\n".join([f"{head},date,open,high,low,close", *lines]) + "\n"


@pytest.mark.parametrize(
    ("head", "symbols"),
    [
        ("symbol", ("NA",)),  # the word for nothing is a share of a bank
        ("Symbol", ("NA", "TRUE")),
        ("Name", ("NA",)),
        ("symbol", ("東京1",)),
        ("銘柄", ("東京1", "東京2")),
        ("銘柄コード", ("7203", "6758")),
        ("股票代码", ("000001",)),
        ("Ticker Symbol", ("BRK.B",)),
        ("ts_code", ("000001.SZ",)),
        ("base_symbol", ("ETH",)),
        ("ISIN", ("US0378331005",)),
        # No name says so, but the rows of one time are told apart by it.
        ("", ("AAPL", "MSFT")),
        ("what", ("東京1", "東京2")),
        ("what", ("NA", "MSFT")),
        ("what", ("000001", "000002")),
    ],
)
def test_a_column_of_symbols_is_found_by_name_or_by_shape(head: str, symbols: tuple[str, ...], desk: Desk) -> None:
    path = desk.write("prices.csv", _days(head, *symbols))
    guess = desk.inspect(path).guess
    assert [column.role for column in guess.mapping.columns] == ["symbol", "time", "open", "high", "low", "close"]
    assert (guess.mapping.symbol_from, guess.questions) == ("column", ())
    assert [row["symbol"] for row in rows(desk.read_as(path, guess.mapping))] == sorted(
        [symbol for symbol in symbols for _ in range(3)], key=str.encode
    )


@pytest.mark.parametrize(
    ("head", "cells", "role"),
    [
        ("symbol", ("", "-"), "feature"),  # nothing is no symbol
        ("name", ("nan", "None"), "feature"),  # what pandas writes for nothing
        ("side", ("buy", "sell"), "text"),
        ("what", ("7203", "6758"), "feature"),  # numbers, as far as can be told
        ("what", ("a text of many words, as news have them", "another"), "text"),
    ],
)
def test_what_is_no_symbol_is_not_taken_for_one(head: str, cells: tuple[str, ...], role: str, desk: Desk) -> None:
    guess = desk.inspect(desk.write("prices.csv", _days(head, *cells))).guess
    assert guess.mapping.columns[0].role == role
    assert [own.field for own in guess.questions] == ["symbol"]


def test_one_text_in_all_rows_is_offered_as_the_symbol_and_not_taken(desk: Desk) -> None:
    (asked,) = desk.inspect(desk.write("prices.csv", _days("what", "東京1"))).guess.questions
    assert (asked.field, asked.choices) == ("symbol", ("東京1",))
    (asked,) = desk.inspect(desk.write("prices.csv", _days("currency", "USD"))).guess.questions
    assert (asked.field, asked.choices) == ("symbol", ())
