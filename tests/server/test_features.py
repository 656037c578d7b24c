"""Features of a run on the server: resolved to versions, linked for the worker, and the same as in a notebook."""

import asyncio

import alphintra as al
import pytest

from ..sdk.store.made import bars
from .conftest import TestIdentities
from .stored import store_version
from .uploaded import ALICE

CODE = """\
import alphintra as al

class Moody(al.Strategy):
    def on_bar(self):
        vix, mood = self.features["vix"].close, self.features["mood"].close
        self.record(vix=vix[-1], mood=mood[-1])
        if vix[-1] > vix[-3] or mood[-1] > mood[-2]:
            self.order_target_percent(0.9)
        else:
            self.close()
"""


@pytest.fixture
def worker_argv():
    return None


@pytest.fixture
def identities():
    return TestIdentities


async def test_a_run_with_features_is_that_of_a_notebook(api, services, tmp_path, finished, monkeypatch, opened):
    def make(user, name, **tables):
        store_version(services.database, services.storage, tmp_path / "made" / user, user, name, tables=tables)

    make("alice", "prices", AAPL=bars(1_500), MSFT=bars(1_500, seed=1))
    make("alice", "vix", VIX=bars(1_450, seed=2))
    make("bob", "mood", MOOD=bars(1_480, seed=3))
    shared = (await api("GET", "/api/datasets/mood", user="bob:researcher")).json["id"]

    async def let(level, dataset=shared):
        body = {"user_id": "alice", "level": level}
        asked = await api("PUT", f"/api/datasets/{dataset}/grants", body, user="bob:researcher")
        assert asked.status == 200, asked.json

    made = (await api("POST", "/api/strategies/code/create", {"name": "Moody", "code": CODE}, user=ALICE)).json
    features = {"vix": "vix", "mood": shared}
    body = {"strategy_id": made["id"], "dataset_id": "prices/AAPL", "features": features, "benchmark": shared}

    async def create(**changes):
        return await api("POST", "/api/backtests", body | changes, user=ALICE)

    # What is refused names the feature: one's own alone, what may only be read, what there is not, names that clash.
    assert (await create(benchmark=None)).json["errors"][0]["field"] == "features.mood"
    assert (await create()).json["errors"][0]["field"] == "benchmark"
    await let("READ")
    assert ((await create()).status, (await create()).json["code"]) == (403, "DATASET_ACCESS")
    await let("USE")
    make("bob", "vix", VIX=bars(10))
    other = (await api("GET", "/api/datasets/vix", user="bob:researcher")).json["id"]
    await let("USE", other)
    for features, code, field in (
        ({"vix": "vex"}, "UNKNOWN_DATASET", "features.vix"),
        ({"vix": "vix@7"}, "UNKNOWN_VERSION", "features.vix"),
        ({"vix": "vix/SPY"}, "UNKNOWN_SYMBOL", "features.vix"),
        ({"a": "vix", "b": other}, "DATASET_NAME_CLASH", "features.b"),
    ):
        refused = await create(features=features)
        assert (refused.status, refused.json["code"]) == (422, code), refused.json
        assert refused.json["errors"][0]["field"] == field
    clash = await create(benchmark=other)
    assert (clash.json["code"], clash.json["errors"][0]["field"]) == ("DATASET_NAME_CLASH", "features.vix")
    for features in ({" ": "vix"}, {"x" * 65: "vix"}, {f"n{i}": "vix" for i in range(65)}, {"vix": ""}, ["vix"]):
        assert (await create(features=features)).status == 422

    # It runs on the versions that were current when it was asked for.
    job = (await create()).json
    assert job["features"] == {"vix": "vix@1", "mood": f"{shared}@1"}
    assert job["benchmark"] == f"{shared}@1"
    make("alice", "vix", VIX=bars(5))
    asked = await api("POST", f"/api/backtests/{job['id']}/run", user=ALICE)
    assert asked.status == 202, asked.json
    run = await finished(job["id"], user=ALICE, seconds=600)
    assert run["status"] == "COMPLETED", run["error"]
    results = (await api("GET", f"/api/backtests/{job['id']}/results", user=ALICE)).json
    door = await opened("alice")
    monkeypatch.setenv("ALPHINTRA_DOOR", str(door.socket))
    monkeypatch.setenv("ALPHINTRA_DOOR_TOKEN", door.token)
    space = {}
    exec(CODE, space)
    given = {"vix": "vix@1", "mood": bars(1_480, seed=3).to_pandas().set_index("time")}
    against = {"benchmark": f"{shared}@1", "commission": 0}
    here = await asyncio.to_thread(lambda: al.backtest(space["Moody"], "prices@1/AAPL", features=given, **against))
    assert results["run"]["configuration"]["benchmark"] == "mood@1"
    assert results["metrics"]["total_trades"] > 20
    assert results["metrics"]["final_equity"] == here.to_dict()["metrics"]["final_equity"]
    told = results["run"]["features"]
    assert told["vix"] == here.run["features"]["vix"]
    assert told["mood"]["dataset"] == "mood@1"
    assert results["run"]["catalogue_features"] == {name: own["content_hash"] for name, own in told.items()}

    # Checks of the strategy run with the same features, of another's dataset by its id.
    plan = {"checks": ["total_trades >= 20"], "dataset_id": "prices/AAPL"}
    where = f"/api/strategies/code/{made['id']}/checks"
    refused = await api("PUT", where, plan | {"settings": {"features": {"vix": "vex"}}}, user=ALICE)
    assert refused.json["errors"][0]["field"] == "features.vix"
    settings = {"features": body["features"] | {"vix": "vix@1"}, "benchmark": shared}
    kept = await api("PUT", where, plan | {"settings": settings}, user=ALICE)
    assert kept.json["settings"]["features"] == settings["features"]
    begun = await api("POST", f"{where}/run", user=ALICE)
    assert begun.status == 202, begun.json
    for _ in range(12_000):
        checked = (await api("GET", f"{where}/runs/{begun.json['run_id']}", user=ALICE)).json
        if checked["status"] in {"COMPLETED", "FAILED"}:
            break
        await asyncio.sleep(0.05)
    assert [each["passed"] for each in checked["results"]] == [True], checked

    # Whoever may no longer use it runs no more on it.
    again = (await create()).json
    await let(None)
    assert (await api("POST", f"/api/backtests/{again['id']}/run", user=ALICE)).status == 202
    ended = await finished(again["id"], user=ALICE, seconds=600)
    assert (ended["status"], shared in ended["error"]["message"]) == ("FAILED", True), ended["error"]
