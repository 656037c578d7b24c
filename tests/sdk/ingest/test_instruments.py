"""Tables in which each instrument has columns of its own: told as such, and read as pandas melts them."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from alphintra.errors import DataError
from alphintra.ingest import recalled
from alphintra.ingest.inspecting import Inspection
from alphintra.ingest.limits import Limits
from alphintra.ingest.mapping import Mapping
from alphintra.ingest.reading import Staged

from tests.sdk.ingest import workbooks
from tests.sdk.ingest.conftest import Desk, places, rows

FIELDS = ["Close", "High", "Low", "Open", "Volume"]
TICKERS = ["AAPL", "BRK-B", "LOW", "^GSPC"]


def frame(tickers: list[str], days: int = 40, seed: int = 0, fields: list[str] | None = None) -> pd.DataFrame:
    """Prices as yfinance downloads them: of each ticker some days are missing."""
    rng = np.random.default_rng(seed)
    index = pd.bdate_range("2020-01-02", periods=days, name="Date")
    close = 100 * np.exp(rng.normal(0, 0.01, (days, len(tickers))).cumsum(0)).round(4)
    factors = {"Close": 1.0, "Adj Close": 0.9, "High": 1.25, "Low": 0.75, "Open": 1.125, "Volume": 1_000.0}
    columns = {(own, name): close[:, i] * factors[own] for own in fields or FIELDS for i, name in enumerate(tickers)}
    found = pd.DataFrame(columns, index=index).round(4)
    found.columns = found.columns.set_names(["Price", "Ticker"])
    for ticker in tickers:
        gone = rng.random(days) < 0.2
        found.loc[gone, pd.IndexSlice[:, ticker]] = np.nan
    return found


def unnamed(wide: pd.DataFrame) -> pd.DataFrame:
    return wide.rename_axis(index=None, columns=[None, None])


def joined(wide: pd.DataFrame, form: str) -> pd.DataFrame:
    return wide.set_axis([form.format(field=field, symbol=symbol) for field, symbol in wide.columns], axis=1)


def by_ticker(wide: pd.DataFrame) -> pd.DataFrame:
    return wide.swaplevel(axis=1).sort_index(axis=1)


def shuffled(wide: pd.DataFrame) -> pd.DataFrame:
    order = list(wide.columns)
    random.Random(1).shuffle(order)
    return wide[order]


def mangled(text: str) -> str:
    """As one row of names that pandas makes different."""
    return pd.read_csv(io.StringIO(text)).to_csv(index=False)


def sheet(wide: pd.DataFrame) -> bytes:
    """As pandas writes it: a cell of the upper level spans all columns that it is about."""
    upper = [field for field, _ in wide.columns]
    spans = [None if place and upper[place - 1] == own else own for place, own in enumerate(upper)]
    body = [
        [day.date(), *(None if np.isnan(value) else value for value in values)]
        for day, values in zip(wide.index, wide.to_numpy().tolist(), strict=True)
    ]
    head = [["Price", *spans], ["Ticker", *(symbol for _, symbol in wide.columns)], ["Date", *[None] * len(upper)]]
    return workbooks.xlsx([*head, *body])


def packed(wide: pd.DataFrame, kind: str) -> bytes:
    sink = io.BytesIO()
    if kind == "feather":
        joined(wide, "{symbol}.{field}").reset_index().to_feather(sink)
    else:
        wide.to_parquet(sink)
    return sink.getvalue()


def records(wide: pd.DataFrame, *, lines: bool) -> bytes:
    flat = joined(wide, "{field} {symbol}").reset_index().assign(Date=lambda own: own["Date"].astype(str))
    return flat.to_json(orient="records", lines=lines).encode()


WAYS: dict[str, tuple[str, Callable[[pd.DataFrame], Any]]] = {
    "yfinance": ("multi.csv", lambda wide: wide.to_csv()),
    "yfinance, by ticker": ("grouped.csv", lambda wide: by_ticker(wide).to_csv()),
    "yfinance, read and written by pandas": ("again.csv", lambda wide: mangled(wide.to_csv())),
    "yfinance by ticker, read and written by pandas": ("x.csv", lambda wide: mangled(by_ticker(wide).to_csv())),
    "levels without names": ("unnamed.csv", lambda wide: unnamed(wide).to_csv()),
    "levels without names, by ticker": ("x.csv", lambda wide: unnamed(by_ticker(wide)).to_csv()),
    "columns in any order": ("shuffled.csv", lambda wide: shuffled(wide).to_csv()),
    "German": ("de.csv", lambda wide: wide.to_csv(sep=";", decimal=",")),
    "AAPL.Close": ("dots.csv", lambda wide: joined(wide, "{symbol}.{field}").to_csv()),
    "Close_AAPL": ("flat.csv", lambda wide: joined(wide, "{field}_{symbol}").to_csv()),
    "AAPL Close": ("spaces.csv", lambda wide: joined(wide, "{symbol} {field}").to_csv()),
    "('Close', 'AAPL')": ("tuples.csv", lambda wide: joined(wide, "('{field}', '{symbol}')").to_csv()),
    "Excel": ("multi.xlsx", sheet),
    "Parquet": ("multi.parquet", lambda wide: packed(wide, "parquet")),
    "Feather": ("multi.feather", lambda wide: packed(wide, "feather")),
    "JSON": ("multi.json", lambda wide: records(wide, lines=False)),
    "JSON lines": ("multi.jsonl", lambda wide: records(wide, lines=True)),
}


def melted(wide: pd.DataFrame) -> pd.DataFrame:
    """What it is as a row for each day and instrument, by pandas."""
    long = wide.stack("Ticker", future_stack=True).dropna(how="all").reset_index()
    long.columns = [str(own).lower().replace("ticker", "symbol").replace(" ", "_") for own in long.columns]
    order = [symbol.encode() for symbol in long["symbol"]]
    return long.assign(order=order).sort_values(["order", "date"]).drop(columns="order").reset_index(drop=True)


def staged_frame(staged: Staged) -> pd.DataFrame:
    found = pd.concat([pq.read_table(path).to_pandas() for path in staged.files], ignore_index=True)
    return found.assign(date=pd.to_datetime(found["date"]), symbol=found["symbol"].astype(str))


@pytest.mark.parametrize("way", WAYS)
def test_columns_of_each_instrument_are_read_as_pandas_melts_them(way: str, desk: Desk) -> None:
    name, written = WAYS[way]
    wide = frame(TICKERS)
    data = written(wide)
    path = desk.write(name, data)
    look = desk.inspect(path)
    assert look.guess.questions == ()
    mapping = look.guess.mapping
    assert (mapping.kind, mapping.symbol_from, mapping.resolution) == ("bars", "columns", "date")
    assert sorted(mapping.instruments) == sorted(TICKERS)
    assert Mapping.from_json(mapping.to_json()) == mapping
    staged = desk.read_as(path, mapping)
    found, wanted = staged_frame(staged), melted(wide)
    pd.testing.assert_frame_equal(
        found[wanted.columns], wanted, check_dtype=False, check_exact=True, check_column_type=False
    )
    # The row in the file: of each day, whose ever it is.
    day = {own: place for place, own in enumerate(wide.index, start=1)}
    assert found["_row"].tolist() == [day[own] for own in found["date"]]
    assert (staged.rows, staged.symbols, staged.counts, staged.numbered) == (len(wanted), 4, {}, True)


@pytest.mark.parametrize("fields", [FIELDS, ["Adj Close", *FIELDS]])
def test_prices_of_yfinance_are_adjusted_as_it_does_by_itself(fields: list[str], desk: Desk) -> None:
    wide = frame(["AAPL", "MSFT"], fields=fields)
    one = wide.loc[:, pd.IndexSlice[:, ["AAPL"]]]
    wanted = "splits" if "Adj Close" in fields else "splits_and_dividends"
    for name, data in (("m.csv", wide.to_csv()), ("m.parquet", packed(wide, "parquet")), ("one.csv", one.to_csv())):
        assert desk.inspect(desk.write(name, data)).guess.mapping.adjustment == wanted
    assert desk.inspect(desk.write("x.csv", unnamed(wide).to_csv())).guess.mapping.adjustment == "unknown"


@pytest.mark.parametrize("seed", range(6))
def test_any_shape_is_read_as_pandas_melts_it(seed: int, desk: Desk) -> None:
    """Instruments with other fields, days without any, in batches that end in the middle of a row."""
    rng = random.Random(seed)
    tickers = [f"T{place}{rng.choice('ABC')}" for place in range(rng.randint(2, 60))]
    wide = frame(tickers, days=rng.randint(3, 400), seed=seed)
    gone = [own for own in wide.columns if own[0] != "Close" and rng.random() < 0.2]
    wide = wide.drop(columns=gone)
    wide.iloc[1] = np.nan
    path = desk.write("x.csv", wide.to_csv())
    staged = desk.read(path)
    wanted = melted(wide)
    found = staged_frame(staged)
    pd.testing.assert_frame_equal(found[wanted.columns], wanted, check_dtype=False, check_column_type=False)
    assert staged.counts == {}


def test_places_of_what_cannot_be_read_are_those_of_the_file(desk: Desk) -> None:
    """A cell takes the row of its instrument alone; a time that of all, and is said once."""
    path = desk.write(
        "x.csv",
        "Price,Close,Close,Open,Open\nTicker,AAPL,MSFT,AAPL,MSFT\nDate,,,,\n"
        "2020-01-02,1,2,1,2\n2020-01-03,1,x,1,2\nsoon,1,2,1,2\n2020-01-07,1,2,1\n,1,2,1,2\n2020-01-09,,2,y,\n"
        "2020-01-10,,,,\n2020-01-13,1,,,\n",
    )  # fmt: skip
    staged = desk.read(path)
    found = {(own.rule, own.row, own.line, own.column, own.symbol) for own in staged.findings}
    assert found == {
        ("SCHEMA_TYPE", 2, 5, "Close / MSFT", "MSFT"),
        ("TS_PARSE", 3, 6, "Date", None),
        ("ROW_SHAPE", 4, 7, None, None),
        ("TS_PARSE", 5, 8, "Date", None),
        ("SCHEMA_TYPE", 6, 9, "Open / AAPL", "AAPL"),
    }
    assert staged.counts == {"SCHEMA_TYPE": 2, "TS_PARSE": 2, "ROW_SHAPE": 1}
    own = [(row["symbol"], row["date"].day, row["close"], row["open"], row["_row"]) for row in rows(staged)]
    assert own == [
        ("AAPL", 2, 1, 1, 1), ("AAPL", 3, 1, 1, 2), ("AAPL", 13, 1, None, 8), ("MSFT", 2, 2, 2, 1),
        ("MSFT", 9, 2, None, 6),
    ]  # fmt: skip
    assert [staged.sources[0].row_of(np.array([order]))[0] for order in range(5)] == [1, 1, 2, 6, 8]


def test_what_all_instruments_have_is_said_once_whatever_else_is_said(desk: Desk) -> None:
    """Of two faults of times that are told by one rule neither hides the other; a text that all have is one cell."""
    path = desk.write(
        "x.csv",
        "Date,AAPL_close,MSFT_close,AAPL_open,MSFT_open,note\n2020-01-02 00:00:00,1,2,1,2,=1+1\n"
        f"2020-01-03 09:30:00,1,2,1,2,\n,1,2,1,2,\n2020-01-07 00:00:00,1,2,1,2,{'x' * (1 << 17)}\n",
    )
    staged = desk.read(path, resolution="date")
    assert {(own.rule, own.row, own.message) for own in staged.findings} == {
        ("TS_PARSE", 2, "the date has a time of day"), ("TS_PARSE", 3, "the time is missing"),
        ("FORMULA_TEXT", 1, "'=1+1' would be a formula in a spreadsheet"),
        ("CELL_LIMIT", 4, "the cell has more than 65,536 bytes"),
    }  # fmt: skip
    assert (staged.counts, staged.rows) == ({"TS_PARSE": 2, "FORMULA_TEXT": 1, "CELL_LIMIT": 1}, 2)


def test_a_volume_of_noughts_is_that_of_one_instrument(desk: Desk) -> None:
    wide = frame(["EURUSD=X", "SPY"])
    wide["Volume", "EURUSD=X"] = 0.0
    columns = desk.inspect(desk.write("x.csv", wide.to_csv())).guess.mapping.columns
    assert [own.role for own in columns if own.source.startswith("Volume")] == ["volume", "volume"]


def test_a_line_that_is_no_object_is_said_once(desk: Desk) -> None:
    lines = records(frame(["AAPL", "MSFT"], days=5), lines=True).decode().splitlines()
    lines[2] = "{"
    staged = desk.read(desk.write("x.jsonl", "\n".join([*lines, ""])))
    assert places(staged) == [("SCHEMA_TYPE", "x.jsonl, row 3 (line 3)")]


def test_clocks_that_go_back_are_said_once_a_row(desk: Desk) -> None:
    hours = pd.date_range("2020-11-01 00:00", periods=6, freq="30min", name="Datetime")
    times = [*hours, *hours[2:4]]  # 01:00 and 01:30 come twice
    text = "Datetime,AAPL_close,AAPL_open,MSFT_close,MSFT_open\n" + "".join(f"{own},1,1,2,2\n" for own in sorted(times))
    path = desk.write("x.csv", text)
    mapping = replace(desk.inspect(path).guess.mapping, zone="America/New_York", label="open")
    staged = desk.read_as(path, mapping)
    own = [
        replace(column, symbol="") if column.symbol != "MSFT" else replace(column, symbol="", role="ignore", name="")
        for column in mapping.columns
    ]
    one = replace(mapping, symbol_from="name", columns=tuple(own))
    alone = desk.read_as(path, one)
    assert staged.counts == alone.counts and staged.rows == 2 * alone.rows
    assert [row["time"] for row in rows(staged)[:8]] == [row["time"] for row in rows(alone)]


def closes(*names: str, cell: str = "1.5", file: str = "closes.csv") -> tuple[str, str]:
    line = ",".join([cell] * len(names))
    return file, f"Date,{','.join(names)}\n2020-01-02,{line}\n2020-01-03,{line}\n"


def asked(look: Inspection) -> list[str]:
    return [own.field for own in look.guess.questions]


@pytest.mark.parametrize(
    "names", [("AAPL", "BRK-B", "^GSPC", "7203.T"), ("AAPL", "LOW", "V", "MSFT"), ("BTC-USD", "ETH-USD")]
)
def test_a_close_of_each_instrument_is_asked_and_never_taken(names: tuple[str, ...], desk: Desk) -> None:
    path = desk.write(*closes(*names))
    look = desk.inspect(path)
    (question,) = look.guess.questions
    assert question.field == "symbol_from" and question.choices == ("columns", "name")
    assert ", ".join(names[:3]) in question.text
    staged = desk.read_as(path, look.guess.mapping)
    assert [(row["symbol"], row["close"]) for row in rows(staged)[:2]] == [(min(names), 1.5)] * 2
    assert (staged.rows, look.guess.mapping.kind) == (2 * len(names), "bars")
    assert [own for own in look.owners if own != ("", "")] == [(name, "Close") for name in names]


def test_what_is_below_nought_is_no_close_but_may_be_said_to_be(desk: Desk) -> None:
    look = desk.inspect(desk.write(*closes("AAPL", "MSFT", cell="-0.01")))
    assert asked(look) == ["symbol", "symbol_from"] and look.guess.mapping.kind == "features"


HEADER = "Date,Open,High,Low,Close\n"
BAR = "2020-01-02,1,2,0.5,1\n2020-01-03,1,2,0.5,1\n"
ONE = {
    "indicators of the instrument that the file is called after": closes("RSI14", "MOM5", file="AAPL.csv"),
    "indicators": closes("RSI", "SMA", "MACD"),
    "words": closes("momentum", "value"),
    "bars in capitals": closes("OPEN", "HIGH", "LOW", "CLOSE", file="x.csv"),
    "letters": closes("O", "H", "L", "C", file="x.csv"),
    "quotes as bars": closes(*(f"{side}_{own}" for side in ("bid", "ask") for own in ("open", "high", "low", "close"))),
    "bars beside adjusted ones": closes(*(f"{adj}{own}" for adj in ("", "Adj. ") for own in ("Open", "High", "Close"))),
    "lags": closes("lag1_close", "lag2_close", "lag1_high", "lag1_low", "lag2_high", "lag2_low"),
    "merged": closes("close_x", "high_x", "low_x", "close_y", "high_y", "low_y"),
    "averages beside a close": closes("close", "SMA20_close", "SMA50_close"),
    "averages": closes("SMA_close", "EMA_close"),
    "days": closes("close_1d", "close_5d", "close_20d"),
    "levels of a book": closes("bid_px_00", "bid_sz_00", "ask_px_00", "ask_sz_00", "bid_px_01", "ask_px_01"),
    "levels of a book, numbered": closes("bid_price_1", "bid_size_1", "ask_price_1", "ask_size_1"),
    "levels of a book, named": closes(*(f"{side}_l{n}_price" for n in (1, 2) for side in ("bid", "ask"))),
    "time frames": closes(*(f"{frame}_{own}" for frame in ("m5", "H1") for own in ("open", "high", "low", "close"))),
    "Heikin-Ashi": closes(*(f"{name}_{own}" for name in ("ha", "ha2") for own in ("open", "high", "low", "close"))),
    "an option's two kinds": closes("call_bid", "call_ask", "put_bid", "put_ask"),
    "quantmod": closes("AAPL.Open", "AAPL.High", "AAPL.Low", "AAPL.Close", "AAPL.Volume"),
    "one ticker with one field": closes("AAPL_close", "rsi"),
    "instruments with other prices": closes("AAPL_close", "VIX_open"),
    "a column of symbols": ("x.csv", "Date,Symbol,A_close,B_close\n2020-01-02,X,1,2\n2020-01-03,X,1,2\n"),
    "a row of units": ("x.csv", f"{HEADER},USD,USD,USD,USD\n{BAR}"),
    "the header twice": ("x.csv", f"{HEADER}{HEADER}{BAR}"),
}  # fmt: skip


@pytest.mark.parametrize("shape", ONE)
def test_columns_of_one_instrument_stay_its_own(shape: str, desk: Desk) -> None:
    look = desk.inspect(desk.write(*ONE[shape]))
    assert look.owners == () and not look.guess.mapping.by_instrument
    assert "symbol_from" not in asked(look)


BARS = ("open", "high", "low", "close")
DOUBTFUL = {
    "small letters, which may be exchanges": closes(
        "binance_bid", "binance_ask", "kraken_bid", "kraken_ask", file="x.csv"
    ),
    "a letter each": closes("C_BID", "C_ASK", "P_BID", "P_ASK", file="x.csv"),
    "another instrument's file": closes(*(f"{name}.{own}" for name in ("QQQ", "IWM") for own in BARS), file="SPY.csv"),
}  # fmt: skip


@pytest.mark.parametrize("shape", DOUBTFUL)
def test_names_that_may_be_no_instruments_are_asked(shape: str, desk: Desk) -> None:
    look = desk.inspect(desk.write(*DOUBTFUL[shape]))
    (question,) = look.guess.questions
    assert (question.field, look.guess.mapping.by_instrument) == ("symbol_from", True)
    assert "columns of their own" in question.text


def test_other_columns_are_every_instruments(desk: Desk) -> None:
    """What is called by none of them is in all rows; what is called by one is its own, known or not."""
    text = (
        "Date,btcusdt_open,btcusdt_high,btcusdt_low,btcusdt_close,ethusdt_open,ethusdt_high,ethusdt_low,ethusdt_close,"
        "btcusdt_funding,regime\n2020-01-02,1,2,0.5,1.5,3,4,2,3,0.01,7\n2020-01-03,1,2,0.5,1.5,,,,,0.02,8\n"
    )
    staged = desk.read(desk.write("x.csv", text))
    found = [(row["symbol"], row["close"], row["funding"], row["regime"], row["_row"]) for row in rows(staged)]
    assert found == [("btcusdt", 1.5, 0.01, 7, 1), ("btcusdt", 1.5, 0.02, 8, 2), ("ethusdt", 3, None, 7, 1)]


BROKEN = {
    "a ticker row that is shorter": (
        "Price,Close,Close,Volume,Volume\nTicker,AAPL,MSFT,AAPL\nDate,,,,\n2020-01-02,1,2,3,4\n",
        "the column is left out: the header names no instrument for it", "Volume / ", 2,
    ),
    "an empty ticker": (
        "Price,Close,Close,Close\nTicker,AAPL,MSFT,\nDate,,,\n2020-01-02,1,2,3\n",
        "the column is left out: the header names no instrument for it", "Close / ", 2,
    ),
    "one named twice": (
        "Price,Close,Close,Close\nTicker,AAPL,MSFT,AAPL\nDate,,,\n2020-01-02,1,2,3\n",
        "the column is left out: column 2 is the Close of AAPL already", "Close / AAPL", 2,
    ),
    "an index without a close": (
        "Price,Close,Close,Volume\nTicker,AAPL,MSFT,SPY\nDate,,,\n2020-01-02,1,2,3\n",
        "the column is left out: SPY has no close", "Volume / SPY", 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_column_that_is_nobodys_is_left_out_and_said(what: str, desk: Desk) -> None:
    text, message, column, count = BROKEN[what]
    path = desk.write("x.csv", text)
    look = desk.inspect(path)
    assert (message, column) in [(own.message, own.column) for own in look.findings]
    assert desk.read_as(path, look.guess.mapping).rows == count


def bad(change: Callable[[Mapping], Mapping], desk: Desk) -> str:
    look = desk.inspect(desk.write("x.csv", frame(["AAPL", "MSFT"], days=3).to_csv()))
    with pytest.raises(DataError) as caught:
        change(look.guess.mapping).check()
    return str(caught.value)


def with_column(mapping: Mapping, place: int, **changes: Any) -> Mapping:
    columns = [replace(own, **changes) if own.position == place else own for own in mapping.columns]
    return replace(mapping, columns=tuple(columns))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda own: with_column(own, 1, symbol="MSFT"), "two columns are called 'close' of MSFT"),
        (lambda own: with_column(own, 1, role="ignore", name=""), "no column is the close of AAPL"),
        (lambda own: with_column(own, 3, role="open", name="begin"), "several columns are the open of AAPL"),
        (lambda own: with_column(own, 3, divisor=10.0), "columns called 'high' are not read alike"),
        (lambda own: with_column(own, 3, symbol=""), "'high' is a column of all instruments as well as of one"),
        (lambda own: with_column(own, 0, symbol="AAPL"), "a time is all instruments'"),
        (lambda own: with_column(own, 1, symbol=" AAPL"), "is not a symbol"),
        (lambda own: replace(own, symbol_from="name"), "it is AAPL's, but the symbol comes from elsewhere"),
        (lambda own: replace(own, kind="reference", known_from="ex_date"), "events are read from rows"),
    ],
)
def test_a_mapping_that_makes_no_rows_is_refused(change: Callable[[Mapping], Mapping], said: str, desk: Desk) -> None:
    assert said in bad(change, desk)


def test_an_instrument_without_a_price_has_no_ticks(desk: Desk) -> None:
    text = "time,AB_bid,AB_ask,CD_bid,CD_ask\n2020-01-02 10:00:00,1,2,1,2\n2020-01-02 10:00:01,1,2,1,2\n"
    mapping = desk.inspect(desk.write("x.csv", text)).guess.mapping
    assert mapping.kind == "ticks"
    with pytest.raises(DataError, match="no column is the price of CD"):
        with_column(mapping, 4, role="ignore", name="").check()


def test_another_set_of_instruments_is_read_as_the_last_one_was(desk: Desk) -> None:
    """What is remembered is by fields, in whichever order; that columns are closes is asked of each set anew."""
    first = desk.inspect(desk.write("a.csv", frame(["AAPL", "MSFT", "SPY"]).to_csv()))
    decided = replace(first.guess.mapping, adjustment="raw", label="close", columns=tuple(
        replace(own, role="ignore", name="") if own.role == "volume" else own for own in first.guess.mapping.columns
    ))  # fmt: skip
    second = desk.inspect(desk.write("b.csv", by_ticker(frame(["KO", "PEP"], seed=3)).to_csv()))
    assert second.fingerprint == first.fingerprint
    mapping = recalled(second.guess, decided).mapping
    assert (mapping.adjustment, mapping.label, mapping.instruments) == ("raw", "close", ("KO", "PEP"))
    assert [own.role for own in mapping.columns] == ["time", *["close", "high", "low", "open", "ignore"] * 2]
    assert desk.read_as(desk.folder / "b.csv", mapping).counts == {}
    gone = {"MSFT": {"role": "ignore", "name": "", "symbol": ""}, "SPY": {"symbol": "SPDR"}}
    fewer = replace(decided, columns=tuple(replace(own, **gone.get(own.symbol, {})) for own in decided.columns))
    again = recalled(first.guess, fewer).mapping
    assert (again.columns, again.instruments) == (fewer.columns, ("AAPL", "SPDR"))
    assert recalled(second.guess, fewer).mapping == mapping
    one, other = (desk.inspect(desk.write(*closes(*own))) for own in (("AAPL", "MSFT"), ("DGS2", "DGS10")))
    assert one.fingerprint != other.fingerprint


def test_whose_rows_are_is_asked_again_of_what_was_said_to_be_features(desk: Desk) -> None:
    """And not asked of what was said to be closes, though in this file they are below nought."""
    look = desk.inspect(desk.write("rates_2024.csv", closes("DGS2", "DGS10")[1]))
    columns = [replace(own, symbol="", role="feature", name=own.source) for own in look.guess.mapping.columns[1:]]
    features = replace(
        look.guess.mapping, columns=(look.guess.mapping.columns[0], *columns), kind="features", symbol_from="fixed",
        symbol="RATES",
    )  # fmt: skip
    later = desk.inspect(desk.write("rates_2025.csv", closes("DGS2", "DGS10")[1]))
    assert later.fingerprint == look.fingerprint
    guess = recalled(later.guess, features)
    assert (guess.mapping.symbol_from, [own.field for own in guess.questions]) == ("name", ["symbol"])
    below = desk.inspect(desk.write("rates_2026.csv", closes("DGS2", "DGS10", cell="-0.5")[1]))
    guess = recalled(below.guess, look.guess.mapping)
    assert (guess.mapping.symbol_from, guess.questions) == ("columns", ())


@pytest.mark.parametrize("name", ["x.csv", "x.xlsx"])
def test_what_has_two_levels_may_be_features_of_one(name: str, desk: Desk) -> None:
    """By whoever says so, and by themselves where the levels are means and deviations."""
    wide = frame(["AAPL", "MSFT"], days=5, fields=["Close"]).fillna(1.0)
    look = desk.inspect(desk.write(name, sheet(wide) if name.endswith("xlsx") else wide.to_csv()))
    columns = tuple(
        own if own.role == "time" else replace(own, symbol="", role="feature", name=own.source.replace(" / ", "_"))
        for own in look.guess.mapping.columns
    )
    said = replace(look.guess.mapping, columns=columns, kind="features", symbol_from="fixed", symbol="X")
    assert [*rows(desk.read_as(desk.folder / name, said))[0]] == ["symbol", "date", "Close_AAPL", "Close_MSFT"]
    wide.columns = pd.MultiIndex.from_tuples([("close", "mean"), ("close", "std")])
    look = desk.inspect(desk.write(f"stats-{name}", sheet(wide) if name.endswith("xlsx") else wide.to_csv()))
    assert not look.guess.mapping.by_instrument
    staged = desk.read_as(desk.folder / f"stats-{name}", replace(look.guess.mapping, symbol_from="fixed", symbol="X"))
    assert [*rows(staged)[0]][2:] == ["close / mean", "close / std"]


def test_tickers_that_are_words_are_tickers_where_a_header_has_them(desk: Desk) -> None:
    mapping = desk.inspect(desk.write("x.csv", frame(["LOW", "OPEN"]).to_csv())).guess.mapping
    assert mapping.instruments == ("LOW", "OPEN")


def test_what_was_said_of_columns_is_not_taken_over_for_others(desk: Desk) -> None:
    """What is remembered by fields is of other columns where they were said to be features of one instrument."""
    first, later = (
        desk.inspect(desk.write(name, joined(frame(tickers), "{field}_{symbol}").to_csv()))
        for name, tickers in (("a.csv", ["AAPL", "MSFT"]), ("b.csv", ["KO", "PEP"]))
    )
    assert first.fingerprint == later.fingerprint
    columns = tuple(
        own if own.role == "time" else replace(own, symbol="", role="feature", name=own.source)
        for own in first.guess.mapping.columns
    )
    features = replace(first.guess.mapping, columns=columns, kind="features", symbol_from="fixed", symbol="X")
    features.check()
    assert recalled(later.guess, features) == later.guess


def test_as_many_columns_as_an_index_has_are_read_and_more_are_refused(desk: Desk) -> None:
    limits = Limits(columns=20, instrument_columns=50)
    path = desk.write("x.csv", frame([f"T{place}" for place in range(9)], days=5).to_csv())
    assert desk.read(path, limits).symbols == 9
    path = desk.write("y.csv", frame([f"T{place}" for place in range(11)], days=5).to_csv())
    with pytest.raises(DataError, match="56 columns") as caught:
        desk.inspect(path, limits)
    assert caught.value.code == "COLUMN_LIMIT" and "up to 50 that are named by instrument" in str(caught.value)
    header = ",".join(f"feature{place}" for place in range(30))
    path = desk.write("z.csv", f"Date,{header}\n2020-01-02{',1' * 30}\n2020-01-03{',1' * 30}\n")
    with pytest.raises(DataError, match="31 columns, more than 20"):
        desk.inspect(path, limits)


def test_a_file_of_other_instruments_is_not_read_by_the_mapping_of_one(desk: Desk) -> None:
    mapping = desk.inspect(desk.write("a.csv", frame(["AAPL", "MSFT"]).to_csv())).guess.mapping
    with pytest.raises(DataError, match="column 3 is 'Close / SPY', not 'Close / MSFT'") as caught:
        desk.read_as(desk.write("b.csv", frame(["AAPL", "SPY"]).to_csv()), mapping)
    assert caught.value.code == "MAPPING_MISMATCH"


def test_what_a_look_says_is_json(desk: Desk) -> None:
    look = desk.inspect(desk.write("a.csv", frame(["AAPL", "MSFT"]).to_csv()))
    found = json.loads(json.dumps(look.to_json()))
    assert found["owners"][:3] == [["", ""], ["AAPL", "Close"], ["MSFT", "Close"]]
    assert found["mapping"]["columns"][1]["symbol"] == "AAPL"
