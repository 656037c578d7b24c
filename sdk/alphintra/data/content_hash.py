"""The identity of data: a hash of its values, whatever file or library holds them.

Symbols in byte order and columns by name; each column in blocks of 65,536 rows in a canonical
encoding; each block is hashed under its own header, and the block hashes are hashed in order.
Equal values give equal hashes whichever version of Parquet wrote them, and the stored block
hashes tell where two versions of a dataset differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK_ROWS = 65_536
_TAG = b"alphintra.content.v1"
Array = npt.NDArray[Any]


def content_hash(columns: Mapping[str, Mapping[str, Array]]) -> str:
    """Return ``sha256:…`` over the values of all symbols.

    Args:
        columns: Symbol → column name → array. float64, int64, int32 (dates) and strings are
            allowed; −0.0 counts as 0.0 and every NaN as the same NaN.
    """
    digest = hashlib.sha256(_TAG)
    for symbol in sorted(columns, key=lambda s: s.encode()):
        for name in sorted(columns[symbol], key=lambda s: s.encode()):
            for block in block_hashes(symbol, name, columns[symbol][name]):
                digest.update(block)
    return "sha256:" + digest.hexdigest()


def block_hashes(symbol: str, column: str, values: Array) -> Iterator[bytes]:
    """Yield the SHA-256 of each block of one column."""
    kind = _kind(values)
    for number, start in enumerate(range(0, len(values), BLOCK_ROWS)):
        block = values[start : start + BLOCK_ROWS]
        digest = hashlib.sha256(_TAG)
        for part in (symbol, column, kind):
            digest.update(_text(part))
        digest.update(np.array([number, len(block)], dtype="<i8").tobytes())
        digest.update(_encoded(block, kind))
        # One validity byte a row: an array of NumPy has no nulls, a nullable store may.
        digest.update(b"\x01" * len(block))
        yield digest.digest()


def _kind(values: Array) -> str:
    if values.dtype == np.float64:
        return "double"
    if values.dtype == np.int32:
        return "date"
    if values.dtype == np.int64:
        return "int64"
    if values.dtype.kind in "OU":
        return "string"
    raise TypeError(f"no canonical encoding for {values.dtype}")


def _encoded(block: Array, kind: str) -> bytes:
    if kind == "double":
        clean = block + 0.0
        clean[np.isnan(clean)] = np.nan
        return clean.astype("<f8").tobytes()
    if kind in ("int64", "date"):
        return block.astype("<i8").tobytes()
    return b"".join(_text(str(value)) for value in block)


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(8, "little") + raw
