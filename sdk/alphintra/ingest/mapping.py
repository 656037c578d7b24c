"""What each column of a file is: guessed, corrected by the user, remembered, and never trusted when it comes back."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
import zoneinfo
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from typing import Literal

from alphintra.errors import DataError
from alphintra.ingest.typed_json import typed

Format = Literal["csv", "jsonl", "json", "excel", "parquet", "feather"]
Kind = Literal["bars", "ticks", "features", "reference"]
Role = Literal[
    "time", "date", "clock", "symbol", "open", "high", "low", "close", "adj_close", "volume", "price", "size",
    "bid", "ask", "bid_size", "ask_size", "known_at", "feature", "label", "text", "event", "value", "new_symbol",
    "known_to", "source", "split", "dividend", "ignore",
]  # fmt: skip
Notation = Literal["plain", "percent", "suffix", "currency"]
Resolution = Literal["date", "time"]
LabelAt = Literal["open", "close", "unknown"]
Adjustment = Literal["raw", "splits", "splits_and_dividends", "unknown"]
SymbolFrom = Literal["column", "fixed", "name", "columns"]

WIDE: tuple[Role, ...] = ("split", "dividend")
"""Roles of columns that each hold one kind of event: 0 or nothing in a cell, and nothing happened."""
RATIOS = ("value", "split")
"""Roles of numbers that may be written as a ratio: ``4:1``, ``4/1``, ``4-for-1``."""
OF_EVENTS = ("event", "value", "new_symbol", "known_to", "source", *WIDE)
"""Roles that only reference data has."""
KNOWN = ("known_at", "known_to")
TIMES = ("time", "date", "clock", *KNOWN)
TEXTS = ("text", "event", "new_symbol", "source")
EX_DATE = "ex_date"
"""Of ``known_from``: each event was known from the beginning of its own date on."""
EPOCHS = {"epoch:s": 1_000_000, "epoch:ms": 1_000, "epoch:us": 1, "epoch:ns": 0.001}
"""Microseconds for one unit."""
_UNITS = {"epoch:s": "seconds", "epoch:ms": "milliseconds", "epoch:us": "microseconds", "epoch:ns": "nanoseconds"}
MIXED = "epoch:mixed"
"""Format of numbers since 1970 whose unit changes within a column, as Binance's did in 2025: each by its size."""
NATIVE = "native"
"""Format of a time column that a typed file holds as times."""
CLOCK_MS = "ms-of-day"
"""Format of a clock that counts milliseconds from midnight."""
SYMBOL, CAPITALS = "{symbol}", "{SYMBOL}"
"""Where the symbol is in a file's name; taken in capitals."""
RESERVED = ("symbol", "time", "date")
_PRICES: dict[str, tuple[tuple[Role, ...], ...]] = {"bars": (("close",),), "ticks": (("price",), ("bid", "ask"))}
"""Of each kind the roles of which each instrument has one, or one pair."""


@dataclass(frozen=True)
class Column:
    """One column of the file.

    Attributes:
        position: Its place in the file, from 0.
        source: Its name in the file; empty where it has none.
        role: What it is.
        name: What the dataset calls it; empty for what is left out, and for time and symbol.
        format: Of a time: a ``strptime`` format (``%n`` for a fraction of up to nine digits, which is cut to six;
            ``[.%f]`` and ``[.%n]`` for one that may be absent), ``epoch:s`` (``ms``, ``us``, ``ns``; ``mixed`` for
            each by its size), ``native`` or ``ms-of-day``.
        divisor: A number is divided by it (LEAN's prices: 10,000).
        notation: How numbers are written: ``percent`` (``1.5%``), ``suffix`` (``1.2M``) or ``currency`` (``$1.50``).
        stated: Of a time: whether somebody has said that this is its format. Whether day and month could be meant the
            other way round is answered then, and no finding any more.
        symbol: The instrument whose column it is, where each has columns of its own (``Close_AAPL``); empty for what
            is all instruments', as the time.
    """

    position: int
    source: str
    role: Role
    name: str = ""
    format: str = ""
    divisor: float = 1.0
    notation: Notation = "plain"
    stated: bool = False
    symbol: str = ""

    @property
    def no_time(self) -> str:
        """What is said of a cell that is none of the times of this column."""
        if self.format == NATIVE:
            return "is neither a day nor a time"
        if self.format in EPOCHS:
            return f"is not a number of {_UNITS[self.format]} since 1970"
        if self.format == MIXED:
            return "is not a number since 1970"
        if self.format == CLOCK_MS:
            return "is not a number of milliseconds since midnight"
        return f"is not a time like {self.format}"


