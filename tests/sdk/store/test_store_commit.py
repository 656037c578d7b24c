"""A version comes into the store whole or not at all, whatever dies on the way."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from alphintra.errors import DataError
from alphintra.store.blobs import Folder
from alphintra.store.committing import commit
from alphintra.store.hashing import stored_hash
from alphintra.store.opening import open_folder, open_version
from alphintra.store.reading import batches
from alphintra.store.sweeping import lease, sweep

from .made import SMALL, bars, expected_hash, write

TABLES = {"A": bars(2_500, 1), "B": bars(3_500, 2), "C": bars(10, 3)}
HASH = expected_hash(TABLES)
#: What changes the disk, each in a process of its own that dies before the n-th of these calls.
DYING = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from alphintra.store.blobs import Folder
    from alphintra.store.committing import commit

    def dying(function, left):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)
        return call

    for n, place in enumerate(sys.argv[1:]):
        child = os.fork()
        if child == 0:
            left = [n]
            os.fsync = lambda file: None  # a step as any other; but what a dead process wrote is there without it
            for name in ("fsync", "rename", "mkdir", "utime"):
                setattr(os, name, dying(getattr(os, name), left))
            with commit(Folder(Path(place)), "me", Path(place) / "me" / "staging" / "s", "v1"):
                pass
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, flush=True)
        if not status:
            break
    """
)


def none():
    return (), ()


def stored(blobs):
    return {entry.name for entry in blobs.stored("me")}


