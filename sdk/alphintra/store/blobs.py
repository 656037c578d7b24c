"""Where versions lie: a folder of this machine, or an object store that fsspec knows.

Everything is written once under a name that nobody chose. A file is there whole or not at all: in a folder by fsync
and rename, in an object store because that is how one puts an object. Engines read files of this machine only, so
what lies in an object store is read through a :class:`~alphintra.store.cache.Cache`.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from alphintra.errors import DataError
from alphintra.store.layout import blob_path, check_id, manifest_path

if TYPE_CHECKING:
    from alphintra.store.cache import Cache


@dataclass(frozen=True)
class Entry:
    """Something that is stored.

    Attributes:
        name: Its hash, or a version's id.
        modified: When it was put there, seconds since 1970-01-01 UTC.
    """

    name: str
    modified: float


class Blobs(Protocol):
    """Files and manifests of all owners."""

    def take(self, owner: str, sha256: str, path: Path) -> None:
        """Put a file of this machine there, under the hash that it was checked to have; the file is gone then."""
        ...

    def has(self, owner: str, sha256: str, size: int) -> bool:
        """Tell whether a file of this hash and size is there."""
        ...

    def open(self, owner: str, sha256: str, size: int) -> AbstractContextManager[Path]:
        """Hold a file as a path of this machine.

        Raises:
            DataError: ``MISSING_FILE``; ``DAMAGED_FILE`` where it can be seen at once.
        """
        ...

    def open_manifest(
        self, owner: str, version: str, sha256: str, size: int
    ) -> AbstractContextManager[Path]:
        """Hold a manifest of this hash and size as a path of this machine.

        Raises:
            DataError: ``UNKNOWN_VERSION``; ``DAMAGED_FILE``.
        """
        ...

    def put_manifest(self, owner: str, version: str, raw: bytes) -> None:
        """Write a manifest."""
        ...

    def manifest(self, owner: str, version: str) -> bytes:
        """Read a manifest.

        Raises:
            DataError: ``UNKNOWN_VERSION``.
        """
        ...

    def stored(self, owner: str) -> Iterator[Entry]:
        """Go through an owner's files."""
        ...

    def manifests(self, owner: str) -> Iterator[Entry]:
        """Go through an owner's manifests."""
        ...

    def remove(self, owner: str, sha256: str) -> None:
        """Remove a file; none there is no error."""
        ...

    def remove_manifest(self, owner: str, version: str) -> None:
        """Remove a manifest; none there is no error."""
        ...

    def room(self, owner: str, files: Mapping[str, int]) -> None:
        """Have room on this machine's disk for files that are read together, given by hash or version with their bytes.

        Raises:
            DataError: ``DISK_FULL``: none of them was fetched.
        """
        ...

    def forget(self, owner: str, needed: Collection[str]) -> None:
        """Remove the copies on this machine of what an owner has no more: of all but these hashes and versions.

        A copy that is being read stays until it is asked for again.
        """
        ...

    def sweeping(self, owner: str, *, alone: bool) -> AbstractContextManager[None]:
        """Keep an owner's files from being swept, or (``alone``) wait until nobody does."""
        ...


def open_blobs(address: str | Path, cache: Cache | None = None, locks: Path | None = None) -> Blobs:
    """Open a store.

    Args:
        address: A folder, or an address such as ``s3://bucket/prefix``.
        cache: Needed for what is no folder.
        locks: A folder that all see who write to what is no folder: an object store has no locks.

    Raises:
        DataError: The address is of a kind that cannot be used, or its package is not installed.
    """
    if isinstance(address, Path) or "://" not in address:
        return Folder(Path(address))
    if address.startswith("file://"):
        return Folder(Path(address.removeprefix("file://")))
    if cache is None:
        raise DataError("an object store is read through a cache", code="NO_CACHE", hint="Name a folder for it.")
    from alphintra.store.objects import ObjectStore

    return ObjectStore(address, cache, locks)


