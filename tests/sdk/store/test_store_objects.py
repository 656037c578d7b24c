"""Versions in an object store, read through a bounded cache."""

import fcntl
import hashlib
import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest
from alphintra.errors import DataError
from alphintra.store.blobs import Folder, open_blobs
from alphintra.store.cache import Cache
from alphintra.store.committing import commit
from alphintra.store.converting import to_numpy
from alphintra.store.objects import ObjectStore
from alphintra.store.opening import open_version
from alphintra.store.reading import batches, read
from alphintra.store.sweeping import lease, sweep

from .made import arrays, bars, write

TABLES = {"A": bars(9_000, 1), "B": bars(10, 3)}


@pytest.fixture
def address():
    yield "memory://bucket/data"
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


def cached(folder):
    """Hashes of what a cache holds."""
    names = {path.name for path in folder.iterdir()} - {"lock"}
    assert all(name.startswith("me.") for name in names)
    return {name.removeprefix("me.") for name in names}


def put(blobs, root, version="v1"):
    with lease(root, "me") as folder:
        write(folder, TABLES, version)
        with commit(blobs, "me", folder, version) as manifest:
            return manifest


def test_a_version_in_an_object_store(tmp_path, address):
    cache = tmp_path / "cache"
    blobs = open_blobs(address, Cache(cache))
    manifest = put(blobs, tmp_path)
    held = {entry.name for entry in blobs.stored("me")}
    assert held == manifest.hashes
    paths = fsspec.filesystem("memory").find("/bucket/data")
    assert sorted(paths) == sorted(
        ["/bucket/data/me/manifests/v1.json", *(f"/bucket/data/me/blobs/{h[:2]}/{h}.parquet" for h in held)]
    )
    version = open_version(blobs, "me", "v1")
    read_back = to_numpy(read(version))
    for symbol, columns in arrays(TABLES).items():
        for name, values in columns.items():
            assert (read_back[symbol][name] == values).all()
    assert cached(cache) == {file.sha256 for file in manifest.files}
    # What was fetched once is not fetched again, and a changed object is noticed.
    for path in paths:
        if path.endswith(".parquet"):
            fsspec.filesystem("memory").pipe_file(path, b"x" * fsspec.filesystem("memory").size(path))
    assert len(read(version)) == 9_010
    with pytest.raises(DataError) as caught:
        read(open_version(open_blobs(address, Cache(tmp_path / "other")), "me", "v1"))
    assert caught.value.code == "DAMAGED_FILE"
    assert cached(tmp_path / "other") == set()


def test_sweeping_and_what_is_missing(tmp_path, address):
    blobs = open_blobs(address, Cache(tmp_path / "cache"))
    manifest = put(blobs, tmp_path)
    assert sweep(blobs, tmp_path, "me", lambda: ((), ())).files == 0  # younger than a day
    version = open_version(blobs, "me", "v1")
    swept = sweep(blobs, tmp_path, "me", lambda: ((), ()), unused_seconds=0)
    assert (swept.files, swept.manifests) == (len(manifest.hashes), 1)
    with pytest.raises(DataError) as caught:
        read(version)
    assert caught.value.code == "MISSING_FILE"
    with pytest.raises(DataError) as caught:
        open_version(blobs, "me", "v1")
    assert caught.value.code == "UNKNOWN_VERSION"
    blobs.remove("me", manifest.files[0].sha256)  # nothing there is no error
    blobs.remove_manifest("me", "v1")


def test_what_is_deleted_leaves_the_caches_of_all_machines(tmp_path, address):
    here, there = (open_blobs(address, Cache(tmp_path / name)) for name in ("here", "there"))
    manifest = put(here, tmp_path)
    other = put(here, tmp_path, "v2")
    assert other.hashes == manifest.hashes
    for blobs in (here, there):
        read(open_version(blobs, "me", "v1"))
    file = manifest.files[0]
    held = {own.sha256 for own in manifest.files}
    (tmp_path / "there" / "you.v1").write_bytes(b"{}")  # another owner's
    assert sweep(there, tmp_path, "me", lambda: (manifest.hashes, ("v2",)), unused_seconds=0).manifests == 1
    assert cached(tmp_path / "here") == held
    # The last version goes while one of its files is read on the other machine.
    with here.open("me", file.sha256, file.bytes):
        assert sweep(there, tmp_path, "me", lambda: ((), ()), unused_seconds=0).files == len(manifest.hashes)
        assert {path.name for path in (tmp_path / "there").iterdir()} == {"lock", "you.v1"}
        assert cached(tmp_path / "here") == held
        assert sweep(here, tmp_path, "me", lambda: ((), ())).files == 0
        assert cached(tmp_path / "here") == {file.sha256}
    sweep(here, tmp_path, "me", lambda: ((), ()))
    assert cached(tmp_path / "here") == set()


