"""Recipes as jobs, with a worker in the sandbox: tried, run, refused; versions compared, and gone back to."""

import asyncio
import functools
import json
import sys
from pathlib import Path

import alphintra as al
import pytest
from alphintra.errors import ServerError
from alphintra.recipes import apply, preview, schema
from alphintra.recipes.recipe import recipe_of
from alphintra.recipes.step import Context
from alphintra.rules.places import Place
from alphintra.rules.registry import Choice, rules
from alphintra.rules.report import Report, Result
from alphintra.store.opening import open_version
from alphintra_server.auth import Caller
from alphintra_server.db.dataset_tables import DatasetVersionRow, StorageAccountRow
from alphintra_server.db.tables import DatasetRow
from alphintra_server.jobs import fair_queue
from alphintra_server.jobs.output import BadOutputError
from alphintra_server.jobs.stored_versions import PROCESS, ProcessKind
from alphintra_server.limits import Limits
from alphintra_server.models.datasets import GrantChange
from alphintra_server.services.dataset_grants import DatasetGrants
from alphintra_server.services.dataset_storage import DatasetStorage
from alphintra_server.services.users import Users
from alphintra_server.services.version_requests import enqueue

from ..sdk.store.made import bars
from .conftest import TestIdentities
from .counted import Counted
from .databases import migrated
from .stored import store_version
from .uploaded import ALICE, files_below

BOB, CAROL = "bob:researcher", "carol:researcher"
FILL = {"kind": "fill", "limit": 30, "rows": True}
RETURNS = {"kind": "derive", "name": "ret", "formula": "log(close / lag(close, 1))"}
STEPS = [FILL, RETURNS]
#: Checking them takes a worker longer than all else, and one of these tests does.
NO_RULES = {"left_out": sorted(rules()), "parameters": {}}


@pytest.fixture
def worker_argv():
    return (sys.executable, "-P", "-c", Path(__file__).with_name("ingest_worker.py").read_text())


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def kind(request):
    """Which database is behind the server."""
    return request.param


@pytest.fixture
def settings(kind, request):
    own = {"user_limits": {"carol": {"storage": 1_000}}}
    if kind == "postgresql":
        own["database_url"] = request.getfixturevalue("migrated_postgres_url")
    return own


def gapped():
    """Minute bars of two symbols; of the first, three minutes are missing."""
    table = bars(300)
    return {"AAPL": table.take([*range(100), *range(103, 300)]), "MSFT": bars(40, seed=1)}


@pytest.fixture
def make(services, tmp_path):
    return functools.partial(store_version, services.database, services.storage, tmp_path / "made")


@pytest.fixture
def post(api):
    async def send(path, body, user=ALICE, key=None):
        headers = None if key is None else {"Idempotency-Key": key}
        return await api("POST", path, body, user=user, headers=headers)

    return send


@pytest.fixture
def done(post, job_end):
    """Ask twice under one key: the second time nothing happens. Wait for the job."""

    async def send(path, body, user=ALICE):
        reply, again = [await post(path, body, user, path) for _ in range(2)]
        assert (reply.status, again.status) == (202, 202), reply.json
        assert (again.json, again.headers["Idempotent-Replayed"]) == (reply.json, "true")
        return await job_end(reply.json["job_id"], user)

    return send


