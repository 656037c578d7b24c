"""Files of market data as traders have them, in eleven shapes: prices that were traded, none of them made up here.

Four are files of other packages as these ship them. No package ships the other seven shapes: there the rows of a file
of a package are written exactly as the shape is published, and :attr:`Shape.made_of` says so. All are read where the
packages are installed for other tests; nothing of them is copied here.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from tests.sdk.ingest.workbooks import xlsx

BARS = ["open", "high", "low", "close", "volume"]
ADJUSTED = "adj_close"


@dataclass(frozen=True)
class Shape:
    """A file, what is in it as pandas reads it at its source, and what is to be seen of it.

    Attributes:
        filename: As it lies on the trader's disk.
        made_of: Whose rows they are, and in whose shape.
        write: Its bytes.
        frame: Its bars by UTC time, of the symbol that is traded.
        symbol: That symbol, as the dataset is to have it.
        roles: What its columns are shown to be, before anything is corrected.
        asked: What the file does not tell, with the answers.
        stated: What is written into the form beside.
        fired: The rules that find something.
        errors: Those of them that have to be accepted before anything runs on it.
        bars: How many bars the chart says it has.
        step: A step of a recipe, with what is written into its fields.
        cleaned: What the step makes of the frame.
    """

    filename: str
    made_of: str
    write: Callable[[], bytes]
    frame: Callable[[], pd.DataFrame]
    symbol: str
    roles: str
    stated: dict[str, str]
    fired: tuple[str, ...]
    bars: int
    step: tuple[str, dict[str, str]]
    cleaned: Callable[[pd.DataFrame], pd.DataFrame]
    asked: dict[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


def _file(package: str, path: str) -> Path:
    """Return a file of an installed package, which is not imported."""
    found = importlib.util.find_spec(package)
    assert found is not None and found.origin is not None, package
    return Path(found.origin).parent / path


NASDAQ = _file("arch", "data/nasdaq/nasdaq.csv.gz")
SHARES = _file("bokeh_sampledata", "_data/stocks.csv.gz")
EURUSD = _file("backtesting", "test/EURUSD.csv")
BITCOIN = _file("backtesting", "test/BTCUSD.csv")
GOOGLE = _file("backtesting", "test/GOOG.csv")
MICROSOFT = _file("matplotlib", "mpl-data/sample_data/msft.csv")


def _bars(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of bars, with the adjusted close where there is one, by UTC time."""
    frame = frame.rename(columns=lambda name: name.lower().strip("*").replace(". ", " ").replace(" ", "_"))
    kept = [*BARS, ADJUSTED] if ADJUSTED in frame else BARS
    frame = frame[kept].astype(float).sort_index()
    return frame.set_axis(pd.DatetimeIndex(frame.index, name="time").tz_localize("UTC"))


def _backtesting(path: Path) -> pd.DataFrame:
    return _bars(pd.read_csv(path, index_col=0, parse_dates=True))


def _nasdaq() -> pd.DataFrame:
    frame = pd.read_csv(NASDAQ)
    return _bars(frame.set_index(pd.to_datetime(frame["Date"], format="%m/%d/%Y")))


def _shares() -> pd.DataFrame:
    return pd.read_csv(SHARES, parse_dates=["Date"])


def _share(symbol: str) -> pd.DataFrame:
    frame = _shares()
    return _bars(frame[frame["Ticker"] == symbol].set_index("Date"))


def _unadjusted(symbol: str) -> pd.DataFrame:
    return _share(symbol)[BARS]


def tickers() -> bytes:
    """Bars as yfinance downloads several tickers: a header of a row of fields, one of tickers, and the index's name."""
    wide = _shares().set_index(["Date", "Ticker"]).unstack("Ticker").sort_index(axis=1)
    return wide.rename_axis(columns=["Price", "Ticker"]).to_csv().encode()


def _microsoft() -> pd.DataFrame:
    frame = pd.read_csv(MICROSOFT)
    return _bars(frame.set_index(pd.to_datetime(frame["Date"], format="%d-%b-%y")))


