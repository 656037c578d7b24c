"""The server's master keys, copies that are opened in memory, and what of a sealed version is believed."""

import asyncio
import errno
import hashlib
import io
import json
import math
import os
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
from alphintra import _door
from alphintra.errors import DataError
from alphintra.store import manifest as manifests
from alphintra.store.layout import blob_path
from alphintra.store.manifest import Provenance
from alphintra.store.opening import open_folder
from alphintra.store.reading import Version, read
from alphintra.store.sealed import Seal, VersionKeys
from alphintra_kernel.protocol import Channel
from alphintra_kernel.sandbox import Sandbox
from alphintra_server.errors import Gone, TooLarge, TooMany, Unavailable
from alphintra_server.jobs import sealed_files
from alphintra_server.jobs.attempt import Stopped
from alphintra_server.jobs.ingest_output import written
from alphintra_server.jobs.launcher import JobLimits, Launcher
from alphintra_server.jobs.output import BadOutputError
from alphintra_server.jobs.protocol import OutputFile
from alphintra_server.jobs.sealed_files import hand
from alphintra_server.sealing.copies import OpenedCopies
from alphintra_server.sealing.keys import MasterKeys
from alphintra_server.sealing.vault import SealedVersion, Vault
from alphintra_server.services.dataset_inputs import SealedInput
from alphintra_server.services.dataset_storage import DatasetStorage

from alphintra_kernel import opened_files, outputs

from ..sdk.store.made import bars, write
from .attempts import attempt, backtest
from .attempts import launcher as launched

REPORT = {"format": "alphintra-report/1", "rows": 300, "symbols": 1, "checked": "2026-01-01T00:00:00Z", "results": [],
          "acknowledged": []}  # fmt: skip


def test_master_keys_wrap_for_one_context_and_each_stays_needed(tmp_path):
    keys = MasterKeys(tmp_path / "keys")
    assert not (tmp_path / "keys").exists()
    first = keys.wrap(b"k" * 32, "v1")
    command = [sys.executable, "-m", "alphintra_server.sealing", str(tmp_path)]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    second = MasterKeys(tmp_path / "keys").wrap(b"l" * 32, "v1")
    assert second.startswith(f"{name}.")
    assert not first.startswith(f"{name}.")
    assert [keys.unwrap(own, "v1") for own in (first, second)] == [b"k" * 32, b"l" * 32]
    files = sorted((tmp_path / "keys").iterdir())
    assert [path.stat().st_mode & 0o777 for path in files] == [0o600, 0o600]
    assert not any(file.read_bytes().hex() in first for file in files)
    for word, context in ((first, "v2"), (first[:-4], "v1"), (f"{name}.{first.partition('.')[2]}", "v1"), ("", "v1"),
                          ("../../x.y", "v1"), (name, "v1")):  # fmt: skip
        with pytest.raises(DataError) as caught:
            keys.unwrap(word, context)
        assert caught.value.code == "SEALED"

    # What is wrong with a file of keys is said with what to do.
    def refused():
        with pytest.raises(DataError) as caught:
            keys.unwrap(first, "v1")
        return f"{caught.value.message} {caught.value.hint}"

    files[0].chmod(0o640)
    assert f"chmod 600 {files[0].name}" in refused()
    files[0].chmod(0o600)
    files[0].write_bytes(b"x" * 32)
    assert "is not the one that was written" in refused()
    files[0].unlink()
    files[0].symlink_to(files[1])
    assert f"cannot be read ({os.strerror(errno.ELOOP)}) Have data_dir/keys and {files[0].name}" in refused()
    files[0].unlink()
    assert f"Put {files[0].name} back from a backup of data_dir/keys" in refused()
    assert keys.unwrap(second, "v1") == b"l" * 32


def test_a_master_key_that_root_makes_is_the_servers(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, user, group, **more: given.append((path.name, user, group, more)))
    name = MasterKeys(tmp_path / "keys").rotate()
    owner = tmp_path.stat()
    rest = owner.st_uid, owner.st_gid, {"follow_symlinks": False}
    assert given == [("keys", *rest), (f".{name}.part", *rest)]
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    MasterKeys(tmp_path / "keys").rotate()
    assert len(given) == 2


@pytest.fixture
def house(tmp_path):
    """A store with sealed versions; makes one, and readers of copies."""
    storage = DatasetStorage(tmp_path)
    vault = Vault(storage, MasterKeys(tmp_path / "keys"))
    launcher = Launcher(Sandbox("none", allow_unsandboxed=True), JobLimits(), workers_dir=tmp_path / "workers")

    def make(name, rows=5_000):
        folder = tmp_path / name
        manifest = write(folder, {"A": bars(rows)}, name, seal=Seal(vault.make(name), name))
        for sha256 in sorted(manifest.hashes):
            storage.take("o", sha256, folder / f"{sha256}.parquet")
        storage.put_manifest("o", name, manifest.to_json())
        return SealedVersion(name, "o", hashlib.sha256(manifest.to_json()).hexdigest())

    yield storage, vault, launcher, make
    launcher.home.close()


