"""A replay that runs under a debugger: it stops inside ``on_bar``, and goes back, or on to a bar, from there.

The run holds a thread (a notebook's cell); a debugger speaks from another one. While it holds the run inside ``on_bar``
it may say where to go: the bar in progress is finished, or thrown away after its end where the way leads back, the
replay moves, and the run stops on the first line of ``on_bar`` of the bar that was asked for. On the way there is no
breakpoint, so that a million bars cost what they cost without a debugger's conditions.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .replay import Replay

#: The run that is being debugged, or the last one that was.
current: DebugRun | None = None
#: The debugger of this process; the kernel puts it here.
stops: Stops | None = None

_EVENTS = ("on_bar", "on_fill", "on_order")


class Stops(Protocol):
    """What a run asks of the debugger, on the run's own thread; each returns once the debugger has done it."""

    @property
    def is_on(self) -> bool:
        """Whether somebody debugs."""

    def stops_in(self, path: str) -> bool:
        """Whether the trader has a breakpoint in a file."""

    def set_aside(self) -> None:
        """Take the trader's breakpoints away for now."""

    def arm(self, path: str, line: int) -> None:
        """Stop once at a line, and then bring the trader's breakpoints back."""

    def bring_back(self) -> None:
        """Bring the trader's breakpoints back, where they are set aside."""

    def follow(self, yes: bool) -> None:
        """Follow this thread's lines, which costs many times what a bar takes, or do not for now."""


class DebugRun:
    """A replay that walks on to its end unless the debugger stops it.

    Args:
        replay: Stands at a bar; the first ``on_bar`` is that of the next one.
        stops: The debugger.
        goto: Bar in whose ``on_bar`` the run stops first; None where the trader's breakpoints do that.
    """

    def __init__(self, replay: Replay, stops: Stops, goto: int | None = None) -> None:
        self.replay = replay
        entry = replay.entry
        assert entry is not None  # see wanted: there is an on_bar of the trader's
        self.entry = entry
        self.running = False
        self._stops = stops
        self._goto = goto
        self._back = False
        self._ending = False
        self._walking = False
        self._lock = threading.Lock()

    # -- on the run's thread
    # ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Walk to the end, or to where :meth:`end` was called.

        Raises:
            StrategyError: The strategy raised in a bar that was not thrown away.
        """
        global current
        if current is not None and current.running:
            raise RuntimeError("a replay is being debugged already")
        current, self.running = self, True
        try:
            while not self._ending and not self._onward():
                pass
        finally:
            self.running = False
            self._stops.bring_back()

    def _onward(self) -> bool:
        """Walk as far as nobody says otherwise; True at the end of the data."""
        with self._lock:
            goto, self._goto, self._back = self._goto, None, False
        if goto is not None:
            self._stops.set_aside()
            with unfollowed(self._stops):
                arrived = self._walk(goto - 1)
            if not arrived:
                return False
            if self.replay.bar < goto - 1:
                return True  # the account went bankrupt before
            self._stops.arm(*self.entry)
        return self._walk(self.replay.count - 1)

    def _walk(self, bar: int) -> bool:
        """Move the replay; False where it was asked away on the way."""
        with self._lock:
            if self._asked_away:
                return False
            self._walking = True
        try:
            self.replay.walk_on(bar, lambda: self._asked_away)
        except Exception:
            # What the rest of a bar does that is thrown away has not happened.
            if not self._back:
                raise
        finally:
            with self._lock:
                self._walking = False
        return not self._asked_away

    @property
    def _asked_away(self) -> bool:
        return self._goto is not None or self._ending

    # -- on the debugger's thread
    # ----------------------------------------------------------------------------------------

    def go(self, bar: int) -> None:
        """Once the bar in progress is over, go and stop in the ``on_bar`` of this one."""
        with self._lock:
            self._back = bar <= self.replay.in_progress
            self._goto = bar
            if self._walking:
                self.replay.leave()

    def end(self) -> None:
        """End the run once the bar in progress is over; the replay stays there."""
        with self._lock:
            self._ending = True
            if self._walking:
                self.replay.leave()

    def bar_of(self, when: Any) -> int:
        """The bar that a debugger names by its index, or by a date or time: the first that closes then or later.

        Raises:
            ReplayError: ``on_bar`` is not called there.
            DataError: It is no date.
        """
        from .places import place

        return max(place(self.replay, when), self.replay.first)


def wanted(strategy: type[Any], debug: bool | None) -> bool:
    """Whether a replay of the strategy is to run under the debugger.

    Args:
        strategy: The class.
        debug: What the trader says; None: where there is a breakpoint in the strategy's own code.

    Raises:
        ReplayError: It is to, but there is no debugger, or no ``on_bar`` to stop in.
    """
    from alphintra.errors import ReplayError

    if debug is False or not (debug or (stops is not None and stops.is_on)):
        return False
    if stops is None or not stops.is_on:
        raise ReplayError(
            "the debugger is off",
            code="DEBUGGER_OFF",
            hint="switch it on in the notebook's toolbar (the bug), and run the cell again",
        )
    mine = files(strategy)
    if debug and not mine:
        raise ReplayError(
            f"{strategy.__name__} has no on_bar to stop in", code="NO_ON_BAR", hint="it has signals alone"
        )
    return bool(debug) or any(stops.stops_in(path) for path in mine)


def files(strategy: type[Any]) -> set[str]:
    """Files of the trader's own code that a bar passes through."""
    from alphintra.strategy import Strategy

    found = set()
    for name in _EVENTS:
        function = inspect.unwrap(getattr(strategy, name))
        code = getattr(function, "__code__", None)
        if code is not None and function is not getattr(Strategy, name):
            found.add(code.co_filename)
    return found


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Within it no breakpoint stops: what a replay does before it is shown is not what the trader debugs."""
    if stops is None or not stops.is_on:
        yield
        return
    stops.set_aside()
    try:
        with unfollowed(stops):
            yield
    finally:
        stops.bring_back()


@contextlib.contextmanager
def unfollowed(debugger: Stops) -> Iterator[None]:
    """Within it the debugger does not follow this thread."""
    debugger.follow(False)
    try:
        yield
    finally:
        debugger.follow(True)


def debug(replay: Replay, asked: bool | None) -> Any:
    """Walk a replay under the debugger, from where it stands until it ends or is ended; see ``replay.debug_hook``.

    It stops in the ``on_bar`` of the bar that the replay was put at, or which raised in the run; else where the
    trader's breakpoints are, or, where there is none, in the first one.
    """
    if not wanted(replay.setup.strategy, asked):
        return None
    assert stops is not None
    goto: int | None = None
    if replay.error is not None and getattr(replay.error, "bar", None) == replay.bar + 1:
        goto = replay.bar + 1
    elif replay.bar >= replay.first:
        goto = replay.bar
    elif not any(stops.stops_in(path) for path in files(replay.setup.strategy)):
        goto = replay.first
    DebugRun(replay, stops, goto).run()
    return replay
