"""What a result makes when first asked: its tables and the benchmark's curve; and the arrays that runs reuse."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


class Columns(Mapping[str, dict[str, Any]]):
    """Tables by name, each made on first access; pickled as a plain dict of all."""

    def __init__(self, makers: Mapping[str, Callable[[], dict[str, Any]]]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, dict[str, Any]] = {}

    def __getitem__(self, name: str) -> dict[str, Any]:
        table = self._made.get(name)
        if table is None:
            table = self._made[name] = self._makers[name]()
        return table

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, ({name: self[name] for name in self},)


class Buffers:
    """Arrays that are used again once nobody holds them: fresh pages cost more than what is written to them.

    An array is free when the pool has the only reference to it; a view of it holds one too.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._arrays: list[npt.NDArray[Any]] = []
        self._lock = threading.Lock()

    def take(self, count: int, dtype: Any) -> npt.NDArray[Any]:
        """(count,) with any content."""
        with self._lock:
            for i in range(len(self._arrays)):
                array = self._arrays[i]
                # this list, the name, and getrefcount's own argument
                if len(array) == count and array.dtype == dtype and sys.getrefcount(array) == 3:
                    return array
            if len(self._arrays) >= self._most:
                self._arrays = [a for a in self._arrays if sys.getrefcount(a) > 3][: self._most - 1]
            array = np.empty(count, dtype=dtype)
            self._arrays.append(array)
            return array


def keep_freed_memory() -> None:
    """Let the C library keep what a run frees for the next one, instead of giving pages back and asking for new ones.

    glibc raises the size from which it maps an allocation by itself to the largest mapped one that was freed
    (``M_MMAP_THRESHOLD`` in mallopt(3), at most 32 MiB). No page of this one is ever touched.
    """
    global _keeps
    if not _keeps:
        _keeps = True
        del_me = np.empty(32 * 2**20 - 2**16, dtype=np.uint8)
        del del_me


_keeps = False
#: The curves of a run: equity, cash, exposure, in the market; of the last result and the next.
CURVES = Buffers(6)
