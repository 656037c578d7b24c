"""What a session tells those who watch it: numbered, the last of it kept, each reader in a queue of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

KEPT = 200
"""Events that are kept for a reader who comes back."""
KEPT_BYTES = 4 << 20
"""What they may take together."""
_QUEUE = 100


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


@dataclass(eq=False)
class Reader:
    """One who watches; ``None`` in the queue is the end."""

    queue: asyncio.Queue[Told | None] = field(default_factory=lambda: asyncio.Queue(_QUEUE))


class Feed:
    """The events of one session."""

    def __init__(self) -> None:
        self._kept: deque[Told] = deque()
        self._bytes = 0
        self._readers: set[Reader] = set()
        self._count = 0
        self._closed = False

    @property
    def last(self) -> int:
        """Number of the newest event."""
        return self._count

    def tell(self, topic: str, data: str) -> None:
        """Tell all readers; one who is too slow is cut off."""
        self._count += 1
        told = Told(self._count, topic, data)
        self._kept.append(told)
        self._bytes += len(data)
        while len(self._kept) > 1 and (len(self._kept) > KEPT or self._bytes > KEPT_BYTES):
            self._bytes -= len(self._kept.popleft().data)
        for reader in list(self._readers):
            try:
                reader.queue.put_nowait(told)
            except asyncio.QueueFull:
                self._end(reader)

    def open(self, after: int | None) -> tuple[Reader, list[Told]] | None:
        """Begin to read.

        Args:
            after: Number of the last event that the reader knows; ``None`` for those from now on.

        Returns:
            The reader and what it has missed; ``None`` where some of that is no longer kept.
        """
        missed: list[Told] = []
        if after is not None:
            if after > self._count or (after < self._count and self._kept[0].number > after + 1):
                return None
            missed = [told for told in self._kept if told.number > after]
        reader = Reader()
        if self._closed:
            reader.queue.put_nowait(None)
        else:
            self._readers.add(reader)
        return reader, missed

    def leave(self, reader: Reader) -> None:
        """Stop reading."""
        self._readers.discard(reader)

    def close(self) -> None:
        """There is no more to tell: readers get what waits for them, and the end."""
        self._closed = True
        for reader in list(self._readers):
            self._readers.discard(reader)
            if reader.queue.full():
                reader.queue.get_nowait()
            reader.queue.put_nowait(None)

    def _end(self, reader: Reader) -> None:
        """Cut a reader off with nothing left out: it comes back with the last number that it got."""
        self._readers.discard(reader)
        while not reader.queue.empty():
            reader.queue.get_nowait()
        reader.queue.put_nowait(None)
