"""A version of a trader's own dataset: its rows in the library of their choice, or as bars to trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra.data.basis import ADJUSTED, AS_GIVEN, check_prices, no_raw_prices
from alphintra.data.content_hash import Array, hash_of_blocks
from alphintra.data.dataset import Dataset
from alphintra.data.market import MarketData, Note, SymbolBars
from alphintra.data.sources import Found, VersionSource, find
from alphintra.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from alphintra.recipes.processing import Processing
    from alphintra.recipes.recipe import Given
    from alphintra.store.manifest import Manifest
    from alphintra.store.reading import Version

_ROLES = ("open", "high", "low", "close", "volume", "adj_close")


class StoredDataset(Dataset):
    """A version of a dataset, or a part of it; nothing is read before it is asked for.

    Attributes:
        version: Its number.
        about: Its manifest: columns, symbols, statistics, a sample, where it came from.
    """

    def __init__(
        self, found: Found, version: Version, columns: Sequence[str] | None = None, start: Any = None, end: Any = None
    ) -> None:
        from alphintra.store.finding import find as find_rows

        self._version = version
        self._columns, self._start, self._end = columns, start, end
        self._wanted = found.symbols
        find_rows(version.manifest, found.symbols, columns, start, end)  # what is wrong is said at once
        symbols = found.symbols or version.manifest.symbols
        name = f"{found.name}@{found.version}"
        if found.symbols is not None:
            name += "/" + ",".join(found.symbols)
        super().__init__(name, symbols, {})
        self.version = found.version

    @property
    def about(self) -> Manifest:
        """What is known of the version without reading it."""
        return self._version.manifest

    @cached_property
    def content_hash(self) -> str:
        """``sha256:…`` over the values of the chosen symbols, all columns and times of them."""
        if len(self.symbols) == len(self.about.symbols):
            return self.about.content_hash
        from alphintra.store.reading import digests_by_symbol

        found = digests_by_symbol(self._version)
        return hash_of_blocks(block for symbol in sorted(self.symbols, key=str.encode) for block in found[symbol])

    def to_arrow(self) -> Any:
        """Return an Arrow table: ``symbol``, the time, then the columns."""
        from alphintra.store.reading import read

        return read(self._version, self._wanted, self._columns, self._start, self._end)

    def to_pandas(self) -> pd.DataFrame:
        """Return a DataFrame by time, with several symbols by symbol and time."""
        from alphintra.store.converting import to_pandas

        return to_pandas(self.to_arrow(), self.about, one=len(self.symbols) == 1)

    def batches(self) -> Any:
        """Go through the rows in bounded memory: symbol and Arrow table, a row group at a time."""
        from alphintra.store.reading import batches

        return batches(self._version, self._wanted, self._columns, self._start, self._end)

    def process(self, recipe: Given) -> Processing:
        """Clean or enrich the dataset by steps, none of which looks ahead.

        ::

            data = al.data.load("prices@2").process([al.recipes.Fill(rows=True), al.recipes.Label(horizon=5)])
            data.preview()
            data.save("clean")

        Args:
            recipe: Steps (``al.recipes.Fill(…)``, …), or the JSON of a recipe.

        Returns:
            A :class:`~alphintra.recipes.Processing`: nothing is read before it is asked for.

        Raises:
            AlphintraError: A step does not fit the columns, or would look ahead; ``where`` names its number and the
                column, the hint says what to do instead.
            DataError: Only a part of the version was loaded.
        """
        from alphintra.recipes.processing import Processing

        if self._columns is not None or self._start is not None or self._end is not None:
            raise DataError(
                "a part of a version is not processed", code="BAD_RANGE",
                hint="Load it without columns, start and end; symbols may be chosen: name@version/SYMBOL.",
            )  # fmt: skip
        return Processing(self.name.partition("@")[0], self._version, self.symbols, recipe)

    def stored(self) -> dict[str, dict[str, Array]]:
        """Return the columns by symbol, as arrays (read once)."""
        from alphintra.store.converting import to_numpy

        if self._stored is None:
            self._stored = to_numpy(self.to_arrow())
        return self._stored

    def events(self) -> pd.DataFrame:
        """Return no events: a version holds bars."""
        from alphintra.data.frames import no_events

        return no_events()

    def market(self, prices: str | None = None) -> MarketData:
        """Return the bars as a run trades them, over all times of the chosen symbols.

        Raises:
            DataError: The dataset holds no prices, or none on this basis.
        """
        on = check_prices(prices)
        if on not in self._markets:
            self._markets[on] = self._market(on)
        return self._markets[on]

    def shown(self) -> MarketData:
        """Return the bars as charts and tables show them."""
        return self.market()

    def __repr__(self) -> str:
        """Return one line: name, symbols, range and rows; reads no rows."""
        from alphintra.data.stored_display import line

        return line(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from alphintra.data.stored_display import bundle

        return bundle(self, include, exclude)

    def _market(self, prices: str) -> MarketData:
        from alphintra.data.given import market_from_tables
        from alphintra.data.tables import RawTable
        from alphintra.data.timeframe import Label
        from alphintra.store.converting import by_symbol
        from alphintra.store.reading import read

        about = self.about.about
        if prices == "raw" and about.adjustment == "adjusted":
            raise no_raw_prices(f"'{self.name}' holds adjusted prices")
        time = self.about.time
        roles = {column.role: column.name for column in self.about.columns if column.role in _ROLES}
        if "close" not in roles:
            raise DataError(
                f"'{self.name}' holds no prices that can be traded", code="NOT_TRADABLE",
                hint="A column has to have the role 'close'. Read it with to_pandas().",
            )  # fmt: skip
        table = read(self._version, self._wanted, list(roles.values()))
        names = {"time": time.name, **{role: name for role, name in roles.items() if role}}
        closes_only = not names.keys() & {"open", "high", "low"}
        if closes_only:
            names |= dict.fromkeys(("open", "high", "low"), names["close"])
        tables = {
            symbol: RawTable(f"{self.name}, {symbol}", tuple(names), tuple(part[name] for name in names.values()))
            for symbol, part in by_symbol(table)
        }
        label = Label(about.calendar, about.label)
        market = market_from_tables(self.name, tables, prices, label, self.content_hash)
        bars = {symbol: _closes(own) for symbol, own in market.bars.items()} if closes_only else market.bars
        notes = [note for note in market.notes if note.code != "time_zone_assumed"]
        if about.simulated:
            notes.append(Note("simulated", "simulated prices: nobody ever traded at them", "warning"))
        adjusted = about.adjustment == "adjusted" and market.prices == AS_GIVEN
        return replace(
            market,
            asset_class=about.asset_class or market.asset_class,
            quoted_in=about.currency,
            bars=bars,
            closes_only=closes_only,
            prices=ADJUSTED if adjusted else market.prices,
            notes=tuple(notes),
            instruments={},
        )


def _closes(bars: SymbolBars) -> SymbolBars:
    """Return bars of which only the close is known."""
    unknown = [np.full(len(bars), np.nan) for _ in range(3)]
    return replace(bars, open=unknown[0], high=unknown[1], low=unknown[2])


def open_stored(
    text: str, where: VersionSource, columns: Sequence[str] | None = None, start: Any = None, end: Any = None
) -> StoredDataset | None:
    """Open ``name@version`` or ``name``, with symbols after a slash; ``None`` if no dataset has this name.

    Raises:
        UnknownDataset: There is no such version, or no such symbol.
        DataError: There is no such column; a bound is no date.
    """
    found = find(text, where)
    if found is None:
        return None
    return StoredDataset(found, where.open(found.name, found.version), columns, start, end)

