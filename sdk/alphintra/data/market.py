"""What a simulation reads: bars of one or more symbols as flat arrays, and what is known about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from alphintra.data.instrument import Instrument, default_lot, pair_currency

if TYPE_CHECKING:
    from alphintra.data.features import FeatureSet

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

    def __post_init__(self) -> None:
        # What was made of them is kept for the next run, so they never change.
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray) and value.flags.writeable:
                sealed = value.view()
                sealed.flags.writeable = False
                object.__setattr__(self, name, sealed)

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
class Actions:
    """Splits and dividends of one symbol that raw prices go through, all arrays of length n.

    Attributes:
        ex: Session before whose open each takes effect, int32 days since 1970-01-01, strictly
            increasing. It need not be a day on which the symbol has a bar.
        split: New shares for each old share; 1.0 where there is no split.
        dividend: Money for each share held at the close before, that is, for each *old* share
            where a split falls on the same day; 0.0 where there is no dividend.
        known: Time from which each is known, int64 microseconds since 1970-01-01 UTC; the open of
            the ex-date's session where the source does not say.
    """

    ex: I32
    split: F64
    dividend: F64
    known: I64

    def __len__(self) -> int:
        """Return on how many days there is a split or dividend."""
        return len(self.ex)


@dataclass(frozen=True, eq=False)
class Rates:
    """Exchange rates of one currency, both arrays of length n.

    Attributes:
        time: When each rate is known, int64 microseconds since 1970-01-01 UTC, strictly increasing.
            The rate at t is the last one whose time is at or before t.
        rate: Units of the account's currency for one unit of the other, above 0.
    """

    time: I64
    rate: F64

    def __len__(self) -> int:
        """Return the number of rates."""
        return len(self.time)


@dataclass(frozen=True)
class Reference:
    """Reference data that prices were read with.

    Attributes:
        dataset: Its name, with its version.
        content_hash: Identity of its values.
    """

    dataset: str
    content_hash: str

    def told(self) -> dict[str, str]:
        """Return what a run records of it."""
        return {"dataset": self.dataset, "content_hash": self.content_hash}


@dataclass(frozen=True, eq=False)
class MarketData:
    """Bars ready for a run, with the identity of the data they come from.

    Attributes:
        name: ``us-equities-daily/AAPL``, a file's stem, or ``DATA``.
        dataset_hash: ``sha256:`` and the content hash of the selected rows as they are stored
            (before adjustment and before ``end`` cuts them), together with events, exchange rates and
            finer bars where such were given.
        symbols: Symbols in universe order.
        bars: Bars by symbol.
        asset_class: ``STOCKS``, ``INDEX``, ``COMMODITY``, ``CRYPTO``, ``FOREX``, …
        timeframe: ``1d``, ``1min``, ``1mo``, …
        calendar: ``XNYS`` or another exchange's code, ``24/7`` or ``weekdays``.
        sessions: Sessions of the calendar (int32 days since 1970-01-01) from the first bar to at
            least 40 days after the last one.
        periods_per_year: N of rule M1: 252, 365, 52 or 12.
        prices: Basis of the prices: ``adjusted, dividends reinvested``, ``raw, splits and dividends
            as events``, ``raw, splits and dividends not known`` or ``as given``.
        notes: What a report has to say about the data.
        lot: Smallest tradable quantity.
        tick: Smallest price step, or ``None`` where undeclared.
        closes_only: True where open, high and low are not known.
        quoted_in: Currency that the source states for its prices, ``None`` where it states none.
        instruments: By symbol, for every symbol: lot, currency and asset class are never ``None``.
        actions: Splits and dividends in force, for the symbols that have any (raw prices only).
        currency: The account's currency.
        rates: Exchange rates into the account's currency, by currency.
        detail: Finer bars of the same symbols, each inside one of the bars, or ``None``.
        features: Further series for the strategy by name, each row with the time from which it was known.
        reference: Where the splits and dividends come from, if from a dataset of their own.
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
    quoted_in: str | None = None
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    actions: Mapping[str, Actions] = field(default_factory=dict)
    currency: str = "USD"
    rates: Mapping[str, Rates] = field(default_factory=dict)
    detail: MarketData | None = None
    features: Mapping[str, FeatureSet] = field(default_factory=dict)
    reference: Reference | None = None

    def __post_init__(self) -> None:
        declared = {symbol: self.instruments.get(symbol, Instrument()) for symbol in self.symbols}
        whole = {symbol: self._whole(symbol, own) for symbol, own in declared.items()}
        object.__setattr__(self, "instruments", whole)

    def _whole(self, symbol: str, own: Instrument) -> Instrument:
        """Fill in what an instrument leaves open: from the data, else from rule F7."""
        kind = own.asset_class or self.asset_class
        # A class of its own has its own steps: a dataset of shares says nothing about crypto.
        same = kind == self.asset_class
        pair = pair_currency(symbol) if kind == "FOREX" else None
        return replace(
            own,
            asset_class=kind,
            lot=own.lot or (self.lot if same else default_lot(kind)),
            tick=own.tick or (self.tick if same else None),
            currency=own.currency or self.quoted_in or pair or self.currency,
        )

    @property
    def first_session(self) -> int:
        """The earliest session of any symbol, as days since 1970-01-01."""
        return min(int(b.session[0]) for b in self.bars.values())

    @property
    def last_session(self) -> int:
        """The latest session of any symbol, as days since 1970-01-01."""
        return max(int(b.session[-1]) for b in self.bars.values())
