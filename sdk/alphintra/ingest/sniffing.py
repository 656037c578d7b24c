"""How a text is delimited, where its rows begin and what they are called: a proposal, shown to the user."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alphintra.errors import DataError
from alphintra.ingest.habits import NULL_WORDS
from alphintra.ingest.headers import clean_name
from alphintra.ingest.levels import Levels, Owner, of_rows
from alphintra.ingest.limits import Limits, no_rows, too_wide
from alphintra.ingest.mapping import Dialect, Notation

HEAD_BYTES = 1 << 20
SAMPLE_ROWS = 1_000
SAMPLE_CELLS = 1_000_000
"""Of tables with more columns fewer rows are looked at."""
_LONGEST = 64
_DELIMITERS = ("\t", ";", "|", ",")
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+")
_POINTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_PERCENT = re.compile(r"[+-]?[\d.,]+ ?%")
_SUFFIX = re.compile(r"[+-]?[\d.,]+ ?[KkMmBbTt]")
_MONEY = re.compile(r"[+-]?[$€£¥₹] ?[\d.,]+")
_MONEY_BEHIND = re.compile(r"[+-]?[\d.,'’ \u00a0\u202f]*\d[ \u00a0\u202f]?([$€£¥₹]|[A-Z]{3})")
#: What stands behind or before a number, and says nothing of how it is written.
_UNIT = re.compile(r"^[$€£¥₹] ?|[ \u00a0\u202f]?([$€£¥₹%]|[A-Z]{3})$")
#: What stands between thousands beside points and commas: in Switzerland, in France, Poland, Russia and Sweden.
_GROUPED = re.compile(r"[+-]?\d{1,3}(?P<sign>['’ \u00a0\u202f])\d{3}((?P=sign)\d{3})*(?P<rest>[.,]\d+)?")
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_DOTTED_DAY = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}([ ,].*)?")
_TORN = re.compile(r"[,;\t|]\"|\"[,;\t|]")
_LOOKS_LIKE_TIME = re.compile(r"\d{1,4}[-/.:]\d{1,2}.*|\d{8}([ T;]?\d{4,6})?|\d{9,19}")


@dataclass(frozen=True)
class Table:
    """What is known of a table before it is mapped.

    Attributes:
        names: Names of its columns, empty where there are none.
        rows: Cells of a sample of rows, as text; ``None`` where there is nothing.
        dialect: How it is written, if it is text.
        header: Whether the names came from the file.
        kinds: ``text``, or what a typed file says: ``number``, ``time``, ``zoned``, ``date``, ``clock``.
        symbol: Symbol of the whole table, where the file says it above its rows.
        owners: Whose each column is, and what, where a header of two rows says both; else none.
        vendor: Who writes such headers, where that is known.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    dialect: Dialect
    header: bool
    kinds: tuple[str, ...]
    symbol: str = ""
    owners: tuple[Owner, ...] = ()
    vendor: str = ""

    def column(self, place: int) -> list[str]:
        """Return the cells of a column that hold something; what is longer than any number is cut."""
        cells = ((row[place] or "").strip() for row in self.rows)
        return [_cut(cell) for cell in cells if cell and cell not in NULL_WORDS]


def sniff(path: Path, encoding: str, limits: Limits, name: str) -> Table:
    """Find delimiter, header and sample of a text in UTF-8.

    Raises:
        DataError: There is nothing in it, there are too many columns, or all of it is one line.
    """
    head, complete = _head(path)
    if not head.strip():
        raise DataError("the file is empty", code="EMPTY_FILE", where=name, hint="Save it again with its rows.")
    delimiter = max(_DELIMITERS, key=lambda sign: _consistency(head, sign))
    rows = _rows(head, delimiter)
    widths = Counter(len(row) for row in rows if row)
    if not widths:
        raise DataError(
            "the first row has a cell that is too long", code="CELL_LIMIT", where=f"{name}, line 1",
            hint="Check for a quote that is not closed.",
        )  # fmt: skip
    width = widths.most_common(1)[0][0]
    if width > limits.instrument_columns:
        raise too_wide(width, limits, f"{name}, line 1")
    first = next(place for place, row in enumerate(rows) if len(row) == width)
    header = find_header(rows, first, width)
    names, skip = header.names, header.skip
    sample = [row for row in rows[skip:] if len(row) == width][:SAMPLE_ROWS]
    if not complete:
        sample += _further(path, delimiter, width)
    if not sample:
        raise no_rows(name)
    decimal, thousands = _separators(sample, delimiter)
    return Table(
        names=tuple(names) if names else ("",) * width,
        rows=tuple(tuple(row) for row in sample),
        dialect=Dialect(encoding, delimiter, '"', decimal, thousands, skip),
        header=bool(names),
        kinds=("text",) * width,
        symbol=header.symbol,
        owners=header.owners,
        vendor=header.vendor,
    )


