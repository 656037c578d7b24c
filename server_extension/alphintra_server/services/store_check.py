"""Whether an object store can be used: tried at the start, and again until it can."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from alphintra.errors import DataError

from ..errors import Unavailable
from ..waiting import in_waiting

if TYPE_CHECKING:
    from .dataset_storage import DatasetStorage


class StoreCheck:
    """Knows of a store at whose address no file could be put yet: a wrong name, wrong credentials, no way there.

    Once it could be used it counts as usable: that it is away for a while is said by what needs it then.

    Args:
        storage: The store.
        address: Where it is; empty for a folder, of which nothing is to be found out.
        log: Where it says what it found.

    Attributes:
        again_seconds: How long it waits before it tries again.
        problem: Why it cannot be used, without its address; ``None`` while that is not known, and where it can.
        usable: Whether it can.
    """

    again_seconds = 30.0

    def __init__(self, storage: DatasetStorage, address: str, log: logging.Logger) -> None:
        self.problem: str | None = None
        self.usable = not address
        self.address = address
        self._storage, self._log = storage, log
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to find out; the server starts either way."""
        if not self.usable:
            self._task = asyncio.create_task(self._until_usable(), name="alphintra-store-check")

    async def stop(self) -> None:
        """Leave it."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def refuse_unusable(self) -> None:
        """Refuse what could be stored nowhere.

        Raises:
            Unavailable: ``STORE_FAILED``: the store could not be used yet.
        """
        if self.problem is not None:
            raise Unavailable(f"Datasets cannot be stored: {self.problem}", code="STORE_FAILED")

    async def _until_usable(self) -> None:
        while not self.usable:
            try:
                await in_waiting(self._storage.check)
            except DataError as error:
                if str(error) != self.problem:  # said once, however often it is found
                    self._log.error("AlphintraServer.dataset_store %s cannot be used: %s", self.address, error)
                self.problem = str(error)
                await asyncio.sleep(self.again_seconds)
            else:
                self.problem, self.usable = None, True
                self._log.info("Datasets are stored at %s", self.address)
