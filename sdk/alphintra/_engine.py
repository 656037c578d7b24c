"""The one door from the SDK to the engine, opened only when something runs."""

from __future__ import annotations

import importlib
from typing import Any


def engine(name: str) -> Any:
    """Import ``alphintra_backtest.<name>`` and return the module."""
    return importlib.import_module(f"alphintra_backtest.{name}")
