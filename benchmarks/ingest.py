"""One CSV of minutes becomes sorted staging, beside what DuckDB's bare ``COPY`` to Parquet takes for the same file.

``python benchmarks/ingest.py [ROWS]`` prints both, for a file that is sorted by symbol and time and for one that is
sorted by time alone, with the memory that a process of its own needed at most. Both write lz4; the rows are compared
before any figure is printed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROWS = 14_000_000
SYMBOLS = 10
#: Times that DuckDB's ``COPY`` may be exceeded, and MiB.
SORTED, UNSORTED, MEMORY = 1.5, 3.0, 600
_ROUNDS = 3


@dataclass(frozen=True)
class Measured:
    """What a file took.

    Attributes:
        name: How it is sorted.
        copy: Seconds of the bare ``COPY``, the best.
        read: Seconds of reading, the best.
        peak: MiB that reading needed at most.
        rows: How many rows there are.
    """

    name: str
    copy: float
    read: float
    peak: float
    rows: int

    @property
    def ratio(self) -> float:
        """How many times the ``COPY``."""
        return self.read / self.copy


def write(path: Path, rows: int, by_time: bool) -> None:
    """Write bars of ten symbols."""
    import duckdb

    each = rows // SYMBOLS
    order = "ORDER BY i % $each, i" if by_time else ""
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (SELECT 'S' || lpad((i // {each})::VARCHAR, 3, '0') AS symbol,
            strftime(TIMESTAMP '2010-01-04' + to_minutes((i % {each})::INT), '%Y-%m-%d %H:%M:%S') AS time,
            100 + (i * 7919 % 1000) / 100 AS open, 112 + (i * 104729 % 100) / 100 AS high,
            98 + (i * 1299709 % 100) / 100 AS low, 100 + (i * 15485863 % 1000) / 100 AS close,
            i * 32452843 % 10000 AS volume FROM range({each * SYMBOLS}) t(i) {order.replace("$each", str(each))})
            TO '{path}' (HEADER)"""
        )


def measure(path: Path, name: str, folder: Path) -> Measured:
    """Run both by turns in a process of their own."""
    found = subprocess.run(
        [sys.executable, __file__, "--child", path, folder], capture_output=True, text=True, check=True, timeout=1_800
    )  # fmt: skip
    own: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return Measured(name, own["copy"], own["read"], own["peak"], own["rows"])


def run(rows: int = ROWS) -> list[Measured]:
    """Measure a sorted and an unsorted file."""
    found = []
    with tempfile.TemporaryDirectory(prefix="ingest-bench-") as name:
        folder = Path(name)
        for title, by_time in (("sorted by symbol and time", False), ("sorted by time", True)):
            path = folder / "minutes.csv"
            write(path, rows, by_time)
            found.append(measure(path, title, folder))
    return found


def _child(path: Path, folder: Path) -> dict[str, float]:
    """Read first, so that its memory is known before DuckDB's bare run needs its own."""
    import shutil
    from dataclasses import replace

    import duckdb
    import pyarrow.parquet as pq
    from alphintra.ingest.inspecting import inspect
    from alphintra.ingest.reading import read

    mapping = replace(inspect(path, folder / "spool").guess.mapping, zone="UTC")
    reads, copies = [], []
    peak = 0.0
    for turn in range(_ROUNDS):
        shutil.rmtree(folder / "staging", ignore_errors=True)
        start = time.perf_counter()
        staged = read(path, mapping, folder / "staging")
        reads.append(time.perf_counter() - start)
        if not turn:
            peak = _peak()
        with duckdb.connect(config={"threads": 2, "memory_limit": "300MB"}) as connection:
            start = time.perf_counter()
            connection.execute(f"COPY (SELECT * FROM '{path}') TO '{folder}/bare.parquet' (COMPRESSION lz4_raw)")
            copies.append(time.perf_counter() - start)
    bare = pq.read_table(folder / "bare.parquet").sort_by([("symbol", "ascending"), ("time", "ascending")])
    start_row = 0
    for file in staged.files:
        own = pq.read_table(file)
        for name in ("open", "high", "low", "close", "volume"):
            wanted = bare[name].slice(start_row, len(own)).cast("double")
            if not own[name].combine_chunks().equals(wanted.combine_chunks()):
                raise SystemExit(f"{name} differs in {file.name}")
        start_row += len(own)
    if start_row != len(bare):
        raise SystemExit(f"{start_row:,} rows were read of {len(bare):,}")
    return {"copy": min(copies), "read": min(reads), "peak": peak, "rows": start_row}


def _peak() -> float:
    """Return the MiB that this process needed at most; ``getrusage`` has those of the one that started it as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Print the figures."""
    if len(sys.argv) > 3 and sys.argv[1] == "--child":
        print(json.dumps(_child(Path(sys.argv[2]), Path(sys.argv[3]))))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    print(f"{'file':<28}{'rows':>12}{'COPY s':>9}{'read s':>9}{'times':>8}{'allowed':>9}{'MiB':>7}{'allowed':>9}")
    for own, allowed in zip(run(rows), (SORTED, UNSORTED), strict=True):
        print(
            f"{own.name:<28}{own.rows:>12,}{own.copy:>9.2f}{own.read:>9.2f}{own.ratio:>8.2f}{allowed:>9}"
            f"{own.peak:>7.0f}{MEMORY:>9}"
        )


if __name__ == "__main__":
    main()
