"""The lines that a worker and its supervisor exchange: one JSON object each, bounded.

The supervisor says ``run``; the worker says ``ready``, ``warm``, ``progress``, ``log``, and last ``result`` or
``error``. They travel on two descriptors of their own, so that what user code prints cannot be mistaken for a
message.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import threading
import time
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, Any

MAX_LINE = 60 << 10
MAX_REQUEST = 16 << 20
LOG_LINES = 2_000
LOG_BYTES = 1 << 20
LOG_LINE_CHARS = 2_000
LOG_INTERVAL = 0.1
#: What one message holds of the log, as a rule: so much a pipe takes in one piece, and the lines of processes that user
#: code forks do not end up inside one another.
LOG_MESSAGE_BYTES = 2_000
#: Characters that may be printed in all. So much is no log: the job is ended.
PRINTED_CHARS = 64 << 20
MESSAGE_CHARS = 4_000
TRACEBACK_CHARS = 16_000
PROGRESS_CHARS = 200
PROGRESS_INTERVAL = 0.1
#: Whoever forks waits so long at most for a line that is on its way.
FORK_SECONDS = 5.0

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


class ProtocolError(Exception):
    """The other side said something that is not a message."""


class Channel:
    """One end of a conversation.

    Args:
        reader: Where the other side's lines come from.
        writer: Where ours go.
    """

    def __init__(self, reader: IO[bytes], writer: IO[bytes]) -> None:
        self._reader = reader
        self._writer = writer
        self.lock = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        """Write one message as one line.

        Raises:
            ProtocolError: The line would be longer than ``MAX_LINE``.
        """
        line = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )
        if len(line) > MAX_LINE:
            raise ProtocolError(f"a message of {len(line)} bytes; at most {MAX_LINE} are allowed")
        rest = memoryview(line + b"\n")
        with self.lock:
            while rest:
                written = self._writer.write(rest)
                if written is None:  # user code made the descriptor one that does not wait
                    raise BlockingIOError(errno.EAGAIN, "the channel is full")
                rest = rest[written:]
            self._writer.flush()

    def receive(self) -> dict[str, Any] | None:
        """Read one message; ``None`` when the other side is gone.

        Raises:
            ProtocolError: The line is too long or not a JSON object with a ``type``.
        """
        line = self._reader.readline(MAX_REQUEST + 1)
        if not line:
            return None
        if len(line) > MAX_REQUEST:
            raise ProtocolError(f"a request of more than {MAX_REQUEST} bytes")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ProtocolError(f"not JSON: {error}") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise ProtocolError("a message is an object with a type")
        return message


def shorten(text: str, most: int) -> str:
    """Keep both ends of a text: an error says at its start what it is, and at its end why."""
    if len(text) <= most:
        return text
    half = (most - 5) // 2
    return f"{text[:half]} … {text[-half:]}"


class Log(io.TextIOBase):
    """Standard output and error of user code, sent as ``log`` lines until the allowance is used up.

    What is printed fast goes out several lines at a time, what is printed now and then at once; nothing waits for
    longer than ``LOG_INTERVAL``.

    Args:
        channel: Where the lines go.
        on_excess: Called when more than ``PRINTED_CHARS`` were printed in all.
    """

    def __init__(self, channel: Channel, on_excess: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._channel = channel
        self._on_excess = on_excess
        self._lock = threading.RLock()
        self._partial = ""
        self._waiting: list[str] = []
        self._waiting_bytes = 0
        self._sent_at = float("-inf")
        self._timer: threading.Timer | None = None
        self._printed = 0
        self._lines = 0
        self._bytes = 0
        self.dropped = 0
        _logs.add(self)

    def writable(self) -> bool:
        """Return that text can be written."""
        return True

    def write(self, text: str) -> int:
        """Take text; whole lines are sent."""
        with self._lock:
            self._printed += len(text)
            if self._printed > PRINTED_CHARS and self._on_excess is not None:
                self._on_excess()
            *lines, rest = (self._partial + text).split("\n")
            for line in lines:
                self._take(line)
            if len(rest) > LOG_LINE_CHARS:  # a line that never ends must not grow without bound
                self._take(rest)
                rest = ""
            self._partial = rest
            if self._waiting:
                self._send_soon()
        return len(text)

    def flush(self) -> None:
        """Send the lines that wait."""
        with self._lock:
            self._send()

    def finish(self) -> None:
        """Send what has no line end yet, and say how much was left out."""
        with self._lock:
            if self._partial:
                self._take(self._partial)
                self._partial = ""
            self._send()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self.dropped:
                self._channel.send({"type": "log", "text": f"… {self.dropped:,} more lines not kept"})
                self.dropped = 0

    def hold(self) -> list[Any]:
        """Wait until no other thread is in the midst of a line; the locks to be released after a fork."""
        locks = (self._lock, self._channel.lock)
        return [lock for lock in locks if lock.acquire(timeout=FORK_SECONDS)]

    def forked(self) -> None:
        """Forget, in a forked process, what the one that it came from will send."""
        self._lock = threading.RLock()
        self._channel.lock = threading.Lock()
        self._partial, self._waiting, self._waiting_bytes, self._timer = "", [], 0, None

    def _take(self, line: str) -> None:
        if self._lines >= LOG_LINES:
            self.dropped += 1
            return
        text = shorten(_CONTROL.sub("", line[: 4 * LOG_LINE_CHARS].rstrip("\r")), LOG_LINE_CHARS)
        size = len(text.encode("utf-8", "replace"))
        if self._bytes + size > LOG_BYTES:
            self.dropped += 1
            return
        self._lines += 1
        self._bytes += size
        if self._waiting_bytes + size > LOG_MESSAGE_BYTES:
            self._send()
        self._waiting.append(text)
        self._waiting_bytes += size + 1

    def _send_soon(self) -> None:
        if time.monotonic() - self._sent_at >= LOG_INTERVAL:
            self._send()
        elif self._timer is None:
            timer = threading.Timer(LOG_INTERVAL, self._send_late)
            timer.daemon = True
            try:
                timer.start()
            except RuntimeError:  # user code has used up the threads that it may have
                self._send()
            else:
                self._timer = timer

    def _send_late(self) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):  # the channel may be gone
            self._timer = None
            self._send()

    def _send(self) -> None:
        if self._waiting:
            lines, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._sent_at = time.monotonic()
            self._channel.send({"type": "log", "text": "\n".join(lines)})


_logs: weakref.WeakSet[Log] = weakref.WeakSet()
_held: list[Any] = []


def _before_fork() -> None:
    # A lock that another thread holds is never released in the new process: what it prints would wait for ever.
    for log in list(_logs):
        _held.extend(log.hold())


def _after_fork() -> None:
    while _held:
        _held.pop().release()


def _forked() -> None:
    _held.clear()
    for log in list(_logs):
        log.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_forked)


class Progress:
    """Tells the supervisor how far a run is, at most ten times a second.

    Args:
        channel: Where it goes.
        clock: Seconds that only grow.
    """

    def __init__(self, channel: Channel, clock: Callable[[], float] = time.monotonic) -> None:
        self._channel = channel
        self._clock = clock
        self._next = float("-inf")

    def phase(self, name: str, fraction: float) -> None:
        """Say that a new phase has begun; never held back."""
        self._say(name, fraction, None)

    def bar(self, fraction: float, time_us: int, phase: str = "running") -> None:
        """Say which bar the run has reached.

        Args:
            fraction: Of the bars, from 0 to 1.
            time_us: The bar's close in microseconds since 1970-01-01 UTC.
            phase: ``running``, or ``checking`` where the run is repeated to look for look-ahead.
        """
        now = self._clock()
        if now >= self._next:
            self._next = now + PROGRESS_INTERVAL
            self._say(phase, fraction, iso_time(time_us))

    def study(self, fraction: float, phase: str, text: str) -> None:
        """Say how far a study is.

        Args:
            fraction: From 0 to 1.
            phase: ``sweeping``, ``walking`` or ``resampling``.
            text: What it is at, such as ``120 of 990 variants``.
        """
        now = self._clock()
        if now >= self._next:
            self._next = now + PROGRESS_INTERVAL
            self._say(phase, fraction, None, text)

    def _say(self, phase: str, fraction: float, bar_time: str | None, text: str | None = None) -> None:
        message = {
            "type": "progress",
            "fraction": min(max(float(fraction), 0.0), 1.0),
            "phase": phase,
            "bar_time": bar_time,
        }
        self._channel.send(message if text is None else message | {"text": shorten(text, PROGRESS_CHARS)})


def iso_time(time_us: int) -> str:
    """Format as RFC 3339 in UTC, with a fraction only where there is one."""
    seconds, fraction = divmod(int(time_us), 1_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:06d}Z" if fraction else f"{text}Z"
