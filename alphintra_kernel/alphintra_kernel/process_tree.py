"""A process and everything below it, as ``/proc`` shows them: memory, processor time, bytes written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

_TICKS = os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """List the process ids below ``pid``, itself included and first, as far as they still exist."""
    if not Path(f"/proc/{pid}/task/{pid}/children").exists():
        return _descendants_by_parent(pid)
    found = [pid]
    for above in found:  # which grows meanwhile
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{above}/task"):  # noqa: PTH208 - asked four times a second
                with contextlib.suppress(OSError):
                    found += map(int, Path(f"/proc/{above}/task/{thread}/children").read_text().split())
    return found


def _descendants_by_parent(pid: int) -> list[int]:
    """Do the same where the kernel keeps no list of children, or there is no ``/proc``."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [pid, *(child.pid for child in children)]


def memory_in_use(pids: Iterable[int]) -> int:
    """Count bytes that these processes hold: pages that several map count once."""
    return sum(_proportional(pid).get("Pss", 0) for pid in pids)


def memory_beside_files(pids: Sequence[int]) -> int:
    """Count bytes that these processes hold outside of memory file systems.

    A shared mapping without a file counts with its whole size: its pages stay when nobody maps them any more, and
    then no process shows them.
    """
    total = 0
    shared: dict[str, int] = {}
    for pid in pids:
        held = _proportional(pid)
        total += held.get("Pss", 0) - held.get("Pss_Shmem", 0)
        for inode, size in _shared_mappings(pid).items():
            shared[inode] = max(shared.get(inode, 0), size)
    return total + sum(shared.values())


def _shared_mappings(pid: int) -> dict[str, int]:
    """Read the sizes of a process's shared mappings without a file, by the inode that the kernel gives each."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines():
            if line.endswith("/dev/zero (deleted)"):
                span, _permissions, _offset, _device, inode, _path = line.split(None, 5)
                low, high = (int(part, 16) for part in span.split("-"))
                found[inode] = found.get(inode, 0) + high - low
    return found


def _proportional(pid: int) -> dict[str, int]:
    """Read the proportional set sizes, in bytes: shared pages count once over all who map them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return {line.split(":")[0]: int(line.split()[1]) << 10 for line in lines if line.startswith("Pss")}
    except FileNotFoundError:
        if not Path("/proc/self/smaps_rollup").exists():
            with contextlib.suppress(psutil.NoSuchProcess):
                return {"Pss": int(psutil.Process(pid).memory_info().rss)}
    except (ProcessLookupError, PermissionError):
        pass  # it ended meanwhile; its pages are gone or counted elsewhere
    return {}


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
