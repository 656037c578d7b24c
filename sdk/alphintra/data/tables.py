"""Data given directly, as a table of Arrow columns: from CSV, Parquet or a pandas DataFrame."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".pq")
INDEX = ""
"""Name of a column that is an index or has no name."""


@dataclass(frozen=True)
class RawTable:
    """Columns as they came, before anything is known about them.

    Attributes:
        source: What errors call it: the file's name, ``DataFrame`` or ``DataFrame 'AAPL'``.
        names: Column names; the index or an unnamed column is the empty string.
        columns: Arrow columns, in the order of ``names``.
        time_index: Position of a DatetimeIndex, which is the time whatever other columns say.
        line_of: Line in the file of a data row (both from 1), where the source has lines.
    """

    source: str
    names: tuple[str, ...]
    columns: tuple[Any, ...]
    time_index: int | None = None
    line_of: Callable[[int], int] | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns[0]) if self.columns else 0

    def where(self, row: int, column: str | None = None) -> str:
        """Return the place of a row (from 0) as errors name it."""
        text = f"{self.source}, row {row + 1}"
        if self.line_of is not None:
            text += f" (line {self.line_of(row + 1)})"
        return text + (f", column '{column}'" if column else "")


def file_suffix(path: Path) -> str | None:
    """Return the suffix by which a file is read, or ``None`` for other files."""
    return next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)


def read_file(path: Path) -> RawTable:
    """Read a CSV (also gzipped) or Parquet file.

    Raises:
        DataError: The file is empty, damaged, of another kind, or a cell is not what it must be.
    """
    from alphintra.data.csv_file import read_csv

    suffix = file_suffix(path)
    if suffix is None:
        raise DataError(
            f"'{path.name}' is neither CSV nor Parquet",
            code="UNKNOWN_FILE_TYPE",
            hint="Names end in " + ", ".join(SUFFIXES) + ".",
        )
    if not path.is_file():
        raise DataError(f"'{path}' is not a file", code="NOT_A_FILE")
    if path.stat().st_size == 0:
        raise DataError("the file is empty", code="EMPTY_FILE", where=path.name)
    if suffix in (".parquet", ".pq"):
        return read_parquet(path)
    raw = path.read_bytes()
    if suffix == ".csv.gz":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError) as error:
            raise DataError("the gzip file is damaged", code="DAMAGED_FILE", where=path.name) from error
    return read_csv(raw, path.name)


def read_parquet(path: Path) -> RawTable:
    """Read a Parquet file; a pandas index in it counts as the unnamed column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise DataError("the file is not a readable Parquet file", code="DAMAGED_FILE", where=path.name) from error
    names = tuple(INDEX if name.startswith("__index_level_") else name for name in table.column_names)
    return RawTable(path.name, names, tuple(table.columns))


def from_frame(frame: pd.DataFrame, source: str) -> RawTable:
    """Take the columns of a DataFrame, its index as the unnamed column."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(frame.columns, pd.MultiIndex):
        raise DataError(
            "the columns have several levels",
            code="MULTI_INDEX",
            where=source,
            hint="Give one symbol's frame, or a dict of them: {'AAPL': frame['AAPL'], …}.",
        )
    if isinstance(frame.index, pd.MultiIndex):
        raise DataError(
            "the index has several levels",
            code="MULTI_INDEX",
            where=source,
            hint="Give a dict of frames, one for each symbol.",
        )
    names = [INDEX if _missing(name) else str(name) for name in frame.columns]
    columns = [_column(frame.iloc[:, position], source, names[position]) for position in range(len(names))]
    if isinstance(frame.index, pd.RangeIndex):
        return RawTable(source, tuple(names), tuple(columns))
    named = str(frame.index.name) if frame.index.name is not None else INDEX
    columns.insert(0, _column(frame.index.to_series(), source, named or "index"))
    time_index = 0 if isinstance(frame.index, pd.DatetimeIndex) else None
    table = tuple(pa.chunked_array([c]) if isinstance(c, pa.Array) else c for c in columns)
    return RawTable(source, (named, *names), table, time_index=time_index)


def _column(series: pd.Series[Any], source: str, name: str) -> Any:
    """Convert a pandas column; objects become text, so that each cell is judged by itself."""
    import pandas as pd
    import pyarrow as pa

    if series.dtype == object:
        texts = [None if _missing(value) else _text(value) for value in series]
        return pa.chunked_array([pa.array(texts, pa.string())])
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
        return _column(series, source, name)
    try:
        found = pa.array(series.array, from_pandas=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"column '{name}' has a type that cannot be read: {series.dtype}",
            code="UNKNOWN_TYPE",
            where=source,
        ) from error
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def _missing(value: Any) -> bool:
    return value is None or value != value  # NaN and NaT differ from themselves


def _text(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
