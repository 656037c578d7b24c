"""Opening and closing doors."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alphintra_kernel.doors import Door
from alphintra_kernel.socket_folder import hold
from tornado.log import gen_log
from tornado.web import Application

from ..auth import Caller
from ..jobs.worker_home import remove_tree
from .handlers import AbsentHandler
from .listener import Listener
from .rates import Bucket, SeldomMalformed
from .routes import ROUTES, SUBMIT
from .tenant import Tenant

if TYPE_CHECKING:
    from ..app import AlphintraServer

SOCKET = "door.sock"
SUBMITS_A_SECOND, SUBMITS_AT_ONCE = 2.0, 60.0
_PREFIX = "alp-doors-"
# UNIX socket paths have at most 107 bytes: a short folder, whatever the server's own are called.
_PARENT = Path("/tmp")
_NEW = 60.0


class Doors:
    """Implements ``alphintra_kernel.doors.DoorOpener``.

    Args:
        extension: Has the services, and what they say when there are none.
        log: Where it says who did what.
    """

    def __init__(self, extension: AlphintraServer, log: logging.Logger) -> None:
        self._extension = extension
        self._log = log
        self._open: dict[Path, tuple[Tenant, Listener]] = {}
        self._rates: dict[str, dict[str, Bucket]] = {}
        self._folder: Path | None = None
        self._lock: int | None = None
        self._seldom = SeldomMalformed()
        gen_log.addFilter(self._seldom)

    async def open(
        self, *, user_id: str, tenant: str, subject: str, roles: Sequence[str] | None = None
    ) -> Door:
        """Open a door.

        Args:
            user_id: On whose behalf everything behind it happens.
            tenant: ``kernel`` or ``job``.
            subject: The kernel's or job's id.
            roles: What that user may do, at most; left out, run strategies, and where the server has one owner make
                datasets as well.
        """
        if roles is None:
            roles = ("researcher",) if self._extension.single_user else ("trader",)
        folder = Path(tempfile.mkdtemp(prefix="", dir=self._home()))
        rates = self._rates.setdefault(user_id, {SUBMIT: Bucket(SUBMITS_A_SECOND, SUBMITS_AT_ONCE)})
        behind = Tenant(Caller(user_id, tuple(roles)), tenant, subject, secrets.token_urlsafe(32), rates)
        given = {"tenant": behind, "extension": self._extension, "log": self._log}
        application = Application(
            [(path, handler, given) for path, handler in ROUTES],
            default_handler_class=AbsentHandler,
            default_handler_args=given,
            log_function=lambda handler: None,  # each says it itself
        )
        path = folder / SOCKET
        try:
            self._open[path] = behind, Listener(path, application)
        except OSError:
            await asyncio.to_thread(remove_tree, folder)
            raise
        self._log.info("Door opened for %s %s of user %s", tenant, subject, user_id)
        return Door(path, behind.token)

    async def close(self, door: Door) -> None:
        """End a door; nothing happens where it has ended."""
        found = self._open.pop(door.socket, None)
        if found is None:
            return
        tenant, listener = found
        tenant.ended = True
        await listener.stop()
        await asyncio.to_thread(remove_tree, door.socket.parent)
        self._log.info("Door closed for %s %s", tenant.kind, tenant.subject)

    async def close_all(self) -> None:
        """End every door, and leave nothing behind."""
        for path in [*self._open]:
            await self.close(Door(path, ""))
        gen_log.removeFilter(self._seldom)
        folder, self._folder = self._folder, None
        if folder is not None:
            await asyncio.to_thread(remove_tree, folder)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def sweep(self) -> None:
        """Remove what servers that were killed have left: their locks are free."""
        for folder in _PARENT.glob(f"{_PREFIX}*"):
            if folder == self._folder:
                continue
            try:
                found = folder.lstat()
                if found.st_uid != os.geteuid() or time.time() - found.st_mtime < _NEW:
                    continue  # another user's, or of a server that is about to lock it
                lock = hold(folder)
            except OSError:  # held by a running server, or gone
                continue
            remove_tree(folder)
            os.close(lock)

    def _home(self) -> Path:
        """Return the folder of this server's doors, locked while it runs."""
        if self._folder is None:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_PARENT))
            self._lock = hold(folder)
            # Passed through by sandboxes without mounts of their own that are another user; each door's is private.
            folder.chmod(0o711)
            self._folder = folder
        return self._folder
