"""Copies of an object store's files on this machine: named by their hash, bounded in bytes, shared by processes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alphintra.errors import DataError
from alphintra.store.layout import check_sha256

MOST_BYTES = 20 << 30
_PART = ".part"


class Cache:
    """A folder of files that were fetched, the least recently used ones leaving first.

    A file that is read is locked, so no process takes it away meanwhile.

    Args:
        folder: Where; made if it is not there.
        most_bytes: How much it holds.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._most = most_bytes

    @contextmanager
    def open(self, sha256: str, size: int, fetch: Callable[[Path], None]) -> Iterator[Path]:
        """Hold a file, fetched first where it is not here.

        Args:
            sha256: Hash of its bytes, and its name.
            size: Its bytes.
            fetch: Writes it to a path.

        Raises:
            DataError: What was fetched has another hash; the file is larger than the cache.
        """
        path = self._folder / check_sha256(sha256)
        while True:
            if not path.exists():
                self._fetch(path, size, fetch)
            try:
                held = path.open("rb")
            except FileNotFoundError:  # another process made room in between
                continue
            with held:
                fcntl.flock(held, fcntl.LOCK_SH)
                if not _is_at(held.fileno(), path):
                    continue
                os.utime(path)
                yield path
                return

    def _fetch(self, path: Path, size: int, fetch: Callable[[Path], None]) -> None:
        if size > self._most:
            raise DataError(
                f"a file of {size:,} bytes does not fit the cache of {self._most:,}", code="CACHE_TOO_SMALL",
                hint="Make the cache larger.",
            )  # fmt: skip
        self._make_room(size)
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}{_PART}")
        try:
            with part.open("wb") as mine:
                # Room is made of parts that nobody holds any more: up to its name a part is held.
                fcntl.flock(mine, fcntl.LOCK_SH)
                fetch(part)
                with part.open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
                if found != path.name or part.stat().st_size != size:
                    raise DataError("a file came from the store damaged", code="DAMAGED_FILE", where=path.name)
                part.rename(path)
        finally:
            part.unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        """Remove what was not used for longest until a file of ``size`` bytes fits."""
        found = []
        for entry in os.scandir(self._folder):
            try:
                about = entry.stat()
            except FileNotFoundError:
                continue
            found.append((about.st_mtime_ns, about.st_size, Path(entry.path)))
        held = sum(length for _, length, _ in found)
        for _, length, path in sorted(found):
            if held + size <= self._most and not path.name.endswith(_PART):
                continue
            if _remove_if_free(path):
                held -= length


def _remove_if_free(path: Path) -> bool:
    """Remove a file that nobody holds."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Tell whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
