"""Removing uploads that nobody goes on with, now and then."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from ..db.outage import Outage

if TYPE_CHECKING:
    from ..services.uploads import Uploads


class UploadSweeper:
    """Sweeps.

    Args:
        uploads: What it sweeps.
        log: Where it says what it removed.
        seconds: Between two times.
    """

    def __init__(self, uploads: Uploads, log: logging.Logger, seconds: float = 300.0) -> None:
        self._uploads = uploads
        self._log = log
        self._seconds = seconds
        self._outage = Outage(log, "The removal of old uploads")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="alphintra-uploads")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                if gone := await self._uploads.sweep():
                    self._log.info("%s uploads that nobody went on with were removed", gone)
                self._outage.over()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  what could not be removed now can be later
                self._outage.seen(error)
            await asyncio.sleep(self._seconds)