async def test_a_copy_is_opened_once_kept_while_it_is_asked_for_and_bounded(house):
    storage, vault, launcher, make = house
    one, two = make("v1"), make("v2")
    copies = OpenedCopies(vault, launcher, 300_000, idle_seconds=3_600.0)

    async def look(version, who="alice"):
        async with copies.hold(version, who) as copy:
            return copy

    found = await asyncio.gather(look(one), look(one), return_exceptions=True)
    assert found[0] is found[1], found
    async with copies.hold(one, "alice") as copy:
        raw = copy.read(copy.manifest, 0, copy.manifest.bytes)
        manifest = manifests.from_json(raw)
        assert manifest.hashes == set(copy.files)
        first = copy.files[manifest.files[0].sha256]
        assert (copy.read(first, 0, 4), copy.read(first, first.bytes - 4, 100)) == (b"PAR1", b"PAR1")
        assert copy.size == sum(own.bytes for own in copy.files.values()) + copy.manifest.bytes
        sealed = manifests.from_json(storage.manifest("o", "v1"))
        assert (manifest.content_hash, manifest.sealed, sealed.sealed) == (sealed.content_hash, False, True)
        assert await copies.look() == 0
        # Two do not fit: while the first is in use there is no room, and then it makes room.
        assert 150_000 < copy.size < 300_000
        with pytest.raises(TooMany) as busy:
            await look(two)
        assert busy.value.code == "SEALED_BUSY"
    # What was asked for just now stays, for who reads on; one that comes anew waits.
    with pytest.raises(TooMany):
        await look(two)
    copies._copies[one].used = -math.inf
    await look(two)
    assert list(copies._copies) == [two]
    # Nobody asks any more.
    copies._copies[two].used = -math.inf
    assert (await copies.look(), copies._taken()) == (1, 0)
    await copies.stop()

    small = OpenedCopies(vault, launcher, 100_000)
    with pytest.raises(TooLarge, match="sealed_memory") as large:
        async with small.hold(one, "alice"):
            raise AssertionError
    assert (large.value.code, small._taken(), small._copies) == ("SEALED_TOO_LARGE", 0, {})


async def test_what_cannot_be_opened_is_said_and_tried_anew(house, tmp_path):
    storage, vault, launcher, make = house
    one, two = make("v1", 300), make("v2", 300)
    copies = OpenedCopies(vault, launcher, 1 << 20)

    async def look(version, using=copies):
        async with using.hold(version, "alice") as copy:
            return copy.size

    with pytest.raises(Unavailable, match="runs no processes"):
        await look(one, OpenedCopies(vault, None, 1 << 20))
    with pytest.raises(Gone):
        await look(SealedVersion("v9", "o", "0" * 64))
    (tmp_path / "keys").rename(tmp_path / "gone")
    with pytest.raises(Unavailable, match="Put master-1-") as lost:
        await look(one)
    assert lost.value.code == "SEALED"
    (tmp_path / "gone").rename(tmp_path / "keys")
    assert await look(one) > 0
    # A file in the place of another's of the same size does not open.
    mine, other = (manifests.from_json(storage.manifest("o", name)).files[0] for name in ("v1", "v2"))
    path = storage.root / blob_path("o", other.sha256)
    path.chmod(0o644)
    path.write_bytes((storage.root / blob_path("o", mine.sha256)).read_bytes())
    with pytest.raises(Unavailable, match="damaged"):
        await look(two)
    (storage.root / blob_path("o", mine.sha256)).unlink()
    assert await look(one) > 0  # it is in memory
    await copies.stop()
    with pytest.raises(Gone):
        await look(one)


