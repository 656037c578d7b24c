"""A version that was written comes into the store: everything is checked, then every file, then the manifest.

Who wrote it is not trusted: what the manifest says is bounded, each file has to have the size and the hash it is named
by. Killed at any instant, the store has either the manifest with all its files, or no manifest; what is left then is
finished by doing it again, or swept.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from alphintra.errors import DataError
from alphintra.store import manifest as manifests
from alphintra.store.blobs import Blobs
from alphintra.store.hashing import THREADS
from alphintra.store.layout import MANIFEST, file_name
from alphintra.store.manifest import Manifest


def check(folder: Path, version: str) -> Manifest:
    """Read the manifest of a version that was written, as one that nobody has checked yet.

    Args:
        folder: The folder it was written to.
        version: Id that the version has to have.

    Raises:
        DataError: ``BAD_MANIFEST``.
    """
    with _regular(folder / MANIFEST) as descriptor, os.fdopen(os.dup(descriptor), "rb") as file:
        raw = file.read(manifests.MOST_BYTES + 1)
    found = manifests.from_json(raw)
    if found.version != version:
        raise DataError(
            f"the manifest is of version {found.version}", code="BAD_MANIFEST", where=version
        )
    return found


@contextmanager
def commit(blobs: Blobs, owner: str, folder: Path, version: str, most_bytes: int | None = None) -> Iterator[Manifest]:
    """Put a version into a store; within the ``with``, the caller records it.

    Nothing is swept while the ``with`` lasts. The row that the caller writes is the point from which the version is
    there; without it, its files and its manifest are swept. Whoever wrote into ``folder`` has ended before: a process
    that still holds one of its files could change it afterwards.

    Args:
        blobs: The store.
        owner: Whose it is.
        folder: What was written, on the file system of a store that is a folder. Its files are gone afterwards.
        version: Id that the version has to have.
        most_bytes: Most bytes that the files in ``folder`` may have together; those of a parent are in the store.

    Yields:
        The manifest, checked.

    Raises:
        DataError: ``BAD_MANIFEST``; ``DAMAGED_FILE`` where a file is not what the manifest says; ``TOO_LARGE``.
    """
    found = check(folder, version)
    wanted = {file.sha256: file.bytes for file in found.files} | {file.sha256: file.bytes for file in found.sides}
    here = {sha256: size for sha256, size in wanted.items() if os.path.lexists(folder / file_name(sha256))}
    if most_bytes is not None and sum(here.values()) > most_bytes:
        raise DataError(f"the version adds {sum(here.values()):,} bytes, and {most_bytes:,} are left", code="TOO_LARGE")
    with blobs.sweeping(owner, alone=False):
        for sha256, size in wanted.items():
            if sha256 not in here and not blobs.has(owner, sha256, size):
                raise _damaged("it was not written, nor is it in the store", sha256)
        with ThreadPoolExecutor(THREADS) as threads:
            for _ in threads.map(lambda own: _check_file(folder / file_name(own[0]), *own), here.items()):
                pass
        for sha256 in here:
            blobs.take(owner, sha256, folder / file_name(sha256))
        blobs.put_manifest(owner, version, found.to_json())
        yield found


def _check_file(path: Path, sha256: str, size: int) -> None:
    with _regular(path) as descriptor:
        if os.fstat(descriptor).st_size != size:
            raise _damaged("it has another size", sha256)
        with os.fdopen(os.dup(descriptor), "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise _damaged("it has another hash", sha256)


@contextmanager
def _regular(path: Path) -> Iterator[int]:
    """Open a file that is one, of one name: no link to something else, no pipe that blocks."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _damaged("it cannot be opened", path.name) from error
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
            raise _damaged("it is no plain file", path.name)
        yield descriptor
    finally:
        os.close(descriptor)


def _damaged(what: str, where: str) -> DataError:
    return DataError(f"a file of the version is not what its manifest says: {what}", code="DAMAGED_FILE", where=where)
