"""The door: what is behind it, for whom, and what is not."""

import os
import stat

from .conftest import STRATEGY
from .doors import ask, ended

DATA = "us-equities-daily/AAPL"


def submission(code=STRATEGY, **more):
    return {"code": code, "class_name": "SmaCross", "source_path": "Untitled.ipynb", "dataset_id": DATA, **more}


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
