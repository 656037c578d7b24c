"""A running sandbox as its supervisor sees it: its clock, its bounds, its end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alphintra_kernel import disk, levels, process_tree
from alphintra_kernel import priority as priorities
from alphintra_kernel.cgroup import Group
from alphintra_kernel.disk import DiskWatch
from alphintra_kernel.limits import MIB, Limits
from alphintra_kernel.priority import NORMAL, Priority
from alphintra_kernel.usage import Meter, Usage

EXITED, KILLED = "exited", "killed"
WALL_CLOCK, MEMORY, DISK, OUTPUT = "wall_clock", "memory", "disk", "output"
_FIRST_INTERVAL, _INTERVAL = 0.03, 0.25
_STDERR_KEPT = 64 << 10
_STDERR_SLOW = 1 * MIB
_PATIENCE = 2.0
_END_SECONDS = 10.0


@dataclass(frozen=True)
class Started:
    """What a supervisor needs to know of a sandbox that has just started.

    Attributes:
        popen: The process above all others of it.
        level: The sandbox's level.
        limits: The bounds it runs under.
        first_pid: The first process below ``popen``; ``None`` when there was none, because the start failed.
        group: Its control group, where there are any.
        writable: Its writable mounts on the host.
        private: A folder of its own on the host that goes with it.
        priority: Its share of the processors.
    """

    popen: subprocess.Popen[bytes]
    level: str
    limits: Limits
    first_pid: int | None
    group: Group | None = None
    writable: Sequence[Path] = ()
    private: Path | None = None
    priority: Priority = NORMAL

    @property
    def own_view(self) -> int | None:
        """A process that sees the sandbox's own files; ``None`` when it has none."""
        return self.first_pid if self.level in levels.OWN_FILES else None


