"""Splits, dividends and symbols with when they were known: added in a notebook, read with a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra.data import sources
from alphintra.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from alphintra.data.market import MarketData
    from alphintra.data.stored import StoredDataset
    from alphintra.store.reading import Version
    from alphintra.store.reference import Fact

_SHOWN = 5


def add_reference(name: str, rows: Any) -> StoredDataset:
    """Add rows to a dataset of reference data, and return its new version; what is there already stays as it is.

    A correction is a further row of the same instrument, kind and date with a later ``known_from``.

    Args:
        name: Name of the dataset, new or known.
        rows: A frame, or a list of mappings: ``instrument_id``; ``kind``: ``listing``, ``delisting``, ``symbol``,
            ``split`` or ``dividend``; ``ex_date``; ``value`` (new shares for an old one; money for an old share, that
            of one day added up; what was paid at a delisting); ``text``, the new symbol of the kind ``symbol``;
            ``known_from`` and maybe ``known_to``, each a date (its end, 24:00 UTC) or an instant; ``source``.

    Raises:
        DataError: Names the row and what is wrong in it; ``CONFLICT`` where a row would be changed; ``READ_ONLY``.
    """
    from alphintra.data.dataset import load
    from alphintra.data.saving import saving
    from alphintra.data.stored import StoredDataset
    from alphintra.store import reference
    from alphintra.store.manifest import Provenance
    from alphintra.store.writing import VersionWriter

    new = reference.facts_of(rows)
    where = sources.source()
    found = None if where is None else sources.find(sources.check_name(name), where)
    before = None if where is None or found is None else where.open(found.name, found.version)
    whole = reference.joined([] if before is None else reference.facts(before), new)
    parents = () if before is None else (before.manifest.version,)
    with saving(name) as own, VersionWriter(own.folder, own.version, reference.COLUMNS, reference.ABOUT) as writer:
        for instrument, table in reference.tables(whole).items():
            writer.add(instrument, table)
        writer.finish(Provenance(parents=parents))
    made = load(f"{name}@{own.number}")
    assert isinstance(made, StoredDataset)
    return made


def with_reference(market: MarketData, name: str, version: Version, *, until: int | None = None) -> MarketData:
    """Return raw prices together with the splits and dividends that reference data has of their symbols.

    Args:
        market: The prices.
        name: What a run records as the name of the reference data.
        version: The reference data.
        until: As of :func:`events`.

    Raises:
        DataError: As of :func:`events`; ``NO_RAW_PRICES`` where the prices are adjusted; ``HAS_EVENTS`` where splits
            and dividends of theirs are known already.
    """
    from alphintra.data.basis import ADJUSTED, no_raw_prices
    from alphintra.data.events import with_events
    from alphintra.data.market import Note, Reference

    if market.prices == ADJUSTED:
        raise no_raw_prices(f"'{market.name}' is adjusted, so its splits and dividends are in its prices")
    if market.actions or market.reference is not None:
        raise DataError(
            f"'{market.name}' has its splits and dividends already", code="HAS_EVENTS", where="reference",
            hint="Leave out reference=, or give the prices without them.",
        )  # fmt: skip
    found, instruments = _known(version, market.symbols, until)
    happened = _events(found, instruments)
    if len(happened):
        market = with_events(market, happened)
    unknown = [symbol for symbol in market.symbols if symbol not in instruments]
    if unknown:
        more = f" and {len(unknown) - _SHOWN:,} more" if len(unknown) > _SHOWN else ""
        text = f"{name} has no row of {', '.join(unknown[:_SHOWN])}{more}: no split or dividend is known"
        market = replace(market, notes=(*market.notes, Note("not_in_reference", text)))
    return replace(market, reference=Reference(name, version.manifest.content_hash))


def events(version: Version, symbols: Sequence[str], until: int | None) -> pd.DataFrame:
    """Return splits and dividends of symbols as they were known, in the columns of :meth:`Dataset.events`.

    Args:
        version: The reference data.
        symbols: Symbols, or ids of instruments.
        until: Microseconds since 1970 UTC; ``None``: all that is known.

    Raises:
        DataError: ``NO_REFERENCE``; ``AMBIGUOUS`` where two instruments have the symbol.
    """
    return _events(*_known(version, symbols, until))


def _known(version: Version, symbols: Sequence[str], until: int | None) -> tuple[list[Fact], dict[str, str]]:
    """Return what was known, and which instrument each symbol is."""
    from alphintra.store import reference

    found = reference.known(reference.facts(version), until)
    return found, reference.instruments_of(found, symbols, until)


def _events(found: Sequence[Fact], instruments: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    from alphintra.data.frames import EVENT_COLUMNS, no_events

    by_id: dict[str, list[str]] = {}
    for symbol, own in instruments.items():
        by_id.setdefault(own, []).append(symbol)
    rows = [
        (symbol, fact.kind, _date(fact.ex), fact.value, _time(fact.known_from), _time(fact.known_to),
         fact.source)
        for fact in found
        if fact.kind in ("split", "dividend")
        for symbol in by_id.get(fact.instrument, ())
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(EVENT_COLUMNS)) if rows else no_events()


def _date(session: int) -> pd.Timestamp:
    import pandas as pd

    return pd.Timestamp(np.datetime64(session, "D"))


def _time(value: int | None) -> Any:
    import pandas as pd

    return pd.NaT if value is None else pd.Timestamp(np.datetime64(value, "us"), tz="UTC")