def is_whole(blobs):
    """Check what is in the store, and tell whether the version is."""
    for path in blobs.root.glob("me/blobs/*/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem  # under its name a file is whole
        assert path.parent.name == path.stem[:2]
    try:
        version = open_version(blobs, "me", "v1")
    except DataError as error:
        assert error.code == "UNKNOWN_VERSION"
        return False
    assert version.manifest.hashes <= stored(blobs)
    assert stored_hash(version.manifest, batches(version))[0] == version.manifest.content_hash == HASH
    return True


def put(blobs, version="v1", tables=TABLES, **how):
    with lease(blobs.root, "me") as folder:
        write(folder, tables, version, **how)
        with commit(blobs, "me", folder, version) as manifest:
            return manifest


def test_killed_before_each_step_it_is_whole_or_not_there(tmp_path):
    whole = tmp_path / "whole" / "me" / "staging"
    write(whole / "s", TABLES)
    with (whole / "s.lock").open("xb"):
        pass
    places = [tmp_path / f"{n:02}" for n in range(64)]
    for place in places:
        shutil.copytree(tmp_path / "whole", place)
    ran = subprocess.run(
        [sys.executable, "-c", DYING, *map(str, places)], capture_output=True, text=True, check=True, timeout=600
    )
    ended = [int(line) for line in ran.stdout.split()]
    assert ended[-1] == 0
    assert set(ended[:-1]) == {signal.SIGKILL}
    assert len(ended) > 20  # 4 files: age, fsync, rename, fsync of the folder; folders; the manifest
    there = []
    for n, place in enumerate(places[: len(ended)]):
        blobs = Folder(place)
        there.append(is_whole(blobs))
        staging = place / "me" / "staging" / "s"
        if n % 2:  # it is done again with what is left
            with commit(blobs, "me", staging, "v1"):
                assert is_whole(blobs)
        # or swept, as no row tells of it; the lease ended with its process
        swept = sweep(blobs, place, "me", none, unused_seconds=0)
        assert swept.staging == 1
        assert [path.name for path in place.rglob("*") if path.is_file()] == ["sweep.lock"]
    assert there == sorted(there)
    assert there[-2:] == [True, True]  # the last step but one is the rename, the last the fsync of its folder
    assert not there[-3]


def test_a_writer_that_is_killed_leaves_nothing_that_counts(tmp_path):
    blobs = Folder(tmp_path)
    program = textwrap.dedent(
        f"""
        import os, signal, sys
        sys.path.insert(0, {str(Path(__file__).parents[3])!r})
        from pathlib import Path
        from alphintra.store.sweeping import lease
        from alphintra.store import VersionWriter
        from alphintra.store.columns import columns_of
        from tests.sdk.store.made import ROLES, SMALL, bars
        with lease(Path({str(tmp_path)!r}), "me") as folder:
            print(folder.name, flush=True)
            table = bars(9_500)
            writer = VersionWriter(folder, "v1", columns_of(table.schema, ROLES), rules=SMALL)
            writer.add("A", table)
            sys.stdin.readline()
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    name = writer.stdout.readline().strip()
    folder = tmp_path / "me" / "staging" / name
    assert sweep(blobs, tmp_path, "me", none, unused_seconds=0).staging == 0  # its writer lives
    assert folder.is_dir()
    writer.communicate("die\n", timeout=120)
    assert writer.returncode == -signal.SIGKILL
    assert any(folder.iterdir())
    with pytest.raises(DataError) as caught:
        open_folder(folder)
    assert caught.value.code == "UNKNOWN_VERSION"
    assert sweep(blobs, tmp_path, "me", none, unused_seconds=0).staging == 1
    assert not list((tmp_path / "me" / "staging").iterdir())


def test_a_folder_that_nobody_may_enter_is_removed_all_the_same():
    program = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from alphintra.store.sweeping import lease
        from alphintra_kernel import disk
        root = Path(sys.argv[1])
        if os.geteuid() == 0:  # who may enter anything
            os.chown(root, 65_534, 65_534)
            os.setegid(65_534)
            os.seteuid(65_534)
        with lease(root, "me", disk.remove) as folder:
            (folder / "a" / "b").mkdir(parents=True)
            (folder / "a" / "b" / "c").write_bytes(b"x")
            (folder / "link").symlink_to("/nowhere")
            (folder / "a" / "b").chmod(0)
            (folder / "a").chmod(0)
        print(sorted(path.name for path in root.rglob("*")))
        """
    )
    with tempfile.TemporaryDirectory() as root:  # not pytest's, which is root's own
        ran = subprocess.run([sys.executable, "-c", program, root], capture_output=True, text=True, timeout=120)
    assert ran.stdout == "['me', 'staging']\n", ran.stderr


def test_a_full_disk_leaves_nothing(tmp_path):
    program = textwrap.dedent(
        f"""
        import resource, signal, sys
        sys.path.insert(0, {str(Path(__file__).parents[3])!r})
        from pathlib import Path
        from alphintra.errors import DataError
        from alphintra.store.sweeping import lease
        from tests.sdk.store.made import bars, write
        import pyarrow.parquet
        tables = {{"A": bars(2_500, 1), "B": bars(3_500, 2)}}
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        for most in (30_000, 65_000):  # in the first file of rows; in the manifest
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
            try:
                with lease(Path({str(tmp_path)!r}), "me") as folder:
                    write(folder, tables)
                    print("written")
            except DataError as error:
                print(error.code)
        """
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert ran.stdout == "DISK_FULL\nDISK_FULL\n", ran.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["me", "staging"]


def test_equal_files_are_kept_once_and_swept_when_the_last_version_is_gone(tmp_path):
    blobs = Folder(tmp_path)
    first = put(blobs, "v1", rules=SMALL)
    second = put(blobs, "v2", TABLES | {"C": bars(20, 3)})
    assert first.files[0].sha256 == second.files[0].sha256
    assert first.files[-1].sha256 != second.files[-1].sha256
    assert stored(blobs) == first.hashes | second.hashes
    assert len(stored(blobs)) < len(first.hashes) + len(second.hashes)

    def one():
        return second.hashes, ["v2"]

    assert sweep(blobs, tmp_path, "me", one).files == 0  # younger than a day: somebody may be about to refer to them
    swept = sweep(blobs, tmp_path, "me", one, unused_seconds=0)
    assert (swept.files, swept.manifests) == (len(first.hashes - second.hashes), 1)
    assert stored(blobs) == second.hashes
    assert stored_hash(second, batches(open_version(blobs, "me", "v2")))[0] == second.content_hash
    with pytest.raises(DataError) as caught:
        open_version(blobs, "me", "v1")
    assert caught.value.code == "UNKNOWN_VERSION"


def test_files_of_one_owner_are_no_other_owners(tmp_path):
    blobs = Folder(tmp_path)
    put(blobs)
    with lease(tmp_path, "you") as folder:
        write(folder, TABLES)
        with commit(blobs, "you", folder, "v1") as manifest:
            pass
    assert {entry.name for entry in blobs.stored("you")} == manifest.hashes
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("you/blobs/*/*")} == {0o444}  # written once
    sweep(blobs, tmp_path, "you", none, unused_seconds=0)
    assert is_whole(blobs)


def test_no_sweep_while_a_commit_is_on_its_way(tmp_path):
    blobs = Folder(tmp_path)
    program = textwrap.dedent(
        f"""
        from pathlib import Path
        from alphintra.store.blobs import Folder
        from alphintra.store.sweeping import sweep
        root = Path({str(tmp_path)!r})
        print("asking", flush=True)
        swept = sweep(Folder(root), root, "me", lambda: (eval(input()), ["v1"]), unused_seconds=0)
        print(swept.files, flush=True)
        """
    )
    with lease(tmp_path, "me") as folder:
        write(folder, TABLES)
        with commit(blobs, "me", folder, "v1") as manifest:
            sweeper = subprocess.Popen(
                [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert sweeper.stdout.readline() == "asking\n"
            # It waits for the lock: its row is written only now, and still nothing is lost.
            row = repr(sorted(manifest.hashes))
    out, _ = sweeper.communicate(row + "\n", timeout=120)
    assert out == "0\n"
    assert is_whole(blobs)


def tamper(folder, manifest, how):
    path = folder / f"{manifest.files[0].sha256}.parquet"
    raw = path.read_bytes()
    path.unlink()
    if how == "changed":
        path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    elif how == "longer":
        path.write_bytes(raw + b"x")
    elif how == "a link":
        (folder / "elsewhere").write_bytes(raw)
        path.symlink_to(folder / "elsewhere")
    elif how == "a second name":
        (folder / "elsewhere").write_bytes(raw)
        os.link(folder / "elsewhere", path)
    elif how == "a pipe":
        os.mkfifo(path)
    elif how == "a folder":
        path.mkdir()


@pytest.mark.parametrize("how", ["changed", "longer", "missing", "a link", "a second name", "a pipe", "a folder"])
def test_a_file_that_is_not_what_the_manifest_says(tmp_path, how):
    blobs = Folder(tmp_path)
    with lease(tmp_path, "me") as folder:
        manifest = write(folder, TABLES)
        tamper(folder, manifest, how)
        with pytest.raises(DataError) as caught, commit(blobs, "me", folder, "v1"):
            raise AssertionError("committed")
        assert (caught.value.code, caught.value.where) == ("DAMAGED_FILE", caught.value.where)
        assert manifest.files[0].sha256 in caught.value.where
    assert stored(blobs) == set()
    assert list(blobs.manifests("me")) == []


def test_a_manifest_that_is_another_or_a_link_or_too_much(tmp_path):
    blobs = Folder(tmp_path)
    with lease(tmp_path, "me") as folder:
        manifest = write(folder, TABLES)
        for version, most, code in (("v2", None, "BAD_MANIFEST"), ("v1", 1_000, "TOO_LARGE")):
            with pytest.raises(DataError) as caught, commit(blobs, "me", folder, version, most):
                raise AssertionError("committed")
            assert caught.value.code == code
        (folder / "manifest.json").rename(folder / "m")
        (folder / "manifest.json").symlink_to(folder / "m")
        with pytest.raises(DataError) as caught, commit(blobs, "me", folder, "v1"):
            raise AssertionError("committed")
        assert caught.value.code == "DAMAGED_FILE"
        assert manifest.rows == 6_010
    assert stored(blobs) == set()


@pytest.mark.parametrize("bad", ["", "..", "a/b", "a\x00", "é", "a" * 65, "a\n", 5, None])
def test_a_path_is_made_of_ids_alone(tmp_path, bad):
    blobs = Folder(tmp_path)
    for call in (
        lambda: list(blobs.stored(bad)),
        lambda: blobs.manifest("me", bad),
        lambda: blobs.manifest(bad, "v1"),
        lambda: blobs.has("me", bad, 1),
        lambda: lease(tmp_path, bad).__enter__(),
    ):
        with pytest.raises(DataError) as caught:
            call()
        assert caught.value.code == "BAD_ID"
