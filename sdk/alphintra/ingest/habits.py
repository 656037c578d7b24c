"""The habits of those who write market data: what they call a column, a file, and where they leave out the header."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from alphintra.ingest.mapping import Adjustment, LabelAt, Role

NAMES: dict[Role, tuple[str, ...]] = {
    "time": (
        "time", "datetime", "timestamp", "date_time", "open_time", "opentime", "unix", "unix_timestamp", "unix_time",
        "ts", "t", "gmt_time", "utc_time", "time_utc", "local_time", "datetime_utc", "timestamp_utc", "ts_event",
        "ts_recv", "time_period_start", "start_time", "event_time", "transact_time", "trade_time", "date_utc", "epoch",
        "index", "period", "sip_timestamp", "window_start", "snapped_at", "start_at", "created_time", "create_time",
        "transaction_time", "calc_time", "timeopen", "时间",
    ),
    "date": ("date", "day", "trade_date", "trading_date", "trading_day", "dtyyyymmdd", "datadate", "caldt", "dates",
             "datum", "fecha", "data", "дата", "tarih", "日期", "交易日期", "日付", "日付け", "날짜", "일자", "date1",
             "traddt", "tradingday", "tradedate", "trade_day", "quote_date", "observation_date", "reference_date"),
    "clock": ("time", "clock", "hour", "per_time", "time_m", "uhrzeit", "zeit", "czas", "hora", "heure", "ora",
              "время"),
    "symbol": (
        "symbol", "ticker", "tic", "sym", "tckrsymb", "instrument", "instrument_id", "security", "pair", "asset",
        "stock", "name", "code", "symbols", "tickers", "contract", "isin", "permno", "market", "ticker_symbol",
        "tradingsymbol",
        "trading_symbol", "ts_code", "stock_code", "security_code", "secid", "ric", "cusip", "sedol", "figi", "wkn",
        "銘柄コード", "コード", "銘柄", "证券代码", "股票代码", "代码", "종목코드", "instrument_name", "inst_id",
        "instid", "sym_root", "sc_code",
    ),
    "open": ("open", "o", "open_price", "opening_price", "1_open", "first", "px_open", "price_open", "bidopen", "op",
             "eröffnung", "erster", "apertura", "ouv", "eröffn", "otwarcie", "abertura", "откр", "açılış", "ouverture",
             "始値", "开盘", "开盘价", "시가", "openprc", "opnpric", "startprice"),
    "high": ("high", "h", "high_price", "2_high", "max", "px_high", "price_high", "hi", "hoch", "máximo", "haut",
             "najwyzszy", "najwyższy", "plus_haut", "massimo", "máxima", "макс", "yüksek", "hoog", "高値", "高", "最高",
             "最高价", "고가", "askhi", "hghpric", "maxprice", "bidhigh"),
    "low": ("low", "l", "low_price", "3_low", "min", "px_low", "price_low", "lo", "tief", "mínimo", "bas",
            "najnizszy", "najniższy", "plus_bas", "minimo", "mínima", "мин", "düşük", "laag", "安値", "低", "最低",
            "最低价", "저가", "bidlo", "lwpric", "minprice", "bidlow"),
    "close": (
        "close", "c", "close_price", "closing_price", "4_close", "last", "close_last", "px_last", "price_close", "cl",
        "closing", "prc", "schluss", "schlusskurs", "cierre", "clot", "zuletzt", "último", "dernier", "ultimo",
        "clôture", "zamkniecie", "zamknięcie", "ostatnio", "цена", "şimdi", "laatst", "終値", "收盘", "收盘价", "종가",
        "clspric", "endprice", "bidclose", "px_close",
        "close_close_price_adjusted_for_splits",
    ),
    "adj_close": (
        "adj_close", "adjclose", "adjusted_close", "5_adjusted_close", "adj_closing_price", "adjusted", "close_adj",
        "adj_price", "adj_close_price", "closeadj",
        "adj_close_adjusted_close_price_adjusted_for_splits_and_dividend_and_or_capital_gain_distributions",
    ),
    "volume": (
        "volume", "v", "vol", "5_volume", "6_volume", "tickvol", "tick_volume", "real_volume", "base_volume",
        "volume_btc", "volume_base", "total_volume", "px_volume", "shares_traded", "volume_traded", "stücke", "stuecke",
        "volumen", "wolumen", "wol", "объём", "hac", "出来高", "交易量", "成交量", "거래량", "tottrdqty",
        "ttl_trd_qnty", "ttltradgvol", "no_of_shares", "no_of_shrs", "number_of_shares", "tradedvolume", "sx_sum",
    ),
    "price": ("price", "trade_price", "last_price", "px", "last"),
    "size": ("size", "qty", "quantity", "amount", "trade_size", "last_size", "volume", "vol", "sz"),
    "bid": ("bid", "bid_price", "bidprice", "best_bid", "bid_px", "best_bid_price", "bid_px_00"),
    "ask": ("ask", "ask_price", "askprice", "best_ask", "ask_px", "offer", "best_ask_price", "ofr", "ask_px_00"),
    "bid_size": ("bid_size", "bidsize", "bid_qty", "bid_volume", "bidvolume", "bid_sz", "best_bid_qty", "bsize",
                 "bid_amount", "bid_sz_00"),
    "ask_size": ("ask_size", "asksize", "ask_qty", "ask_volume", "askvolume", "ask_sz", "best_ask_qty", "asize",
                 "ask_amount", "ask_sz_00"),
    "known_at": ("known_at", "knowledge_time", "available_at", "published_at", "released_at", "release_date",
                 "filed_at", "datekey", "realtime_start", "vintage_date", "vintage", "reporteddate", "reported_date",
                 "filing_date", "filingdate", "fillingdate", "accepteddate", "accepted_date", "ann_date", "f_ann_date",
                 "publish_date", "publication_date", "rdq"),
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

BASE_VOLUME = re.compile(
    r"volume_(?!(?:usdt?|usdc|busd|fdusd|eur|gbp|jpy|krw|try|brl|dai|currency)$)(?P<coin>[a-z0-9]{2,8})"
)
"""A volume counted in the coin that is traded, not in what is paid for it."""
NULL_WORDS = (
    "NA", "N/A", "n/a", "null", "NULL", "None", "#N/A", "-", "--", ".", "\\N", "nil", "NaN", "nan",
    "#N/A N/A", "N.A.", "n.a.", "(null)", "<NA>", "NaT", "—", "–",
)  # fmt: skip
OPENS = ("open_time", "opentime", "time_open", "timeopen", "start", "start_time", "starttime", "start_at",
         "window_start", "time_period_start", "bar_start", "period_start", "candle_begin_time")  # fmt: skip
"""Names of times at which bars open."""
CLOSES = ("close_time", "closetime", "time_close", "end", "end_time", "endtime", "time_period_end", "bar_end",
          "period_end")  # fmt: skip
"""Names of times at which bars close."""
LABELS = re.compile(r"(^|_)(next|future|target|label|fwd)(_|$)")
_PLAIN_NAMES = {
    "data", "prices", "price", "train", "test", "ohlcv", "ohlc", "export", "download", "file", "upload", "stocks",
    "history", "historical", "daily", "quotes", "book1", "sheet1", "untitled", "bars", "dataset",
}  # fmt: skip
_FILE_NAMES = (
    re.compile(
        r"^(?P<s>[A-Z0-9]+(?:[-_][A-Z0-9]+)?)-"
        r"(\d+[smhdwM]o?|trades|aggTrades|bookTicker|fundingRate|metrics|candles)(-\d{4}(-\d{2}){1,2})?$"
    ),
    re.compile(r"^(?:[A-Z0-9]+_)+(?P<s>[^_,]+), \d*[SDWMR]?(?:[ _].*)?$"),
    re.compile(
        r"^(?P<s>[A-Z0-9.]+?)_(?:full_)?(?:1min|5min|30min|1hour|1day)_(?i:adjsplit(div)?|unadj(usted)?|sample)$"
    ),
    re.compile(r"^(?P<s>[A-Z]{6})_(?:Candlestick|Ticks|\d+ (?:Min|Hour|Day)|Tick|Hourly|Daily)[ _].*$"),
    re.compile(r"^(?P<s>[A-Za-z0-9 .-]+?)_(?:\d+_){2}\d{4}-(?:\d+_){2}\d{4}_historical_data_coinmarketcap$"),
    re.compile(r"^(?P<s>[^_]+)_(?:daily|intraday-\d+min)_historical-data-[\d-]+$"),
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
        time: Folded name of the column that is the time, where several could be.
        named: Roles of columns by their folded names, where these say something else.
        nulls: Cells that stand for a missing value.
        divisor: Prices are divided by it.
        lots: How many shares one of the volume is.
        day_first: Whether the day stands before the month where either could.
    """

    name: str
    roles: tuple[Role, ...] | None
    label: LabelAt = "unknown"
    adjustment: Adjustment = "unknown"
    zone: str | None = None
    time: str = ""
    named: tuple[tuple[str, Role], ...] = ()
    nulls: tuple[str, ...] = ()
    divisor: float = 1.0
    lots: float = 1.0
    day_first: bool = False


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
LEAN = Habit("LEAN", ("time", "open", "high", "low", "close", "volume"), "open", "raw", divisor=10_000.0)
METATRADER = Habit("MetaTrader", ("date", "clock", "open", "high", "low", "close", "volume"), "open", "unknown")
YAHOO = Habit("Yahoo", None, "open", "splits")
YFINANCE = Habit("yfinance, which adjusts them unless told otherwise", None, "open", "splits_and_dividends")
DUKASCOPY = Habit("Dukascopy", None, "open", "unknown", "UTC", day_first=True)


def folded(name: str) -> str:
    """Return a column's name without case, brackets and signs: ``<CLOSE>``, ``4. close`` and ``Close`` are close."""
    text = unicodedata.normalize("NFC", name).strip().casefold()
    text = re.sub(r"^unnamed: \d+(_level_\d+)?$", "", text)
    head, _, tail = text.partition("/")
    if head.isascii() and not tail.isascii():  # OKX: the same in Chinese behind it
        text = head
    return re.sub(r"[\W_]+", "_", text).strip("_")


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


def likely_symbols(stem: str) -> tuple[str, ...]:
    """Return what of a file's name may be a symbol: to be asked for, not to be taken."""
    own = symbol_of(stem)
    words = [word for word in re.split(r"[_ ,()]+", stem) if re.fullmatch(r"(?=.*[A-Z]{2})[A-Z0-9.=-]{2,12}", word)]
    return tuple(dict.fromkeys([*([own] if own != stem else []), *words]))[:3]


def says_a_symbol(stem: str) -> bool:
    """Tell whether a file's name looks like that of an instrument."""
    symbol = symbol_of(stem)
    return symbol.casefold() not in _PLAIN_NAMES and re.fullmatch(r"[A-Za-z0-9.^=/#-]{1,12}", symbol) is not None
