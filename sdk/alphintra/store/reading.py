"""Rows of a stored version: what was asked for is found in the manifest, and only those row groups are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from alphintra.errors import DataError
from alphintra.store.blobs import damaged
from alphintra.store.columns import Column, arrow_schema, arrow_type, named, raw_values
from alphintra.store.finding import Range, find
from alphintra.store.hashing import block_counts
from alphintra.store.layout import file_name
from alphintra.store.manifest import DataFile, Manifest, SideFile
from alphintra.store.sealed import Seal

_THREADS = 2
Array = npt.NDArray[Any]


class Files(Protocol):
    """Where a version's files are: a folder, an object store behind a cache, a server."""

    def open(self, file: DataFile | SideFile) -> AbstractContextManager[Path | BinaryIO]:
        """Hold a file open for reading: a path on this machine, or a seekable file.

        Raises:
            DataError: ``MISSING_FILE``.
        """
        ...


@dataclass(frozen=True)
class FolderFiles:
    """Files that lie in one folder, by their hashes.

    Attributes:
        folder: Which.
    """

    folder: Path

    @contextmanager
    def open(self, file: DataFile | SideFile) -> Iterator[Path]:
        """Return a file's path."""
        path = self.folder / file_name(file.sha256)
        if not path.is_file():
            raise DataError("a file of the dataset is not there", code="MISSING_FILE", where=file.sha256)
        yield path


@dataclass(frozen=True, eq=False)
class Version:
    """A version that can be read.

    Attributes:
        manifest: What it is.
        files: Where it lies.
        seal: Finds the keys of a sealed version; ``None`` where there is none, or nobody may read it here.
        open_errors: What rules found on it and nobody has accepted, as far as who gives it knows.
    """

    manifest: Manifest
    files: Files
    seal: Seal | None = None
    open_errors: tuple[str, ...] = ()


def read(
    version: Version,
    symbols: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    start: Any = None,
    end: Any = None,
) -> Any:
    """Return rows as an Arrow table: ``symbol``, then the time and the columns as they are stored.

    Arguments and errors as of :func:`~alphintra.store.finding.find`; a file that does not hold what the manifest says
    raises ``DAMAGED_FILE``.
    """
    import pyarrow as pa

    wanted = find(version.manifest, symbols, columns, start, end)
    runs = [(file, np.sort(places)) for file, places in _by_file(wanted)]
    if len(runs) < _THREADS:
        read_runs = [_read_run(version, wanted, *run, threads=True) for run in runs]
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_THREADS) as executor:
            read_runs = list(executor.map(lambda run: _read_run(version, wanted, *run, threads=False), runs))
    if not read_runs:
        return arrow_schema(wanted.columns).empty_table()
    table = pa.concat_tables([part for part, _ in read_runs]).unify_dictionaries()
    places = np.concatenate([places for _, places in runs])
    if np.array_equal(places, wanted.places):
        return table
    # Each file was read once, in its own order; now in the order of the symbols as they are wanted.
    lengths = np.concatenate([lengths for _, lengths in read_runs])
    starts = dict(zip(places.tolist(), zip(np.cumsum(lengths) - lengths, lengths, strict=True), strict=True))
    return pa.concat_tables([table.slice(*map(int, starts[place])) for place in wanted.places.tolist()])


def batches(
    version: Version,
    symbols: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    start: Any = None,
    end: Any = None,
) -> Iterator[tuple[str, Any]]:
    """Yield symbol and Arrow table, one row group at a time: memory is that of two row groups.

    Arguments and errors as of :func:`read`.
    """
    wanted = find(version.manifest, symbols, columns, start, end)
    numbers = version.manifest.groups[2]
    for place, group in group_tables(version, wanted):
        table, _ = _cut(group, wanted, np.array([place]))
        if len(table):
            yield version.manifest.symbols[int(numbers[place])], table


def group_tables(version: Version, wanted: Range) -> Iterator[tuple[int, Any]]:
    """Yield place and rows of each row group that is wanted, whole and without the symbol.

    A file stays open for those of its row groups that follow each other.
    """
    for file, places in _runs(wanted):
        held = _Held(version, file)
        try:
            for place in places.tolist():
                yield place, held.read([place], wanted, threads=True)
        finally:
            held.close()


