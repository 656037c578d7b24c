"""Users' datasets in debug sessions: found as a backtest finds them, for whom they are shared with, and those alone."""

from __future__ import annotations

import asyncio

import alphintra as al
import numpy as np
import pyarrow as pa
import pytest
from alphintra.data.sessions import exchange
from alphintra.store import reference
from alphintra.store.manifest import About

from ..sdk.recipes.made import DAILY
from .conftest import TestIdentities
from .debugging import ALICE, sessions  # noqa: F401  a fixture
from .stored import store_version

BOB = "bob:researcher"
DAYS = exchange("XNYS").session.astype("M8[D]")
DAYS = DAYS[np.searchsorted(DAYS, np.datetime64("2020-01-02")) :][:60]
CODE = """\
import alphintra as al

class Moody(al.Strategy):
    def on_bar(self):
        if self.features["mood"].value[-1] > 0:
            self.order_target_percent(0.9)
        else:
            self.close()
"""


@pytest.fixture
def identities():
    return TestIdentities


def prices(first):
    """Daily bars that rise by 1, and halve with the split on the 31st of them."""
    closes = (first + np.arange(60.0)) / np.where(np.arange(60) < 30, 1, 2)
    table = dict.fromkeys(("open", "high", "low", "close"), closes)
    return pa.table({"date": pa.array(DAYS.astype(object), pa.date32()), **table, "volume": np.full(60, 1e6)})


