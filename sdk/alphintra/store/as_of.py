"""Rows of a version as they were known at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.errors import DataError
from alphintra.store.columns import Column, raw_values
from alphintra.store.converting import by_symbol
from alphintra.store.known import known_at, not_before
from alphintra.store.manifest import Manifest
from alphintra.store.reading import Version, read

KNOWN = "known_at"
_TRADED = ("close", "price", "bid", "ask")


def says_when_known(manifest: Manifest) -> bool:
    """Tell whether a version says when its rows were known: bars and trades do, others by a column ``known_at``."""
    roles = {column.role for column in manifest.columns}
    return KNOWN in roles or bool(roles & set(_TRADED))


def check_known(manifest: Manifest) -> None:
    """Check that a version says when its rows were known.

    Raises:
        DataError: ``NO_KNOWLEDGE``: it holds neither bars nor trades, and has no column with the role ``known_at``.
    """
    if not says_when_known(manifest):
        raise DataError(
            "the version does not say when its rows were known", code="NO_KNOWLEDGE",
            hint="Give a column the role 'known_at': when a figure was published is not told by its time.",
        )  # fmt: skip


def read_as_of(
    version: Version, until: int, symbols: Sequence[str] | None = None, columns: Sequence[str] | None = None,
    start: Any = None, end: Any = None,
) -> Any:  # fmt: skip
    """Return the rows that were known at an instant as an Arrow table; of revisions, the last one that was.

    Args:
        version: The version.
        until: Microseconds since 1970 UTC.
        symbols: As of :func:`~alphintra.store.reading.read`.
        columns: As of it.
        start: As of it.
        end: As of it.

    Raises:
        DataError: ``NO_KNOWLEDGE``, or as of it.
    """
    manifest = version.manifest
    check_known(manifest)
    late = known_column(manifest)
    sequence = next((column for column in manifest.columns if column.role == "sequence"), None)
    wanted = None if columns is None else [columns] if isinstance(columns, str) else list(columns)
    needed = None if wanted is None else [*wanted, *(c.name for c in (late, sequence) if c and c.name not in wanted)]
    table = read(version, symbols, needed, start, end)
    parts = []
    for _, part in by_symbol(table):
        kept = _kept(part, manifest, late, sequence, until)
        parts.append(part if kept is None else part.take(kept))
    if parts:
        import pyarrow as pa

        table = pa.concat_tables(parts)
    if needed is not None and wanted is not None:
        extra = [name for name in needed if name not in wanted and name != manifest.time.name]
        table = table.drop_columns(extra) if extra else table
    return table


def _kept(table: Any, manifest: Manifest, late: Column | None, sequence: Column | None, until: int) -> Any:
    """Return the places of the rows that count, ``None`` for all."""
    times = raw_values(table[manifest.time.name])
    known = knowledge(table, manifest)
    kept = np.flatnonzero(known <= until)
    if late is not None:
        order = None if sequence is None else raw_values(table[sequence.name])[kept]
        kept = _last(times[kept], known[kept], order, kept)
    return None if len(kept) == len(table) else _places(kept)


def knowledge(table: Any, manifest: Manifest) -> npt.NDArray[np.int64]:
    """Return when each row of a table was known: at its bar's end or its own time, and not before ``known_at``.

    Args:
        table: Rows of one version; the time and the column with the role ``known_at`` among them.
        manifest: The version's. A date in ``known_at`` counts from its end, 24:00 UTC.
    """
    known = known_at(raw_values(table[manifest.time.name]), manifest.time.type, manifest.about)
    late = known_column(manifest)
    return known if late is None or not len(table) else not_before(known, late, table[late.name])


def known_column(manifest: Manifest) -> Column | None:
    """Return the column that says when a row was known, if there is one."""
    return next((column for column in manifest.columns if column.role == KNOWN), None)


def _last(times: Any, known: npt.NDArray[np.int64], sequence: Any, places: Any) -> Any:
    """Return the places of rows of which none of the same time was known later."""
    keys = [known, times] if sequence is None else [known, sequence, times]
    order = np.lexsort(keys)
    same = times[order][1:] == times[order][:-1]
    if sequence is not None:
        same &= sequence[order][1:] == sequence[order][:-1]
    return np.sort(places[order[~np.append(same, False)]]) if len(order) else places


def _places(kept: Any) -> Any:
    from alphintra.store.columns import numbers

    return numbers(kept.astype(np.int64))
