"""The sources of the platform datasets: files of three packages, read and never imported.

Each function returns one :class:`Source`: what the dataset is, its columns, and its rows by symbol.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from source_files import (
    CLOSE_TIME,
    DAY_US,
    EPOCH,
    OPEN_TIME,
    SESSION,
    Calendar,
    Column,
    Rows,
    Source,
    days,
    folder,
    numbers,
    read_csv,
)


def _double(name: str, unit: str, role: str, text: str) -> Column:
    return {"name": name, "type": "double", "unit": unit, "role": role, "description": text}


def _bars(unit: str) -> list[Column]:
    return [
        SESSION,
        OPEN_TIME,
        CLOSE_TIME,
        _double("open", unit, "open", "first price of the session"),
        _double("high", unit, "high", "highest price of the session"),
        _double("low", unit, "low", "lowest price of the session"),
        _double("close", unit, "close", "last price of the session"),
    ]


_DAILY = {
    "timeframe": "1d",
    "calendar": "XNYS",
    "periods_per_year": 252,
    "label": "open",
    "lot": 1.0,
    "tick": None,
    "tradable": True,
    "closes_only": False,
    "traded_volume": False,
    "prices": "as given",
    "source_time_zone": "America/New_York",
    "notes": [],
}

_ARCH_LICENCE = {
    "name": "NCSA",
    "file": "licenses/arch.txt",
    "attribution": "Copyright (c) 2017 Kevin Sheppard",
}


def us_equities_daily(xnys: Calendar) -> Source:
    """Five US shares 2000–2013, raw, with the vendor's adjusted close and the events it implies."""
    path = folder("bokeh_sampledata") / "_data" / "stocks.csv.gz"
    by_symbol: dict[str, list[dict[str, str]]] = {}
    for row in read_csv(path):
        by_symbol.setdefault(row["Ticker"], []).append(row)
    rows: Rows = {}
    events: list[dict[str, Any]] = []
    for symbol, cells in sorted(by_symbol.items()):
        session = days([row["Date"] for row in cells])
        opens, closes = xnys.times(session)
        rows[symbol] = {"session": session, "open_time": opens, "close_time": closes}
        for column in ("Open", "High", "Low", "Close", "Volume"):
            rows[symbol][column.lower()] = numbers(cells, column)
        rows[symbol]["adj_close"] = numbers(cells, "Adj Close")
        events += derived_events(symbol, session, rows[symbol]["close"], rows[symbol]["adj_close"])
    return Source(
        about={
            **_DAILY,
            "name": "us-equities-daily",
            "title": "Five US shares, daily",
            "description": "Daily open, high, low, close, volume and adjusted close of five large US shares, "
            "March 2000 to March 2013. Prices are stored raw. Splits and dividends are derived from the change "
            "of adj_close / close; a run trades raw prices with these events, or adjusted ones. GOOG is "
            "Google's history before 2014, which the source files under GOOGL.",
            "asset_class": "STOCKS",
            "currency": "USD",
            "adjustment": "raw prices, adjusted close of the vendor beside them",
            "prices": "adjusted, dividends reinvested",
            "traded_volume": True,
            "holds": "daily bars",
            "notes": [
                {
                    "code": "survivors",
                    "text": "survivors: these shares were chosen afterwards, among companies that did well; "
                    "results on them are better than a trader could have had",
                    "level": "warning",
                }
            ],
        },
        columns=[
            *_bars("USD"),
            _double("volume", "shares", "volume", "shares traded, as reported"),
            _double(
                "adj_close", "USD", "adjusted close", "close adjusted by the vendor for splits and dividends"
            ),
        ],
        rows=rows,
        package="bokeh_sampledata",
        files=[path],
        licence={
            "name": "Public domain",
            "file": "licenses/bokeh_sampledata.txt",
            "attribution": "Quandl WIKI Prices. Archived copy supplied by marketneutral on Kaggle.",
        },
        titles={
            "AAPL": "Apple",
            "FB": "Facebook",
            "GOOG": "Google",
            "IBM": "International Business Machines",
            "MSFT": "Microsoft",
        },
        events=events,
    )


def derived_events(
    symbol: str, session: np.ndarray, close: np.ndarray, adj_close: np.ndarray
) -> list[dict[str, Any]]:
    """Return the splits and dividends that a change of adj_close / close implies.

    The vendor multiplies earlier closes by ``close / (close + dividend)`` of the ex-date, so a
    dividend is the ex-date's close × (change − 1). A change within 0.5 % of a simple ratio of at
    least 1.25 (or at most 0.8) is a split; its value is shares after per share before.
    """
    factor = adj_close / close
    change = factor[1:] / factor[:-1]
    events = []
    for row in np.flatnonzero(np.abs(change - 1) > 1e-6) + 1:
        ratio = float(change[row - 1])
        simple = _simple_ratio(ratio)
        events.append(
            {
                "symbol": symbol,
                "kind": "dividend" if simple is None else "split",
                "ex_date": int(session[row]),
                "value": round(float(close[row]) * (ratio - 1), 6) if simple is None else simple,
                "source": "derived",
            }
        )
    return events


