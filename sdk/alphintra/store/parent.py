"""A version that another one goes on from: its files stay as they are, only what comes after its rows is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from alphintra.data.content_hash import BLOCK_ROWS
from alphintra.errors import DataError
from alphintra.store.columns import Column, raw_values
from alphintra.store.manifest import DataFile
from alphintra.store.reading import Version, digests_by_symbol, row_batches
from alphintra.store.statistics import time_text


class Parent:
    """What is known of a version that rows are added to.

    Args:
        version: The version.
        columns: Columns of the rows that are added.
        sealed: Whether these will be sealed.

    Raises:
        DataError: It has other columns; it is sealed, for each of its files opens in its own place only.
    """

    def __init__(self, version: Version, columns: tuple[Column, ...], *, sealed: bool) -> None:
        manifest = version.manifest
        if sealed or manifest.sealed:
            raise DataError(
                "a sealed version goes on from no other, nor another from it", code="SEALED", where=manifest.version,
                hint="Write its rows and the new ones as a version of their own.",
            )  # fmt: skip
        if manifest.columns != columns:
            raise DataError(
                "the version has other columns than the rows that are added", code="BAD_COLUMN",
                where=manifest.version, hint="It has " + ", ".join(c.name for c in manifest.columns[:20]) + ".",
            )  # fmt: skip
        self._version = version
        counts = manifest.symbol_rows.tolist()
        self._rows: dict[str, int] = dict(zip(manifest.symbols, counts, strict=True))
        self._last = _ends(version)

    def rows(self, symbol: str) -> int:
        """Return how many rows of a symbol there are."""
        return self._rows.get(symbol, 0)

    def check_after(self, symbol: str, first: int) -> None:
        """Check that rows that are added begin after the last one that is there.

        Raises:
            DataError: ``OVERLAP``.
        """
        if symbol in self._last and first <= self._last[symbol]:
            kind = self._version.manifest.time.type
            raise DataError(
                f"rows that are added begin at {time_text(first, kind)}, and there are rows up to "
                f"{time_text(self._last[symbol], kind)}",
                code="OVERLAP",
                where=symbol,
                hint="Add what comes later; corrections are a version written anew.",
            )

    def blocks_and_tail(self, symbol: str) -> tuple[int, Any]:
        """Return how many whole blocks of a symbol there are, and the rows after them (``None`` if there are none)."""
        import pyarrow as pa

        count = self._rows[symbol]
        whole = count // BLOCK_ROWS
        if count == whole * BLOCK_ROWS:
            return whole, None
        tail = pa.concat_tables(row_batches(self._version, symbol, whole * BLOCK_ROWS, count))
        return whole, pa.Table.from_arrays(tail.columns, names=tail.column_names)  # without what a file says of it

    def joined(
        self, symbols: tuple[str, ...], files: tuple[DataFile, ...], digests: dict[str, list[list[bytes]]]
    ) -> tuple[tuple[str, ...], tuple[DataFile, ...], dict[str, list[list[bytes]]]]:
        """Put what was added after what was there: symbols, files, and block hashes by symbol and column."""
        before = self._version.manifest
        whole = tuple(sorted({*before.symbols, *symbols}, key=str.encode))
        place = {symbol: number for number, symbol in enumerate(whole)}
        out = []
        for names, group in ((before.symbols, before.files), (symbols, files)):
            numbers = np.array([place[name] for name in names], dtype=np.int64)
            out += [replace(file, symbol=numbers[file.symbol]) for file in group]
        width = len(before.columns)
        hashes = {}
        for symbol, flat in digests_by_symbol(self._version).items():
            count = len(flat) // width
            kept = count if symbol not in digests else self._rows[symbol] // BLOCK_ROWS
            hashes[symbol] = [flat[i * count : i * count + kept] for i in range(width)]
        for symbol, columns in digests.items():
            old = hashes.get(symbol, [[] for _ in range(width)])
            hashes[symbol] = [[*left, *right] for left, right in zip(old, columns, strict=True)]
        return whole, tuple(out), hashes


class Later:
    """Picks out the rows that come after those of a version, where a source gives the last ones once more.

    Args:
        version: The version.
    """

    def __init__(self, version: Version) -> None:
        self._last = _ends(version)
        self._time = version.manifest.time.name

    def rows(self, symbol: str, table: Any) -> Any:
        """Return the rows of a sorted Arrow table that are later than the last one that is there."""
        last = self._last.get(symbol)
        if last is None:
            return table
        return table.slice(int(np.searchsorted(raw_values(table[self._time]), last, side="right")))


def _ends(version: Version) -> dict[str, int]:
    """Tell when each symbol's last row is, in the units of the version's times."""
    manifest = version.manifest
    _, _, symbol, _, _, last = manifest.groups
    ends = np.full(len(manifest.symbols), np.iinfo(np.int64).min)
    np.maximum.at(ends, symbol, last)
    return dict(zip(manifest.symbols, ends.tolist(), strict=True))
