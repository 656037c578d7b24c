"""One door for every way to name data: a dataset, a file, a frame, several frames."""

from __future__ import annotations

from typing import Any

from alphintra.data import catalogue
from alphintra.data.market import MarketData
from alphintra.data.shipped import market_from_manifest


def resolve(data: Any, start: Any = None, end: Any = None) -> MarketData:
    """Return the bars that ``data`` names."""
    selection = catalogue.select(data)
    if selection is None:
        raise catalogue.unknown(data)
    return market_from_manifest(*selection)