def row_batches(version: Version, symbol: str, start: int, stop: int) -> Iterator[Any]:
    """Yield a symbol's rows from position ``start`` up to ``stop``, a row group at a time."""
    wanted = find(version.manifest, [symbol])
    edges = np.concatenate([[0], np.cumsum(version.manifest.groups[3][wanted.places])])
    chosen = np.flatnonzero((edges[:-1] < stop) & (edges[1:] > start))
    some = replace(wanted, places=wanted.places[chosen])
    for i, (_, table) in zip(chosen.tolist(), group_tables(version, some), strict=True):
        low, high = max(start - int(edges[i]), 0), min(stop, int(edges[i + 1])) - int(edges[i])
        yield table.slice(low, high - low)


def by_column(version: Version) -> Iterator[tuple[str, str, Iterator[Any]]]:
    """Yield symbol, column and its row groups as tables of that column alone: memory is that of one row group's column.

    For versions of so many columns that a block of all of them would not fit. Each symbol's files are opened once.
    """
    manifest = version.manifest
    held: dict[int, _Held] = {}
    try:
        for symbol in manifest.symbols:
            wanted = find(manifest, [symbol])
            files = manifest.groups[0][wanted.places].tolist()
            for number in [number for number in held if number not in files]:
                held.pop(number).close()
            for number in files:
                if number not in held:
                    held[number] = _Held(version, number)
            for column in manifest.columns:
                one = replace(wanted, columns=(column,))
                places = zip(files, wanted.places.tolist(), strict=True)
                yield symbol, column.name, (held[f].read([p], one, threads=False) for f, p in places)
    finally:
        for file in held.values():
            file.close()


def by_columns(version: Version, wanted: Range, at_once: int) -> Iterator[tuple[tuple[Column, ...], Iterator[Any]]]:
    """Yield ``at_once`` columns and the row groups that are wanted as tables of them, all files held open.

    What a file says of itself is as long as it has columns and row groups: it is read once, not for each few columns.
    """
    files, places = wanted.manifest.groups[0][wanted.places].tolist(), wanted.places.tolist()
    held: dict[int, _Held] = {}
    try:
        for number in files:
            if number not in held:
                held[number] = _Held(version, number)
        for start in range(0, len(wanted.columns), at_once):
            some = replace(wanted, columns=wanted.columns[start : start + at_once])
            tables = zip(files, places, repeat(some), strict=False)
            yield some.columns, (held[f].read([p], own, threads=True) for f, p, own in tables)
    finally:
        for file in held.values():
            file.close()


def block_digests(version: Version) -> list[bytes]:
    """Return the stored block hashes: by symbol, then by column's name, then by block.

    Raises:
        DataError: ``DAMAGED_FILE`` where they are not those that the content hash was made of.
    """
    from alphintra.data.content_hash import hash_of_blocks

    with side_file(version, "blocks") as file:
        found: list[bytes] = file.read()["digest"].to_pylist()
    if hash_of_blocks(found) != version.manifest.content_hash:
        raise DataError("the block hashes are not those of the content", code="DAMAGED_FILE", where="blocks")
    return found


def digests_by_symbol(version: Version) -> dict[str, list[bytes]]:
    """Return the block hashes of each symbol: by column's name, then by block."""
    digests = block_digests(version)
    out, start = {}, 0
    counts = (block_counts(version.manifest) * len(version.manifest.columns)).tolist()
    for symbol, count in zip(version.manifest.symbols, counts, strict=True):
        out[symbol] = digests[start : start + count]
        start += count
    return out


