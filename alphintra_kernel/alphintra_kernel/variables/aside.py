"""Work on a thread of its own, beside the cell that runs; broken off when it takes too long."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from alphintra_kernel.variables.reading import shortened

T = TypeVar("T")

#: Characters of what is said of an error.
LONGEST = 300
#: Seconds between two attempts to break it off.
_AGAIN = 1.0
#: How often that is tried.
_ATTEMPTS = 5


class BrokenOff(BaseException):
    """Raised in the thread: it takes too long, or nobody waits any more."""


class Aside(Generic[T]):
    """What is being done on a thread of its own.

    Code in Python is broken off between two of its steps; what waits in C goes on for as long as it likes, and keeps
    nobody else waiting. Made on an event loop, which looks after the time.

    Args:
        work: What to do.
        seconds: How long it may take.

    Attributes:
        value: What it led to; ``None`` before.
        failure: What it raised, in a text; empty where nothing.
    """

    def __init__(self, work: Callable[[], T], seconds: float) -> None:
        self.value: T | None = None
        self.failure = ""
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._breaking = self._loop.call_later(seconds, self.break_off)
        self._attempts = 0
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True, name="alphintra-variables")
        # A debugger neither steps into it nor stops it: the kernel does not answer its own questions otherwise.
        self._thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
        self._thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether it has come to its end."""
        return self._ended.is_set()

    async def wait(self, seconds: float) -> bool:
        """Wait for its end for at most some time; whether it has come."""
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def break_off(self) -> None:
        """Have it end soon."""
        if self._ended.is_set() or self._attempts >= _ATTEMPTS:
            return
        self._attempts += 1
        raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
        raise_in(ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(BrokenOff))
        self._breaking = self._loop.call_later(_AGAIN, self.break_off)

    def _run(self, work: Callable[[], T]) -> None:
        try:
            try:
                self.value = work()
            except BrokenOff:
                self.failure = f"it took longer than {self._seconds:.0f} s"
            except BaseException as error:  # noqa: BLE001 - whatever the trader's code raises is told
                self.failure = f"an error of class {type(error).__name__}"
                self.failure = shortened(f"{type(error).__name__}: {error}", LONGEST)  # the text is their code too
            self._tell()
        except BaseException:  # noqa: BLE001 - that text raised, or it was broken off just after its end
            self._tell()

    def _tell(self) -> None:
        with contextlib.suppress(RuntimeError):  # the kernel has ended
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self._breaking.cancel()
        self._ended.set()
