"""Calls into the core over one market, one set of books and one configuration vector."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .options import by_turns

if TYPE_CHECKING:
    from types import ModuleType

    from .books import Books
    from .grid import Grid
    from .options import Options


class Arguments:
    """A market and books in the form that the core takes: tuples of arrays where it is plain, bundles where compiled.

    Args:
        core: The plain core or its compiled twin, or the module of either's drivers.
        grid: The market.
        books: The books; their arrays may be replaced between two calls.

    Attributes:
        m: The core's argument of this name.
    """

    def __init__(self, core: ModuleType, grid: Grid, books: Books) -> None:
        self._books = books
        self.m: Any = grid.m
        self._bundle: Any = None
        self._version = books.version
        if core.__name__.endswith("compiled"):
            from .bundle import Bundle

            self.m = grid.bundle()
            self._bundle = Bundle(books.tuple)

    @property
    def b(self) -> Any:
        """The core's argument of this name, as the books are now."""
        books = self._books
        if self._bundle is None:
            return books.tuple
        if self._version != books.version:
            self._bundle.put(books.tuple)
            self._version = books.version
        return self._bundle


class Calls(Arguments):
    """The calls of the loop over the bars, for the options of a run and their vector ``k``."""

    def __init__(
        self, core: ModuleType, grid: Grid, books: Books, k: npt.NDArray[np.float64], config: Options
    ) -> None:
        super().__init__(core, grid, books)
        self._k = k
        self._core = core
        queued = config.rules["bar_order"] == "submission"
        self._submitted_name = "queue_submitted" if queued else "submitted"
        self._stepped_name = "stepped_by_turns" if by_turns(config) else "stepped"

    def _callable(self, function: Any, numbers: int) -> Callable[..., int]:
        """A function of the core; of a compiled one the code for just these types, which need not be looked up."""
        if self._bundle is None:
            return lambda *arguments: int(function(*arguments))  # NumPy's integers are slower, and no JSON
        from numba import int64, typeof

        kinds = (self.m.type, self._bundle.type, typeof(self._k), *[int64] * numbers)  # type: ignore[no-untyped-call]
        function.compile(kinds)
        return function.get_overload(kinds)  # type: ignore[no-any-return]

    @cached_property
    def _peek(self) -> Callable[..., int]:
        return self._callable(self._core.peek, 2)

    @cached_property
    def _submitted(self) -> Callable[..., int]:
        return self._callable(getattr(self._core, self._submitted_name), 4)

    @cached_property
    def _stepped(self) -> Callable[..., int]:
        return self._callable(getattr(self._core, self._stepped_name), 2)

    def peek(self, t: int, edge: int) -> int:
        """See ``core.peek``."""
        return self._peek(self.m, self.b, self._k, t, edge)

    def submitted(self, first: int, last: int, t: int, edge: int) -> int:
        """See ``core.submitted``."""
        return self._submitted(self.m, self.b, self._k, first, last, t, edge)

    def stepped(self, t: int, edge: int) -> int:
        """See ``core.stepped``."""
        return self._stepped(self.m, self.b, self._k, t, edge)
