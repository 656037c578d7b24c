"""Finer bars for the core: for each bar the rows that lie inside it (``detail=``, F3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from alphintra.data.market import MarketData

I64 = npt.NDArray[np.int64]


def rows(market: MarketData, positions: tuple[I64, ...], count: int) -> tuple[I64, I64, Any]:
    """First row, row after the last (T, S), and open, high, low, close of all finer bars (N, 4); empty without."""
    if market.detail is None:
        return np.empty((0, 0), dtype=np.int64), np.empty((0, 0), dtype=np.int64), np.empty((0, 4))
    from alphintra.data.detail import detail_rows

    inside = detail_rows(market)
    first = np.zeros((count, len(market.symbols)), dtype=np.int64)
    last = np.zeros_like(first)
    tables = []
    offset = 0
    for s, name in enumerate(market.symbols):
        fine = market.detail.bars.get(name)
        if fine is None:
            continue
        first[positions[s], s], last[positions[s], s] = (offset + rows for rows in inside[name])
        tables.append(np.column_stack([fine.open, fine.high, fine.low, fine.close]))
        offset += len(fine)
    return first, last, np.vstack(tables) if tables else np.empty((0, 4))