def mood(sign):
    """A figure by day: three days of one sign, three of the other."""
    known = pa.array(DAYS.astype("M8[us]").astype(np.int64), pa.int64()).cast(pa.timestamp("us", "UTC"))
    values = sign * np.where(np.arange(60) // 3 % 2, 1.0, -1.0)
    return pa.table({"date": pa.array(DAYS.astype(object), pa.date32()), "value": values, "known": known})


async def test_what_others_share_is_debugged_by_its_id_and_nothing_of_the_same_name_in_its_place(
    sessions, api, services, tmp_path, opened, monkeypatch  # noqa: F811
):
    bars = {name: name for name in ("open", "high", "low", "close", "volume")} | {"date": "time"}
    facts = reference.facts_of([
        {"instrument_id": "S", "kind": "split", "ex_date": str(DAYS[30]), "value": 2, "known_from": "2020-01-01",
         "source": "issuer"},
    ])  # fmt: skip
    events = {column.name: column.role for column in reference.COLUMNS}
    about = About(asset_class=None, timeframe=None)
    made = {
        "prices": ({"S": prices(100)}, {"S": prices(500)}, DAILY, bars),
        "mood": ({"M": mood(1)}, {"M": mood(-1)}, about, {"date": "time", "known": "known_at"}),
        "actions": (reference.tables(facts), None, reference.ABOUT, events),
    }
    manifests = {}
    for name, (theirs, own, about_it, roles) in made.items():
        for user, tables in (("bob", theirs), ("alice", own)):
            if tables is not None:
                given = {"tables": tables, "about": about_it, "roles": roles}
                _, manifests[user, name] = store_version(
                    services.database, services.storage, tmp_path / "made", user, name, **given
                )
    ids = {name: (await api("GET", f"/api/datasets/{name}", user=BOB)).json["id"] for name in made}
    await sessions.store(CODE)
    body = {
        "dataset_id": ids["prices"], "benchmark": ids["prices"], "features": {"mood": ids["mood"]},
        "reference": ids["actions"], "commission": "0", "wait_seconds": 0,
    }  # fmt: skip

    async def let(name, level):
        grant = {"user_id": "alice", "level": level}
        assert (await api("PUT", f"/api/datasets/{ids[name]}/grants", grant, user=BOB)).status == 200

    # Each is looked up for whom the session is: what is not shared, and what may only be read, starts none.
    for name, field in (("prices", "dataset_id"), ("mood", "features.mood"), ("actions", "reference")):
        refused = await sessions.ask("POST", "", body)
        told = refused.json["code"], refused.json["errors"][0]["field"]
        assert (refused.status, *told) == (422, "UNKNOWN_DATASET", field), refused.json
        await let(name, "READ")
        refused = await sessions.ask("POST", "", body)
        assert (refused.status, refused.json["code"]) == (403, "DATASET_ACCESS"), refused.json
        await let(name, "USE")
    refused = await sessions.ask("POST", "", body | {"features": {"a": "mood", "b": ids["mood"]}})
    assert (refused.status, refused.json["code"]) == (422, "DATASET_NAME_CLASH"), refused.json
    store_version(services.database, services.storage, tmp_path / "made", "alice", "closed", tables=made["prices"][0],
                  about=DAILY, roles=bars, vault=services.copies._vault)  # fmt: skip
    refused = await sessions.ask("POST", "", body | {"dataset_id": "closed"})
    assert (refused.status, refused.json["code"]) == (409, "SEALED"), refused.json
    assert "Use `al.replay` in a notebook" in refused.json["detail"]
    assert (await sessions.ask("GET")).json["items"] == []

    # A file that is lost is said, and nothing of the session is left.
    lost = {"dataset_id": ids["prices"], "features": {"mood": "lost"}}
    _, kept = store_version(services.database, services.storage, tmp_path / "made", "alice", "lost",
                            tables={"M": mood(2)}, about=about, roles=made["mood"][3])  # fmt: skip
    (blob,) = services.storage.root.rglob(f"{kept.files[0].sha256}.parquet")
    blob.unlink()
    refused = await sessions.ask("POST", "", body | lost)
    assert (refused.status, refused.json["code"]) == (410, "DATASET_DELETED"), refused.json
    assert (await sessions.ask("GET")).json["items"] == []

    # Bob's, not alice's own of the same names: what it reads is told with the hashes of its values.
    session = await sessions.start(**body)
    found = await session.stood()
    assert (found["status"], found["reason"]) == ("PAUSED", "entry"), found
    assert (found["dataset_name"], found["dataset_hash"]) == ("prices@1", manifests["bob", "prices"].content_hash)
    shown = {
        name: {"dataset": f"{name}@1", "content_hash": manifests["bob", name].content_hash} for name in made
    }
    assert (found["benchmark"], found["features"], found["reference"]) == (
        shown["prices"], {"mood": shown["mood"]}, shown["actions"],
    )  # fmt: skip
    # Whoever may no longer use them starts no more, and what runs goes on, as a job does.
    await let("mood", None)
    assert (await sessions.ask("POST", "", body)).json["code"] == "UNKNOWN_DATASET"
    await session.move("/run-to", bar=33)
    assert await session.value("self.data.close[-1], self.data.close[-5], self.features['mood'].value[-1]") == (
        "(66.5, 64.5, -1.0)"
    )
    ended = await session.move("/continue")
    assert (ended["status"], ended["reason"]) == ("COMPLETED", "finished"), ended["error"]

    # The same run as in a notebook of bob's, to the last cent; on alice's own it would be another.
    space = {}
    exec(CODE, space)
    equity = {}
    for user in ("bob", "alice"):
        door = await opened(user)
        monkeypatch.setenv("ALPHINTRA_DOOR", str(door.socket))
        monkeypatch.setenv("ALPHINTRA_DOOR_TOKEN", door.token)
        beside = {"reference": "actions"} if user == "bob" else {}
        given = {"features": {"mood": "mood"}, "commission": 0, "prices": "raw", **beside}
        run = await asyncio.to_thread(lambda given=given: al.backtest(space["Moody"], "prices", **given))
        equity[user] = run.to_dict()["metrics"]["final_equity"]
    assert ended["summary"]["final_equity"] == equity["bob"]
    assert abs(equity["alice"] - equity["bob"]) > 100