async def test_recipes_are_tried_and_run_and_versions_are_compared_and_gone_back_to(
    api, services, tmp_path, make, post, done, job_end, opened, monkeypatch
):
    before = Counted((await api("GET", "/metrics", user=ALICE)).json.decode())
    # A row of the file could not be read, and somebody has said that it does not matter.
    unread = Result("TS_PARSE", "error", count=1, places=(Place("prices.csv", 7),), parameters={})
    report = json.loads(Report(337, 2, "2026-01-01T00:00:00Z", (unread,)).to_json())
    first, _ = make(tables=gapped(), report=report)
    accepted = [{"rule": "TS_PARSE", "who": "alice", "when": "2026-01-01T00:00:00Z", "why": "one row"}]
    services.database.write_now(
        lambda session: setattr(session.get_one(DatasetVersionRow, first), "acknowledgements", accepted)
    )
    owner = services.database.read_now(lambda session: session.get_one(StorageAccountRow, "alice").folder)
    version = open_version(services.storage, owner, first)
    other, _ = make(name="vix", tables={"VIX": bars(300, seed=2)})
    make("bob", "secret", tables={"VIX": bars(300, seed=3)})
    dataset = (await api("GET", "/api/datasets/prices", user=ALICE)).json["id"]
    path = "/api/datasets/prices"

    # What a form is made of.
    told = await api("GET", "/api/datasets/recipes/schema", user=ALICE)
    assert (told.status, told.json) == (200, json.loads(json.dumps(schema())))

    # What is wrong whatever the columns are is said at once, at its step and parameter.
    for recipe, field, step, code in (
        ([FILL, {"kind": "fill", "limit": 0}], "recipe.1.limit", 2, "BAD_PARAMETER"),
        ([{"kind": "fil"}], "recipe.0", 1, "BAD_PARAMETER"),
        ([FILL, {**RETURNS, "formula": "lag(close, -1)"}], "recipe.1.formula", 2, "LOOK_AHEAD"),
        ([{"kind": "normalise", "columns": ["close"]}], "recipe.0", 1, "LOOK_AHEAD"),
        ([], "recipe", None, "BAD_PARAMETER"),
        ("fill", "recipe", None, None),
        ([FILL, {"kind": "join", "dataset": "secret@1"}], "recipe.1.dataset", 2, "UNKNOWN_DATASET"),
        ([{"kind": "join", "dataset": "vix@7"}], "recipe.0.dataset", 1, "UNKNOWN_VERSION"),
    ):
        for rest in ("process", "process/preview"):
            refused = await post(f"{path}/{rest}", {"recipe": recipe})
            assert refused.status == 422, refused.json
            place = refused.json["errors"][0]
            assert (place["field"], place.get("step"), place.get("code")) == (field, step, code), place
    shipped = await post("/api/datasets/us-equities-daily/process", {"recipe": STEPS})
    assert (shipped.status, shipped.json["code"]) == (403, "DATASET_ACCESS")
    shipped = await post("/api/datasets/us-equities-daily/process", {"recipe": STEPS, "dataset": "mine"})
    assert (shipped.status, shipped.json["code"]) == (409, "NO_VERSIONS")
    for body, field in (({"dataset": "a/b"}, "dataset"), ({"rules": {"left_out": ["OHLC_ODER"]}}, "rules.left_out")):
        refused = await post(f"{path}/process", {"recipe": STEPS, **body})
        assert (refused.status, refused.json["errors"][0]["field"]) == (422, field)

    # Tried: what the SDK shows of it here.
    job = await done(f"{path}/process/preview", {"recipe": STEPS, "rows": 200, "shown": 5})
    assert job["status"] == "COMPLETED", job["error"]
    shown = await api("GET", f"{path}/process/preview/{job['id']}", user=ALICE)
    here = preview(version, STEPS, al.recipes.Sample(rows=200))
    assert shown.json["preview"]["effects"][0]["rows_added"] == 3
    assert shown.json["preview"] == json.loads(json.dumps({"refused": None, **here.to_dict(5)}))
    theirs = await api("GET", f"{path}/process/preview/{job['id']}", user=BOB)
    assert theirs.status == 404

    # Run from a notebook: the server does it, with the rows of another one joined.
    door = await opened("alice", roles=("researcher",))
    monkeypatch.setenv("ALPHINTRA_DOOR", str(door.socket))
    monkeypatch.setenv("ALPHINTRA_DOOR_TOKEN", door.token)
    steps = [*STEPS, al.recipes.Join(dataset="vix@1", columns=["close"], symbol="VIX", prefix="vix_")]
    made = await asyncio.to_thread(lambda: al.data.load("prices").process(steps).save())
    assert (made.name, made.version) == ("prices@2", "2")
    vix = open_version(services.storage, owner, other)
    (tmp_path / "here").mkdir()
    local = apply(version, steps, tmp_path / "here", "v", context=Context(lambda _: vix), check=Choice())
    assert made.content_hash == local.manifest.content_hash
    assert (await asyncio.to_thread(made.to_arrow)).num_rows == 340
    listed = (await api("GET", f"{path}/versions", user=ALICE)).json["items"]
    assert [(item["number"], item["current"]) for item in listed] == [(2, True), (1, False)]
    assert [parent["number"] for parent in listed[0]["parents"]] == [1, 1]
    assert [step["kind"] for step in listed[0]["recipe"]["steps"]] == ["fill", "derive", "join"]
    one = (await api("GET", f"{path}/versions/2", user=ALICE)).json
    assert one["recipe"] == json.loads(json.dumps(local.manifest.provenance.recipe))
    assert one["recipe"] == listed[0]["recipe"] | {"fitted": {}}
    told = (await api("GET", f"{path}/process/{listed[0]['job_id']}", user=ALICE)).json
    assert (told["reference"], told["version_id"], told["dataset_id"]) == ("prices@2", listed[0]["id"], dataset)
    assert told["effects"] == [effect.totals() for effect in local.effects]
    report = (await api("GET", f"{path}/versions/2/validation", user=ALICE)).json
    ours = local.manifest.provenance.report
    assert report["report"]["results"] == ours["results"]
    assert ("TS_PARSE", 1) in [(result["rule"], result["count"]) for result in ours["results"]]
    assert (report["is_validated"], report["validation_errors"]) == (True, [])
    assert report["acknowledgements"] == accepted
    with pytest.raises(ServerError, match="step 1"):
        await asyncio.to_thread(
            lambda: al._door.ask("POST", "/v1/recipes", {"source": "prices", "recipe": [{"kind": "fill", "limit": 0}]})
        )

    # Compared: at once what is known, then each cell.
    known = await api("GET", f"{path}/compare", user=ALICE, params={"from": "1", "to": "2"})
    assert known.json == {
        "dataset_id": dataset, "from": 1, "to": 2, "equal": False, "comparable": True, "rows_from": 337,
        "rows_to": 340, "columns_added": ["ret", "vix_close"], "columns_removed": [], "symbols_added": [],
        "symbols_removed": [], "symbols_added_count": 0, "symbols_removed_count": 0,
        "rows_differ": [{"symbol": "AAPL", "rows_from": 297, "rows_to": 300}], "rows_differ_count": 1,
    }  # fmt: skip
    job = await done(f"{path}/compare", {"from": 1, "to": 2})
    cells = (await api("GET", f"{path}/compare/{job['id']}", user=ALICE)).json
    assert (cells["from"], cells["to"], cells["error"]) == (1, 2, None)
    found = cells["comparison"]
    assert (found["equal"], found["rows_added"], found["rows_removed"], found["cells_changed"]) == (False, 3, 0, {})
    assert [place["time"] for place in found["places"]] == [f"2020-01-01T01:4{minute}:00Z" for minute in range(3)]
    absent = await api("GET", f"{path}/compare", user=ALICE, params={"from": "1", "to": "9"})
    assert (absent.status, absent.json["code"]) == (404, "UNKNOWN_VERSION")

    # Gone back to: the name means the first one again, everywhere, and numbers go on growing.
    stale = await post(f"{path}/versions/1/restore", {"current": 1})
    assert (stale.status, stale.json["code"]) == (409, "PARENT_CHANGED")
    back, again = [await post(f"{path}/versions/1/restore", {"current": 2}, key="back") for _ in range(2)]
    assert (again.json, again.headers["Idempotent-Replayed"]) == (back.json, "true")
    assert (back.status, back.json["number"], back.json["current"]) == (200, 1, True)
    shown = (await api("GET", path, user=ALICE)).json
    assert (shown["version"], shown["row_count"], shown["content_hash"]) == (1, 337, version.manifest.content_hash)
    assert (await asyncio.to_thread(lambda: al.data.load("prices"))).version == "1"
    assert (await asyncio.to_thread(lambda: al.data.load("prices@2"))).version == "2"

    # Another made one meanwhile: what was asked for before does not become the current one.
    def as_before(session):
        row = session.get_one(DatasetVersionRow, first)
        recipe = {"format": "alphintra-recipe/1", "steps": [{"kind": "sort", "columns": []}], "fitted": {}}
        options = {"symbols": None, "rules": NO_RULES, "description": "", "tags": []}
        own = {"owner_id": "alice", "dataset_name": "prices", "current_id": made.about.version}
        who = Caller("alice", ())
        return enqueue(session, Limits(), who, PROCESS, "late", row, recipe=recipe, options=options, **own).id

    late = services.database.write_now(as_before)
    services.supervisor.wake()
    job = await job_end(late)
    assert (job["status"], job["error"]["code"]) == ("FAILED", "PARENT_CHANGED")
    counted = before.since("processed", "stored", text=(await api("GET", "/metrics", user=ALICE)).json.decode())
    assert counted == {"processed_rows_total": 340.0, "stored_failures_total process PARENT_CHANGED": 1.0}


