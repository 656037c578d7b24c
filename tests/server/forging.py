"""What speaks to a debug session in its kernel's place: it holds the key and the sockets, as a strategy's code does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import zmq
import zmq.asyncio
from alphintra_server.debug.about import About, Given, Patience
from alphintra_server.debug.live import LiveSession
from alphintra_server.jobs.launcher import JobLimits
from alphintra_server.models.debug import BreakpointGiven
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.session import Session

SOURCE = "/job/in/source"
KEY = b"known to whoever runs in the kernel"
FRAME = {"id": 1, "name": "on_bar", "line": 6, "source": {"path": f"{SOURCE}/strategy.py"}}
STOPPED = {"reason": "breakpoint", "threadId": 1, "allThreadsStopped": True}
MARKET = {
    "status": "paused", "bar": 3, "count": 9, "time": "2000-01-03T21:00:00Z", "error": None,
    "state": {"variables": [{"name": "fast", "text": "20", "value": 20}]},
}  # fmt: skip
#: What an honest kernel says.
BODIES = {
    "stackTrace": {"stackFrames": [FRAME]},
    "alphintra/market": MARKET,
    "setBreakpoints": {"breakpoints": [{"verified": True, "line": 6}]},
    "scopes": {"scopes": [{"name": "Locals", "variablesReference": 5}]},
    "variables": {"variables": [{"name": "price", "value": "1", "type": "float", "variablesReference": 0}]},
    "evaluate": {"result": "1", "type": "int", "variablesReference": 0},
}
ABOUT = About(
    user_id="alice", strategy_id="s", strategy_version=1, class_name="S", dataset_id="d", dataset_name="d",
    dataset_hash="h",
    start=datetime(2000, 1, 1, tzinfo=UTC), end=datetime(2001, 1, 1, tzinfo=UTC), file="strategy.py", known_as=None,
    line_map=None,
)  # fmt: skip


class Forger:
    """Answers as an honest kernel does, but for what it is told to say.

    Args:
        said: Command → the body of the answer; bytes for the whole answer as it is sent, ``None`` for none at all.
        moves: Whether it stops after each movement.
    """

    source = SOURCE

    def __init__(self, said, *, moves=True):
        self.said, self.moves = BODIES | said, moves
        self.interrupted = 0
        self.ended = asyncio.Event()
        self.executing = None
        self._folder = Path(tempfile.mkdtemp(prefix="forger-", dir="/tmp"))
        self._context = zmq.asyncio.Context()
        self._session = Session(key=KEY)
        kinds = {"shell": zmq.ROUTER, "iopub": zmq.PUB, "control": zmq.ROUTER}
        self.sockets = {name: self._context.socket(kind) for name, kind in kinds.items()}
        for port, socket in enumerate(self.sockets.values(), 1):
            socket.set(zmq.SNDHWM, 0)
            socket.bind(f"ipc://{self._folder}/k-{port}")
        place = {"transport": "ipc", "ip": f"{self._folder}/k", "shell_port": 1, "iopub_port": 2, "control_port": 3}
        self.client = AsyncKernelClient(context=zmq.asyncio.Context(), session=Session(key=KEY), **place)
        self._tasks = [asyncio.ensure_future(self._serve(name)) for name in ("shell", "control")]

    async def _serve(self, name):
        while True:
            idents, parts = self._session.feed_identities(await self.sockets[name].recv_multipart())
            asked = self._session.deserialize(parts)
            await self.publish("status", {"execution_state": "busy"})
            if asked["msg_type"] == "execute_request":
                self.executing = idents, asked
            elif asked["msg_type"] == "kernel_info_request":
                await self.send("control", "kernel_info_reply", {}, asked, idents)
            else:
                await self._answer(idents, asked)

    async def _answer(self, idents, asked):
        command = asked["content"]["command"]
        body = self.said.get(command, {})
        if body is not None:
            whole = body if isinstance(body, bytes) else {"success": True, "body": body}
            await self.send("control", "debug_reply", whole, asked, idents)
        if command in {"configurationDone", "continue", "next"} and self.moves:
            await self.stop()

    async def stop(self, **more):
        await self.publish("debug_event", {"event": "stopped", "body": STOPPED | more})

    async def publish(self, kind, content):
        await self.send("iopub", kind, content, {"header": {}}, [kind.encode()])

    async def finish(self, outcome):
        """Say how the run has ended, as the answer to what the server has executed."""
        idents, asked = self.executing
        data = {"outcome": {"status": "ok", "data": {"application/json": outcome}, "metadata": {}}}
        await self.send("shell", "execute_reply", {"status": "ok", "user_expressions": data}, asked, idents)

    async def send(self, channel, kind, content, parent, idents, header=None):
        header = self._session.msg_header(kind) | (header or {})
        parts = [self._session.pack(part) for part in (header, parent["header"], {})]
        parts.append(content if isinstance(content, bytes) else json.dumps(content).encode())
        await self.sockets[channel].send_multipart([*idents, b"<IDS|MSG>", self._session.sign(parts), *parts])

    # -- what a session knows of its kernel

    async def interrupt(self):
        self.interrupted += 1

    def why_ended(self, _limits):
        return {"code": "KERNEL_DIED", "message": "it died"}

    def close(self):
        for task in self._tasks:
            task.cancel()
        self._context.destroy(linger=0)
        self.client.context.destroy(linger=0)
        shutil.rmtree(self._folder)


class Forgers:
    """In place of what starts kernels."""

    def __init__(self, forger):
        self.forger = forger

    async def start(self, _given, _limits, _variables, _on_exit, _wanted):
        return self.forger

    async def end(self, forger):
        forger.ended.set()


@contextlib.asynccontextmanager
async def forged(said=None, *, stands=True, **more):
    """A session with a forger, once it stands."""
    forger = Forger(said or {}, **more)
    live = LiveSession(ABOUT, Forgers(forger), Patience(60.0, 0.1), 64 << 10)
    try:
        await live.start(Given({}, {}), [BreakpointGiven(line=6)], JobLimits())
        if stands:
            async with asyncio.timeout(120):
                await live._stands.wait()
        yield live, forger
        live.end("stopped")
        await live.closed()
        assert forger.ended.is_set()
    finally:
        forger.close()


def shown(live):
    """The session as everybody gets it: it must always be possible to say."""
    return json.loads(live.to_model().model_dump_json(by_alias=True))


async def ended(live):
    """How it ended."""
    async with asyncio.timeout(120):
        await live._over.wait()
    found = shown(live)
    assert (found["status"], found["reason"]) == ("COMPLETED", "error")
    return found["error"]["code"], found["error"]["message"]


async def printed(live, line):
    """Wait until what was sent before this line has been read."""
    async with asyncio.timeout(120):
        while shown(live)["log"][-1:] != [line]:
            await live.feed.news()