def notation_of(cells: Sequence[str], dialect: Dialect) -> tuple[Notation, float]:
    """Return how a column's numbers are written, and the share of cells that are such numbers."""
    if not cells:
        return "plain", 0.0
    plain = sum(is_number(cell, dialect) for cell in cells) / len(cells)
    others: tuple[tuple[Notation, re.Pattern[str]], ...] = (
        ("percent", _PERCENT), ("suffix", _SUFFIX), ("currency", _MONEY), ("currency", _MONEY_BEHIND),
    )  # fmt: skip
    for notation, pattern in others:
        own = sum(pattern.fullmatch(cell) is not None or is_number(cell, dialect) for cell in cells) / len(cells)
        if own > plain and own > 0.5:
            return notation, own
    return "plain", plain


def is_number(cell: str, dialect: Dialect) -> bool:
    """Tell whether a cell is a plain number in a dialect."""
    if dialect.thousands not in ("", ".", ",") and _GROUPED.fullmatch(cell):
        cell = cell.replace(dialect.thousands, "")
    if dialect.decimal == ",":
        if dialect.thousands and _POINTS.fullmatch(cell):
            return True
        return _COMMA.fullmatch(cell) is not None or _PLAIN.fullmatch(cell) is not None
    return _PLAIN.fullmatch(cell) is not None or (bool(dialect.thousands) and _THOUSANDS.fullmatch(cell) is not None)


def _head(path: Path) -> tuple[str, bool]:
    """Return the first whole lines of a text, and whether that is all of it."""
    with path.open("rb") as file:
        raw = file.read(HEAD_BYTES)
        complete = len(raw) < HEAD_BYTES
    if not complete:
        raw = raw[: raw.rfind(b"\n") + 1] or raw
    return raw.decode("utf-8-sig", "replace"), complete


