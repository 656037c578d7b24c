"""Servers of one database: started, armed, killed, and asked whether they live."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alphintra_server import crash_points

LEASE_SECONDS = 2.0
HEARTBEAT_SECONDS = 0.4


@dataclass
class Server:
    """One server: its address stays, its process does not."""

    name: str
    port: int
    pid: int | None = None
    boots: int = 0
    quick: bool = True

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        return self.pid is not None and Path(f"/proc/{self.pid}/stat").exists()

    @property
    def ready(self) -> bool:
        """Whether it can work."""
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", "/ready")
                return connection.getresponse().status == 200
            finally:
                connection.close()
        return False


@dataclass
class Fleet:
    """All servers of one database and one data folder.

    Args:
        folder: For everything that they write.
        database_url: Of the database.
        count: How many servers.
    """

    folder: Path
    database_url: str
    count: int
    servers: list[Server] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data_dir = self.folder / "data"
        self.workspace = self.folder / "workspace"
        self.workspace.mkdir(parents=True)
        root = Path(__file__).resolve().parents[2]
        packages = ("sdk", "backtest", "papertrade", "alphintra_kernel", "server_extension", "hub")
        path = os.pathsep.join([str(root), *(str(root / name) for name in packages)])
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.nursery"],
            cwd=root,
            env={**os.environ, "PYTHONPATH": path, "JUPYTER_NO_CONFIG": "1", "ALPHINTRA_DATA_DIR": str(self.data_dir)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._hear("ready")
        for number in range(self.count):
            self.servers.append(Server("ab"[number], _free_port()))

    def start(self, server: Server, *, quick: bool = True, crash_at: str = "") -> None:
        """Start a server; it may take a while until it answers."""
        server.boots += 1
        server.quick = quick
        config: dict[str, Any] = {
            "ServerApp": {
                "jpserver_extensions": {"alphintra_server": True},
                "root_dir": str(self.workspace),
                "port": server.port,
                "port_retries": 0,
                "ip": "127.0.0.1",
                "open_browser": False,
                "allow_root": True,
                "disable_check_xsrf": True,
                "log_level": "INFO",
            },
            "AlphintraServer": {
                "data_dir": str(self.data_dir),
                "workspace": str(self.workspace),
                "database_url": self.database_url,
                "single_user": False,
                "allow_unsandboxed_jobs": True,
                # A lost server is to be noticed soon.
                "lease_seconds": LEASE_SECONDS,
                "heartbeat_seconds": HEARTBEAT_SECONDS,
                "max_jobs": 2,
                "max_jobs_per_user": 2,
                "max_queued": 1000,
                "job_seconds": 60.0,
                # The real worker waits in a pool, so that a pool is killed as well.
                "pool_size": 0 if quick else 1,
            },
        }
        request = {
            "config": config,
            "environment": {crash_points.VARIABLE: crash_at, "TMPDIR": str(self.folder)},
            "log": str(self.folder / f"{server.name}.log"),
            "arm": str(self.folder / f"{server.name}.arm"),
            "quick": quick,
        }
        assert self._nursery.stdin is not None
        print(json.dumps(request), file=self._nursery.stdin, flush=True)
        server.pid = int(self._hear())

    def arm(self, server: Server, crash_at: str) -> None:
        """Tell a running server where to die."""
        Path(self.folder / f"{server.name}.arm").write_text(crash_at)
        if server.alive:
            self.signal(server, signal.SIGUSR2)

    def kill(self, server: Server) -> None:
        """End a server at once."""
        self.signal(server, signal.SIGKILL)
        self.wait_dead(server, 20)

    def signal(self, server: Server, what: signal.Signals) -> None:
        """Send a server's process a signal, if it is there."""
        if server.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(server.pid, what)

    def wait_dead(self, server: Server, seconds: float) -> bool:
        """Wait until a server has died."""
        until = time.monotonic() + seconds
        while server.alive:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    def wait_ready(self, server: Server, seconds: float = 60) -> bool:
        """Wait until a server works or is dead; tell whether it works."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if server.ready:
                return True
            if not server.alive:
                return False
            time.sleep(0.02)
        return False

    def tail(self, lines: int = 40) -> str:
        """Give the last lines of the servers' logs."""
        text = []
        for server in self.servers:
            file = self.folder / f"{server.name}.log"
            if file.exists():
                text += [f"-- log of server {server.name}", *file.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(text)

    def close(self) -> None:
        """End all."""
        for server in self.servers:
            self.kill(server)
        if self._nursery.stdin is not None:
            self._nursery.stdin.close()
        self._nursery.wait(20)

    def _hear(self, wanted: str | None = None) -> str:
        assert self._nursery.stdout is not None
        line = self._nursery.stdout.readline().strip()
        if not line or (wanted is not None and line != wanted):
            raise RuntimeError(f"the nursery of servers said {line!r}")
        return line


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
