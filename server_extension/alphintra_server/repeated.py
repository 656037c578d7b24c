"""Work that a server does again and again for as long as it runs, whatever becomes of it once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from .db.outage import Outage


class Repeated:
    """Does a piece of work at once, and then again and again.

    Args:
        work: The work. What it raises is told, and it is done again all the same.
        who: Who does it, at the start of a sentence.
        log: Where its troubles go.
        seconds: Between two times, unless it is woken.
    """

    def __init__(
        self, work: Callable[[], Awaitable[object]], who: str, log: logging.Logger, seconds: float
    ) -> None:
        self._work = work
        self._who = who
        self._seconds = seconds
        self._outage = Outage(log, who)
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=f"alphintra: {self._who}")

    def wake(self) -> None:
        """Do it soon."""
        self._woken.set()

    async def stop(self) -> None:
        """End, in the midst of it as well."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._work()
                self._outage.over()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  what could not be done now can be later
                self._outage.seen(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._woken.wait()
