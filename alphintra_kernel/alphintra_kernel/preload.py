"""What the kernel imports before its debugger looks around: the engine, without the SDK.

The debugger neither steps into nor stops in a module that was there before the kernel was made. So Step Over
at the end of ``on_bar`` lands in the next bar's ``on_bar``. The SDK and the trader's code come later and can
be debugged.
"""

from __future__ import annotations

import importlib
import pkgutil

# Load Numba, which takes longer than all the rest (its functions are machine code, without lines to step to), and
# backtrader, an optional extra.
LATER = frozenset({"alphintra_backtest.compiled", "alphintra_backtest.adapters.backtrader"})


def preload() -> list[str]:
    """Import the engine's modules and return their names."""
    import alphintra_backtest

    found = pkgutil.walk_packages(alphintra_backtest.__path__, "alphintra_backtest.")
    names = [module.name for module in found if module.name not in LATER]
    for name in names:
        importlib.import_module(name)
    return names
