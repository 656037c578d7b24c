"""What the tests of debug sessions share: a strategy with known lines, and a way to wait for a session."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

AAPL = "us-equities-daily/AAPL"
ALICE, MALLORY = "alice:trader", "mallory:admin"


class Sessions:
    """A strategy of alice's, and requests about sessions of it. A session is waited for by asking, not by the clock."""

    def __init__(self, api, services):
        self.api, self.services = api, services
        self.base = ""

    async def store(self, code, **more):
        made = await self.api("POST", "/api/strategies/code/create", {"name": "S", "code": code, **more}, user=ALICE)
        assert made.status == 201, made.json
        self.base = f"/api/strategies/code/{made.json['id']}/debug"

    async def ask(self, verb, path="", body=None, *, user=ALICE, **more):
        return await self.api(verb, self.base + path, body, user=user, **more)

    async def start(self, **body):
        reply = await self.ask("POST", "", {"dataset_id": AAPL, "wait_seconds": 0, **body})
        assert reply.status == 201, reply.json
        assert reply.headers["Location"].endswith(f"{self.base}/{reply.json['id']}")
        return Session(self, reply.json["id"])


class Session:
    """One session."""

    def __init__(self, sessions, session_id):
        self.sessions, self.id = sessions, session_id

    @property
    def live(self):
        """The server's own object: its process is looked for, and ended, by what it says."""
        return self.sessions.services.debug._sessions[self.id]

    @property
    def process(self):
        return self.live._kernel.process

    async def ask(self, verb, path="", body=None, **more):
        return await self.sessions.ask(verb, f"/{self.id}{path}", body, **more)

    async def stood(self, seconds=240):
        """How it is once it does not run."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            reply = await self.ask("GET")
            if reply.json["status"] != "ACTIVE":
                return reply.json
            await asyncio.sleep(0.05)
        shown = {name: reply.json[name] for name in ("bar", "reason", "current_timestamp", "log")}
        raise AssertionError(f"still runs after {seconds} s: {shown}")

    async def move(self, path, **body):
        """Let it move, and how it is then."""
        reply = await self.ask("POST", path, {"wait_seconds": 0, **body})
        assert reply.status == 200, reply.json
        return await self.stood()

    async def value(self, expression):
        reply = await self.ask("POST", "/evaluate", {"expression": expression})
        assert reply.status == 200, reply.json
        return reply.json["text"]

    async def refusal(self, path, **body):
        reply = await self.ask("POST", path, body)
        return reply.status, reply.json["code"], reply.json["detail"]


@pytest.fixture
def sessions(api, services):
    return Sessions(api, services)


@pytest.fixture
def watch(services, jp_fetch):
    """Read a session's events until they end, or the reader is cancelled."""

    def begin(session, *, user=ALICE, headers=None):
        raw = bytearray()
        path = f"{session.sessions.base}/{session.id}/events"
        asking = jp_fetch(
            *path.strip("/").split("/"),
            headers={"X-User": user, **(headers or {})},
            streaming_callback=raw.extend,
            request_timeout=600,
        )
        return asyncio.ensure_future(asking), raw

    return begin


def told(raw):
    """What a reader of events was told: number, topic and data of each."""
    found = []
    for block in raw.decode().split("\n\n"):
        if "data: " in block:
            item = dict(line.split(": ", 1) for line in block.splitlines())
            found.append((int(item["id"]), item["event"], json.loads(item["data"])))
    return found


def is_gone(pid):
    return not Path(f"/proc/{pid}").exists()
