"""The only door from the SDK to the engine: opened on first use, so that importing the SDK stays cheap."""

from __future__ import annotations

import importlib
from types import ModuleType


def engine(name: str) -> ModuleType:
    """The engine's module ``name``, for example ``engine("runner")``."""
    return importlib.import_module(f"alphintra_backtest.{name}")