def _further(path: Path, delimiter: str, width: int) -> list[list[str]]:
    """Return rows from the middle and the end."""
    found = []
    size = path.stat().st_size
    with path.open("rb") as file:
        for place in (size // 2, max(0, size - (64 << 10))):
            file.seek(place)
            text = file.read(64 << 10).decode("utf-8", "replace")
            rows = _rows(text.partition("\n")[2].rpartition("\n")[0], delimiter)
            found += [row for row in rows if len(row) == width][: SAMPLE_ROWS // 4]
    return found


def _rows(text: str, delimiter: str, most: int = 4 * SAMPLE_ROWS) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) >= most:
                break
    except csv.Error:
        pass  # what was read so far is a sample as well
    return rows


def _consistency(head: str, delimiter: str) -> tuple[float, int]:
    """Return how many of the rows have as many cells as most have, and how many cells that are."""
    rows = [row for row in _rows(head, delimiter, 300) if row]
    widths = Counter(map(len, rows))
    width, count = max(widths.items(), key=lambda own: (own[1], own[0]), default=(0, 0))
    if width < 2:
        return 0.0, 0
    # A quote beside another delimiter inside of a cell: this one stands inside of the quotes of that one.
    torn = sum(any(_TORN.search(cell) for cell in row) for row in rows)
    if 2 * torn > len(rows):
        return 0.0, 0
    # A delimiter that fits nearly all rows wins over one that makes more cells of fewer rows.
    return round(count / widths.total(), 1), -_DELIMITERS.index(delimiter)


@dataclass(frozen=True)
class Header:
    """What stands above the rows of a table.

    Attributes:
        names: Names of its columns; none where there are none.
        skip: Rows above the data.
        symbol: As of :class:`Table`.
        owners: As of :class:`Table`.
        vendor: As of :class:`Table`.
    """

    names: Sequence[str]
    skip: int
    symbol: str = ""
    owners: tuple[Owner, ...] = ()
    vendor: str = ""


def find_header(rows: list[list[str]], first: int, width: int) -> Header:
    """Find out what of rows is the header, of which the first one that is full is there."""
    above = [clean_name(cell) for cell in rows[first - 1]] if first else []
    if len(above) == width - 1 and any(above) and not any(_is_data(cell) for cell in above):
        return Header(["", *above], first)  # R names all columns but that of the rows
    top = [clean_name(cell) for cell in rows[first]]
    # The upper one of two may be short: a spreadsheet has one cell for several columns.
    levels = levels_of(rows, first, width)
    if levels is not None:
        begin, found = levels
        instruments = {symbol for symbol, field in found.owners if field}
        if len(instruments) > 1:
            return Header(found.names, begin + found.rows, "", found.owners, found.vendor)
        fields = [field for _, field in found.owners]
        both = ([clean_name(cell) for cell in row] for row in rows[begin : begin + 2])
        names = next((row for row in both if row[1:] == fields[1:]), top)
        return Header(names, begin + found.rows, instruments.pop(), (), found.vendor)
    if any(_is_data(cell) for cell in top) or not any(top):
        return Header([], first)
    return Header(top, first + 1)


def levels_of(rows: Sequence[Sequence[str]], first: int, width: int) -> tuple[int, Levels] | None:
    """Return the header of two rows that a table has, and where it begins."""
    for begin in (first - 1, first):
        found = of_rows([list(row) for row in rows[begin : begin + 3]], width) if begin >= 0 else None
        if found is not None and not any(_is_data(row[0]) for row in rows[begin : begin + found.rows] if row):
            return begin, found
    return None


def _is_data(cell: str) -> bool:
    text = _cut(cell.strip())
    return any(p.fullmatch(text) is not None for p in (_PLAIN, _COMMA, _LOOKS_LIKE_TIME, _THOUSANDS, _PERCENT, _MONEY))


def _cut(cell: str) -> str:
    return cell if len(cell) <= _LONGEST else cell[: _LONGEST - 1] + "…"


def either_decimal(table: Table) -> str:
    """Return a number of a text of which nothing tells a thousand from three decimals; empty if there is none.

    It is looked for where decimal commas are usual: between semicolons, and beside days as 31.01.2020.
    """
    dialect = table.dialect
    if dialect.delimiter != ";" or set(table.kinds) != {"text"}:
        return ""
    every = [table.column(place) for place in range(len(table.names))]
    columns = [cells for cells in every if not cells or not all(map(_DOTTED_DAY.fullmatch, cells))]
    dotted = len(columns) < len(every)
    signs = Counter(cells[0][-4] for cells in columns if len(cells) > 1 and all(map(_EITHER.fullmatch, cells)))
    numbers = [cell for cells in columns for cell in cells if re.fullmatch(r"[+-]?[\d.,]*[.,]\d+", cell)]
    if len(signs) != 1 or (next(iter(signs)) == "." and not dotted) or not all(map(_EITHER.fullmatch, numbers)):
        return ""
    return numbers[0] if numbers else ""


def _separators(rows: Sequence[Sequence[str]], delimiter: str) -> tuple[str, str]:
    """Return decimal and thousands separator."""
    cells = [_UNIT.sub("", _cut(cell.strip())) for row in rows[:SAMPLE_ROWS] for cell in row]
    signs = Counter(found["sign"] for cell in cells if (found := _GROUPED.fullmatch(cell)))
    if signs:
        sign = signs.most_common(1)[0][0]
        cells = [cell.replace(sign, "") if _GROUPED.fullmatch(cell) else cell for cell in cells]
        points = sum(re.fullmatch(r"[+-]?\d+\.\d+", cell) is not None for cell in cells)
        return ("," if sum(_COMMA.fullmatch(cell) is not None for cell in cells) > points else "."), sign
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    grouped = [cell for cell in cells if _THOUSANDS.fullmatch(cell) and cell.lstrip("+-")[0] != "0"]
    points = any(re.fullmatch(r"[+-]?\d+\.\d+", cell) and not re.fullmatch(r"\d{1,3}\.\d{3}", cell) for cell in cells)
    most = len(commas) > len(grouped) or (delimiter == ";" and len(commas) == len(grouped))
    if commas and most and not points:
        # Whole numbers of such a file, as a volume of 1.000, have points for thousands alone.
        return ",", "." if any("." in cell for cell in commas) or any(map(_POINTS.fullmatch, cells)) else ""
    if grouped or any("," in cell for cell in cells if _SUFFIX.fullmatch(cell)):
        return (".", ",") if delimiter != "," or grouped else (".", "")
    return ".", ""
