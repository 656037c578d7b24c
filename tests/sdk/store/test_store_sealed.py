"""Sealed versions: without the key there is nothing to read, and a file opens only in its own place."""

import dataclasses
import shutil

import duckdb
import pyarrow.parquet as pq
import pytest
from alphintra.errors import DataError
from alphintra.store import Version
from alphintra.store.comparing import compare
from alphintra.store.hashing import stored_hash
from alphintra.store.opening import open_folder
from alphintra.store.reading import FolderFiles, batches, block_digests, read
from alphintra.store.sealed import Seal
from alphintra.store.sketches import sketches_of

from tests.sdk.store.key_folder import KeyFolder

from .made import bars, expected_hash, write

TABLES = {"A": bars(9_000, 1), "SECRET": bars(100, 2)}


@pytest.fixture
def sealed(tmp_path):
    keys = KeyFolder(tmp_path / "keys")
    manifest = write(tmp_path / "v", TABLES, seal=Seal(keys, "v1"))
    return tmp_path / "v", keys, manifest


def test_with_the_keys_it_is_read_as_any_other(sealed, tmp_path):
    folder, keys, manifest = sealed
    version = open_folder(folder, keys)
    assert manifest.content_hash == expected_hash(TABLES)
    assert stored_hash(manifest, batches(version))[0] == manifest.content_hash
    assert len(block_digests(version)) == 12
    found = sketches_of(version)  # what the manifest does not tell
    assert (found.statistics()["close"]["count"], len(found.sample.to_json()["rows"])) == (9_100, 1_000)
    write(tmp_path / "open", TABLES | {"A": bars(9_001, 1)})
    assert compare(version, open_folder(tmp_path / "open")).rows_added > 0


def test_without_the_keys_nothing_is_read(sealed):
    folder, keys, manifest = sealed
    with pytest.raises(DataError) as caught:
        read(open_folder(folder))
    assert caught.value.code == "SEALED"
    with pytest.raises(DataError) as caught:
        sketches_of(open_folder(folder))
    assert caught.value.code == "SEALED"
    raw = b"".join(path.read_bytes() for path in folder.iterdir() if path.suffix == ".parquet")
    assert b"SECRET" not in raw
    assert b"close" not in raw  # the footer is encrypted too
    assert (manifest.statistics, manifest.sample) == ({}, {})
    path = next(folder.glob("*.parquet"))
    with pytest.raises(OSError):
        pq.read_table(path)
    with pytest.raises(duckdb.Error):
        duckdb.sql(f"select * from '{path}'")
    keys.forget(manifest.files[1].key)
    with pytest.raises(DataError) as caught:
        read(open_folder(folder, keys))
    assert (caught.value.code, caught.value.where) == ("SEALED", "v1/00001")
    assert len(read(open_folder(folder, keys), "A", end="2020-01-01 00:09")) == 10  # in the first file


def test_a_file_in_anothers_place_does_not_open(sealed, tmp_path):
    folder, keys, manifest = sealed
    first, second, third = manifest.files
    # The server's own record is the manifest; here somebody exchanged entries of it, keys and all.
    moved = dataclasses.replace(manifest, files=(second, first, third))
    with pytest.raises(DataError) as caught:
        read(Version(moved, FolderFiles(folder), Seal(keys, "v1")))
    assert caught.value.code == "SEALED"  # a key is kept for one place
    # And somebody exchanged the files' bytes.
    names = [folder / f"{file.sha256}.parquet" for file in (first, second)]
    shutil.copy(names[1], tmp_path / "second")
    shutil.copy(tmp_path / "second", names[0])
    with pytest.raises(DataError) as caught:
        read(open_folder(folder, keys))
    assert (caught.value.code, caught.value.where) == ("DAMAGED_FILE", first.sha256)


def test_a_changed_byte_is_noticed(sealed):
    folder, keys, manifest = sealed
    path = folder / f"{manifest.files[0].sha256}.parquet"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DataError) as caught:
        read(open_folder(folder, keys))
    assert caught.value.code == "DAMAGED_FILE"


def test_keys_are_each_files_own_and_for_the_account_alone(sealed, tmp_path):
    _, keys, manifest = sealed
    words = [file.key for file in (*manifest.files, *manifest.sides)]
    assert len(set(words)) == 5
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "keys").iterdir())
    found = [Seal(keys, "v1").find("00000", words[0]), Seal(keys, "v1").key("x")]
    assert all(repr(key) == f"FileKey({key.wrapped!r})" for key in found)
    for word, context in ((words[0], "v2/00000"), ("0" * 32, "v1/00000"), ("../../x", "v1/00000")):
        with pytest.raises(DataError):
            keys.unwrap(word, context)
