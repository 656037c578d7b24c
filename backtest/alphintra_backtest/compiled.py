"""The compiled twins of the core's functions: the same functions, over the same names, under Numba.

The cache lives where the user may write, under a name made of the engine's source, Numba's version and
Python's, so an upgrade never meets a stale entry (Numba itself does not notice a change in a *called*
function of another file). A home that cannot be written to is no error: the functions are then compiled for
the process alone.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.caching import FunctionCache

from . import codes, core, core_signals, core_sums
from .bundle import column as column  # its module's types are what the functions are compiled for
from .bundle import eight as eight
from .bundle import soon as soon
from .compile_cache import WRITING, cache_dir

#: Functions so short that two threads would lose more by handing the interpreter over.
HOLDING = frozenset(("crossings", "pack"))
#: Functions of one place or two, where they become part of what calls them. LLVM leaves these calls as they are, each
#: with up to fifty numbers of arrays, which took a fifth of an order's time. With the small ones that are called from
#: many places it would be half of it, but two thirds more time to compile.
PARTS = frozenset(
    (
        *("decide", "enter", "next_signal", "short_of_room", "ahead", "accept", "admit", "watched", "next_delisting"),
        *("before_orders", "new_budget", "prepare", "open_phase", "at_open", "fill_at_open", "open_rule"),
        *("inside_phase", "close_phase", "expire_phase", "delist", "after_orders", "compact"),
        *("book", "settle", "end_partners", "wake_children", "close_children"),
    )
)


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a cache folder while something is written to it.

    Numba reads the index, takes the next free file name, writes the index, then the file: two processes that do so at
    once can leave the code of one signature under the name of another.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / WRITING).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Kept(FunctionCache):
    """Numba's cache, but one that never costs a run its result: only the next process its time.

    A disk that is full, a file that was cut off, a folder that somebody removed meanwhile: Numba lets each of them end
    the call that compiled. So does its own "no compiled object yet", seen once in a kernel that compiled anew.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What is kept for these types; None where there is nothing, or nothing that can be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # noqa: BLE001 - whatever a broken pickle raises
            self._lost("read", error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for these types, where that is possible."""
        try:
            with _alone(Path(self.cache_path)):
                super().save_overload(sig, data)
        except Exception as error:  # noqa: BLE001 - no failure to keep it may end the run
            self._lost("kept", error)

    def _lost(self, verb: str, error: Exception) -> None:
        logging.getLogger(__name__).warning("compiled code cannot be %s in %s: %s", verb, self.cache_path, error)

#: Numba's type of an int.
WHOLE_NUMBER = numba.int64


def one_dimension(kind: Any) -> Any:
    """Numba's type of a contiguous array of NumPy's ``kind``."""
    return numba.types.Array(numba.np.numpy_support.from_dtype(np.dtype(kind)), 1, "C")


def entry(name: str, *kinds: Any) -> Any:
    """A function's code for just these types of arguments, which are then not looked at at each call."""
    function = globals()[name]
    function.compile(kinds)
    return function.get_overload(kinds)


def _compile() -> None:
    names: dict[str, Any] = globals()
    for module in (codes, core_signals, core_sums):
        names.update({n: v for n, v in vars(module).items() if isinstance(v, int | float) and not n.startswith("_")})
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
            names[name] = numba.njit(nogil=name not in HOLDING, forceinline=name in PARTS, **choices)(twin)
            if cached:
                names[name]._cache = Kept(twin)  # as ``cache=True`` does, with a cache of our own
    finally:
        numba.config.CACHE_DIR = before


_compile()
