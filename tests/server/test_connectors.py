"""Connectors over REST: set up, run, gone on with, and what a source may not do. With the engine's own worker."""

import asyncio
import json

import pytest

from .conftest import TestIdentities
from .source_server import source  # noqa: F401  a fixture
from .uploaded import ALICE, as_csv, prices

SECRET = "Bearer s3cret-token"


@pytest.fixture
def worker_argv():
    return None


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture
def settings():
    return {"connector_networks": ["127.0.0.0/8"]}


@pytest.fixture
def run(api):
    """Run a connector by hand; the run as it ended."""

    async def go(connector_id):
        begun = await api("POST", f"/api/connectors/{connector_id}/run", user=ALICE)
        assert begun.status == 202, begun.json
        for _ in range(6_000):
            listed = (await api("GET", f"/api/connectors/{connector_id}/runs", user=ALICE)).json["items"]
            (found,) = [item for item in listed if item["id"] == begun.json["id"]]
            if found["ended_at"] is not None:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(found)

    return go


async def test_a_file_at_an_address_becomes_a_dataset_and_stays_fresh(
    api, source, run, looked_at, data_dir, services, caplog  # noqa: F811
):
    frame = prices(["AAPL", "MSFT"])
    first, later = frame.iloc[:60], frame.iloc[50:]
    source.files["/prices.csv"], source.etags["/prices.csv"] = as_csv(first), '"m1"'

    def guarded(handler):
        if handler.headers.get("Authorization") == SECRET:
            source.give(handler)
        else:
            source.say(handler, 401, (handler.headers.get("Authorization") or "").encode())

    source.answers["/prices.csv"] = guarded
    body = {
        "name": "Prices", "dataset": "fetched", "source": {"kind": "http", "url": source.url + "/prices.csv"},
        "secret": {"headers": {"Authorization": "Bearer wrong-token"}}, "overlap_bars": 3, "tags": ["web"],
        "about": {"asset_class": "STOCKS", "calendar": "weekdays"},
    }  # fmt: skip
    made = await api("POST", "/api/connectors", body, user=ALICE)
    assert made.status == 201, made.json
    address = f"/api/connectors/{made.json['id']}"
    again = await api("POST", "/api/connectors", body, user=ALICE)
    assert (again.status, again.json["code"]) == (409, "CONNECTOR_EXISTS")

    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]["code"]) == ("FAILED", "SOURCE_REFUSED")
    assert "wrong-token" not in json.dumps(ended)
    shown = (await api("GET", address, user=ALICE)).json
    assert (shown["last_error"]["code"], shown["failures"], shown["running"]) == ("SOURCE_REFUSED", 1, None)
    changed = await api("PATCH", address, {"secret": {"headers": {"Authorization": SECRET}}}, user=ALICE)
    assert (changed.status, changed.json["secrets"]) == (200, ["headers.Authorization"])

    # Nobody has said how it is read: the run leaves an upload, which is looked at as any other.
    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]["code"]) == ("NEEDS_MAPPING", "NEEDS_MAPPING")
    found = await looked_at(ended["upload_id"])
    assert found["inspection"]["questions"] == []
    mapping = found["inspection"]["mapping"]
    bad = await api("PATCH", address, {"mapping": {"format": "csv", "columns": []}}, user=ALICE)
    assert bad.status == 422
    assert (await api("PATCH", address, {"mapping": mapping}, user=ALICE)).status == 200

    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]) == ("DONE", None)
    dataset = (await api("GET", "/api/datasets/fetched", user=ALICE)).json
    assert (dataset["source"], dataset["row_count"], dataset["version"]) == ("EXTERNAL", 60, 1)
    state = dataset["source_state"]
    assert (state["connector_id"], state["kind"], state["last_error"]) == (made.json["id"], "http", None)
    assert (state["last_row"], state["next_run_at"], state["running"]) == (dataset["end_date"], None, False)
    assert state["last_success_at"] is not None

    # The source says that it is the same; then that it has more, the last rows once more.
    ended = await run(made.json["id"])
    assert (ended["state"], ended["upload_id"]) == ("NOTHING_NEW", None)
    assert source.asked[-1][1]["If-None-Match"] == '"m1"'
    source.etags["/prices.csv"] = '"m2"'
    ended = await run(made.json["id"])
    assert ended["state"] == "NOTHING_NEW"
    assert ended["upload_id"] is not None
    source.files["/prices.csv"], source.etags["/prices.csv"] = as_csv(later), '"m3"'
    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]) == ("DONE", None)
    dataset = (await api("GET", "/api/datasets/fetched", user=ALICE)).json
    assert (dataset["row_count"], dataset["version"], dataset["validation_errors"]) == (80, 2, [])
    direct = (await api("GET", "/api/datasets", user=ALICE, params={"source": "EXTERNAL"})).json["items"]
    assert [(item["name"], item["source_state"]["last_row"]) for item in direct] == [("fetched", dataset["end_date"])]

    # A row that has changed is no new row: nothing is overwritten, and the connector says so.
    corrected = later.copy()
    corrected.loc[corrected.index[-1], "Close"] += 0.25
    source.files["/prices.csv"], source.etags["/prices.csv"] = as_csv(corrected), '"m4"'
    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]["code"]) == ("FAILED", "OVERLAP_CONFLICT")
    assert "MSFT, 2020-02-26" in ended["error"]["message"]
    state = (await api("GET", "/api/datasets/fetched", user=ALICE)).json
    assert (state["version"], state["is_validated"]) == (2, dataset["is_validated"])
    assert state["source_state"]["last_error"]["code"] == "OVERLAP_CONFLICT"

    # The secret is in a file of the server's, and nowhere else: no answer, no job, no log, no table.
    job = (await api("GET", f"/api/jobs/{ended['fetch_job_id']}", user=ALICE)).json
    everything = json.dumps([shown, changed.json, ended, job, (await api("GET", address, user=ALICE)).json])
    assert "s3cret" not in everything + caplog.text
    assert b"s3cret" not in b"".join(path.read_bytes() for path in data_dir.glob("alphintra.sqlite*"))
    (kept,) = (data_dir / "secrets").iterdir()
    assert "s3cret" in kept.read_text()
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    # Where the source is moved, the secret does not go along by itself.
    moved = await api("PATCH", address, {"source": {"kind": "http", "url": "https://elsewhere.example/x"}}, user=ALICE)
    assert (moved.status, moved.json["errors"][0]["field"]) == (422, "secret")

    # What was deleted does not come back by itself.
    assert (await api("DELETE", f"/api/datasets/{dataset['id']}", user=ALICE)).status == 202
    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]["code"]) == ("FAILED", "DATASET_DELETED")
    assert (await api("GET", address, user=ALICE)).json["paused"] is True
    assert (await api("DELETE", address, user=ALICE)).status == 204
    assert (await api("GET", address, user=ALICE)).status == 404
    assert list((data_dir / "secrets").iterdir()) == []
    assert list((data_dir / "jobs").glob("*/*/out/fetched")) == []
