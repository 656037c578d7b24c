"""Formats of times: which of them all cells of a column are in, and which could be taken for another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import duckdb

from alphintra.ingest.engine import literal
from alphintra.ingest.expressions import time_of_text

_YEAR_FIRST = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d")
_YEAR_LAST = tuple(
    f"{first}{sign}{second}{sign}{year}"
    for year in ("%Y", "%y")
    for sign in "/-."
    for first, second in (("%d", "%m"), ("%m", "%d"))
)
_NAMED = (
    "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d/%b/%Y", "%Y-%b-%d",
    "%d-%B-%Y",
)  # fmt: skip
_COMPACT = ("%Y%m%d",)
_CLOCKS = (
    "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%H:%M:%S[.%f]", "%H:%M:%S.%n", "%H:%M:%S[.%n]", "%I:%M %p", "%I:%M:%S %p",
    "%H%M%S", "%H%M", "%H.%M.%S",
)  # fmt: skip
CLOCK_FORMATS = (
    "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%H:%M:%S.%n", "%H%M%S", "%H%M", "%I:%M %p", "%I:%M:%S %p",
)  # fmt: skip
#: Ways of a few alone: HistData's, Baostock's and NinjaTrader's fractions without a point, kdb+'s D, JForex's GMT,
#: CryptoDataDownload's hours.
_RARE = (
    "%Y%m%d %H%M%S%f", "%Y%m%d%H%M%S%f", "%Y%m%d %H%M%S %f", "%Y%m%d %H%M%S %n", "%Y-%m-%dD%H:%M:%S.%f",
    "%Y-%m-%dD%H:%M:%S.%n", "%d.%m.%Y %H:%M:%S.%f GMT%z", "%Y-%m-%d %I-%p",
)  # fmt: skip
_SWAP = re.compile(r"%d(?P<sign>[/.\-])%m(?P=sign)%[Yy]|%m(?P<other>[/.\-])%d(?P=other)%[Yy]")


@dataclass(frozen=True)
class Decision:
    """What a column's cells are.

    Attributes:
        formats: All formats in which every cell is, the likeliest first.
        cells: How many cells were looked at.
        share: Share of the cells that are in the first format, or in the best one where none fits all.
        best: The format of the largest share.
    """

    formats: tuple[str, ...]
    cells: int
    share: float
    best: str


def swapped(form: str) -> str | None:
    """Return the format with day and month exchanged, if both could be meant."""
    if not _SWAP.match(form):
        return None
    return form.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")


@cache
def text_formats() -> tuple[str, ...]:
    """Return all formats of a time in one cell."""
    return tuple(_all())


def _all() -> Iterator[str]:
    dates = (*_YEAR_FIRST, *_YEAR_LAST, *_NAMED, *_COMPACT)
    yield from dates
    for date in dates:
        for gap in (" ", "T", ";", ", ", "  "):
            if gap in ("T", ";") and date not in (*_YEAR_FIRST, *_COMPACT):
                continue
            if gap == "  " and date not in _COMPACT:  # as Interactive Brokers write it
                continue
            for clock in _CLOCKS:
                if clock in ("%H%M%S", "%H%M") and date not in _COMPACT:
                    continue
                yield f"{date}{gap}{clock}"
                if date in (*_YEAR_FIRST, *_COMPACT) and gap in " T" and "%I" not in clock:
                    yield f"{date}{gap}{clock}Z"
                    yield f"{date}{gap}{clock}%z"
                    yield f"{date}{gap}{clock} %z"
    yield "%Y%m%d%H%M%S"
    yield "%Y%m%d%H%M"
    yield from _RARE


def decide(connection: duckdb.DuckDBPyConnection, cells: Sequence[str], formats: Sequence[str]) -> Decision:
    """Find the formats of a sample of cells.

    Args:
        connection: Parses them, as it will parse the file.
        cells: Cells that are not empty.
        formats: The formats to try.
    """
    if not cells:
        return Decision((), 0, 0.0, "")
    connection.execute("CREATE OR REPLACE TEMP TABLE sample (c VARCHAR)")
    connection.execute("INSERT INTO sample SELECT unnest($1)", [list(cells)])
    # Most formats fail at the first cells: only what fits one of them is tried on all.
    ends = [cells[0], cells[len(cells) // 2], cells[-1]]
    likely = [
        form
        for form in formats
        if any(_fits_quickly(form, cell) for cell in ends)
    ]  # fmt: skip
    if not likely:
        return Decision((), len(cells), 0.0, "")
    counts = connection.execute(
        "SELECT " + ", ".join(f"count({time_of_text('c', form)})" for form in likely) + " FROM sample"
    ).fetchone()
    assert counts is not None
    best = max(range(len(likely)), key=lambda place: counts[place])
    fitting = tuple(form for form, count in zip(likely, counts, strict=True) if count == len(cells))
    return Decision(fitting, len(cells), counts[best] / len(cells), likely[best])


@cache
def _pattern(form: str) -> re.Pattern[str]:
    parts = {
        "%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%H": r"\d{1,2}", "%I": r"\d{1,2}",
        "%M": r"\d{1,2}", "%S": r"\d{1,2}", "%f": r"\d{1,6}", "%n": r"\d{7,9}", "%p": "[AaPp][Mm]", "%b": "[A-Za-z]{3}",
        "%B": "[A-Za-z]{3,9}", "%z": r"(Z|UTC|[+-]\d{2}(:?\d{2})?)",
    }  # fmt: skip
    text = re.escape(form).replace(re.escape("[.%f]"), r"(\.\d{1,6})?").replace(re.escape("[.%n]"), r"(\.\d{1,9})?")
    if form.startswith("%Y%m%d"):
        parts |= {"%m": r"\d{2}", "%d": r"\d{2}"}
    if "%H%M" in form:
        parts |= {"%H": r"\d{2}", "%M": r"\d{2}", "%S": r"\d{2}"}
    for sign, pattern in parts.items():
        text = text.replace(re.escape(sign), pattern)
    return re.compile(text)


def _fits_quickly(form: str, cell: str) -> bool:
    return _pattern(form).fullmatch(cell.strip()) is not None


def whole_column(
    connection: duckdb.DuckDBPyConnection, source: str, column: str, form: str, other: str, skip_words: Sequence[str]
) -> tuple[int, int, int]:
    """Count over all of a column: cells, those in one format, those in the other.

    Args:
        connection: Reads it.
        source: The relation, as SQL.
        column: Its column of text.
        form: A format.
        other: Another one.
        skip_words: Cells that stand for a missing value.
    """
    words = ", ".join(literal(word) for word in ("", *skip_words))
    found = connection.execute(
        f"SELECT count(*), count({time_of_text(column, form)}), count({time_of_text(column, other)}) "
        f"FROM {source} WHERE {column} IS NOT NULL AND trim({column}) NOT IN ({words})"
    ).fetchall()
    cells, first, second = found[0]
    return int(cells), int(first), int(second)
