"""Sorting what does not fit in memory: sorted runs on disk, put together symbol by symbol."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from alphintra.data.arrow import whole
from alphintra.ingest.staging import Block
from alphintra.ingest.zones import I64

RUN_BYTES = 12 << 20
TIME, ORDER = "t", "n"


@dataclass(frozen=True, eq=False)
class _Slice:
    """Rows of one symbol in one run, in the order of their times."""

    table: Any
    times: I64

    def part(self, first: int, last: int) -> _Slice:
        return _Slice(self.table.slice(first, last - first), self.times[first:last])


class Runs:
    """Takes blocks in any order, and gives them back sorted by symbol, time, and the order in which they came.

    Args:
        folder: Where the runs are.
        schema: The columns of staging; those after the first two are kept.
        size: Bytes of a run; half as many are put together at once.
    """

    def __init__(self, folder: Path, schema: Any, size: int = RUN_BYTES) -> None:
        self._folder, self._size = folder, size
        self._schema = pa.schema([(TIME, pa.int64()), (ORDER, pa.int64()), *list(schema)[2:]])
        self._held: list[tuple[Block, int]] = []
        self._bytes = 0
        self._rows = 0
        self._maps: list[mmap.mmap] = []
        self._tables: list[Any] = []
        self._where: dict[str, list[tuple[int, int, int]]] = {}
        self._width = 1.0

    def add(self, block: Block) -> None:
        """Take rows."""
        if not len(block.codes):
            return
        self._held.append((block, self._rows))
        self._rows += len(block.codes)
        self._bytes += 24 * len(block.codes) + sum(value.nbytes for value in block.values)
        if self._bytes >= self._size:
            self._flush()

    def blocks(self) -> Iterator[tuple[Block, I64]]:
        """Yield all rows, sorted, each block with the places at which its rows came, from 0."""
        self._flush()
        for symbol in sorted(self._where, key=str.encode):
            slices = []
            for run, first, last in self._where[symbol]:
                table = self._tables[run].slice(first, last - first)
                slices.append(_Slice(table, np.asarray(table.column(0).chunk(0))))
            for piece in self._pieces(slices):
                table = pa.concat_tables([own.table for own in piece])
                times = np.concatenate([own.times for own in piece])
                if (np.diff(times) < 0).any():
                    order = np.argsort(times, kind="stable")
                    table, times = table.take(pa.array(order)), times[order]
                values = [whole(table.column(place)) for place in range(2, table.num_columns)]
                places = np.array(whole(table.column(1)), dtype=np.int64)
                self._forget()
                yield Block([symbol], np.zeros(len(times), dtype=np.int64), times, values), places

    def close(self) -> None:
        """Let go of the files."""
        self._tables.clear()
        self._where.clear()
        self._maps.clear()

    def _pieces(self, slices: list[_Slice]) -> Iterator[list[_Slice]]:
        """Cut the rows of a symbol by time until each piece fits in memory."""
        slices = [own for own in slices if len(own.times)]
        rows = sum(len(own.times) for own in slices)
        if 2 * rows * self._width <= self._size or rows <= 1:
            if slices:
                yield slices
            return
        first = min(int(own.times[0]) for own in slices)
        samples = np.concatenate([own.times[:: max(1, len(own.times) // 256)] for own in slices])
        pivot = int(np.sort(samples)[len(samples) // 2])
        if pivot == first:
            later = [int(own.times[-1]) for own in slices if own.times[-1] > first]
            if not later:  # one time: the order in which the rows came is theirs
                step = max(1, int(self._size / self._width / 2))
                for own in slices:
                    for start in range(0, len(own.times), step):
                        yield [own.part(start, min(start + step, len(own.times)))]
                return
            ends = [np.searchsorted(own.times, first, side="right") for own in slices]
            pivot = min(int(own.times[end]) for own, end in zip(slices, ends, strict=True) if end < len(own.times))
        cuts = [int(np.searchsorted(own.times, pivot, side="left")) for own in slices]
        yield from self._pieces([own.part(0, cut) for own, cut in zip(slices, cuts, strict=True)])
        yield from self._pieces([own.part(cut, len(own.times)) for own, cut in zip(slices, cuts, strict=True)])

    def _flush(self) -> None:
        """Sort what is held, and write it."""
        if not self._held:
            return
        names: dict[str, int] = {}
        codes, batches = [], []
        for block, start in self._held:
            own = np.array([names.setdefault(symbol, len(names)) for symbol in block.symbols], dtype=np.int64)
            codes.append(own[block.codes])
            places = pa.array(np.arange(start, start + len(block.codes), dtype=np.int64))
            batches.append(
                pa.RecordBatch.from_arrays([pa.array(block.times), places, *block.values], schema=self._schema)
            )
        self._held, self._bytes = [], 0
        table = pa.Table.from_batches(batches)
        order, bounds, listed = _order(np.concatenate(codes), list(names), np.asarray(whole(table.column(0))))
        self._width = max(self._width, table.nbytes / table.num_rows)
        self._keep(table.take(pa.array(order)).combine_chunks())
        run = len(self._tables) - 1
        for symbol, first, last in zip(listed, bounds[:-1], bounds[1:], strict=True):
            self._where.setdefault(symbol, []).append((run, first, last))
        pa.default_memory_pool().release_unused()  # else it keeps what each run needed

    def _keep(self, table: Any) -> None:
        """Write a run, and map it: what is read of it is memory only while it is used."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{len(self._tables):05}.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, self._schema) as writer:
            writer.write_table(table)
        with path.open("rb") as file:
            own = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        path.unlink()
        self._maps.append(own)
        self._tables.append(pa.ipc.open_file(pa.py_buffer(own)).read_all())

    def _forget(self) -> None:
        for own in self._maps:
            own.madvise(mmap.MADV_DONTNEED)


def _order(codes: I64, symbols: list[str], times: I64) -> tuple[I64, list[int], list[str]]:
    """Return the order by symbol and time, where each symbol begins and the last one ends, and the symbols."""
    by_name = sorted(range(len(symbols)), key=lambda place: symbols[place].encode())
    rank = np.empty(len(symbols), dtype=np.int64)
    rank[by_name] = np.arange(len(symbols))
    ranks = rank[codes]
    # Narrow numbers are sorted by their digits, not by comparison.
    order = np.argsort(ranks.astype(np.uint16 if len(symbols) <= 1 << 16 else np.int64), kind="stable")
    ranks, sorted_times = ranks[order], times[order]
    if ((np.diff(ranks) == 0) & (np.diff(sorted_times) < 0)).any():
        order = np.lexsort((times, rank[codes]))
    bounds = np.searchsorted(ranks, np.arange(len(symbols) + 1)).tolist()
    return order, bounds, [symbols[place] for place in by_name]
