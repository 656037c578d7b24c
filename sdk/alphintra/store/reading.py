"""Rows of a stored version: what was asked for is found in the manifest, and only those row groups are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from alphintra.data.bounds import parse_bound
from alphintra.data.instrument import did_you_mean
from alphintra.data.market import DAY_US
from alphintra.errors import DataError, UnknownDataset
from alphintra.store.columns import SYMBOL, Column, arrow_schema, arrow_type, named, raw_values, validity
from alphintra.store.hashing import block_counts
from alphintra.store.manifest import DataFile, Manifest, SideFile
from alphintra.store.sealed import Seal

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_FOREVER = 2**63 - 1
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


@dataclass(frozen=True, eq=False)
class Version:
    """A version that can be read.

    Attributes:
        manifest: What it is.
        files: Where it lies.
        seal: Finds the keys of a sealed version; ``None`` where there is none, or nobody may read it here.
    """

    manifest: Manifest
    files: Files
    seal: Seal | None = None


@dataclass(frozen=True, eq=False)
class Range:
    """Which rows are wanted: symbols by position, row groups, and the bounds of time within them.

    Attributes:
        manifest: Of the version.
        columns: The columns in their order in the version, the time always among them.
        places: Positions in ``manifest.groups``: by symbol as wanted, then in time.
        start: First time, in the column's unit.
        end: Last time.
    """

    manifest: Manifest
    columns: tuple[Column, ...]
    places: npt.NDArray[np.int64]
    start: int
    end: int

    @property
    def rows(self) -> int:
        """Rows of the row groups that are read: never fewer than those that are wanted."""
        return int(self.manifest.groups[3][self.places].sum())


def find(
    manifest: Manifest,
    symbols: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    start: Any = None,
    end: Any = None,
) -> Range:
    """Find the row groups that hold what is wanted; reads nothing.

    Args:
        manifest: Of the version.
        symbols: Which; left out, all.
        columns: Which, beside the symbol and the time; left out, all.
        start: First time: a date, or an instant (UTC where it names no zone).
        end: Last time, included; a date includes its whole day in UTC.

    Raises:
        UnknownDataset: There is no such symbol; the error names the nearest.
        DataError: There is no such column, or a bound is no date.
    """
    chosen = _columns(manifest, columns)
    low, high = _bounds(manifest, start, end)
    _, _, symbol, _, first, last = manifest.groups
    places = np.flatnonzero((last >= low) & (first <= high))
    places = places[np.argsort(symbol[places], kind="stable")]  # by symbol, then in time
    if symbols is not None:
        wanted = np.array(_symbols(manifest, symbols))
        left, right = (np.searchsorted(symbol[places], wanted, side=side) for side in ("left", "right"))
        places = np.concatenate([places[a:b] for a, b in zip(left, right, strict=True)])
    return Range(manifest, chosen, places, low, high)


def read(
    version: Version,
    symbols: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    start: Any = None,
    end: Any = None,
) -> Any:
    """Return rows as an Arrow table: ``symbol``, then the time and the columns as they are stored.

    Arguments and errors as of :func:`find`; a file that does not hold what the manifest says raises ``DAMAGED_FILE``.
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
    held: _Held | None = None
    try:
        for file, places in _runs(wanted):
            if held is None or held.number != file:
                if held is not None:
                    held.close()
                held = _Held(version, file)
            for place in places:
                table, _ = _cut(held.read([int(place)], wanted, threads=True), wanted, np.array([place]))
                if len(table):
                    name = version.manifest.symbols[int(version.manifest.groups[2][place])]
                    yield name, table
    finally:
        if held is not None:
            held.close()


def row_batches(version: Version, symbol: str, start: int, stop: int) -> Iterator[Any]:
    """Yield a symbol's rows from position ``start`` up to ``stop``, a row group at a time."""
    wanted = find(version.manifest, [symbol])
    edges = np.concatenate([[0], np.cumsum(version.manifest.groups[3][wanted.places])])
    for file, places in _runs(wanted):
        at = np.searchsorted(wanted.places, places)
        chosen = [(int(i), int(p)) for i, p in zip(at, places, strict=True) if edges[i] < stop and edges[i + 1] > start]
        if not chosen:
            continue
        held = _Held(version, file)
        try:
            for i, place in chosen:
                low, high = max(start - int(edges[i]), 0), min(stop, int(edges[i + 1])) - int(edges[i])
                yield held.read([place], wanted, threads=True).slice(low, high - low)
        finally:
            held.close()


def to_pandas(table: Any, manifest: Manifest, *, one: bool) -> pd.DataFrame:
    """Return rows with the time as index; the symbol before it, unless rows of ``one`` symbol were asked for."""
    frame = table.to_pandas()
    name = manifest.time.name
    if manifest.time.type == "date32":
        frame[name] = frame[name].astype("datetime64[s]")
    if one:
        return frame.drop(columns=SYMBOL).set_index(name)
    return frame.set_index([SYMBOL, name])


def to_polars(table: Any) -> pl.DataFrame:
    """Return rows as a Polars frame.

    Raises:
        DataError: Polars is not installed.
    """
    try:
        import polars
    except ImportError:
        raise DataError(
            "Polars is not installed", code="NOT_INSTALLED", hint="pip install 'alphintra[polars]', or use to_arrow()."
        ) from None
    found = polars.from_arrow(table)
    assert isinstance(found, polars.DataFrame)
    return found


