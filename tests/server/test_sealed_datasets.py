"""A sealed dataset from its upload on: encrypted where it lies, and what is not done with it."""

import asyncio
import json
import shutil
import struct
import sys
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from alphintra.ingest.inspecting import inspect
from alphintra_server.db.dataset_tables import DatasetReportRow, DatasetVersionRow, UploadRow
from alphintra_server.db.ingest_tables import IngestRow
from alphintra_server.db.tables import DatasetRow
from alphintra_server.errors import Conflict
from alphintra_server.sealing.vault import SealedVersion
from alphintra_server.services.dataset_inputs import folder_of
from sqlalchemy import select

from .conftest import TestIdentities
from .stored import store_version
from .uploaded import ALICE, as_csv, prices

BOB = "bob:researcher"
WORDS = "Umbrella-7731"
NUMBER = 1234567.8901234567
ROLES = {name: name for name in ("open", "high", "low", "close", "volume")} | {"date": "time"}
STATED = {"asset_class": "STOCKS", "currency": "USD", "calendar": "weekdays"}


@pytest.fixture
def worker_argv():
    return (sys.executable, "-P", "-c", Path(__file__).with_name("ingest_worker.py").read_text())


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture
def settings():
    return {"reader_idle_seconds": 600.0}


def noted():
    frame = prices(["AAPL", "MSFT"])
    frame.loc[7, "Volume"] = NUMBER
    return frame.assign(Note=[f"{WORDS} {row}" for row in range(len(frame))])


def tables():
    """The rows of it as they are stored, made of the frame by another way than that of an upload."""
    frame = noted().rename(columns=lambda name: name if name == "Note" else name.lower())
    dates = frame.pop("date").dt.date
    frame.insert(0, "date", dates)
    parts = {symbol: part.drop(columns="symbol") for symbol, part in frame.groupby("symbol")}
    return {symbol: pa.Table.from_pandas(part, preserve_index=False) for symbol, part in parts.items()}


@pytest.fixture
def mapping(tmp_path):
    """How such a file is read."""
    (tmp_path / "f.csv").write_bytes(as_csv(noted()))
    return json.loads(inspect(tmp_path / "f.csv", tmp_path / "work").guess.mapping.to_json())


