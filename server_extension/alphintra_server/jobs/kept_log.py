"""What is kept of a job's log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from .protocol import KEPT_LOG_CHARS, KEPT_LOG_LINES


class KeptLog:
    """The last lines, bounded in number, length and bytes.

    Args:
        most_bytes: Of all lines together.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._lines: deque[tuple[str, int]] = deque()
        self._bytes = 0

    def add(self, text: str) -> None:
        """Take one line or several; the oldest give way."""
        for line in text.split("\n"):
            short = line[:KEPT_LOG_CHARS]
            size = len(short.encode("utf-8", "replace"))
            self._lines.append((short, size))
            self._bytes += size
            while self._lines and (len(self._lines) > KEPT_LOG_LINES or self._bytes > self._most):
                self._bytes -= self._lines.popleft()[1]

    def __iter__(self) -> Iterator[str]:
        return (line for line, _ in self._lines)
