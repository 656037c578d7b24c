"""A run of signals: the session of any run, walked by the compiled driver in place of ``on_bar``."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from . import books as book_module
from . import codes
from .core_signals import AT_CLOSE, D_NEXT, N_D, TRAILS
from .lazy import keep_freed_memory
from .signals_plan import Plan, plan

if TYPE_CHECKING:
    from .books import Books
    from .session import Session

#: Class attribute of a form that runs by ``on_bar`` though it has signals.
BY_BAR = "_runs_by_bar"
_EVENTS = ("on_start", "on_fill", "on_order", "on_stop")


def defines_signals(strategy: type) -> bool:
    """Whether a strategy has the compiled form."""
    return callable(getattr(strategy, "signals", None))


def has_on_bar(strategy: type) -> bool:
    """Whether a strategy has an ``on_bar`` of its own."""
    from alphintra.strategy import Strategy

    return getattr(strategy, "on_bar", None) is not Strategy.on_bar


def is_compiled(strategy: type) -> bool:
    """Whether a class runs compiled: it has signals, and :func:`by_bar` has not made it an ``on_bar`` class."""
    return defines_signals(strategy) and not getattr(strategy, BY_BAR, False)


def by_bar(strategy: type) -> type:
    """The class that runs by ``on_bar``: its own, or the reference's."""
    from alphintra.signals import reference

    base = strategy if has_on_bar(strategy) else reference(strategy)
    return type(strategy.__name__, (base,), {"__module__": strategy.__module__, BY_BAR: True})


def check_events(strategy: type) -> None:
    """A class with ``signals`` alone must not count on events: none is called.

    Raises:
        SignalsError: It overrides one.
    """
    from alphintra.errors import SignalsError
    from alphintra.strategy import Strategy

    own = [n for n in _EVENTS if getattr(strategy, n, None) is not getattr(Strategy, n)]
    if own and not has_on_bar(strategy):
        raise SignalsError(
            f"{strategy.__name__} defines signals and {own[0]}, which a compiled run never calls",
            hint="move it into signals(data), or write on_bar",
        )


def driver(timestamps: int, symbols: int) -> ModuleType:
    """Where ``drive`` is for a run of this length: plain or compiled, as the core is."""
    from . import core_signals

    core = book_module.kernels(timestamps, symbols)
    return core_signals if core.__name__.endswith(".core") else core


def walk(session: Session, asked: Any, first: int, progress: Callable[[float, int], None] | None) -> int:
    """Drive signals through a session; returns the number of timestamps reached (fewer after a bankruptcy)."""
    grid, books = session.grid, session.books
    count = len(grid.time)
    laid: Plan = plan(asked, first, grid.shape)
    module = driver(count, len(session.symbols))
    if module.__name__.endswith("compiled"):
        keep_freed_memory()
    make_room(books, int(np.count_nonzero(laid.code)), laid.brackets)
    newest = np.full(2 * len(session.symbols), -1, dtype=np.int64)
    state = np.zeros(N_D, dtype=np.int64)
    state[D_NEXT] = first
    mode = (AT_CLOSE if session.config.rules["fill_at"] == "close" else 0) | (TRAILS if laid.trails else 0)
    stride = count if progress is None else max(1, count // 100)
    until = min(count, first + stride)
    while True:
        done = module.drive(
            session.calls.m, session.calls.b, session.k, mode, *book_module.FRESH, laid.code, laid.amount, laid.loss,
            laid.gain, newest, state, until,
        )  # fmt: skip
        if books.reg[codes.S_BANKRUPT]:
            return int(state[D_NEXT])
        if not done:
            grow(books)
            continue
        if progress is not None:
            progress(until / count, int(grid.time[until - 1]))
        if until == count:
            return count
        until = min(count, until + stride)


def make_room(books: Books, signals: int, brackets: bool) -> None:
    """Room for as many orders as there are signals, within reason, so that the driver hardly ever stops for more."""
    orders = min(signals, 20_000) * (3 if brackets else 1) + 256
    for name, rows in (("oi", orders), ("of", orders), ("fi", orders), ("ff", orders), ("ev", 4 * orders)):
        old = getattr(books, name)
        if len(old) < rows:
            setattr(books, name, np.empty((rows, old.shape[1]), dtype=old.dtype))


def grow(books: Books) -> None:
    """Twice the room, in all tables: the driver asked for more."""
    for name in ("oi", "of", "active", "fi", "ff", "ev", "ci", "cf", "entries", "paid"):
        old = getattr(books, name)
        setattr(books, name, np.concatenate([old, np.full_like(old, np.nan if name == "of" else 0)]))
