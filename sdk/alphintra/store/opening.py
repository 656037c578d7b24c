"""A stored version, opened for reading: out of a store, or out of a folder that holds its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alphintra.errors import DataError
from alphintra.store import manifest as manifests
from alphintra.store.blobs import Blobs
from alphintra.store.layout import MANIFEST
from alphintra.store.manifest import DataFile, SideFile
from alphintra.store.reading import FolderFiles, Version
from alphintra.store.sealed import KeyService, Seal


@dataclass(frozen=True)
class OwnersFiles:
    """The files of one owner in a store.

    Attributes:
        blobs: The store.
        owner: Whose.
    """

    blobs: Blobs
    owner: str

    @contextmanager
    def open(self, file: DataFile | SideFile) -> Iterator[Path]:
        """Hold a file as a path of this machine."""
        with self.blobs.open(self.owner, file.sha256, file.bytes) as path:
            yield path


def open_version(blobs: Blobs, owner: str, version: str, keys: KeyService | None = None) -> Version:
    """Open a version of a store.

    Args:
        blobs: The store.
        owner: Whose version it is.
        version: Its id.
        keys: Where the keys of sealed versions are, in a process that may read them.

    Raises:
        DataError: ``UNKNOWN_VERSION``, ``BAD_MANIFEST``.
    """
    found = manifests.from_json(blobs.manifest(owner, version))
    return Version(found, OwnersFiles(blobs, owner), None if keys is None else Seal(keys, version))


def open_folder(folder: Path, keys: KeyService | None = None) -> Version:
    """Open the version that was written to a folder.

    Raises:
        DataError: ``UNKNOWN_VERSION``, ``BAD_MANIFEST``.
    """
    try:
        raw = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        raise DataError("there is no manifest", code="UNKNOWN_VERSION", where=folder.name) from None
    found = manifests.from_json(raw)
    return Version(found, FolderFiles(folder), None if keys is None else Seal(keys, found.version))
