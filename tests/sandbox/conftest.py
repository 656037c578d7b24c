"""The machine that is attacked: servers, a neighbour, a home with a key, listeners on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import alphintra
import pytest
from alphintra_kernel.levels import probe_report
from alphintra_server.sealing.keys import MasterKeys

from .probe import AS_ROOT
from .server import TOKEN, Server, serving
from .tenants import JOB_SECONDS, Kernel


@pytest.fixture(scope="session", autouse=True)
def _sandboxed() -> None:
    if probe_report().level == "none":
        pytest.skip(f"THE ATTACKS DID NOT RUN: there is no sandbox here ({probe_report().reason})")


@pytest.fixture(autouse=True)
def _servers_answer_afterwards(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each attack the servers that were there answer. Probes are tried all at once, and so is this after them."""
    names = () if "probe" in request.fixturenames else ("server", "locked", "cached")
    servers = [request.getfixturevalue(name) for name in names if name in request.fixturenames]
    yield
    for each in servers:
        each.check_answers()


@pytest.fixture(scope="session")
def machine() -> Iterator[Path]:
    """A folder that is not in ``/tmp``, which every sandbox has one of its own of."""
    with tempfile.TemporaryDirectory(prefix="alphintra-attack-", dir="/var/tmp") as name:
        root = Path(name)
        neighbour = root / "neighbour"
        neighbour.mkdir()
        (neighbour / "notes.txt").write_text("bought at dawn")
        (root / "own").mkdir()
        yield root


@pytest.fixture(scope="session")
def server(machine: Path) -> Iterator[Server]:
    """As a trader starts it on the own machine."""
    keys = machine / "local" / "home" / ".ssh"
    keys.mkdir(parents=True)
    (keys / "id_ed25519").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n(of a test)\n")
    # All refusals in one job, which has a tenth of a processor while other tests compute.
    with serving(machine / "local", f"--AlphintraServer.job_seconds={JOB_SECONDS}") as running:
        yield running


@pytest.fixture(scope="session")
def kernel(server: Server) -> Iterator[Kernel]:
    """A notebook kernel as it is locally."""
    found = Kernel(server)
    yield found
    found.close()


@pytest.fixture(scope="session")
def other_kernel(server: Server) -> Iterator[Kernel]:
    """Another notebook's."""
    found = Kernel(server)
    yield found
    found.close()


@pytest.fixture(scope="session")
def locked(machine: Path) -> Iterator[Server]:
    """As it is started where people run others' notebooks."""
    (machine / "locked").mkdir()
    with serving(machine / "locked", "--AlphintraServer.lockdown=True", "--AlphintraServer.pool_size=0") as running:
        yield running


@pytest.fixture(scope="session")
def locked_kernel(locked: Server) -> Iterator[Kernel]:
    """A notebook kernel there: without network."""
    found = Kernel(locked)
    yield found
    found.close()


@pytest.fixture(scope="session")
def listeners(machine: Path) -> Iterator[dict[str, Any]]:
    """What listens on this host: on loopback, on an abstract name, on a path."""
    abstract = f"alphintra-attack-{os.getpid()}"
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        tcp6 = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        for address in ("\0" + abstract, str(machine / "host.sock")):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(address)
            listener.listen(64)
        threading.Thread(target=_echo, args=(udp,), daemon=True).start()
        yield {
            "tcp": tcp.getsockname()[1],
            "tcp6": tcp6.getsockname()[1],
            "udp": udp.getsockname()[1],
            "abstract": abstract,
            "unix": str(machine / "host.sock"),
        }
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", udp.getsockname())


def _echo(udp: socket.socket) -> None:
    while True:
        said, sender = udp.recvfrom(16)
        if said == b"end":
            return
        udp.sendto(b"pong", sender)


@pytest.fixture(scope="session")
def given(machine: Path, server: Server, other_kernel: Kernel, listeners: dict[str, Any]) -> dict[str, Any]:
    """What the probes aim at."""
    dataset = next(Path(alphintra.__file__).parent.rglob("*.parquet"))
    keys = server.root / "data" / "keys"
    master_key = keys / f"master-{MasterKeys(keys).rotate()}.key"
    return listeners | {
        "neighbour": str(machine / "neighbour" / "notes.txt"),
        "database": str(server.root / "data" / "alphintra.sqlite"),
        "master_key": str(master_key),
        "connection": str(other_kernel.connection),
        "runtime": str(server.root / "runtime"),
        "token": TOKEN,
        "ssh_key": str(server.root / "home" / ".ssh" / "id_ed25519"),
        "home": str(server.root / "home"),
        "package": alphintra.__file__,
        "dataset": str(dataset),
        "server": server.process.pid,
        "test": os.getpid(),
        "http": server.port,
        "first": 1,
        "program": "/usr/bin/env",
        "exe": "/proc/self/exe",
        "starter": "/proc/1/exe",
        "own": "/tmp",
        "prefix": sys.prefix,
        "usr": "/usr",
        "root": "/",
        "dev": "/dev",
        "etc": "/etc",
        "proc": "/proc",
    }


@pytest.fixture(scope="session")
def given_outside(given: dict[str, Any], machine: Path) -> dict[str, Any]:
    """The same for the control, which changes nothing but a folder of its own."""
    own = machine / "own"
    # A hard link stays on one disk, and needs a file that its maker owns.
    dataset = own / "dataset.parquet"
    shutil.copyfile(given["dataset"], dataset)
    package = own / "package.py"
    package.write_text("# one of ours")
    starter = own / "starter"
    starter.write_text("what starts sandboxes")
    places = dict.fromkeys(("own", "prefix", "usr", "root", "dev", "etc", "proc"), str(own))
    files = dict.fromkeys(("package", "program", "exe"), str(package))
    return given | places | files | {"dataset": str(dataset), "starter": str(starter), "first": os.getpid()}


@pytest.fixture(scope="session")
def as_root() -> bool:
    return AS_ROOT
