"""What a sandbox has used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """What a sandbox's processes have used since their start, those that have ended included.

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