def test_of_a_sealed_version_only_what_can_be_opened_and_tells_nothing_is_believed(tmp_path):
    keys = VersionKeys.made(MasterKeys(tmp_path / "keys"), "v1")
    folder = tmp_path / "v"
    write(folder, {"A": bars(300)}, seal=Seal(keys, "v1"), provenance=Provenance(report=REPORT))

    def found(own=keys):
        return written(folder, [OutputFile(**outputs.described(folder / "manifest.json"))], "v1", own)

    assert (found().manifest.sealed, len(found().files)) == (True, 3)
    assert len(read(Version(found().manifest, open_folder(folder).files, Seal(keys, "v1")))) == 300
    with pytest.raises(BadOutputError, match="is sealed, and should not be"):
        found(None)
    with pytest.raises(BadOutputError, match="no key for this file"):
        found(VersionKeys.made(MasterKeys(tmp_path / "keys"), "v1"))
    right = (folder / "manifest.json").read_bytes()
    place = {"count": 1, "message": ["the close is 99.5"]}
    told = {"rule": "OHLC_ORDER", "severity": "error", "status": "checked", "reason": None, "count": 1,
            "parameters": {}, "places": place}  # fmt: skip
    for change, said in (
        (lambda all_: all_["files"][0].update(key=all_["blocks"]["key"]), "no key for this file"),
        (lambda all_: all_.update(statistics={"close": {"max": 99.5}}), "tells of its values"),
        (lambda all_: all_.update(sample={"columns": ["close"], "rows": [[99.5]]}), "tells of its values"),
        (lambda all_: all_["provenance"]["report"].update(results=[told]), "tells of its values"),
    ):
        all_ = json.loads(right)
        change(all_)
        (folder / "manifest.json").write_text(json.dumps(all_, sort_keys=True, separators=(",", ":")))
        with pytest.raises(BadOutputError, match=said):
            found()


class Taker:
    """A worker that is handed files: it keeps them, or never takes any."""

    def __init__(self, takes=True):
        self.takes, self.files = takes, []

    async def hand(self, number, size, read):
        if not self.takes:
            await asyncio.sleep(3_600)
        assert number == len(self.files)
        self.files.append(read(0, size))


async def test_a_worker_is_handed_what_fits_into_its_memory(house):
    _, vault, launcher, make = house
    version = make("v1", 300)
    copies = OpenedCopies(vault, launcher, 1 << 20)
    wanted = [SealedInput(version, "parent", store=False), SealedInput(version, "datasets", store=True)]
    worker = Taker()
    inside = await hand(worker, copies, wanted, 1 << 20, 60.0, "alice")
    assert len(inside) == len(worker.files) == 8
    raw = worker.files[int(inside["parent/manifest.json"].rpartition("/")[2])]
    for sha256 in manifests.from_json(raw).hashes:
        for path in (f"parent/{sha256}.parquet", f"datasets/o/blobs/{sha256[:2]}/{sha256}.parquet"):
            own = worker.files[int(inside[path].rpartition("/")[2])]
            assert hashlib.sha256(own).hexdigest() == sha256
    assert inside["datasets/o/manifests/v1.json"]
    with pytest.raises(TooLarge, match="split them") as large:
        await hand(worker, copies, wanted, 10_000, 60.0, "alice")
    assert large.value.code == "SEALED_TOO_LARGE"
    with pytest.raises(Unavailable, match="did not take"):
        await hand(Taker(takes=False), copies, wanted, 1 << 20, -sealed_files._TAKE_SECONDS + 0.01, "alice")
    assert next(iter(copies._copies.values())).holders == 0
    await copies.stop()


async def test_a_job_waits_while_others_leave_no_room_and_not_where_none_will_be(house, monkeypatch):
    _, vault, launcher, make = house
    one, two, three = (make(name) for name in ("v1", "v2", "v3"))
    wanted = [SealedInput(own, own.id, store=False) for own in (one, two)]
    copies = OpenedCopies(vault, launcher, 450_000, keep_seconds=0.0)
    monkeypatch.setattr(sealed_files, "_AGAIN_SECONDS", 0.01)
    assert 90_000 < sum((await copies.sizes([one])).values()) < 100_000
    tried = []

    async def later(seconds):
        if seconds == 0.01:
            tried.append([copy.holders for version, copy in copies._copies.items() if version != three])
            if len(tried) == 2:
                other.set()
        await slept(seconds)

    async def having():
        async with copies.hold(three, "bob"):
            began.set()
            await other.wait()

    # Another has a part of the memory: this one holds nothing while it waits.
    began, other, slept = asyncio.Event(), asyncio.Event(), asyncio.sleep
    holding = asyncio.create_task(having())
    await began.wait()
    monkeypatch.setattr(sealed_files.asyncio, "sleep", later)
    worker = Taker()
    assert len(await hand(worker, copies, wanted, 1 << 20, 60.0, "alice")) == len(worker.files)
    monkeypatch.undo()
    await holding
    assert len(tried) >= 2
    assert not any(map(any, tried))
    await copies.stop()

    # What never fits together is refused before anything is opened, and where only its own copies are in the way.
    def never(*_):
        raise AssertionError

    small = OpenedCopies(vault, launcher, 150_000)
    monkeypatch.setattr(launcher, "begin", never)
    with pytest.raises(TooLarge, match="sealed_memory"):
        await hand(Taker(), small, wanted, 1 << 20, 60.0, "alice")
    with pytest.raises(TooLarge, match="split them"):
        await hand(Taker(), copies, wanted, 150_000, 60.0, "alice")
    tight = OpenedCopies(vault, launcher, 80_000)
    with pytest.raises(TooLarge, match="sealed_memory"):
        async with tight.hold(one, "alice"):
            raise AssertionError
    monkeypatch.undo()
    # Between that and what they take: the bytes of sealed files are not quite those of opened ones.
    total = 0
    for version in (one, two):
        async with copies.hold(version, "alice") as copy:
            total += copy.size
    assert 330_000 < total < 450_000 < 1.5 * total
    close = OpenedCopies(vault, launcher, total - 1)
    with pytest.raises(TooLarge) as large:
        await hand(Taker(), close, wanted, 1 << 20, 60.0, "alice")
    assert large.value.code == "SEALED_TOO_LARGE"
    await copies.stop()
    await close.stop()


