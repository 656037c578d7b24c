"""The habits of those who write market data: what they call a column, a file, and where they leave out the header."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from alphintra.ingest.mapping import Role

NAMES: dict[Role, tuple[str, ...]] = {
    "time": (
        "time", "datetime", "timestamp", "date_time", "open_time", "opentime", "unix", "unix_timestamp", "unix_time",
        "ts", "t", "gmt_time", "utc_time", "time_utc", "local_time", "datetime_utc", "timestamp_utc", "ts_event",
        "ts_recv", "time_period_start", "start_time", "event_time", "transact_time", "trade_time", "date_utc", "epoch",
        "index", "period",
    ),
    "date": ("date", "day", "trade_date", "trading_date", "trading_day", "dtyyyymmdd", "datadate", "caldt", "dates",
             "datum", "fecha", "data"),
    "clock": ("time", "clock", "hour", "per_time"),
    "symbol": (
        "symbol", "ticker", "tic", "sym", "instrument", "instrument_id", "security", "pair", "asset", "stock", "name",
        "code", "symbols", "tickers", "contract", "isin", "permno", "market", "ticker_symbol", "tradingsymbol",
        "trading_symbol", "ts_code", "stock_code", "security_code", "secid", "ric", "cusip", "sedol", "figi", "wkn",
        "銘柄コード", "コード", "銘柄", "证券代码", "股票代码", "代码", "종목코드",
    ),
    "open": ("open", "o", "open_price", "opening_price", "1_open", "first", "px_open", "price_open", "bidopen", "op",
             "eröffnung", "erster", "apertura", "ouv"),
    "high": ("high", "h", "high_price", "2_high", "max", "px_high", "price_high", "hi", "hoch", "máximo", "haut"),
    "low": ("low", "l", "low_price", "3_low", "min", "px_low", "price_low", "lo", "tief", "mínimo", "bas"),
    "close": (
        "close", "c", "close_price", "closing_price", "4_close", "last", "close_last", "px_last", "price_close", "cl",
        "closing", "prc", "schluss", "schlusskurs", "cierre", "clot",
    ),
    "adj_close": (
        "adj_close", "adjclose", "adjusted_close", "5_adjusted_close", "adj_closing_price", "adjusted", "close_adj",
        "adj_price", "adj_close_price",
    ),
    "volume": (
        "volume", "v", "vol", "5_volume", "6_volume", "tickvol", "tick_volume", "real_volume", "base_volume",
        "volume_btc", "volume_base", "total_volume", "px_volume", "shares_traded", "volume_traded", "volumen", "stücke",
    ),
    "price": ("price", "trade_price", "last_price", "px", "last"),
    "size": ("size", "qty", "quantity", "amount", "trade_size", "last_size", "volume", "vol", "sz"),
    "bid": ("bid", "bid_price", "bidprice", "best_bid", "bid_px", "best_bid_price"),
    "ask": ("ask", "ask_price", "askprice", "best_ask", "ask_px", "offer", "best_ask_price", "ofr"),
    "bid_size": ("bid_size", "bidsize", "bid_qty", "bid_volume", "bidvolume", "bid_sz", "best_bid_qty", "bsize"),
    "ask_size": ("ask_size", "asksize", "ask_qty", "ask_volume", "askvolume", "ask_sz", "best_ask_qty", "asize"),
    "known_at": ("known_at", "knowledge_time", "available_at", "published_at", "released_at", "release_date",
                 "filed_at"),
    "event": ("kind", "event", "event_type", "action", "action_type", "corporate_action", "ca_type", "type"),
    "value": ("value", "ratio", "amount", "split_ratio", "factor", "rate", "dividend", "cash_amount"),
    "new_symbol": ("text", "new_symbol", "new_ticker", "to_symbol"),
    "known_to": ("known_to", "withdrawn", "withdrawn_at"),
    "source": ("source", "vendor", "provider"),
}  # fmt: skip
"""Names of each role, the likeliest first; as :func:`folded` writes them."""
SPLITS = (
    "stock_splits", "stock_split", "splits", "split", "split_ratio", "split_factor", "splitfactor", "split_coefficient",
    "8_split_coefficient",
)  # fmt: skip
"""Names of a column of splits alone."""
DIVIDENDS = (
    "dividends", "dividend", "dividend_amount", "7_dividend_amount", "cash_dividend", "cash_dividends", "cash_amount",
    "div_cash", "divcash", "ex_dividend",
)  # fmt: skip
"""Names of a column of dividends alone."""
BARS = {*NAMES["close"], *NAMES["adj_close"]} - {"last"}
"""Names of which one is in a table of bars."""
EX_DATES = ("ex_date", "exdate", "ex_dividend_date", "ex_div_date", "ex_eff_date", "effective_date", "date")
"""Names of the date of an event, in a table of events."""
ANNOUNCED = ("known_from", "announced", "announced_at", "announcement_date", "declaration_date", "declared_date")
"""Names of when an event became known, in a table of events."""

OTHER_DAYS = ("record_date", "payment_date", "pay_date", "payable_date")
"""Names of days of an event on which nothing happens to the price."""

NULL_WORDS = ("NA", "N/A", "n/a", "null", "NULL", "None", "#N/A", "-", "--", ".", "\\N", "nil", "NaN", "nan")
LABELS = re.compile(r"(^|_)(next|future|target|label|fwd)(_|$)")
_PLAIN_NAMES = {
    "data", "prices", "price", "train", "test", "ohlcv", "ohlc", "export", "download", "file", "upload", "stocks",
    "history", "historical", "daily", "quotes", "book1", "sheet1", "untitled", "bars", "dataset",
}  # fmt: skip
_FILE_NAMES = (
    re.compile(r"^(?P<s>[A-Z0-9]+)-(\d+[smhdwM]o?|trades|aggTrades)(-\d{4}(-\d{2}){1,2})?$"),
    re.compile(r"^\d{8}_(?P<s>[^_]+)_(tick|second|minute|hour|daily)(_.*)?$"),
    re.compile(r"^DAT_(ASCII|MT|XLSX|NT)_(?P<s>[A-Z0-9]+)_.*$"),
    re.compile(r"^(?P<s>[A-Za-z0-9.#]+?)[_-]?(M[1-9]\d?|H[1-9]\d?|D1|W1|MN1?|Daily|daily)([_-].*)?$"),
    re.compile(r"^(?P<s>[A-Za-z0-9.^=-]+?)[ _](historical[ _]data|history|ohlcv?|stock|prices?)$", re.IGNORECASE),
    re.compile(r"^HistoricalData_(?P<s>[A-Za-z]+)$"),
)


@dataclass(frozen=True)
class Habit:
    """A layout that is known.

    Attributes:
        name: Whose it is.
        roles: What its columns are, in their order; ``None`` where names say it.
        label: At which end of a bar they put its time.
        adjustment: What their prices are adjusted for.
        zone: Zone of times that name none.
    """

    name: str
    roles: tuple[Role, ...] | None
    label: str = "unknown"
    adjustment: str = "unknown"
    zone: str | None = None


BINANCE = Habit(
    "Binance klines",
    ("time", "open", "high", "low", "close", "volume", "ignore", "feature", "feature", "feature", "feature", "ignore"),
    "open",
    "raw",
    "UTC",
)
BINANCE_NAMES = ("", "", "", "", "", "", "close_time", "quote_volume", "trades", "taker_buy_volume",
                 "taker_buy_quote_volume", "ignore")  # fmt: skip
BINANCE_TRADES = Habit(
    "Binance trades", ("ignore", "price", "size", "feature", "time", "text", "text"), "unknown", "raw", "UTC"
)
BINANCE_AGGREGATED = Habit(
    "Binance aggregated trades",
    ("ignore", "price", "size", "ignore", "ignore", "time", "text", "text"),
    "unknown",
    "raw",
    "UTC",
)
LEAN = Habit("LEAN", ("time", "open", "high", "low", "close", "volume"), "open", "raw")
METATRADER = Habit("MetaTrader", ("date", "clock", "open", "high", "low", "close", "volume"), "open", "unknown")
YAHOO = Habit("Yahoo", None, "open", "splits")
YFINANCE = Habit("yfinance, which adjusts them unless told otherwise", None, "open", "splits_and_dividends")
DUKASCOPY = Habit("Dukascopy", None, "open", "unknown", "UTC")


def folded(name: str) -> str:
    """Return a column's name without case, brackets and signs: ``<CLOSE>``, ``4. close`` and ``Close`` are close."""
    text = unicodedata.normalize("NFC", name).strip().casefold()
    text = re.sub(r"^unnamed: \d+(_level_\d+)?$", "", text)
    return re.sub(r"[^\w]+", "_", text).strip("_")


def keys_of(names: Sequence[str]) -> list[str]:
    """Return names of columns as :data:`NAMES` has them, without a symbol before each (quantmod's ``AAPL.Open``)."""
    prefixes = {name.partition(".")[0] for name in names if name.strip()}
    shared = len(prefixes) == 1 and all("." in name for name in names if name.strip())
    return [folded(name.partition(".")[2] if shared else name) for name in names]


def symbol_of(stem: str) -> str:
    """Return the symbol in a file's name."""
    for pattern in _FILE_NAMES:
        found = pattern.match(stem)
        if found is not None:
            return found.group("s")
    return stem


def says_a_symbol(stem: str) -> bool:
    """Tell whether a file's name looks like that of an instrument."""
    symbol = symbol_of(stem)
    return symbol.casefold() not in _PLAIN_NAMES and re.fullmatch(r"[A-Za-z0-9.^=/#-]{1,12}", symbol) is not None