class SandboxProcess:
    """A process started by ``Sandbox.spawn``.

    Attributes:
        pid: The process that this one started, and waits for.
        level: The sandbox's level.
        limits: The bounds it runs under.
        outcome: ``None`` while it runs; then ``"exited"`` (by itself, see the exit code), ``"wall_clock"``,
            ``"memory"``, ``"disk"``, ``"output"`` or ``"killed"`` (by :meth:`kill`).
    """

    def __init__(
        self,
        started: Started,
        *,
        on_end: Callable[[], None] | None = None,
        on_exit: Callable[[SandboxProcess], None] | None = None,
    ) -> None:
        self.pid = started.popen.pid
        self.level = started.level
        self.limits = started.limits
        self.outcome: str | None = None
        self._started = started
        self._popen = started.popen
        self._uppermost = _pidfd(self.pid)
        self._first = _pidfd(started.first_pid)
        self._on_end = on_end
        self._on_exit = on_exit
        self._meter = Meter(self.pid, started.group, started.own_view)
        self._disk = DiskWatch([*started.writable, *([started.private] if started.private else [])], started.limits)
        self._deadline = time.monotonic() + started.limits.wall_seconds
        self._over = False
        self._killed_as: str | None = None
        self._killed_at = 0.0
        self._priority = started.priority
        self._lock = threading.Lock()
        self._stderr = bytearray()
        self._stderr_total = 0
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name=f"sandbox-{self.pid}", daemon=True).start()

    @property
    def usage(self) -> Usage:
        """What it has used up to now (a quarter of a second ago), and after its end in all."""
        return self._meter.usage

    @property
    def peak_memory(self) -> int:
        """The most memory that it had in use, in bytes."""
        return self.usage.peak_memory

    def poll(self) -> int | None:
        """Return the exit code (128 + signal for a killed tenant), or ``None`` while anything of it runs."""
        return self._code() if self._ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code.

        Raises:
            TimeoutError: It still runs after ``timeout`` seconds.
        """
        if not self._ended.wait(timeout):
            raise TimeoutError(f"sandbox {self.pid} still runs after {timeout} s")
        return self._code()

    def kill(self, outcome: str = KILLED) -> None:
        """End it and everything in it now; ``poll`` answers soon after. Nothing happens if it has ended.

        Args:
            outcome: What the end is called, for a caller that keeps a bound of its own (``"output"``).
        """
        with self._lock:
            if not self._over:
                self._killed_as = self._killed_as or outcome
                self._killed_at = self._killed_at or time.monotonic()
                self._end_processes()

    def prefer(self, priority: Priority) -> None:
        """Give it another share of the processors, with everything in it. Nothing happens if it has ended."""
        self._priority = priority
        if self._started.group is not None:
            self._started.group.share(priority)
        if not self._has_shares:
            priorities.apply(priority, self._meter.processes())

    def signal(self, signum: int) -> None:
        """Send a signal to the tenant's main process. Nothing happens if it has ended.

        Args:
            signum: For example ``signal.SIGINT``, which Python turns into a ``KeyboardInterrupt``.
        """
        with self._lock:
            pid = None if self._over else self._main_pid()
            handle = _pidfd(pid)
            if handle is None:
                return
            try:
                if self._main_pid() == pid:  # still the same after its handle cannot come to mean another
                    with contextlib.suppress(ProcessLookupError):
                        signal.pidfd_send_signal(handle, signum)
            finally:
                os.close(handle)

    def stderr_tail(self) -> str:
        """Return the last 64 KiB that went to its standard error."""
        return bytes(self._stderr).decode("utf-8", "replace")

    @property
    def _has_shares(self) -> bool:
        return self._started.group is not None and self._started.group.has_shares

    def _code(self) -> int:
        code = self._popen.returncode
        return code if code >= 0 else 128 - code

    def _main_pid(self) -> int | None:
        first = self._started.first_pid
        if first is None:
            return None
        if self._started.own_view is not None:
            return process_tree.main_process(first)
        return first if first in process_tree.descendants(self.pid) else None

    def _end_processes(self) -> None:
        if self._started.own_view is None:
            # What stands above the tenant ends all below it; if it cannot, they are killed one by one.
            with contextlib.suppress(ProcessLookupError):
                self._popen.send_signal(signal.SIGTERM)
            if time.monotonic() > self._killed_at + _PATIENCE:
                for pid in reversed(process_tree.descendants(self.pid)):
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
        elif self._first is not None:
            # The first process of the namespace: the kernel ends all others with it.
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
        else:
            with contextlib.suppress(ProcessLookupError):
                self._popen.kill()
        if self._started.group is not None:
            self._started.group.kill()

    def _watch(self) -> None:
        try:
            self._follow()
        finally:  # also after an error of our own: nothing may run on unwatched, nobody may wait for ever
            if not self._has_ended():
                self.kill()
                self._popen.wait()
            try:
                self._end()
            finally:
                self._ended.set()
        if self._on_exit is not None:
            self._on_exit(self)

    def _follow(self) -> None:
        stderr = self._popen.stderr
        assert stderr is not None
        os.set_blocking(stderr.fileno(), False)
        poller = select.poll()
        poller.register(stderr.fileno(), select.POLLIN)
        if self._uppermost is not None:
            poller.register(self._uppermost, select.POLLIN)
        next_check = time.monotonic()
        interval = _FIRST_INTERVAL
        while not self._has_ended():
            ready = [fd for fd, _ in poller.poll(interval * 1000 if self._uppermost is not None else 20)]
            if stderr.fileno() in ready:
                if not self._read(stderr.fileno()):
                    poller.unregister(stderr.fileno())  # closed by all who had it
                elif self._stderr_total > _STDERR_SLOW:
                    time.sleep(0.02)  # so much that it has to wait
            now = time.monotonic()
            if now >= next_check:
                # Often at first, so that a short life is measured too.
                next_check = now + interval
                interval = min(2 * interval, _INTERVAL)
                self._check(now)
        for _ in range(_STDERR_KEPT // 4096 + 1):
            if not self._read(stderr.fileno()):
                break

    def _has_ended(self) -> bool:
        """Tell whether the uppermost process has ended, and leave it to be counted and waited for."""
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def _read(self, fd: int) -> bool:
        """Take what is on standard error; whether there can be more."""
        try:
            chunk = os.read(fd, _STDERR_KEPT)
        except BlockingIOError:
            return True
        self._stderr += chunk
        del self._stderr[:-_STDERR_KEPT]
        self._stderr_total += len(chunk)
        return bool(chunk)

    def _check(self, now: float) -> None:
        used = self._meter.sample()
        written = self._meter.usage.bytes_written
        over = None
        if now >= self._deadline:
            over = WALL_CLOCK
        elif used > self.limits.memory_bytes or self.out_of_memory():
            over = MEMORY
        elif self._stderr_total > self.limits.output_bytes:
            over = OUTPUT
        elif self._disk.exceeded(self._meter.processes, self._started.own_view, written):
            over = DISK
        if over is not None or self._killed_as is not None:
            self.kill(over or KILLED)
        elif self._priority != NORMAL and not self._has_shares:
            # What a tenant starts in a session of its own has the usual share at first.
            priorities.apply(self._priority, self._meter.processes())

    def out_of_memory(self) -> bool:
        """Tell whether the operating system has ended a process of it for its memory; it may not be gone yet."""
        return self._started.group is not None and self._started.group.out_of_memory()

    def _end(self) -> None:
        if self._first is not None and self._started.own_view is not None:
            self._meter.last_look(self._started.own_view)
        if self._first is not None:
            # bwrap returns with the tenant's main process; the namespace's first one, and with it all others, are
            # ended by that, a moment later.
            gone = select.poll()
            gone.register(self._first, select.POLLIN)
            gone.poll(_END_SECONDS * 1000)
        with self._lock:  # from here on nobody kills or signals: what follows may take a while
            self._over = True
        self._meter.finish(self._disk.growth())
        if self.out_of_memory():
            self._killed_as = self._killed_as or MEMORY
        self._popen.wait()
        if self._started.group is not None:
            self._started.group.remove()
        for handle in (self._first, self._uppermost):
            if handle is not None:
                os.close(handle)
        if self._popen.stderr is not None:
            self._popen.stderr.close()
        if self._started.private is not None:
            with contextlib.suppress(OSError):
                disk.remove(self._started.private)
        if self._on_end is not None:
            self._on_end()
        self.outcome = self._killed_as or EXITED


def _pidfd(pid: int | None) -> int | None:
    """Return a handle that cannot come to mean another process; ``None`` when it has ended."""
    if pid is None or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
