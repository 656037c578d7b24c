"""Rows on their way from a reader of files to a version: sorted, read once, the next while these are worked on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from alphintra.data.arrow import whole
from alphintra.store.columns import SYMBOL
from alphintra.store.converting import by_symbol


def rows_by_symbol(batches: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Yield symbol and rows of Arrow batches or tables with a column ``symbol``, sorted by it.

    The next batch is taken while the one before is worked on: DuckDB's ``to_arrow_reader`` reads a file meanwhile, so
    that nothing needs to be written in between. A batch that holds several symbols comes in several pieces; other
    columns than those of the version (such as ``_row``, the place in the source) come along.
    """
    import pyarrow as pa

    for batch in _ahead(iter(batches)):
        table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
        at = table.schema.get_field_index(SYMBOL)
        symbols = whole(table.column(at))
        if not pa.types.is_dictionary(symbols.type):
            table = table.set_column(at, SYMBOL, symbols.dictionary_encode())
        yield from by_symbol(table)


def staged_rows(paths: Sequence[Path]) -> Iterator[tuple[str, Any]]:
    """Yield symbol and rows of Parquet files with a column ``symbol``, one file going on where another ended.

    Args:
        paths: The files in their order, sorted by symbol and time.
    """
    return rows_by_symbol(_groups(paths))


def _ahead(items: Iterator[Any]) -> Iterator[Any]:
    """Yield items, of which the next one is made meanwhile."""
    with ThreadPoolExecutor(1) as executor:
        coming = executor.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = executor.submit(next, items, None)
            yield item


def _groups(paths: Sequence[Path]) -> Iterator[Any]:
    import pyarrow.parquet as pq

    for path in paths:
        with pq.ParquetFile(path, read_dictionary=[SYMBOL]) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number, use_threads=False)