def _simple_ratio(ratio: float) -> float | None:
    if 0.8 < ratio < 1.25:
        return None
    for low in range(1, 6):
        high = round(max(ratio, 1 / ratio) * low)
        simple = high / low if ratio > 1 else low / high
        if abs(ratio / simple - 1) <= 0.005:
            return simple
    return None


def us_indices_daily(xnys: Calendar) -> Source:
    """S&P 500 and NASDAQ Composite 1999–2018."""
    rows: Rows = {}
    files = []
    for symbol, name in (("NASDAQ", "nasdaq"), ("SP500", "sp500")):
        path = folder("arch") / "data" / name / f"{name}.csv.gz"
        files.append(path)
        cells = read_csv(path)
        session = days([row["Date"] for row in cells])
        opens, closes = xnys.times(session)
        rows[symbol] = {"session": session, "open_time": opens, "close_time": closes}
        for column in ("Open", "High", "Low", "Close", "Volume"):
            rows[symbol][column.lower()] = numbers(cells, column)
    return Source(
        about={
            **_DAILY,
            "name": "us-indices-daily",
            "title": "S&P 500 and NASDAQ Composite, daily",
            "description": "Daily open, high, low and close of the two price indices, 1999 to 2018, without "
            "dividends. An index cannot be bought; the volume is that of its members, so no cap on fills "
            "is derived from it.",
            "asset_class": "INDEX",
            "currency": "USD",
            "adjustment": "price index, nothing to adjust",
            "holds": "daily bars",
        },
        columns=[
            *_bars("index points"),
            _double("volume", "shares", "information", "volume of the index's members, not traded volume"),
        ],
        rows=rows,
        package="arch",
        files=files,
        licence=_ARCH_LICENCE,
        titles={"SP500": "S&P 500", "NASDAQ": "NASDAQ Composite"},
    )


def vix_daily(xnys: Calendar) -> Source:
    """CBOE volatility index 2014–2018; days that the source marks as missing are left out."""
    path = folder("arch") / "data" / "vix" / "vix.csv.gz"
    session, level = _without_gaps(path, "vix")
    opens, closes = xnys.times(session)
    return Source(
        about={
            **_DAILY,
            "name": "vix-daily",
            "title": "VIX, daily closes",
            "description": "Daily close of the CBOE volatility index, January 2014 to January 2019. Closes "
            "only: open, high and low are not known. The index itself cannot be traded.",
            "asset_class": "INDEX",
            "currency": None,
            "adjustment": "none",
            "closes_only": True,
            "holds": "daily closes",
        },
        columns=[
            SESSION,
            OPEN_TIME,
            CLOSE_TIME,
            _double("close", "volatility points", "close", "index level at the close, percent a year"),
        ],
        rows={"VIX": {"session": session, "open_time": opens, "close_time": closes, "close": level}},
        package="arch",
        files=[path],
        licence=_ARCH_LICENCE,
        titles={"VIX": "CBOE volatility index"},
    )


def wti_daily(xnys: Calendar) -> Source:
    """Spot price of crude oil at Cushing 1986–2019, on its own days rather than the exchange's."""
    path = folder("arch") / "data" / "wti" / "wti.csv.gz"
    session, price = _without_gaps(path, "DCOILWTICO")
    opens = session.astype(np.int64) * DAY_US
    return Source(
        about={
            **_DAILY,
            "name": "wti-daily",
            "title": "WTI crude oil spot price, daily closes",
            "description": "Daily spot price of West Texas Intermediate at Cushing, Oklahoma, 1986 to "
            "January 2019 (FRED series DCOILWTICO). Closes only. It is priced on days on which the New York "
            "exchange is closed and the reverse, so a day is a weekday from 00:00 to 24:00 UTC.",
            "asset_class": "COMMODITY",
            "currency": "USD",
            "adjustment": "none",
            "calendar": "weekdays",
            "closes_only": True,
            "source_time_zone": None,
            "holds": "daily closes",
        },
        columns=[
            SESSION,
            OPEN_TIME,
            CLOSE_TIME,
            _double("close", "USD a barrel", "close", "spot price of the day"),
        ],
        rows={"WTI": {"session": session, "open_time": opens, "close_time": opens + DAY_US, "close": price}},
        package="arch",
        files=[path],
        licence=_ARCH_LICENCE,
        titles={"WTI": "West Texas Intermediate, Cushing"},
    )


