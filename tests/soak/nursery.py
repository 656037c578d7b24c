"""Starts servers quickly: everything is imported once, then each server is a fork of this process.

A server is the real thing: Jupyter Server with the extension. Only its imports, some three seconds, are shared. This
process reads requests, one JSON object a line; when its input ends it kills the servers that are left, so that nothing
outlives the test. SIGUSR2 makes a server read from a file at which crash point it is to die.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from alphintra_kernel import priority

# What a server imports late.
LATE = (
    "alembic.command", "alphintra_backtest.profiles", "alphintra_kernel.sandbox", "alphintra_server.app",
    "jupyter_server.serverapp", "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite",
)  # fmt: skip
QUICK_WORKER = Path(__file__).parents[1] / "server" / "protocol_worker.py"


def main() -> None:
    """Fork servers until the input ends."""
    # Jobs get a tenth of a busy machine. How soon all is well again is asked of the servers, not of who else computes.
    priority.BACKGROUND = priority.NORMAL
    for name in LATE:
        importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need no burial
    children: list[int] = []
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    # Not by iteration: a fork would inherit, and later read, lines that it had fetched already.
    while line := sys.stdin.readline():
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                serve(request)
            finally:
                os._exit(1)
        children.append(child)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
    for child in children:
        try:
            if Path(f"/proc/{child}/stat").read_text().split()[3] == str(os.getpid()):
                os.kill(child, signal.SIGKILL)
        except OSError:
            continue


def serve(request: dict[str, Any]) -> None:
    """Become a server."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.environ.update(request["environment"])

    from alphintra_server import crash_points
    from alphintra_server.app import AlphintraServer
    from jupyter_server.serverapp import ServerApp
    from traitlets.config import Config

    def arm(number: int, frame: object) -> None:
        # In the test alone: a server takes it from the environment that it was started with.
        crash_points.forget()
        os.environ[crash_points.VARIABLE] = Path(request["arm"]).read_text()

    signal.signal(signal.SIGUSR2, arm)
    if request["quick"]:
        AlphintraServer.worker_argv = (sys.executable, "-P", "-c", QUICK_WORKER.read_text())
    config = Config(request["config"])
    config.ServerApp.identity_provider_class = People
    app = ServerApp.instance(config=config)
    app.initialize(argv=[])
    app.start()


def _people() -> type:
    from alphintra_server.auth import RoleUser
    from jupyter_server.auth.identity import IdentityProvider

    class People(IdentityProvider):  # type: ignore[misc]
        """Everybody is who they say they are, in the header ``X-User``."""

        def get_user(self, handler: Any) -> Any:
            name = handler.request.headers.get("X-User")
            return RoleUser(name, roles=("trader",)) if name else None

        def is_token_authenticated(self, handler: Any) -> bool:
            return True

    return People


if __name__ == "__main__":
    People = _people()
    main()
