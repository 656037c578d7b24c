"""Whose job it is that a door asks for: another user's is as absent as none, and a finished one is closed."""

import json

import pytest

from .doors import ask, ended, submission


@pytest.fixture
def settings():
    return {"max_jobs": 1}


async def test_another_users_job_is_as_absent_as_none(opened, services):
    alice, mallory = await opened("alice"), await opened("mallory")
    sleeping = submission(parameters={"act": "sleep"})
    sent = await ask(alice, "POST", "/v1/backtests", sleeping)
    assert sent.status == 202, sent.json
    job, absent = sent.json["job_id"], "0" * 32
    for method, tail in (("GET", ""), ("GET", "/log"), ("GET", "/results"), ("POST", "/cancel")):
        foreign = await ask(mallory, method, f"/v1/jobs/{job}{tail}")
        missing = await ask(mallory, method, f"/v1/jobs/{absent}{tail}")
        assert (foreign.status, missing.status) == (404, 404)
        assert json.dumps(foreign.json).replace(job, absent) == json.dumps(missing.json)
    assert (await ask(mallory, "GET", "/v1/jobs")).json["items"] == []
    assert (await ask(alice, "GET", f"/v1/jobs/{job}")).json["status"] in {"PENDING", "RUNNING"}
    # Another kernel of the same user sees it.
    second = await opened("alice", subject="k2")
    assert (await ask(second, "POST", f"/v1/jobs/{job}/cancel")).status == 202


async def test_a_finished_job_takes_nothing_any_more(opened):
    door = await opened()
    sent = (await ask(door, "POST", "/v1/backtests", submission())).json
    assert (await ended(door, sent["job_id"]))["status"] == "COMPLETED"
    before = (await ask(door, "GET", f"/v1/jobs/{sent['job_id']}/results")).json
    late = await ask(door, "POST", f"/v1/jobs/{sent['job_id']}/cancel")
    assert (late.status, late.json["code"]) == (409, "ALREADY_FINISHED")
    forged = await ask(door, "POST", f"/v1/jobs/{sent['job_id']}/results", {"metrics": {"total_return": 9}})
    assert forged.status == 405
    assert (await ask(door, "GET", f"/v1/jobs/{sent['job_id']}/results")).json == before


async def test_results_before_the_end_are_a_conflict(opened):
    door = await opened()
    sent = (await ask(door, "POST", "/v1/backtests", submission(parameters={"act": "sleep"}))).json
    early = await ask(door, "GET", f"/v1/jobs/{sent['job_id']}/results")
    assert (early.status, early.json["code"]) == (409, "NOT_COMPLETED")
    assert (await ask(door, "POST", f"/v1/jobs/{sent['job_id']}/cancel")).status == 202


async def test_a_viewers_kernel_hands_nothing_over(opened):
    door = await opened("alice", roles=("viewer",))
    assert (await ask(door, "GET", "/v1/jobs")).status == 200
    refused = await ask(door, "POST", "/v1/backtests", submission())
    assert (refused.status, refused.json["code"], refused.json["scope"]) == (403, "FORBIDDEN", "strategies:execute")
    unknown = await opened("alice", roles=("janitor",))
    assert (await ask(unknown, "GET", "/v1/me")).status == 403
