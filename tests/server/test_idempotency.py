"""Idempotency-Key: each POST that creates or starts something does it once, however often it is asked."""

import asyncio
import json
import tempfile
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from alphintra.ingest import inspect
from alphintra_server import idempotency
from alphintra_server.db.tables import BacktestRow, IdempotencyRow, JobRow, OutboxRow, StrategyRow, TemplateUseRow
from alphintra_server.errors import Conflict
from alphintra_server.routes import ROUTES
from sqlalchemy import func, select, update

from .conftest import STRATEGY, TestIdentities
from .databases import migrated
from .stored import store_version
from .uploaded import as_csv, here, prices

DATA = "us-equities-daily/AAPL"
ALICE = "alice:researcher"
KEY = {"Idempotency-Key": "k-1"}
CSV = as_csv(prices(["AAPL"], days=5))


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": STRATEGY, "outputs": [], "execution_count": None}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    (folder / "sma.ipynb").write_text(json.dumps(notebook))
    entry = {
        "id": "sma", "name": "SMA", "description": "d", "category": "c", "parameters": {}, "documentation": "",
        "difficulty_level": "BEGINNER", "data": DATA, "symbols": ["AAPL"], "file": "sma.ipynb", "tags": [],
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps([entry]))
    return {"templates_dir": str(folder)}


@pytest.fixture
def things(api, services, workspace, tmp_path):
    """A strategy with checks, a backtest that was not run, an upload, a dataset, a connector; a file of hers."""

    async def make():
        body = {"name": "S", "code": STRATEGY}
        strategy = (await api("POST", "/api/strategies/code/create", body, user=ALICE)).json["id"]
        body = {"strategy_id": strategy, "dataset_id": DATA}
        backtest = (await api("POST", "/api/backtests", body, user=ALICE)).json["id"]
        reply = await api("PUT", f"/api/strategies/code/{strategy}/checks", {"dataset_id": DATA}, user=ALICE)
        assert reply.status == 200, reply.json
        (workspace / "mine.py").write_text(STRATEGY)
        upload = here(services.database, services.storage, CSV)
        store_version(services.database, services.storage, tmp_path / "written", name="bars")
        body = {"name": "C", "dataset": "b", "source": {"kind": "http", "url": "https://c.example/c"}}
        connector = (await api("POST", "/api/connectors", body, user=ALICE)).json["id"]
        return {
            "strategy": strategy, "backtest": backtest, "upload": upload, "dataset": "bars", "connector": connector,
        }  # fmt: skip

    return make


REQUESTS = {
    "/api/strategies/code/create": ("", {"name": "N", "code": STRATEGY}),
    "/api/strategies/code/from-file": ("", {"path": "mine.py"}),
    "/api/strategies/code/{id}/execute": ("strategy", {"dataset_id": DATA, "parameters": {"act": "sleep"}}),
    "/api/strategies/code/{id}/checks/run": ("strategy", None),
    "/api/strategies/templates/{id}/clone": ("", {"name": "copy"}),
    "/api/backtests": ("", {"dataset_id": DATA}),
    "/api/backtests/{id}/run": ("backtest", None),
    "/api/datasets/upload/{id}/inspect": ("upload", None),
    "/api/datasets/upload/{id}/ingest": ("upload", {}),
    "/api/datasets/{id}/validate": ("dataset", None),
    "/api/datasets/{id}/versions/{number}/validation": ("dataset", {}),
    "/api/connectors": ("", {"name": "C", "dataset": "c", "source": {"kind": "http", "url": "https://c.example/c"}}),
    "/api/connectors/{id}/run": ("connector", None),
}
#: test_ingest_ends has the open error that the first needs, test_recipe_jobs the versions and the check of a recipe.
ELSEWHERE = {
    "/api/datasets/{id}/versions/{number}/acknowledge",
    "/api/datasets/{id}/versions/{number}/restore",
    "/api/datasets/{id}/process",
    "/api/datasets/{id}/process/preview",
    "/api/datasets/{id}/compare",
}


def guess_csv():
    """How the upload is read, as a look at it proposes."""
    with tempfile.TemporaryDirectory() as folder:
        file, spool = Path(folder, "prices.csv"), Path(folder, "spool")
        file.write_bytes(CSV)
        spool.mkdir()
        return inspect(file, spool).guess.mapping.to_json()