def metatrader() -> bytes:
    """Bars as MetaTrader 5 exports them: tabs, names in brackets, the day and the clock apart, ticks as volume."""
    lines = ["<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"]
    for time, row in _backtesting(EURUSD).iterrows():
        prices = "\t".join(f"{row[name]:.5f}" for name in BARS[:4])
        lines.append(f"{time:%Y.%m.%d\t%H:%M:%S}\t{prices}\t{row['volume']:.0f}\t0\t0")
    return ("\r\n".join(lines) + "\r\n").encode()


def _zipped(members: dict[str, str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return sink.getvalue()


def klines() -> bytes:
    """Bars as Binance's archive has them: a file for each month, no names, open and close of each in milliseconds.

    What the source does not tell, trades and the takers' part, is 0. One of the archive's checksums lies among them.
    """
    members = {"BTCUSD-1mo-2012-01.zip.CHECKSUM": f"{'0' * 64}  BTCUSD-1mo-2012-01.zip\n"}
    for end, row in _backtesting(BITCOIN).iterrows():
        begin, close = (int(time.timestamp() * 1000) for time in (end.replace(day=1), end + pd.Timedelta("1D")))
        prices = ",".join(repr(float(row[name])) for name in BARS)
        line = f"{begin},{prices},{close - 1},{row['volume'] * row['close']:.8f},0,0,0,0\n"
        members[f"BTCUSD-1mo-{end:%Y-%m}.csv"] = line
    return _zipped(members)


def _klines() -> pd.DataFrame:
    """Bars by their open: the source has the last day of each month."""
    frame = _backtesting(BITCOIN)
    return frame.set_axis(frame.index.map(lambda time: time.replace(day=1)))


def lean() -> bytes:
    """Daily bars as LEAN keeps them: no names, prices in ten-thousandths, zipped."""
    lines = []
    for time, row in _unadjusted("IBM").iterrows():
        prices = ",".join(f"{row[name] * 10_000:.0f}" for name in BARS[:4])
        lines.append(f"{time:%Y%m%d %H:%M},{prices},{row['volume']:.0f}")
    return _zipped({"ibm.csv": "\n".join(lines) + "\n"})


def workbook() -> bytes:
    """Bars as a broker's spreadsheet has them: a sheet with days as Excel's numbers, and a note below."""
    frame = pd.read_csv(GOOGLE, index_col=0, parse_dates=True)
    rows = [[time.date(), *map(float, row)] for time, row in zip(frame.index, frame.to_numpy(), strict=True)]
    return xlsx([["Date", "Open", "High", "Low", "Close", "Volume"], *rows, ["Prices may be delayed."]])


def parquet() -> bytes:
    """Bars of many symbols as pandas writes a frame with an index, day by day over all of them."""
    frame = _shares().rename(columns=str.lower)
    sink = io.BytesIO()
    frame.set_index(["date", "ticker"]).sort_index().to_parquet(sink)
    return sink.getvalue()


def json_lines() -> bytes:
    """Trading days as an interface hands them out: an object on each line, packed."""
    frame = _unadjusted("MSFT")
    lines = []
    for time, row in frame.iterrows():
        cells = {"symbol": "MSFT", "timestamp": time.isoformat().replace("+00:00", "Z"), **row.to_dict()}
        lines.append(json.dumps(cells))
    return gzip.compress("\n".join(lines).encode())


def traded(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out the rows without volume."""
    return frame[frame["volume"] > 0]


def by(rule: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Make coarser bars by pandas' own rule."""
    taken = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}

    def coarser(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.resample(rule, label="left", closed="left").agg(taken).dropna()

    return coarser


def with_return(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(ret=np.log(frame["close"] / frame["close"].shift()))


DROP = ("drop", {"where": "volume <= 0"})
DERIVE = ("derive", {"name": "ret", "formula": "log(close / lag(close, 1))"})
SHARES_OF_NEW_YORK = {"asset_class": "STOCKS", "calendar": "XNYS", "currency": "USD"}
PAIR = {"asset_class": "FOREX", "currency": "USD"}
OHLCV = "open high low close volume"
SHIPPED = "as the package ships it"

SHAPES = {
    "yahoo": Shape(
        "nasdaq.csv.gz", f"NASDAQ Composite from Yahoo, of arch, {SHIPPED}", NASDAQ.read_bytes, _nasdaq, "^IXIC",
        "time open high low close adj_close volume", {**SHARES_OF_NEW_YORK, "asset_class": "INDEX", "symbol": "^IXIC"},
        ("VOL_ZERO_MOVE", "OUTLIER_RETURN"), 5_031, DROP, traded,
    ),
    "long": Shape(
        "stocks.csv.gz", f"five shares, of bokeh_sampledata, {SHIPPED}", SHARES.read_bytes, lambda: _share("GOOG"),
        "GOOG", f"symbol time {OHLCV} adj_close", SHARES_OF_NEW_YORK, ("SPLIT_LIKE",), 2_148, DERIVE, with_return,
    ),
    "tickers": Shape(
        "tickers.csv", "rows of bokeh_sampledata's stocks.csv.gz, as yfinance downloads several tickers", tickers,
        lambda: _share("GOOG"), "GOOG", "time adj_close close high low open volume", SHARES_OF_NEW_YORK,
        ("SPLIT_LIKE",), 2_148, DERIVE, with_return,
    ),
    "newest first": Shape(
        "msft.csv", f"Microsoft in the summer of 2003, of matplotlib, {SHIPPED}", MICROSOFT.read_bytes, _microsoft,
        "MSFT", f"time {OHLCV} adj_close", {**SHARES_OF_NEW_YORK, "symbol": "MSFT"}, ("TS_UNSORTED",), 65,
        DERIVE, with_return,
    ),
    "unnamed": Shape(
        "EURUSD.csv", f"EURUSD by the hour, of backtesting, {SHIPPED}", EURUSD.read_bytes, lambda: _backtesting(EURUSD),
        "EURUSD", f"time {OHLCV}", PAIR, ("ADJ_UNKNOWN",), 5_000, DERIVE, with_return,
        {"zone": "UTC", "label": "open"},
    ),
    "metatrader": Shape(
        "EURUSD_H1_201704190900_201802071500.csv", "rows of backtesting's EURUSD.csv, in MetaTrader's shape",
        metatrader, lambda: _backtesting(EURUSD), "EURUSD", f"date clock {OHLCV} feature feature", PAIR,
        ("ADJ_UNKNOWN", "CONST_COLUMN"), 5_000, ("resample", {"timeframe": "4h"}), by("4h"), {"zone": "UTC"},
    ),
    "klines": Shape(
        "BTCUSD-1mo.zip", "rows of backtesting's BTCUSD.csv, in Binance's shape", klines, _klines, "BTCUSD",
        f"time {OHLCV} ignore feature feature feature feature ignore",
        {"asset_class": "CRYPTO", "calendar": "24/7", "currency": "USD"}, ("CONST_COLUMN", "MEMBER_SKIPPED"), 156,
        DERIVE, with_return,
    ),
    "lean": Shape(
        "ibm.zip", "rows of bokeh_sampledata's stocks.csv.gz, in LEAN's shape", lean, lambda: _unadjusted("IBM"), "IBM",
        f"time {OHLCV}", {**SHARES_OF_NEW_YORK, "symbol": "IBM"}, (), 3_270, DROP, traded,
    ),
    "excel": Shape(
        "GOOG.xlsx", "rows of backtesting's GOOG.csv, in a workbook", workbook, lambda: _backtesting(GOOGLE), "GOOG",
        f"time {OHLCV}", SHARES_OF_NEW_YORK, ("TS_PARSE", "ADJ_UNKNOWN"), 2_148, DROP, traded, errors=("TS_PARSE",),
    ),
    "parquet": Shape(
        "shares.parquet", "rows of bokeh_sampledata's stocks.csv.gz, as pandas writes Parquet", parquet,
        lambda: _share("AAPL"), "AAPL", f"{OHLCV} adj_close time symbol", SHARES_OF_NEW_YORK, ("SPLIT_LIKE",), 3_270,
        DROP, traded,
    ),
    "json": Shape(
        "msft.jsonl.gz", "rows of bokeh_sampledata's stocks.csv.gz, as JSON lines", json_lines,
        lambda: _unadjusted("MSFT"), "MSFT", f"symbol time {OHLCV}", SHARES_OF_NEW_YORK, ("ADJ_UNKNOWN",), 3_270,
        DROP, traded,
    ),
}  # fmt: skip
