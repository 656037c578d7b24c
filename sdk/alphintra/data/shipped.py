"""From the stored columns of a shipped dataset to bars a run can trade."""

from __future__ import annotations

from typing import Any

import numpy as np

from alphintra.data.catalogue import read_columns
from alphintra.data.content_hash import Array, content_hash
from alphintra.data.market import MarketData, Note, SymbolBars
from alphintra.data.sessions import calendar_sessions
from alphintra.errors import DataError

ADJUSTED = "adjusted, dividends reinvested"
AS_GIVEN = "as given"


def market_from_manifest(found: dict[str, Any], symbols: tuple[str, ...]) -> MarketData:
    """Build the market data of some symbols of a shipped dataset.

    Raises:
        DataError: The dataset holds no prices (``us-factors-monthly``).
    """
    if not found["tradable"]:
        raise DataError(
            f"'{found['name']}' holds {found['holds']}, not prices that can be traded",
            code="NOT_TRADABLE",
            hint="Read it with al.data.load().",
        )
    columns = read_columns(found, symbols)
    whole = len(symbols) == len(found["symbols"])
    bars = {symbol: _bars(symbol, columns[symbol], found) for symbol in symbols}
    first = min(int(b.session[0]) for b in bars.values())
    last = max(int(b.session[-1]) for b in bars.values())
    return MarketData(
        name=found["name"] if whole else f"{found['name']}/{','.join(symbols)}",
        dataset_hash=content_hash(columns),
        symbols=symbols,
        bars=bars,
        asset_class=found["asset_class"],
        timeframe=found["timeframe"],
        calendar=found["calendar"],
        sessions=calendar_sessions(found["calendar"], first, last),
        periods_per_year=found["periods_per_year"],
        prices=found["prices"],
        notes=tuple(Note(**note) for note in found["notes"]),
        lot=found["lot"],
        tick=found["tick"],
        closes_only=found["closes_only"],
    )


def _bars(symbol: str, stored: dict[str, Array], found: dict[str, Any]) -> SymbolBars:
    close = stored["close"]
    unknown = np.full(len(close), np.nan)
    bars = SymbolBars(
        symbol=symbol,
        open_time=stored["open_time"],
        close_time=stored["close_time"],
        session=stored["session"],
        open=stored.get("open", unknown),
        high=stored.get("high", unknown.copy()),
        low=stored.get("low", unknown.copy()),
        close=close,
        volume=stored["volume"] if found["traded_volume"] else None,
    )
    return adjusted(bars, stored["adj_close"]) if "adj_close" in stored else bars


def adjusted(bars: SymbolBars, adj_close: Array) -> SymbolBars:
    """Return bars in adjusted prices (rule F8, ``prices="adjusted"``).

    The factor adj_close / close is rescaled to 1 at the last bar, so that the latest prices are
    those that were quoted; volume is divided by it, so that traded notional is kept.
    """
    factor = adj_close / bars.close
    factor = factor / factor[-1]
    return SymbolBars(
        symbol=bars.symbol,
        open_time=bars.open_time,
        close_time=bars.close_time,
        session=bars.session,
        open=bars.open * factor,
        high=bars.high * factor,
        low=bars.low * factor,
        close=bars.close * factor,
        volume=None if bars.volume is None else bars.volume / factor,
    )
