"""The datasets that ship with the SDK: their names, manifests and stored columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy.typing as npt

from alphintra.data.arrow import to_array
from alphintra.data.instrument import did_you_mean
from alphintra.errors import UnknownDataset

ROOT = Path(__file__).resolve().parent.parent / "datasets"
"""Folder of the shipped datasets: one folder per name, ``calendars`` and ``licenses``."""
_SIMULATED = "simulated-"


def is_simulated(found: dict[str, Any]) -> bool:
    """Tell from a manifest whether nobody ever traded at these prices: there is no file, its rows are made."""
    return "simulated" in found


def intraday(found: dict[str, Any]) -> bool:
    """Tell from a manifest whether a session has several bars, which are told apart by their times."""
    return found["timeframe"] not in ("1d", "1w", "1mo")


@cache
def names() -> tuple[str, ...]:
    """Return the names of the shipped datasets, sorted, those that are simulated after the others."""
    found = (path.parent.name for path in ROOT.glob("*/manifest.json"))
    return tuple(sorted(found, key=lambda name: (name.startswith(_SIMULATED), name)))


@cache
def manifest(name: str) -> dict[str, Any]:
    """Return the manifest of a shipped dataset.

    Raises:
        UnknownDataset: No dataset has this name; the error names the nearest one.
    """
    if name not in names():
        raise unknown(name)
    found: dict[str, Any] = json.loads((ROOT / name / "manifest.json").read_text(encoding="utf-8"))
    return found


def select(name: str) -> tuple[dict[str, Any], tuple[str, ...]] | None:
    """Split ``name``, ``name/SYMBOL`` or ``name/A,B`` into manifest and symbols.

    Returns:
        ``None`` if the part before the slash is not the name of a shipped dataset.

    Raises:
        UnknownDataset: The dataset exists but has no such symbol.
    """
    base, slash, wanted = name.partition("/")
    if base not in names():
        return None
    found = manifest(base)
    known = tuple(entry["name"] for entry in found["symbols"])
    if not slash:
        return found, known
    symbols = tuple(part.strip() for part in wanted.split(","))
    for symbol in symbols:
        if symbol not in known:
            raise UnknownDataset(
                f"'{base}' has no symbol '{symbol}'",
                code="UNKNOWN_SYMBOL",
                hint=did_you_mean(symbol, known) + "It has " + ", ".join(known) + ".",
            )
    if len(set(symbols)) < len(symbols):
        raise UnknownDataset(f"'{name}' names a symbol twice", code="UNKNOWN_SYMBOL")
    return found, symbols


def read_columns(found: dict[str, Any], symbols: Sequence[str]) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Read the stored columns of some symbols of a shipped dataset, or make those of a simulated one.

    Times come as int64 microseconds, dates as int32 days, numbers as float64; each array is a
    fresh, writable copy.
    """
    if is_simulated(found):
        from alphintra.data.simulated import columns as made

        return made(found["name"], symbols)
    import pyarrow.parquet as pq

    groups = {entry["name"]: entry["row_group"] for entry in found["symbols"]}
    columns = [column["name"] for column in found["columns"] if column["name"] != "symbol"]
    out = {}
    with pq.ParquetFile(ROOT / found["name"] / found["files"][0]["path"]) as file:
        for symbol in symbols:
            table = file.read_row_group(groups[symbol], columns=columns)
            out[symbol] = {column: to_array(table[column]) for column in columns}
    return out


def is_shipped(name: str) -> bool:
    """Tell whether a name, with or without a symbol after it, is that of a shipped dataset."""
    return name.partition("/")[0] in names()


def unknown(name: str, own: Sequence[str] = ()) -> UnknownDataset:
    """Return the error for a name that is neither a dataset, shipped or the trader's own, nor a file."""
    near = did_you_mean(name.partition("@")[0], own) or did_you_mean(name.partition("/")[0], names())
    return UnknownDataset(
        f"there is no dataset or file '{name}'", hint=near + "Datasets: " + ", ".join((*own[:20], *names())) + "."
    )
