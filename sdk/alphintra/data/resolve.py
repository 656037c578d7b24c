"""One door for every way to name data: a dataset, a file, a frame, several frames."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alphintra.data import catalogue
from alphintra.data.bounds import bounded
from alphintra.data.market import MarketData
from alphintra.data.shipped import market_from_manifest
from alphintra.errors import DataError


def resolve(data: Any, start: Any = None, end: Any = None) -> MarketData:
    """Return the bars that ``data`` names, checked and ready for a run.

    Args:
        data: Name of a shipped dataset (``us-equities-daily``, ``…/AAPL``, ``…/AAPL,MSFT``), path of a
            CSV or Parquet file, DataFrame, dict of DataFrames by symbol, or market data.
        start: First date of the run. It cuts nothing, since indicators warm up on what is before
            it, but has to lie before the end of the data.
        end: Last date of the run, included; later bars are cut.

    Raises:
        UnknownDataset: No dataset, symbol or file has this name; the error names the nearest.
        DataError: The data cannot be used; the error names file, row and column.
    """
    return bounded(_whole(data), start, end)


def _whole(data: Any) -> MarketData:
    if isinstance(data, MarketData):
        return data
    if isinstance(data, str):
        selection = catalogue.select(data)
        if selection is not None:
            return market_from_manifest(*selection)
        return _from_path(data)
    if isinstance(data, os.PathLike):
        return _from_path(os.fspath(data))
    from alphintra.data.dataset import Dataset
    from alphintra.data.given import is_frame, market_from_frame, market_from_frames

    if isinstance(data, Dataset):
        return data.market()

    if is_frame(data):
        return market_from_frame(data)
    if isinstance(data, Mapping):
        return market_from_frames(data)
    raise DataError(
        f"data is a {type(data).__name__}",
        code="BAD_DATA_TYPE",
        hint="Give a dataset's name, a path of a CSV or Parquet file, a DataFrame or a dict of DataFrames.",
    )


def _from_path(name: str) -> MarketData:
    from alphintra.data.given import market_from_file

    try:
        path = Path(name).expanduser()
        exists = bool(name) and path.exists()
    except (OSError, ValueError, RuntimeError):
        exists = False
    if not exists:
        raise catalogue.unknown(name)
    return market_from_file(path)