class Folder:
    """A store in a folder of this machine.

    Args:
        root: The folder, made if it is not there.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.root.mkdir(parents=True, exist_ok=True)

    def take(self, owner: str, sha256: str, path: Path) -> None:
        """See :class:`Blobs`: the file is on the same file system."""
        target = self._made(blob_path(owner, sha256))
        os.utime(path)  # its age counts from here, whatever who wrote it made of it
        path.chmod(0o444)
        sync(path)
        path.rename(target)
        sync(target.parent)

    def has(self, owner: str, sha256: str, size: int) -> bool:
        """See :class:`Blobs`."""
        try:
            return (self.root / blob_path(owner, sha256)).stat().st_size == size
        except FileNotFoundError:
            return False

    @contextmanager
    def open(self, owner: str, sha256: str, size: int) -> Iterator[Path]:
        """See :class:`Blobs`."""
        path = self.root / blob_path(owner, sha256)
        try:
            found = path.stat().st_size
        except FileNotFoundError:
            raise missing(sha256) from None
        if found != size:
            raise damaged(f"it has {found:,} bytes, and had {size:,}", sha256)
        yield path

    @contextmanager
    def open_manifest(self, owner: str, version: str, sha256: str, size: int) -> Iterator[Path]:
        """See :class:`Blobs`."""
        path = self.root / manifest_path(owner, version)
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            raise unknown(version) from None
        if len(raw) != size or hashlib.sha256(raw).hexdigest() != sha256:
            raise damaged("it is another manifest than was written", version)
        yield path

    def put_manifest(self, owner: str, version: str, raw: bytes) -> None:
        """See :class:`Blobs`."""
        target = self._made(manifest_path(owner, version))
        part = target.with_suffix(".part")
        with disk_errors():
            part.write_bytes(raw)
            sync(part)
        part.rename(target)
        sync(target.parent)

    def manifest(self, owner: str, version: str) -> bytes:
        """See :class:`Blobs`."""
        try:
            return (self.root / manifest_path(owner, version)).read_bytes()
        except FileNotFoundError:
            raise unknown(version) from None

    def stored(self, owner: str) -> Iterator[Entry]:
        """See :class:`Blobs`."""
        return _entries(self.root / check_id(owner, "an owner") / "blobs", "*/*.parquet")

    def manifests(self, owner: str) -> Iterator[Entry]:
        """See :class:`Blobs`."""
        return _entries(self.root / check_id(owner, "an owner") / "manifests", "*")

    def remove(self, owner: str, sha256: str) -> None:
        """See :class:`Blobs`."""
        (self.root / blob_path(owner, sha256)).unlink(missing_ok=True)

    def remove_manifest(self, owner: str, version: str) -> None:
        """See :class:`Blobs`."""
        path = self.root / manifest_path(owner, version)
        path.unlink(missing_ok=True)
        path.with_suffix(".part").unlink(missing_ok=True)

    def room(self, owner: str, files: Mapping[str, int]) -> None:
        """See :class:`Blobs`: what lies here is read where it is."""

    def forget(self, owner: str, needed: Collection[str]) -> None:
        """See :class:`Blobs`: there are no copies of what lies here."""

    def sweeping(self, owner: str, *, alone: bool) -> AbstractContextManager[None]:
        """See :class:`Blobs`."""
        return owner_locked(self.root, owner, alone=alone)

    def _made(self, path: str) -> Path:
        """Return a path whose folders are there, on the disk as well."""
        target = self.root / path
        missing = []
        folder = target.parent
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            sync(folder.parent)
        return target


@contextmanager
def owner_locked(root: Path, owner: str, *, alone: bool) -> Iterator[None]:
    """Hold a lock on an owner's files, with others or ``alone``. It ends with the process."""
    path = root / check_id(owner, "an owner") / "sweep.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@contextmanager
def disk_errors() -> Iterator[None]:
    """Say in a trader's words that there is no room.

    Raises:
        DataError: ``DISK_FULL``.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DataError(
                "there is no room on the disk", code="DISK_FULL",
                hint="Free some, and write the version again: nothing of it was kept.",
            ) from error  # fmt: skip
        raise


def no_room(size: int, free: int, keep_free: int = 0) -> DataError:
    """Return the error of what does not fit on this machine's disk."""
    stays = f", of which {keep_free:,} are to stay free" if keep_free else ""
    return DataError(
        f"there is no room on the disk: {size:,} bytes are needed, and {free:,} are free{stays}",
        code="DISK_FULL",
        hint="Free some of it, or read less.",
    )


def sync(path: Path) -> None:
    """Put a file or a folder's entries on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _entries(folder: Path, pattern: str) -> Iterator[Entry]:
    for path in folder.glob(pattern):
        try:
            yield Entry(path.stem, path.stat().st_mtime)
        except FileNotFoundError:
            continue


def missing(sha256: str) -> DataError:
    """Return the error of a file that is not there."""
    return DataError("a file of the dataset is not in the store", code="MISSING_FILE", where=sha256)


def damaged(what: str, where: str) -> DataError:
    """Return the error of a file, or a manifest, that is not as it was stored."""
    return DataError(
        f"a file of the dataset is damaged: {what}",
        code="DAMAGED_FILE",
        where=where,
        hint="Its bytes are not those that were stored: restore it from a copy.",
    )


def unknown(version: str) -> DataError:
    """Return the error of a version that is not there."""
    return DataError("there is no such version", code="UNKNOWN_VERSION", where=version)

