"""From the stored columns of a shipped dataset to bars a run can trade."""

from __future__ import annotations

from typing import Any

import numpy as np

from alphintra.data.actions import read_actions
from alphintra.data.basis import ADJUSTED, AS_GIVEN, RAW, RAW_ALONE, basis, check_prices
from alphintra.data.catalogue import read_columns
from alphintra.data.content_hash import Array, content_hash
from alphintra.data.market import MarketData, Note, SymbolBars
from alphintra.data.sessions import calendar_sessions
from alphintra.data.splits import looks_like_split
from alphintra.errors import DataError


def market_from_manifest(found: dict[str, Any], symbols: tuple[str, ...], prices: str | None = None) -> MarketData:
    """Build the market data of some symbols of a shipped dataset.

    Args:
        found: Its manifest.
        symbols: Which symbols.
        prices: ``auto``, ``adjusted`` or ``raw``; ``None`` is the default of :mod:`alphintra.data.basis`.

    Raises:
        DataError: The dataset holds no prices (``us-factors-monthly``), or no raw ones where such
            are wanted.
    """
    if not found["tradable"]:
        raise DataError(
            f"'{found['name']}' holds {found['holds']}, not prices that can be traded",
            code="NOT_TRADABLE",
            hint="Read it with al.data.load().",
        )
    columns = read_columns(found, symbols)
    whole = len(symbols) == len(found["symbols"])
    any_adjusted = any("adj_close" in own for own in columns.values())
    source = AS_GIVEN if any_adjusted else found["prices"]
    on = basis(check_prices(prices), events=bool(found["events"]), adj_close=any_adjusted, source=source)
    bars = {symbol: _bars(symbol, columns[symbol], found) for symbol in symbols}
    if on == ADJUSTED and any_adjusted:
        bars = {symbol: adjusted(own, columns[symbol]["adj_close"]) for symbol, own in bars.items()}
    actions = read_actions(found, bars) if on == RAW else {}
    notes = [Note(**note) for note in found["notes"]]
    if on == RAW_ALONE:
        notes += looks_like_split(bars)
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
        prices=on,
        notes=tuple(notes),
        lot=found["lot"],
        tick=found["tick"],
        closes_only=found["closes_only"],
        quoted_in=found["currency"],
        actions=actions,
    )


def _bars(symbol: str, stored: dict[str, Array], found: dict[str, Any]) -> SymbolBars:
    close = stored["close"]
    unknown = np.full(len(close), np.nan)
    return SymbolBars(
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
