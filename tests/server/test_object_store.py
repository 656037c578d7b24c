"""Datasets in an object store: its own client against a local server that speaks S3, on a line that breaks."""

import asyncio
import hashlib
import logging
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress
from pathlib import Path

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import DataError
from alphintra.store import google, objects
from alphintra.store.blobs import Folder, open_blobs
from alphintra.store.cache import Cache
from alphintra.store.committing import commit
from alphintra.store.converting import to_numpy
from alphintra.store.layout import blob_path
from alphintra.store.opening import open_version
from alphintra.store.reading import batches, read
from alphintra.store.sweeping import lease, sweep
from alphintra_server.db.dataset_tables import DatasetLeaseRow
from alphintra_server.errors import Unavailable
from alphintra_server.jobs.worker_home import lay_out
from alphintra_server.services.dataset_storage import DatasetStorage, StoredFile
from alphintra_server.services.store_check import StoreCheck
from sqlalchemy import delete

from ..google_store import google_bucket, gs_line  # noqa: F401  fixtures
from ..object_store import SECRET, bucket, s3_line  # noqa: F401  fixtures
from ..sdk.store.made import arrays, bars, write
from .conftest import TestIdentities
from .doors import ask
from .stored import store_version
from .uploaded import ALICE, as_csv, files_below, prices

TABLES = {"A": bars(20_000, 1), "B": bars(30_000, 3)}


@pytest.fixture
def worker_argv():
    return (sys.executable, "-P", "-c", Path(__file__).with_name("ingest_worker.py").read_text())


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture
def settings(request):
    """With a store in a bucket, or as a test says."""
    given = getattr(request, "param", {})
    if not given.get("dataset_store", "s3").startswith("s3"):
        return given
    request.getfixturevalue("monkeypatch").setattr(StoreCheck, "again_seconds", 0.05)
    return {"dataset_store": request.getfixturevalue("bucket").address} | given


def put(blobs, root, version="v1"):
    with lease(root, "me") as folder:
        write(folder, TABLES, version)
        with commit(blobs, "me", folder, version) as manifest:
            return manifest


def code_of(work, *args):
    with pytest.raises(DataError) as caught:
        work(*args)
    return caught.value.code


@pytest.fixture(params=["s3", "gs"])
def store(request):
    """A bucket of either kind."""
    return request.getfixturevalue("bucket" if request.param == "s3" else "google_bucket")


def test_a_version_is_the_same_as_in_a_folder(store, tmp_path):
    blobs = open_blobs(store.address, Cache(tmp_path / "cache"), tmp_path)
    blobs.check()
    assert store.held() == []
    manifest = put(blobs, tmp_path)
    in_folder = put(Folder(tmp_path / "folder"), tmp_path / "folder")
    assert manifest.content_hash == in_folder.content_hash
    assert store.held() == sorted([*(blob_path("me", h) for h in manifest.hashes), "me/manifests/v1.json"])
    here = {p.relative_to(tmp_path / "folder").as_posix() for p in (tmp_path / "folder").rglob("*.*") if p.is_file()}
    assert here - {"me/sweep.lock"} == set(store.held())
    version = open_version(blobs, "me", "v1")
    found = to_numpy(read(version))
    for symbol, columns in arrays(TABLES).items():
        for name, values in columns.items():
            assert (found[symbol][name] == values).all()

    # Room for one of two files: who reads one keeps it, whatever comes.
    small = tmp_path / "small"
    sizes = {file.sha256: file.bytes for file in manifest.files}
    assert len(sizes) >= 2
    version = open_version(open_blobs(store.address, Cache(small, max(sizes.values()) + 10)), "me", "v1")
    first, last = manifest.files[0], manifest.files[-1]
    with version.files.open(first) as held:
        with version.files.open(last) as other:
            assert (held.stat().st_size, other.stat().st_size) == (first.bytes, last.bytes)
        assert held.exists()
    with version.files.open(manifest.sides[0]):
        assert sum(path.stat().st_size for path in small.iterdir()) <= max(sizes.values()) + 10
    assert sum(len(table) for _, table in batches(version)) == 50_000

    assert sweep(blobs, tmp_path, "me", lambda: ((), ())).files == 0  # younger than a day
    swept = sweep(blobs, tmp_path, "me", lambda: ((), ()), unused_seconds=0)
    assert (swept.files, swept.manifests, store.held()) == (len(manifest.hashes), 1, [])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock"]


