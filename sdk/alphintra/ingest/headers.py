"""Whether a file has the columns that its mapping was made for."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from alphintra.errors import DataError
from alphintra.ingest.encoding import propose
from alphintra.ingest.findings import shown
from alphintra.ingest.levels import of_rows
from alphintra.ingest.mapping import Mapping

_HEAD = 4 << 20


def check_header(path: Path, mapping: Mapping, name: str, raw: Path | None = None) -> None:
    """Refuse a text whose header is another one.

    Args:
        path: The text in UTF-8.
        mapping: Whose columns it is to have.
        name: What errors call it.
        raw: The text as it came: where another encoding was chosen than was proposed, the mapping has the columns'
            names as the proposed one reads them.

    Raises:
        DataError: Names the first column that differs.
    """
    sources = [column.source for column in mapping.columns]
    if not any(sources):
        return
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8-sig", "replace")
    dialect = mapping.dialect
    reader = csv.reader(
        io.StringIO(head, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
    )
    otherwise = _reread(sources, raw, dialect.encoding)
    closest: list[str] = []
    told: list[str] = []
    try:
        rows = list(islice(reader, dialect.skip + 1))
        for place, row in enumerate(rows[: dialect.skip]):
            names = [clean_name(cell) for cell in row]
            both = names_of_both(rows[place : place + 3], len(sources))
            if any(own in (names, ["", *names], both) for own in (sources, otherwise) if own):
                return
            told = told or both
            if len(names) == len(sources) or not closest:
                closest = names
    except csv.Error as error:
        raise DataError("the header cannot be read", code="ROW_SHAPE", where=name) from error
    raise mismatch(otherwise or sources, told or closest, name)


def names_of_both(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return names of columns whose header is two rows, from the upper one on; none where it is not."""
    found = of_rows(rows, width)
    return [] if found is None else list(found.names)


def _reread(sources: list[str], raw: Path | None, encoding: str) -> list[str]:
    """Return names that the proposed encoding has read as the chosen one reads them; none where that is the same."""
    if raw is None or all(source.isascii() for source in sources):
        return []
    proposed = propose(raw).name
    if proposed == encoding:
        return []
    try:
        return [clean_name(source.encode(proposed).decode(encoding)) for source in sources]
    except (UnicodeError, LookupError):
        return []


def mismatch(sources: list[str], names: list[str], name: str) -> DataError:
    """Return the error for columns that are not those of the mapping."""
    pairs = enumerate(zip([*sources, "nothing"], [*names, "nothing"], strict=False))
    place, (wanted, found) = next((own for own in pairs if own[1][0] != own[1][1]), (0, ("", "")))
    return DataError(
        f"column {place + 1} is '{shown(found)}', not '{shown(wanted)}'",
        code="MAPPING_MISMATCH",
        where=name,
        hint="The mapping was made for a file with other columns: map this one anew.",
    )


def clean_name(cell: str) -> str:
    """Return a column's name as mappings hold it."""
    return cell.strip().lstrip("\ufeff#").strip()
