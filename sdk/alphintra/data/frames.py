"""Datasets as pandas DataFrames; the only part of the data layer that always needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from alphintra.data.catalogue import ROOT, intraday

if TYPE_CHECKING:
    from alphintra.data.content_hash import Array
    from alphintra.data.dataset import Dataset, DatasetList

_TIMES = ("session", "open_time", "close_time")
EVENT_COLUMNS = ("symbol", "kind", "ex_date", "value", "known_from", "known_to", "source")


def to_pandas(dataset: Dataset) -> pd.DataFrame:
    """Return stored columns with the session, or an intraday bar's open time, as index."""
    stored = dataset.stored()
    by_time = intraday(dataset.manifest or {"timeframe": dataset.market().timeframe})
    parts = {symbol: _frame(columns, by_time) for symbol, columns in stored.items()}
    if len(parts) == 1:
        return next(iter(parts.values()))
    return pd.concat(parts, names=["symbol"])


def _frame(columns: dict[str, Array], by_time: bool) -> pd.DataFrame:
    index = (
        pd.DatetimeIndex(columns["open_time"].astype("M8[us]"), tz="UTC", name="time")
        if by_time
        else pd.DatetimeIndex(columns["session"].astype("M8[D]").astype("M8[s]"), name="date")
    )
    values = {name: array for name, array in columns.items() if name not in _TIMES}
    return pd.DataFrame(values, index=index)


def events(dataset: Dataset) -> pd.DataFrame:
    """Return stored splits and dividends of the dataset's symbols."""
    if not dataset.manifest or not dataset.manifest["events"]:
        return no_events()
    frame = pd.read_parquet(ROOT / dataset.manifest["name"] / "events.parquet")
    frame["ex_date"] = pd.to_datetime(frame["ex_date"])
    chosen: Any = frame["symbol"].isin(dataset.symbols)
    return frame[chosen].reset_index(drop=True)


def no_events() -> pd.DataFrame:
    """Return the table of events without a row."""
    return pd.DataFrame(columns=list(EVENT_COLUMNS))


def list_frame(datasets: DatasetList) -> pd.DataFrame:
    """Return one row a dataset."""
    keys = ("title", "asset_class", "timeframe", "first", "last", "rows")
    rows = [{**{key: item.manifest[key] for key in keys}, "symbols": len(item.symbols)} for item in datasets]
    frame = pd.DataFrame(rows, index=pd.Index(datasets.names, name="name"))
    for column in ("first", "last"):
        frame[column] = pd.to_datetime(frame[column])
    frame["rows"] = frame["rows"].astype(np.int64)
    return frame