@dataclass(frozen=True)
class Dialect:
    """How a text file is written.

    Attributes:
        encoding: Python's name of its encoding.
        delimiter: Between cells.
        quote: Around cells; empty for none.
        decimal: Decimal separator, ``.`` or ``,``.
        thousands: Thousands separator; empty for none.
        skip: Rows before the first one of data, the header and blank rows among them.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    decimal: str = "."
    thousands: str = ""
    skip: int = 1


@dataclass(frozen=True)
class Mapping:
    """Everything that is needed to read a file without guessing.

    Attributes:
        format: The file's format, inside of its compression.
        columns: All of its columns, in their order.
        kind: ``bars``, ``ticks`` (several rows may share a time), ``features``, or ``reference``: splits, dividends,
            symbols, listings and delistings, a row each or in columns of their own.
        resolution: ``date`` for days, ``time`` for anything finer.
        zone: Zone of times that name none; ``None`` while it is not known.
        label: Whether a bar is stamped at its open or its close.
        adjustment: What prices are adjusted for.
        symbol_from: Where the symbol comes from: a column, ``symbol``, the file's name, or ``columns``: each column
            says whose it is (``Column.symbol``), and a row of the file is one of each instrument that has a cell in it.
        symbol: The symbol of the whole file.
        symbol_pattern: Where the symbol is in the file's name: the name with ``{symbol}`` in it (``{SYMBOL}``: taken in
            capitals), and ``*`` for anything, as ``{symbol}.us.txt``. Empty: the name without what is known to stand
            around symbols.
        members: What the tables of an archive are called that are read, as ``Stocks/*.txt``; empty for all.
        date_in_name: The file's name holds the date, its cells the time of day.
        dialect: How text is written.
        sheet: Name of the sheet of a workbook.
        path: Where the rows are inside JSON: ``item``, ``data.item``.
        null_values: Cells that stand for a missing value, beside empty ones.
        known_from: From when reference data was known of which no cell says it: ``ex_date`` (from 00:00 UTC of its own
            date), a date (its end, 24:00 UTC) or an instant, for all rows. Empty: a column says it.
    """

    format: Format
    columns: tuple[Column, ...]
    kind: Kind = "bars"
    resolution: Resolution = "date"
    zone: str | None = None
    label: LabelAt = "unknown"
    adjustment: Adjustment = "unknown"
    symbol_from: SymbolFrom = "name"
    symbol: str = ""
    symbol_pattern: str = ""
    members: str = ""
    date_in_name: bool = False
    dialect: Dialect = field(default_factory=Dialect)
    sheet: str = ""
    path: str = "item"
    null_values: tuple[str, ...] = ()
    known_from: str = ""

    def of(self, *roles: str) -> tuple[Column, ...]:
        """Return the columns of these roles, in the file's order."""
        return tuple(column for column in self.columns if column.role in roles)

    @cached_property
    def values(self) -> tuple[Column, ...]:
        """The columns that become columns of the dataset beside symbol and time; of those of one name the first."""
        return tuple({column.name: column for column in reversed(self.cells)}.values())[::-1]

    @property
    def cells(self) -> tuple[Column, ...]:
        """The columns that hold values: where each instrument has its own, several of a name."""
        return tuple(c for c in self.columns if c.role not in ("ignore", "symbol", "time", "date", "clock"))

    @property
    def by_instrument(self) -> bool:
        """Whether instruments have columns of their own."""
        return self.symbol_from == "columns"

    @cached_property
    def instruments(self) -> tuple[str, ...]:
        """Those that have columns of their own, in the file's order."""
        return tuple(dict.fromkeys(column.symbol for column in self.cells if column.symbol))

    @property
    def zoned(self) -> bool:
        """Whether the times say by themselves what instant they are."""
        stamps = self.of("time")
        return bool(stamps) and names_instant(stamps[0].format)

    def to_json(self) -> str:
        """Return canonical JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Mapping:
        """Read what :meth:`to_json` wrote, or a user sent.

        Raises:
            DataError: It is no JSON, a field is missing, unknown, or of another type.
        """
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError("the mapping is not JSON", code="BAD_MAPPING") from error
        mapping: Mapping = typed(cls, found, "mapping")
        mapping.check()
        return mapping

    def check(self) -> None:
        """Refuse a mapping that cannot be followed.

        Raises:
            DataError: Names the column, and what to change.
        """
        _check_columns(self)
        _check_times(self)
        _check_rest(self)


def names_instant(form: str) -> bool:
    """Tell whether a time in a format is an instant, not the reading of a clock somewhere."""
    return form in EPOCHS or form == MIXED or form.endswith(("%z", "Z"))


def fingerprint(names: Sequence[str], kinds: Sequence[str] = ()) -> str:
    """Return what a mapping is remembered by: the columns' names, or where there are none what their cells look like.

    Case, white space around a name, and how its signs are composed do not matter; order does.
    """
    folded = [unicodedata.normalize("NFC", name).strip().casefold() for name in names]
    shape = list(kinds) if not any(folded) else []
    return hashlib.sha256(json.dumps([folded, shape]).encode()).hexdigest()


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(zoneinfo.available_timezones())


def _bad(message: str, column: Column | None = None, hint: str | None = None) -> DataError:
    where = None if column is None else f"column '{column.source or column.position + 1}'"
    return DataError(message, code="BAD_MAPPING", where=where, hint=hint)


def _check_columns(mapping: Mapping) -> None:
    if [column.position for column in mapping.columns] != list(range(len(mapping.columns))):
        raise _bad("the columns are not numbered from 0 in their order")
    seen: dict[tuple[str, str], Column] = {}
    for column in mapping.cells:
        folded = unicodedata.normalize("NFC", column.name).casefold()
        if not column.name.strip() or len(column.name) > 128 or not column.name.isprintable():
            raise _bad(f"{column.name!r} is not a name for a column", column, "Give 1 to 128 printable characters.")
        if folded in RESERVED or folded.startswith("_"):
            raise _bad(f"the name '{column.name}' is taken", column, "Give it another name.")
        if (folded, column.symbol) in seen:
            raise DataError(
                f"two columns are called '{column.name}'" + (f" of {column.symbol}" if column.symbol else ""),
                code="SCHEMA_DUP_COLUMN",
                where=f"columns {seen[folded, column.symbol].position + 1} and {column.position + 1}",
                hint="Rename one, or leave it out.",
            )
        seen[folded, column.symbol] = column
        if not 0 < abs(column.divisor) < float("inf"):
            raise _bad(f"nothing can be divided by {column.divisor}", column)
    stray = next((c for c in mapping.columns if (c.role in OF_EVENTS) and mapping.kind != "reference"), None)
    if stray is not None:
        raise _bad(f"only reference data has a column of the role {stray.role}", stray, "Say that rows are reference.")
    single = [c for c in mapping.columns if c.role not in ("feature", "label", "text", "ignore")]
    roles = Counter((column.role, column.symbol) for column in single)
    for column in single:
        if roles[column.role, column.symbol] > 1:
            whose = f" of {column.symbol}" if column.symbol else ""
            text = f"several columns are the {column.role}{whose}"
            raise _bad(text, column, "Keep one, and make the others features.")
    _check_instruments(mapping)


def _check_instruments(mapping: Mapping) -> None:
    """Refuse columns of instruments that cannot be rows of one table."""
    if not mapping.by_instrument:
        named = next((column for column in mapping.columns if column.symbol and column.role != "ignore"), None)
        if named is not None:
            raise _bad(f"it is {named.symbol}'s, but the symbol comes from elsewhere", named,
                       "Say that the symbol comes from the columns, or leave it out of the column.")  # fmt: skip
        return
    if not mapping.instruments:
        raise _bad("no column says whose it is", None, "Give columns their instruments, or say whose the rows are.")
    if mapping.kind == "reference":
        raise _bad("events are read from rows: none can have a column of each instrument", None,
                   "Write one row for each event: symbol, date, kind, value.")  # fmt: skip
    for symbol in mapping.instruments:
        check_symbol(symbol, "mapping")
    first: dict[str, Column] = {}
    for column in mapping.columns:
        if column.symbol and column.role in ("time", "date", "clock", "symbol"):
            raise _bad(f"a {column.role} is all instruments', not {column.symbol}'s alone", column)
    for column in mapping.cells:
        own = first.setdefault(unicodedata.normalize("NFC", column.name).casefold(), column)
        if bool(own.symbol) != bool(column.symbol):
            raise _bad(f"'{column.name}' is a column of all instruments as well as of one", column, "Rename one.")
        if _alike(own) != _alike(column):
            raise _bad(
                f"columns called '{column.name}' are not read alike: {own.source} and {column.source}",
                column,
                "Give them one role, name, format, notation and divisor, or different names.",
            )
    groups = _PRICES.get(mapping.kind, ())
    if mapping.of(*(role for group in groups for role in group)):
        has = {(column.symbol, column.role) for column in mapping.cells}
        priced = (any(all((own.symbol, role) in has for role in group) for group in groups) for own in mapping.cells)
        both = zip(mapping.cells, priced, strict=True)
        lacking = next((column for column, is_priced in both if column.symbol and not is_priced), None)
        if lacking is not None:
            raise DataError(
                f"no column is the {'close' if mapping.kind == 'bars' else 'price'} of {lacking.symbol}",
                code="SCHEMA_REQUIRED",
                where=f"column '{lacking.source}'",
                hint="Say which it is, or leave the instrument out.",
            )


def _alike(column: Column) -> tuple[object, ...]:
    return column.name, column.role, column.format, column.notation, column.divisor


def _check_times(mapping: Mapping) -> None:
    time, date, clock = (mapping.of(role) for role in ("time", "date", "clock"))
    if len(time) + len(date) + mapping.date_in_name != 1:
        raise DataError(
            "exactly one of these must be there: a time, a date (with or without a clock), a date in the file's name",
            code="SCHEMA_REQUIRED",
            where="role time",
            hint="Say which column holds the time.",
        )
    if clock and not (date or mapping.date_in_name):
        raise _bad("a clock needs a date", clock[0])
    for column in mapping.of(*TIMES):
        known = column.format in EPOCHS or column.format in (NATIVE, CLOCK_MS, MIXED)
        parts = ("%H", "%I") if column.role == "clock" else ("%Y", "%y")
        readable = re.fullmatch(r"(%[YymdbBHIMSpfnz]|[^%\x00-\x1f])+", column.format)
        if not known and not (readable and any(part in column.format for part in parts)):
            raise _bad(f"'{column.format}' is not a format of times", column, "Write %Y-%m-%d, for example.")
        if column.role in ("clock", "date") and names_instant(column.format):
            raise _bad(f"a {column.role} cannot have the format {column.format}", column)
        if column.format == CLOCK_MS and column.role != "clock":
            raise _bad("only a clock counts from midnight", column)
    if mapping.zone is not None and mapping.zone not in zone_names():
        hint = "Write Europe/London, for example."
        raise DataError(f"there is no time zone {mapping.zone!r}", code="UNKNOWN_TIME_ZONE", hint=hint)


def is_rule(text: str) -> bool:
    """Tell whether a rule for names is short and plain enough to be followed."""
    return len(text) <= 200 and text.isprintable() and text.count("*") <= 4


def _check_rest(mapping: Mapping) -> None:
    roles = {column.role for column in mapping.columns}
    events = () if roles & set(WIDE) else ("event",)
    needed = {"bars": ("close",), "ticks": ("price",), "features": (), "reference": events}[mapping.kind]
    quotes = mapping.kind == "ticks" and {"bid", "ask"} <= roles
    for role in needed:
        if role not in roles and not quotes:
            raise DataError(
                f"no column is the {role}",
                code="SCHEMA_REQUIRED",
                where=f"role {role}",
                hint="Say which it is, or call the file features.",
            )
    _check_reference(mapping)
    if not mapping.values:
        raise DataError("there are no columns beside the time", code="SCHEMA_REQUIRED", where="columns")
    if (mapping.symbol_from == "column") != ("symbol" in roles):
        raise _bad("the symbol comes from a column exactly if one column is the symbol")
    if mapping.symbol_from == "fixed":
        check_symbol(mapping.symbol, "mapping")
    for text, what in ((mapping.symbol_pattern, "where the symbol is"), (mapping.members, "which tables are read")):
        if not is_rule(text):
            raise _bad(f"the rule that says {what} has more than 200 signs or 4 asterisks, or control characters")
    marks = mapping.symbol_pattern.count(SYMBOL) + mapping.symbol_pattern.count(CAPITALS)
    if mapping.symbol_pattern and marks != 1:
        raise _bad("the rule for names must say once where the symbol is", None, f"Write {SYMBOL}.csv, for example.")
    dialect = mapping.dialect
    signs = (dialect.delimiter, dialect.quote, dialect.decimal, dialect.thousands)
    if len(dialect.delimiter) != 1 or dialect.decimal not in (".", ",") or any(len(sign) > 1 for sign in signs):
        raise _bad("the dialect has separators that are not one character")
    if dialect.decimal == dialect.thousands or dialect.delimiter == dialect.quote:
        raise _bad("the dialect uses one character for two things")
    if dialect.delimiter in "\r\n" or dialect.quote in ("\r", "\n") or dialect.delimiter.isalnum():
        raise _bad(f"{dialect.delimiter!r} cannot stand between cells")
    if not 0 <= dialect.skip <= 1_000:
        raise _bad("the dialect skips more than 1,000 rows")
    if len(mapping.null_values) > 32 or any(len(value) > 32 for value in mapping.null_values):
        raise _bad("there are more than 32 words for a missing value, or one is longer than 32 characters")


def _check_reference(mapping: Mapping) -> None:
    if mapping.kind != "reference":
        if mapping.known_from:
            raise _bad("known_from is said of reference data alone")
        return
    allowed = ("time", "date", "symbol", "known_at", *OF_EVENTS, "ignore")
    other = next((column for column in mapping.columns if column.role not in allowed), None)
    if other is not None:
        raise _bad(f"reference data has no {other.role}", other, "Leave the column out.")
    for column in mapping.of("event", "value", "new_symbol") if mapping.of(*WIDE) else ():
        text = f"where splits and dividends have columns of their own, none is the {column.role}"
        raise _bad(text, column, "Leave the column out, or those of splits and dividends.")
    if mapping.resolution != "date":
        raise _bad("events fall on dates, not on times of day", None, "Set the resolution to date.")
    if mapping.known_from not in ("", EX_DATE):
        from alphintra.data.bounds import parse_bound

        try:
            parse_bound(mapping.known_from, "known_from")
        except DataError as error:
            raise _bad(error.message, None, f"Write {EX_DATE}, a date, or leave it empty.") from None
    elif not mapping.known_from and not mapping.of("known_at"):
        raise DataError(
            "nothing says from when the events were known",
            code="KNOWN_FROM_MISSING",
            where="known_from",
            hint="Say which column is known_at, that each was known from its own date on (ex_date), or a date for all.",
        )


def check_symbol(symbol: str, where: str) -> None:
    """Refuse what is no name of an instrument.

    Raises:
        DataError: It is empty, longer than 64 characters, or holds control characters.
    """
    if not symbol or symbol != symbol.strip() or len(symbol) > 64 or not symbol.isprintable():
        raise DataError(
            f"{symbol[:64]!r} is not a symbol",
            code="BAD_SYMBOL",
            where=where,
            hint="A symbol has 1 to 64 printable characters, and no white space around it.",
        )