async def test_what_is_no_longer_shared_becomes_nobodys_version(tmp_path):
    """Sharing may end while a job is at work: what it made of the rows is not kept."""
    database, storage = migrated(f"sqlite:///{tmp_path / 'a'}"), DatasetStorage(tmp_path)
    version, _ = store_version(database, storage, tmp_path / "made")
    joined, _ = store_version(database, storage, tmp_path / "made", name="vix")
    grants, alice, bob = DatasetGrants(database, Users(database, ("bob",))), Caller("alice", ()), Caller("bob", ())
    options = {"symbols": None, "rules": NO_RULES, "description": "", "tags": []}
    names = [(await grants.get(alice, name)).dataset_id for name in ("prices", "vix")]

    def queue(session):
        row, own = session.get_one(DatasetVersionRow, version), {"owner_id": "bob", "dataset_name": "mine"}
        more = {"recipe": recipe_of(STEPS).to_dict(), "joined": {"vix@1": joined}, "options": options}
        return enqueue(session, Limits(), bob, PROCESS, "mine", row, **more, **own)

    database.write_now(queue)
    held = database.write_now(lambda session: fair_queue.claim(session, "boot", limits=Limits()))
    kind = ProcessKind(database, storage, Limits(), None)

    def save():
        database.write_now(lambda session: kind.save(session, held, None))

    async def share(dataset, level):
        await grants.change(alice, dataset, GrantChange(user_id="bob", level=level))

    for dataset in names:
        await share(dataset, "USE")
    with pytest.raises(AttributeError):  # it goes on to look at what was made
        save()
    for dataset in names:
        await share(dataset, "READ")
        with pytest.raises(BadOutputError, match="its owner has to let you"):
            save()
        await share(dataset, None)
        with pytest.raises(BadOutputError, match="There is no dataset"):
            save()
        await share(dataset, "USE")
    database.write_now(lambda session: setattr(session.get_one(DatasetRow, names[0]), "state", "DELETING"))
    with pytest.raises(AttributeError):  # who has begun to read what is deleted goes on
        save()
    database.close()


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_the_other_database_keeps_what_is_tried_made_and_compared(kind, api, make, done):
    """The shortest way through all three kinds of jobs; `make soak` has the whole of it."""
    make(tables=gapped())
    path = "/api/datasets/prices"
    tried = await done(f"{path}/process/preview", {"recipe": STEPS, "rows": 200})
    shown = (await api("GET", f"{path}/process/preview/{tried['id']}", user=ALICE)).json
    assert shown["preview"]["effects"][0]["rows_added"] == 3
    made = await done(f"{path}/process", {"recipe": STEPS, "rules": NO_RULES})
    assert made["status"] == "COMPLETED", made["error"]
    assert (await api("GET", f"{path}/process/{made['id']}", user=ALICE)).json["reference"] == "prices@2"
    job = await done(f"{path}/compare", {"from": 1, "to": 2})
    cells = (await api("GET", f"{path}/compare/{job['id']}", user=ALICE)).json["comparison"]
    assert (cells["rows_added"], len(cells["places"])) == (3, 3)
    back = await api("POST", f"{path}/versions/1/restore", {"current": 2}, user=ALICE)
    assert (back.status, back.json["number"]) == (200, 1), back.json
    assert (await api("GET", path, user=ALICE)).json["row_count"] == 337