def request(path, ids):
    of, body = REQUESTS[path]
    if path == "/api/backtests":
        body = {**body, "strategy_id": ids["strategy"]}
    if path.endswith("/ingest"):
        body = {"mapping": json.loads(guess_csv())}
    return path.replace("{id}", ids.get(of, "sma")).replace("{number}", "1"), body


def everything(services, workspace):
    """How many there are of all that a request may leave."""

    def work(session):
        tables = (StrategyRow, BacktestRow, JobRow, OutboxRow, IdempotencyRow)
        return [session.scalar(select(func.count()).select_from(table)) for table in tables]

    return [*services.database.read_now(work), len(list(workspace.iterdir()))]


def test_every_post_that_creates_or_starts_something_takes_a_key():
    taking = {route.path for route in ROUTES for verb, made in route.endpoints.items() if made.idempotent}
    assert taking == {*REQUESTS, *ELSEWHERE}
    effects = {
        route.path for route in ROUTES for verb, made in route.endpoints.items() if verb == "post" and made.location
    }
    # Cancelling starts nothing, and may be repeated as it is. A debug session ends with its server, a key does not. An
    # upload that was begun twice is one that nobody sends, which expires.
    assert effects - taking == {
        path for path in effects if path.endswith(("/cancel", "/{id}/debug", "/datasets/upload"))
    }


@pytest.mark.parametrize("path", REQUESTS)
async def test_asked_again_it_answers_the_same_and_does_nothing(api, services, things, workspace, path):
    ids = await things()
    # Nothing runs meanwhile: the counts below are of what requests do.
    await services.supervisor.stop()
    address, body = request(path, ids)
    first = await api("POST", address, body, user=ALICE, headers=KEY)
    assert first.status in {201, 202}, first.json
    assert "Idempotent-Replayed" not in first.headers
    before = everything(services, workspace)
    again = await api("POST", address, body, user=ALICE, headers=KEY)
    assert (again.status, again.json) == (first.status, first.json)
    for header in ("Location", "ETag", "Content-Type"):
        assert again.headers.get(header) == first.headers.get(header)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert everything(services, workspace) == before
    # Another key, and another user's same key, are other requests.
    other = await api("POST", address, body, user=ALICE, headers={"Idempotency-Key": "k-2"})
    assert "Idempotent-Replayed" not in other.headers
    foreign = await api("POST", address, body, user="bob:trader", headers=KEY)
    assert foreign.json != first.json
    assert "Idempotent-Replayed" not in foreign.headers


