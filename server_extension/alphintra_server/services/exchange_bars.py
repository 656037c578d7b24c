"""How the bars of an exchange are written by whoever fetches them, and so how they are read."""

from __future__ import annotations

import json
from typing import Any

from alphintra.ingest.mapping import Column, Mapping

_UNITS = {"s": "s", "m": "min", "h": "h", "d": "d", "w": "w"}


def mapping_of_bars() -> dict[str, Any]:
    """Return the mapping of the file: symbol, time in milliseconds, open, high, low, close, volume."""
    values = ("open", "high", "low", "close", "volume")
    columns = (
        Column(0, "symbol", "symbol"),
        Column(1, "time", "time", format="epoch:ms"),
        *(Column(2 + place, name, name, name) for place, name in enumerate(values)),  # type: ignore[arg-type]
    )
    mapping = Mapping(
        format="csv", columns=columns, resolution="time", zone="UTC", label="open", adjustment="raw",
        symbol_from="column",
    )  # fmt: skip
    mapping.check()
    return dict(json.loads(mapping.to_json()))


def about_bars(given: dict[str, Any], timeframe: str) -> dict[str, Any]:
    """Return what is stated of the bars: what was given, else what is so of such an exchange."""
    usual = {"asset_class": "CRYPTO", "calendar": "24/7"}
    stated = {name: usual.get(name) if value is None else value for name, value in given.items()}
    return stated | {"timeframe": timeframe[:-1] + _UNITS[timeframe[-1]]}
