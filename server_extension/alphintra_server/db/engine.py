"""Engines and transactions: one writer, many readers, never on the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from .outage import DatabaseAwayError
from .types import utc_now

T = TypeVar("T")

PATIENCE_SECONDS = 15.0
"""How long somebody who waits for an answer is let wait for the database."""
SQLITE_WAIT_MILLISECONDS = 10_000
"""How long a statement waits for somebody else who has the file locked."""
_TRIES = 3
_CAME_BETWEEN = frozenset({"40P01", "40001", "23505"})
"""What PostgreSQL says of transactions that met: a deadlock, no order of them, a key that is there by now."""
_POSTGRESQL = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_SESSION = "SET idle_in_transaction_session_timeout = 30000; SET lock_timeout = 10000"
"""A server that is frozen in the middle of a transaction holds up the others for half a minute at most."""


class DatabaseInUseError(RuntimeError):
    """Another server holds this SQLite file."""


class Database:
    """A database and the threads that talk to it.

    On SQLite every write transaction starts with ``BEGIN IMMEDIATE`` (with the driver's defaults a SELECT
    runs outside any transaction and claims of jobs lose races), reads go through a second, read-only
    engine, and a lock file keeps a second server out.

    Args:
        url: SQLAlchemy address, ``sqlite:///…`` or ``postgresql+psycopg://…``.
        readers: Threads, and so connections, for reads.
    """

    def __init__(self, url: str, *, readers: int = 4) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._lock: int | None = None
        if self.is_sqlite:
            if not self.url.database or self.url.database == ":memory:":
                raise ValueError("a SQLite database needs a file")
            path = Path(self.url.database).resolve()
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _take_lock(path)
            self.write_engine = _sqlite_writer(path)
            self.read_engine = _sqlite_reader(path, readers)
        else:
            self.write_engine = _postgresql(self.url, 5)
            self.read_engine = _postgresql(self.url, readers)
        # SQLite admits one writer at a time, so one thread writes; the heartbeat has its own.
        self._writers = ThreadPoolExecutor(1 if self.is_sqlite else 4, thread_name_prefix="alphintra-write")
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="alphintra-read")

    async def write(self, work: Callable[[Session], T], *, patience: float | None = PATIENCE_SECONDS) -> T:
        """Run ``work`` in one write transaction on a database thread.

        Args:
            work: What to do; it may be run again, so it changes nothing but the database.
            patience: Seconds to wait; None for whoever cannot do without.

        Raises:
            DatabaseAwayError: It took longer. The transaction may still commit.
        """
        return await self._within(patience, self._writers, self.write_now, work)

    async def read(self, work: Callable[[Session], T], *, patience: float | None = PATIENCE_SECONDS) -> T:
        """Run ``work`` on a read-only connection on a database thread.

        Raises:
            DatabaseAwayError: It took longer than ``patience`` seconds.
        """
        return await self._within(patience, self._readers, self.read_now, work)

    async def _within(
        self,
        patience: float | None,
        threads: ThreadPoolExecutor,
        run: Callable[[Callable[[Session], T]], T],
        work: Callable[[Session], T],
    ) -> T:
        # The request's context goes along: what is done in it may be recorded under its key.
        context = contextvars.copy_context()
        running = asyncio.get_running_loop().run_in_executor(threads, context.run, run, work)
        try:
            async with asyncio.timeout(patience):
                return await running
        except TimeoutError:
            # An error of this type that ``work`` itself raised is not about waiting.
            if running.done() and not running.cancelled():
                raise
            raise DatabaseAwayError(f"no answer within {patience:g} seconds") from None

    def write_now(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in one write transaction on this thread; again where another one came between.

        Two transactions may wait for each other, or both be the first to write a row that neither has seen: who is
        refused for that finds the other's row when it looks again.
        """
        for tries in range(1, _TRIES + 1):
            try:
                with Session(self.write_engine, expire_on_commit=False) as session, session.begin():
                    return work(session)
            except (IntegrityError, OperationalError) as error:
                if tries == _TRIES or getattr(error.orig, "sqlstate", None) not in _CAME_BETWEEN:
                    raise
        raise AssertionError("unreachable")

    def read_now(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` on a read-only connection on this thread."""
        with Session(self.read_engine, expire_on_commit=False) as session:
            return work(session)

    def close(self) -> None:
        """Finish what is running, then let go of the file."""
        self._writers.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        # The last connection folds the write-ahead log back into the file, and a read-only one cannot.
        self.read_engine.dispose()
        self.write_engine.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def database_now(session: Session) -> datetime:
    """Read the database's own clock: leases are compared by it, whichever server asks."""
    if session.get_bind().dialect.name == "sqlite":
        return utc_now()  # a file has no clock but that of the one server that holds it
    micros = session.execute(
        text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)")
    ).scalar_one()
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(micros))


def one_at_a_time(connection: Connection, what: str) -> None:
    """Let one transaction at a time go on from here, whichever server it is of. On SQLite that is so anyway."""
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")
        connection.execute(lock, {"what": f"alphintra {what}"})


def _postgresql(url: URL, connections: int) -> Engine:
    engine = create_engine(url, pool_size=connections, pool_pre_ping=True, pool_timeout=10, connect_args=_POSTGRESQL)

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        connection.execute(_SESSION)
        connection.commit()

    return engine


def _take_lock(path: Path) -> int:
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise DatabaseInUseError(f"{path} is in use by another server (process {holder})") from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _sqlite_writer(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", pool_size=2)

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"busy_timeout={SQLITE_WAIT_MILLISECONDS}",
            "foreign_keys=ON",
            "synchronous=NORMAL",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    # The file is made now, so that the read-only engine can open it.
    with engine.begin():
        pass
    return engine


def _sqlite_reader(path: Path, readers: int) -> Engine:
    engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true", pool_size=readers)

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={SQLITE_WAIT_MILLISECONDS}")
        connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
