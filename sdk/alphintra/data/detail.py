"""Finer bars beside the bars of a run: they decide what happened first inside a bar (rule F3)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from alphintra.data.basis import ADJUSTED
from alphintra.data.checks import TOLERANCE
from alphintra.data.instrument import did_you_mean
from alphintra.data.market import I64, MarketData, Note, SymbolBars
from alphintra.errors import DataError

_NOTE = "detail"


def with_detail(market: MarketData, given: Any) -> MarketData:
    """Return market data together with finer bars.

    Args:
        market: The bars of the run, on the prices that were quoted (not adjusted).
        given: Finer bars of the same symbols, in any form that data may have. Each lies within one
            bar, or outside all bars (before the open, say) and is then left out. A finer bar whose
            end reaches beyond the close of its bar into a time without bars ends at that close. The
            only symbol of ``given`` is the only symbol of ``market``, whatever its name.

    Raises:
        DataError: The bars are adjusted; a symbol is unknown; a finer bar is not finer, lies across
            two bars, or reaches beyond its bar's high or low. Names symbol and time.
    """
    from alphintra.data.resolve import whole

    if market.prices == ADJUSTED:
        raise DataError(
            "finer bars are as quoted, and the bars of the run are adjusted",
            code="DETAIL_BASIS",
            where="detail",
            hint='Use prices="raw" or prices="auto" with splits and dividends as events.',
        )
    if market.closes_only:
        raise DataError(
            f"'{market.name}' has closes only, which finer bars cannot be compared with",
            code="DETAIL_BASIS",
            where="detail",
        )
    fine = _renamed(whole(given, "raw"), market)
    bars, uncovered, short, cut = {}, 0, 0, 0
    for symbol, own in fine.bars.items():
        inside, cuts = _inside(market.bars[symbol], own)
        cut += cuts
        if len(inside):
            bars[symbol] = inside
            short += _check_range(market.bars[symbol], inside)
    if not bars:
        raise DataError(
            "no finer bar lies in a bar of the run",
            code="NO_OVERLAP",
            where=f"detail from {_span(fine)}, bars from {_span(market)}",
            hint="Check dates and time zones.",
        )
    for symbol, own in market.bars.items():
        first, last = _rows(own, bars[symbol]) if symbol in bars else (np.zeros(1), np.zeros(len(own)))
        uncovered += int((first == last).sum()) if symbol in bars else len(own)
    total = sum(len(own) for own in market.bars.values())
    text = f"finer bars ({fine.timeframe}) for {total - uncovered:,} of {total:,} bars"
    if short:
        text += f"; in {short:,} of them they do not reach the bar's high or low"
    if cut:
        text += f"; {cut:,} finer bars end with their bar"
    ordered = {symbol: bars[symbol] for symbol in market.symbols if symbol in bars}
    detail = replace(
        fine,
        symbols=tuple(ordered),
        bars=ordered,
        currency=market.currency,
        instruments={symbol: market.instruments[symbol] for symbol in ordered},
        actions={},
    )
    both = hashlib.sha256(f"{market.dataset_hash} detail {fine.dataset_hash}".encode()).hexdigest()
    level = "warning" if short else "info"
    kept = tuple(note for note in market.notes if note.code != _NOTE)
    return replace(
        market,
        detail=detail,
        notes=(*kept, Note(_NOTE, text, level)),
        dataset_hash="sha256:" + both,
    )


def detail_rows(market: MarketData) -> dict[str, tuple[I64, I64]]:
    """Return for each bar the rows of its finer bars.

    Returns:
        By symbol of ``market`` two int64 arrays of the length of its bars: the first row in
        ``market.detail.bars[symbol]``, and one past the last. They are equal where a bar has no
        finer bars, and for a symbol that has none at all both are 0.
    """
    out = {}
    fine: Mapping[str, SymbolBars] = {} if market.detail is None else market.detail.bars
    for symbol, own in market.bars.items():
        if symbol in fine:
            out[symbol] = _rows(own, fine[symbol])
        else:
            nothing = np.zeros(len(own), dtype=np.int64)
            out[symbol] = (nothing, nothing.copy())
    return out


def cut_detail(detail: MarketData | None, bars: Mapping[str, SymbolBars]) -> MarketData | None:
    """Leave out finer bars after the last bar of their symbol."""
    if detail is None:
        return None
    kept = {}
    for symbol, own in detail.bars.items():
        if symbol in bars:
            rows = int(np.searchsorted(own.close_time, bars[symbol].close_time[-1], side="right"))
            if rows:
                kept[symbol] = own.head(rows)
    return replace(detail, symbols=tuple(kept), bars=kept) if kept else None


def _rows(coarse: SymbolBars, fine: SymbolBars) -> tuple[I64, I64]:
    first = np.searchsorted(fine.open_time, coarse.open_time, side="left").astype(np.int64)
    last = np.searchsorted(fine.open_time, coarse.close_time, side="left").astype(np.int64)
    return first, last


def _renamed(fine: MarketData, market: MarketData) -> MarketData:
    """Give finer bars of one symbol the name of the run's only symbol; refuse unknown symbols."""
    if fine.closes_only:
        raise DataError(f"'{fine.name}' has closes only", code="DETAIL_BASIS", where="detail")
    if len(fine.symbols) == len(market.symbols) == 1:
        old, new = fine.symbols[0], market.symbols[0]
        return replace(fine, symbols=(new,), bars={new: replace(fine.bars[old], symbol=new)})
    for symbol in fine.symbols:
        if symbol not in market.bars:
            raise DataError(
                f"there is no symbol {symbol!r} in '{market.name}'",
                code="UNKNOWN_SYMBOL",
                where="detail",
                hint=did_you_mean(symbol, market.symbols) + f"It has {', '.join(market.symbols[:20])}.",
            )
    return fine


