"""Vendors that are known by the names of their columns or of their files, and what no cell of theirs says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from statistics import median

from alphintra.ingest import habits
from alphintra.ingest.habits import Habit, folded
from alphintra.ingest.levels import FIELDS
from alphintra.ingest.mapping import Adjustment
from alphintra.ingest.roles import is_bar
from alphintra.ingest.sniffing import Table
from alphintra.ingest.stamps import Stamps

_UNDEFINED = str((1 << 63) - 1)
_ORDERS = (("price", "feature"), ("size", "feature"))
DATABENTO = Habit("Databento", None, "open", "raw", "UTC")
COINMARKETCAP = Habit(
    "CoinMarketCap", None, "open", "raw", "UTC", time="timeopen",
    named=tuple((name, "ignore") for name in ("name", "timeclose", "timehigh", "timelow", "timestamp")),
)  # fmt: skip
_BY_NAMES: tuple[tuple[frozenset[str], Habit], ...] = (
    (frozenset({"window_start", "transactions", "open"}), Habit("Polygon's flat files", None, "open", "raw")),
    (frozenset({"timeopen", "timeclose", "marketcap"}), COINMARKETCAP),
    (frozenset({"adj_open", "adj_close", "ex_dividend", "split_ratio"}), Habit("Quandl's WIKI", None, "open", "raw")),
    (frozenset({"adjopen", "adjclose", "divcash", "splitfactor"}), Habit("Tiingo", None, "open", "raw")),
    (frozenset({"close", "closeadj", "closeunadj"}), Habit("Sharadar", None, "open", "splits")),
    (frozenset({"close", "adjusted_close", "split_coefficient"}), Habit("Alpha Vantage", None, "open", "raw")),
    (frozenset({"time", "o", "h", "l", "c", "complete"}), Habit("OANDA", None, "open")),
    (frozenset({"time_period_start", "px_open", "px_close"}), Habit("CoinAPI", None, "open", "raw")),
)
"""Columns that no other vendor has together, by their folded names."""
_FRENCH = Habit("Kenneth French's library", None, nulls=("-99.99", "-999", "-999.0", "-99.9900", "-999.9900"))
_HISTDATA = re.compile(r"DAT_(ASCII|MT|MS|XLSX|NT)_[A-Z0-9]+_(?P<what>M1|T|T_LAST|T_BID|T_ASK)_\d{4,6}")
#: HistData's own words: Eastern Standard Time without daylight saving.
_EST = "Etc/GMT+5"
_HISTDATA_ROLES = {
    ("M1", 6): ("time", "open", "high", "low", "close", "volume"),
    ("M1", 7): ("date", "clock", "open", "high", "low", "close", "volume"),
    ("T", 4): ("time", "bid", "ask", "ignore"),
    ("T_LAST", 3): ("time", "price", "ignore"),
    ("T_BID", 3): ("time", "price", "ignore"),
    ("T_ASK", 3): ("time", "price", "ignore"),
}
_FIRSTRATE = re.compile(
    r".+?_(?:full_)?(?:1min|5min|30min|1hour|1day)_(?P<how>adjsplitdiv|adjsplit|UNADJUSTED|UNADJ|unadjusted)"
)
_FIRSTRATE_STATES: dict[str, Adjustment] = {"adjsplitdiv": "splits_and_dividends", "adjsplit": "splits"}
_TRADINGVIEW = re.compile(r"[A-Z0-9_]+_[^_,]+, \d*[SDWMR]?(?:[ _].*)?")
_SMALLEST = 10_000_000
"""What some price of whole thousand-millionths is at least: a hundredth. Hardly any price in full is so high."""
_NO_SHARES = frozenset({"oi", "open_interest", "openint", "settle", "pre_settle", "settlement", "strike", "expiry",
                        "expiration", "count", "持仓量", "结算价", "昨结算", "前结算", "动态结算价"})  # fmt: skip
"""Columns beside which no lots of shares are counted: the turnover of a contract has its multiplier in it, which may be
a hundred or a thousand; of Huobi, which counts trades, ``vol`` is the money and ``amount`` what was traded."""
_SHARES = ("vol", "成交量", "成交量_手")
_MONEY = ("amount", "成交额", "成交额_元", "成交额_千元")


def habit_of(table: Table, stem: str, stamps: Stamps) -> Habit | None:
    """Return the layout that a file is in, if it is a known one."""
    width = len(table.names)
    names = {folded(name) for name in table.names}
    vendor = _vendor(table, stem)
    if vendor is not None:
        return vendor
    if table.header:
        if table.vendor == "yfinance":
            return habits.YAHOO if "adj_close" in names else habits.YFINANCE
        if {"date", "open", "high", "low", "close", "adj_close", "volume"} <= names and "adj_open" not in names:
            return habits.YAHOO
        if {"open", "high", "low", "close", "dividends", "stock_splits"} <= names and "adj_close" not in names:
            return habits.YFINANCE
        local = table.column([*map(folded, table.names)].index("local_time")) if "local_time" in names else [""]
        if "gmt_time" in names or all(" GMT" in cell for cell in local):
            return habits.DUKASCOPY
        # Others write such names as well, and stamp a bar at its close: MultiCharts, Finam if it is asked to.
        if {"<date>", "<open>", "<tickvol>"} <= {name.strip().casefold() for name in table.names}:
            return Habit("MetaTrader", None, "open")
        if {"open_time", "close_time", "open", "taker_buy_volume"} <= names:
            return Habit("Binance klines", None, "open", "raw", "UTC")
        return None
    if width == 12 and stamps.epoch(table.column(0), True) and stamps.epoch(table.column(6), True):
        return habits.BINANCE
    truths = width in (7, 8) and set(table.column(6)) <= {"True", "False", "true", "false"}
    if truths and width == 7 and stamps.epoch(table.column(4), True):
        return habits.BINANCE_TRADES
    if truths and stamps.epoch(table.column(5), True):
        return habits.BINANCE_AGGREGATED
    whole = width == 6 and all(cell.isdigit() for place in range(1, 5) for cell in table.column(place))
    first = (table.column(0) or [""])[0]
    named = first.isdigit() and stamps.in_name(stem)
    if whole and (named or re.match(r"\d{8} \d{2}:\d{2}$", first)) and is_bar(table, range(1, 5)):
        return habits.LEAN
    dotted = re.match(r"\d{4}\.\d{2}\.\d{2}$", first)
    if width == 7 and dotted and stamps.is_date(table.column(0)) and stamps.is_clock(table.column(1)):
        return habits.METATRADER
    return None


def _vendor(table: Table, stem: str) -> Habit | None:
    """Return what is known of whoever wrote a table.

    Args:
        table: Its sample.
        stem: Its name without folders and suffixes.
    """
    keys = [folded(name) for name in table.names]
    names = set(keys)
    found = _HISTDATA.fullmatch(stem)
    if found is not None and not table.header:
        roles = _HISTDATA_ROLES.get((found["what"], len(keys)))
        return None if roles is None else Habit("HistData", roles, "open", "unknown", _EST)  # type: ignore[arg-type]
    if not table.header:
        return _firstrate(stem, len(keys)) or _ticks(table)
    sizes = _named(table, keys, lambda key: key in ("volume", "size"))
    if {"ts_event", "ts_init"} <= names and _whole(table, keys) and _are_whole(sizes):
        return Habit("Nautilus", None, divisor=1e9, lots=1e-9)
    if {"ts_event", "rtype", "publisher_id"} <= names:
        return _databento(table, keys)
    for own, habit in _BY_NAMES:
        if own <= names:
            return habit
    if keys[:5] == ["time", "open", "high", "low", "close"] and _TRADINGVIEW.fullmatch(stem):
        return Habit("TradingView", None, "open")
    if {"mkt_rf", "rf"} <= names or (not keys[0] and table.dialect.skip > 2 and FIELDS.isdisjoint(names)):
        return _french(table)
    if {"adjustflag", "preclose", "code"} <= names and len(set(table.column(keys.index("adjustflag")))) == 1:
        return _baostock(table.column(keys.index("adjustflag"))[0])
    return _in_lots(table, keys)


def _databento(table: Table, keys: Sequence[str]) -> Habit:
    """Prices are whole numbers of a thousand-millionth unless told otherwise; a book's orders are no trades."""
    raw = _whole(table, keys)
    actions = set(table.column(keys.index("action"))) if "action" in keys else set()
    return Habit(
        "Databento", None, "open", "raw", "UTC",
        named=() if actions <= {"T", "F"} else _ORDERS,  # type: ignore[arg-type]
        nulls=(_UNDEFINED,) if raw else (),
        divisor=1e9 if raw else 1.0,
    )  # fmt: skip


