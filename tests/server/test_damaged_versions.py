"""Stored files that were damaged: what reads them says so by one code, whether they are sealed or not."""

import asyncio
import errno
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import alphintra as al
import pytest
from alphintra.errors import AlphintraError
from alphintra.store import blobs
from alphintra_server.jobs.output import BadOutputError
from alphintra_server.jobs.version_keeping import kept

from ..sdk.store.made import bars, write
from .conftest import TestIdentities
from .doors import ask
from .stored import store_version
from .uploaded import ALICE


@pytest.fixture
def worker_argv():
    return (sys.executable, "-P", "-c", Path(__file__).with_name("ingest_worker.py").read_text())


@pytest.fixture
def identities():
    return TestIdentities


def one_bit(raw):
    return raw[: len(raw) // 3] + bytes([raw[len(raw) // 3] ^ 1]) + raw[len(raw) // 3 + 1 :]


def half(raw):
    return raw[: len(raw) // 2]


@contextmanager
def changed(path, how):
    raw, mode = path.read_bytes(), path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(how(raw))
    try:
        yield
    finally:
        path.write_bytes(raw)
        path.chmod(mode)


async def test_a_damaged_file_is_named_by_charts_notebooks_and_jobs(
    api, services, tmp_path, job_end, opened, monkeypatch
):
    tables = {"A": bars(300), "B": bars(40, 1)}
    door = await opened("alice")
    monkeypatch.setenv("ALPHINTRA_DOOR", str(door.socket))
    monkeypatch.setenv("ALPHINTRA_DOOR_TOKEN", door.token)

    async def ends(name):
        """What a chart, a notebook and a job come to."""
        shown = await api("GET", f"/api/datasets/{name}/candles", user=ALICE)
        said = [(shown.status, shown.json.get("code"), shown.json.get("detail", ""))]
        try:
            await asyncio.to_thread(lambda: al.data.load(f"{name}@1").to_pandas())
            said.append((200, None, ""))
        except AlphintraError as error:
            said.append((503, error.code, str(error)))
        asked = await api("POST", f"/api/datasets/{name}/versions/1/validation", {}, user=ALICE)
        job = await job_end(asked.json["job_id"])
        said.append((job["status"], job["error"] and job["error"]["code"], job["error"] and job["error"]["message"]))
        return said

    def made(name, vault):
        files = {"tables": tables, "vault": vault, "name": name}
        version, manifest = store_version(services.database, services.storage, tmp_path / "made", **files)
        (file,) = manifest.files
        return version, file.sha256

    for kind, vault in (("closed", services.copies._vault), ("plain", None)):
        for place, (of_rows, how) in enumerate((
            (True, one_bit), (True, half), (False, lambda raw: raw + b" "),
        )):  # fmt: skip
            version, sha256 = made(f"{kind}{place}", vault)
            where = sha256 if of_rows else version
            (path,) = services.storage.root.rglob(f"{where}.*")
            with changed(path, how):
                said = await ends(f"{kind}{place}")
            assert [own[:2] for own in said] == [
                (503, "DAMAGED_FILE"), (503, "DAMAGED_FILE"), ("FAILED", "DAMAGED_FILE"),
            ], (kind, how, said)  # fmt: skip
            assert all(where in text and "restore it from a copy" in text for *_, text in said), said
        # Put back, it is read.
        assert (await api("GET", f"/api/datasets/{kind}{place}/candles", user=ALICE)).status == 200

    # A file that is gone is not called damaged, and that nobody deleted the version is not hidden.
    (path,) = services.storage.root.rglob(f"{sha256}.*")
    path.unlink()
    shown = await ask(door, "GET", f"/v1/versions/{version}/files/{sha256}?start=0&bytes=4")
    assert (shown.status, shown.json["detail"]) == (410, "The version was deleted, or its file is lost.")


def test_why_a_version_was_not_kept_is_the_stores_word_only_where_it_is_the_stores_doing(tmp_path, monkeypatch):
    store = blobs.Folder(tmp_path / "store")
    monkeypatch.setattr(os, "chown", lambda *_, **__: None)

    def code_of(folder):
        manifest = write(folder, {"A": bars(50)}, "v1")
        output = SimpleNamespace(files=sorted(path.name for path in folder.iterdir()), manifest=manifest)
        if folder.name == "damaged":
            with changed(next(folder.glob("*.parquet")), one_bit), pytest.raises(BadOutputError) as caught:
                kept(store, lambda: "me", output, folder).__enter__()
        else:
            with pytest.raises(BadOutputError) as caught:
                kept(store, lambda: "me", output, folder).__enter__()
        return caught.value.code

    assert code_of(tmp_path / "damaged") == "BAD_OUTPUT"

    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    sync = blobs.sync
    monkeypatch.setattr(blobs, "sync", lambda path: full(path) if path.suffix == ".part" else sync(path))
    assert code_of(tmp_path / "whole") == "DISK_FULL"
