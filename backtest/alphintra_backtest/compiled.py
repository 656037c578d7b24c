"""The compiled twins of the core's functions: the same functions, over the same names, under Numba.

The cache lives where the user may write, under a name made of the engine's source, Numba's version and
Python's, so an upgrade never meets a stale entry (Numba itself does not notice a change in a *called*
function of another file). A home that cannot be written to is no error: the functions are then compiled for
the process alone.
"""

from __future__ import annotations

import math
import os
import types
from pathlib import Path
from typing import Any

import numba

from . import codes, core, core_signals, core_sums
from .bundle import eight as eight  # its module's types are what the functions are compiled for
from .bundle import soon as soon
from .compile_cache import cache_dir

#: Functions so short that two threads would lose more by handing the interpreter over.
HOLDING = frozenset(("crossings", "pack"))


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _compile() -> None:
    names: dict[str, Any] = globals()
    for module in (codes, core_signals, core_sums):
        names.update(
            {n: v for n, v in vars(module).items() if isinstance(v, int | float) and not n.startswith("_")}
        )
    names["math"] = math
    folder = cache_dir()
    cached = _usable(folder)
    before = numba.config.CACHE_DIR
    if cached and "NUMBA_CACHE_DIR" not in os.environ:
        numba.config.CACHE_DIR = str(folder)
    # The core allocates nothing, so it needs no counting of references, which took half of its time.
    choices: dict[str, Any] = {"_nrt": False}
    try:
        for function in (*core.KERNELS, *core_sums.KERNELS, *core_signals.KERNELS):
            name = function.__name__
            twin = types.FunctionType(function.__code__, names, name)
            twin.__module__ = __name__
            twin.__qualname__ = name
            names[name] = numba.njit(nogil=name not in HOLDING, cache=cached, **choices)(twin)
    finally:
        numba.config.CACHE_DIR = before


_compile()
