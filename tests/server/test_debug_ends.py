"""How debug sessions end otherwise: an error, a kill, what cannot be interrupted, nobody there, the server's end."""

from __future__ import annotations

import signal

import pytest

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


@pytest.fixture
def settings():
    return {"debug_evaluate_seconds": 0.5, "max_debug_sessions": 3}


async def test_errors_kills_and_the_servers_end(sessions, extension):  # noqa: F811
    await sessions.store(RAISES)
    # All at once: each is a process of its own.
    raising, killed, stuck = [await sessions.start(breakpoints=points) for points in ([], [], [5])]

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

    # Killed in its midst.
    assert (await killed.stood())["status"] == "PAUSED"
    process = killed.process
    process.signal(signal.SIGKILL)
    process.wait(20)
    found = await killed.stood()
    while found["status"] != "COMPLETED":
        found = (await killed.ask("GET")).json
    assert (found["reason"], found["error"]["code"]) == ("error", "KERNEL_DIED")
    assert (await killed.refusal("/continue"))[:2] == (409, "DEBUG_ENDED")

    # An expression that cannot be interrupted ends the session; the server answers meanwhile and after.
    assert (await stuck.stood())["reason"] == "breakpoint"
    assert (await stuck.refusal("/evaluate", expression="9**9**9"))[:2] == (409, "DEBUG_ENDED")
    found = await stuck.stood()
    assert (found["status"], found["error"]["code"]) == ("COMPLETED", "EXPRESSION_TIMEOUT")

    # The server's end is theirs.
    last = await sessions.start()
    process, folder = last.process, last.live._kernel.folder
    assert process.poll() is None
    await extension.stop_extension()
    assert (process.poll() is not None, folder.exists(), is_gone(process.pid)) == (True, False, True)
