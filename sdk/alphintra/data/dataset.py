"""A dataset in a notebook: its manifest, its columns, and how it looks in a cell."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from alphintra.data import catalogue
from alphintra.data.basis import check_prices
from alphintra.data.content_hash import Array
from alphintra.data.instrument import did_you_mean
from alphintra.data.live import OnServer
from alphintra.data.market import MarketData
from alphintra.data.resolve import resolve, stored_dataset
from alphintra.data.shipped import market_from_manifest
from alphintra.errors import DataError, UnknownDataset

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from alphintra.data.candle_chart import CandleChart
    from alphintra.store.candles import CandleSeries
    from alphintra.store.exporting import Rows


class Dataset:
    """A shipped dataset, or some symbols of it, or data given directly.

    Attributes:
        name: ``us-equities-daily``, ``us-equities-daily/AAPL``, a file's stem, or ``DATA``.
        symbols: Symbols in universe order.
        manifest: What is known about a shipped dataset; empty for data given directly.
    """

    _start: Any = None
    _end: Any = None

    def __init__(
        self,
        name: str,
        symbols: tuple[str, ...],
        manifest: dict[str, Any],
        market: MarketData | None = None,
    ) -> None:
        self.name = name
        self.symbols = symbols
        self.manifest = manifest
        self._given = market
        self._markets: dict[str, MarketData] = {}
        self._stored: dict[str, dict[str, Array]] | None = None

    def market(self, prices: str | None = None) -> MarketData:
        """Return the bars as a run trades them.

        Args:
            prices: ``auto``, ``adjusted`` or ``raw`` (rule F8); left out, what a run uses.

        Raises:
            DataError: The dataset holds no prices, or none on this basis.
        """
        if self._given is not None:
            return resolve(self._given, prices=prices)
        on = check_prices(prices)
        if on not in self._markets:
            self._markets[on] = market_from_manifest(self.manifest, self.symbols, on)
        return self._markets[on]

    def check_usable(self) -> None:
        """Refuse what a run may not take; all that ships or was given may be taken."""

    def shown(self) -> MarketData:
        """Return the bars as charts and tables show them: without the jumps of splits where possible."""
        return self.market("adjusted") if self.manifest else self.market()

    def to_pandas(self) -> pd.DataFrame:
        """Return the columns as they are stored, that is, not adjusted.

        The index ``date`` is the session (``time``, in UTC, for intraday bars given directly).
        With several symbols the first level of the index is ``symbol``.
        """
        from alphintra.data.frames import to_pandas

        return to_pandas(self)

    def to_arrow(self) -> Any:
        """Return an Arrow table of the columns as they are stored, with the symbol of each row in ``symbol``."""
        from alphintra.data.arrow import to_table

        return to_table(self.stored())

    def to_polars(self) -> pl.DataFrame:
        """Return a Polars frame with the columns of :meth:`to_arrow`.

        Raises:
            DataError: Polars is not installed.
        """
        from alphintra.store.converting import to_polars

        return to_polars(self.to_arrow())

    def to_numpy(self) -> dict[str, dict[str, Array]]:
        """Return arrays by symbol and column: times int64 µs, dates int32 days, numbers float64.

        Raises:
            DataError: A value is missing that is no float, in a dataset of one's own.
        """
        return self.stored()

    def download(
        self, path: str | os.PathLike[str], format: str | None = None, *, escape_formulas: bool = False
    ) -> Path:
        """Write the rows to a file, in bounded memory where they are a dataset of your own.

        ::

            al.data.load("prices@2/AAPL", start="2020-01-01").download("aapl.csv")

        What is read back is what is stored: floats to the last bit, times in UTC with their zone. In CSV a float has a
        point or an exponent, a missing text nothing and an empty one quotes; in JSON lines NaN is ``null``.

        Args:
            path: Where to; a file of this name is replaced, once all is written.
            format: ``csv``, ``jsonl``, ``parquet``, ``feather`` or ``xlsx``; left out, what the path ends like.
            escape_formulas: Whether in a CSV texts that begin with ``= + - @``, a tab or a carriage return get an
                apostrophe, for who opens it in a spreadsheet and does not know where it came from.

        Returns:
            The path.

        Raises:
            DataError: There is no such format (``UNKNOWN_FORMAT``); the rows do not fit it (``TOO_MANY_ROWS``,
                ``CELL_LIMIT``).
            OSError: It cannot be written there.
        """
        from alphintra.data.downloading import write_file

        return write_file(self._rows_to_write(), path, format, escape=escape_formulas)

    def chart(
        self,
        symbol: str | None = None,
        start: Any = None,
        end: Any = None,
        *,
        column: str | None = None,
        points: int = 400,
    ) -> CandleChart:
        """Draw a part of a symbol: candles with volume, or a line of closes.

        Of ten million bars no more than ``points`` candles are made and go into the page, each exactly of 2, 4, 8, …
        bars; what lies outside the part is not read.

        Args:
            symbol: Which; left out, the first.
            start: First time: a date, or an instant (UTC where it names no zone); left out, that of :func:`load`.
            end: Last time, included; a date with its whole day.
            column: A column of numbers; left out, the prices.
            points: At most so many candles, up to 4,000.

        Raises:
            DataError: There is no such symbol; a bound is no date; there are no prices.
        """
        from alphintra.data.candle_chart import CandleChart
        from alphintra.data.live import live
        from alphintra.store.candles import MOST_POINTS

        if not 2 <= points <= MOST_POINTS:
            raise DataError(f"points={points!r}", code="BAD_RANGE", hint=f"Between 2 and {MOST_POINTS:,}.")
        chosen = self.symbols[0] if symbol is None else symbol
        if chosen not in self.symbols:
            raise UnknownDataset(
                f"'{self.name}' has no symbol '{chosen}'",
                code="UNKNOWN_SYMBOL",
                hint=did_you_mean(chosen, self.symbols) + "It has " + ", ".join(self.symbols[:20]) + ".",
            )
        series, dates = self._candle_series(chosen, column)
        part = (self._start if start is None else start, self._end if end is None else end)
        span = series.span(*part)
        found = series.rows(*span, points)
        title = self.name if self.symbols == (chosen,) else f"{self.name}, {chosen}"
        title += "" if column is None else f", {column}"
        on_server = self.on_server
        shown = None if on_server is None else live(on_server, [chosen], *part, column)
        return CandleChart(title, found, dates, series.bars, shown)

    def events(self) -> pd.DataFrame:
        """Return the stored splits and dividends of the symbols, one a row; empty if there are none.

        Columns: ``symbol``, ``kind``, ``ex_date``, ``value`` (shares after per share before, or
        money per share), ``known_from``, ``known_to``, ``source``.
        """
        from alphintra.data.frames import events

        return events(self)

    def stored(self) -> dict[str, dict[str, Array]]:
        """Return the stored columns by symbol, as arrays (read once)."""
        if self._stored is None:
            if self.manifest:
                self._stored = catalogue.read_columns(self.manifest, self.symbols)
            else:
                self._stored = _given_columns(self.market())
        return self._stored

    @property
    def on_server(self) -> OnServer | None:
        """Which dataset of the server's it is; ``None`` for data that only this process has."""
        return OnServer(self.manifest["name"]) if self.manifest else None

    def _candle_series(self, symbol: str, column: str | None) -> tuple[CandleSeries, bool]:
        """Return what candles are made of, and whether its times are days."""
        from alphintra.store.candles import ArraySeries, parts_of
        from alphintra.store.columns import Column

        market = self.shown()
        bars = market.bars[symbol]
        columns = {"close": bars.close}
        if not market.closes_only:
            columns |= {"open": bars.open, "high": bars.high, "low": bars.low}
        if bars.volume is not None:
            columns["volume"] = bars.volume
        parts = parts_of([Column(name, "double", name) for name in columns], column)
        days = len(np.unique(bars.session)) == len(bars)
        kind = "date32" if days else "timestamp[us, UTC]"
        return ArraySeries(bars.session if days else bars.open_time, columns, parts, kind), days

    def _rows_to_write(self) -> Rows:
        from alphintra.data.downloading import rows_in_memory

        return rows_in_memory(self)

    def __repr__(self) -> str:
        """Return one line: name, symbols, range and rows."""
        from alphintra.data.display import dataset_line

        return dataset_line(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from alphintra.data.display import dataset_bundle

        return dataset_bundle(self, include, exclude)


@dataclass(frozen=True)
class DatasetList(Sequence[Dataset]):
    """The shipped datasets; shows itself as a table."""

    items: tuple[Dataset, ...]

    @property
    def names(self) -> list[str]:
        """Names of the datasets."""
        return [item.name for item in self.items]

    @overload
    def __getitem__(self, index: int) -> Dataset: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Dataset]: ...
    def __getitem__(self, index: int | slice) -> Dataset | Sequence[Dataset]:
        """Return a dataset by position."""
        return self.items[index]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.items)

    def __iter__(self) -> Iterator[Dataset]:
        """Go through the datasets by name."""
        return iter(self.items)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row a dataset: title, asset class, time frame, symbols, range, rows."""
        from alphintra.data.frames import list_frame

        return list_frame(self)

    def __repr__(self) -> str:
        """Return a plain table."""
        from alphintra.data.display import list_text

        return list_text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from alphintra.data.display import list_bundle

        return list_bundle(self, include, exclude)


def list_datasets() -> DatasetList:
    """Return the datasets that ship with Alphintra."""
    return DatasetList(tuple(load(name) for name in catalogue.names()))


def load(
    data: Any,
    *,
    columns: Sequence[str] | None = None,
    start: Any = None,
    end: Any = None,
    as_of: Any = None,
    reference: str | None = None,
) -> Dataset:
    """Open a dataset to look at it.

    Args:
        data: Whatever :func:`resolve` takes: a name such as ``us-equities-daily`` or
            ``us-equities-daily/AAPL``, a CSV or Parquet file, a DataFrame, a dict of DataFrames; or a
            dataset of your own: ``name``, ``name@version``, ``name@version/SYMBOL``.
        columns: Which columns of your own dataset, beside symbol and time; left out, all.
        start: First time of it: a date, or an instant (UTC where it names no zone).
        end: Last time, included; a date includes its whole day in UTC.
        as_of: Only what was known then: a date (its end, 24:00 UTC) or an instant. Of revisions the last that was
            known, of ``reference`` the events that were.
        reference: Name of a dataset of splits, dividends and symbols (:func:`add_reference`), which raw prices go
            through.

    Raises:
        UnknownDataset: Nothing has this name; the error names the nearest.
        DataError: Data given directly cannot be used; a part is wanted of data that is no dataset of your own;
            ``NO_KNOWLEDGE`` where a version does not say when its rows were known; ``NO_REFERENCE``.
    """
    if isinstance(data, str):
        stored = stored_dataset(data, columns, start, end)
        if stored is not None:
            return stored if as_of is None and reference is None else stored.known(as_of, reference)
    if any(part is not None for part in (columns, start, end, as_of, reference)):
        raise DataError(
            "columns, start, end, as_of and reference are for a dataset of your own",
            code="BAD_RANGE",
            hint='Write al.data.load("name@version", …), or cut what load(…).to_pandas() returns.',
        )
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str):
        selection = catalogue.select(data)
        if selection is not None:
            found, symbols = selection
            whole = len(symbols) == len(found["symbols"])
            name = found["name"] if whole else f"{found['name']}/{','.join(symbols)}"
            return Dataset(name, symbols, found)
    market = resolve(Path(data) if isinstance(data, os.PathLike) else data)
    return Dataset(market.name, market.symbols, {}, market)


def _given_columns(market: MarketData) -> dict[str, dict[str, Array]]:
    out: dict[str, dict[str, Array]] = {}
    for symbol, bars in market.bars.items():
        out[symbol] = {
            "session": bars.session,
            "open_time": bars.open_time,
            "close_time": bars.close_time,
            "open": bars.open,
            "high": bars.high,
            "low": bars.low,
            "close": bars.close,
        }
        if bars.volume is not None:
            out[symbol]["volume"] = bars.volume
    return out