async def test_another_request_under_the_key_is_422(api, services, things, workspace):
    ids = await things()
    await services.supervisor.stop()
    body = {"strategy_id": ids["strategy"], "dataset_id": DATA}
    assert (await api("POST", "/api/backtests", body, user=ALICE, headers=KEY)).status == 201
    before = everything(services, workspace)
    changed = await api("POST", "/api/backtests", {**body, "name": "other"}, user=ALICE, headers=KEY)
    assert (changed.status, changed.json["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    # The same body in another spelling is the same request.
    raw = json.dumps(dict(reversed(body.items())), indent=3)
    assert (await api("POST", "/api/backtests", raw=raw, user=ALICE, headers=KEY)).status == 201
    assert everything(services, workspace) == before
    # Each route has keys of its own; within one, the object belongs to the request.
    run = f"/api/backtests/{ids['backtest']}/run"
    assert (await api("POST", run, user=ALICE, headers=KEY)).status == 202
    made = (await api("POST", "/api/backtests", body, user=ALICE)).json
    other = await api("POST", f"/api/backtests/{made['id']}/run", user=ALICE, headers=KEY)
    assert (other.status, other.json["code"]) == (422, "IDEMPOTENCY_MISMATCH")


async def test_two_at_once_are_done_once_and_the_other_is_409(api, services, things):
    ids = await things()
    body = {"dataset_id": DATA, "parameters": {"act": "sleep"}}
    path = f"/api/strategies/code/{ids['strategy']}/execute"
    replies = await asyncio.gather(*(api("POST", path, body, user=ALICE, headers=KEY) for _ in range(4)))
    done = [reply for reply in replies if reply.status == 202]
    refused = [reply for reply in replies if reply.status != 202]
    assert {(reply.status, reply.json["code"], reply.headers["Retry-After"]) for reply in refused} == {
        (409, "IDEMPOTENCY_IN_PROGRESS", "1")
    }
    assert len({reply.json["job_id"] for reply in done}) == 1
    assert len((await api("GET", "/api/jobs", user=ALICE)).json["items"]) == 2
    assert (await api("POST", path, body, user=ALICE, headers=KEY)).json == done[0].json


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_two_servers_at_once_only_one_transaction_stands(kind, request, tmp_path):
    """What the set of keys in hand cannot see: another server's request. The row decides, also while it is written."""
    on_postgresql = kind == "postgresql"
    url = request.getfixturevalue("migrated_postgres_url") if on_postgresql else f"sqlite:///{tmp_path / 'a'}"
    database = migrated(url)
    servers = [idempotency.Idempotency(database) for _ in range(4)]

    def work(session):
        number = session.scalar(select(func.count()).select_from(TemplateUseRow)) + 1
        session.add(TemplateUseRow(template_id=f"effect {uuid.uuid4()}", count=1))
        session.flush()
        answer = idempotency.remember(session, _Model(number=number))
        time.sleep(0.05)
        return answer

    async def ask(server):
        keyed = idempotency.Keyed("alice", "POST X", "k", "h", lambda answer, status: (201, {"Location": "/x"}))
        with server.at_work(keyed):
            try:
                return await database.write(work)
            except Conflict as error:
                return error.code

    try:
        answers = await asyncio.gather(*(ask(server) for server in servers))
        assert answers.count("IDEMPOTENCY_IN_PROGRESS") == 3
        count = database.read_now(lambda session: session.scalar(select(func.count()).select_from(TemplateUseRow)))
        assert count == 1
        keyed = idempotency.Keyed("alice", "POST X", "k", "h", lambda answer, status: (0, {}))
        assert await servers[3].find(keyed) == idempotency.Stored(201, {"Location": "/x"}, '{"number":1}')
    finally:
        database.close()


class _Model(idempotency.BaseModel):
    number: int


async def test_a_request_that_another_server_was_faster_with_gets_its_answer(api, services, things, monkeypatch):
    """The other one's commit lands after this one has looked for an answer: what it changed would refuse this one."""
    ids = await things()
    await services.supervisor.stop()
    path = f"/api/backtests/{ids['backtest']}/run"
    first = await api("POST", path, user=ALICE, headers=KEY)
    real, looked = idempotency.Idempotency.find, []

    async def find(self, keyed):
        looked.append(keyed.key)
        return None if len(looked) == 1 else await real(self, keyed)

    monkeypatch.setattr(idempotency.Idempotency, "find", find)
    again = await api("POST", path, user=ALICE, headers=KEY)
    assert (again.status, again.json, len(looked)) == (202, first.json, 2)
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_refused_request_is_not_kept(api, services, things):
    ids = await things()
    path = f"/api/strategies/code/{ids['strategy']}/execute"
    bad = await api("POST", path, {"dataset_id": "no-such"}, user=ALICE, headers=KEY)
    assert (bad.status, bad.json["code"]) == (422, "UNKNOWN_DATASET")
    good = await api("POST", path, {"dataset_id": DATA}, user=ALICE, headers=KEY)
    assert good.status == 202


async def test_an_answer_is_kept_for_a_day(api, services, things):
    ids = await things()
    await services.supervisor.stop()
    body = {"strategy_id": ids["strategy"], "dataset_id": DATA}
    first = await api("POST", "/api/backtests", body, user=ALICE, headers=KEY)

    def age(hours):
        def work(session):
            old = session.scalar(select(IdempotencyRow.created_at)) - timedelta(hours=hours)
            session.execute(update(IdempotencyRow).values(created_at=old))

        return services.database.write(work)

    await age(23)
    assert (await api("POST", "/api/backtests", body, user=ALICE, headers=KEY)).json == first.json
    await age(1.1)
    anew = await api("POST", "/api/backtests", {**body, "name": "anew"}, user=ALICE, headers=KEY)
    assert anew.status == 201
    assert anew.json["id"] != first.json["id"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
async def test_a_key_that_is_none_is_400(api, key):
    reply = await api(
        "POST", "/api/strategies/code/create", {"name": "N", "code": "x"}, user=ALICE,
        headers={"Idempotency-Key": key},
    )  # fmt: skip
    assert (reply.status, reply.json["code"]) == (400, "BAD_IDEMPOTENCY_KEY")