def test_the_cache_is_bounded_and_drops_what_was_used_longest_ago(tmp_path, address):
    manifest = put(open_blobs(address, Cache(tmp_path / "large")), tmp_path)
    sizes = [file.bytes for file in manifest.files]
    cache = tmp_path / "cache"
    blobs = open_blobs(address, Cache(cache, sum(sizes) - 1))
    version = open_version(blobs, "me", "v1")
    assert len(list(batches(version))) == 10  # all files, one after the other
    left = cached(cache)
    assert manifest.files[-1].sha256 in left
    assert manifest.files[0].sha256 not in left
    assert sum(path.stat().st_size for path in cache.iterdir()) < sum(sizes)
    with pytest.raises(DataError) as caught:
        read(open_version(open_blobs(address, Cache(tmp_path / "small", 100)), "me", "v1"))
    assert caught.value.code == "CACHE_TOO_SMALL"


def test_what_is_held_stays_and_what_nobody_finished_goes(tmp_path):
    def fetch(*parts):
        return lambda: iter(parts)

    cache = Cache(tmp_path, 10)
    names = {content: hashlib.sha256(content).hexdigest() for content in (b"aaaa", b"bbbb", b"cccc")}
    (tmp_path / "dead.part").write_bytes(b"12345678")  # of a process that was killed
    program = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from alphintra.store.cache import Cache
        def never():
            raise AssertionError("fetched")
        with Cache(Path({str(tmp_path)!r}), 10).open("me", {names[b"aaaa"]!r}, 4, never) as path:
            print("held", flush=True)
            sys.stdin.readline()
            print(path.read_bytes(), flush=True)
        """
    )
    with cache.open("me", names[b"aaaa"], 4, fetch(b"aa", b"aa")) as path:
        assert path.read_bytes() == b"aaaa"
    assert not (tmp_path / "dead.part").exists()
    holder = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    os.utime(tmp_path / f"me.{names[b'aaaa']}", (0, 0))  # the oldest by far
    for content in (b"bbbb", b"cccc"):
        with cache.open("me", names[content], 4, fetch(content)):
            pass
    assert cached(tmp_path) == {names[b"aaaa"], names[b"cccc"]}
    cache.remove("me", names[b"aaaa"])  # held: it stays
    assert names[b"aaaa"] in cached(tmp_path)
    out, _ = holder.communicate("go\n", timeout=120)
    assert out == "b'aaaa'\n"
    cache.remove("me", names[b"aaaa"])
    left = {names[b"cccc"]}
    assert cached(tmp_path) == left
    for wrong in (b"xxxx",), (b"bbb",), (b"bb", b"bbb"), ():
        with pytest.raises(DataError) as caught, cache.open("me", names[b"bbbb"], 4, fetch(*wrong)):
            raise AssertionError("opened")
        assert caught.value.code == "DAMAGED_FILE"
    assert cached(tmp_path) == left


def test_who_wants_the_same_file_meanwhile_waits_for_it(tmp_path):
    cache, content = Cache(tmp_path, 1_000), b"x" * 600
    begun, go = threading.Event(), threading.Event()
    fetched = []

    def fetch():
        fetched.append(1)
        begun.set()
        assert go.wait(60)
        yield content

    def read():
        with cache.open("me", hashlib.sha256(content).hexdigest(), 600, fetch) as path:
            return path.read_bytes()

    with ThreadPoolExecutor(3) as threads:
        readers = [threads.submit(read) for _ in range(3)]
        assert begun.wait(60)
        # Its room is taken before its first byte is there, and its part is nobody's to remove.
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 600
        other = hashlib.sha256(b"y" * 600).hexdigest()
        with cache.open("you", other, 600, lambda: [b"y" * 600]):
            go.set()
            assert [reader.result(60) for reader in readers] == [content] * 3
    assert fetched == [1]


def test_who_waited_for_a_file_that_did_not_come_shares_the_failure(tmp_path):
    cache, begun, go = Cache(tmp_path, 1_000), threading.Event(), threading.Event()
    sha256, fetched = hashlib.sha256(b"x").hexdigest(), []

    def fetch():
        fetched.append(1)
        begun.set()
        assert go.wait(60)
        raise DataError("it hangs", code="STORE_FAILED")
        yield b"x"

    def read(fetch=fetch):
        with cache.open("me", sha256, 1, fetch) as path:
            return path.read_bytes()

    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(read)
        assert begun.wait(60)
        others = [threads.submit(read) for _ in range(3)]
        (part,) = tmp_path.glob("*.part")
        lock = f":{part.stat().st_ino} "
        until = time.monotonic() + 60
        while sum("->" in line and lock in line for line in Path("/proc/locks").read_text().splitlines()) < 3:
            assert time.monotonic() < until  # until they wait
            time.sleep(0.01)
        go.set()
        assert {own.exception(60).code for own in (first, *others)} == {"STORE_FAILED"}
    assert fetched == [1]
    assert read(lambda: [b"x"]) == b"x"  # whoever comes afterwards asks again
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_what_has_come_in_the_place_of_what_was_to_go_stays(tmp_path, monkeypatch):
    cache, sha256 = Cache(tmp_path, 1_000), hashlib.sha256(b"x").hexdigest()
    with cache.open("me", sha256, 1, lambda: [b"x"]) as path:
        pass
    flock = fcntl.flock

    def replaced(file, how):
        path.unlink()  # another process removes it and fetches it again, before this one has the lock
        path.write_bytes(b"x")
        flock(file, how)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", replaced)
        cache.remove("me", sha256)
    assert path.exists()


def test_addresses(tmp_path):
    assert isinstance(open_blobs(tmp_path), Folder)
    assert isinstance(open_blobs(str(tmp_path)), Folder)
    assert open_blobs(f"file://{tmp_path}").root == tmp_path
    assert isinstance(open_blobs("memory://x", Cache(tmp_path)), ObjectStore)
    for address, cache, code in (
        ("memory://x", None, "NO_CACHE"),
        ("ftp://x", Cache(tmp_path), "BAD_ADDRESS"),
        ("abfs://x", Cache(tmp_path), "BAD_ADDRESS"),
        ("az://x", Cache(tmp_path), "BAD_ADDRESS"),
        ("memory://", Cache(tmp_path), "BAD_ADDRESS"),
    ):
        with pytest.raises(DataError) as caught:
            open_blobs(address, cache)
        assert caught.value.code == code



def test_what_does_not_fit_on_the_disk_is_refused_before_it_is_fetched(tmp_path, monkeypatch):
    free, found = [1_000], os.statvfs

    def small(path):
        """A disk of so many bytes, of which the cache takes its own."""
        about = list(found(path))
        taken = sum(own.stat().st_size for own in tmp_path.iterdir())
        about[1], about[4] = 1, free[0] - taken  # frsize, bavail
        return os.statvfs_result(about)

    monkeypatch.setattr(os, "statvfs", small)
    cache, fetched = Cache(tmp_path, 10_000, keep_free=100), []
    names = {letter: hashlib.sha256(letter * 300).hexdigest() for letter in (b"a", b"b", b"c", b"d")}

    def opened(letter):
        return cache.open("me", names[letter], 300, lambda: fetched.append(letter) or [letter * 300])

    for letter in (b"a", b"b"):
        with opened(letter) as path:
            os.utime(path, (letter[0], letter[0]))
    # The whole of four does not fit: it is said, and not one of the others is fetched.
    with pytest.raises(DataError, match=r"600 bytes are needed, and \d+ are free, of which 100 are") as caught:
        cache.room("me", dict.fromkeys(names.values(), 300))
    assert (caught.value.code, fetched) == ("DISK_FULL", [b"a", b"b"])
    with pytest.raises(DataError, match="901 bytes are needed"):
        cache.room("me", {"0" * 64: 901})  # nothing leaves for what does not fit anyway
    # Two do, one of them here already: what was used longest ago leaves for the other.
    assert cached(tmp_path) == {names[b"a"], names[b"b"]}
    cache.room("me", {names[letter]: 300 for letter in (b"b", b"c")})
    assert cached(tmp_path) == {names[b"a"], names[b"b"]}
    free[0] = 900
    cache.room("me", {names[letter]: 300 for letter in (b"b", b"c")})
    assert cached(tmp_path) == {names[b"b"]}
    # A copy that a worker has under a second name leaves no room behind it; a file that comes alone is refused as well.
    with opened(b"b") as path:
        os.link(path, tmp_path.parent / "worker")
    free[0] = 600
    with pytest.raises(DataError, match="300 bytes are needed, and 300 are free, of which 100 are"), opened(b"c"):
        raise AssertionError("opened")
    assert (cached(tmp_path), fetched) == ({names[b"b"]}, [b"a", b"b"])
