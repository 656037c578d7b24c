"""Requests for debug sessions that are refused before a kernel is started, and a session that nobody moves."""

from __future__ import annotations

import asyncio

import pytest

from .conftest import STRATEGY, TestIdentities
from .debugging import AAPL, MALLORY, Session, is_gone, sessions, watch  # noqa: F401  fixtures


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture
def settings():
    return {"debug_idle_seconds": 1.0}


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


async def test_what_is_refused_and_who_is_away(sessions, watch):  # noqa: F811
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

    # Whoever starts one and leaves finds it ended; looking does not keep it.
    session = await sessions.start()
    process = session.process
    reading, _ = watch(session)
    assert (await session.refusal("/step"))[:2] == (409, "DEBUG_RUNNING")
    found = await session.stood()
    assert (found["status"], found["reason"], found["expires_at"]) == ("COMPLETED", "idle", None)
    await reading
    await session.live.closed()
    assert is_gone(process.pid)