@pytest.mark.slow
async def test_others_make_of_it_what_they_may(api, services, make, post, done, job_end, data_dir):
    """Who may use a dataset makes others of it, within their quota; who may edit it makes its next version."""
    make(tables=gapped())
    _, secret = make("bob", "secret", tables={"VIX": bars(300, seed=3)})
    dataset = (await api("GET", "/api/datasets/prices", user=ALICE)).json["id"]
    path = f"/api/datasets/{dataset}"
    for user in (BOB, CAROL):
        assert (await api("GET", path, user=user)).status == 404
        grant = {"user_id": user.partition(":")[0], "level": "USE"}
        assert (await api("PUT", f"{path}/grants", grant, user=ALICE)).status == 200
    asked = {"recipe": STEPS, "rules": NO_RULES}
    refused = await post(f"{path}/process", asked, BOB)
    assert (refused.status, refused.json["code"]) == (403, "DATASET_ACCESS")
    before = files_below(data_dir / "datasets")
    job = await done(f"{path}/process", asked | {"dataset": "clean"}, CAROL)
    assert (job["status"], job["error"]["code"]) == ("FAILED", "QUOTA_EXCEEDED")
    assert (await api("GET", "/api/datasets/clean", user=CAROL)).status == 404
    await services.dataset_deletion._sweep("carol", 0.0)
    assert files_below(data_dir / "datasets") == before
    join = {"kind": "join", "dataset": "secret@1", "symbol": "VIX", "prefix": "s_"}
    more = {"recipe": [*STEPS, join], "dataset": "clean", "symbols": ["AAPL"], "tags": ["x"]}
    job = await done(f"{path}/process", asked | more, BOB)
    assert job["status"] == "COMPLETED", job["error"]
    mine = (await api("GET", "/api/datasets/clean", user=BOB)).json
    assert (mine["owner"], mine["version"], mine["symbols"], mine["row_count"]) == ("bob", 1, ["AAPL"], 300)
    assert (mine["tags"], mine["is_validated"]) == (["x"], False)
    (own,) = (await api("GET", "/api/datasets/clean/versions", user=BOB)).json["items"]
    assert own["recipe"]["inputs"] == [{"dataset": "secret@1", "content_hash": secret.content_hash}]
    await api("PUT", f"{path}/grants", {"user_id": "bob", "level": "EDIT"}, user=ALICE)
    job = await job_end((await post(f"{path}/process", asked, BOB)).json["job_id"], BOB)
    assert job["status"] == "COMPLETED", job["error"]
    told = (await api("GET", f"{path}/process/{job['id']}", user=BOB)).json
    assert (told["number"], told["reference"]) == (2, f"{dataset}@2")
    shown = (await api("GET", "/api/datasets/prices", user=ALICE)).json
    assert (shown["version"], shown["owner"], shown["columns"][-1]) == (2, "alice", "ret")
