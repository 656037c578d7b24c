"""What one sandbox may use."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass

MIB = 1 << 20
#: What a study's own process takes and what each of its workers takes: the libraries, the data, and what is made of it.
_MAIN_BYTES, _WORKER_BYTES = 768 * MIB, 320 * MIB
#: Processes and threads of a worker beside one a core for its numerical libraries, and of the process that feeds it.
_WORKER_THREADS, _SPARE = 4, 32


@dataclass(frozen=True)
class Limits:
    """Bounds of one sandbox and everything that runs in it.

    Attributes:
        wall_seconds: Time from start to the kill by the supervisor.
        memory_bytes: Private and shared memory of all its processes, temporary files included. Each process
            also gets it as its data limit, so that most programs see a ``MemoryError`` before the kill.
        cpu_seconds: Processor time of each process; ``None`` leaves it to the wall clock.
        processes: Processes and threads.
        open_files: Descriptors of each process.
        file_bytes: Size of each file written.
        tmp_bytes: Size of ``/tmp``, and again of ``/dev/shm``.
        disk_bytes: What its writable mounts may hold more than at the start, in bytes; from 2**50 on, and with
            as many ``disk_files``, nobody looks.
        disk_files: Files and folders that it may make in writable mounts, and again in ``/tmp`` and ``/dev/shm``.
        output_bytes: What it may write to standard error, of which the last 64 KiB are kept.
    """

    wall_seconds: float = 600.0
    memory_bytes: int = 2048 * MIB
    cpu_seconds: int | None = 1200
    processes: int = 128
    open_files: int = 1024
    file_bytes: int = 256 * MIB
    tmp_bytes: int = 256 * MIB
    disk_bytes: int = 1024 * MIB
    disk_files: int = 20_000
    output_bytes: int = 16 * MIB

    def resources(self) -> dict[str, int]:
        """Return what the operating system keeps for each process, by ``prlimit``'s option names.

        The address space is not among them: Numba, Polars and DuckDB reserve far more than they use.
        """
        values = {
            "core": 0,
            "data": self.memory_bytes,
            "fsize": self.file_bytes,
            "memlock": 64 << 10,
            "msgqueue": 0,
            "nofile": self.open_files,
            "nproc": self.processes,
        }
        if self.cpu_seconds is not None:
            values["cpu"] = self.cpu_seconds
        return values


def workers_within() -> int:
    """Return how many worker processes a study may start here: as many as cores, if this process's limits allow it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = cores
    memory, processes = resource.getrlimit(resource.RLIMIT_DATA)[0], resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if memory != resource.RLIM_INFINITY:
        found = min(found, (memory - _MAIN_BYTES) // _WORKER_BYTES)
    if processes != resource.RLIM_INFINITY:
        found = min(found, (processes - _SPARE) // (cores + _WORKER_THREADS))
    return max(1, int(found))
