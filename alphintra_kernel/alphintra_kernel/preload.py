"""What the kernel imports before its debugger looks around: the engine, without the SDK.

The debugger neither steps into nor stops in a module that was there before the kernel was made. So Step Over
at the end of ``on_bar`` lands in the next bar's ``on_bar``. The SDK and the trader's code come later and can
be debugged.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Load Numba, which takes longer than all the rest (its functions are machine code, without lines to step to), and
# backtrader, an optional extra. Of the packages those that a bar passes through, and what its result needs at once.
LATER = frozenset(
    {"alphintra_backtest.bundle", "alphintra_backtest.compiled", "alphintra_backtest.adapters.backtrader"}
)
PACKAGES = ("adapters", "metrics", "replay")
#: What the first result needs beside the engine: half a second to load, which a kernel that waits for its first cell
#: has to spare. Each is a step.
STEPS: tuple[tuple[str, ...], ...] = (
    ("pyarrow",),
    ("pandas",),
    ("alphintra._talib",),
    ("pyarrow.csv", "pyarrow.parquet"),
    (
        *("alphintra.strategy", "alphintra.views", "alphintra._crossings", "alphintra.backtesting", "alphintra.costs"),
        *("alphintra.data", "alphintra.ta", "alphintra.repeating", "alphintra.trials", "alphintra.overfitting"),
        *("alphintra.result", "alphintra.data.given", "alphintra.data.account", "alphintra.data.overlap"),
        *("alphintra.data.rates", "alphintra._door", "alphintra_backtest.overfitting.sample"),
    ),
    ("matplotlib",),
    ("matplotlib.figure",),
    ("matplotlib.backends.backend_agg",),
)


def preload() -> list[str]:
    """Import the engine's modules and return their names."""
    import alphintra_backtest

    found = [m.name for m in pkgutil.iter_modules(alphintra_backtest.__path__, "alphintra_backtest.") if not m.ispkg]
    for package in PACKAGES:
        home = importlib.import_module(f"alphintra_backtest.{package}")
        found += [m.name for m in pkgutil.iter_modules(home.__path__, f"{home.__name__}.")]
    names = [name for name in found if name not in LATER]
    for name in names:
        importlib.import_module(name)
    return names


def warm_up() -> Iterator[None]:
    """Load the libraries of a first result, a part at each step, so that the kernel answers in between.

    On the kernel's own thread: an import in another one hands half-made modules to a cell that needs them meanwhile.
    """
    for names in STEPS:
        with unheard():
            for name in names:
                with contextlib.suppress(Exception):  # whoever needs it gets the error, with its reason
                    importlib.import_module(name)
        yield
    with contextlib.suppress(Exception), unheard():
        _first_picture()


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Drop what is written meanwhile, by programs that are started too: it would be shown below the last cell."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        with Path(os.devnull).open("wb") as nothing:
            for stream in (1, 2):
                kept = os.dup(stream)
                stack.callback(os.close, kept)
                stack.callback(os.dup2, kept, stream)
                os.dup2(nothing.fileno(), stream)
        yield


def _first_picture() -> None:
    """What is drawn first loads its fonts."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1))
    figure.text(0, 0, "0", fontweight="bold")
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(io.BytesIO())
