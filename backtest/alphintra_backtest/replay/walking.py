"""Taking a run through its bars so that it can be stopped: after a time, by a call from elsewhere, by an interrupt."""

from __future__ import annotations

import contextlib
import ctypes
import io
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphintra_backtest.drive import Drive

#: Seconds that a bar, or an expression, may still take after a cancel before it is broken off inside.
PATIENCE = 0.25


class Stopped(BaseException):
    """Somebody cancelled the movement."""


class _Silent(io.TextIOBase):
    """Takes what is printed and keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)


@contextlib.contextmanager
def muted(yes: bool = True) -> Iterator[None]:
    """Drop what is printed: the trader has read it, or comes to it later."""
    if not yes:
        yield
        return
    with contextlib.redirect_stdout(_Silent()):
        yield


def advance(drive: Drive, stop: int, seconds: float | None) -> None:
    """Take the timestamps before ``stop``; those that ``seconds`` are enough for, and at least one."""
    if seconds is None or stop - drive.next <= 1:
        drive.advance_to(stop)
        return
    timer = threading.Timer(seconds, drive.halt)
    timer.daemon = True
    # A debugger neither traces it nor waits for it.
    timer.pydev_do_not_trace = timer.is_pydev_daemon_thread = True  # type: ignore[attr-defined]
    timer.start()
    try:
        drive.advance_to(stop)
    finally:
        timer.cancel()
        timer.join()


class Gate:
    """Lets one movement in at a time, and stops it from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._idle = threading.Event()
        self._idle.set()
        self._broken_off = False
        #: Whether the movement under way is to end.
        self.cancelled = False

    @property
    def busy(self) -> bool:
        """Whether a movement is under way."""
        return not self._idle.is_set()

    def enter(self) -> bool:
        """Begin a movement; False where one is under way."""
        with self._lock:
            if self.busy:
                return False
            self._thread, self.cancelled, self._broken_off = threading.get_ident(), False, False
            self._idle.clear()
        return True

    def leave(self) -> None:
        """End the movement; what was to break it off comes no more."""
        while self.busy:
            try:
                with self._lock:
                    if self._broken_off:
                        self._take_in()
                    self._thread = None
                    self._idle.set()
            except Stopped:  # it came only here
                self._broken_off = False

    def _take_in(self) -> None:
        """Wait for what was to break the movement off: it may have come, or come yet.

        To take it back (``PyThreadState_SetAsyncExc`` with nothing) leaves Python 3.11 with a sign that something is
        to be looked at, and under a trace function, a debugger's or that of coverage, it then looks for ever.
        """
        thread = ctypes.c_ulong(threading.get_ident())
        with contextlib.suppress(Stopped):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(Stopped))
            while True:
                pass

    def look(self) -> None:
        """Raise if the movement was cancelled."""
        if self.cancelled:
            raise Stopped

    def cancel(self, drive: Drive) -> bool:
        """Stop the movement at its next bar, or where that takes too long inside it; False where there is none."""
        with self._lock:
            if not self.busy:
                return False
            self.cancelled = True
            drive.halt()
        if threading.get_ident() == self._thread or self._idle.wait(PATIENCE):
            return True
        with self._lock:
            if self.busy and self._thread is not None:
                self._broken_off = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(Stopped))
        return True
