"""Rows become files: sorted, one symbol a row group, each file named by the hash of its bytes.

What is written lies in a folder of its own until :func:`alphintra.store.committing.commit` takes it over, so whoever
writes (a worker in a sandbox) needs no right to the store.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from alphintra.data.arrow import whole
from alphintra.data.content_hash import hash_of_blocks
from alphintra.errors import DataError
from alphintra.store.blobs import disk_errors
from alphintra.store.columns import Column, arrow_schema, check_columns, raw_values, time_column
from alphintra.store.hashing import THREADS, BlockHasher, hash_columns, joined
from alphintra.store.layout import MANIFEST, check_id, file_name
from alphintra.store.manifest import MOST_SYMBOLS, About, DataFile, Manifest, Provenance, SideFile, check_symbol
from alphintra.store.open_file import OpenFile, Rules, named_by_hash, write_side
from alphintra.store.parent import Parent
from alphintra.store.reading import FolderFiles, Version, by_column
from alphintra.store.sealed import Seal
from alphintra.store.sketches import Sketches, sketches_of

_MOST_CELLS = 8_388_608
_MOST_CHUNKS = 65_536
#: Beyond so many columns a block of all of them is too much to hold: they are hashed one by one, when all is written.
_WIDE = 64
_NOTHING = SideFile("", 0)


class VersionWriter:
    """Writes one version into a folder.

    Args:
        folder: An empty folder, made if it is not there.
        version: Id of the version.
        columns: Its columns, the symbol left out.
        about: What is stated of the values.
        rules: How rows are cut into files.
        seal: Encrypts the files.
        parent: A version whose rows this one begins with; only rows after them are added, and its files are kept as
            they are.
        threads: How many threads hash and count beside the one that writes.

    Raises:
        DataError: The columns cannot be stored, or are not the parent's; a parent is sealed.
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
        parent: Version | None = None,
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
        self._groups = max(1, min(self._rules.groups, _MOST_CHUNKS // len(self._columns)))
        self._seal = seal
        self._schema = arrow_schema(self._columns)
        self._symbols: list[str] = []
        self._waiting: list[Any] = []
        self._waiting_rows = 0
        self._last: int | None = None
        self._parent = None if parent is None else Parent(parent, self._columns, sealed=seal is not None)
        self._file: OpenFile | None = None
        self._files: list[DataFile] = []
        self._executor = ThreadPoolExecutor(max(1, threads))
        self._hasher = BlockHasher(self._columns, self._executor)
        self._hashes_late = len(self._columns) > _WIDE and parent is None
        self._sketches = Sketches(self._columns) if parent is None else sketches_of(parent)
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
            self._file.abandon()
            self._file = None

    def give_up(self) -> list[Path]:
        """End the files without a manifest, and return those of the rows so far, in their order."""
        self._emit(whole=True)
        self._close_file()
        self.close()
        return [self._folder / file_name(file.sha256) for file in self._files]

    def add(self, symbol: str, table: Any) -> None:
        """Take the next rows of a symbol: an Arrow table or batch with the version's columns, sorted by time.

        Symbols come in the order of their UTF-8 bytes. Numbers that are null become NaN; columns that are not the
        version's are left out.

        Raises:
            DataError: Symbols or times are out of order, a time is missing, a column is missing or of another type;
                ``OVERLAP`` with the rows of the parent; ``DISK_FULL``.
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
            DataError: There were no rows; the manifest is too large; ``DISK_FULL``.
        """
        import pyarrow as pa

        if not self._symbols:
            raise DataError("there are no rows", code="NO_ROWS")
        self._emit(whole=True)
        self._close_file()
        self._wait_for_counts()
        sealed = self._seal is not None
        manifest = Manifest(
            version=self._version,
            content_hash="",
            columns=self._columns,
            symbols=tuple(self._symbols),
            files=tuple(self._files),
            blocks=_NOTHING,
            sketches=self._write_side("sketches", self._sketches.to_table()),
            about=self._about,
            provenance=provenance or Provenance(),
            statistics={} if sealed else self._sketches.statistics(),
            sample={} if sealed else self._sketches.sample.to_json(),
            sealed=sealed,
            written=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        digests = self._hasher.finish()
        if self._hashes_late:
            written = Version(manifest, FolderFiles(self._folder), self._seal)
            digests = hash_columns(self._columns, by_column(written), self._executor)
        if self._parent is not None:
            symbols, files, digests = self._parent.joined(manifest.symbols, manifest.files, digests)
            manifest = replace(manifest, symbols=symbols, files=files)
        blocks = joined(digests)
        side = self._write_side("blocks", pa.table({"digest": pa.array(blocks, pa.binary(32))}))
        manifest = replace(manifest, content_hash=hash_of_blocks(blocks), blocks=side)
        with disk_errors():
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
        if self._parent is not None and self._parent.rows(symbol):
            self._hasher.begin(symbol, *self._parent.blocks_and_tail(symbol))

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
        first_of_symbol = self._last is None
        first, last = self._ordered(group)
        if not self._hashes_late:
            self._hasher.add(symbol, group)
        self._wait_for_counts()  # one group at a time, while it is written: statistics are no thread's own
        self._counting = self._executor.submit(self._count, symbol, first_of_symbol, group)
        if self._file is None:
            self._file = OpenFile(self._folder, len(self._files), self._schema, self._rules, self._seal)
        with disk_errors():
            self._file.write(symbol, len(self._symbols) - 1, group, first, last)
        if self._file.groups >= self._groups or self._file.size >= self._rules.file_bytes:
            self._close_file()

    def _ordered(self, group: Any) -> tuple[int, int]:
        """Return the first and the last time of a group whose times never go back."""
        times = whole(group[self._time])
        if times.null_count:
            raise DataError("a time is missing", code="NOT_SORTED", where=f"{self._symbols[-1]}, {self._time}")
        values = raw_values(times)
        if self._last is None and self._parent is not None:
            self._parent.check_after(self._symbols[-1], int(values[0]))
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

    def _count(self, symbol: str, first_of_symbol: bool, group: Any) -> None:
        if first_of_symbol and self._parent is not None:
            self._sketches.sample.begin(symbol, self._parent.rows(symbol))
        self._sketches.add(symbol, group)

    def _close_file(self) -> None:
        if self._file is not None:
            with disk_errors():
                self._files.append(self._file.close())
            self._file = None

    def _write_side(self, name: str, table: Any) -> SideFile:
        """Write a file beside the rows."""
        key = self._seal.key(name) if self._seal is not None else None
        path = self._folder / f"{name}.part"
        with disk_errors():
            write_side(path, name, table, key.encryption() if key is not None else None)
        sha256, size = named_by_hash(path)
        return SideFile(sha256, size, key.wrapped if key is not None else None)
