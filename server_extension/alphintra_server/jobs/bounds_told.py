"""Errors that a job's bounds bring about, as its code meets them: each is told with the bound that it met."""

from __future__ import annotations

import errno
from typing import Any

from .launcher import JobLimits


def with_bound(error: dict[str, Any], limits: JobLimits, *, own_tmp: bool) -> dict[str, Any]:
    """Return an error of a strategy, with the bound that it met where it is one that a bound brings about.

    Args:
        error: With ``code`` and ``message``.
        limits: The job's.
        own_tmp: Whether its ``/tmp`` is one of its own, and bounded.
    """
    message = str(error["message"])
    bounds = limits.bounds()
    by_number = {
        errno.EAGAIN: f"A job may have {bounds.processes} processes and threads.",
        errno.EMFILE: f"A job may have {bounds.open_files:,} files open in each process.",
        errno.EFBIG: f"A file of a job may have at most {bounds.file_bytes >> 20} MiB (job_disk).",
    }
    if own_tmp:
        by_number[errno.ENOSPC] = f"A job's /tmp and /dev/shm hold {bounds.tmp_bytes >> 20} MiB each."
    if error["code"] == "MEMORY_LIMIT":
        told: str | None = f"A job may use {limits.memory_bytes >> 20} MiB (job_memory)."
    elif "can't start new thread" in message:
        told = by_number[errno.EAGAIN]
    else:
        told = next((text for number, text in by_number.items() if f"[Errno {number}]" in message), None)
    return error if told is None else error | {"message": f"{message.rstrip('.')}. {told}"}
