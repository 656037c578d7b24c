"""The door of a sandbox to its server: a UNIX socket of its own, opened by whoever serves it.

The kernel's side knows what a door is and where to ask for one; what is behind it is the server's. Where nobody
serves doors (a kernel without our server), :func:`opener` is ``None`` and there is none.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from alphintra._door import SOCKET_VARIABLE, TOKEN_VARIABLE

from alphintra_kernel.profile import Mount

FOLDER = "/run/alphintra"
"""Where a door's folder is mounted in a sandbox."""


@dataclass(frozen=True)
class Door:
    """One tenant's way to the server.

    Attributes:
        socket: The socket on the host, alone in its folder.
        token: What each request through it must carry.
    """

    socket: Path
    token: str = field(repr=False)

    @property
    def mount(self) -> Mount:
        """What the sandbox must see: the folder, read-only, which does not keep anybody from connecting."""
        return Mount(self.socket.parent, FOLDER)

    def environment(self, *, mounted: bool) -> dict[str, str]:
        """Return the variables by which ``al.submit`` finds the door.

        Args:
            mounted: Whether the tenant sees it at :data:`FOLDER`; else (no mount namespace) at the host's path.
        """
        path = f"{FOLDER}/{self.socket.name}" if mounted else str(self.socket)
        return {SOCKET_VARIABLE: path, TOKEN_VARIABLE: self.token}

    def give(self, user_id: int) -> None:
        """Make it the property of the host user that a sandbox started by root becomes; nobody else can connect."""
        for path in (self.socket, self.socket.parent):
            os.chown(path, user_id, user_id, follow_symlinks=False)


class DoorOpener(Protocol):
    """Opens and closes doors, on the server's event loop."""

    async def open(self, *, user_id: str, tenant: str, subject: str) -> Door:
        """Open a door through which a tenant acts as one user.

        Args:
            user_id: On whose behalf.
            tenant: What it is: ``kernel`` or ``job``.
            subject: Which one: the kernel's or the job's id.
        """
        ...

    async def close(self, door: Door) -> None:
        """End a door: its socket, its connections and its token. One that has ended already is left alone."""
        ...


_opener: DoorOpener | None = None


def register(found: DoorOpener | None) -> None:
    """Say who opens doors in this process; ``None`` when the server ends."""
    global _opener
    _opener = found


def opener() -> DoorOpener | None:
    """Return who opens doors in this process, ``None`` where nobody does."""
    return _opener