class _Held:
    """A file that is held open."""

    def __init__(self, version: Version, number: int) -> None:
        self._entry = version.manifest.files[number]
        self._opened = _parquet(version, self._entry, f"{number:05}")
        self._file = self._opened.__enter__()
        if self._file.num_row_groups != len(self._entry.rows):
            self.close()
            raise damaged("it has other row groups", self._entry.sha256)

    def read(self, places: Sequence[int], wanted: Range, *, threads: bool) -> Any:
        """Read row groups, given by their places in the manifest: the columns, without the symbol."""
        import pyarrow as pa

        _, group, _, rows, _, _ = wanted.manifest.groups
        names = [column.name for column in wanted.columns]
        try:
            table = self._file.read_row_groups([int(group[p]) for p in places], columns=names, use_threads=threads)
        except (pa.ArrowException, OSError) as error:
            raise damaged("it cannot be read", self._entry.sha256) from error
        types = {column.name: arrow_type(column.type) for column in wanted.columns}
        if sorted(table.column_names) != sorted(names) or any(f.type != types[f.name] for f in table.schema):
            raise damaged("it has other columns", self._entry.sha256)
        if len(table) != int(rows[np.asarray(places)].sum()):
            raise damaged("it has other rows", self._entry.sha256)
        return table.select(names)

    def close(self) -> None:
        """Let go of the file."""
        self._opened.__exit__(None, None, None)


@contextmanager
def side_file(version: Version, name: str) -> Iterator[Any]:
    """Hold ``blocks`` or ``sketches`` open, as a Parquet file."""
    entry: SideFile = getattr(version.manifest, name)
    with _parquet(version, entry, name) as file:
        yield file


@contextmanager
def _parquet(version: Version, entry: DataFile | SideFile, name: str) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    properties = None
    if entry.key is not None:
        if version.seal is None:
            raise DataError("the version is sealed, and this process has no keys", code="SEALED", where=entry.sha256)
        properties = version.seal.find(name, entry.key).decryption()
    with version.files.open(entry) as source:
        try:
            file = pq.ParquetFile(
                source,
                memory_map=isinstance(source, Path),
                pre_buffer=not isinstance(source, Path),  # over a wire, what lies together comes together
                decryption_properties=properties,
                page_checksum_verification=True,
            )
        except (pa.ArrowException, OSError) as error:
            raise damaged("it is no readable Parquet file", entry.sha256) from error
        with file:
            yield file


def _read_run(version: Version, wanted: Range, file: int, places: Array, *, threads: bool) -> tuple[Any, Array]:
    held = _Held(version, file)
    try:
        return _cut(held.read(places.tolist(), wanted, threads=threads), wanted, places)
    finally:
        held.close()


def _by_file(wanted: Range) -> Iterator[tuple[int, Array]]:
    """Yield each file once, with the places of the row groups that are wanted of it."""
    files = wanted.manifest.groups[0][wanted.places]
    for file in dict.fromkeys(files.tolist()):
        yield file, wanted.places[files == file]


def _runs(wanted: Range) -> Iterator[tuple[int, Array]]:
    """Yield file and places of row groups that follow each other and lie in one file."""
    files = wanted.manifest.groups[0][wanted.places]
    if not len(files):
        return
    for part in np.split(np.arange(len(files)), np.flatnonzero(np.diff(files)) + 1):
        yield int(files[part[0]]), wanted.places[part]


def _cut(table: Any, wanted: Range, places: Array) -> tuple[Any, Array]:
    """Cut what was read to the bounds, and put the symbol before it; returns the rows of each place as well."""
    import pyarrow as pa

    manifest = wanted.manifest
    _, _, symbol, rows, first, last = (part[places] for part in manifest.groups)
    name = manifest.time.name
    kept, numbers, offset = [], [], 0
    for i, count in enumerate(rows.tolist()):
        low, high = 0, count
        if first[i] < wanted.start or last[i] > wanted.end:
            times = raw_values(table[name].slice(offset, count))
            low = int(np.searchsorted(times, wanted.start, side="left"))
            high = int(np.searchsorted(times, wanted.end, side="right"))
        kept.append((offset + low, high - low))
        numbers.append(int(symbol[i]))
        offset += count
    lengths = [length for _, length in kept]
    if sum(lengths) != len(table):
        table = pa.concat_tables([table.slice(start, length) for start, length in kept])
    used, index = np.unique(numbers, return_inverse=True)
    names = named([manifest.symbols[number] for number in used], np.repeat(index.astype(np.int32), lengths))
    whole = pa.Table.from_arrays([names, *table.columns], schema=arrow_schema(wanted.columns))
    return whole, np.array(lengths, dtype=np.int64)
