"""The identity of data: a hash of its values, whatever file or library holds them.

Symbols in byte order and columns by name; each column in blocks of 65,536 rows in a canonical
encoding; each block is hashed under its own header, and the block hashes are hashed in order.
Equal values give equal hashes whichever version of Parquet wrote them, and the stored block
hashes tell where two versions of a dataset differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK_ROWS = 65_536
_TAG = b"alphintra.content.v1"
_ALL_VALID = b"\x01" * BLOCK_ROWS
Array = npt.NDArray[Any]


def content_hash(columns: Mapping[str, Mapping[str, Array]]) -> str:
    """Return ``sha256:…`` over the values of all symbols.

    Args:
        columns: Symbol → column name → array. float64, int64, int32 (dates), bool and strings are
            allowed; −0.0 counts as 0.0 and every NaN as the same NaN.
    """
    return hash_of_blocks(
        block
        for symbol in sorted(columns, key=lambda s: s.encode())
        for name in sorted(columns[symbol], key=lambda s: s.encode())
        for block in block_hashes(symbol, name, columns[symbol][name])
    )


def hash_of_blocks(blocks: Iterable[bytes]) -> str:
    """Return ``sha256:…`` over block hashes: by symbol in byte order, then by column, then by block."""
    digest = hashlib.sha256(_TAG)
    for block in blocks:
        digest.update(block)
    return "sha256:" + digest.hexdigest()


def block_hashes(symbol: str, column: str, values: Array) -> Iterator[bytes]:
    """Yield the SHA-256 of each block of one column."""
    kind = _kind(values)
    for number, start in enumerate(range(0, len(values), BLOCK_ROWS)):
        block = values[start : start + BLOCK_ROWS]
        yield block_hash(symbol, column, kind, number, len(block), _encoded(block, kind))


def block_hash(
    symbol: str, column: str, kind: str, number: int, rows: int, encoded: Any, valid: Array | None = None
) -> bytes:
    """Return the SHA-256 of one block.

    Args:
        symbol: Whose rows they are.
        column: Name of the column.
        kind: ``double``, ``int64``, ``date``, ``bool`` or ``string``.
        number: Which block of the column, from 0.
        rows: Its rows, at most :data:`BLOCK_ROWS`.
        encoded: The values in canonical encoding: see :func:`encoded_numbers` and :func:`encoded_text`.
        valid: False where a value is missing, or ``None`` where all are there.
    """
    digest = hashlib.sha256(_TAG)
    for part in (symbol, column, kind):
        digest.update(_text(part))
    digest.update(np.array([number, rows], dtype="<i8").tobytes())
    digest.update(encoded)
    digest.update(memoryview(_ALL_VALID)[:rows] if valid is None else valid.astype(np.uint8).data)
    return digest.digest()


def encoded_numbers(block: Array, kind: str) -> Any:
    """Return numbers in canonical encoding: eight bytes each, one byte for a truth value."""
    if kind == "double":
        clean = np.add(block, 0.0, dtype="<f8")
        missing = np.isnan(clean)
        if missing.any():
            clean[missing] = np.nan
        return clean.data
    return np.ascontiguousarray(block, dtype="u1" if kind == "bool" else "<i8").data


def encoded_text(lengths: Array, data: Array) -> Any:
    """Return texts in canonical encoding: length in eight bytes, then UTF-8.

    Args:
        lengths: Bytes of each text.
        data: The bytes of all of them, one after the other.
    """
    starts = np.cumsum(lengths) - lengths + 8 * np.arange(len(lengths))
    out = np.empty(len(data) + 8 * len(lengths), dtype=np.uint8)
    is_text = np.ones(len(out), dtype=bool)
    places = starts[:, None] + np.arange(8)
    out[places] = lengths.astype("<i8").view(np.uint8).reshape(-1, 8)
    is_text[places] = False
    out[is_text] = data
    return out.data


def _kind(values: Array) -> str:
    if values.dtype == np.float64:
        return "double"
    if values.dtype == np.int32:
        return "date"
    if values.dtype == np.int64:
        return "int64"
    if values.dtype == np.bool_:
        return "bool"
    if values.dtype.kind in "OU":
        return "string"
    raise TypeError(f"no canonical encoding for {values.dtype}")


def _encoded(block: Array, kind: str) -> Any:
    if kind != "string":
        return encoded_numbers(block, kind)
    return b"".join(_text(str(value)) for value in block)


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(8, "little") + raw
