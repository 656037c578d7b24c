"""Stored datasets: what a version takes to be written, hashed, and read in part, on seeded minute bars.

``python benchmarks/datasets.py`` prints the figures; ``--symbols`` and ``--rows`` make it small. First it checks: the
content hash of what was written is that of the same arrays hashed in memory, and a range that was read equals the
rows it was cut from.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from alphintra.data.content_hash import content_hash
from alphintra.store import About, Column, VersionWriter, reading
from alphintra.store.hashing import stored_hash
from alphintra.store.opening import open_folder

#: The file of the issue: 10 symbols × 1.4 M minutes.
HASHED = (10, 1_400_000)
#: Ten years of minutes of a share: 2,520 sessions × 390.
UNIVERSE = (500, 982_800)
#: How many of the universe's symbols are written; the manifest tells of all of them, and only one is read.
WRITTEN = 20
TARGET_RANGE = 0.050
TARGET_HASH = 0.4
_MINUTE = 60_000_000
_START = 1_262_304_000_000_000
COLUMNS = (
    Column("time", "timestamp[us, UTC]", "time"),
    *(Column(name, "double", name) for name in ("open", "high", "low", "close", "volume")),
)


@dataclass(frozen=True)
class Measured:
    """Seconds.

    Attributes:
        write: Rows to files, with statistics and hash.
        hash: The hash of rows in memory, on two threads.
        range: One symbol, all its rows, out of the universe: manifest in memory, files in the page cache.
        first: The same with the manifest read and checked before.
        preview: Manifest of the universe read and checked, which is all that a preview needs.
        size: Bytes of the files of ``write``.
    """

    write: float
    hash: float
    range: float
    first: float
    preview: float
    size: int


def minutes(symbol: int, rows: int) -> dict[str, Any]:
    """Return a seeded walk of one symbol, prices in cents."""
    rng = np.random.default_rng(symbol)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 5e-4, rows))), 2)
    opened = np.concatenate([close[:1], close[:-1]])
    return {
        "time": _START + _MINUTE * np.arange(rows),
        "open": opened,
        "high": np.round(np.maximum(opened, close) + 0.01 * rng.integers(0, 5, rows), 2),
        "low": np.round(np.minimum(opened, close) - 0.01 * rng.integers(0, 5, rows), 2),
        "close": close,
        "volume": rng.lognormal(7, 1, rows).round(),
    }


def table(values: dict[str, Any]) -> pa.Table:
    """Return arrays as an Arrow table."""
    time_ = pa.array(values["time"]).cast(pa.timestamp("us", "UTC"))
    return pa.table({"time": time_} | {name: pa.array(v) for name, v in values.items() if name != "time"})


def write(folder: Path, tables: Iterable[tuple[str, pa.Table]]) -> Any:
    """Write a version."""
    with VersionWriter(folder, "v1", COLUMNS, About(timeframe="1min")) as writer:
        for symbol, rows in tables:
            writer.add(symbol, rows)
        return writer.finish()


def measure(folder: Path, hashed: tuple[int, int] = HASHED, universe: tuple[int, int] = UNIVERSE) -> Measured:
    """Check, then measure.

    Raises:
        AssertionError: A hash or a range is not what it has to be.
    """
    small = {f"S{i}": minutes(i, min(hashed[1], 200_000)) for i in range(2)}
    written = write(folder / "small", ((symbol, table(values)) for symbol, values in small.items()))
    assert written.content_hash == content_hash(small), "the hash of what was written is another"
    many = {f"S{i:02}": table(minutes(i, hashed[1])) for i in range(hashed[0])}
    spent = {"write": _best(lambda: _again(folder / "many", many), 2)}
    manifest = open_folder(folder / "many").manifest
    spent["hash"] = _best(lambda: stored_hash(manifest, many.items()), 3)
    assert stored_hash(manifest, many.items())[0] == manifest.content_hash, "the hash of what was written is another"
    size = sum(file.bytes for file in manifest.files)
    many.clear()
    return Measured(**spent, **_universe(folder / "universe", *universe), size=size)


def _universe(folder: Path, symbols: int, rows: int) -> dict[str, float]:
    """Read one symbol out of many, of which those before and after it are written."""
    count = min(WRITTEN, symbols)
    written = write(folder, ((f"S{i:03}", table(minutes(i, rows))) for i in range(count)))
    # Symbols are written with files of their own here, so the rest of the universe is entries of the manifest alone.
    raw = _with_symbols(written, symbols).to_json()
    (folder / "manifest.json").write_bytes(raw)
    version = open_folder(folder)
    chosen = f"S{count // 2:03}"
    got = reading.to_numpy(reading.read(version, chosen))[chosen]
    want = minutes(count // 2, rows)
    assert all(np.array_equal(got[name], want[name]) for name in want), "a range is not what was written"
    return {
        "range": _best(lambda: reading.read(version, chosen), 7),
        "first": _best(lambda: reading.read(open_folder(folder), chosen), 7),
        "preview": _best(lambda: open_folder(folder), 7),
    }


def _with_symbols(manifest: Any, symbols: int) -> Any:
    """Return a manifest with entries for ``symbols`` symbols, by repeating its files under other names."""
    from dataclasses import replace

    count = len(manifest.symbols)
    files = list(manifest.files)
    for number in range(count, symbols, count):
        for place, file in enumerate(manifest.files):
            kept = file.symbol + number < symbols
            if kept.any():
                sha256 = f"{number:08x}{place:08x}{file.sha256[16:]}"
                parts = {name: getattr(file, name)[kept] for name in ("rows", "first", "last")}
                files.append(replace(file, sha256=sha256, symbol=file.symbol[kept] + number, **parts))
    return replace(manifest, symbols=tuple(f"S{i:03}" for i in range(symbols)), files=tuple(files))


def _again(folder: Path, tables: dict[str, pa.Table]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    write(folder, tables.items())


def _best(work: Callable[[], Any], repeats: int) -> float:
    spent = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return min(spent)


def show(folder: Path, out: Any) -> None:
    """Measure and print the lines of the table of ``make bench``."""
    found = measure(folder)
    rows = HASHED[0] * HASHED[1]
    out.seconds(f"content hash of {rows / 1e6:g} M rows in memory", found.hash, "≤ 0.4 s", found.hash <= TARGET_HASH)
    out.peer_seconds("written with statistics and hash in", found.write)
    work = f"one symbol of {UNIVERSE[0]}, ten years of minutes"
    out.seconds(work, found.range, "≤ 0.05 s", found.range <= TARGET_RANGE)
    out.peer_seconds("its manifest read and checked before", found.first)
    out.seconds("statistics and sample of any dataset", found.preview, "≤ 0.2 s", found.preview <= 0.2)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=HASHED[0], help="symbols that are written and hashed")
    parser.add_argument("--rows", type=int, default=HASHED[1], help="rows of each")
    args = parser.parse_args()
    universe = (UNIVERSE[0], min(args.rows, UNIVERSE[1]))
    with tempfile.TemporaryDirectory(prefix="alphintra-datasets-") as folder:
        found = measure(Path(folder), (args.symbols, args.rows), universe)
    rows = args.symbols * args.rows
    print(
        f"{rows:,} rows: written in {found.write:.2f} s ({found.size / rows:.2f} bytes a row), "
        f"hashed in {found.hash:.3f} s\n"
        f"one symbol of {universe[0]}, {universe[1]:,} rows: {found.range * 1e3:.1f} ms; "
        f"{found.first * 1e3:.1f} ms with its manifest; manifest alone {found.preview * 1e3:.1f} ms"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
