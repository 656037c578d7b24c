"""The door: what is behind it, for whom, and what is not."""

import asyncio
import os
import stat

import pytest
from alphintra_kernel.doors import opener

from .conftest import STRATEGY
from .doors import ask

DATA = "us-equities-daily/AAPL"


@pytest.fixture
def opened(services, jp_asyncio_loop):
    """Open doors; they end with the test."""
    made = []

    async def make(user="alice", tenant="kernel", subject="k1", **more):
        door = await opener().open(user_id=user, tenant=tenant, subject=subject, **more)
        made.append(door)
        return door

    yield make
    for door in made:
        jp_asyncio_loop.run_until_complete(opener().close(door))


def submission(code=STRATEGY, **more):
    return {"code": code, "class_name": "SmaCross", "source_path": "Untitled.ipynb", "dataset_id": DATA, **more}


async def ended(door, job_id, seconds=30):
    for _ in range(int(seconds / 0.05)):
        reply = await ask(door, "GET", f"/v1/jobs/{job_id}")
        if reply.json["status"] in {"COMPLETED", "FAILED", "CANCELLED"}:
            return reply.json
        await asyncio.sleep(0.05)
    raise AssertionError(reply.json)


async def test_a_door_says_for_whom_it_acts(opened):
    door = await opened("alice", "job", "j1")
    reply = await ask(door, "GET", "/v1/me")
    assert (reply.status, reply.kind) == (200, "application/json")
    assert (reply.json["user_id"], reply.json["tenant"], reply.json["subject"]) == ("alice", "job", "j1")
    assert "strategies:execute" in reply.json["scopes"]
    assert "server" not in reply.headers


async def test_socket_and_folder_are_one_users(opened):
    door = await opened()
    folder = door.socket.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(door.socket.stat().st_mode) == 0o600
    assert [each.name for each in folder.iterdir()] == [door.socket.name]
    assert len(os.fsencode(door.socket)) < 107


async def test_work_is_stored_queued_and_its_result_read(opened, services):
    door = await opened()
    sent = await ask(door, "POST", "/v1/backtests", submission(parameters={"fast": 5}))
    assert sent.status == 202, sent.json
    assert sent.headers["location"] == f"/v1/jobs/{sent.json['job_id']}"
    job = await ended(door, sent.json["job_id"])
    assert (job["status"], job["resource_id"]) == ("COMPLETED", sent.json["backtest_id"])
    found = (await ask(door, "GET", f"/v1/jobs/{job['id']}/results")).json
    assert found["results"]["backtest_id"] == sent.json["backtest_id"]
    assert found["report"].endswith(f"/api/backtests/{sent.json['backtest_id']}/report")
    assert (await ask(door, "GET", f"/v1/jobs/{job['id']}/log")).json["id"] == job["id"]
    listed = (await ask(door, "GET", "/v1/jobs")).json
    assert [item["id"] for item in listed["items"]] == [job["id"]]
    # The same source again is no new version, another one is.
    again = await ask(door, "POST", "/v1/backtests", submission())
    assert (again.json["strategy_id"], again.json["strategy_version"]) == (sent.json["strategy_id"], 1)
    other = await ask(door, "POST", "/v1/backtests", submission(STRATEGY + "\nMORE = 1\n"))
    assert (other.json["strategy_id"], other.json["strategy_version"]) == (sent.json["strategy_id"], 2)
