"""What a sandbox has used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alphintra_kernel import disk, process_tree
from alphintra_kernel.cgroup import Group


@dataclass(frozen=True)
class Usage:
    """What a sandbox's processes have used since their start, those that have ended included.

    Without a control group the last quarter of a second may be missing in processor time; what was written and
    deleted again in it always may.

    Attributes:
        cpu_seconds: Processor time, user and system, of all threads together.
        peak_memory: The most memory in use at once, in bytes: private and shared, temporary files included, the
            files that the operating system merely keeps at hand left out.
        bytes_written: What went to files on disk, in bytes. Pipes, sockets and ``/tmp`` (memory) are not among
            them.
    """

    cpu_seconds: float = 0.0
    peak_memory: int = 0
    bytes_written: int = 0


class Meter:
    """Measures one sandbox while it runs and at its end.

    A control group counts what ever ran in it. Without one, the numbers of a process that has ended are in those of
    the process that waited for it; a tenant that waits for none of its children hides what they used since the
    measurement before their end.

    Args:
        pid: The process above all of the sandbox's.
        group: Its control group, if it has one.
        first_pid: A process that sees the sandbox's memory file systems, if it has its own.
    """

    def __init__(self, pid: int, group: Group | None, first_pid: int | None) -> None:
        self._pid = pid
        self._group = group
        self._first_pid = first_pid
        self._cpu = _Growing()
        self._written = _Growing()
        self._peak = 0
        self._kept = 0
        self._seconds: float | None = None

    def sample(self) -> int:
        """Measure now; returns the memory in use, in bytes."""
        pids = self.processes()
        self._written.see(process_tree.bytes_written(pids))
        memory = self._group.memory() if self._group is not None else None
        if memory is not None:
            used = memory.used
            self._kept = max(self._kept, memory.kept)
            self._peak = max(self._peak, used, memory.peak - self._kept)
        else:
            if self._first_pid is None:
                used = process_tree.memory_in_use(pids)
            else:
                used = process_tree.memory_beside_files(pids) + disk.temporary_files(self._first_pid)
            self._peak = max(self._peak, used, process_tree.most_resident(pids))
        self._see_cpu(pids)
        return used

    def processes(self) -> list[int]:
        """List its processes, the uppermost first."""
        if self._group is not None:
            return [self._pid, *self._group.processes() - {self._pid}]
        return process_tree.descendants(self._pid)

    def last_look(self, first_pid: int) -> None:
        """Measure the namespace's first process, which has waited for the others and is about to go.

        Often it is still there when its own starter has ended, and nothing of the tenant's is missing then.
        """
        self._written.see(process_tree.bytes_written([first_pid]))
        self._see_cpu([first_pid])

    def finish(self, kept_on_disk: int) -> None:
        """Measure for the last time, after the end of everything but before the uppermost process is waited for.

        Args:
            kept_on_disk: Bytes more than at the start in its writable folders, which it must have written.
        """
        self._written.see(process_tree.bytes_written([self._pid]))
        self._written.total = max(self._written.total, kept_on_disk)
        self._see_cpu([self._pid])
        memory = self._group.memory() if self._group is not None else None
        if memory is not None:
            self._peak = max(self._peak, memory.peak - max(self._kept, memory.kept))

    @property
    def usage(self) -> Usage:
        """What was measured last; processor time is read anew where that is cheap."""
        if self._group is not None and (seconds := self._group.cpu_seconds()) is not None:
            self._seconds = seconds
        return Usage(
            self._cpu.total if self._seconds is None else self._seconds, self._peak, int(self._written.total)
        )

    def _see_cpu(self, pids: Sequence[int]) -> None:
        if self._group is not None and (seconds := self._group.cpu_seconds()) is not None:
            self._seconds = seconds
        else:
            self._cpu.see(process_tree.cpu_seconds(pids))


class _Growing:
    """A sum over processes that only grows, though a process takes its part away when nobody waits for its end."""

    def __init__(self) -> None:
        self.total: float = 0
        self._seen: float = 0

    def see(self, value: float) -> None:
        self.total += max(value - self._seen, 0)
        self._seen = value
