"""Stored datasets: what a version takes to be written, hashed, and read in part, on seeded minute bars.

``python benchmarks/stored_datasets.py`` prints the figures; ``--symbols`` and ``--rows`` make it small. First it
checks: the content hash of what was written is that of the same arrays hashed in memory, and a symbol that was read
equals what it was made of.
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
from alphintra.store import About, Column, VersionWriter, converting, reading
from alphintra.store.hashing import stored_hash
from alphintra.store.opening import open_folder
from table import Table

#: The file of the issue: 10 symbols × 1.4 M minutes.
HASHED = (10, 1_400_000)
#: Ten years of minutes of a share: 2,520 sessions × 390.
UNIVERSE = (500, 982_800)
#: How many of the universe's symbols are written; the manifest tells of all of them, and only one is read.
WRITTEN = 20
#: Targets in seconds.
HASH, RANGE, PREVIEW = 0.4, 0.05, 0.2
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
        rows: Rows that were written and hashed.
        write: Rows to files, with statistics and hash.
        hash: The hash of the same rows in memory, on two threads.
        range: One symbol, all its rows, out of the universe: manifest in memory, files in the page cache.
        first: The same with the manifest read and checked before.
        preview: Manifest of the universe read and checked, which is all that a preview needs.
        size: Bytes of the files of ``write``.
        read: Rows of ``range``.
        symbols: Symbols of the universe.
        problem: What was not equal, or ``None``.
    """

    rows: int
    write: float
    hash: float
    range: float
    first: float
    preview: float
    size: int
    read: int
    symbols: int
    problem: str | None


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


def as_arrow(values: dict[str, Any]) -> pa.Table:
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
    """Write, hash and read, and compare what came back.

    Args:
        folder: Where files are written.
        hashed: Symbols, and rows of each, that are written and hashed.
        universe: Symbols, and rows of each, of which one symbol is read.
    """
    arrays = {f"S{i:02}": minutes(i, hashed[1]) for i in range(hashed[0])}
    few = {symbol: arrays[symbol] for symbol in list(arrays)[:2]}
    problems = []
    if write(folder / "few", ((symbol, as_arrow(v)) for symbol, v in few.items())).content_hash != content_hash(few):
        problems.append("the hash of a version and that of its arrays")
    many = {symbol: as_arrow(values) for symbol, values in arrays.items()}
    del arrays, few
    wrote = _best(lambda: _again(folder / "many", many), 2)
    manifest = open_folder(folder / "many").manifest
    hash_ = _best(lambda: stored_hash(manifest, many.items()), 3)
    if stored_hash(manifest, many.items())[0] != manifest.content_hash:
        problems.append("the hash of a version and that of its rows")
    many.clear()
    spent, same = _universe(folder / "universe", *universe)
    if not same:
        problems.append("rows that were read and rows that were written")
    size = sum(file.bytes for file in manifest.files)
    return Measured(
        manifest.rows, wrote, hash_, *spent, size=size, read=universe[1], symbols=universe[0],
        problem="; ".join(problems) or None,
    )  # fmt: skip


def _universe(folder: Path, symbols: int, rows: int) -> tuple[tuple[float, float, float], bool]:
    """Read one symbol out of many: seconds with the manifest in memory, with it read, for it alone; and if it is right.

    Large symbols have files of their own, so the universe's other symbols are entries of the manifest alone.
    """
    count = min(WRITTEN, symbols)
    written = write(folder, ((f"S{i:03}", as_arrow(minutes(i, rows))) for i in range(count)))
    (folder / "manifest.json").write_bytes(_with_symbols(written, symbols).to_json())
    version = open_folder(folder)
    chosen = f"S{count // 2:03}"
    got = converting.to_numpy(reading.read(version, chosen))[chosen]
    want = minutes(count // 2, rows)
    return (
        _best(lambda: reading.read(version, chosen), 7),
        _best(lambda: reading.read(open_folder(folder), chosen), 7),
        _best(lambda: open_folder(folder), 7),
    ), all(np.array_equal(got[name], want[name]) for name in want)


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


def show(found: Measured, out: Table) -> None:
    """Print the lines of the table of ``make bench``."""
    work = f"content hash of {found.rows / 1e6:g} M rows in memory"
    out.seconds(work, found.hash, f"≤ {HASH:g} s", found.hash <= HASH)
    out.peer_seconds("written with statistics and hash in", found.write)
    work = f"one symbol of {found.symbols}, {found.read:,} minutes"
    out.seconds(work, found.range, f"≤ {RANGE:g} s", found.range <= RANGE)
    out.peer_seconds("its manifest read and checked before", found.first)
    out.seconds("statistics and sample of a dataset", found.preview, f"≤ {PREVIEW:g} s", found.preview <= PREVIEW)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=HASHED[0], help="symbols that are written and hashed")
    parser.add_argument("--rows", type=int, default=HASHED[1], help="rows of each")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alphintra-datasets-") as name:
        found = measure(Path(name), (args.symbols, args.rows), (UNIVERSE[0], min(args.rows, UNIVERSE[1])))
    if found.problem:
        print(f"NOT EQUAL: {found.problem}")
        return 1
    table = Table()
    show(found, table)
    table.note(f"{found.size / found.rows:.2f} bytes a row.")
    table.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
