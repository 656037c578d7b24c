"""A stored version, opened for reading: out of a store, or out of a folder that holds its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alphintra.errors import DataError
from alphintra.store import manifest as manifests
from alphintra.store.blobs import Blobs
from alphintra.store.layout import MANIFEST, file_name
from alphintra.store.manifest import DataFile, SideFile
from alphintra.store.reading import Version
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


@dataclass(frozen=True)
class FolderFiles:
    """Files that lie in one folder, by their hashes.

    Attributes:
        folder: Which.
    """

    folder: Path

    @contextmanager
    def open(self, file: DataFile | SideFile) -> Iterator[Path]:
        """Return a file's path."""
        path = self.folder / file_name(file.sha256)
        if not path.is_file():
            raise DataError("a file of the dataset is not there", code="MISSING_FILE", where=file.sha256)
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
