"""What the kernel imports before its debugger looks around: the engine, without the SDK.

The debugger neither steps into nor stops in a module that was there before the kernel was made. So Step Over
at the end of ``on_bar`` lands in the next bar's ``on_bar``. The SDK and the trader's code come later and can
be debugged.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
import threading
from typing import Any

# Load Numba, which takes longer than all the rest (its functions are machine code, without lines to step to), and
# backtrader, an optional extra.
LATER = frozenset(
    {"alphintra_backtest.bundle", "alphintra_backtest.compiled", "alphintra_backtest.adapters.backtrader"}
)
#: What the first result needs beside the engine: half a second to load, which a kernel that waits for its first cell
#: has to spare.
LIBRARIES = ("pandas", "talib", "pyarrow", "matplotlib.figure", "matplotlib.backends.backend_agg")


def preload() -> list[str]:
    """Import the engine's modules and return their names."""
    import alphintra_backtest

    found = pkgutil.walk_packages(alphintra_backtest.__path__, "alphintra_backtest.")
    names = [module.name for module in found if module.name not in LATER]
    for name in names:
        importlib.import_module(name)
    return names


def warm_up() -> threading.Thread:
    """Load the libraries of a first result in a thread of its own, so that the kernel answers meanwhile."""
    thread = threading.Thread(target=_load, name="alphintra-warm-up", daemon=True)
    thread.start()
    return thread


def _load() -> None:
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # whoever needs it gets the error, with its reason
            importlib.import_module(name)
    with contextlib.suppress(ImportError):  # the first picture loads its fonts
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(1, 1))
        figure.text(0, 0, "0", fontweight="bold")
        canvas: Any = FigureCanvasAgg(figure)
        canvas.print_png(io.BytesIO())