def _inside(coarse: SymbolBars, fine: SymbolBars) -> tuple[SymbolBars, int]:
    """Return the finer bars that lie in a bar, and how many were ended at its close."""
    if np.median(fine.close_time - fine.open_time) >= np.median(coarse.close_time - coarse.open_time):
        raise DataError("the bars are not finer than those of the run", code="NOT_FINER", where=_name(coarse))
    bar = np.searchsorted(coarse.open_time, fine.open_time, side="right") - 1
    starts = (bar >= 0) & (fine.open_time < coarse.close_time[bar])
    following = np.append(coarse.open_time[1:], np.iinfo(np.int64).max)
    upcoming = np.where(bar >= 0, following[bar], coarse.open_time[0])
    across = np.flatnonzero(fine.close_time > upcoming)
    if len(across):
        row = int(across[0])
        raise DataError(
            f"the bar from {_time(fine.open_time[row])} to {_time(fine.close_time[row])} begins before "
            f"the bar of {_time(upcoming[row])} and ends in it",
            code="DETAIL_ACROSS",
            where=f"{_name(coarse)}, row {row + 1}",
            hint="A finer bar lies within one bar, or outside all. Check time zone, label and calendar.",
        )
    closes = np.where(starts, np.minimum(fine.close_time, coarse.close_time[bar]), fine.close_time)
    cut = int((closes[starts] < fine.close_time[starts]).sum())
    if starts.all():
        return replace(fine, close_time=closes), cut
    volume = None if fine.volume is None else fine.volume[starts]
    columns = {name: getattr(fine, name)[starts] for name in ("open_time", "session", "open", "high", "low")}
    kept = replace(fine, close_time=closes[starts], close=fine.close[starts], volume=volume, **columns)
    return kept, cut


def _check_range(coarse: SymbolBars, fine: SymbolBars) -> int:
    """Refuse a finer bar beyond its bar's range; return how many bars' ranges are not reached."""
    bar = np.searchsorted(coarse.open_time, fine.open_time, side="right") - 1
    high, low = coarse.high[bar], coarse.low[bar]
    beyond = np.flatnonzero((fine.high > high * (1 + TOLERANCE)) | (fine.low < low * (1 - TOLERANCE)))
    if len(beyond):
        row = int(beyond[0])
        more = f" ({len(beyond)} finer bars are like this)" if len(beyond) > 1 else ""
        raise DataError(
            f"the range {fine.low[row]:g} to {fine.high[row]:g} is not within that of its bar, "
            f"{low[row]:g} to {high[row]:g}{more}",
            code="DETAIL_RANGE",
            where=f"{_name(coarse)}, {_time(fine.open_time[row])}",
            hint="Both must have the same prices: raw, and of the same market.",
        )
    starts = np.flatnonzero(np.diff(bar, prepend=-1))
    top, bottom = np.maximum.reduceat(fine.high, starts), np.minimum.reduceat(fine.low, starts)
    reached = (top >= high[starts] * (1 - TOLERANCE)) & (bottom <= low[starts] * (1 + TOLERANCE))
    return int((~reached).sum())


def _name(coarse: SymbolBars) -> str:
    return f"detail of {coarse.symbol}"


def _time(value: Any) -> str:
    return str(np.datetime_as_string(np.int64(value).astype("M8[us]"), unit="m"))


def _span(market: MarketData) -> str:
    first = min(int(own.open_time[0]) for own in market.bars.values())
    last = max(int(own.close_time[-1]) for own in market.bars.values())
    return f"{_time(first)} to {_time(last)} UTC"
