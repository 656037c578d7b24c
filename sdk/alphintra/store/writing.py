"""Rows become files: sorted, one symbol a row group, each file named by the hash of its bytes.

What is written lies in a folder of its own until :func:`alphintra.store.committing.commit` takes it over, so whoever
writes (a worker in a sandbox) needs no right to the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from alphintra.data.content_hash import hash_of_blocks
from alphintra.errors import DataError
from alphintra.store.columns import SYMBOL, Column, arrow_schema, check_columns, named, raw_values, time_column
from alphintra.store.hashing import THREADS, BlockHasher
from alphintra.store.layout import check_id
from alphintra.store.manifest import (
    GROUP_ROWS,
    MOST_GROUPS,
    MOST_SYMBOLS,
    About,
    DataFile,
    Manifest,
    Provenance,
    SideFile,
    check_symbol,
)
from alphintra.store.sampling import Sample
from alphintra.store.sealed import Seal
from alphintra.store.statistics import SHOWN, ColumnStatistics

MANIFEST = "manifest.json"
"""Name of the manifest in the folder that a version is written to."""
_MOST_CELLS = 8_388_608


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


class VersionWriter:
    """Writes one version into a folder.

    Args:
        folder: An empty folder, made if it is not there.
        version: Id of the version.
        columns: Its columns, the symbol left out.
        about: What is stated of the values.
        rules: How rows are cut into files.
        seal: Encrypts the files.
        threads: How many threads hash and count beside the one that writes.

    Raises:
        DataError: The columns cannot be stored.
    """

    def __init__(
        self,
        folder: Path,
        version: str,
        columns: tuple[Column, ...],
        about: About | None = None,
        *,
        rules: Rules | None = None,
        seal: Seal | None = None,
        threads: int = THREADS,
    ) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._version = check_id(version, "a version")
        self._columns = check_columns(tuple(columns))
        self._names = [column.name for column in self._columns]
        self._time = time_column(self._columns).name
        self._about = about or About()
        self._rules = rules or Rules()
        self._group_rows = max(1, min(self._rules.group_rows, _MOST_CELLS // len(self._columns)))
        self._seal = seal
        self._schema = arrow_schema(self._columns)
        self._symbols: list[str] = []
        self._waiting: list[Any] = []
        self._waiting_rows = 0
        self._last: int | None = None
        self._file: _OpenFile | None = None
        self._files: list[DataFile] = []
        self._executor = ThreadPoolExecutor(max(1, threads))
        self._hasher = BlockHasher(self._columns, self._executor)
        self._statistics = [ColumnStatistics(column) for column in self._columns]
        self._sample = Sample(self._columns)
        self._counting: Future[None] | None = None

    def __enter__(self) -> VersionWriter:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is open."""
        self.close()

    def close(self) -> None:
        """Give up what was not finished; the folder's files are left to whoever owns it."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        if self._file is not None:
            self._file.writer.close()
            self._file = None

    def add(self, symbol: str, table: Any) -> None:
        """Take the next rows of a symbol: an Arrow table or batch with the version's columns, sorted by time.

        Symbols come in the order of their UTF-8 bytes. Numbers that are null become NaN; columns that are not the
        version's are left out.

        Raises:
            DataError: Symbols or times are out of order, a time is missing, a column is missing or of another type.
        """
        if not len(table):
            return
        if not self._symbols or symbol != self._symbols[-1]:
            self._begin(symbol)
        self._waiting.append(self._checked(table))
        self._waiting_rows += len(table)
        if self._waiting_rows >= self._group_rows:
            self._emit(whole=False)

    def finish(self, provenance: Provenance | None = None) -> Manifest:
        """Write the last rows and the manifest.

        Raises:
            DataError: There were no rows; the manifest is too large.
        """
        if not self._symbols:
            raise DataError("there are no rows", code="NO_ROWS")
        self._emit(whole=True)
        self._close_file()
        blocks = self._hasher.finish()
        self._wait_for_counts()
        bins = SHOWN if len(self._columns) <= 200 else SHOWN // 4
        statistics = {c.name: s.to_json(bins) for c, s in zip(self._columns, self._statistics, strict=True)}
        details = {"statistics": statistics, "sample": self._sample.to_json()}
        if self._seal is not None:
            details = {"statistics": {}, "sample": {}}
        manifest = Manifest(
            version=self._version,
            content_hash=hash_of_blocks(blocks),
            columns=self._columns,
            symbols=tuple(self._symbols),
            files=tuple(self._files),
            blocks=self._write_blocks(blocks),
            about=self._about,
            provenance=provenance or Provenance(),
            **details,
            sealed=self._seal is not None,
            written=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        (self._folder / MANIFEST).write_bytes(manifest.to_json())
        self.close()
        return manifest

    def _begin(self, symbol: str) -> None:
        check_symbol(symbol)
        if self._symbols:
            if symbol.encode() < self._symbols[-1].encode():
                raise DataError(
                    f"the symbol comes after '{self._symbols[-1]}'",
                    code="NOT_SORTED",
                    where=symbol,
                    hint="Symbols are written in the order of their bytes, each in one piece.",
                )
            self._emit(whole=True)
            if self._file is not None and self._file.size >= self._rules.shared_bytes:
                self._close_file()
        if len(self._symbols) >= MOST_SYMBOLS:
            raise DataError(f"more than {MOST_SYMBOLS:,} symbols", code="TOO_LARGE")
        self._symbols.append(symbol)
        self._last = None

    def _checked(self, table: Any) -> Any:
        """Return the version's columns in their stored types, without nulls where a number can be NaN."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if isinstance(table, pa.RecordBatch):
            table = pa.Table.from_batches([table])
        arrays = []
        for column, field in zip(self._columns, list(self._schema)[1:], strict=True):
            try:
                array = table[column.name]
                array = array if array.type == field.type else array.cast(field.type)
            except (KeyError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise DataError(
                    f"the column cannot be stored as {column.type}",
                    code="BAD_COLUMN",
                    where=f"{self._symbols[-1]}, {column.name}",
                    hint="Times have at most microseconds." if column.role == "time" else None,
                ) from error
            if column.type == "double" and array.null_count:
                array = pc.fill_null(array, float("nan"))
            arrays.append(array)
        return pa.Table.from_arrays(arrays, names=self._names)

    def _emit(self, *, whole: bool) -> None:
        """Write the row groups that are full, and at a symbol's end what is left."""
        import pyarrow as pa

        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting)
        start = 0
        while start < len(table) and (whole or len(table) - start >= self._group_rows):
            self._write(table.slice(start, self._group_rows).combine_chunks())
            start += self._group_rows
        self._waiting = [table.slice(start)] if start < len(table) else []
        self._waiting_rows = max(0, len(table) - start)

    def _write(self, group: Any) -> None:
        symbol = self._symbols[-1]
        first, last = self._ordered(group)
        self._hasher.add(symbol, group)
        self._wait_for_counts()  # one group at a time, while it is written: statistics are no thread's own
        self._counting = self._executor.submit(self._count, symbol, group)
        if self._file is None:
            self._file = _OpenFile(self._folder, len(self._files), self._schema, self._rules, self._seal)
        self._file.write(symbol, len(self._symbols) - 1, group, first, last)
        if self._file.groups >= self._rules.groups or self._file.size >= self._rules.file_bytes:
            self._close_file()

    def _ordered(self, group: Any) -> tuple[int, int]:
        """Return the first and the last time of a group whose times never go back."""
        times = group[self._time].combine_chunks()
        if times.null_count:
            raise DataError("a time is missing", code="NOT_SORTED", where=f"{self._symbols[-1]}, {self._time}")
        values = raw_values(times)
        if (values[1:] < values[:-1]).any() or (self._last is not None and values[0] < self._last):
            raise DataError(
                "times go back", code="NOT_SORTED", where=f"{self._symbols[-1]}, {self._time}",
                hint="Rows of a symbol are written in the order of time.",
            )  # fmt: skip
        self._last = int(values[-1])
        return int(values[0]), self._last

    def _wait_for_counts(self) -> None:
        if self._counting is not None:
            self._counting.result()

    def _count(self, symbol: str, group: Any) -> None:
        for column, statistics in zip(self._names, self._statistics, strict=True):
            statistics.add(group[column].combine_chunks())
        self._sample.add(symbol, group)

    def _close_file(self) -> None:
        if self._file is not None:
            self._files.append(self._file.close())
            self._file = None

    def _write_blocks(self, blocks: list[bytes]) -> SideFile:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table({"digest": pa.array(blocks, pa.binary(32))})
        key = self._seal.key("blocks") if self._seal is not None else None
        path = self._folder / "blocks.part"
        pq.write_table(
            table, path, compression="none", use_dictionary=False, store_schema=False, write_statistics=False,
            encryption_properties=key.encryption() if key is not None else None,
        )  # fmt: skip
        sha256, size = _named(path)
        return SideFile(sha256, size, key.wrapped if key is not None else None)


