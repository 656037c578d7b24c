"""What the kernel imports before its debugger looks around: the engine, without the SDK.

The debugger neither steps into nor stops in a module that was there before the kernel was made. So Step Over
at the end of ``on_bar`` lands in the next bar's ``on_bar``. The SDK and the trader's code come later and can
be debugged.
"""

from __future__ import annotations

import importlib

ENGINE_MODULES = ("runner",)


def preload() -> None:
    """Import the engine's modules."""
    for name in ENGINE_MODULES:
        importlib.import_module(f"alphintra_backtest.{name}")
