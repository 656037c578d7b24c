"""What each grant lets another user do with a dataset: what the panel offers, REST allows, and nothing more."""

import functools

import pytest

from . import databases
from .conftest import STRATEGY, TestIdentities
from .stored import store_version
from .uploaded import ALICE

BOB = "bob:researcher"
LEVELS = ("READ", "USE", "EDIT", "OWNER")
#: A request of each button of the panel, and from which level on it goes; whoever may less is refused.
#: Bodies that cannot be carried out, so that no job begins: who may is told what is wrong with them.
ASKED = {
    "look": ("GET", "", None, "READ", 200),
    "report": ("GET", "/versions/1/validation", None, "READ", 200),
    "candles": ("GET", "/candles", None, "READ", 200),
    "compare": ("POST", "/compare", {"from": 1, "to": 9}, "READ", 404),
    "try a recipe": ("POST", "/process/preview", {"recipe": []}, "READ", 422),
    "make one of one's own": ("POST", "/process", {"recipe": [], "dataset": "mine"}, "USE", 422),
    "make its next version": ("POST", "/process", {"recipe": []}, "EDIT", 422),
    "edit": ("PATCH", "", {"tags": ["x"]}, "EDIT", 200),
    "accept": ("POST", "/versions/1/acknowledge", {"rules": ["OHLC_ORDER"], "why": "known"}, "EDIT", 422),
    "check again": ("POST", "/versions/9/validation", {}, "EDIT", 404),
    "go back": ("POST", "/versions/1/restore", {}, "EDIT", 200),
    "see with whom": ("GET", "/grants", None, "OWNER", 200),
    "share": ("PUT", "/grants", {"user_id": "eve", "level": "READ"}, "OWNER", 200),
    "delete": ("DELETE", "", None, "OWNER", 202),
}


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture(params=databases.BOTH)
def settings(request):
    return databases.setting(request)


async def test_a_grant_allows_what_the_panel_offers(api, services, tmp_path, make_strategy):
    store_version(services.database, services.storage, tmp_path / "made")
    dataset = (await api("GET", "/api/datasets/prices", user=ALICE)).json["id"]
    path = f"/api/datasets/{dataset}"
    ask = functools.partial(api, user=BOB)
    for method, rest, body, _, _ in ASKED.values():
        unknown = await ask(method, path + rest, body)
        assert (unknown.status, unknown.json["code"]) == (404, "UNKNOWN_DATASET"), (method, rest)
    strategy = (await api("POST", "/api/strategies/code/create", {"name": "S", "code": STRATEGY}, user=BOB)).json["id"]
    for level in LEVELS[:3]:
        await api("PUT", f"{path}/grants", {"user_id": "bob", "level": level}, user=ALICE)
        assert (await ask("GET", path)).json["access"] == level
        (listed,) = [item for item in (await ask("GET", "/api/datasets")).json["items"] if item["id"] == dataset]
        assert (listed["access"], listed["owner"]) == (level, "alice")
        for name, (method, rest, body, needed, status) in ASKED.items():
            reply = await ask(method, path + rest, body)
            if LEVELS.index(level) < LEVELS.index(needed):
                assert (reply.status, reply.json["code"]) == (403, "DATASET_ACCESS"), (level, name)
                assert "prices" in reply.json["detail"], reply.json
            else:
                assert reply.status == status, (level, name, reply.json)
        run = await ask("POST", f"/api/strategies/code/{strategy}/execute", {"dataset_id": f"{dataset}@1/AAPL"})
        assert run.status == (403 if level == "READ" else 202), (level, run.json)
    # A grant that ends, ends at once.
    await api("PUT", f"{path}/grants", {"user_id": "bob", "level": None}, user=ALICE)
    assert (await ask("GET", path)).status == 404