def _whole(table: Table, keys: Sequence[str]) -> bool:
    """Tell whether all prices are whole numbers, and too large for prices."""
    prices = _named(table, keys, lambda key: key in ("open", "high", "low", "close", "price") or "_px_" in key)
    return _are_whole(prices) and max(abs(int(cell)) for cell in prices) >= _SMALLEST


def _are_whole(cells: Sequence[str]) -> bool:
    return bool(cells) and all(re.fullmatch(r"-?\d{5,}|0", cell) for cell in cells)


def _named(table: Table, keys: Sequence[str], is_one: Callable[[str], bool]) -> list[str]:
    return [cell for place, key in enumerate(keys) if is_one(key) for cell in table.column(place)]


def _firstrate(stem: str, width: int) -> Habit | None:
    found = _FIRSTRATE.fullmatch(stem)
    if found is None or width not in (5, 6):
        return None
    roles = ("time", "open", "high", "low", "close", "volume")[:width]
    state = _FIRSTRATE_STATES.get(found["how"], "raw")
    return Habit("FirstRate Data", roles, "open", state, "America/New_York")  # type: ignore[arg-type]


def _ticks(table: Table) -> Habit | None:
    """Return the layout of trades without a header: NinjaTrader's, Kraken's and Bitcoincharts'."""
    width = len(table.names)
    first = table.column(0)
    if width == 5 and first and all(re.fullmatch(r"\d{8} \d{6} \d{7}", cell) for cell in first):
        return Habit("NinjaTrader's ticks", ("time", "price", "bid", "ask", "size"))
    if width == 3 and len(first) > 1 and all(re.fullmatch(r"\d{10}(\.\d+)?", cell) for cell in first):
        numbers = [cell for place in (1, 2) for cell in table.column(place)]
        if numbers and all(re.fullmatch(r"\d+\.\d+", cell) for cell in numbers):
            return Habit("Kraken's and Bitcoincharts' trades", ("time", "price", "size"))
    return None


