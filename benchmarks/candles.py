"""A symbol of ten million minute bars as a chart sees it, beside reading everything with pandas.

Run alone it prints a table: ``python benchmarks/candles.py [ROWS]``. What is timed is what a reader process does in the
sandbox, without its start: the first view of the whole, which reads all rows once, then views of any part, as panning
and zooming ask for them, of which the slowest counts; and the first year as CSV.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from alphintra.store.candles import MOST_POINTS, StoredSeries
from alphintra.store.columns import columns_of
from alphintra.store.exporting import FORMATS, count, rows_of, write
from alphintra.store.layout import file_name
from alphintra.store.manifest import About
from alphintra.store.opening import open_folder
from alphintra.store.writing import VersionWriter
from table import Table

ROWS = 10_000_000
#: Milliseconds that a view after the first may take.
ALLOWED = 100.0
_ROLES = {name: name for name in ("time", "open", "high", "low", "close", "volume")}
_PART = 1_000_000
_VIEWS = 60


@dataclass(frozen=True)
class Timed:
    """What was measured, in milliseconds.

    Attributes:
        first: The whole for the first time.
        slowest: The slowest of the views after it.
        usual: Their median.
        pandas: Reading all rows and grouping them.
        csv: Megabytes a second of a CSV.
        kept: Bytes that are kept for further views.
        rows: Bars that there are.
    """

    first: float
    slowest: float
    usual: float
    pandas: float
    csv: float
    kept: int
    rows: int


def made(folder: Path, rows: int) -> None:
    """Write a version of one symbol."""
    dice = np.random.default_rng(1)
    columns = None
    writer = None
    last = 100.0
    for first in range(0, rows, _PART):
        size = min(_PART, rows - first)
        close = np.round(last * np.exp(np.cumsum(dice.normal(0, 3e-4, size))), 2)
        opened = np.concatenate([[last], close[:-1]])
        last = float(close[-1])
        table = pa.table(
            {
                "time": pa.array(60_000_000 * np.arange(first, first + size)).cast(pa.timestamp("us", "UTC")),
                "open": opened,
                "high": np.maximum(opened, close) + 0.01,
                "low": np.minimum(opened, close) - 0.01,
                "close": close,
                "volume": dice.integers(1, 900, size).astype(float),
            }
        )
        if writer is None:
            columns = columns_of(table.schema, _ROLES)
            writer = VersionWriter(folder, "v1", columns, About(timeframe="1min")).__enter__()
        writer.add("A", table)
    assert writer is not None
    with writer:
        writer.finish()


def measure(folder: Path) -> Timed:
    """Time the views of a version.

    Raises:
        AssertionError: A view is not what pandas makes of the same rows.
    """
    version = open_folder(folder)
    began = time.perf_counter()
    series = StoredSeries(version, "A")
    whole = series.rows(0, series.count, MOST_POINTS)
    first = time.perf_counter() - began
    dice = np.random.default_rng(2)
    views = []
    for _ in range(_VIEWS):
        width = int(np.exp(dice.uniform(np.log(500), np.log(series.count))))
        at = int(dice.integers(0, series.count - width + 1))
        began = time.perf_counter()
        series.rows(at, at + width, MOST_POINTS)
        views.append(time.perf_counter() - began)
    began = time.perf_counter()
    files = [folder / file_name(file.sha256) for file in version.manifest.files]
    frame = pd.concat([pd.read_parquet(path, columns=list(_ROLES)) for path in files], ignore_index=True)
    grouped = frame.groupby(np.arange(len(frame)) // whole.rows_each)
    want = grouped.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    by_pandas = time.perf_counter() - began
    for name in want.columns:
        assert np.array_equal(getattr(whole, name), want[name]), name
    out = io.BytesIO()
    some = rows_of(version, None, None, None, "1970-12-31")
    began = time.perf_counter()
    write(some, FORMATS["csv"], out, count(some, FORMATS["csv"]))
    rate = len(out.getvalue()) / 1e6 / (time.perf_counter() - began)
    return Timed(
        first * 1e3, max(views) * 1e3, float(np.median(views)) * 1e3, by_pandas * 1e3, rate, series.kept, series.count
    )


def show(found: Timed, table: Table) -> None:
    """Print the lines of the table of ``make bench``."""
    work = f"a view of {found.rows:,} bars, the slowest"
    table.seconds(work, found.slowest / 1e3, f"≤ {ALLOWED / 1e3:g} s", found.slowest <= ALLOWED)
    table.peer_seconds("the first view of the whole", found.first / 1e3)
    table.peer_seconds("pandas: read all, group", found.pandas / 1e3)


def main(rows: int = ROWS) -> int:
    """Print what was measured; 1 where a view takes longer than it may."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made(folder, rows)
        found = measure(folder)
    print(f"{rows:,} bars, at most {MOST_POINTS:,} candles a view; {found.kept / 2**20:.0f} MiB are kept for the next")
    for work, took in (
        ("first view of the whole", found.first),
        (f"any other view, the slowest of {_VIEWS}", found.slowest),
        (f"any other view, the median of {_VIEWS}", found.usual),
        ("pandas: read all, group", found.pandas),
    ):
        print(f"{work:<40}{took:>10,.1f} ms")
    print(f"{'CSV':<40}{found.csv:>10,.1f} MB/s")
    return int(found.slowest > ALLOWED)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:2])))
