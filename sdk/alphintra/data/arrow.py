"""From columns of Arrow tables to flat arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


def whole(column: Any) -> Any:
    """Return a column of a table as one array. One that is in one piece is not copied, as ``combine_chunks`` would."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def to_array(column: Any) -> npt.NDArray[Any]:
    """Return a fresh, writable array: times as int64 microseconds, dates as int32 days.

    Not ``to_numpy``, which imports pandas. The column must have no nulls.
    """
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    return np.array(np.from_dlpack(whole(column)))


def to_table(columns: Mapping[str, Mapping[str, npt.NDArray[Any]]]) -> Any:
    """Return arrays by symbol and column as one Arrow table with the column ``symbol``.

    int32 are dates, int64 are times in microseconds UTC.
    """
    import pyarrow as pa

    from alphintra.store.columns import SYMBOL, named, numbers

    kinds = {"i4": pa.date32(), "i8": pa.timestamp("us", "UTC"), "f8": pa.float64()}
    tables = []
    for symbol, own in columns.items():
        arrays = [numbers(values).view(kinds[values.dtype.str[1:]]) for values in own.values()]
        index = np.zeros(len(arrays[0]), dtype=np.int32)
        tables.append(pa.Table.from_arrays([named([symbol], index), *arrays], names=[SYMBOL, *own]))
    return pa.concat_tables(tables).unify_dictionaries()
