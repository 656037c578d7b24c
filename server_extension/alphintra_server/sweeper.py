"""Removing what nobody needs any more, now and then, and when there is something."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from .repeated import Repeated


class Sweeper(Repeated):
    """Removes things again and again, and says how many went.

    Args:
        work: Removes them; returns how many.
        what: What goes, as the log says it.
        log: Where it says so.
        seconds: Between two times, unless it is woken.
    """

    def __init__(self, work: Callable[[], Awaitable[int]], what: str, log: logging.Logger, seconds: float) -> None:
        async def swept() -> None:
            if gone := await work():
                log.info("Removed: %s %s", gone, what)

        super().__init__(swept, f"The removal of {what}", log, seconds)
