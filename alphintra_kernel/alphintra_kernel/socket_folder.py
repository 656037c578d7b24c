"""The folder of a kernel's sockets: short, private, and gone with the kernel or after the server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from pathlib import Path

from alphintra_kernel import disk

_PREFIX = "alp-kernel-"
# UNIX socket paths have at most 107 bytes: a short folder, whatever others are called.
_PARENT = Path("/tmp")
_NEW = 60.0


class SocketFolder:
    """A folder that becomes the kernel's, in one that stays the server's and is locked while there is a kernel.

    Attributes:
        path: The inner one. Who can connect to a socket in it can run code as the kernel.
        outside: Beside it, what the server connects to, which no kernel sees.
    """

    def __init__(self) -> None:
        self._outer = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_PARENT))
        self._lock = hold(self._outer)
        self._outer.chmod(0o711)  # passed through by a kernel that is another user
        self.path = self._outer / "s"
        self.outside = self._outer / "o"
        for folder in (self.path, self.outside):
            folder.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove it, whatever the kernel has made there; that may take a while.

        Raises:
            OSError: Something in it cannot be removed.
        """
        try:
            disk.remove(self._outer)
        finally:
            os.close(self._lock)


def sweep() -> None:
    """Remove what servers that were killed have left: their locks are free."""
    for folder in _PARENT.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # held by a running server, gone, or more than can be removed
            found = folder.lstat()
            if found.st_uid != os.geteuid() or time.time() - found.st_mtime < _NEW:
                continue  # another user's, or of a server that is about to lock it
            lock = hold(folder)
            try:
                disk.remove(folder)
            finally:
                os.close(lock)


def hold(folder: Path) -> int:
    """Lock a folder for as long as the descriptor is open.

    Raises:
        BlockingIOError: Somebody holds it.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock
