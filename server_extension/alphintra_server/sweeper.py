"""Removing what nobody needs any more, now and then, and when there is something."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from .db.outage import Outage


class Sweeper:
    """Does a piece of work again and again.

    Args:
        work: What it does; returns how many things went.
        what: What goes, as the log says it.
        log: Where it says so.
        seconds: Between two times, unless it is woken.
    """

    def __init__(self, work: Callable[[], Awaitable[int]], what: str, log: logging.Logger, seconds: float) -> None:
        self._work = work
        self._what = what
        self._log = log
        self._seconds = seconds
        self._outage = Outage(log, f"The removal of {what}")
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=f"alphintra-sweeper-{self._what}")

    def wake(self) -> None:
        """Do it soon."""
        self._woken.set()

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                if gone := await self._work():
                    self._log.info("Removed: %s %s", gone, self._what)
                self._outage.over()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  what could not be removed now can be later
                self._outage.seen(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._woken.wait()
