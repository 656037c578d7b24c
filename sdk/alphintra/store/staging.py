"""Rows on their way from a reader of files to a version: Parquet, sorted, read once and a row group ahead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from alphintra.store.columns import SYMBOL
from alphintra.store.converting import by_symbol


def staged_rows(paths: Sequence[Path]) -> Iterator[tuple[str, Any]]:
    """Yield symbol and rows of files that are sorted by symbol and time, one file going on where another ended.

    Each row group is read while the one before it is worked on. One that holds several symbols comes in several
    pieces. Columns that no version has (such as ``_row``, the place in the source) come along.

    Args:
        paths: Parquet files with a column ``symbol`` of texts, in their order.
    """
    with ThreadPoolExecutor(1) as executor:
        ahead = None
        groups = _groups(paths)
        while True:
            current = ahead.result() if ahead is not None else next(groups, None)
            if current is None:
                return
            ahead = executor.submit(next, groups, None)
            yield from by_symbol(current)


def _groups(paths: Sequence[Path]) -> Iterator[Any]:
    import pyarrow.parquet as pq

    for path in paths:
        with pq.ParquetFile(path, memory_map=True, read_dictionary=[SYMBOL]) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number, use_threads=False)
