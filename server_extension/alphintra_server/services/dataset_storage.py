"""Where datasets and uploads lie: in a folder beside the database, or datasets in an object store."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alphintra.errors import DataError
from alphintra.store.blobs import Entry, open_blobs
from alphintra.store.cache import MOST_BYTES, Cache

from ..crash_points import reached
from ..errors import Gone, Unavailable

GONE = ("MISSING_FILE", "UNKNOWN_VERSION")
"""Codes of the store where something is not there any more."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredFile:
    """A file of a version, or its manifest, wherever it lies.

    Attributes:
        storage: The store.
        owner: Whose folder of it.
        sha256: Hash of its bytes.
        size: Its bytes.
        version: Of a manifest, the version's id.
    """

    storage: DatasetStorage
    owner: str
    sha256: str
    size: int
    version: str | None = None

    def open(self) -> AbstractContextManager[Path]:
        """Hold it as a path of this machine; fetched first where the store is elsewhere. Blocks.

        Raises:
            DataError: ``MISSING_FILE`` or ``UNKNOWN_VERSION``; ``STORE_FAILED``, ``DAMAGED_FILE``.
        """
        if self.version is None:
            return self.storage.open(self.owner, self.sha256, self.size)
        return self.storage.open_manifest(self.owner, self.version, self.sha256, self.size)

    def room(self, links: Iterable[object]) -> None:
        """Have room on this machine for all files of its store that are among some. Blocks.

        Raises:
            DataError: ``DISK_FULL``.
        """
        owners: dict[str, dict[str, int]] = {}
        for own in links:
            if isinstance(own, StoredFile) and own.storage is self.storage:
                owners.setdefault(own.owner, {})[own.version or own.sha256] = own.size
        for owner, files in owners.items():
            self.storage.room(owner, files)


class DatasetStorage:
    """The store of all users' datasets, and where their uploads lie. Implements ``alphintra.store.blobs.Blobs``.

    Args:
        data_dir: The server's folder: staging, locks and uploads are there whatever the store is.
        address: An object store, such as ``s3://bucket/prefix``; left out, the store is a folder in ``data_dir``.
        cache_bytes: How much of an object store is kept in ``data_dir``.
        keep_free: Bytes of the disk that stay free of it.

    Raises:
        DataError: The address cannot be used.
    """

    def __init__(
        self, data_dir: Path, address: str = "", cache_bytes: int = MOST_BYTES, keep_free: int = 0
    ) -> None:
        self.root = data_dir / "datasets"
        self.root.mkdir(parents=True, exist_ok=True)
        self.uploads = data_dir / "uploads"
        cache = Cache(data_dir / "cache", cache_bytes, keep_free) if address else None
        self._blobs = open_blobs(address or self.root, cache, self.root)

    def check(self) -> None:
        """Find out whether the store can be used.

        Raises:
            DataError: ``STORE_FAILED``.
        """
        if (check := getattr(self._blobs, "check", None)) is not None:
            check()

    def upload(self, upload_id: str) -> Path:
        """Return where a file lies that was uploaded."""
        return self.uploads / upload_id

    def take(self, owner: str, sha256: str, path: Path) -> None:
        """See ``Blobs``."""
        self._blobs.take(owner, sha256, path)
        reached("in_commit")

    def has(self, owner: str, sha256: str, size: int) -> bool:
        """See ``Blobs``."""
        return self._blobs.has(owner, sha256, size)

    def open(self, owner: str, sha256: str, size: int) -> AbstractContextManager[Path]:
        """See ``Blobs``."""
        return self._blobs.open(owner, sha256, size)

    def open_manifest(self, owner: str, version: str, sha256: str, size: int) -> AbstractContextManager[Path]:
        """See ``Blobs``."""
        return self._blobs.open_manifest(owner, version, sha256, size)

    def put_manifest(self, owner: str, version: str, raw: bytes) -> None:
        """See ``Blobs``."""
        self._blobs.put_manifest(owner, version, raw)
        reached("after_manifest")

    def manifest(self, owner: str, version: str) -> bytes:
        """See ``Blobs``."""
        return self._blobs.manifest(owner, version)

    def stored(self, owner: str) -> Iterator[Entry]:
        """See ``Blobs``."""
        return self._blobs.stored(owner)

    def manifests(self, owner: str) -> Iterator[Entry]:
        """See ``Blobs``."""
        return self._blobs.manifests(owner)

    def remove(self, owner: str, sha256: str) -> None:
        """See ``Blobs``."""
        self._blobs.remove(owner, sha256)

    def remove_manifest(self, owner: str, version: str) -> None:
        """See ``Blobs``."""
        self._blobs.remove_manifest(owner, version)

    def room(self, owner: str, files: Mapping[str, int]) -> None:
        """See ``Blobs``."""
        self._blobs.room(owner, files)

    def forget(self, owner: str, needed: Collection[str]) -> None:
        """See ``Blobs``."""
        self._blobs.forget(owner, needed)

    def sweeping(self, owner: str, *, alone: bool) -> AbstractContextManager[None]:
        """See ``Blobs``."""
        return self._blobs.sweeping(owner, alone=alone)


@contextmanager
def told() -> Iterator[None]:
    """Say to a caller what the store says.

    Raises:
        Gone: What is wanted is not there any more.
        Unavailable: The store failed, or gave something else than was stored.
    """
    try:
        yield
    except DataError as error:
        if error.code in GONE:
            # Nobody deleted a version that the catalogue still has: then its file is lost, which is for the log.
            _log.warning("Not in the store: %s", error)
            raise Gone("The version was deleted, or its file is lost.", code="DATASET_DELETED") from error
        raise Unavailable(str(error), code=error.code) from error
