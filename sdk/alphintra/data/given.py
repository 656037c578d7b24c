"""Data given directly: a file, a DataFrame, or a dict of DataFrames."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra.data.basis import ADJUSTED, basis, check_prices
from alphintra.data.checks import check_bars, check_order, check_positive, check_volume, read_number
from alphintra.data.content_hash import Array, content_hash
from alphintra.data.market import F64, MarketData, Note, SymbolBars
from alphintra.data.overlap import check_overlap, check_zones
from alphintra.data.roles import PRICES, match_columns
from alphintra.data.shipped import adjusted
from alphintra.data.splits import looks_like_split
from alphintra.data.tables import RawTable, file_suffix, from_frame, read_file
from alphintra.data.timeframe import Label, Span, find_frame
from alphintra.data.times import Times, parse_times
from alphintra.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

UNNAMED = "DATA"
"""Symbol and name of a DataFrame."""


@dataclass(frozen=True, eq=False)
class _Checked:
    """One symbol's columns after all checks."""

    times: Times
    prices: dict[str, F64]
    volume: F64 | None
    adj_close: F64 | None


def market_from_file(path: Path, prices: str | None = None, label: Label | None = None) -> MarketData:
    """Read a CSV or Parquet file; the symbol is the file's stem."""
    suffix = file_suffix(path) or ""
    stem = path.name[: len(path.name) - len(suffix)] or path.name
    return market_from_tables(stem, {stem: read_file(path)}, prices, label)


def market_from_frame(frame: pd.DataFrame, prices: str | None = None, label: Label | None = None) -> MarketData:
    """Take one DataFrame as the symbol ``DATA``."""
    return market_from_tables(UNNAMED, {UNNAMED: from_frame(frame, "DataFrame")}, prices, label)


def market_from_frames(frames: Mapping[Any, Any], prices: str | None = None, label: Label | None = None) -> MarketData:
    """Take a dict of DataFrames, one for each symbol, in the dict's order."""
    if not frames:
        raise DataError("the dict of DataFrames is empty", code="NO_ROWS")
    tables = {}
    for symbol, frame in frames.items():
        if not isinstance(symbol, str) or not symbol.strip():
            raise DataError(
                f"the symbol {symbol!r} is not a name",
                code="BAD_SYMBOL",
                hint="Keys of the dict are symbols.",
            )
        if not is_frame(frame):
            raise DataError(
                f"the value for '{symbol}' is a {type(frame).__name__}, not a DataFrame",
                code="BAD_DATA_TYPE",
                hint="Give a DataFrame, or a dict of DataFrames by symbol.",
            )
        tables[symbol] = from_frame(frame, f"DataFrame '{symbol}'")
    return market_from_tables(UNNAMED, tables, prices, label)


def is_frame(data: Any) -> bool:
    """Tell whether something is a pandas DataFrame, without importing pandas."""
    return any(c.__name__ == "DataFrame" and c.__module__.startswith("pandas") for c in type(data).__mro__)


def market_from_tables(
    name: str, tables: Mapping[str, RawTable], prices: str | None, label: Label | None, identity: str | None = None
) -> MarketData:
    """Take the columns of several symbols, in the mapping's order; ``identity`` is their hash where it is known."""
    zone = None if label is None else label.time_zone
    checked = {symbol: _check(table, zone) for symbol, table in tables.items()}
    check_zones({symbol: own.times for symbol, own in checked.items()})
    frame = find_frame({symbol: own.times for symbol, own in checked.items()}, label)
    notes = list(frame.notes)
    if any(own.times.assumed_utc for own in checked.values()):
        notes.append(Note("time_zone_assumed", "time zone: assumed UTC"))
    any_adjusted = [symbol for symbol, own in checked.items() if own.adj_close is not None]
    on = basis(check_prices(prices), events=False, adj_close=bool(any_adjusted))
    if on == ADJUSTED and len(any_adjusted) < len(checked):
        raise DataError(
            "some symbols have an adjusted close and some do not",
            code="MIXED_ADJUSTMENT",
            where=", ".join(sorted(set(checked) - set(any_adjusted))),
            hint="Give it for all, or for none.",
        )
    bars = {symbol: _bars(symbol, own, frame.spans[symbol]) for symbol, own in checked.items()}
    notes += check_overlap(bars)
    if on == ADJUSTED:
        bars = {symbol: adjusted(own, _known(checked[symbol].adj_close)) for symbol, own in bars.items()}
    elif frame.timeframe == "1d":
        notes += looks_like_split(bars)
    return MarketData(
        name=name,
        dataset_hash=identity or _identity(checked, label),
        symbols=tuple(bars),
        bars=bars,
        asset_class="STOCKS",
        timeframe=frame.timeframe,
        calendar=frame.calendar,
        sessions=frame.sessions,
        periods_per_year=frame.periods_per_year,
        prices=on,
        notes=tuple(notes),
    )


def _identity(checked: Mapping[str, _Checked], label: Label | None) -> str:
    """Return the hash of the rows, and of what is stated about their times."""
    rows = content_hash({symbol: _columns(own) for symbol, own in checked.items()})
    if label is None or (label.calendar is None and label.at == "open"):
        return rows
    return "sha256:" + hashlib.sha256(f"{rows} {label.calendar} {label.at}".encode()).hexdigest()


def _known(column: F64 | None) -> F64:
    assert column is not None
    return column


def _check(table: RawTable, zone: str | None) -> _Checked:
    roles = match_columns(table.names, table.source, table.time_index)
    if not len(table):
        raise DataError("there are no rows", code="NO_ROWS", where=table.source)
    times = parse_times(table, roles["time"], zone)
    check_order(times.utc, table, table.names[roles["time"]] or "index")
    prices = {role: read_number(table, roles[role]) for role in PRICES}
    check_bars(prices, {role: table.names[roles[role]] for role in PRICES}, table)
    volume = adj_close = None
    if "volume" in roles:
        volume = read_number(table, roles["volume"])
        check_volume(volume, table, table.names[roles["volume"]])
    if "adj_close" in roles:
        adj_close = read_number(table, roles["adj_close"])
        check_positive(adj_close, table, table.names[roles["adj_close"]])
    return _Checked(times, prices, volume, adj_close)


def _bars(symbol: str, own: _Checked, span: Span) -> SymbolBars:
    # Rule F5: a column of zeros is a volume that nobody knows.
    known = own.volume is not None and bool(own.volume.any())
    return SymbolBars(
        symbol=symbol,
        open_time=span.open_time,
        close_time=span.close_time,
        session=span.session,
        **own.prices,
        volume=own.volume if known else None,
    )


def _columns(own: _Checked) -> dict[str, Array]:
    columns: dict[str, Array] = {"time": own.times.utc, "session": own.times.session, **own.prices}
    if own.volume is not None:
        columns["volume"] = own.volume
    if own.adj_close is not None:
        columns["adj_close"] = own.adj_close
    return columns
