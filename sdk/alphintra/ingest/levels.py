"""Headers of two rows: what a column is, and whose, in either order; as pandas writes columns of two levels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from alphintra.ingest.habits import DIVIDENDS, SPLITS, folded

PRICE_FIELDS = frozenset(
    {
        "open", "high", "low", "close", "adj_close", "adjclose", "adjusted_close", "close_adj", "price", "last",
        "open_price", "high_price", "low_price", "close_price", "px_open", "px_high", "px_low", "px_last", "bid", "ask",
    }
)  # fmt: skip
"""Names of prices that no instrument has but by chance; as :func:`~alphintra.ingest.habits.folded` writes them."""
FIELDS = PRICE_FIELDS | {
    "volume", "vol", "px_volume", "base_volume", "tick_volume", "quote_volume", "turnover", "vwap", "trades",
    "bid_size", "ask_size", "open_interest", "openint", "market_cap", "capital_gains", *SPLITS, *DIVIDENDS,
}  # fmt: skip
"""Names of what instruments have columns of."""
_OF_FIELDS = frozenset({"price", "prices", "attributes", "field", "fields"})
_OF_INSTRUMENTS = frozenset({"ticker", "tickers", "symbol", "symbols", "instrument", "asset", "pair"})
_TIME = frozenset({"date", "datetime", "time", "timestamp", "dates"})
_TUPLE = re.compile(r"""\((['"])(.*?)\1, (['"])(.*?)\3\)""")
_AGAIN = re.compile(r"\.\d{1,4}$")
Owner = tuple[str, str]
"""An instrument, and the name of a field; both empty of what is all instruments'."""


@dataclass(frozen=True)
class Levels:
    """A header of two levels.

    Attributes:
        names: Of all columns, both levels in the file's order: ``Close / AAPL``.
        owners: Whose each is, and what; an instrument may be empty.
        rows: How many rows the header has.
        vendor: ``yfinance``, where the levels are called as it calls them.
    """

    names: tuple[str, ...]
    owners: tuple[Owner, ...]
    rows: int
    vendor: str = ""


def of_rows(rows: Sequence[Sequence[str]], width: int) -> Levels | None:
    """Return the two levels that rows, from the header on, are; ``None`` if they are none."""
    if len(rows) < 2 or width < 2 or len(rows[0]) != width:
        return None
    upper, lower = ([*(_bare(cell) for cell in row), *[""] * width][:width] for row in rows[:2])
    # Pandas numbers names that are there twice, when it reads such a header as one row: Close.1, AAPL.1.
    upper = [_AGAIN.sub("", name) if _AGAIN.sub("", name) in upper else name for name in upper]
    for place in range(2, width):
        upper[place] = upper[place] or upper[place - 1]  # a spreadsheet's cell that spans several
    third = [cell.strip() for cell in rows[2]] if len(rows) > 2 else []
    has_third = bool(third) and bool(third[0]) and not third[0][0].isdigit() and not any(third[1:])
    names = [upper[0], lower[0]]
    time = third[0] if has_third else next((own for own in reversed(names) if folded(own) in _TIME), "")
    if not has_third and lower[0] and folded(lower[0]) not in _TIME | _OF_FIELDS | _OF_INSTRUMENTS:
        return None
    owners = _owners(upper, lower)
    if owners is None:
        return None
    called = (time, *(f"{first} / {second}" for first, second in zip(upper[1:], lower[1:], strict=True)))
    vendor = "yfinance" if {"Price", "Ticker"} == set(names) else ""
    return Levels(called, owners, 3 if has_third else 2, vendor)


def _bare(cell: str) -> str:
    return cell.strip().lstrip("\ufeff#").strip()


def of_names(names: Sequence[str]) -> Levels | None:
    """Return the two levels in names that pandas has written of pairs: ``('Close', 'AAPL')``."""
    found = [_TUPLE.fullmatch(name.strip()) for name in names]
    if sum(own is not None for own in found) < 2:
        return None
    upper, lower = (
        ["", *("" if own is None else own[group].strip() for own in found)] for group in (2, 4)
    )  # fmt: skip
    places = [place for place, own in enumerate(found) if own is not None and own[2] and own[4]]
    owners = _owners(["", *(upper[place + 1] for place in places)], ["", *(lower[place + 1] for place in places)])
    if owners is None:
        return None
    known = dict(zip(places, owners[1:], strict=True))
    return Levels(tuple(names), tuple(known.get(place, ("", "")) for place in range(len(names))), 1)


def _owners(upper: Sequence[str], lower: Sequence[str]) -> tuple[Owner, ...] | None:
    """Return whose each column is, and what it is, by two levels of names, of which the first is that of the rows."""
    scores = [_score(level) for level in (upper, lower)]
    if max(scores) <= (0, 0.0, 0.0):
        return None
    fields, instruments = (upper, lower) if scores[0] > scores[1] else (lower, upper)
    if PRICE_FIELDS.isdisjoint(map(folded, fields[1:])) or not all(fields[1:]):
        return None
    # Without a name that says so, a row of units or the header once more is no level of instruments.
    is_once = len(set(fields[1:])) == len(fields) - 1 or all(folded(own) in FIELDS for own in instruments[1:] if own)
    if is_once and folded(instruments[0]) not in _OF_INSTRUMENTS:
        return None
    return (("", ""), *zip(instruments[1:], fields[1:], strict=True))


def _score(level: Sequence[str]) -> tuple[int, float, float]:
    """Return how much a level is one of fields: by what it is called, by its names, and how they are written."""
    called = folded(level[0])
    distinct = {name for name in level[1:] if name}
    if not distinct:
        return (0, 0.0, 0.0)
    known = sum(folded(name) in FIELDS for name in distinct) / len(distinct)
    if known < 0.5:
        return (0, 0.0, 0.0)
    small = sum(not name.isupper() for name in distinct) / len(distinct)
    return (1 if called in _OF_FIELDS else -1 if called in _OF_INSTRUMENTS else 0, known, small)
