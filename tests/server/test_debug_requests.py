"""What is refused before a kernel is started, and sessions that end before their kernel has loaded the engine."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alphintra_server.jobs.worker_home import sweep_dead_servers

from alphintra_kernel import landlock, levels, socket_folder

from .conftest import STRATEGY, TestIdentities
from .debugging import AAPL, MALLORY, Session, is_gone, sessions, told, watch  # noqa: F401  fixtures


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture
def settings():
    return {"max_debug_kernels": 1}


REFUSED = [
    ({"dataset_id": "no-such-data"}, 422, "UNKNOWN_DATASET", "dataset_id"),
    ({"dataset_id": "us-equities-daily/NOPE"}, 422, "UNKNOWN_SYMBOL", "dataset_id"),
    ({"start_date": "2030-01-01"}, 422, "OUT_OF_RANGE", "start_date"),
    ({"end_date": "1990-01-01"}, 422, "OUT_OF_RANGE", "end_date"),
    ({"breakpoints": [0]}, 422, "SCHEMA", "breakpoints.0.line"),
    ({"breakpoints": [12, {"line": 12, "condition": "True"}]}, 422, "SCHEMA", "breakpoints"),
    ({"breakpoints": [{"line": 12, "condition": "a\nb"}]}, 422, "SCHEMA", "breakpoints.0.condition"),
    ({"breakpoints": list(range(1, 102))}, 422, "SCHEMA", "breakpoints"),
    ({"breakpoints": "12"}, 422, "SCHEMA", "breakpoints"),
    ({"class_name": "Other"}, 422, "UNKNOWN_CLASS", "class_name"),
    ({"parameters": {"fast": 1}}, 422, "BAD_PARAMETER", "parameters.fast"),
    ({"rules": {"fill_on": "open"}}, 422, "BAD_RULE", "rules.fill_on"),
    ({"wait_seconds": 31}, 422, "SCHEMA", "wait_seconds"),
    ({"strategy_version": 7}, 422, "INVALID", "strategy_version"),
]


async def test_what_is_refused_and_who_is_away(sessions, watch, extension):  # noqa: F811
    await sessions.store(STRATEGY)
    for body, status, code, field in REFUSED:
        reply = await sessions.ask("POST", "", {"dataset_id": AAPL, **body})
        assert (reply.status, reply.json["code"], reply.json["errors"][0]["field"]) == (status, code, field), body
    foreign = await sessions.ask("POST", "", {"dataset_id": AAPL}, user=MALLORY)
    assert foreign.status == 404
    assert (await sessions.ask("GET", user=MALLORY)).status == 404
    assert (await sessions.ask("POST", "/nothing/step", {})).status == 404
    assert (await sessions.ask("GET")).json["items"] == []
    for path, body, field in (
        ("/x/run-to", {}, "body"),
        ("/x/run-to", {"bar": 1, "timestamp": "2008-09-15"}, "body"),
        ("/x/step", {"unit": "year"}, "unit"),
        ("/x/evaluate", {"expression": ""}, "expression"),
    ):
        reply = await sessions.ask("POST", path, body)
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)

    # One that is stopped while its kernel is being started has none afterwards.
    starting = asyncio.ensure_future(sessions.ask("POST", "", {"dataset_id": AAPL, "wait_seconds": 30}))
    while not (listed := (await sessions.ask("GET")).json["items"]):
        pass
    assert (await sessions.ask("POST", f"/{listed[0]['id']}/stop")).status == 200
    made = (await starting).json
    assert (made["id"], made["status"], made["reason"]) == (listed[0]["id"], "COMPLETED", "stopped")
    gone = Session(sessions, made["id"])
    await gone.live.closed()
    assert gone.process is None

    # Whoever starts one and leaves finds it ended: looking and watching do not keep it.
    session = await sessions.start()
    process = session.process
    reading, raw = watch(session)
    assert (await session.refusal("/step"))[:2] == (409, "DEBUG_RUNNING")
    full = await sessions.ask("POST", "", {"dataset_id": AAPL})
    assert (full.status, full.json["code"], full.headers["Retry-After"]) == (429, "TOO_MANY_SESSIONS", "60")
    session.live._used -= 840  # a minute less than it may
    assert (await session.ask("GET")).json["status"] == "ACTIVE"
    session.live._used -= 60
    found = await session.stood()
    assert (found["status"], found["reason"], found["expires_at"]) == ("COMPLETED", "idle", None)
    await reading
    assert told(raw)[-1][2]["reason"] == "idle"
    await session.live.closed()
    assert is_gone(process.pid)

    # The server's end is theirs: what they were is told to those who watch.
    session = await sessions.start()
    process, folder = session.process, session.live._kernel.folder
    reading, raw = watch(session)
    assert (process.poll(), folder.is_dir()) == (None, True)
    while not raw:
        assert (await session.ask("GET")).json["status"] == "ACTIVE"
    await extension.stop_extension()
    await reading
    assert (told(raw)[-1][2]["status"], told(raw)[-1][2]["reason"]) == ("COMPLETED", "shutdown")
    assert (process.poll() is not None, folder.exists(), is_gone(process.pid)) == (True, False, True)


class TestNoRoomForADebugger:
    """Levels without namespaces refuse the sockets that a debugger needs."""

    @pytest.fixture(params=[levels.LANDLOCK, levels.POD])
    def settings(self, request, monkeypatch):
        if landlock.abi() < landlock.LOWEST_ABI:
            pytest.skip(f"no Landlock here: {landlock.why_not()}")
        monkeypatch.setattr(levels, "probe_report", lambda: levels.Probe(request.param))
        return {"allow_unsandboxed_jobs": True}

    async def test_it_is_said(self, sessions):  # noqa: F811
        await sessions.store(STRATEGY)
        reply = await sessions.ask("POST", "", {"dataset_id": AAPL})
        assert (reply.status, reply.json["code"]) == (503, "NO_DEBUG"), reply.json
        assert "no namespaces" in reply.json["detail"]
        assert (await sessions.ask("GET")).json["items"] == []


SERVER = """
import asyncio, logging, sys
from pathlib import Path
from alphintra_kernel.sandbox import Sandbox
from alphintra_server.debug.about import Given
from alphintra_server.debug.kernels import DebugKernels
from alphintra_server.jobs.launcher import JobLimits
from alphintra_server.jobs.worker_home import WorkerHome

