"""A database that goes away and comes back: how it shows, and how it is told without filling the log."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_AGAIN_SECONDS = 60.0
#: How SQLite and PostgreSQL say that the disk is full.
_FULL = frozenset({"SQLITE_FULL", "53100"})


class DatabaseAwayError(RuntimeError):
    """The database did not answer in time. What was asked of it may or may not have happened."""


def is_away(error: BaseException) -> bool:
    """Whether the database cannot be worked with now: unreachable, locked, full. Trying again later may help."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, OperationalError | InterfaceError | PoolTimeoutError | DatabaseAwayError)


def why_away(error: BaseException) -> str:
    """Say to who asked why the database cannot be worked with, and what to do, as far as it is known."""
    cause = getattr(error, "orig", error)
    name = str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")
    if name in _FULL:
        return "The disk that the database is on is full; make room there, and try again."
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "Another program keeps the database's file locked; end it, or try again soon."
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR")):
        return "The database's file cannot be read or written; see the server's log for its reason, and try again."
    return "The database cannot be used just now; try again soon."


class Outage:
    """What one worker of the server says of its troubles: the first, then one a minute, and their end.

    Args:
        log: Where it says it.
        who: Who stumbled, at the start of a sentence.
    """

    def __init__(self, log: logging.Logger, who: str) -> None:
        self._log = log
        self._who = who
        self._lock = threading.Lock()
        self._since: float | None = None
        self._told = 0.0

    def seen(self, error: BaseException) -> None:
        """Take note of a failure."""
        now = time.monotonic()
        with self._lock:
            first, self._since = self._since is None, now if self._since is None else self._since
            if not first and now - self._told < _AGAIN_SECONDS:
                return
            self._told = now
        if is_away(error):
            text = str(getattr(error, "orig", error)).strip().partition("\n")[0]
            self._log.warning("%s: the database cannot be used (%s); trying again", self._who, text)
        else:
            self._log.error("%s stumbled; it goes on", self._who, exc_info=error)

    def over(self) -> None:
        """Take note that it works."""
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            self._log.warning("%s: back to normal after %.1f seconds", self._who, time.monotonic() - since)
