"""Keys of one version alone, and a sealed version written openly for whoever gets rows and no keys."""

import json

import numpy as np
import pytest
from alphintra.errors import DataError
from alphintra.store.hashing import stored_hash
from alphintra.store.layout import MANIFEST
from alphintra.store.opened import write_opened
from alphintra.store.opening import open_folder
from alphintra.store.reading import batches, block_digests, read
from alphintra.store.sealed import Seal, VersionKeys

from tests.sdk.store.key_folder import KeyFolder

from .made import bars, write

TABLES = {"A": bars(9_000, 1), "SECRET": bars(100, 2)}


@pytest.fixture
def made(tmp_path):
    service = KeyFolder(tmp_path / "keys")
    keys = VersionKeys.made(service, "v1")
    return tmp_path / "v", service, keys, write(tmp_path / "v", TABLES, seal=Seal(keys, "v1"))


def opened(version):
    """The files of a copy, by name."""
    files, parts = {}, []

    def ended(sha256):
        files[sha256] = b"".join(parts)
        parts.clear()

    manifest = write_opened(version, lambda part: parts.append(bytes(part)), ended)
    assert not parts
    return manifest, files


def test_the_keys_of_a_version_open_it_and_nothing_else(made, tmp_path):
    folder, service, keys, manifest = made
    words = [file.key for file in (*manifest.files, *manifest.sides)]
    assert len({word.rpartition(".")[0] for word in words}) == 1
    assert len(set(words)) == len(words)
    found = VersionKeys.found(service, "v1", words[2])  # by what stands in its manifest
    told = VersionKeys.from_json(json.loads(json.dumps(keys.to_json())))  # by what its writer was told
    for own in (found, told):
        assert len(read(open_folder(folder, own))) == 9_100
        assert own.unwrap(words[0], "v1/00000") == keys.unwrap(words[0], "v1/00000")
    assert keys.to_json()["key"] not in repr(keys) + "".join(words)
    other = VersionKeys.made(service, "v2")
    for word, context, own in (
        (words[0], "v1/00001", keys), (words[0], "v1/00000", other), (words[0][:-2], "v1/00000", keys),
        (words[0][:-6] + "AAAAA=", "v1/00000", keys), ("", "v1/00000", keys), ("ü.ü", "v1/00000", keys),
    ):  # fmt: skip
        with pytest.raises(DataError) as caught:
            own.unwrap(word, context)
        assert (caught.value.code, caught.value.where) == ("SEALED", context)
    with pytest.raises(DataError):
        VersionKeys.found(service, "v2", words[0])


def test_a_copy_is_the_version_openly_and_the_same_each_time(made, tmp_path):
    folder, _, keys, sealed = made
    version = open_folder(folder, keys)
    manifest, files = opened(version)
    copy = tmp_path / "copy"
    copy.mkdir()
    last = list(files)[-1]
    for sha256, raw in files.items():
        (copy / (MANIFEST if sha256 == last else f"{sha256}.parquet")).write_bytes(raw)
    found = open_folder(copy)
    assert found.manifest.to_json() == manifest.to_json()
    assert (manifest.sealed, manifest.version, manifest.content_hash) == (False, "v1", sealed.content_hash)
    assert stored_hash(manifest, batches(found))[0] == sealed.content_hash
    assert read(found).equals(read(version))
    assert block_digests(found) == block_digests(version)
    assert all(np.array_equal(a, b) for a, b in zip(manifest.groups, sealed.groups, strict=True))
    plain = write(tmp_path / "plain", TABLES)
    assert (manifest.statistics, manifest.sample) == (plain.statistics, plain.sample)
    assert opened(version)[1] == files


def test_nothing_is_opened_without_the_keys(made):
    folder, *_ = made
    with pytest.raises(DataError) as caught:
        opened(open_folder(folder))
    assert caught.value.code == "SEALED"
