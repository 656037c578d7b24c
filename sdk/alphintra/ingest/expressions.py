"""From the columns of a file to those of a dataset, as SQL: the same for text and for typed files.

A *typed* column was parsed by the reader, which reports the cells that it could not parse. A *checked* one is parsed
here; a cell that is not empty and gives nothing is reported with its row.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass

from alphintra.ingest.engine import literal
from alphintra.ingest.mapping import CLOCK_MS, EPOCHS, KNOWN, MIXED, NATIVE, RATIOS, TEXTS, Column, Mapping

#: Kind of a column of numbers that are no doubles yet.
NUMBER = "NUMBER"
#: Codes of the column ``bad`` beside positions of columns.
GOOD, NO_OBJECT, DUPLICATE_KEY = -1, -2, -3
_ZONE_AT_END = r"\s*(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
_CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")
_DAY_MS = 86_400_000
#: Units since 1970 that a double holds to the microsecond; nanoseconds it does not, and integers lose fractions.
_EXACT = ("epoch:s", "epoch:ms", "epoch:us")
_FRACTIONS = {"[.%f]": ".%f", "[.%n]": ".%n"}
"""Fractions that may be absent: of six digits at most, of nine."""
#: Up to which size a number counts seconds, milliseconds and microseconds since 1970: until the year 5138.
_SIZES = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))
_TO_1900_US = (dt.date(1970, 1, 1) - dt.date(1900, 1, 1)).days * _DAY_MS * 1000
RATIO = r"^([0-9]+(?:\.[0-9]+)?) ?(?::|/|[- ]?for[- ]?) ?([0-9]+(?:\.[0-9]+)?)$"
"""New shares and old ones: ``4:1``, ``4/1``, ``4-for-1``, in any case."""
_AMOUNTS = ("dividend", "delisting")
"""Kinds of events whose value is money: a ratio there is none."""
_SUFFIXES = {"K": 1_000, "M": 1_000_000, "B": 1_000_000_000, "T": 1_000_000_000_000}


@dataclass(frozen=True)
class Query:
    """What to select from a relation with the columns ``c0``, ``c1`` and so on.

    Attributes:
        select: The expressions: ``t`` in microseconds, ``s`` if there is a symbol column, ``v0`` … in the order of
            ``Mapping.values``, where times may be finer than microseconds ``lost`` (whether they are), and where cells
            are checked ``bad`` and ``bad_text``.
        checked: Whether cells are checked.
    """

    select: str
    checked: bool


def csv_type(column: Column, mapping: Mapping) -> str:
    """Return the type as which the reader parses a column of a text file; ``VARCHAR`` if it is parsed afterwards."""
    if column.role in ("ignore", "symbol", *TEXTS, *RATIOS):
        return "VARCHAR"
    if column.role == "date" and column.format:
        return "DATE"
    if column.role == "time" and _plain(column.format):
        return "TIMESTAMP" if _has_clock(column.format) else "DATE"
    if column.role == "time" and column.format in _EXACT:
        return "DOUBLE"
    if column.role == "clock":
        return "TIME" if column.format in _CLOCKS else "VARCHAR"
    if column.role in ("time", *KNOWN):
        return "VARCHAR"
    grouped = mapping.dialect.thousands in ("", ".", ",")  # which is all that the reader knows
    return "DOUBLE" if column.notation == "plain" and grouped and nulls_at_once(mapping) else "VARCHAR"


def nulls_at_once(mapping: Mapping) -> bool:
    """Tell whether the reader may take words for missing values in all columns: in a symbol, NA is a symbol."""
    if any(map(_is_number, mapping.null_values)):
        return False  # which the reader compares as they are written, white space and all
    return not mapping.null_values or not mapping.of("symbol", *TEXTS)


def _is_number(word: str) -> bool:
    """Tell whether a word for a missing value could be a number as well: -99.99."""
    return re.fullmatch(r"\s*[+-]?\d+(\.\d*)?\s*", word) is not None


def query(mapping: Mapping, kinds: Dictionary[int, str], day: dt.date | None, flags: str = "") -> Query:
    """Return what to select.

    Args:
        mapping: What each column is.
        kinds: DuckDB's type of each column by position.
        day: The date in the file's name, if the mapping asks for it.
        flags: Cases of ``bad`` that the relation itself knows.
    """
    checks: list[tuple[Column, str]] = []

    def take(column: Column, parse: Callable[[str, str], tuple[str, bool]]) -> str:
        raw = f"c{column.position}"
        expression, checked = parse(raw, kinds[column.position])
        if checked:
            checks.append((column, expression))
        return expression

    parts = [f"{_time(mapping, take, day)} AS t"]
    # Spaces around a symbol are left to whoever has each different one once: here it would be each row's.
    parts += [f"{take(column, _as_it_is)} AS s" for column in mapping.of("symbol")]
    for place, column in enumerate(mapping.values):
        parts.append(f"{take(column, _value(column, mapping))} AS v{place}")
    parts += _lost(mapping)
    if not checks and not flags:
        return Query(", ".join(parts), False)
    nothing = [
        f"WHEN ({expression}) IS NULL AND {_filled(column, mapping, kinds)} THEN "
        for column, expression in checks
    ]  # fmt: skip
    codes = "".join(f"{when}{column.position} " for (column, _), when in zip(checks, nothing, strict=True))
    texts = "".join(
        f"{when}left(c{column.position}::VARCHAR, 64) " for (column, _), when in zip(checks, nothing, strict=True)
    )
    parts.append(f"CASE {flags} {codes} ELSE {GOOD} END AS bad")
    parts.append(f"CASE {texts} END AS bad_text" if texts else "NULL::VARCHAR AS bad_text")
    return Query(", ".join(parts), True)


def number(raw: str, column: Column, mapping: Mapping) -> str:
    """Return the number in a cell of text; NULL if it is none."""
    text = f"trim({raw})"
    if mapping.dialect.thousands:
        text = f"replace({text}, {literal(mapping.dialect.thousands)}, '')"
    if mapping.dialect.decimal != ".":
        text = f"replace({text}, {literal(mapping.dialect.decimal)}, '.')"
    plain = _plain_number(text, column)
    return _or_ratio(text, plain, mapping) if column.role in RATIOS else plain


def _plain_number(text: str, column: Column) -> str:
    if column.notation == "percent":
        return f"TRY_CAST(rtrim({text}, '% ') AS DOUBLE) / 100"
    if column.notation == "suffix":
        cases = " ".join(f"WHEN '{sign}' THEN {factor}" for sign, factor in _SUFFIXES.items())
        factor = f"CASE upper(right({text}, 1)) {cases} ELSE 1 END"
        return f"TRY_CAST(rtrim({text}, 'KkMmBbTt ') AS DOUBLE) * {factor}"
    if column.notation == "currency":
        text = f"regexp_replace({text}, '^([+-]?)[$€£¥₹] ?', '\\1')"
        text = f"regexp_replace({text}, '[ \u00a0\u202f]?([$€£¥₹]|[A-Z]{{3}})$', '')"
    return f"TRY_CAST({text} AS DOUBLE)"


def _or_ratio(text: str, plain: str, mapping: Mapping) -> str:
    """Return the number in a cell, or the quotient of a ratio of two numbers above 0; NULL if it is neither."""
    parts = (f"regexp_extract({text}, {literal(RATIO)}, {part}, 'i')" for part in (1, 2))
    new, old = (f"nullif(TRY_CAST({part} AS DOUBLE), 0)" for part in parts)
    money = ""
    for event in mapping.of("event"):
        kinds = ", ".join(map(literal, _AMOUNTS))
        money = f"WHEN lower(trim(c{event.position}::VARCHAR)) IN ({kinds}) THEN NULL "
    return f"CASE WHEN NOT regexp_matches({text}, {literal(RATIO)}, 'i') THEN {plain} {money}ELSE {new} / {old} END"


def time_of_text(raw: str, form: str, local: bool = False) -> str:
    """Return the microseconds that a text in some format stands for; NULL if it is not in it.

    Args:
        raw: The expression of the text.
        form: The format.
        local: For a format with a zone: the time on the clock of that zone, not in UTC.
    """
    for sign, fraction in _FRACTIONS.items():
        if sign in form:
            ways = [time_of_text(raw, form.replace(sign, own), local) for own in (fraction, "")]
            return f"COALESCE({', '.join(ways)})"
    text = f"trim({raw})"
    if "%n" in form:
        # Nanoseconds have types of their own, which are rounded up; here a time is never later than it says.
        text = f"regexp_replace({text}, '([. ]\\d{{6}})\\d{{1,3}}(\\D|$)', '\\1\\2')"
        form = form.replace("%n", "%f")
    if form in EPOCHS:
        factor = {"epoch:s": "1000000", "epoch:ms": "1000", "epoch:us": "1", "epoch:ns": "0.001::DECIMAL(4,3)"}[form]
        return f"TRY_CAST(floor(TRY_CAST({text} AS DECIMAL(28,9)) * {factor}) AS BIGINT)"
    if form == MIXED:
        own = f"TRY_CAST({text} AS DECIMAL(28,9))"
        cases = " ".join(f"WHEN abs({own}) < {most} THEN {own} * {factor}" for most, factor in _SIZES)
        return f"TRY_CAST(floor(CASE {cases} ELSE {own} * 0.001::DECIMAL(4,3) END) AS BIGINT)"
    if form == CLOCK_MS:
        return f"CASE WHEN TRY_CAST({text} AS BIGINT) BETWEEN 0 AND {_DAY_MS} THEN {text}::BIGINT * 1000 END"
    if form.endswith("%z"):
        if local:
            bare = f"regexp_replace({text}, {literal(_ZONE_AT_END)}, '')"
            own = f"TRY_STRPTIME({bare}, {literal(form.removesuffix('%z').rstrip())})"
            return f"CASE WHEN regexp_matches({text}, {literal(_ZONE_AT_END)}) THEN epoch_us({own}) END"
        text = f"regexp_replace({text}, '(Z|UTC)$', '+00:00')"
    return f"epoch_us(TRY_STRPTIME({text}, {literal(form)}))"


def _lost(mapping: Mapping) -> list[str]:
    """Return whether a time in nanoseconds, as text or as a number, has more digits than are kept."""
    found = []
    for column in mapping.of("time", "clock"):
        raw, form = f"c{column.position}", column.format
        if form in ("epoch:ns", MIXED):
            own = f"TRY_CAST(trim({raw}::VARCHAR) AS DECIMAL(28,9))"
            found.append(f"({own} % 1000 <> 0 AND abs({own}) >= {0 if form != MIXED else _SIZES[-1][0]})")
        elif "%n" in form:
            found.append(f"regexp_matches({raw}::VARCHAR, '[. ]\\d{{6}}\\d{{0,2}}[1-9]')")
    return [f"COALESCE({' OR '.join(found)}, false) AS lost"] if found else []


def _time(
    mapping: Mapping, take: Callable[[Column, Callable[[str, str], tuple[str, bool]]], str], day: dt.date | None
) -> str:
    local = mapping.resolution == "date"
    stamps = mapping.of("time")
    if stamps:
        return take(stamps[0], lambda raw, kind: _stamp(raw, kind, stamps[0].format, local))
    clocks = mapping.of("clock")
    if mapping.date_in_name:
        assert day is not None
        start = f"{(day - dt.date(1970, 1, 1)).days * _DAY_MS * 1000}::BIGINT"
    else:
        date = mapping.of("date")[0]
        start = take(date, lambda raw, kind: _stamp(raw, kind, date.format, local))
    if not clocks:
        return start
    return f"{start} + {take(clocks[0], lambda raw, kind: _clock(raw, kind, clocks[0].format))}"


def _stamp(raw: str, kind: str, form: str, local: bool) -> tuple[str, bool]:
    if kind in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
        return f"epoch_us({raw})", False
    if kind == "DOUBLE" and form in _EXACT:
        return f"TRY_CAST(round({raw} * {EPOCHS[form]}) AS BIGINT)", False
    if form == NATIVE:
        return f"epoch_us(TRY_CAST({raw} AS TIMESTAMP))", True
    return time_of_text(raw if kind == "VARCHAR" else f"{raw}::VARCHAR", form, local), True


def _clock(raw: str, kind: str, form: str) -> tuple[str, bool]:
    if kind == "TIME":
        return f"epoch_us({raw})", False
    text = raw if kind == "VARCHAR" else f"{raw}::VARCHAR"
    if form == CLOCK_MS:
        return time_of_text(text, form), True
    # 93000 is half past nine where numbers lost their zero.
    width = len(dt.datetime(2000, 1, 1).strftime(form)) if re.fullmatch(r"(%[HMS])+", form) else 0
    fits = f"length(trim({text})) BETWEEN 1 AND {width}"
    padded = f"CASE WHEN {fits} THEN lpad(trim({text}), {width}, '0') END" if width else text
    return f"{time_of_text(padded, form)} + {_TO_1900_US}", True


def _text(raw: str, kind: str) -> tuple[str, bool]:
    return f"nullif(trim({_as_it_is(raw, kind)[0]}), '')", False


def _as_it_is(raw: str, kind: str) -> tuple[str, bool]:
    return (raw if kind == "VARCHAR" else f"{raw}::VARCHAR"), False


def _value(column: Column, mapping: Mapping) -> Callable[[str, str], tuple[str, bool]]:
    if column.role in TEXTS:
        return _text
    if column.role in KNOWN:
        return lambda raw, kind: _known_at(raw, kind, column.format)

    def parse(raw: str, kind: str) -> tuple[str, bool]:
        own = f" / {column.divisor!r}" if column.divisor != 1 else ""
        if kind == "DOUBLE":
            return f"{raw}{own}", False
        words = [word for word in mapping.null_values if _is_number(word)]
        missing = ", ".join(literal(word.strip()) for word in words)
        if kind == NUMBER:
            if words:
                missing = ", ".join(f"{literal(word.strip())}::DOUBLE" for word in words)
                return f"CASE WHEN {raw}::DOUBLE IN ({missing}) THEN NULL ELSE {raw}::DOUBLE{own} END", False
            return f"{raw}::DOUBLE{own}", False
        text = raw if kind == "VARCHAR" else f"{raw}::VARCHAR"
        found = number(text, column, mapping) + own
        return (f"CASE WHEN trim({text}) IN ({missing}) THEN NULL ELSE {found} END" if words else found), True

    return parse


def _known_at(raw: str, kind: str, form: str) -> tuple[str, bool]:
    """Return when something was known: what has a date alone, at the end of that day."""
    expression, checked = _stamp(raw, kind, form, False)
    day = kind == "DATE" or (form not in EPOCHS and form not in (NATIVE, MIXED) and not _has_clock(form))
    return (f"{expression} + {_DAY_MS * 1000}" if day else expression), checked


def _filled(column: Column, mapping: Mapping, kinds: Dictionary[int, str]) -> str:
    """Return the condition that a cell holds something."""
    raw = f"c{column.position}"
    if kinds[column.position] != "VARCHAR":
        return f"{raw} IS NOT NULL"
    words = ", ".join(literal(word) for word in ("", *mapping.null_values))
    return f"{raw} IS NOT NULL AND trim({raw}) NOT IN ({words})"


def _plain(form: str) -> bool:
    """Tell whether the reader itself can parse a format."""
    own = form not in EPOCHS and form not in (NATIVE, CLOCK_MS, MIXED)
    return own and not form.endswith("%z") and "[" not in form and "%n" not in form


def _has_clock(form: str) -> bool:
    return any(sign in form for sign in ("%H", "%I"))
