"""A rate with a burst: a bucket of tokens that refills by itself, and a log that is written at one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable


class Bucket:
    """Allows ``burst`` at once and ``rate`` a second in the long run.

    Args:
        rate: Tokens a second.
        burst: Most that it holds.
        clock: Seconds that only grow.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._held = burst
        self._at = clock()

    @property
    def held(self) -> float:
        """Tokens there are now."""
        now = self._clock()
        self._held = min(self.burst, self._held + (now - self._at) * self.rate)
        self._at = now
        return self._held

    def take(self, tokens: float = 1) -> float:
        """Take one token, or so many together; else return the seconds until they are there."""
        if self.held >= tokens:
            self._held -= tokens
            return 0.0
        return (tokens - self._held) / self.rate


class SeldomMalformed(logging.Filter):
    """Keeps a client that sends nonsense from filling the log, which Tornado would write a line of for each."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = Bucket(rate=1, burst=20)

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line may be written."""
        return record.module != "http1connection" or self._lines.take() == 0