def holding(folder, *needles):
    """Files below a folder, the database's left out, that hold any of some bytes."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("alphintra.sqlite"))
    return sorted(path for path in files if any(needle in path.read_bytes() for needle in needles))


def current(services, name):
    def work(session):
        row = session.scalars(select(DatasetRow).where(DatasetRow.name == name)).one()
        version = session.get_one(DatasetVersionRow, row.current_version_id)
        return SealedVersion(version.id, folder_of(session, row), version.manifest_sha256)

    return services.database.read_now(work)


async def test_it_lies_encrypted_and_is_seen_as_an_open_one(
    api, services, data_dir, tmp_path, put_upload, mapping, make_version, job_end
):
    needles = WORDS.encode(), struct.pack("<d", NUMBER)[:6], f"{NUMBER:.10f}"[:-1].encode()
    first = put_upload(as_csv(noted()), dataset="closed")
    services.database.write_now(lambda s: setattr(s.get_one(UploadRow, first), "inspection", {"fingerprint": "0" * 64}))
    assert holding(data_dir, needles[0]) == [services.storage.upload(first)]
    path, body = f"/api/datasets/upload/{first}/ingest", {"mapping": mapping, "sealed": True}
    services.ingests._keys_seen = True  # as where there is no sandbox
    refused = await api("POST", path, body, user=ALICE)
    assert (refused.status, refused.json["code"]) == (503, "NO_SANDBOX")
    services.ingests._keys_seen = False
    job = await make_version(first, mapping, about=STATED, sealed=True)
    assert job["status"] == "COMPLETED", job["error"]
    for _ in range(600):  # the file goes after the job's end was told
        if not services.storage.upload(first).exists():
            break
        await asyncio.sleep(0.05)
    assert holding(data_dir, *needles) == []
    assert services.database.read_now(lambda session: session.get_one(UploadRow, first).inspection) is None
    keys = services.copies._vault.find(current(services, "closed")).to_json()
    (master,) = (data_dir / "keys").iterdir()
    assert [path.stat().st_mode & 0o777 for path in (master, master.parent)] == [0o600, 0o700]
    secrets = bytes.fromhex(keys["key"]), keys["key"].encode(), master.read_bytes(), master.read_bytes().hex().encode()
    assert holding(data_dir, *secrets) == [master]

    # The same rows as an open dataset: there the search finds them, and all that is shown is the same.
    store_version(services.database, services.storage, tmp_path / "made", name="plain", tables=tables(), roles=ROLES)
    for needle in needles[:2]:
        assert holding(data_dir / "datasets", needle)
    both = [(await api("GET", f"/api/datasets/{name}", user=ALICE)).json for name in ("closed", "plain")]
    assert [item["sealed"] for item in both] == [True, False]
    assert both[0]["content_hash"] == both[1]["content_hash"]
    versions = (await api("GET", "/api/datasets/closed/versions", user=ALICE)).json["items"]
    assert [item["sealed"] for item in versions] == [True]
    for path, params in (
        ("preview", {"symbol": "MSFT"}), ("statistics", {}),
        ("statistics", {"symbol": "MSFT"}), ("candles", {"symbol": "MSFT", "points": 30}),
        ("download", {"format": "csv"}), ("download", {"format": "feather", "symbols": "AAPL"}),
    ):  # fmt: skip
        said = [await api("GET", f"/api/datasets/{item['id']}/{path}", user=ALICE, params=params) for item in both]
        assert [one.status for one in said] == [200, 200], said[0].json
        told = [one.json | {"dataset_id": ""} if "json" in one.kind else one.json for one in said]
        assert told[0] == told[1], path
        assert len(str(told[0])) > 1_000

    # Checked again, the report has counts alone; the rows that the job read are nowhere.
    before = holding(data_dir, *needles)
    asked = await api("POST", "/api/datasets/closed/versions/1/validation", {}, user=ALICE)
    job = await job_end(asked.json["job_id"])
    assert job["status"] == "COMPLETED", job["error"]
    report = services.database.read_now(lambda s: s.scalars(select(DatasetReportRow.report)).one())
    assert report["rows"] == 80
    assert any(result["count"] for result in report["results"])
    assert not any(result["places"]["count"] for result in report["results"]), report["results"]
    assert holding(data_dir, *needles) == before


async def test_what_is_not_done_with_it_is_said_and_what_is_made_of_it_is_sealed(
    api, services, data_dir, tmp_path, put_upload, mapping, job_end
):
    needles = WORDS.encode(), struct.pack("<d", NUMBER)[:6]
    more = {"tables": tables(), "roles": ROLES, "vault": services.copies._vault}
    store_version(services.database, services.storage, tmp_path / "made", name="closed", **more)
    home, steps = "/api/datasets/closed", [{"kind": "sort"}]
    second = put_upload(as_csv(noted()), dataset="closed")
    for path, body in (
        (f"/api/datasets/upload/{second}/ingest", {"mapping": mapping, "append": True}),
        (f"/api/datasets/upload/{second}/ingest", {"mapping": mapping, "append": True, "sealed": False}),
        (f"{home}/process/preview", {"recipe": steps}),
        (f"{home}/compare", {"from": 1, "to": 1}),
    ):
        refused = await api("POST", path, body, user=ALICE)
        assert (refused.status in (409, 422), refused.json.get("code")) == (True, "SEALED"), (path, refused.json)
        assert "sealed" in refused.json["detail"]
    # A connector adds rows: it is not even asked for them.
    body = {"name": "Prices", "dataset": "closed", "source": {"kind": "http", "url": "http://198.51.100.7/prices.csv"}}
    made = await api("POST", "/api/connectors", body, user=ALICE)
    begun = await api("POST", f"/api/connectors/{made.json['id']}/run", user=ALICE)
    assert begun.status == 202, begun.json
    for _ in range(600):
        (run,) = (await api("GET", f"/api/connectors/{made.json['id']}/runs", user=ALICE)).json["items"]
        if run["ended_at"] is not None:
            break
        await asyncio.sleep(0.1)
    assert run["error"]["code"] == "SEALED", run

    # Whoever says nothing does not put into the open what was sealed.
    asked = await api("POST", f"/api/datasets/upload/{second}/ingest", {"mapping": mapping}, user=ALICE)
    assert asked.status == 202, asked.json
    assert services.database.read_now(lambda session: list(session.scalars(select(IngestRow.sealed)))) == [None]
    job = await job_end(asked.json["job_id"])
    assert job["status"] == "COMPLETED", job["error"]
    said = (await api("GET", f"{home}/versions", user=ALICE)).json["items"]
    assert [item["sealed"] for item in said] == [True, True]
    # Nor where the sealed one came while it was made: only who says so puts the next one into the open.
    for name, opens in (("closed", False), ("late", False), ("late", True)):
        if name == "late" and not opens:
            store_version(services.database, services.storage, tmp_path / "made", name=name, vault=more["vault"])
        made = partial(store_version, services.database, services.storage, tmp_path / "made", name=name, opens=opens)
        if opens:
            made()
            continue
        with pytest.raises(Conflict, match="say sealed: false") as refused:
            made()
        assert refused.value.code == "SEALED"
    said = (await api("GET", "/api/datasets/late/versions", user=ALICE)).json["items"]
    assert sorted((item["number"], item["sealed"]) for item in said) == [(1, True), (2, False)]

    # What a recipe makes of it is sealed, and its manifest has nothing of what was fitted.
    steps = [{"kind": "normalise", "columns": ["close"], "fit_until": "2020-02-10"}]
    asked = await api("POST", f"{home}/process", {"recipe": steps, "dataset": "scaled"}, user=ALICE)
    assert asked.status == 202, asked.json
    job = await job_end(asked.json["job_id"])
    assert job["status"] == "COMPLETED", job["error"]
    scaled = (await api("GET", "/api/datasets/scaled/versions/1", user=ALICE)).json
    assert (scaled["sealed"], scaled["recipe"]["fitted"], scaled["recipe"]["effects"][0]["rows_out"]) == (True, {}, 80)
    assert holding(data_dir, *needles) == []
    shown = (await api("GET", "/api/datasets/scaled/preview", user=ALICE)).json
    apart = [row for row in shown["sample_data"] if row["symbol"] == "AAPL"]
    assert -5 < apart[0]["close_norm"] < 5
    assert apart[0]["close"] > 50

    # Shared, with somebody who has been here, and then not any more.
    assert (await api("GET", home, user=BOB)).status == 404
    shared = (await api("GET", home, user=ALICE)).json["id"]
    for level, status in (("READ", 200), (None, 404)):
        granted = await api("PUT", f"/api/datasets/{shared}/grants", {"user_id": "bob", "level": level}, user=ALICE)
        assert granted.status == 200, granted.json
        for path in ("candles", "preview", "statistics", "download"):
            assert (await api("GET", f"/api/datasets/{shared}/{path}", user=BOB)).status == status, path

    # Without the master key nothing is read, and it is said what to do; with it put back, all is.
    (master,) = (data_dir / "keys").iterdir()
    shutil.move(master, data_dir.parent / "elsewhere")
    for path in ("candles", "preview", "download"):
        told = await api("GET", f"{home}/{path}", user=ALICE)
        assert (told.status, told.json["code"]) == (503, "SEALED"), told.json
        assert f"Put {master.name} back from a backup of data_dir/keys" in told.json["detail"]
    shutil.move(data_dir.parent / "elsewhere", master)
    assert (await api("GET", f"{home}/candles", user=ALICE)).status == 200
