"""What nobody needs any more leaves the store: folders whose writer is gone, files and manifests without a row."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from alphintra.store.blobs import Blobs
from alphintra.store.layout import check_id, staging_path

UNUSED_SECONDS = 86_400.0
"""How long a file without a reference stays: a commit may be on its way to refer to it."""
_LOCK = ".lock"
Remove = Callable[[Path], object]


@dataclass(frozen=True)
class Swept:
    """What a sweep removed.

    Attributes:
        staging: Folders whose writer is gone.
        files: Files that no version refers to.
        manifests: Manifests of no version.
    """

    staging: int
    files: int
    manifests: int


@contextmanager
def lease(root: Path, owner: str, remove: Remove = shutil.rmtree) -> Iterator[Path]:
    """Make a folder to write into, and remove it at the end; a sweep leaves it alone while this process lives.

    What cannot be removed is left to the next sweep.

    Args:
        root: The store's folder, or with an object store a folder of this machine.
        owner: Whose it is.
        remove: Removes a folder; one that a worker wrote to needs a way that no depth and no modes stop.
    """
    folder = root / staging_path(owner, secrets.token_hex(16))
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(folder.name + _LOCK)
    with lock.open("xb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        folder.mkdir()
        try:
            yield folder
        finally:
            if _removed(folder, remove):
                lock.unlink(missing_ok=True)


def sweep(
    blobs: Blobs,
    root: Path,
    owner: str,
    referenced: Callable[[], tuple[Collection[str], Collection[str]]],
    *,
    unused_seconds: float = UNUSED_SECONDS,
    remove: Remove = shutil.rmtree,
) -> Swept:
    """Remove what nobody needs, from the store and from this machine's copies of it.

    Args:
        blobs: The store.
        root: Where its staging folders are.
        owner: Whose files.
        referenced: Returns the SHA-256 of every file that a version of theirs refers to, and the ids of their
            versions. It is asked while no commit is on its way.
        unused_seconds: How old a file without reference has to be.
        remove: As of :func:`lease`.
    """
    before = time.time() - unused_seconds
    with blobs.sweeping(owner, alone=True):
        hashes, versions = referenced()
        # Copies as well that another machine's sweep knew nothing of, or that were read when their file went.
        blobs.forget(owner, {*hashes, *versions})
        manifests = [e.name for e in blobs.manifests(owner) if e.name not in versions and e.modified <= before]
        for name in manifests:  # first: a manifest is never without its files
            blobs.remove_manifest(owner, name)
        files = [e.name for e in blobs.stored(owner) if e.name not in hashes and e.modified <= before]
        for name in files:
            blobs.remove(owner, name)
    return Swept(_sweep_staging(root, owner, remove), len(files), len(manifests))


def _sweep_staging(root: Path, owner: str, remove: Remove) -> int:
    removed = 0
    staging = root / check_id(owner, "an owner") / "staging"
    if not staging.is_dir():
        return 0
    for lock in sorted(staging.glob("*" + _LOCK)):
        try:
            with lock.open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Between its making and its lock a lease is a file of no age: its writer may be about to take it.
                folder = lock.with_name(lock.name.removesuffix(_LOCK))
                if not folder.exists() and time.time() - os.fstat(held.fileno()).st_mtime < 60:
                    continue
                if _removed(folder, remove):
                    lock.unlink(missing_ok=True)
                    removed += 1
        except (BlockingIOError, FileNotFoundError):
            continue
    return removed


def _removed(folder: Path, remove: Remove) -> bool:
    """Remove a folder; tell whether it is gone."""
    with suppress(OSError):
        remove(folder)
    return not folder.exists()