class _OpenFile:
    """A file of rows that is being written."""

    def __init__(self, folder: Path, number: int, schema: Any, rules: Rules, seal: Seal | None) -> None:
        import pyarrow.parquet as pq

        self._path = folder / f"{number:05}.part"
        self._key = seal.key(f"{number:05}") if seal is not None else None
        self._schema = schema
        self._entries: list[tuple[int, int, int, int]] = []
        self._out = self._path.open("wb")
        times = [field.name for field in schema if str(field.type) in ("timestamp[us, tz=UTC]", "date32[day]")]
        self.writer = pq.ParquetWriter(
            self._out,
            schema,
            compression=rules.codec,
            store_schema=False,
            use_dictionary=[name for name in schema.names if name not in times],
            column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
            write_statistics=[SYMBOL, *times],
            encryption_properties=self._key.encryption() if self._key is not None else None,
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
        import pyarrow as pa

        names = named([symbol], np.zeros(len(group), dtype=np.int32))
        table = pa.Table.from_arrays([names, *group.columns], schema=self._schema)
        self.writer.write_table(table, row_group_size=len(group))
        self._entries.append((number, len(group), first, last))

    def close(self) -> DataFile:
        """End the file and name it by its hash."""
        self.writer.close()
        self._out.close()
        sha256, size = _named(self._path)
        symbol, rows, first, last = np.array(self._entries, dtype=np.int64).T.copy()
        return DataFile(
            sha256, size, symbol, rows, first, last, self._key.wrapped if self._key is not None else None
        )


def file_name(sha256: str) -> str:
    """Return a file's name in the folder that a version is written to."""
    return f"{sha256}.parquet"


def _named(path: Path) -> tuple[str, int]:
    """Give a file the name of its hash."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    path.rename(path.with_name(file_name(sha256)))
    return sha256, size


def write_frames(
    folder: Path,
    version: str,
    frames: Mapping[str, Any],
    about: About | None = None,
    *,
    roles: dict[str, str] | None = None,
    seal: Seal | None = None,
) -> Manifest:
    """Write pandas or Polars frames, or Arrow tables, by symbol; an index becomes a column.

    Raises:
        DataError: A column cannot be stored; the frames have different columns; times go back.
    """
    from alphintra.store.columns import columns_of

    tables = {symbol: to_arrow(frame) for symbol, frame in frames.items()}
    if not tables:
        raise DataError("there are no rows", code="NO_ROWS")
    columns = columns_of(next(iter(tables.values())).schema, roles)
    with VersionWriter(folder, version, columns, about, seal=seal) as writer:
        for symbol in sorted(tables, key=str.encode):
            writer.add(symbol, tables[symbol])
        return writer.finish()


def to_arrow(frame: Any) -> Any:
    """Return a pandas or Polars frame as an Arrow table; a named index comes first."""
    import pyarrow as pa

    if isinstance(frame, pa.Table):
        return frame
    if hasattr(frame, "to_arrow"):
        return frame.to_arrow()
    if frame.index.name is not None:
        frame = frame.reset_index()
    return pa.Table.from_pandas(frame, preserve_index=False)
