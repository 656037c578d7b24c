"""What a session tells those who watch it: numbered, the last of it kept; each reader asks for what comes after."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

KEPT = 200
"""Events that are kept: for readers who are slow, and for one who comes back."""
KEPT_BYTES = 1 << 20
"""What they may take together."""


@dataclass(frozen=True)
class Told:
    """One event.

    Attributes:
        number: Counts from 1 in each session.
        topic: ``session``, ``progress`` or ``log``.
        data: JSON.
    """

    number: int
    topic: str
    data: str


class Feed:
    """The events of one session. However many read them, they are kept once.

    Attributes:
        last: Number of the newest event.
        closed: Whether there will be no more.
    """

    def __init__(self) -> None:
        self.last = 0
        self.closed = False
        self._kept: deque[Told] = deque()
        self._bytes = 0
        self._news = asyncio.Event()

    def tell(self, topic: str, data: str) -> None:
        """Tell all readers."""
        self.last += 1
        self._kept.append(Told(self.last, topic, data))
        self._bytes += len(data)
        while len(self._kept) > 1 and (len(self._kept) > KEPT or self._bytes > KEPT_BYTES):
            self._bytes -= len(self._kept.popleft().data)
        self._wake()

    def close(self) -> None:
        """There is no more to tell."""
        self.closed = True
        self._wake()

    def after(self, number: int) -> list[Told] | None:
        """What was told after an event; ``None`` where some of that is no longer kept, or it never was."""
        if number > self.last or (number < self.last and self._kept[0].number > number + 1):
            return None
        return [told for told in self._kept if told.number > number]

    async def news(self) -> None:
        """Wait until something is told, or there is no more."""
        await self._news.wait()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
