"""Small versions for the tests: seeded walks, written with few rows a group so that they have many groups and files."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from alphintra.data.content_hash import content_hash
from alphintra.store.columns import columns_of
from alphintra.store.converting import to_arrow
from alphintra.store.manifest import About
from alphintra.store.open_file import Rules
from alphintra.store.writing import VersionWriter

MINUTE = 60_000_000
START = 1_577_836_800_000_000  # 2020-01-01 00:00 UTC
ROLES = {name: name for name in ("time", "open", "high", "low", "close", "volume")}
ABOUT = About(asset_class="CRYPTO", timeframe="1min", calendar="24/7", currency="USD", adjustment="raw")
SMALL = Rules(group_rows=1_000, groups=4, file_bytes=1 << 30, shared_bytes=1 << 30)


def bars(rows, seed=0, start=START):
    """Minute bars of one symbol as an Arrow table."""
    rng = np.random.default_rng(seed)
    close = np.round(100 + np.cumsum(rng.normal(0, 0.05, rows)), 2)
    spread = np.round(rng.uniform(0, 0.2, rows), 2)
    return pa.table(
        {
            "time": pa.array(start + MINUTE * np.arange(rows), pa.int64()).cast(pa.timestamp("us", "UTC")),
            "open": np.round(close + spread / 2, 2),
            "high": close + spread,
            "low": close - spread,
            "close": close,
            "volume": rng.integers(1, 1_000, rows).astype(float),
        }
    )


def write(folder, tables, version="v1", *, rules=SMALL, about=ABOUT, roles=ROLES, seal=None, provenance=None):
    """Write tables by symbol; return the manifest."""
    columns = columns_of(next(iter(tables.values())).schema, roles)
    with VersionWriter(Path(folder), version, columns, about, rules=rules, seal=seal) as writer:
        for symbol in sorted(tables, key=str.encode):
            writer.add(symbol, tables[symbol])
        return writer.finish(provenance)


def arrays(tables):
    """The tables' values as NumPy arrays, by a way that the store does not use."""
    kinds = {"timestamp": np.int64, "date32[day]": np.int32}
    out = {}
    for symbol, table in tables.items():
        out[symbol] = {}
        for name in table.column_names:
            kind = str(table[name].type)
            values = table[name].to_pandas()
            if kind == "date32[day]":
                values = np.array(values.to_numpy(), dtype="M8[D]").astype(kinds[kind])
            elif kind.startswith("timestamp"):
                values = values.dt.as_unit("us").astype("int64").to_numpy()
            elif kind == "string":
                values = values.to_numpy().astype(object)
            else:
                values = values.to_numpy()
            out[symbol][name] = values
    return out


def expected_hash(tables):
    """The content hash of tables without missing values, by the function that hashes arrays."""
    return content_hash(arrays(tables))


def write_frames(folder, version, frames, *, roles=None):
    """Write pandas or Polars frames, or Arrow tables, by symbol; an index becomes a column."""
    tables = {symbol: to_arrow(frame) for symbol, frame in frames.items()}
    columns = columns_of(next(iter(tables.values())).schema, roles)
    with VersionWriter(folder, version, columns) as writer:
        for symbol in sorted(tables, key=str.encode):
            writer.add(symbol, tables[symbol])
        return writer.finish()
