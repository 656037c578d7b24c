"""When a widget does what the browser asks for: on the notebook's main thread, between two cells."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

from IPython.core.getipython import get_ipython


def later(action: Callable[[], None], seconds: float = 0.0) -> None:
    """Do something when no cell runs, ``seconds`` from now at the earliest; at once where there is no kernel.

    A browser's messages may come on another thread, while a cell works with the same objects. An interrupt of the
    kernel ends what is done, as it ends a cell: it raises ``KeyboardInterrupt`` there.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        action()
        return

    def turn() -> None:
        with interruptible():
            action()

    loop = kernel.io_loop
    loop.add_callback(loop.call_later, seconds, turn) if seconds else loop.add_callback(turn)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let the kernel's interrupt in, which it ignores while no cell runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        return  # came before or after the work itself, which says what was interrupted
    finally:
        signal.signal(signal.SIGINT, before)
