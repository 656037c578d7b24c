"""The content hash of Arrow columns, block by block, on several threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra.data.arrow import whole
from alphintra.data.content_hash import BLOCK_ROWS, block_hash, encoded_numbers, encoded_text, hash_of_blocks
from alphintra.store.columns import Column, raw_values, validity

if TYPE_CHECKING:
    from alphintra.store.manifest import Manifest

THREADS = 2
_IN_FLIGHT = 3


class BlockHasher:
    """Hashes rows that come symbol by symbol, in time.

    Rows are kept until they fill a block of every column, so memory is that of a few blocks.

    Args:
        columns: The columns, the symbol left out.
        executor: Where blocks are hashed.
    """

    def __init__(self, columns: Sequence[Column], executor: Executor) -> None:
        self._columns = sorted(columns, key=lambda column: column.name.encode())
        self._executor = executor
        self._waiting: Any = None
        self._number = 0
        self._symbol: str | None = None
        self._done: list[list[bytes]] = []
        self._pending: list[Future[list[bytes]]] = []
        self._digests: dict[str, list[list[bytes]]] = {}

    def begin(self, symbol: str, number: int = 0, tail: Any = None) -> None:
        """Take rows of this symbol from here on.

        Args:
            symbol: Which.
            number: How many whole blocks of it were hashed before, elsewhere.
            tail: Its rows after those, fewer than a block.
        """
        self._end_of_symbol()
        self._symbol, self._number, self._waiting = symbol, number, tail

    def add(self, symbol: str, table: Any) -> None:
        """Take the next rows of a symbol; symbols come in byte order."""
        import pyarrow as pa

        if symbol != self._symbol:
            self.begin(symbol)
        if self._waiting is not None and len(self._waiting):
            table = pa.concat_tables([self._waiting, table.select(self._waiting.column_names)])
        whole = len(table) - len(table) % BLOCK_ROWS
        for start in range(0, whole, BLOCK_ROWS):
            self._hash(table.slice(start, BLOCK_ROWS))
        self._waiting = table.slice(whole)

    def finish(self) -> dict[str, list[list[bytes]]]:
        """Return the block hashes of each symbol: a list for each column, by its name."""
        self._end_of_symbol()
        self._symbol = None
        return self._digests

    def _end_of_symbol(self) -> None:
        if self._symbol is None:
            return
        if self._waiting is not None and len(self._waiting):
            self._hash(self._waiting)
        self._waiting = None
        self._settle(0)
        # What came by block is kept by column.
        self._digests[self._symbol] = [[block[i] for block in self._done] for i in range(len(self._columns))]
        self._done = []
        self._number = 0

    def _hash(self, block: Any) -> None:
        assert self._symbol is not None
        self._settle(_IN_FLIGHT)
        self._pending.append(
            self._executor.submit(hash_block, self._symbol, self._columns, self._number, block)
        )
        self._number += 1

    def _settle(self, most: int) -> None:
        """Wait until no more than ``most`` blocks are being hashed."""
        while len(self._pending) > most:
            self._done.append(self._pending.pop(0).result())


def hash_block(symbol: str, columns: Sequence[Column], number: int, table: Any) -> list[bytes]:
    """Return the hash of one block of each column."""
    out = []
    for column in columns:
        array = whole(table[column.name])
        valid = validity(array)
        if column.kind == "double" and valid is not None:
            # A number that is missing is NaN: there are not two ways to say it.
            values, valid = with_nan(array, valid), None
        elif column.kind == "string":
            out.append(block_hash(symbol, column.name, "string", number, len(array), _texts(array), valid))
            continue
        else:
            values = raw_values(array)
            if valid is not None:
                values = np.where(valid, values, values.dtype.type(0))
        encoded = encoded_numbers(values, column.kind)
        out.append(block_hash(symbol, column.name, column.kind, number, len(array), encoded, valid))
    return out


def with_nan(array: Any, valid: Any) -> Any:
    """Return the numbers of an Arrow array, NaN where they are missing."""
    return np.where(valid, raw_values(array), np.nan)


def _texts(array: Any) -> Any:
    """Return texts in canonical encoding; a missing one has no bytes."""
    import pyarrow as pa

    if array.null_count:
        array = array.fill_null("")
    array = pa.concat_arrays([array])  # a slice that begins at its own bytes
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int32, count=len(array) + 1, offset=4 * array.offset)
    data = array.buffers()[2]
    raw = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)
    return encoded_text(np.diff(offsets).astype(np.int64), raw[offsets[0] : offsets[-1]])


def stored_hash(
    manifest: Manifest, tables: Iterable[tuple[str, Any]], threads: int = THREADS
) -> tuple[str, list[bytes]]:
    """Hash the rows of a version anew.

    Args:
        manifest: For its columns.
        tables: The rows: symbol and table, in order.
        threads: How many blocks are hashed at a time.

    Returns:
        The content hash, and the block hashes it was made of.
    """
    with ThreadPoolExecutor(threads) as executor:
        hasher = BlockHasher(manifest.columns, executor)
        for symbol, table in tables:
            hasher.add(symbol, table)
        blocks = joined(hasher.finish())
    return hash_of_blocks(blocks), blocks


def hash_columns(
    columns: Sequence[Column], parts: Iterable[tuple[str, str, Iterable[Any]]], executor: Executor
) -> dict[str, list[list[bytes]]]:
    """Hash one column of a symbol after the other.

    Args:
        columns: The columns, the symbol left out.
        parts: Symbol, name of a column, and tables of that column; symbols in order.
        executor: Where blocks are hashed.

    Returns:
        The block hashes of each symbol: a list for each column, by its name.
    """
    by_name = {column.name: column for column in columns}
    found: dict[str, dict[str, list[bytes]]] = {}
    for symbol, name, tables in parts:
        hasher = BlockHasher([by_name[name]], executor)
        for table in tables:
            hasher.add(symbol, table)
        found.setdefault(symbol, {})[name] = hasher.finish()[symbol][0]
    return {symbol: [own[name] for name in sorted(own, key=str.encode)] for symbol, own in found.items()}


def joined(digests: Mapping[str, list[list[bytes]]]) -> list[bytes]:
    """Return block hashes in the order in which they are hashed: by symbol, then by column, then by block."""
    return [
        block for symbol in sorted(digests, key=str.encode) for column in digests[symbol] for block in column
    ]


def block_counts(manifest: Manifest) -> Any:
    """Return how many blocks each column of each symbol has."""
    return -(-manifest.symbol_rows // BLOCK_ROWS)