async def test_one_user_opens_few_at_a_time_and_what_nobody_waits_for_is_not_opened(house):
    _, vault, launcher, make = house
    versions = [make(f"v{number}", 300) for number in range(4)]
    copies = OpenedCopies(vault, launcher, 1 << 20)

    async def look(version, who):
        async with copies.hold(version, who) as copy:
            return copy.size

    await copies._turn.acquire()
    await copies._turn.acquire()
    waiting = [asyncio.create_task(look(version, "alice")) for version in versions[:2]]
    await asyncio.sleep(0)
    with pytest.raises(TooMany) as busy:
        await look(versions[2], "alice")
    assert busy.value.code == "SEALED_BUSY"
    waiting += [asyncio.create_task(look(versions[0], "alice")), asyncio.create_task(look(versions[3], "bob"))]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.gather(waiting[1], return_exceptions=True)
    abandoned = copies._copies[versions[1]].opening
    copies._turn.release()
    copies._turn.release()
    assert all(size > 0 for size in await asyncio.gather(waiting[0], *waiting[2:]))
    await asyncio.gather(abandoned, return_exceptions=True)
    assert abandoned.cancelled()
    assert set(copies._copies) == {versions[0], versions[3]}
    assert await look(versions[2], "alice") > 0
    await copies.stop()


def test_a_notebook_waits_for_room(monkeypatch):
    answers = [(429, {"code": "SEALED_BUSY", "detail": "Others."}, 0.01), (200, b"rows", 1.0)]
    monkeypatch.setenv(_door.SOCKET_VARIABLE, "/nowhere")
    monkeypatch.setenv(_door.TOKEN_VARIABLE, "t")
    monkeypatch.setattr(_door, "_exchange", lambda *_: answers.pop(0))
    assert (_door.fetch("/v1/versions/v1/manifest"), answers) == (b"rows", [])


async def test_a_job_needs_a_sandbox_of_its_own_files_and_ends_when_it_is_stopped(house, tmp_path):
    _, vault, launcher, make = house
    job = backtest()
    job.sealed = (SealedInput(make("v1", 300), "datasets", store=True),)
    launcher.copies = OpenedCopies(vault, launcher, 1 << 20)
    found = await attempt(launcher, tmp_path / "job").run(job)
    assert (found.error["code"], "files of its own" in found.error["message"]) == ("NO_SANDBOX", True)

    class Slow(OpenedCopies):
        @asynccontextmanager
        async def hold(self, version, who):
            running.stop("cancelled")
            await asyncio.sleep(3_600)
            yield

    full = launched(tmp_path, Sandbox())
    full.copies = Slow(vault, full, 1 << 20)
    running = attempt(full, tmp_path / "other")
    assert await running.run(job) == Stopped("cancelled")


def test_files_come_over_the_pipe_and_lie_in_a_folder_of_one_user(tmp_path, monkeypatch):
    monkeypatch.setattr(opened_files, "FOLDER", str(tmp_path / "opened"))

    def take(raw):
        reader = io.BytesIO(raw)
        return opened_files.take(Channel(reader, io.BytesIO()), reader)

    first, second = b"x" * 3_000_000, b"\n{}\n"
    raw = b"".join(
        json.dumps({"type": "file", "number": number, "bytes": len(own)}).encode() + b"\n" + own
        for number, own in enumerate((first, second, b""))
    )
    assert take(raw + b'{"type":"run","job":{}}\n') == {"type": "run", "job": {}}
    assert [(tmp_path / "opened" / str(i)).read_bytes() for i in range(3)] == [first, second, b""]
    assert (tmp_path / "opened").stat().st_mode & 0o777 == 0o700
    assert take(b'{"type":"file","number":7,"bytes":9}\nabc') is None  # the server has gone in the midst
    with pytest.raises(FileExistsError):
        take(raw)
