"""Queueing jobs: what every service needs that does, and how each does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session

from ..db.engine import Database
from ..errors import Unavailable
from ..limits import Limits

T = TypeVar("T")


@dataclass(frozen=True)
class Queueing:
    """Where jobs go.

    Attributes:
        database: Where they wait.
        limits: How many of each user's may.
        wake: Called after one was queued.
        refused: Why none run on this machine, or ``None``.
    """

    database: Database
    limits: Limits
    wake: Callable[[], None]
    refused: str | None = None

    def refuse(self) -> None:
        """Refuse a job, in its transaction, where none run.

        Raises:
            Unavailable: ``NO_SANDBOX``.
        """
        if self.refused:
            raise Unavailable(self.refused, code="NO_SANDBOX")

    async def queue(self, work: Callable[[Session], T]) -> T:
        """Run a transaction that queues a job, and have it looked at."""
        queued = await self.database.write(work)
        self.wake()
        return queued
