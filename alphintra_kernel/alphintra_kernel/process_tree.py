"""A process and everything below it, as ``/proc`` shows them: memory, processor time, bytes written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import psutil  # type: ignore[import-untyped]

_TICKS = os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """List the process ids below ``pid``, itself included, as far as they still exist."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [pid, *(child.pid for child in children)]


def _proportional(pid: int) -> int:
    """Read the proportional set size: shared pages count once over all who map them."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    except FileNotFoundError:
        if not Path("/proc/self/smaps_rollup").exists():
            try:
                return int(psutil.Process(pid).memory_info().rss)
            except psutil.NoSuchProcess:
                return 0
    except (ProcessLookupError, PermissionError):
        pass  # it ended meanwhile; its pages are gone or counted elsewhere
    return 0


def memory_in_use(pids: Iterable[int]) -> int:
    """Count bytes of these processes."""
    return sum(map(_proportional, pids))


def cpu_seconds(pids: Iterable[int]) -> float:
    """Sum the processor time of these processes and of all whose end they have waited for."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / _TICKS


def bytes_written(pids: Iterable[int]) -> int:
    """Sum what these processes, and all whose end they have waited for, had written to disk."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):  # ended meanwhile, or not ours to see
            for line in Path(f"/proc/{pid}/io").read_text().splitlines():
                if line.startswith("write_bytes:"):
                    total += int(line.split()[1])
    return total


def most_resident(pids: Iterable[int]) -> int:
    """Return the most memory that a single one of these processes ever had, in bytes."""
    most = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    most = max(most, int(line.split()[1]) << 10)
    return most


def main_process(first_pid: int) -> int | None:
    """Find what the first process of a process id namespace started first: the tenant's program."""
    for pid in descendants(first_pid)[1:]:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("NSpid:") and line.split()[-1] == "2":
                    return pid
    return None
