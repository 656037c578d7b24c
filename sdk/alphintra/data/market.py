"""What a simulation reads: bars of one or more symbols as flat arrays, and what is known about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from alphintra.data.actions import Actions

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

DAY_US = 86_400_000_000
"""Microseconds in a day."""


@dataclass(frozen=True)
class Note:
    """Something about the data that a report has to say.

    Attributes:
        code: Stable name, such as ``survivors`` or ``time_zone_assumed``.
        text: One sentence for the reader.
        level: ``info`` or ``warning``.
    """

    code: str
    text: str
    level: str = "info"


@dataclass(frozen=True, eq=False)
class SymbolBars:
    """The bars of one symbol, all arrays of length n.

    Attributes:
        symbol: The symbol's name.
        open_time: Start of each bar, int64 microseconds since 1970-01-01 UTC, strictly increasing.
        close_time: End of each bar, in the same unit.
        session: Local date of the bar's session as int32 days since 1970-01-01.
        open: First price (tradable: already adjusted where the data's ``prices`` say so).
            NaN where only closes are known.
        high: Highest price; NaN where only closes are known.
        low: Lowest price; NaN where only closes are known.
        close: Last price.
        volume: Traded volume, or ``None`` where it is not known.
    """

    symbol: str
    open_time: I64
    close_time: I64
    session: I32
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64 | None

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.close)

    def head(self, n: int) -> SymbolBars:
        """Return the first ``n`` bars."""
        return replace(
            self,
            open_time=self.open_time[:n],
            close_time=self.close_time[:n],
            session=self.session[:n],
            open=self.open[:n],
            high=self.high[:n],
            low=self.low[:n],
            close=self.close[:n],
            volume=None if self.volume is None else self.volume[:n],
        )


@dataclass(frozen=True, eq=False)
class MarketData:
    """Bars ready for a run, with the identity of the data they come from.

    Attributes:
        name: ``us-equities-daily/AAPL``, a file's stem, or ``DATA``.
        dataset_hash: ``sha256:`` and the content hash of the selected rows as they are stored
            (before adjustment and before ``end`` cuts them).
        symbols: Symbols in universe order.
        bars: Bars by symbol.
        asset_class: ``STOCKS``, ``INDEX``, ``COMMODITY``, ``CRYPTO`` or ``FOREX``.
        timeframe: ``1d``, ``1min``, ``1mo``, …
        calendar: ``XNYS``, ``24/7`` or ``weekdays``.
        sessions: Sessions of the calendar (int32 days since 1970-01-01) from the first bar to at
            least 40 days after the last one.
        periods_per_year: N of rule M1: 252, 365, 52 or 12.
        prices: ``adjusted, dividends reinvested`` or ``as given``.
        notes: What a report has to say about the data.
        lot: Smallest tradable quantity.
        tick: Smallest price step, or ``None`` where undeclared.
        closes_only: True where open, high and low are not known.
        actions: Splits and dividends in force by symbol, where prices are raw.
    """

    name: str
    dataset_hash: str
    symbols: tuple[str, ...]
    bars: Mapping[str, SymbolBars]
    asset_class: str
    timeframe: str
    calendar: str
    sessions: I32
    periods_per_year: int
    prices: str
    notes: tuple[Note, ...] = ()
    lot: float = 1.0
    tick: float | None = None
    closes_only: bool = False
    actions: Mapping[str, Actions] = field(default_factory=dict)

    @property
    def first_session(self) -> int:
        """The earliest session of any symbol, as days since 1970-01-01."""
        return min(int(b.session[0]) for b in self.bars.values())

    @property
    def last_session(self) -> int:
        """The latest session of any symbol, as days since 1970-01-01."""
        return max(int(b.session[-1]) for b in self.bars.values())