def _without_gaps(path: Path, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Read date and value; FRED writes ``.`` where a day has none."""
    cells = [row for row in read_csv(path) if row[column] != "."]
    return days([row["Date"] for row in cells]), numbers(cells, column)


def us_factors_monthly(xnys: Calendar) -> Source:
    """Fama and French's factors 1926–2018. Dates are YYYYMM: read as numbers they load as 1970."""
    path = folder("arch") / "data" / "frenchdata" / "frenchdata.csv.gz"
    cells = read_csv(path)
    first_days, next_days = [], []
    for row in cells:
        year, month = int(row["Date"][:4]), int(row["Date"][4:])
        first_days.append((date(year, month, 1) - EPOCH).days)
        next_days.append((date(year + month // 12, month % 12 + 1, 1) - EPOCH).days)
    rows = {
        "session": np.array(next_days, dtype=np.int32) - np.int32(1),
        "open_time": np.array(first_days, dtype=np.int64) * DAY_US,
        "close_time": np.array(next_days, dtype=np.int64) * DAY_US,
    }
    names = (("mkt_rf", "Mkt-RF"), ("smb", "SMB"), ("hml", "HML"), ("rf", "RF"))
    for name, column in names:
        # Shifted as decimals, so that 2.96 percent is 0.0296 and not a neighbour of it.
        rows[name] = np.array([float(Decimal(row[column]) / 100) for row in cells])
    return Source(
        about={
            **_DAILY,
            "name": "us-factors-monthly",
            "title": "US factor returns, monthly",
            "description": "Monthly returns of Fama and French's three factors and the one-month bill rate, "
            "July 1926 to November 2018, as fractions (the source has percent). The session is the last day "
            "of the month. These are returns, not prices: they are read with al.data.load, not traded.",
            "asset_class": "FACTOR",
            "currency": "USD",
            "adjustment": "none",
            "timeframe": "1mo",
            "calendar": "months",
            "periods_per_year": 12,
            "tradable": False,
            "source_time_zone": None,
            "holds": "monthly factor returns",
        },
        columns=[
            SESSION,
            OPEN_TIME,
            CLOSE_TIME,
            _double("mkt_rf", "fraction", "return", "market return less the bill rate"),
            _double("smb", "fraction", "return", "small less big companies"),
            _double("hml", "fraction", "return", "high less low book-to-market companies"),
            _double("rf", "fraction", "return", "one-month Treasury bill rate"),
        ],
        rows={"FACTORS": rows},
        package="arch",
        files=[path],
        licence={
            **_ARCH_LICENCE,
            "attribution": "Provided by Ken French's data library; package copyright (c) 2017 Kevin Sheppard",
        },
        titles={"FACTORS": "Fama and French, three factors"},
    )


def us_closes_daily(xnys: Calendar) -> Source:
    """Twenty US shares 1990–2022, adjusted closes only."""
    path = folder("skfolio") / "datasets" / "data" / "sp500_dataset.csv.gz"
    cells = read_csv(path)
    session = days([row["Date"] for row in cells])
    opens, closes = xnys.times(session)
    return Source(
        about={
            **_DAILY,
            "name": "us-closes-daily",
            "title": "Twenty US shares, daily adjusted closes",
            "description": "Daily closes of twenty members of the S&P 500, 1990 to December 2022, adjusted "
            "for splits and dividends by the source and rounded to a tenth of a cent. Closes only. The "
            "source gives them for tests and examples, not as a basis for investment.",
            "asset_class": "STOCKS",
            "currency": "USD",
            "adjustment": "adjusted by the source",
            "prices": "adjusted, dividends reinvested",
            "closes_only": True,
            "holds": "daily closes",
            "notes": [
                {
                    "code": "survivors",
                    "text": "survivors: these shares were chosen afterwards, among companies that still "
                    "exist; results on them are better than a trader could have had",
                    "level": "warning",
                }
            ],
        },
        columns=[
            SESSION,
            OPEN_TIME,
            CLOSE_TIME,
            _double("close", "USD", "close", "close adjusted for splits and dividends"),
        ],
        rows={
            symbol: {
                "session": session,
                "open_time": opens,
                "close_time": closes,
                "close": numbers(cells, symbol),
            }
            for symbol in sorted(cells[0])
            if symbol != "Date"
        },
        package="skfolio",
        files=[path],
        licence={
            "name": "BSD-3-Clause",
            "file": "licenses/skfolio.txt",
            "attribution": "Copyright (c) 2023-2026 The skfolio developers",
        },
    )


SOURCES = (
    us_equities_daily,
    us_indices_daily,
    vix_daily,
    wti_daily,
    us_factors_monthly,
    us_closes_daily,
)
