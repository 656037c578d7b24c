"""Bars, and feature sets of all kinds, for tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from alphintra.data.saving import saving
from alphintra.store import VersionWriter
from alphintra.store.columns import columns_of
from alphintra.store.manifest import About


def bars(times: Any, seed: int = 0) -> pd.DataFrame:
    """Bars at these opens."""
    steps = np.random.default_rng(seed).normal(size=len(times)).cumsum()
    close = 100 + steps
    columns = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 1e6}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(times))


def days(start: str, count: int) -> pd.DatetimeIndex:
    """Sessions of New York in the winter of 2024: bars end at 21:00 UTC."""
    found = pd.bdate_range(start, periods=count + 2)
    return found[~found.isin(pd.to_datetime(["2024-01-15", "2024-02-19"]))][:count]


def store(folder: Path, name: str, tables: Mapping[str, pa.Table], roles: dict[str, str], about: About) -> None:
    """Keep a further version of a dataset in a folder that ``ALPHINTRA_DATASETS`` names."""
    columns = columns_of(next(iter(tables.values())).schema, roles)
    with saving(name) as own, VersionWriter(own.folder, own.version, columns, about) as writer:
        for symbol, table in sorted(tables.items()):
            writer.add(symbol, table)
        writer.finish()


def stamps(values: Any) -> pa.Array:
    """Times in UTC as they are stored."""
    return pa.array(pd.DatetimeIndex(values).as_unit("us"), pa.timestamp("us", "UTC"))
