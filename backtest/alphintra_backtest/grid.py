"""The market as the core reads it: (T, S) arrays over the union of all close times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from . import fine
from .codes import D_FX_CLOSE, MOST_LOTS

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.views import Timeline

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Grid:
    """Arrays over T timestamps (distinct close times) and S symbols; see ``core`` for the tuple ``m``.

    Attributes:
        time: (T,) close times, int64 µs.
        session: (T,) session of each timestamp (the latest of its symbols'), days since 1970.
        positions: per symbol the timestamps at which it has a bar.
        m: the core's market tuple.
        lots: (S,) units of a lot.
        timelines: the views' time axis of each symbol, as far as they were asked for.
        bundles: ``m`` as the compiled core takes it, once it was asked for.
    """

    time: I64
    session: npt.NDArray[np.int32]
    positions: tuple[I64, ...]
    m: tuple[Any, ...]
    lots: F64
    timelines: dict[int, Timeline] = field(default_factory=dict)
    bundles: list[Any] = field(default_factory=list)

    def bundle(self) -> Any:
        """``m`` as the compiled core takes it."""
        if not self.bundles:
            from .bundle import Bundle

            self.bundles.append(Bundle(self.m))
        return self.bundles[0]

    def timeline(self, s: int) -> Timeline:
        """Time axis of a symbol's own bars, as the views of a strategy have it."""
        known = self.timelines.get(s)
        if known is None:
            from alphintra.views import Timeline

            known = self.timelines[s] = Timeline(self.positions[s], len(self.time), s)
        return known

    @property
    def foreign(self) -> bool:
        """Whether a symbol is quoted in another currency than the account's."""
        return bool(self.m[D_FX_CLOSE].shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """(T, S)."""
        return self.m[3].shape  # type: ignore[no-any-return]


def _filled(close: F64) -> F64:
    """Last value at or before each row, column by column."""
    known = ~np.isnan(close)
    if known.all():
        return close
    rows = np.where(known, np.arange(len(close))[:, None], -1)
    np.maximum.accumulate(rows, axis=0, out=rows)
    return np.where(rows >= 0, np.take_along_axis(close, np.maximum(rows, 0), axis=0), np.nan)


#: Grids that are kept of one market: those of the last costs and caps that were tried.
MOST_GRIDS = 4
#: Grids of market data that still exist, by what they depend on beside it; no run changes them.
_GRIDS: WeakKeyDictionary[MarketData, dict[tuple[Any, ...], Grid]] = WeakKeyDictionary()


def grid_of(
    market: MarketData, max_share: float | None, fractional: bool, volumes: bool = False, whole: bool = False
) -> Grid:
    """The grid of a run: made once for one market, cap and lot."""
    known = _GRIDS.setdefault(market, {})
    parts = (market.bars, market.instruments, market.actions, market.rates)
    key = (max_share, fractional, volumes, whole, market.detail, *(v for part in parts for v in part.values()))
    grid = known.get(key)
    if grid is None:
        grid = build(market, max_share, fractional, volumes, whole)
        while len(known) >= MOST_GRIDS:
            known.pop(next(iter(known)), None)
        known[key] = grid
    return grid


def build(
    market: MarketData, max_share: float | None, fractional: bool, volumes: bool = False, whole: bool = False
) -> Grid:
    """Lay the symbols' bars out on one time axis; a single symbol's arrays are used as they are.

    Args:
        market: Bars of all symbols, and the terms on which they trade.
        max_share: F5's share of a bar's volume, None where there is no cap.
        fractional: Shares in lots of 1e-8.
        volumes: Whether the core needs the bars' volume itself (slippage by volume share).
        whole: Everything in lots of 1.
    """
    bars = [market.bars[s] for s in market.symbols]
    terms = [market.instruments.get(s) for s in market.symbols]
    lots = np.array([1e-8 if fractional else float(market.lot if t is None or t.lot is None else t.lot) for t in terms])
    if len(bars) == 1:
        time = np.asarray(bars[0].close_time, dtype=np.int64)
    else:
        time = np.unique(np.concatenate([b.close_time for b in bars]))
    if whole:
        lots[:] = 1.0
    t_count = len(time)
    if (
        len(bars) == 1
    ):  # its own axis: searching a million times for what stands there costs a tenth of the run
        positions: tuple[I64, ...] = (np.arange(t_count, dtype=np.int64),)
    else:
        positions = tuple(np.searchsorted(time, b.close_time).astype(np.int64) for b in bars)

    def lay(values: list[Any], empty: Any, dtype: Any) -> Any:
        if len(bars) == 1:
            return np.ascontiguousarray(values[0], dtype=dtype).reshape(t_count, 1)
        out = np.full((t_count, len(bars)), empty, dtype=dtype)
        for s, (p, v) in enumerate(zip(positions, values, strict=True)):
            out[p, s] = v
        return out

    o, h, low, c = (
        lay([getattr(b, f) for b in bars], np.nan, np.float64) for f in ("open", "high", "low", "close")
    )
    caps = []
    for b, lot in zip(bars, lots.tolist(), strict=True):
        if max_share is None or b.volume is None or not np.any(b.volume > 0):
            caps.append(np.full(len(b.close), -1, dtype=np.int64))
        else:
            caps.append(
                np.minimum(np.floor(max_share * np.nan_to_num(b.volume) / lot + 1e-9), MOST_LOTS).astype(
                    np.int64
                )
            )
    ends = [np.append(b.session[1:] != b.session[:-1], True).astype(np.int8) for b in bars]
    session = np.zeros(t_count, dtype=np.int32)
    if len(bars) == 1:
        session[:] = bars[0].session
    else:
        for b, p in zip(bars, positions, strict=True):
            np.maximum.at(session, p, b.session)
    m: tuple[Any, ...] = (
        o, h, low, c, _filled(c),
        lay(caps, -1, np.int64),
        lay([b.session for b in bars], 0, np.int32),
        lay(ends, 0, np.int8),
        lay([b.open_time for b in bars], 0, np.int64),
        np.ascontiguousarray(time),
        lots,
        np.array([1.0 if t is None else t.multiplier for t in terms]),
        *_rates(market, bars, positions, time),
        np.array([np.nan if t is None or t.margin is None else t.margin for t in terms]),
        *_actions(market, bars, positions),
        *_lives(market, bars, positions, terms, t_count),
        session,
        lay([np.full(len(b.close), np.nan) if b.volume is None else b.volume for b in bars], np.nan, np.float64)
        if volumes
        else np.empty((0, 0)),
        *fine.rows(market, positions, t_count),
        np.array([0.0 if t is None or t.tick is None else t.tick for t in terms]),
    )  # fmt: skip
    return Grid(time, session, positions, m, lots)


def _rates(market: MarketData, bars: list[Any], positions: tuple[I64, ...], time: I64) -> tuple[F64, F64]:
    """Exchange rates at each bar's open and close, (T, S), or empty where all is in the account's currency."""
    foreign = {
        s: market.rates[i.currency]
        for s, name in enumerate(market.symbols)
        if (i := market.instruments.get(name)) is not None and i.currency not in (None, market.currency)
    }
    if not foreign:
        return np.empty((0, 0)), np.empty((0, 0))
    at_close = np.ones((len(time), len(bars)))
    for s, rates in foreign.items():
        row = np.searchsorted(rates.time, time, side="right") - 1
        at_close[:, s] = np.where(row >= 0, rates.rate[np.maximum(row, 0)], np.nan)
    # Where a symbol has no bar its open is that of nothing: the rate of the timestamp before is the last known one.
    at_open = np.vstack([at_close[:1], at_close[:-1]])
    for s, rates in foreign.items():
        row = np.searchsorted(rates.time, bars[s].open_time, side="right") - 1
        at_open[positions[s], s] = np.where(row >= 0, rates.rate[np.maximum(row, 0)], np.nan)
    return at_open, at_close


def _actions(market: MarketData, bars: list[Any], positions: tuple[I64, ...]) -> tuple[I64, F64]:
    """Corporate actions as rows (timestamp, symbol) and (ratio, dividend), by timestamp: the ex-date's first bar."""
    rows: list[tuple[int, int, float, float]] = []
    for s, name in enumerate(market.symbols):
        acts = market.actions.get(name)
        if acts is None:
            continue
        first = np.searchsorted(bars[s].session, acts.ex, side="left")
        for at, ratio, dividend in zip(first, acts.split, acts.dividend, strict=True):
            if 0 < at < len(positions[s]):  # nobody holds it before its first bar
                rows.append((int(positions[s][at]), s, float(ratio), float(dividend)))
    rows.sort(key=lambda r: r[:2])
    at_rows = np.array([r[:2] for r in rows], dtype=np.int64).reshape(-1, 2)
    return at_rows, np.array([r[2:] for r in rows], dtype=np.float64).reshape(-1, 2)


def _lives(
    market: MarketData, bars: list[Any], positions: tuple[I64, ...], terms: list[Any], t_count: int
) -> tuple[I64, I64]:
    """Per symbol: the timestamp of its last bar where it is delisted (else far away), and of its first tradable one."""
    last = np.full(len(bars), np.iinfo(np.int64).max, dtype=np.int64)
    first = np.zeros(len(bars), dtype=np.int64)
    for s, t in enumerate(terms):
        if t is None:
            continue
        if t.end is not None:
            own = int(np.searchsorted(bars[s].session, t.last_session, side="right")) - 1
            if t.last_session < market.last_session:
                last[s] = positions[s][own] if own >= 0 else -1
        if t.start is not None:
            own = int(np.searchsorted(bars[s].session, t.first_session, side="left"))
            first[s] = positions[s][own] if own < len(positions[s]) else t_count
    return last, first