def to_numpy(table: Any) -> dict[str, dict[str, Array]]:
    """Return arrays by symbol and column: int64 µs, int32 days, float64, int64, bool, objects for text.

    Raises:
        DataError: A whole number, a truth value or a time is missing: NumPy has nothing to stand for it.
    """
    out: dict[str, dict[str, Array]] = {}
    names = [name for name in table.column_names if name != SYMBOL]
    for symbol, part in by_symbol(table):
        out[symbol] = {name: _numpy(part[name].combine_chunks(), symbol, name) for name in names}
    return out


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
        self.number = number
        self._entry = version.manifest.files[number]
        self._opened = _parquet(version, self._entry, f"{number:05}")
        self._file = self._opened.__enter__()
        if self._file.num_row_groups != len(self._entry.rows):
            self.close()
            raise _damaged(self._entry, "it has other row groups")

    def read(self, places: Sequence[int], wanted: Range, *, threads: bool) -> Any:
        """Read row groups, given by their places in the manifest: the columns, without the symbol."""
        import pyarrow as pa

        _, group, _, rows, _, _ = wanted.manifest.groups
        names = [column.name for column in wanted.columns]
        try:
            table = self._file.read_row_groups([int(group[p]) for p in places], columns=names, use_threads=threads)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self._entry, "it cannot be read") from error
        types = {column.name: arrow_type(column.type) for column in wanted.columns}
        if sorted(table.column_names) != sorted(names) or any(f.type != types[f.name] for f in table.schema):
            raise _damaged(self._entry, "it has other columns")
        if len(table) != int(rows[np.asarray(places)].sum()):
            raise _damaged(self._entry, "it has other rows")
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
            )
        except (pa.ArrowException, OSError) as error:
            raise _damaged(entry, "it is no readable Parquet file") from error
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


def _columns(manifest: Manifest, wanted: Sequence[str] | None) -> tuple[Column, ...]:
    if wanted is None:
        return manifest.columns
    if isinstance(wanted, str):
        wanted = [wanted]
    names = [column.name for column in manifest.columns]
    for name in wanted:
        if name not in names and name != SYMBOL:
            raise DataError(
                f"there is no column {name!r}",
                code="UNKNOWN_COLUMN",
                hint=did_you_mean(str(name), names) + "It has " + ", ".join(names[:20]) + ".",
            )
    return tuple(column for column in manifest.columns if column.name in wanted or column.role == "time")


def _symbols(manifest: Manifest, wanted: Sequence[str]) -> list[int]:
    if isinstance(wanted, str):
        wanted = [wanted]
    numbers = {symbol: number for number, symbol in enumerate(manifest.symbols)}
    for symbol in wanted:
        if symbol not in numbers:
            raise UnknownDataset(
                f"there is no symbol {symbol!r}",
                code="UNKNOWN_SYMBOL",
                hint=did_you_mean(str(symbol), manifest.symbols) + "It has " + ", ".join(manifest.symbols[:20]) + ".",
            )
    if len(set(wanted)) < len(wanted) or not len(wanted):
        raise UnknownDataset("no symbol is wanted, or one twice", code="UNKNOWN_SYMBOL")
    return [numbers[symbol] for symbol in wanted]


def _bounds(manifest: Manifest, start: Any, end: Any) -> tuple[int, int]:
    low, high = parse_bound(start, "start"), parse_bound(end, "end")
    dates = manifest.time.type == "date32"
    first, last = -_FOREVER, _FOREVER
    if low is not None:
        # A date is wanted from an instant on only if it begins there or later.
        first = (low.session if low.instant is None else -(-low.instant // DAY_US)) if dates else (
            low.session * DAY_US if low.instant is None else low.instant
        )  # fmt: skip
    if high is not None:
        last = high.session if dates else (
            (high.session + 1) * DAY_US - 1 if high.instant is None else high.instant
        )  # fmt: skip
    if first > last:
        raise DataError(f"start ({start}) is after end ({end})", code="BAD_RANGE")
    return first, last


def by_symbol(table: Any) -> Iterable[tuple[str, Any]]:
    """Yield symbol and rows of a table whose rows of one symbol follow each other."""
    column = table[SYMBOL].combine_chunks()
    names = column.dictionary.to_pylist()
    index = raw_values(column.indices)
    edges = np.flatnonzero(np.diff(index)) + 1
    for start, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(index)], strict=True):
        if stop > start:
            yield names[int(index[start])], table.slice(start, stop - start)


def _numpy(array: Any, symbol: str, name: str) -> Array:
    if str(array.type) == "string":
        return np.array(array.to_pylist(), dtype=object)
    if validity(array) is not None:
        raise DataError(
            "a value is missing, and an array of NumPy cannot say so",
            code="EMPTY_CELL",
            where=f"{symbol}, {name}",
            hint="Use to_arrow(), to_pandas() or to_polars().",
        )
    return np.array(raw_values(array))


def _damaged(entry: DataFile | SideFile, what: str) -> DataError:
    return DataError(
        f"a file of the dataset is damaged: {what}",
        code="DAMAGED_FILE",
        where=entry.sha256,
        hint="Its bytes are not those that were stored: restore it from a copy.",
    )
