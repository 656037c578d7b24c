"""How far a study is: one line that changes in a notebook's output or in a terminal."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

from alphintra_backtest.formats import duration

#: Seconds between two changes of the line, and before the first: what is quick needs none.
EVERY, FIRST = 0.25, 0.5

Progress = Callable[[float, str], None]


def teller(progress: bool | Progress | None) -> Progress:
    """Return whom to tell: the given function, a line where somebody can see it, or nobody.

    Raises:
        ParameterError: It is neither true, false nor a function.
    """
    from alphintra.errors import ParameterError

    if callable(progress):
        return progress
    if progress not in (True, False, None):
        raise ParameterError(
            f"progress is true, false or a function of a fraction and a text, got {progress!r}", where="progress"
        )
    if not progress:
        return _nobody
    write = _notebook_line() or _terminal_line()
    return _nobody if write is None else Line(write)


def _nobody(fraction: float, text: str) -> None:
    """Tell nobody."""


class Line:
    """A line with the fraction, the text, and how long it will take; written a few times a second."""

    def __init__(self, write: Callable[[str, bool], None]) -> None:
        self._write = write
        self._began = time.monotonic()
        self._next = self._began + FIRST
        self._shown = False

    def __call__(self, fraction: float, text: str) -> None:
        """Say how far it is."""
        now = time.monotonic()
        last = fraction >= 1.0
        if now < self._next and not (last and self._shown):
            return
        self._next, self._shown = now + EVERY, True
        spent = now - self._began
        rest = f", {duration(spent)}" if last else ""
        if not last and fraction > 0:
            rest = f", about {duration(spent / fraction * (1 - fraction))} left"
        self._write(f"{fraction:4.0%}  {text}{rest}", last)


def _notebook_line() -> Callable[[str, bool], None] | None:
    """A line in the output of the running cell, if this is a kernel."""
    module: Any = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    display = importlib.import_module("IPython.display").display
    handle: list[Any] = []

    def write(text: str, last: bool) -> None:
        content = {"text/plain": text}
        if handle:
            handle[0].update(content, raw=True)
        else:
            handle.append(display(content, raw=True, display_id=True))

    return write


def _terminal_line() -> Callable[[str, bool], None] | None:
    """A line on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        return None

    def write(text: str, last: bool) -> None:
        sys.stderr.write(f"\r\x1b[K{text}" + ("\n" if last else ""))
        sys.stderr.flush()

    return write
