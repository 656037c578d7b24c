"""Rows between Arrow and the library of a trader's choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra.data.arrow import whole
from alphintra.errors import DataError
from alphintra.store.columns import SYMBOL, raw_values, validity
from alphintra.store.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Array = npt.NDArray[Any]
_EXACT = 2.0**53 - 1


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


def to_pandas(table: Any, manifest: Manifest, *, one: bool) -> pd.DataFrame:
    """Return rows with the time as index; the symbol before it, unless rows of ``one`` symbol were asked for."""
    frame = to_frame(table)
    name = manifest.time.name
    if manifest.time.type == "date32":
        frame[name] = frame[name].astype("datetime64[s]")
    if one:
        return frame.drop(columns=SYMBOL).set_index(name)
    return frame.set_index([SYMBOL, name])


def to_frame(table: Any) -> pd.DataFrame:
    """Return the columns as pandas has them. Whole numbers of which one is missing are floats there, as everywhere.

    Those that a float does not hold become ``Int64``: a trade's number would be another one's.
    """
    import pandas as pd

    frame: pd.DataFrame = table.to_pandas()
    for name in table.column_names:
        array = whole(table[name])
        there = validity(array) if str(array.type) == "int64" else None
        if there is None:
            continue
        values = np.where(there, raw_values(array), 0)
        if (np.abs(values.astype(np.float64)) > _EXACT).any():
            frame[name] = pd.arrays.IntegerArray(values, ~there)
    return frame


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
        out[symbol] = {name: _numpy(whole(part[name]), symbol, name) for name in names}
    return out


def by_symbol(table: Any) -> Iterator[tuple[str, Any]]:
    """Yield symbol and rows of a table whose rows of one symbol follow each other."""
    column = whole(table[SYMBOL])
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
