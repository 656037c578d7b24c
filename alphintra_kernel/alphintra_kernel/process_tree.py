"""Memory in use by a process and everything below it."""

from __future__ import annotations

import os
from pathlib import Path

import psutil  # type: ignore[import-untyped]

_TEMPORARY = ("tmp", "dev/shm")


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


def memory_in_use(pid: int) -> int:
    """Count bytes of the whole tree below ``pid``."""
    return sum(map(_proportional, descendants(pid)))


def temporary_files(pid: int) -> int:
    """Count bytes in the memory file systems that the sandbox of ``pid`` sees: nobody maps them."""
    total = 0
    for name in _TEMPORARY:
        try:
            stat = os.statvfs(f"/proc/{pid}/root/{name}")
        except OSError:
            continue  # it ended meanwhile
        total += (stat.f_blocks - stat.f_bfree) * stat.f_frsize
    return total
