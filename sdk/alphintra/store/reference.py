"""Reference data: what happens to instruments, in a version like any other, of rows that are added and never changed.

The symbol of a row is its instrument's id. A correction is a further row for the same instrument, kind and date, known
from a later time; the row before stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from alphintra.data.actions import Event, check_value
from alphintra.data.bounds import parse_bound
from alphintra.data.market import DAY_US
from alphintra.errors import DataError
from alphintra.store.columns import Column, arrow_type
from alphintra.store.manifest import About, check_symbol
from alphintra.store.reading import Version, batches, read

KINDS = ("listing", "delisting", "symbol", "split", "dividend")
"""``symbol``: from the date on the instrument is traded under ``text``. ``delisting``: ``value`` is what was paid for a
share, if anything was."""
COLUMNS = (
    Column("ex_date", "date32", "time"),
    Column("kind", "string"),
    Column("value", "double"),
    Column("text", "string"),
    Column("known_from", "timestamp[us, UTC]", "known_at"),
    Column("known_to", "timestamp[us, UTC]"),
    Column("source", "string"),
)
ABOUT = About(asset_class=None, timeframe=None)
MOST_ROWS = 5_000_000
MOST_SOURCE = 200
"""Characters of a source that are kept."""
_NEEDED = {"instrument_id", "kind", "ex_date", "known_from", "source"}
_KNOWN = _NEEDED | {"value", "text", "known_to"}


@dataclass(frozen=True, order=True)
class Fact:
    """One row.

    Attributes:
        instrument: Id of the instrument.
        ex: Its date, days since 1970.
        known_from: When it became known, microseconds UTC.
        kind: One of :data:`KINDS`.
        value: Ratio of a split, amount of a dividend, proceeds of a delisting; NaN for none.
        text: New symbol, or ``None``.
        known_to: When it was withdrawn, microseconds UTC, or ``None``.
        source: Who said so.
    """

    instrument: str
    ex: int
    known_from: int
    kind: str
    value: float
    text: str | None
    known_to: int | None
    source: str


def facts_of(rows: Any) -> list[Fact]:
    """Return the rows of a frame, or of a list of mappings, checked.

    A date alone in ``known_from`` or ``known_to`` means its end, 24:00 UTC.

    Raises:
        DataError: Names the row and what is wrong in it.
    """
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        rows = rows.to_dict("records")
    if not isinstance(rows, Sequence) or isinstance(rows, str | bytes) or len(rows) > MOST_ROWS:
        raise DataError(
            f"reference data is a frame or a list of at most {MOST_ROWS:,} rows", code="BAD_DATA_TYPE",
            hint="Its columns are " + ", ".join(sorted(_KNOWN)) + ".",
        )  # fmt: skip
    return [_fact(row, f"row {number}") for number, row in enumerate(rows, 1)]


def check_holds(version: Version) -> None:
    """Refuse a version that holds something else.

    Raises:
        DataError: ``NO_REFERENCE``.
    """
    if version.manifest.columns != COLUMNS:
        raise DataError(
            "the version holds no reference data", code="NO_REFERENCE", where=version.manifest.version,
            hint="Write it with al.data.add_reference, or upload a file as reference data.",
        )  # fmt: skip


def facts(version: Version, instruments: Sequence[str] | None = None) -> list[Fact]:
    """Return the rows of a version.

    Raises:
        DataError: ``NO_REFERENCE``: it holds something else.
    """
    check_holds(version)
    chosen = None if instruments is None else [name for name in instruments if name in version.manifest.symbols]
    table = read(version, chosen)
    return [Fact(*row) for row in zip(table["symbol"].to_pylist(), *_columns(table), strict=True)]


def by_instrument(version: Version) -> Iterator[tuple[str, list[Fact]]]:
    """Go through the instruments of a version, each with its rows: a file is read once, whatever there are of them.

    Raises:
        DataError: As of :func:`facts`.
    """
    check_holds(version)
    for symbol, tables in groupby(batches(version), lambda item: item[0]):
        rows = (row for _, table in tables for row in zip(*_columns(table), strict=True))
        yield symbol, [Fact(symbol, *row) for row in rows]


def conflict(before: Fact, new: Fact) -> str | None:
    """Return why a row cannot be beside one of the same key; ``None`` where it says the same."""
    return None if _same(before, new) else f"another {new.kind} is there that was known from the same time"


def joined(before: Sequence[Fact], new: Sequence[Fact]) -> list[Fact]:
    """Return rows together with further ones; what is there already is there once.

    Raises:
        DataError: ``CONFLICT``: two rows of one instrument, kind and date are said to be known from the same time.
    """
    found = {key(fact): fact for fact in before}
    for fact in new:
        why = conflict(found.setdefault(key(fact), fact), fact)
        if why is not None:
            raise DataError(
                why, code="CONFLICT",
                where=f"{fact.instrument}, {np.datetime64(fact.ex, 'D')}",
                hint="A row is never changed: give the correction its own, later known_from.",
            )  # fmt: skip
    return list(found.values())


def wrong(fact: Fact) -> tuple[str, DataError] | None:
    """Return in which field of a row is what cannot be, and what; ``None`` where it can."""
    if fact.kind not in KINDS:
        text = f"there is no kind {fact.kind!r:.40}"
        return "kind", DataError(text, code="BAD_EVENT", hint=f"There are {', '.join(KINDS)}.")
    if fact.kind in ("split", "dividend"):
        try:
            check_value(Event(fact.instrument, fact.kind, fact.ex, fact.value))
        except DataError as error:
            return "value", error
    if fact.text is not None:
        try:
            check_symbol(fact.text)
        except DataError as error:
            return "text", error
    if (fact.kind == "symbol") != (fact.text is not None):
        return "text", DataError("text is the new symbol, of the kind 'symbol' alone", code="BAD_EVENT")
    if fact.known_to is not None and fact.known_to <= fact.known_from:
        return "known_to", DataError("known_to is not after known_from", code="BAD_EVENT")
    return None


def known(rows: Sequence[Fact], until: int | None) -> list[Fact]:
    """Return what was known at an instant, sorted: of each instrument, kind and date the last that became known.

    Args:
        rows: All rows.
        until: Microseconds since 1970 UTC; ``None``: all that is known.
    """
    last: dict[tuple[str, int, str], Fact] = {}
    for fact in sorted(rows, key=lambda fact: (fact.known_from, fact.kind)):
        if until is None or fact.known_from <= until:
            last[fact.instrument, fact.ex, fact.kind] = fact
    kept = [
        fact for fact in last.values() if fact.known_to is None or (until is not None and until < fact.known_to)
    ]  # fmt: skip
    return sorted(kept, key=lambda fact: (fact.instrument.encode(), fact.ex, fact.known_from, fact.kind))


def instruments_of(rows: Sequence[Fact], symbols: Sequence[str], until: int | None = None) -> dict[str, str]:
    """Return which instrument each symbol is: the one of that id, else the one whose last symbol it is.

    Args:
        rows: What was known.
        symbols: Those of a dataset; one that no instrument has is left out.
        until: When, microseconds since 1970 UTC: the last symbol is then the one that was traded, before one that was
            announced. ``None``: the last of all.

    Raises:
        DataError: ``AMBIGUOUS``: two instruments that are still listed have the same symbol.
    """
    ids = {fact.instrument for fact in rows}
    delisted = {fact.instrument for fact in rows if fact.kind == "delisting"}
    current: dict[str, str] = {}
    announced: dict[str, str] = {}
    for fact in sorted(rows, key=lambda fact: fact.ex):
        if fact.kind == "symbol" and fact.text is not None:
            there = until is None or fact.ex * DAY_US <= until
            (current if there else announced)[fact.instrument] = fact.text
    out = {}
    for symbol in symbols:
        named: list[str] = []
        for texts in (current, announced):
            named = named or sorted(own for own, text in texts.items() if text == symbol)
        listed = [own for own in named if own not in delisted] or named
        if symbol in ids:
            out[symbol] = symbol
        elif len(listed) > 1:
            raise DataError(
                f"several instruments have the symbol: {', '.join(listed[:5])}", code="AMBIGUOUS", where=symbol,
                hint="Name the series by the instrument's id, or add the row 'symbol' or 'delisting' that is missing.",
            )  # fmt: skip
        elif listed:
            out[symbol] = listed[0]
    return out


def tables(rows: Sequence[Fact]) -> dict[str, Any]:
    """Return the rows by instrument as a version stores them."""
    import pyarrow as pa

    by_id: dict[str, list[Fact]] = {}
    for fact in sorted(rows, key=lambda fact: (fact.ex, fact.known_from, fact.kind)):
        by_id.setdefault(fact.instrument, []).append(fact)
    names = {"ex_date": "ex"}
    return {
        own: pa.table({
            column.name: pa.array([getattr(fact, names.get(column.name, column.name)) for fact in some],
                                  arrow_type(column.type))
            for column in COLUMNS
        })
        for own, some in sorted(by_id.items(), key=lambda item: item[0].encode())
    }  # fmt: skip


def _columns(table: Any) -> list[list[Any]]:
    """Return the columns of stored rows in the order of a :class:`Fact`, the instrument left out."""
    values = [math.nan if value is None else value for value in table["value"].to_pylist()]
    known = [table[name].cast("int64").to_pylist() for name in ("known_from", "known_to")]
    kind, text, source = (table[name].to_pylist() for name in ("kind", "text", "source"))
    return [table["ex_date"].cast("int32").to_pylist(), known[0], kind, values, text, known[1], source]


def _fact(row: Any, where: str) -> Fact:
    if not isinstance(row, Mapping) or not set(row) >= _NEEDED or not set(row) <= _KNOWN:
        raise DataError(
            "no row of reference data", code="MISSING_COLUMN", where=where,
            hint="It has instrument_id, kind, ex_date, known_from, source, and maybe value, text, known_to.",
        )  # fmt: skip
    # A frame's missing cells are NaN or NaT, which differ from themselves.
    given = {name: None if value is None or value != value else value for name, value in row.items()}
    kind, instrument = str(given["kind"]), str(given["instrument_id"])
    check_symbol(instrument)
    ex = parse_bound(given["ex_date"], "ex_date")
    source, text = given["source"], given.get("text")
    if ex is None or not source or given["known_from"] is None:
        raise DataError("ex_date, known_from and source have to be given", code="EMPTY_CELL", where=where)
    try:
        said: Any = given.get("value")
        value = math.nan if said is None else float(said)
    except (TypeError, ValueError):
        raise DataError(f"{given['value']!r:.40} is no number", code="BAD_EVENT", where=where) from None
    known_from, known_to = (instant(given.get(name), name) for name in ("known_from", "known_to"))
    assert known_from is not None
    fact = Fact(instrument, ex.session, known_from, kind, value, None if text is None else str(text),
                known_to, str(source)[:MOST_SOURCE])  # fmt: skip
    found = wrong(fact)
    if found is not None:
        error = found[1]
        raise DataError(error.message, code=error.code, where=error.where or where, hint=error.hint)
    return fact


def instant(value: Any, name: str) -> int | None:
    """Return microseconds since 1970 UTC of a date (its end, 24:00 UTC) or an instant; ``None`` of ``None``.

    Raises:
        DataError: It is neither.
    """
    bound = parse_bound(value, name)
    if bound is None:
        return None
    return (bound.session + 1) * DAY_US if bound.instant is None else bound.instant


def key(fact: Fact) -> tuple[str, int, str, int]:
    """Return what there is one row of: instrument, date, kind and time of knowledge."""
    return (fact.instrument, fact.ex, fact.kind, fact.known_from)


def _same(left: Fact, right: Fact) -> bool:
    pair = (left.value, right.value)
    equal = pair[0] == pair[1] or (math.isnan(pair[0]) and math.isnan(pair[1]))
    return equal and (left.text, left.known_to) == (right.text, right.known_to)
