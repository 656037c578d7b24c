"""Starting workers in the sandbox, and finding what an attempt left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphintra_kernel.sandbox import Sandbox
    from alphintra_kernel.supervise import SandboxProcess

JOB_VARIABLE = "ALPHINTRA_JOB"
"""Environment variable by which the leftovers of an attempt are found."""
ROOT_VARIABLE = "ALPHINTRA_JOB_ROOT"
"""Environment variable that tells the worker where ``in`` and ``out`` are."""


@dataclass(frozen=True)
class JobLimits:
    """What one job may use."""

    wall_seconds: float = 600
    memory_bytes: int = 2 << 30


class Launcher:
    """Starts one worker per attempt in the sandbox.

    Args:
        sandbox: Where user code runs.
        limits: What each job may use.
        argv: The worker's command, to which the two descriptors are appended.
    """

    def __init__(self, sandbox: Sandbox, limits: JobLimits, argv: Sequence[str] | None = None) -> None:
        self.sandbox = sandbox
        self.limits = limits
        self._argv = tuple(argv or (sys.executable, "-P", "-m", "alphintra_kernel.worker"))

    async def start(self, marker: str, folder: Path, read_fd: int, write_fd: int) -> SandboxProcess:
        """Start a worker whose input and output are in ``folder``.

        Args:
            marker: Names the attempt in the worker's environment.
            folder: Holds ``in`` (read-only inside) and ``out`` (writable).
            read_fd: Where the worker reads the server's lines.
            write_fd: Where it writes its own.
        """
        return await asyncio.to_thread(self._start, marker, folder, read_fd, write_fd)

    def _start(self, marker: str, folder: Path, read_fd: int, write_fd: int) -> SandboxProcess:
        from alphintra_kernel.limits import Limits
        from alphintra_kernel.profile import Mount

        # Without a sandbox there are no mounts: the worker sees the host's paths.
        root = str(folder) if self.sandbox.host_paths else "/job"
        return self.sandbox.spawn(
            [*self._argv, str(read_fd), str(write_fd)],
            mounts=[
                Mount(folder / "in", "/job/in"),
                Mount(folder / "out", "/job/out", writable=True),
            ],
            limits=Limits(
                wall_seconds=self.limits.wall_seconds,
                memory_bytes=self.limits.memory_bytes,
            ),
            fds=(read_fd, write_fd),
            cwd=f"{root}/out",
            env={JOB_VARIABLE: marker, ROOT_VARIABLE: root},
        )


def sweep(marker: str) -> int:
    """Kill what is left of an attempt: every process of ours that carries its marker.

    Returns:
        How many were killed.
    """
    wanted = f"{JOB_VARIABLE}={marker}".encode()
    killed = 0
    proc = Path("/proc")
    if not proc.is_dir():
        return 0
    for entry in proc.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes()
            if wanted in environment.split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
                killed += 1
        except OSError:
            # Gone meanwhile, or another user's.
            continue
    return killed
