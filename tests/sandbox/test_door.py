"""A kernel's door, attacked from inside the kernel; in process and in depth, ``tests/server/test_door*.py`` does it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from .probe import Probe
from .probes_door import DOOR, NO_DOOR
from .server import Server
from .tenants import Kernel, ask_job

_WHERE = """
import json, os
links = [line.split()[3:5] for line in open("/proc/self/mountinfo")]
print(json.dumps([os.environ["ALPHINTRA_DOOR_TOKEN"], next(link[0] for link in links if link[1] == "/run/alphintra")]))
"""


def _door(kernel: Kernel) -> tuple[str, Path]:
    """A kernel's token, and where its door is on the host."""
    reply, printed = kernel.run(_WHERE)
    assert reply["status"] == "ok", reply
    token, folder = json.loads(printed)
    return token, Path(folder) / "door.sock"


@pytest.fixture(scope="module")
def asked(kernel: Kernel, other_kernel: Kernel, given: dict[str, Any]) -> dict[str, Any]:
    token, place = _door(other_kernel)
    answers = kernel.ask(DOOR, given | {"other_token": token, "other_door": str(place)})
    kernel.server.check_answers()
    return answers


@pytest.mark.parametrize("probe", DOOR, ids=lambda probe: probe.name)
def test_from_a_kernel(asked: dict[str, Any], probe: Probe) -> None:
    assert asked[probe.name] == probe.expected


def test_a_job_has_none(server: Server, given: dict[str, Any]) -> None:
    assert ask_job(server, NO_DOOR, given) == {probe.name: probe.expected for probe in NO_DOOR}


def test_it_ends_with_its_kernel(server: Server, kernel: Kernel) -> None:
    brief = Kernel(server)
    token, place = _door(brief)
    with socket.socket(socket.AF_UNIX) as client:  # the control: while it runs, the host's owner can connect
        client.connect(str(place))
    brief.close()
    with pytest.raises((FileNotFoundError, ConnectionRefusedError)), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place))
    late = Probe("late", DOOR[0].code.replace('os.environ["ALPHINTRA_DOOR_TOKEN"]', "given['late']"), None)
    late = Probe("late", late.code.split("reply =")[0] + "return status(ask(token=given['late']))", None)
    assert kernel.ask([late], {"late": token}) == {"late": 401}


_FLOOD = """
import os, socket
held = []
for _ in range(2000):
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    try:
        client.connect(os.environ["ALPHINTRA_DOOR"])
        client.send(b"POST /v1/backtests HTTP/1.1\\r\\nContent-Length: 8000000\\r\\n")
    except OSError:
        pass
    held.append(client)
print(len(held))
"""


def test_many_connections_are_the_kernels_own_trouble(server: Server, kernel: Kernel, other_kernel: Kernel) -> None:
    before = server.memory
    reply, printed = kernel.run(_FLOOD)
    assert (reply["status"], printed.strip()) == ("ok", "2000"), reply
    try:
        assert server.healthy()
        assert other_kernel.ask(DOOR[:1], {}) == {DOOR[0].name: DOOR[0].refused}
        assert server.memory - before < 64 << 20
    finally:
        kernel.run("for client in held:\n    client.close()")
