"""One door for every way to name data: a dataset, a file, a frame, several frames."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra.data import catalogue
from alphintra.data.basis import ADJUSTED, check_prices, no_raw_prices
from alphintra.data.bounds import bounded
from alphintra.data.market import MarketData
from alphintra.data.shipped import market_from_manifest
from alphintra.errors import DataError, NoServerError, UnknownDataset

if TYPE_CHECKING:
    from alphintra.data.stored import StoredDataset
    from alphintra.data.timeframe import Label


def resolve(
    data: Any,
    start: Any = None,
    end: Any = None,
    *,
    prices: str | None = None,
    instruments: Any = None,
    currency: str | None = None,
    rates: Any = None,
    detail: Any = None,
    features: Any = None,
    reference: str | None = None,
) -> MarketData:
    """Return the bars that ``data`` names, checked and ready for a run.

    Args:
        data: Name of a shipped dataset (``us-equities-daily``, ``…/AAPL``, ``…/AAPL,MSFT``) or of
            one of your own (``prices@3/AAPL``; without a version, the newest), path of a CSV or Parquet
            file, DataFrame, dict of DataFrames by symbol, or market data.
        start: First date of the run. It cuts nothing, since indicators warm up on what is before
            it, but has to lie before the end of the data.
        end: Last date of the run, included; later bars are cut.
        prices: Rule F8. ``auto``: raw with splits and dividends as events where they are known, else
            adjusted where there is an adjusted close, else as given. ``adjusted``: adjusted where
            there is an adjusted close. ``raw``: never adjusted. Left out:
            :data:`alphintra.data.basis.DEFAULT_PRICES`.
        instruments: By symbol an :class:`Instrument` or a dict of its fields; or one instrument
            for all symbols.
        currency: The account's currency, three letters; left out, ``USD``.
        rates: By currency (``EUR``) or pair (``EURUSD``, or ``USDEUR``, which is inverted): a number,
            a Series or DataFrame, or the name of a dataset.
        detail: Finer bars of the same symbols, in any form that ``data`` may have (rule F3).
        features: Further series for the strategy, by name; see ``al.backtest``.
        reference: Name of a dataset of splits and dividends, which raw prices go through.

    Raises:
        UnknownDataset: No dataset, symbol or file has this name; the error names the nearest.
        DataError: The data cannot be used; the error names file, row and column. An instrument in
            a currency without a rate; finer bars that contradict their bar.
        RuleError: ``prices`` is none of the three.
    """
    if reference is None:
        market = whole(data, prices)
    else:
        market = _with_reference(data, prices, reference)
    if instruments is not None or currency is not None or rates is not None:
        from alphintra.data.account import with_account

        market = with_account(market, instruments, currency, rates)
    elif any(own.currency != market.currency for own in market.instruments.values()):
        from alphintra.data.rates import check_rates

        check_rates(market)
    if detail is not None:
        from alphintra.data.detail import with_detail

        market = with_detail(market, detail)
    if features is not None:
        from alphintra.data.features import with_features

        market = with_features(market, features)
    return bounded(market, start, end)


def _with_reference(data: Any, prices: str | None, reference: Any) -> MarketData:
    """Return raw prices that go through the events of reference data."""
    from alphintra.data.referring import with_reference
    from alphintra.data.sources import check_accepted, open_pinned

    if not isinstance(reference, str):
        raise DataError(
            f"reference is a {type(reference).__name__}", code="BAD_DATA_TYPE", where="reference",
            hint='Name a dataset of splits and dividends: reference="actions@1". A frame is for al.data.with_events.',
        )  # fmt: skip
    if check_prices(prices) == "adjusted":
        raise no_raw_prices('prices="adjusted" leaves out the splits and dividends of reference=')
    # Of what is known as of a time, later news of splits is left out as later rows are.
    until = getattr(data, "known_until", None)
    named = open_pinned(reference)
    check_accepted(*named)
    return with_reference(whole(data, "raw"), *named, until=until)


def whole(data: Any, prices: str | None = None, label: Label | None = None) -> MarketData:
    """Return all bars of ``data`` on a price basis, times read as ``label`` says."""
    on = check_prices(prices)
    if isinstance(data, MarketData):
        return _resolved(data, prices, label)
    if isinstance(data, str):
        selection = catalogue.select(data)
        if selection is not None:
            return _resolved(market_from_manifest(*selection, on), None, label)
        stored = stored_dataset(data)
        if stored is not None:
            stored.check_usable()
            return _resolved(stored.market(prices), None, label)
        return _from_path(data, on, label)
    if isinstance(data, os.PathLike):
        return _from_path(os.fspath(data), on, label)
    from alphintra.data.dataset import Dataset
    from alphintra.data.given import is_frame, market_from_frame, market_from_frames

    if isinstance(data, Dataset):
        data.check_usable()
        return _resolved(data.market(prices), None, label)
    if is_frame(data):
        return market_from_frame(data, on, label)
    if isinstance(data, Mapping):
        return market_from_frames(data, on, label)
    raise DataError(
        f"data is a {type(data).__name__}",
        code="BAD_DATA_TYPE",
        hint="Give a dataset's name, a path of a CSV or Parquet file, a DataFrame or a dict of DataFrames.",
    )


def stored_dataset(
    name: str, columns: Sequence[str] | None = None, start: Any = None, end: Any = None
) -> StoredDataset | None:
    """Open a trader's own dataset by name; ``None`` if there is none, and the name may be something else."""
    from alphintra.data.sources import source

    where = source()
    # What ships has its name first. A file that is there is that file: no server is asked for it.
    if where is None or catalogue.is_shipped(name) or ("@" not in name and _is_file(name)):
        return None
    from alphintra.data.stored import open_stored

    try:
        return open_stored(name, where, columns, start, end)
    except NoServerError:
        if "@" in name:
            raise
        return None


def _resolved(market: MarketData, prices: str | None, label: Label | None) -> MarketData:
    """Return market data as it is, unless something else is wanted of it than it is."""
    if label is not None:
        raise DataError(
            f"the times of '{market.name}' are known already",
            code="CALENDAR_KNOWN",
            hint="State calendar and label with a file, a DataFrame or a dict of DataFrames.",
        )
    if prices == "raw" and market.prices == ADJUSTED:
        raise no_raw_prices(f"'{market.name}' was adjusted before")
    if prices == "adjusted" and market.actions:
        raise DataError(
            f"'{market.name}' has raw prices with events",
            code="NO_ADJUSTED_PRICES",
            hint='Give prices="adjusted" where the data is read, or use prices="auto".',
        )
    return market


def _is_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def _from_path(name: str, prices: str, label: Label | None) -> MarketData:
    from alphintra.data.given import market_from_file

    try:
        path = Path(name).expanduser()
        exists = bool(name) and path.exists()
    except (OSError, ValueError, RuntimeError):
        exists = False
    if not exists:
        raise _unknown(name)
    return market_from_file(path, prices, label)


def _unknown(name: str) -> UnknownDataset:
    from alphintra.data.sources import source

    where = source()
    if where is None and "@" in name:
        return UnknownDataset(
            f"there is no dataset '{name}': this process was given no datasets of yours",
            hint="Run this in a notebook of JupyterLab with the Alphintra extension, or as a job.",
        )
    return catalogue.unknown(name, () if where is None else where.names())
