"""Random versions, written, added to and compared, with blocks so small that every edge of them is met."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from alphintra.data.content_hash import content_hash
from alphintra.store import VersionWriter, reading
from alphintra.store.candles import candles
from alphintra.store.columns import columns_of
from alphintra.store.comparing import compare
from alphintra.store.hashing import stored_hash
from alphintra.store.open_file import Rules
from alphintra.store.opening import open_folder

from .made import START, arrays

BLOCK = 8
SEEDS = 4
ROLES = {"time": "time", "close": "close"}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    for module in ("data.content_hash", "store.hashing", "store.parent", "store.comparing"):
        monkeypatch.setattr(f"alphintra.{module}.BLOCK_ROWS", BLOCK)


def table(rng, rows):
    """Some rows with gaps in time, missing numbers, and missing texts."""
    close = rng.choice([1.0, 2.0, 3.5, np.nan], rows)
    text = pa.array(rng.choice(["a", "bb", "日本", None], rows).tolist(), pa.string())
    time = pa.array(START + np.sort(rng.choice(4 * rows + 4, rows, replace=False)), pa.timestamp("us", "UTC"))
    return pa.table({"time": time, "close": close, "text": text, "n": rng.integers(0, 3, rows)})


def write(folder, tables, rng, parent=None):
    """Write in pieces of any size, with groups and files of any size."""
    rules = Rules(*(int(rng.integers(1, most)) for most in (30, 6, 9_000, 9_000)))
    columns = columns_of(next(iter(tables.values())).schema, ROLES)
    with VersionWriter(folder, folder.name, columns, rules=rules, parent=parent) as writer:
        for symbol in sorted(tables):
            start = 0
            while start < len(tables[symbol]):
                count = int(rng.integers(1, 25))
                writer.add(symbol, tables[symbol].slice(start, count))
                start += count
        writer.finish()
    return folder


def joined(folder, parent):
    """Open a version whose parent's files lie in another folder, as a store would have them together."""
    if parent is not None:
        for path in parent.glob("*.parquet"):
            if not (folder / path.name).exists():
                (folder / path.name).hardlink_to(path)
    return open_folder(folder)


def rows_of(version):
    """All rows as a DataFrame."""
    read = reading.read(version).to_pandas()
    return read.assign(symbol=read["symbol"].astype(str))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_life_of_a_dataset(tmp_path, seed):
    rng = np.random.default_rng(seed)
    whole = {f"S{i}": table(rng, int(rng.integers(1, 70))) for i in range(rng.integers(1, 6))}
    cuts = {symbol: sorted(rng.integers(0, len(t) + 1, 2).tolist()) for symbol, t in whole.items()}
    parent = None
    for step in range(3):
        new = {}
        for symbol, t in whole.items():
            edges = [0, *cuts[symbol], len(t)]
            if edges[step + 1] > edges[step]:
                new[symbol] = t.slice(edges[step], edges[step + 1] - edges[step])
        if not new:
            continue
        before = None if parent is None else joined(parent, None)
        folder = write(tmp_path / f"step{step}", new, rng, before)
        version = joined(folder, parent)
        parent = folder
        held = {s: t.slice(0, [*cuts[s], len(t)][step]) for s, t in whole.items() if [*cuts[s], len(t)][step]}
        assert stored_hash(version.manifest, reading.batches(version))[0] == version.manifest.content_hash
        want = pd.concat([t.to_pandas().assign(symbol=s) for s, t in sorted(held.items())], ignore_index=True)
        pd.testing.assert_frame_equal(rows_of(version)[want.columns], want)
    once = open_folder(write(tmp_path / "once", whole, rng))
    assert version.manifest.content_hash == once.manifest.content_hash
    assert version.manifest.sample == once.manifest.sample
    numbers = {s: {n: v for n, v in own.items() if n != "text"} for s, own in arrays(whole).items()}
    plain = open_folder(write(tmp_path / "plain", {s: t.drop_columns("text") for s, t in whole.items()}, rng))
    assert plain.manifest.content_hash == content_hash(numbers)
    for symbol, t in whole.items():
        drawn = candles(once, symbol, most=10)
        groups = t.to_pandas()["close"].groupby(np.arange(len(t)) // drawn.rows_each)
        assert len(drawn.time) == groups.ngroups <= 10
        assert np.array_equal(drawn.high, groups.max().to_numpy(), equal_nan=True)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_two_versions_are_compared_as_pandas_would(tmp_path, seed):
    rng = np.random.default_rng(1_000 + seed)
    old = {f"S{i}": table(rng, int(rng.integers(1, 70))) for i in range(3)}
    new = {}
    for symbol, t in old.items():
        frame = t.to_pandas()
        for name, values in (("close", [7.0, np.nan]), ("text", ["new", None]), ("n", [9, 8])):
            for row in rng.choice(len(frame), min(len(frame), 3), replace=False):
                frame.loc[row, name] = values[rng.integers(2)]
        kept = np.sort(rng.choice(len(frame), max(1, len(frame) - int(rng.integers(0, 5))), replace=False))
        new[symbol] = pa.Table.from_pandas(frame.iloc[kept], schema=t.schema, preserve_index=False)
    if seed % 2:
        old, new = new, old
    versions = [open_folder(write(tmp_path / name, tables, rng)) for name, tables in (("old", old), ("new", new))]
    found = compare(*versions)
    left, right = (rows_of(version) for version in versions)
    merged = left.merge(right, on=["symbol", "time"], how="outer", indicator=True)
    both = merged[merged["_merge"] == "both"]
    changed = {}
    for name in ("close", "text", "n"):
        a, b = both[f"{name}_x"], both[f"{name}_y"]
        count = int(((a != b) & ~(a.isna() & b.isna())).sum())
        if count:
            changed[name] = count
    assert found.cells_changed == changed
    assert (found.rows_added, found.rows_removed) == (
        int((merged["_merge"] == "right_only").sum()), int((merged["_merge"] == "left_only").sum()),
    )  # fmt: skip
    assert len(found.places) == sum(changed.values()) + found.rows_added + found.rows_removed
    assert compare(versions[0], versions[0]).equal
