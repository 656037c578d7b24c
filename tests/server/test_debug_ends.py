"""How debug sessions end otherwise: an error, a kill, what cannot be interrupted."""

from __future__ import annotations

import pytest
from alphintra_server.debug import inspection
from alphintra_server.jobs import launcher

from .conftest import TestIdentities
from .debugging import is_gone, sessions  # noqa: F401  fixture

RAISES = """\
import alphintra as al

class Raises(al.Strategy):
    def on_bar(self):
        if self.bar_index == 30:
            self.missing()
"""


@pytest.fixture
def identities():
    return TestIdentities


#: What a strategy can do that has read how a kernel works: it has the kernel's key, and the sockets behind its bounds.
APP = "__import__('ipykernel.kernelapp', fromlist=['x']).IPKernelApp.instance()"
SEND = "lambda: a.kernel.session.send(a.iopub_thread.socket, 'stream', {'text': 'x' * (8 << 20)})"
HUGE = f"(lambda a: a.iopub_thread.schedule({SEND}))({APP})"
KILL = "__import__('os').kill(__import__('os').getpid(), 9)"


@pytest.fixture
def settings():
    return {"debug_evaluate_seconds": 1.0, "max_debug_sessions": 3}


async def test_errors_kills_and_what_cannot_be_interrupted(sessions, monkeypatch):  # noqa: F811
    monkeypatch.setattr(inspection, "_GRACE_SECONDS", 0.5)
    await sessions.store(RAISES)
    # All at once: each is a process of its own.
    raising, killed, stuck = [await sessions.start(breakpoints=points) for points in ([], [], [5])]
    processes = [session.process for session in (raising, killed, stuck)]

    # Without breakpoints it stands at the bar in which the strategy raises, and can be looked at from there.
    found = await raising.stood()
    assert (found["reason"], found["bar"], found["error"]) == ("entry", 30, None)
    found = await raising.move("/step-back")
    assert (found["reason"], found["bar"]) == ("step_back", 29)
    await raising.move("/run-to", bar=0)
    assert (await raising.refusal("/step-back"))[:2] == (409, "CANNOT_MOVE")
    found = await raising.move("/continue")
    assert (found["status"], found["reason"]) == ("COMPLETED", "error")
    error = found["error"]
    assert (error["code"], error["file"], error["line"]) == ("STRATEGY_ERROR", "strategy.py", 6)
    assert error["bar_time"] == "2000-04-12T20:00:00Z"
    assert "no attribute 'missing'" in error["message"]

    # Killed in its midst: whoever waits for an answer is told.
    assert (await killed.stood())["status"] == "PAUSED"
    assert (await killed.refusal("/evaluate", expression=KILL))[:2] == (409, "DEBUG_ENDED")
    found = await killed.stood()
    assert (found["reason"], found["error"]["code"]) == ("error", "KERNEL_DIED")
    assert (await killed.refusal("/continue"))[:2] == (409, "DEBUG_ENDED")

    # A message of 8 MB does not come through, and changes nothing.
    assert (await stuck.stood())["reason"] == "breakpoint"
    assert (await stuck.value(HUGE), await stuck.value("self.bar_index")) == ("", "0")
    # An expression that cannot be interrupted ends the session; the server answers meanwhile and after.
    # (A power of large numbers can: from time to time it looks for signals.)
    assert (await stuck.refusal("/evaluate", expression="any(iter(int, 1))"))[:2] == (409, "DEBUG_ENDED")
    found = await stuck.stood()
    assert (found["status"], found["error"]["code"]) == ("COMPLETED", "EXPRESSION_TIMEOUT")

    # Nothing is left of any of them.
    for session in (raising, killed, stuck):
        await session.live.closed()
    assert [is_gone(process.pid) for process in processes] == [True] * 3


GREEDY = """\
import os
import alphintra as al

class Greedy(al.Strategy):
    what = al.Param("time", choices=["memory", "disk", "time"])

    def on_bar(self):
        self.bars = 1
        if self.what == "memory":
            self.held = b"x" * (4 << 30)
        while self.what == "disk":
            with open(os.path.join(os.environ["HOME"], "x"), "ab") as file:
                file.write(bytes(4 << 20))
        while self.what == "time":
            pass
"""


class TestLimits:
    @pytest.fixture
    def settings(self):
        return {"max_debug_sessions": 3, "job_memory": 1 << 30, "job_disk": 32 << 20, "job_seconds": 1.0}

    async def test_a_session_that_wants_more_than_it_may_ends_and_says_so(self, api, sessions, monkeypatch):  # noqa: F811
        await sessions.store(GREEDY)
        greedy = {
            what: await sessions.start(parameters={"what": what}, breakpoints=[{"line": 8}])
            for what in ("memory", "disk")
        }
        # Its processor time is over while it loads the engine, at the latest in its first bar.
        monkeypatch.setattr(launcher, "_SPARE_SECONDS", 0)
        greedy["time"] = await sessions.start(parameters={"what": "time"})
        processes = [session.process for session in greedy.values()]
        for what, session in greedy.items():
            found = await session.stood()
            if found["status"] == "PAUSED":
                found = await session.move("/continue")
            assert (what, found["status"], found["reason"]) == (what, "COMPLETED", "error")
            assert (what, found["error"]["code"]) == (what, f"{what.upper()}_LIMIT"), found["error"]
            assert (await session.refusal("/continue"))[:2] == (409, "DEBUG_ENDED")
            await session.live.closed()
        assert "32 MiB" in (await greedy["disk"].stood())["error"]["message"]
        assert [is_gone(process.pid) for process in processes] == [True] * 3
        # The server is well, and starts another.
        assert (await api("GET", "/health")).status == 200
        monkeypatch.undo()
        good = await sessions.start(parameters={"what": "memory"}, breakpoints=[{"line": 8}])
        assert (await good.stood())["status"] == "PAUSED"