def test_a_connection_that_breaks_leaves_nothing_half(store, tmp_path):
    cache = tmp_path / "cache"
    blobs = open_blobs(store.address, Cache(cache), tmp_path)
    store.line.cut(up=30_000)
    assert code_of(put, blobs, tmp_path) == "STORE_FAILED"
    assert store.line.breaks > 1  # tried again
    assert store.held() == []
    store.line.cut(up=30_000, heals=1)
    manifest = put(blobs, tmp_path)
    file = max(manifest.files, key=lambda file: file.bytes)
    assert file.bytes > 50_000

    version = open_version(blobs, "me", "v1")
    store.line.cut(down=30_000)
    assert code_of(read, version) == "STORE_FAILED"
    assert [path.name for path in cache.iterdir()] == ["lock"]
    assert code_of(blobs.manifest, "me", "v1") == "STORE_FAILED"
    assert code_of(blobs.has, "me", file.sha256, file.bytes) == "STORE_FAILED"
    assert code_of(sweep, blobs, tmp_path, "me", lambda: ((), ())) == "STORE_FAILED"
    store.line.cut(down=30_000, heals=1)
    assert len(read(version)) == 50_000
    assert store.line.breaks == 1

    # What was changed there, or is gone.
    key = blob_path("me", file.sha256)
    store.put(key, b"x" * file.bytes)
    version = open_version(open_blobs(store.address, Cache(tmp_path / "other"), tmp_path), "me", "v1")
    assert code_of(read, version) == "DAMAGED_FILE"
    store.put(key, b"x" * 10)
    assert code_of(read, version) == "DAMAGED_FILE"
    assert f"me.{file.sha256}" not in {path.name for path in (tmp_path / "other").iterdir()}
    assert not list((tmp_path / "other").glob("*.part"))
    blobs.remove("me", file.sha256)
    assert code_of(read, version) == "MISSING_FILE"
    kind = store.address.partition(":")[0]
    nowhere = open_blobs(f"{kind}://no-such-bucket/data", Cache(tmp_path / "nowhere"))
    for work in nowhere.check, lambda: nowhere.manifest("me", "v1"), lambda: nowhere.has("me", file.sha256, 1):
        assert code_of(work) == "STORE_FAILED"


