"""The market as the core reads it: (T, S) arrays over the union of all close times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from .codes import MOST_LOTS

if TYPE_CHECKING:
    from alphintra.data.market import MarketData

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
    """

    time: I64
    session: npt.NDArray[np.int32]
    positions: tuple[I64, ...]
    m: tuple[Any, ...]
    lots: F64

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


#: Grids of market data that still exist, by what they depend on beside it; no run changes them.
_GRIDS: WeakKeyDictionary[MarketData, dict[tuple[float | None, bool], Grid]] = WeakKeyDictionary()


def grid_of(market: MarketData, max_share: float | None, fractional: bool) -> Grid:
    """The grid of a run: made once for one market, cap and lot."""
    known = _GRIDS.setdefault(market, {})
    grid = known.get((max_share, fractional))
    if grid is None:
        grid = known[(max_share, fractional)] = build(market, max_share, fractional)
    return grid


def build(market: MarketData, max_share: float | None, fractional: bool) -> Grid:
    """Lay the symbols' bars out on one time axis; a single symbol's arrays are used as they are."""
    bars = [market.bars[s] for s in market.symbols]
    lot = 1e-8 if fractional else float(market.lot)
    lots = np.full(len(bars), lot)
    if len(bars) == 1:
        time = np.asarray(bars[0].close_time, dtype=np.int64)
    else:
        time = np.unique(np.concatenate([b.close_time for b in bars]))
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
    for b in bars:
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
    )  # fmt: skip
    # one Numba signature whatever the data came from: memory maps are read-only, which is another type
    m = tuple(np.require(a, requirements=["C", "W", "O"]) if not a.flags.writeable else a for a in m)
    return Grid(time, session, positions, m, lots)