def _baostock(flag: str) -> Habit | None:
    states: dict[str, Adjustment] = {"1": "splits_and_dividends", "2": "splits_and_dividends", "3": "raw"}
    state = states.get(flag)
    return None if state is None else Habit("Baostock", None, "unknown", state)


def _in_lots(table: Table, keys: Sequence[str]) -> Habit | None:
    """Chinese vendors count shares in lots of a hundred, and some money in thousands: the turnover tells."""
    shares = next((keys.index(name) for name in _SHARES if name in keys), None)
    money = next((keys.index(name) for name in _MONEY if name in keys), None)
    close = next((keys.index(name) for name in ("close", "收盘", "收盘价") if name in keys), None)
    if shares is None or money is None or close is None or not _NO_SHARES.isdisjoint(keys):
        return None
    found = []
    for row in table.rows:
        try:
            volume, turnover, price = (float(row[place] or "nan") for place in (shares, money, close))
        except ValueError:
            continue
        if volume > 0 and turnover > 0 and price > 0:
            found.append(turnover / volume / price)
    ratio = median(found) if len(found) > 2 else 0.0
    if 0.08 < ratio < 0.125 or 80 < ratio < 125:
        what = "thousands of money for each lot" if ratio < 1 else "a hundred times the price for each"
        return Habit(f"lots of a hundred shares: the turnover is {what}", None, lots=100)
    return None


def _french(table: Table) -> Habit | None:
    """Returns of portfolios are all written with decimals, and those that there are not as -99.99 or -999."""
    cells = {(cell or "").strip() for row in table.rows for cell in row[1:]}
    nothing = cells & set(_FRENCH.nulls)
    returns = all(re.fullmatch(r"-?\d*\.\d+", cell) for cell in cells - nothing if cell)
    return _FRENCH if nothing and returns else None
