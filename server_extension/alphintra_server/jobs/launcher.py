"""Starting workers in the sandbox."""

from __future__ import annotations

import asyncio
import functools
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alphintra_kernel.priority import BACKGROUND, Priority

from ..waiting import in_waiting
from .worker_home import WORKER_VARIABLE, Link, WorkerHome, lay_out, remove_tree
from .worker_process import Streams, Worker

if TYPE_CHECKING:
    from alphintra_kernel.limits import Limits
    from alphintra_kernel.sandbox import Sandbox
    from alphintra_kernel.supervise import SandboxProcess

    from ..sealing.copies import OpenedCopies
    from .pool import Pool

_SPARE_SECONDS = 120
"""Processor time of a worker beside its job's: it loads the libraries."""
_BEYOND_DISK = 64 << 20
"""Bytes that a file may have beyond the disk's bound: who fills the disk by one file is told of the disk's."""
ROOT_VARIABLE = "ALPHINTRA_JOB_ROOT"
"""Environment variable that tells the worker where ``in`` and ``out`` are."""


@dataclass(frozen=True)
class JobLimits:
    """What one job may use.

    Attributes:
        wall_seconds: Time from its start to its end.
        memory_bytes: Memory of all its processes together, temporary files included.
        disk_bytes: What it may have in its output folder at once.
        log_bytes: How much of its log is kept, the last of it.
    """

    wall_seconds: float = 600
    memory_bytes: int = 2 << 30
    disk_bytes: int = 1 << 30
    log_bytes: int = 256 << 10

    def bounds(self) -> Limits:
        """The bounds of its sandbox; the wall clock is kept by whoever gives it work, since it may wait for long."""
        from alphintra_kernel.limits import Limits

        return Limits(
            wall_seconds=math.inf,
            cpu_seconds=_SPARE_SECONDS + math.ceil(self.wall_seconds * (os.cpu_count() or 1)),
            memory_bytes=self.memory_bytes,
            disk_bytes=self.disk_bytes,
            file_bytes=self.disk_bytes + _BEYOND_DISK,
        )


class Launcher:
    """Starts one worker per attempt in the sandbox, or takes it from a pool.

    Args:
        sandbox: Where user code runs.
        limits: What a job may use whose limits nobody states.
        argv: The worker's command, to which the two descriptors are appended.
        workers_dir: Where workers have their folders, on the file system of the jobs' own; a folder for temporary
            files by default.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        limits: JobLimits,
        argv: Sequence[str] | None = None,
        workers_dir: Path | None = None,
    ) -> None:
        self.sandbox = sandbox
        self.limits = limits
        self.home = WorkerHome(workers_dir)
        self.pool: Pool | None = None
        self.copies: OpenedCopies | None = None
        self._argv = tuple(argv or (sys.executable, "-P", "-m", "alphintra_kernel.worker"))

    async def take(self, limits: JobLimits, *, network: bool = False) -> Worker:
        """Return a worker for one job: one that waits in the pool, else a new one, which may not be ready yet.

        Args:
            limits: What it may use.
            network: Whether it has a network; those of the pool have none.

        Raises:
            OSError: Its folder could not be made.
            SandboxError: It could not be started.
        """
        if self.pool is not None and not network:
            return await self.pool.take(limits)
        return await self.start(limits, network=network)

    async def start(
        self, limits: JobLimits, priority: Priority = BACKGROUND, *, network: bool = False
    ) -> Worker:
        """Start a worker.

        Args:
            limits: What it may use. Its time is kept by whoever gives it a job: it may wait for long.
            priority: Its share of the processors: that of a job, below the server's and the notebooks'.
            network: Whether it has a network.

        Raises:
            OSError: Its folder could not be made.
            SandboxError: It could not be started.
        """
        return Worker(*await self.begin(self._argv, limits.bounds(), priority, network=network))

    async def begin(
        self,
        argv: Sequence[str],
        bounds: Limits,
        priority: Priority = BACKGROUND,
        links: Mapping[str, Link] | None = None,
        last: Sequence[str] = (),
        *,
        network: bool = False,
    ) -> tuple[str, Path, SandboxProcess, Streams]:
        """Start a program that is spoken to over two pipes; return its marker, folder, process and our ends.

        Args:
            argv: Its command, to which the two descriptors are appended.
            bounds: What it may use.
            priority: Its share of the processors.
            links: Files that it finds below ``in`` from its start on, as of :func:`lay_out`.
            last: Arguments after the descriptors.
            network: Whether it has a network.

        Raises:
            OSError: Its folder could not be made, or a file that is to be linked is gone.
            DataError: A file that is to be linked could not be got from where it lies.
            SandboxError: It could not be started.
        """
        from alphintra_kernel.sandbox import start

        marker, folder = await asyncio.to_thread(self.home.new)
        try:
            if links:
                await in_waiting(lay_out, folder, {}, links)
            to_it, from_it = os.pipe(), os.pipe()
            theirs = (to_it[0], from_it[1])
            try:
                streams = await Streams.open(to_it[1], from_it[0])
                try:
                    command = [*argv, *map(str, theirs), *last]
                    spawn = functools.partial(
                        self._spawn, command, marker, folder, theirs, bounds, priority, network, streams
                    )
                    process = await start(spawn)
                except BaseException:
                    await streams.close()
                    raise
            finally:
                for fd in theirs:
                    os.close(fd)
        except BaseException:
            await asyncio.to_thread(remove_tree, folder)
            raise
        return marker, folder, process, streams

    def _spawn(
        self,
        argv: Sequence[str],
        marker: str,
        folder: Path,
        fds: tuple[int, int],
        bounds: Limits,
        priority: Priority,
        network: bool,
        streams: Streams,
    ) -> SandboxProcess:
        from alphintra_kernel.profile import Mount

        env = {WORKER_VARIABLE: marker, ROOT_VARIABLE: "/job"}
        mounts = [Mount(folder / "in", "/job/in"), Mount(folder / "out", "/job/out", writable=True)]
        if self.sandbox.host_paths:
            env |= {ROOT_VARIABLE: str(folder), "TMPDIR": str(folder / "tmp")}
            mounts.append(Mount(folder / "tmp", "/job/tmp", writable=True))
        return self.sandbox.spawn(
            argv,
            mounts=mounts,
            limits=bounds,
            fds=fds,
            cwd=f"{env[ROOT_VARIABLE]}/out",
            env=env,
            marker=marker,
            priority=priority,
            network=network,
            on_exit=lambda _process: streams.process_ended(),
        )