def test_a_store_that_hangs_is_given_up(store, tmp_path, monkeypatch):
    monkeypatch.setitem(google._PATIENCE, "sock_read", 0.2)
    monkeypatch.setitem(objects._S3, "config_kwargs", {**objects._S3["config_kwargs"], "read_timeout": 0.2})
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as hangs:

        def take():
            with suppress(OSError):
                while True:
                    taken.append(hangs.accept())

        threading.Thread(target=take, daemon=True).start()
        for name in ("AWS_ENDPOINT_URL", "STORAGE_EMULATOR_HOST"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{hangs.getsockname()[1]}")
        blobs = open_blobs(store.address, Cache(tmp_path / "cache"), tmp_path)
        file = tmp_path / "file"
        file.write_bytes(b"x" * 100_000)
        for work in (
            lambda: blobs.manifest("me", "v1"),
            lambda: blobs.open("me", "0" * 64, 10).__enter__(),
            lambda: blobs.put_manifest("me", "v1", b"{}"),
            lambda: blobs.take("me", "0" * 64, file),
        ):
            taken.clear()
            assert code_of(work) == "STORE_FAILED"
            assert len(taken) == 2
        hangs.shutdown(socket.SHUT_RDWR)


def test_what_google_refuses_is_said_as_of_others(google_bucket, tmp_path, monkeypatch):  # noqa: F811
    blobs = open_blobs(google_bucket.address, Cache(tmp_path / "cache"), tmp_path)
    for status in (401, 403):
        google_bucket.refuse(status)
        for work in blobs.check, lambda: blobs.manifest("me", "v1"), lambda: blobs.has("me", "0" * 64, 1):
            with pytest.raises(DataError, match="it refuses what this server asks of it") as caught:
                work()
            assert caught.value.code == "STORE_FAILED"
    google_bucket.refuse(503)
    with pytest.raises(DataError, match="it cannot be reached, or broke off"):
        blobs.check()
    google_bucket.refuse(None)
    blobs.check()
    # Credentials are looked for when they are needed, on this machine alone here.
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    for name, value in {"NO_GCE_CHECK": "true", "CLOUDSDK_CONFIG": str(tmp_path), "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    without = open_blobs(google_bucket.address, Cache(tmp_path / "cache"), tmp_path)
    with pytest.raises(DataError, match=r"there are no credentials for it .*\(DefaultCredentialsError\)"):
        without.check()


def test_whoever_is_killed_between_a_file_and_the_manifest_leaves_no_version(store, tmp_path, monkeypatch):
    blobs = open_blobs(store.address, Cache(tmp_path / "cache"), tmp_path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(blobs, "put_manifest", killed)
        put(blobs, tmp_path)
    assert {key.split("/")[1] for key in store.held()} == {"blobs"}
    assert code_of(open_version, blobs, "me", "v1") == "UNKNOWN_VERSION"
    manifest = put(blobs, tmp_path)  # done again: the same files under the same names
    assert len(store.held()) == len(manifest.hashes) + 1
    # A commit that is under way and a sweep of the same owner do not meet: the second waits for the first.
    order = []
    with ThreadPoolExecutor(1) as thread:
        with blobs.sweeping("me", alone=False):
            told = lambda: order.append("swept") or ((), ())  # noqa: E731
            gone = thread.submit(sweep, blobs, tmp_path, "me", told, unused_seconds=0)
            assert not wait([gone], 0.2).done
            order.append("committed")
        assert gone.result(60).manifests == 1
    assert (order, store.held()) == (["committed", "swept"], [])


def test_a_large_file_goes_in_parts(store, tmp_path, monkeypatch):
    monkeypatch.setitem(objects._PUT, "s3", {"chunksize": 5 << 20, "max_concurrency": 2})  # the least that S3 takes
    monkeypatch.setitem(objects._PUT, "gs", {"chunksize": 5 << 20})
    monkeypatch.setattr(objects, "_PART", 3 << 20)
    with monkeypatch.context() as patch:
        patch.setitem(google._PATIENCE, "total", 2.0)  # for what is sent, and nobody takes
        impatient = open_blobs(store.address, Cache(tmp_path / "cache"), tmp_path)
    content = np.random.default_rng(1).bytes(11 << 20)
    sha256 = hashlib.sha256(content).hexdigest()
    path = tmp_path / "file"
    path.write_bytes(content)
    store.line.cut(up=7 << 20)
    assert code_of(impatient.take, "me", sha256, path) == "STORE_FAILED"
    assert (path.exists(), store.held()) == (True, [])
    store.line.mend()
    blobs = open_blobs(store.address, Cache(tmp_path / "cache"), tmp_path)
    blobs.take("me", sha256, path)
    assert (path.exists(), store.held()) == (False, [blob_path("me", sha256)])
    store.line.cut(down=(3 << 20) + 100_000, heals=1)  # in the second part
    with blobs.open("me", sha256, len(content)) as held:
        assert held.read_bytes() == content
    assert store.line.breaks == 1


def test_a_job_that_is_cancelled_fetches_no_further_file(tmp_path):
    opened, here = [], tmp_path / "here"
    here.write_text("rows")

    class Far:
        def room(self, links):
            assert len(list(links)) == 2

        def open(self):
            opened.append(self)
            return nullcontext(here)

    lay_out(tmp_path, {}, {"a": Far(), "b": Far()}, lambda: not opened)
    assert (len(opened), (tmp_path / "in" / "a").read_text()) == (1, "rows")


def test_a_version_that_does_not_fit_on_the_disk_is_not_begun(tmp_path, monkeypatch):
    storage = DatasetStorage(tmp_path, "memory://small/data", keep_free=1_000)
    manifest = put(storage, storage.root)
    files = [StoredFile(storage, "me", own.sha256, own.bytes) for own in (*manifest.files, *manifest.sides)]
    links = {file.sha256: file for file in files}
    needed, free, found = sum(file.size for file in files), [0], os.statvfs

    def small(path):
        about = list(found(path))
        about[1], about[4] = 1, free[0]  # frsize, bavail
        return os.statvfs_result(about)

    monkeypatch.setattr(os, "statvfs", small)
    free[0] = needed + 999
    with pytest.raises(DataError) as caught:
        lay_out(tmp_path / "worker", {}, links)
    told = f"{needed:,} bytes are needed, and {needed + 999:,} are free, of which 1,000 are to stay free"
    assert (caught.value.code, told in caught.value.message) == ("DISK_FULL", True), caught.value.message
    assert not (tmp_path / "worker").exists()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock"]
    free[0] = needed + 1_000
    lay_out(tmp_path / "worker", {}, links)
    assert sum(path.stat().st_size for path in (tmp_path / "worker" / "in").iterdir()) == needed


@pytest.mark.parametrize("settings", [{"dataset_store": "ftp://host/data"}], indirect=True)
async def test_an_address_that_cannot_be_used_is_said_at_each_request(api):
    reply = await api("GET", "/api/datasets", user=ALICE)
    assert reply.status == 503
    assert reply.json["detail"].startswith("AlphintraServer.dataset_store: a store cannot be at ftp://host/data")


async def test_an_upload_is_stored_read_and_deleted_there(
    api, services, bucket, put_upload, look_at, make_version, job_end, opened, data_dir, monkeypatch  # noqa: F811
):
    frame = prices(["AAPL", "MSFT"])
    found = await look_at(put_upload(as_csv(frame)))
    mapping = found["inspection"]["mapping"]

    # The line breaks while a version is put there: nothing is there, and the file can be used again.
    bucket.line.cut(up=1_000)
    job = await make_version(found["upload_id"], mapping)
    assert (job["status"], job["error"]["code"]) == ("FAILED", "STORE_FAILED"), job
    bucket.line.mend()
    assert bucket.held() == []
    job = await make_version(found["upload_id"], mapping)
    assert job["status"] == "COMPLETED", job["error"]
    keys = bucket.held()
    assert files_below(data_dir / "datasets") == files_below(data_dir / "jobs") == []

    listed = (await api("GET", "/api/datasets/prices", user=ALICE)).json
    assert sum(key.endswith(f"/manifests/{listed['version_id']}.json") for key in keys) == 1
    assert all(key.split("/")[1] == "blobs" for key in keys if "/manifests/" not in key)

    # A job gets it as files, a notebook by ranges through its door, a chart from a reader.
    bucket.line.cut(down=0)
    one = "/api/datasets/prices/versions/1"
    asked = await api("POST", f"{one}/validation", {}, user=ALICE)
    job = await job_end(asked.json["job_id"])
    assert (job["status"], job["error"]["code"]) == ("FAILED", "STORE_FAILED"), job
    shown = await api("GET", "/api/datasets/prices/candles", user=ALICE, params={"symbol": "MSFT"})
    assert (shown.status, shown.json["code"]) == (503, "STORE_FAILED")
    assert not list((data_dir / "workers").rglob("*.parquet"))
    bucket.line.mend()
    asked = await api("POST", f"{one}/validation", {}, user=ALICE)
    job = await job_end(asked.json["job_id"])
    assert job["status"] == "COMPLETED", job["error"]
    shown = await api("GET", "/api/datasets/prices/candles", user=ALICE, params={"symbol": "MSFT"})
    assert shown.status == 200, shown.json
    assert shown.json["close"] == frame[frame.Symbol == "MSFT"]["Close"].tolist()
    door = await opened("alice")
    monkeypatch.setenv("ALPHINTRA_DOOR", str(door.socket))
    monkeypatch.setenv("ALPHINTRA_DOOR_TOKEN", door.token)
    table = await asyncio.to_thread(lambda: al.data.load("prices@1").to_pandas())
    assert table["close"].tolist() == frame.sort_values(["Symbol", "Date"])["Close"].tolist()
    assert {path.split("/")[-1].split(".")[0] for path in keys} <= {
        listed["version_id"], *(name.rpartition(".")[2] for name in files_below(data_dir / "cache"))
    }  # fmt: skip

    # Nothing that a kernel or a job can read has the store's credentials.
    assert not [p for p in data_dir.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]

    assert (await api("DELETE", "/api/datasets/prices", user=ALICE)).status in (200, 202)
    await services.readers.stop()
    for _ in range(2400):
        await services.dataset_deletion.look()
        if not bucket.held():
            break
        services.database.write_now(lambda session: session.execute(delete(DatasetLeaseRow)))
        await asyncio.sleep(0.05)
    assert bucket.held() == []
    assert files_below(data_dir / "cache") == ["lock"]


async def test_a_sealed_version_lies_encrypted_there_and_in_the_cache_and_is_read_as_any_other(
    api, services, bucket, job_end, opened, data_dir, tmp_path, monkeypatch  # noqa: F811
):
    tables = {"A": bars(300), "B": bars(40, 1)}
    made = {"tables": tables, "vault": services.copies._vault}
    version, _ = store_version(services.database, services.storage, tmp_path / "made", **made)
    files = [key for key in bucket.held() if "/blobs/" in key]
    assert len(files) >= 3
    assert {bucket.get(key)[:4] for key in files} == {b"PARE"}  # of an open one PAR1
    (master,) = (data_dir / "keys").iterdir()
    assert not [key for key in bucket.held() if master.read_bytes() in bucket.get(key)]
    door = await opened("alice")
    monkeypatch.setenv("ALPHINTRA_DOOR", str(door.socket))
    monkeypatch.setenv("ALPHINTRA_DOOR_TOKEN", door.token)

    async def ends():
        """What a chart, the statistics, a notebook and a job come to."""
        said = [await api("GET", f"/api/datasets/prices/{path}", user=ALICE) for path in ("candles", "statistics")]
        said.append(await ask(door, "GET", f"/v1/versions/{version}/manifest"))
        asked = await api("POST", "/api/datasets/prices/versions/1/validation", {}, user=ALICE)
        job = await job_end(asked.json["job_id"])
        told = (job["status"], None if job["error"] is None else job["error"]["code"])
        return [*((reply.status, (reply.json or {}).get("code")) for reply in said), told]

    bucket.line.cut(down=0)
    assert await ends() == [*[(503, "STORE_FAILED")] * 3, ("FAILED", "STORE_FAILED")]
    bucket.line.mend()
    assert await ends() == [*[(200, None)] * 3, ("COMPLETED", None)]
    table = await asyncio.to_thread(lambda: al.data.load("prices@1").to_pandas())
    assert table["close"].tolist() == [value for own in tables.values() for value in own["close"].to_pylist()]
    kept = [path for path in (data_dir / "cache").iterdir() if path.name.rpartition(".")[2] in str(files)]
    assert len(kept) == len(files)
    assert {path.read_bytes()[:4] for path in kept} == {b"PARE"}


async def settled(found):
    """Wait until something is there."""
    for _ in range(600):
        if (said := await found()) is not None:
            return said
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come")


@pytest.mark.parametrize("settings", [{"dataset_store": "s3://not-there-yet/data"}], indirect=True)
async def test_a_bucket_that_is_not_there_is_said_at_the_start_and_at_the_first_upload(
    api, services, bucket, caplog, monkeypatch  # noqa: F811
):
    async def problem():
        said = await api("GET", "/ready")
        return said if "problems" in said.json else None

    ready = await settled(problem)
    what = "the object store failed: there is no such bucket"
    assert (ready.status, ready.json["status"], ready.json["checks"]["store"]) == (503, "not ready", False)
    assert ready.json["problems"]["store"].startswith(what)
    assert "not-there-yet" not in str(ready.json)  # who asks has no account
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Metadata": "filename YS5jc3Y="}
    refused = await api("POST", "/api/datasets/upload", user=ALICE, headers=headers)
    assert (refused.status, refused.json["code"]) == (503, "STORE_FAILED"), refused.json
    assert refused.json["detail"].startswith(f"Datasets cannot be stored: {what}")
    await asyncio.sleep(0.5)  # it is tried again, and not said again
    errors = [record for record in caplog.records if record.levelname == "ERROR" and "dataset_store" in record.message]
    assert [record.exc_info for record in errors] == [None], errors
    assert errors[0].message.startswith(f"AlphintraServer.dataset_store s3://not-there-yet/data cannot be used: {what}")
    assert "Traceback" not in caplog.text

    bucket.create("not-there-yet")

    async def usable():
        return True if (await api("GET", "/ready")).status == 200 else None

    await settled(usable)
    assert (await api("GET", "/ready")).json["checks"] == {"database": True, "jobs": True, "store": True}
    begun = await api("POST", "/api/datasets/upload", user=ALICE, headers=headers)
    assert begun.status == 201, begun.json


async def test_credentials_that_are_refused_or_missing_are_said_without_them(bucket, tmp_path, monkeypatch, caplog):  # noqa: F811
    import moto.settings

    monkeypatch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)  # from here on it looks who asks
    log = logging.getLogger("of-this-test")
    said = []
    for given in (True, False):
        if not given:
            monkeypatch.delenv("AWS_ACCESS_KEY_ID")
            monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        check = StoreCheck(DatasetStorage(tmp_path, bucket.address), bucket.address, log)
        check.start()
        said.append(await settled(lambda check=check: asyncio.sleep(0, check.problem)))
        await check.stop()
        with pytest.raises(Unavailable, match="Datasets cannot be stored"):
            check.refuse_unusable()
    assert "it refuses what this server asks of it (InvalidAccessKeyId)" in said[0]
    assert "there are no credentials for it that could be used (NoCredentialsError)" in said[1]
    assert SECRET not in caplog.text
    assert "Traceback" not in caplog.text
    assert len([record for record in caplog.records if record.name == "of-this-test"]) == 2
