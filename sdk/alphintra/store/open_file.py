"""A file of rows while it is written: row groups of one symbol each, then a name, the hash of its bytes."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alphintra.store.columns import SYMBOL, named
from alphintra.store.layout import file_name
from alphintra.store.manifest import GROUP_ROWS, MOST_GROUPS, DataFile
from alphintra.store.sealed import Seal


@dataclass(frozen=True)
class Rules:
    """How rows are cut into files.

    Attributes:
        group_rows: Most rows of a row group.
        groups: Most row groups of a file.
        file_bytes: A file is closed once it has so many bytes.
        shared_bytes: A file of so many bytes takes no further symbol.
        codec: How pages are compressed: ``lz4`` or ``zstd``.
    """

    group_rows: int = GROUP_ROWS
    groups: int = MOST_GROUPS
    file_bytes: int = 128 << 20
    shared_bytes: int = 32 << 20
    codec: str = "lz4"


class OpenFile:
    """A file of rows that is being written."""

    def __init__(self, folder: Path, number: int, schema: Any, rules: Rules, seal: Seal | None) -> None:
        self._path = folder / f"{number:05}.part"
        self._key = seal.key(f"{number:05}") if seal is not None else None
        self._schema = schema
        self._entries: list[tuple[int, int, int, int]] = []
        self._out = self._path.open("wb")
        self.writer = rows_writer(
            self._out, schema, rules.codec, self._key.encryption() if self._key is not None else None
        )

    @property
    def groups(self) -> int:
        """Row groups so far."""
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._out.tell()

    def write(self, symbol: str, number: int, group: Any, first: int, last: int) -> None:
        """Write a row group."""
        write_group(self.writer, self._schema, symbol, group)
        self._entries.append((number, len(group), first, last))

    def abandon(self) -> None:
        """Let go of a file that nobody will read."""
        import pyarrow as pa

        for part in (self.writer, self._out):
            with suppress(OSError, pa.ArrowException):  # the disk may be full: why it is given up is said already
                part.close()

    def close(self) -> DataFile:
        """End the file and name it by its hash."""
        self.writer.close()
        self._out.close()
        sha256, size = named_by_hash(self._path)
        symbol, rows, first, last = np.array(self._entries, dtype=np.int64).T.copy()
        return DataFile(
            sha256, size, symbol, rows, first, last, self._key.wrapped if self._key is not None else None
        )


def rows_writer(out: Any, schema: Any, codec: str, encryption: Any = None) -> Any:
    """Return what writes rows into a file that is open, as all files of rows are written.

    Each page has a checksum, by which whoever reads it finds one bit that has changed; of a sealed file the cipher
    has its own.
    """
    import pyarrow.parquet as pq

    times = [field.name for field in schema if str(field.type) in ("timestamp[us, tz=UTC]", "date32[day]")]
    return pq.ParquetWriter(
        out,
        schema,
        compression=codec,
        store_schema=False,
        use_dictionary=[name for name in schema.names if name not in times],
        column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
        write_statistics=[SYMBOL, *times],
        write_page_checksum=encryption is None,
        encryption_properties=encryption,
    )


def write_group(writer: Any, schema: Any, symbol: str, group: Any) -> None:
    """Write rows of one symbol, which is not among their columns, as a row group."""
    import pyarrow as pa

    names = named([symbol], np.zeros(len(group), dtype=np.int32))
    table = pa.Table.from_arrays([names, *group.columns], schema=schema)
    writer.write_table(table, row_group_size=len(group))


def write_side(out: Any, name: str, table: Any, encryption: Any = None) -> None:
    """Write ``blocks`` or ``sketches``, a file beside the rows, to a path or a file that is open."""
    import pyarrow.parquet as pq

    pq.write_table(
        table, out, compression="zstd" if name == "sketches" else "none", use_dictionary=False,
        store_schema=False, write_statistics=False, write_page_checksum=encryption is None,
        encryption_properties=encryption,
    )  # fmt: skip


def named_by_hash(path: Path) -> tuple[str, int]:
    """Give a file the name of its hash."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    path.rename(path.with_name(file_name(sha256)))
    return sha256, size
