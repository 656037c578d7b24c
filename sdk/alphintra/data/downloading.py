"""A dataset into a file of one's own: CSV, JSON lines, Parquet, Feather, Excel."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra.errors import DataError

if TYPE_CHECKING:
    from alphintra.data.dataset import Dataset
    from alphintra.store.exporting import Rows


def write_file(rows: Rows, path: str | os.PathLike[str], kind: str | None, *, escape: bool) -> Path:
    """Write rows to a file, a row group at a time; until all is written nothing has its name.

    Args:
        rows: Which.
        path: Where to. A file of this name is replaced.
        kind: A name of :data:`~alphintra.store.exporting.FORMATS`; left out, what the path ends like.
        escape: As of :func:`~alphintra.store.exporting.write`.

    Raises:
        DataError: There is no such format, or the rows do not fit it.
        OSError: It cannot be written there.
    """
    from alphintra.store.exporting import count, format_of, write

    target = Path(path)
    chosen = format_of(target, kind)
    counted = count(rows, chosen)
    part = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as out:
            write(rows, chosen, out, counted, escape=escape)
        part.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
    return target


def rows_in_memory(dataset: Dataset, columns: Sequence[str] | None = None, start: Any = None, end: Any = None) -> Rows:
    """Return rows of a dataset that ships, or that was given directly.

    Args:
        dataset: Which.
        columns: Which columns, beside the symbol and the session, or of what ships with several bars a session the
            bar's open; left out, all.
        start: First session, or time.
        end: Last one, included.

    Raises:
        DataError: There is no such column; a bound is no date.
    """
    import numpy as np

    from alphintra.data.arrow import to_table
    from alphintra.data.catalogue import intraday
    from alphintra.store.columns import SYMBOL, arrow_schema, columns_of, raw_values
    from alphintra.store.exporting import Rows
    from alphintra.store.finding import bounds

    table = to_table(dataset.stored())
    names = [name for name in table.column_names if name != SYMBOL]
    if columns is not None and (missing := [name for name in columns if name not in (*names, SYMBOL)]):
        raise DataError(f"there is no column {missing[0]!r}", code="UNKNOWN_COLUMN", hint=f"It has {', '.join(names)}.")
    by_time = bool(dataset.manifest) and intraday(dataset.manifest)
    when = "open_time" if by_time else "session"
    low, high = bounds("timestamp[us, UTC]" if by_time else "date32", start, end)
    times = raw_values(table[when])
    kept = np.flatnonzero((times >= low) & (times <= high))
    if len(kept) < len(table):
        from alphintra.store.columns import numbers

        table = table.take(numbers(kept))
    chosen = [name for name in names if columns is None or name in columns or name == when]
    found = columns_of(table.select([SYMBOL, *chosen]).schema, {when: "time"})

    def tables(wanted: Sequence[str]) -> Iterator[Any]:
        own = tuple(column for column in found if column.name in wanted or column.role == "time")
        yield table.select([SYMBOL, *(column.name for column in own)]).cast(arrow_schema(own))

    return Rows(found, tables)


def shipped_rows(
    name: str, symbols: Sequence[str] | None, columns: Sequence[str] | None, start: Any = None, end: Any = None
) -> Rows:
    """Return rows of a dataset that ships; arguments and errors as of :func:`rows_in_memory`.

    Raises:
        UnknownDataset: There is no such dataset, or no such symbol.
    """
    from alphintra.data.dataset import load

    if symbols is not None and not symbols:
        raise DataError("no symbol is wanted", code="UNKNOWN_SYMBOL")
    found = load(name if symbols is None else f"{name}/{','.join(symbols)}")
    return rows_in_memory(found, columns, start, end)