async def main():
    kernels = DebugKernels(Sandbox(), WorkerHome(Path(sys.argv[1])), logging.getLogger())
    kernel = await kernels.start(Given({"source/strategy.py": ""}, {}), JobLimits(), {}, lambda: None)
    held = kernel._manager.provisioner
    while not (first := kernel.process._main_pid()):
        await asyncio.sleep(0.02)
    pids = kernel.process.pid, first, held._relay._process.pid
    print(*pids, held._sockets.path.parent, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_nothing_is_left_of_the_sessions_of_a_killed_server(tmp_path):
    if levels.probe() not in levels.OWN_FILES:
        pytest.skip(f"no namespaces here: {levels.probe_report().reason}")
    with subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as server:
        *pids, sockets = server.stdout.readline().split()
        were = [is_gone(pid) for pid in pids]
        server.send_signal(signal.SIGKILL)
    assert were == [False] * 3
    until = time.monotonic() + 120
    while not all(map(is_gone, pids)) and time.monotonic() < until:
        time.sleep(0.02)
    assert [is_gone(pid) for pid in pids] == [True] * 3
    # What the next server does as it starts, and with its next kernel after a minute.
    assert len(list(tmp_path.iterdir())) == 1
    sweep_dead_servers(tmp_path)
    os.utime(sockets, (0, 0))
    socket_folder.sweep()
    assert (list(tmp_path.iterdir()), Path(sockets).exists()) == ([], False)
