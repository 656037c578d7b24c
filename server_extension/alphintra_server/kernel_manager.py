"""Jupyter's manager of kernels, with a bound on what it keeps for a page that is closed."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

#: What is kept of the output of one kernel while nobody looks, for the page that comes back.
MAX_BYTES = 32 << 20
MAX_MESSAGES = 10_000


class OfflineMessages(deque[tuple[str, Sequence[Any]]]):
    """The last messages of a kernel: the oldest make room, so the page that comes back sees how it ended."""

    size = 0

    def append(self, item: tuple[str, Sequence[Any]]) -> None:
        """Keep a message: its channel and its parts."""
        super().append(item)
        self.size += _bytes(item)
        while len(self) > 1 and (self.size > MAX_BYTES or len(self) > MAX_MESSAGES):
            self.size -= _bytes(self.popleft())


def _bytes(item: tuple[str, Sequence[Any]]) -> int:
    return sum(map(len, item[1]))


class BoundedKernelManager(AsyncMappingKernelManager):
    """A kernel that prints while no page is open does not grow the server; one that talks nonsense is heard further."""

    def start_watching_activity(self, kernel_id: str) -> None:
        """Note what a kernel is at, whatever it says.

        A stream whose reader raises is not read any more: what the kernel is at would never be known again, and it
        would wait for the server.
        """
        super().start_watching_activity(kernel_id)  # type: ignore[no-untyped-call]
        stream = self._kernels[kernel_id]._activity_stream
        record = stream._recv_callback

        def carefully(parts: list[Any]) -> None:
            # A kernel's user code holds its sockets; the page's connection tells that it sent what is no message.
            with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
                record(parts)

        stream.on_recv(carefully)

    def start_buffering(self, kernel_id: str, session_key: str, channels: dict[str, Any]) -> None:
        """Keep what a kernel says until its page comes back."""
        super().start_buffering(kernel_id, session_key, channels)  # type: ignore[no-untyped-call]
        if kernel_id in self._kernel_buffers:
            self._kernel_buffers[kernel_id]["buffer"] = OfflineMessages()
