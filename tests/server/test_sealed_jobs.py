"""Jobs and notebooks on a sealed dataset: they have the rows, and nobody who is in a sandbox has a key."""

import asyncio
import hashlib
import json

import alphintra as al
import pytest
from alphintra import _door
from alphintra.errors import ServerError
from alphintra_server.sealing.vault import SealedVersion

from ..sdk.store.made import bars
from .conftest import TestIdentities
from .doors import ask
from .stored import store_version
from .uploaded import ALICE

SPY = """\
import glob, os
import alphintra as al

# What no process of a job may find, the other way round: this text is no place where it stands.
NEEDLES = [bytes.fromhex(text[::-1]) for text in {needles}] + [text[::-1].encode() for text in {needles}]

def found(path):
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError:
        return False
    return any(needle in raw for needle in NEEDLES)

def look():
    places = [path for name in ("environ", "cmdline", "mountinfo") for path in glob.glob("/proc/[0-9]*/" + name)]
    for root in ("/job", "/tmp", "/dev/shm", "/run"):
        for folder, _, names in os.walk(root):
            places += [os.path.join(folder, name) for name in names]
    for fd in os.listdir("/proc/self/fd"):
        try:
            if os.path.isfile("/proc/self/fd/" + fd):
                places.append("/proc/self/fd/" + fd)
        except OSError:
            pass
    return sorted(path for path in places if found(path))

class Spy(al.Strategy):
    def on_start(self):
        with open("/tmp/control", "wb") as file:
            file.write(NEEDLES[0])
        hits = look()
        opened = os.listdir("/tmp/alphintra-opened")
        print("found", hits, len(opened), os.path.exists({keys!r}))

    def on_bar(self):
        if self.bar_index % 7 == 0:
            self.order_target_percent(0.9)
        elif self.bar_index % 7 == 4:
            self.close()
"""


@pytest.fixture
def worker_argv():
    return None


@pytest.fixture
def identities():
    return TestIdentities


async def test_rows_are_read_and_traded_and_no_key_is_found(
    api, services, data_dir, tmp_path, opened, finished, monkeypatch
):
    vault = services.copies._vault
    store = services.database, services.storage, tmp_path / "made", "alice"
    tables = {"A": bars(3_000, 1), "B": bars(40, 2)}
    version, manifest = store_version(*store, "closed", tables=tables, vault=vault)
    store_version(*store, "plain", tables=tables)
    owner = next(path for path in services.storage.root.iterdir() if path.is_dir()).name
    (master,) = (data_dir / "keys").iterdir()
    sealed = SealedVersion(version, owner, hashlib.sha256(manifest.to_json()).hexdigest())
    secrets = [vault.find(sealed).to_json()["key"], master.read_bytes().hex()]

    # A notebook gets rows through its door: no key, and none of the encrypted bytes.
    door = await opened("alice")
    monkeypatch.setenv("ALPHINTRA_DOOR", str(door.socket))
    monkeypatch.setenv("ALPHINTRA_DOOR_TOKEN", door.token)
    read = [await asyncio.to_thread(lambda name=name: al.data.load(name)) for name in ("closed", "plain")]
    frames = [await asyncio.to_thread(item.to_pandas) for item in read]
    assert frames[0].equals(frames[1])
    assert len(frames[0]) == 3_040
    assert read[0].content_hash == read[1].content_hash == manifest.content_hash
    raw = await asyncio.to_thread(_door.fetch, f"/v1/versions/{version}/manifest")
    assert not any(needle in raw for text in secrets for needle in (bytes.fromhex(text), text.encode()))
    assert (json.loads(raw)["sealed"], json.loads(raw)["files"][0]["key"]) == (False, None)
    for sha256, status in ((manifest.files[0].sha256, 404), (json.loads(raw)["files"][0]["sha256"], None)):
        asked = asyncio.to_thread(_door.fetch, f"/v1/versions/{version}/files/{sha256}?start=0&bytes=4")
        if status is None:
            assert await asked == b"PAR1"
        else:
            with pytest.raises(ServerError, match="has no file"):
                await asked

    # Sharing counts at each request, also where the copy is open already.
    shared = (await api("GET", "/api/datasets/closed", user=ALICE)).json["id"]
    # Who has never been here is nobody to share with.
    assert (await api("GET", "/api/datasets", user="bob:researcher")).status == 200
    theirs = await opened("bob")
    part = f"/v1/versions/{version}/files/{json.loads(raw)['files'][0]['sha256']}?start=0&bytes=4"
    for level, words in ((None, "UNKNOWN_VERSION"), ("READ", None), (None, "UNKNOWN_VERSION")):
        granted = await api("PUT", f"/api/datasets/{shared}/grants", {"user_id": "bob", "level": level}, user=ALICE)
        assert granted.status == 200, granted.json
        said = await ask(theirs, "GET", part)
        assert (said.status, words and said.json["code"]) == (404 if words else 200, words)

    # A job trades the same, beside a dataset that is open, and finds no key.
    code = SPY.format(needles=[text[::-1] for text in secrets], keys=str(data_dir / "keys"))
    made = await api("POST", "/api/strategies/code/create", {"name": "Spy", "code": code}, user=ALICE)
    body = {"dataset_id": "closed/A", "benchmark": "plain/B", "commission": "0.001"}
    asked = await api("POST", f"/api/strategies/code/{made.json['id']}/execute", body, user=ALICE)
    assert asked.status == 202, asked.json
    run = await finished(asked.json["backtest_id"], user=ALICE, seconds=600)
    assert run["status"] == "COMPLETED", run["error"]
    assert run["log"] == ["found ['/tmp/control'] 4 False"]
    results = (await api("GET", f"/api/backtests/{run['id']}/results", user=ALICE)).json
    space = {}
    exec(code.replace("def on_start", "def never"), space)
    here = await asyncio.to_thread(
        lambda: al.backtest(space["Spy"], "plain/A", benchmark="plain/B", commission=0.001).to_dict()
    )
    assert results["metrics"] == json.loads(json.dumps(here["metrics"]))
    assert results["metrics"]["total_trades"] > 100
    assert results["run"]["dataset_hash"] == here["run"]["dataset_hash"]

    # Of a master key that is lost a job says so.
    await services.copies.stop()
    master.rename(tmp_path / "elsewhere")
    asked = await api("POST", f"/api/strategies/code/{made.json['id']}/execute", body, user=ALICE)
    run = await finished(asked.json["backtest_id"], user=ALICE, seconds=600)
    assert (run["status"], run["error"]["code"]) == ("FAILED", "SEALED")
    assert f"Put {master.name} back" in run["error"]["message"]
