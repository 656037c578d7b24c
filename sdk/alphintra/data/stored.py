"""A version of a trader's own dataset: its rows in the library of their choice, or as bars to trade."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra.data.basis import ADJUSTED, AS_GIVEN, check_prices, no_raw_prices
from alphintra.data.bounds import parse_bound
from alphintra.data.content_hash import Array, hash_of_blocks
from alphintra.data.dataset import Dataset
from alphintra.data.instrument import default_lot
from alphintra.data.live import OnServer
from alphintra.data.market import DAY_US, I64, MarketData, Note, SymbolBars
from alphintra.data.sources import Found, VersionSource, check_accepted, find, from_server, open_pinned
from alphintra.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from alphintra.recipes.processing import Processing
    from alphintra.recipes.recipe import Given
    from alphintra.store.candles import CandleSeries
    from alphintra.store.exporting import Rows
    from alphintra.store.manifest import Manifest
    from alphintra.store.reading import Version

_ROLES = ("open", "high", "low", "close", "volume", "adj_close")


@dataclass(frozen=True)
class AsOf:
    """An instant whose knowledge is wanted.

    Attributes:
        until: Microseconds since 1970 UTC; of a date its end.
        text: As it was written.
    """

    until: int
    text: str


class StoredDataset(Dataset):
    """A version of a dataset, or a part of it; nothing is read before it is asked for.

    Attributes:
        version: Its number.
        about: Its manifest: columns, symbols, statistics, a sample, where it came from.
    """

    def __init__(
        self,
        found: Found,
        version: Version,
        columns: Sequence[str] | None = None,
        start: Any = None,
        end: Any = None,
        as_of: AsOf | None = None,
        reference: tuple[str, Version] | None = None,
    ) -> None:
        from alphintra.store.finding import find as find_rows

        self._version = version
        self._columns, self._start, self._end = columns, start, end
        self._wanted = found.symbols
        find_rows(version.manifest, found.symbols, columns, start, end)  # what is wrong is said at once
        self._found, self._as_of, self._reference = found, as_of, reference
        if as_of is not None:
            from alphintra.store.as_of import check_known

            check_known(version.manifest)
        symbols = found.symbols or version.manifest.symbols
        name = f"{found.name}@{found.version}"
        if found.symbols is not None:
            name += "/" + ",".join(found.symbols)
        if as_of is not None:
            name += f" as of {as_of.text}"
        super().__init__(name, symbols, {})
        self.version = found.version

    @property
    def about(self) -> Manifest:
        """What is known of the version without reading it."""
        return self._version.manifest

    @cached_property
    def content_hash(self) -> str:
        """``sha256:…`` over the values of the chosen symbols, all columns and times; and ``as_of``."""
        if len(self.symbols) == len(self.about.symbols):
            found = self.about.content_hash
        else:
            from alphintra.store.reading import digests_by_symbol

            digests = digests_by_symbol(self._version)
            chosen = sorted(self.symbols, key=str.encode)
            found = hash_of_blocks(block for symbol in chosen for block in digests[symbol])
        if self._as_of is None:
            return found
        return "sha256:" + hashlib.sha256(f"as of {self._as_of.until}: {found}".encode()).hexdigest()

    def to_arrow(self) -> Any:
        """Return an Arrow table: ``symbol``, the time, then the columns."""
        return self._read(self._wanted, self._columns)

    def to_pandas(self) -> pd.DataFrame:
        """Return a DataFrame by time, with several symbols by symbol and time."""
        from alphintra.store.converting import to_pandas

        return to_pandas(self.to_arrow(), self.about, one=len(self.symbols) == 1)

    def batches(self) -> Any:
        """Go through the rows in bounded memory: symbol and Arrow table, a row group at a time.

        With ``as_of`` a symbol at a time.
        """
        from alphintra.store.reading import batches

        if self._as_of is not None:
            parts = ((symbol, self._read([symbol], self._columns)) for symbol in self.symbols)
            return ((symbol, part) for symbol, part in parts if len(part))
        return batches(self._version, self._wanted, self._columns, self._start, self._end)

    def known(self, as_of: Any = None, reference: str | None = None) -> StoredDataset:
        """Return the dataset as it was known, and with its events: what ``al.data.load(…, as_of=…, reference=…)`` does.

        Raises:
            DataError: ``as_of`` is no date; the version does not say when its rows were known (``NO_KNOWLEDGE``).
            UnknownDataset: There is no dataset of the name ``reference``.
        """
        bound = parse_bound(as_of, "as_of")
        at = None
        if bound is not None:
            at = AsOf((bound.session + 1) * DAY_US if bound.instant is None else bound.instant, bound.text)
        other = None if reference is None else open_pinned(reference)
        return StoredDataset(self._found, self._version, self._columns, self._start, self._end, at, other)

    @property
    def reference_hash(self) -> str | None:
        """Content hash of the reference data that it was loaded with; ``None`` without any."""
        return None if self._reference is None else self._reference[1].manifest.content_hash

    @property
    def known_until(self) -> int | None:
        """As of when it was loaded, microseconds since 1970 UTC; ``None`` without ``as_of``."""
        return None if self._as_of is None else self._as_of.until

    @property
    def on_server(self) -> OnServer | None:
        """Which dataset of the server's it is; ``None`` in a process without one, and of what was known at a time."""
        if self._as_of is not None or not from_server():
            return None
        return OnServer(self._found.name, int(self._found.version), self.about.version)

    @property
    def part(self) -> tuple[Any, Any]:
        """First and last time of it, as they were given to :func:`load`."""
        return self._start, self._end

    @property
    def selection(self) -> str:
        """What of the version was chosen beside symbols, as text; empty where all of it was."""
        parts = (self._columns if self._columns is None else sorted(self._columns), self._start, self._end)
        return "" if parts == (None, None, None) else repr(tuple(map(str, parts)))

    def rows_with_knowledge(self, symbols: Sequence[str]) -> Iterator[tuple[str, dict[str, Array], I64, I64, I64]]:
        """Yield symbol, columns (no labels), times, when each row was known, and which rows are one's revisions.

        Times are microseconds since 1970 UTC. Rows with an equal number are revisions of each other; with ``as_of``
        rows that were not known then are left out, and those that were revised later stay.

        Raises:
            DataError: ``NO_KNOWLEDGE``; ``FEATURE_LABEL`` where a label was chosen.
        """
        from alphintra.data.feature_reading import numbered, values_of
        from alphintra.store.as_of import KNOWN, check_known, knowledge, known_column
        from alphintra.store.columns import raw_values
        from alphintra.store.converting import by_symbol
        from alphintra.store.reading import read

        manifest = self.about
        check_known(manifest)
        apart = {"time", "sequence", "label", KNOWN}
        of_role = {column.name: column.role for column in manifest.columns}
        names = [name for name in of_role if self._columns is None or name in self._columns]
        if self._columns is not None and (label := next((n for n in names if of_role[n] == "label"), None)):
            raise DataError(
                f"the column '{label}' is a label: what is to be predicted is no feature", code="FEATURE_LABEL",
                where=self.name, hint="Leave it out of columns=.",
            )  # fmt: skip
        wanted = [name for name in names if of_role[name] not in apart]
        if not wanted:
            raise DataError("there is no column beside the time", code="MISSING_COLUMN", where=self.name)
        late = known_column(manifest)
        order = next((column.name for column in manifest.columns if column.role == "sequence"), None)
        extra = [] if late is None else [late.name]
        table = read(self._version, symbols, [*wanted, *extra, *([order] if order else [])], self._start, self._end)
        for symbol, part in by_symbol(table):
            known = knowledge(part, manifest)
            if self._as_of is not None:
                kept = np.flatnonzero(known <= self._as_of.until)
                part, known = part.take(kept), known[kept]
            stamps = raw_values(part[manifest.time.name])
            time = stamps.astype(np.int64) * (DAY_US if manifest.time.type == "date32" else 1)
            if late is None:  # rows of one time are not revisions, but several
                key = np.arange(len(time), dtype=np.int64)
            else:
                key = numbered(time, raw_values(part[order])) if order else numbered(time)
            yield symbol, {name: values_of(part[name]) for name in wanted}, time, np.array(known), key

    def statistics(self, symbol: str | None = None) -> dict[str, dict[str, Any]]:
        """Return counts, extremes, moments, quantiles and a histogram by column, over all times.

        Those of all symbols of the version are kept with it, nothing is read; those of one are counted from its rows.

        Args:
            symbol: Which; left out, the one that was chosen, or all of the version.

        Raises:
            UnknownDataset: There is no such symbol.
            DataError: Several symbols were chosen, and not all.
        """
        from alphintra.store.sketches import statistics_of_symbol

        if symbol is None and len(self.symbols) < len(self.about.symbols):
            if len(self.symbols) > 1:
                raise DataError(
                    "statistics are of one symbol, or of all", code="BAD_RANGE", where=self.name,
                    hint="Name one: statistics('" + self.symbols[0] + "').",
                )  # fmt: skip
            symbol = self.symbols[0]
        if symbol is None or (symbol,) == tuple(self.about.symbols):
            return dict(self.about.statistics)
        return statistics_of_symbol(self._version, symbol)

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

        if any(part is not None for part in (self._columns, self._start, self._end, self._as_of)):
            raise DataError(
                "a part of a version is not processed", code="BAD_RANGE",
                hint="Load it without columns, start, end and as_of; symbols may be chosen: name@version/SYMBOL.",
            )  # fmt: skip
        return Processing(self._found.name, self._found.version, self._version, self.symbols, recipe)

    def stored(self) -> dict[str, dict[str, Array]]:
        """Return the columns by symbol, as arrays (read once)."""
        from alphintra.store.converting import to_numpy

        if self._stored is None:
            self._stored = to_numpy(self.to_arrow())
        return self._stored

    def events(self) -> pd.DataFrame:
        """Return the splits and dividends of the symbols out of ``reference``, as they were known; none without one.

        Columns as of :meth:`Dataset.events`.
        """
        from alphintra.data.frames import no_events
        from alphintra.data.referring import events

        if self._reference is None:
            return no_events()
        return events(self._reference[1], self.symbols, self.known_until)

    def market(self, prices: str | None = None) -> MarketData:
        """Return the bars as a run trades them, over all times of the chosen symbols; open errors are warnings of it.

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

    def check_usable(self) -> None:
        """Refuse a version with errors that nobody has accepted, as a server does: a run has no figures on it.

        Raises:
            DataError: ``DATASET_HAS_ERRORS``.
        """
        check_accepted(self.name, self._version)
        if self._reference is not None:
            check_accepted(*self._reference)

    def __repr__(self) -> str:
        """Return one line: name, symbols, range and rows; reads no rows."""
        from alphintra.data.stored_display import line

        return line(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from alphintra.data.stored_display import bundle

        return bundle(self, include, exclude)

    def _market(self, prices: str) -> MarketData:
        from alphintra.data.given import market_from_tables
        from alphintra.data.repeated import Repeated
        from alphintra.data.tables import RawTable
        from alphintra.data.timeframe import Label
        from alphintra.store.converting import by_symbol

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
        table = self._read(self._wanted, list(roles.values()), whole=True)
        if not len(table):
            raise DataError(f"no row of '{self.name}' was known then", code="NO_ROWS", hint="Choose a later as_of.")
        names = {"time": time.name, **{role: name for role, name in roles.items() if role}}
        closes_only = not names.keys() & {"open", "high", "low"}
        if closes_only:
            names |= dict.fromkeys(("open", "high", "low"), names["close"])
        repeated = Repeated()
        tables = {}
        for symbol, part in by_symbol(table):
            own = repeated.left_out(symbol, part, time.name, names.values())
            columns = tuple(own[name] for name in names.values())
            tables[symbol] = RawTable(f"{self.name}, {symbol}", tuple(names), columns)
        label = Label(about.calendar, about.label, timeframe=about.timeframe)
        # Their adjusted close is not used where their splits and dividends are known (rule F8).
        on = "raw" if self._reference is not None and prices == "auto" and about.adjustment != "adjusted" else prices
        market = market_from_tables(self.name, tables, on, label, self.content_hash)
        bars = {symbol: _closes(each) for symbol, each in market.bars.items()} if closes_only else market.bars
        notes = [*repeated.notes(), *(note for note in market.notes if note.code != "time_zone_assumed")]
        notes += [
            Note("open_error", f"an error of the data that nobody has accepted: {error}", "warning")
            for error in self._version.open_errors
        ]
        if self._start is not None or self._end is not None:
            text = "start and end of load() choose rows to read, a run has its own: the bars are all that there are"
            notes.append(Note("whole_dataset", text, "warning"))
        if about.simulated:
            notes.append(Note("simulated", "simulated prices: nobody ever traded at them", "warning"))
        adjusted = about.adjustment == "adjusted" and market.prices == AS_GIVEN
        kind = about.asset_class or market.asset_class
        market = replace(
            market,
            asset_class=kind,
            lot=default_lot(kind),
            quoted_in=about.currency,
            bars=bars,
            closes_only=closes_only,
            prices=ADJUSTED if adjusted else market.prices,
            notes=tuple(notes),
            instruments={},
        )
        if self._reference is None or prices == "adjusted" or adjusted:
            return market
        from alphintra.data.referring import with_reference

        return with_reference(market, *self._reference, until=self.known_until)

    def _candle_series(self, symbol: str, column: str | None) -> tuple[CandleSeries, bool]:
        from alphintra.store.candles import StoredSeries

        if self._as_of is not None:
            return super()._candle_series(symbol, column)
        series = StoredSeries(self._version, symbol, column, kept_bytes=0)
        return series, self.about.time.type == "date32"

    def _rows_to_write(self) -> Rows:
        from alphintra.store.exporting import Rows, rows_of

        if self._as_of is None:
            return rows_of(self._version, self._wanted, self._columns, self._start, self._end)
        from alphintra.store.finding import find as find_rows

        def tables(names: Sequence[str]) -> Iterator[Any]:
            return (self._read([symbol], names) for symbol in self.symbols)

        return Rows(find_rows(self.about, self._wanted, self._columns).columns, tables)

    def _read(self, symbols: Sequence[str] | None, columns: Sequence[str] | None, *, whole: bool = False) -> Any:
        """Return rows; ``whole``: of all times."""
        from alphintra.store.as_of import read_as_of
        from alphintra.store.reading import read

        start, end = (None, None) if whole else (self._start, self._end)
        if self._as_of is not None:
            return read_as_of(self._version, self._as_of.until, symbols, columns, start, end)
        return read(self._version, symbols, columns, start, end)


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
