"""Prices as of the current bar (F8): in today's shares, and with dividends for the total return.

A *ladder* is what one share of before the data has become, step by step: a 2:1 split doubles it. A price of bar j seen
from timestamp t is ``raw[j] * (level of j / level of t)``: exactly the raw price where no step lies between them. A
step is taken with the symbol's first bar on or after the ex-date, as the core takes it for positions and orders.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from alphintra.data.market import Actions, MarketData, SymbolBars
    from alphintra.views import Bases, Series

    from .grid import Grid

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

#: Bytes of arrays that a run keeps for the bases it is not on; an older one is made again when it is needed.
KEPT_BYTES = 256_000_000


@dataclass(frozen=True, eq=False)
class Ladder:
    """The steps of one symbol.

    Attributes:
        starts: (B,) timestamps at which each level begins, the first 0.
        level: (B,) product of the steps so far, 1.0 on the first.
        own: (n,) the level at each of the symbol's bars.
    """

    starts: I64
    level: F64
    own: F64

    def seen(self, raw: F64, basis: int, *, volume: bool = False) -> F64:
        """(n,) raw values of the symbol's bars in the shares of a basis."""
        level = self.level[basis]
        seen: F64 = raw * (level / self.own if volume else self.own / level)
        return seen

    def at_timestamps(self, count: int) -> F64:
        """(T,) level at each timestamp of the run."""
        return np.repeat(self.level, np.diff(np.append(self.starts, count)))


class Kept:
    """What was made for a basis; the longest unused goes when all take more than ``limit`` bytes."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = KEPT_BYTES if limit is None else limit
        self._held: OrderedDict[Any, tuple[F64, ...]] = OrderedDict()
        self._bytes = 0

    def clear(self) -> None:
        """Let go of everything; what is asked for later is made again."""
        self._held.clear()
        self._bytes = 0

    def get(self, key: Any, make: Callable[[], tuple[F64, ...]]) -> tuple[F64, ...]:
        """What is held under ``key``, made if need be."""
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
            return found
        found = self._held[key] = make()
        self._bytes += sum(a.nbytes for a in found)
        while self._bytes > self.limit and len(self._held) > 1:
            _, gone = self._held.popitem(last=False)
            self._bytes -= sum(a.nbytes for a in gone)
        return found


class AsOf:
    """The views of a run whose symbols have splits or dividends.

    Attributes:
        boundaries: Timestamps (indices, int64, increasing) at which the basis of some view changes.
        kept: Arrays of all bases.
    """

    def __init__(self, market: MarketData, grid: Grid) -> None:
        self._market, self._grid = market, grid
        self._views: list[Series] = []
        self._ladders: dict[tuple[str, str], Ladder | None] = {}
        self._now = -1
        self.kept = Kept()
        self._positions = dict(zip(market.symbols, grid.positions, strict=True))
        found = [self._turns(s) for s in market.symbols if s in market.actions]
        self.boundaries: I64 = np.unique(np.concatenate([np.empty(0, np.int64), *found]))

    def _turns(self, symbol: str) -> I64:
        """Timestamps at which something happens to a symbol's shares: its first bar does not count."""
        actions = self._market.actions[symbol]
        ex = actions.ex[(actions.split != 1.0) | (actions.dividend != 0.0)]
        at = np.searchsorted(self._market.bars[symbol].session, ex, side="left")
        positions = self._positions[symbol]
        turns: I64 = positions[at[(at > 0) & (at < len(positions))]]
        return turns

    def seek(self, t: int) -> None:
        """Put every view onto the basis of timestamp ``t``, before or after the one it is on."""
        self._now = t
        for view in self._views:
            view._seek(t)

    def follow(self, view: Series) -> Series:
        """Keep a view on the basis of now from here on."""
        if view._bases is not None:
            self._views.append(view)
            view._seek(self._now)
        return view

    def splits(self, symbol: str) -> Ladder | None:
        """The steps of a symbol's splits; ``None`` where it has none within the data."""
        return self._ladder(symbol, "split", lambda a, _: a.split)

    def total(self, symbol: str) -> Ladder | None:
        """The steps of splits and of dividends put back into the share.

        Raises:
            DataError: A dividend is not less than the close before it.
        """
        return self._ladder(symbol, "total", self._reinvested)

    def _ladder(self, symbol: str, kind: str, steps: Callable[[Actions, SymbolBars], F64]) -> Ladder | None:
        key = (symbol, kind)
        if key not in self._ladders:
            actions = self._market.actions.get(symbol)
            self._ladders[key] = None if actions is None else self._build(symbol, actions, steps)
        return self._ladders[key]

    def _build(self, symbol: str, actions: Actions, steps: Callable[[Actions, SymbolBars], F64]) -> Ladder | None:
        bars = self._market.bars[symbol]
        step = steps(actions, bars)
        # What took effect before the first bar changes nothing that can be seen, nor does what no bar is after.
        within = (actions.ex > bars.session[0]) & (actions.ex <= bars.session[-1]) & (step != 1.0)
        if not within.any():
            return None
        level = np.concatenate(([1.0], np.cumprod(step[within])))
        passed = np.searchsorted(actions.ex[within], bars.session, side="right")
        turns = np.flatnonzero(np.diff(passed)) + 1
        starts = np.concatenate(([0], self._positions[symbol][turns])).astype(np.int64)
        return Ladder(starts, level[passed[np.append(0, turns)]], level[passed])

    def _reinvested(self, actions: Actions, bars: SymbolBars) -> F64:
        """Split / (1 − dividend / close before), both in shares of before the ex-date."""
        from alphintra.errors import DataError

        before = np.searchsorted(bars.session, actions.ex, side="left") - 1
        level = np.concatenate(([1.0], np.cumprod(actions.split)))
        of_bar = level[np.searchsorted(actions.ex, bars.session[np.maximum(before, 0)], side="right")]
        close = bars.close[np.maximum(before, 0)] * (of_bar / level[:-1])
        part = np.where(before >= 0, actions.dividend / close, 0.0)
        if (part >= 1.0).any():
            i = int(np.argmax(part >= 1.0))
            raise DataError(
                f"{bars.symbol}: the dividend of {actions.dividend[i]:g} on {actions.ex[i].astype('M8[D]')} is not less"
                f" than the close before it, {close[i]:g}: there is no total return across it",
                hint="use close, or correct the data",
            )
        stepped: F64 = actions.split / (1.0 - part)
        return stepped

    def bases(self, ladder: Ladder, raw: F64, *, volume: bool = False) -> Bases:
        """The bases of a field of a symbol's bars."""
        from alphintra.views import Bases

        key = object()

        def array(basis: int) -> F64:
            return self.kept.get((key, basis), lambda: (ladder.seen(raw, basis, volume=volume),))[0]

        return Bases(ladder.starts, array)


def as_of(market: MarketData, grid: Grid) -> AsOf | None:
    """The as-of views of a run; ``None`` where no action changes a view of it."""
    if not market.actions:
        return None
    made = AsOf(market, grid)
    return made if len(made.boundaries) else None
