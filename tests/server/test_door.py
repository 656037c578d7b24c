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
    assert {"strategies:execute", "datasets:write"} < {*reply.json["scopes"]}  # the server has one owner
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


async def test_a_request_that_is_repeated_is_done_once(opened):
    door, other = await opened(), await opened("bob")
    key = ["Idempotency-Key: abc"]
    first = await ask(door, "POST", "/v1/backtests", submission(), headers=key)
    again = await ask(door, "POST", "/v1/backtests", submission(), headers=key)
    assert (first.status, again.status) == (202, 202)
    assert again.json == first.json
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    changed = await ask(door, "POST", "/v1/backtests", submission(seed=3), headers=key)
    assert (changed.status, changed.json["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert (await ask(door, "GET", "/v1/jobs")).json["_pagination"]["total"] == 1
    theirs = await ask(other, "POST", "/v1/backtests", submission(), headers=key)
    assert theirs.json["job_id"] != first.json["job_id"]


async def test_parameters_that_were_saved_with_the_strategy_do_not_count(opened, services, api):
    door = await opened("local")
    sent = (await ask(door, "POST", "/v1/backtests", submission())).json
    changed = await api("PUT", f"/api/strategies/code/{sent['strategy_id']}", {"parameters": {"fast": 77}})
    assert changed.json["version"] == 2
    again = (await ask(door, "POST", "/v1/backtests", submission(parameters={"act": "finish"}))).json
    assert again["strategy_version"] == 2  # the same source: what was saved stays
    backtest = await api("GET", f"/api/backtests/{again['backtest_id']}")
    assert backtest.json["parameters"] == {"act": "finish"}
    archived = await api("POST", f"/api/strategies/code/{sent['strategy_id']}/archive")
    assert archived.status == 200
    refused = await ask(door, "POST", "/v1/backtests", submission())
    assert (refused.status, refused.json["code"]) == (409, "ARCHIVED")


async def test_what_is_behind_it(opened):
    door = await opened()
    system = (await ask(door, "GET", "/v1/system")).json
    assert system["data_dir"] is None
    assert system["sandbox"]["level"]
    datasets = (await ask(door, "GET", "/v1/datasets?limit=2&search=daily")).json
    assert len(datasets["items"]) == 2
    assert datasets["_pagination"]["next"].startswith("/v1/datasets?")
    wrong = await ask(door, "GET", "/v1/datasets?limit=9999")
    assert (wrong.status, wrong.json["errors"][0]["field"]) == (422, "limit")


async def test_a_page_of_jobs_leads_to_the_next(opened):
    door = await opened()
    sent = [(await ask(door, "POST", "/v1/backtests", submission())).json["job_id"] for _ in range(3)]
    found, path = [], "/v1/jobs?limit=2"
    while path:
        page = (await ask(door, "GET", path)).json
        found += [item["id"] for item in page["items"]]
        path = page["_pagination"]["next"]
    assert found == sent[::-1]
