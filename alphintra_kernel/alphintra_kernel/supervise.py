"""A running sandbox as its supervisor sees it: its clock, its memory, its end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from alphintra_kernel import process_tree
from alphintra_kernel.limits import MIB, Limits
from alphintra_kernel.usage import Usage

EXITED, WALL_CLOCK, MEMORY, KILLED, DISK, OUTPUT = "exited", "wall_clock", "memory", "killed", "disk", "output"
_INTERVAL = 0.25
_STDERR_KEPT = 64 << 10
_STDERR_SLOW = 1 * MIB


class SandboxProcess:
    """A process started by ``Sandbox.spawn``.

    Attributes:
        pid: The process that this one started, and waits for.
        level: The sandbox's level.
        limits: The bounds it runs under.
        outcome: ``None`` while it runs; then ``"exited"`` (by itself, see the exit code), ``"wall_clock"``,
            ``"memory"``, ``"disk"``, ``"output"`` or ``"killed"`` (by :meth:`kill`).
        peak_memory: The most memory that was seen in use, in bytes.
    """

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        *,
        level: str,
        limits: Limits,
        first_pid: int | None,
        on_end: Callable[[], None] | None = None,
        on_exit: Callable[[SandboxProcess], None] | None = None,
    ) -> None:
        self.pid = popen.pid
        self.level = level
        self.limits = limits
        self.outcome: str | None = None
        self.peak_memory = 0
        self._popen = popen
        self._first_pid = first_pid
        self._first = _pidfd(first_pid)
        self._on_end = on_end
        self._on_exit = on_exit
        self._deadline = time.monotonic() + limits.wall_seconds
        self._killed_as: str | None = None
        self._lock = threading.Lock()
        self._stderr = bytearray()
        self._stderr_total = 0
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name=f"sandbox-{popen.pid}", daemon=True).start()

    def poll(self) -> int | None:
        """Return the exit code (128 + signal for a killed tenant), or ``None`` while anything of it runs."""
        return self._popen.returncode if self._ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code.

        Raises:
            TimeoutError: It still runs after ``timeout`` seconds.
        """
        if not self._ended.wait(timeout):
            raise TimeoutError(f"sandbox {self.pid} still runs after {timeout} s")
        return self._popen.returncode

    def kill(self, outcome: str = KILLED) -> None:
        """End it and everything in it now; ``poll`` answers soon after. Nothing happens if it has ended.

        Args:
            outcome: What the end is called, for a caller that keeps a bound of its own (``"output"``).
        """
        self._kill(outcome)

    @property
    def usage(self) -> Usage:
        """What it has used up to now, and after its end in all."""
        return Usage(0.0, self.peak_memory, 0)

    def signal(self, signum: int) -> None:
        """Send a signal to the tenant's main process. Nothing happens if it has ended.

        Args:
            signum: For example ``signal.SIGINT``, which Python turns into a ``KeyboardInterrupt``.
        """
        if self._first_pid is None:
            return
        for pid in process_tree.descendants(self._first_pid)[0 if self.level == "none" else 1 :][:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)

    def stderr_tail(self) -> str:
        """Return the last 64 KiB that went to its standard error."""
        return bytes(self._stderr).decode("utf-8", "replace")

    def _kill(self, why: str) -> None:
        with self._lock:
            if self.outcome is not None:
                return
            self._killed_as = self._killed_as or why
            if self.level == "none":
                # Named before the first dies: its children then have another parent.
                for pid in process_tree.descendants(self.pid)[1:]:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                if self._first is None:
                    self._popen.kill()
                else:
                    # The first process of the namespace: the kernel ends all others with it, and bwrap
                    # returns only after that, so nothing writes to the out folder any more.
                    signal.pidfd_send_signal(self._first, signal.SIGKILL)

    def _watch(self) -> None:
        stderr = self._popen.stderr
        assert stderr is not None
        os.set_blocking(stderr.fileno(), False)
        next_check = time.monotonic()
        while self._popen.poll() is None:
            if not self._read(stderr.fileno(), _INTERVAL):
                time.sleep(0.02)  # closed by the tenant, or so much that it has to wait
            now = time.monotonic()
            if now >= self._deadline:
                self._kill(WALL_CLOCK)
            elif now >= next_check:
                next_check = now + _INTERVAL
                self._check_memory()
        while self._read(stderr.fileno(), 0):
            pass
        self._end()

    def _read(self, fd: int, timeout: float) -> bool:
        """Take what is on standard error; whether the caller may come again at once."""
        if not select.select([fd], [], [], timeout)[0]:
            return timeout > 0
        try:
            chunk = os.read(fd, _STDERR_KEPT)
        except BlockingIOError:
            return timeout > 0
        self._stderr += chunk
        del self._stderr[:-_STDERR_KEPT]
        self._stderr_total += len(chunk)
        return bool(chunk) and self._stderr_total < _STDERR_SLOW

    def _check_memory(self) -> None:
        used = process_tree.memory_in_use(self.pid)
        if self.level != "none" and self._first_pid is not None:
            used += process_tree.temporary_files(self._first_pid)
        self.peak_memory = max(self.peak_memory, used)
        if used > self.limits.memory_bytes:
            self._kill(MEMORY)

    def _end(self) -> None:
        with self._lock:
            self.outcome = self._killed_as or EXITED
            if self._first is not None:
                os.close(self._first)
                self._first = None
        if self._popen.stderr is not None:
            self._popen.stderr.close()
        if self._on_end is not None:
            self._on_end()
        self._ended.set()
        if self._on_exit is not None:
            self._on_exit(self)


def _pidfd(pid: int | None) -> int | None:
    """Return a handle that cannot come to mean another process; ``None`` when it has ended."""
    if pid is None or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
