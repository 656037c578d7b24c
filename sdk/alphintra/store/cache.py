"""Copies of an object store's files on this machine: named by their hash, bounded in bytes, shared by processes."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from alphintra.errors import DataError
from alphintra.store.blobs import disk_errors, no_room
from alphintra.store.layout import check_id, check_sha256

MOST_BYTES = 20 << 30
_LOCK = "lock"
_PART = ".part"
_REMEMBERED = 60.0
"""Seconds after which nobody waits any more who began to before a fetch failed."""


class Cache:
    """A folder of files that were fetched, the least recently used ones leaving first.

    A file that is read is locked, so no process takes it away meanwhile: what is being read may exceed the bound. Equal
    files of two owners are two here as well: how fast one comes tells nobody what another has.

    Args:
        folder: Where; made if it is not there.
        most_bytes: How much it holds.
        keep_free: Bytes of the disk that stay free.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES, keep_free: int = 0) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._most, self._keep_free = most_bytes, keep_free
        self._failed: dict[str, tuple[float, DataError]] = {}

    @contextmanager
    def open(
        self, owner: str, sha256: str, size: int, fetch: Callable[[], Iterable[bytes]], name: str | None = None
    ) -> Iterator[Path]:
        """Hold a file, fetched first where it is not here.

        Args:
            owner: Whose it is.
            sha256: Hash of its bytes.
            size: Its bytes.
            fetch: Gives its bytes in parts. Whoever wants the same file meanwhile waits for it, and shares its failure.
            name: What it is called here, an id; left out, its hash.

        Raises:
            DataError: ``DAMAGED_FILE`` where what was fetched has another hash or size; ``CACHE_TOO_SMALL``;
                ``DISK_FULL``.
        """
        path = self._at(owner, name or check_sha256(sha256))
        while True:
            if not path.exists():
                self._fetch(path, sha256, size, fetch)
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

    def room(self, owner: str, files: Mapping[str, int]) -> None:
        """Have room on the disk for files that are read together, before the first of them is fetched.

        What was used longest ago leaves for it. They may exceed the bound, as all that is being read.

        Args:
            owner: Whose they are.
            files: What each is called here, and its bytes.

        Raises:
            DataError: ``DISK_FULL``, with how much is needed and how much is free.
        """
        paths = {self._at(owner, name): size for name, size in files.items()}
        with self._alone():
            needed = sum(size for path, size in paths.items() if not path.exists())
            if needed:
                self._make_room(needed, together=paths)

    def remove(self, owner: str, name: str) -> None:
        """Remove a file that nobody needs any more; one that is read stays until there is no room for it."""
        _remove_if_free(self._at(owner, name))

    def forget(self, owner: str, needed: Collection[str]) -> None:
        """Remove all files of an owner but those of these names; one that is read, or comes just now, stays."""
        begins = f"{check_id(owner, 'an owner')}."
        for path in self._folder.glob(f"{begins}*"):
            name = path.name.removeprefix(begins)
            if name not in needed and not name.endswith(_PART):
                _remove_if_free(path)

    def _at(self, owner: str, name: str) -> Path:
        return self._folder / f"{check_id(owner, 'an owner')}.{check_id(name, 'a file')}"

    def _fetch(self, path: Path, sha256: str, size: int, fetch: Callable[[], Iterable[bytes]]) -> None:
        if size > self._most:
            raise DataError(
                f"a file of {size:,} bytes does not fit the cache of {self._most:,}", code="CACHE_TOO_SMALL",
                hint="Make the cache larger.",
            )  # fmt: skip
        part, begun = path.with_name(path.name + _PART), time.monotonic()
        # Up to its name a part is held: room is made of those that nobody holds any more.
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as mine:
            fcntl.flock(mine, fcntl.LOCK_EX)
            if not _is_at(mine.fileno(), part):  # whoever fetched it meanwhile is done with it
                self._share(path, begun)
                return
            if path.exists():
                part.unlink()
                return
            try:
                with disk_errors():
                    self._reserve(mine.fileno(), size)
                    _fill(mine.fileno(), sha256, size, fetch())
            except BaseException as error:
                if isinstance(error, DataError):
                    self._remember(path, error)
                part.unlink(missing_ok=True)
                raise
            part.rename(path)

    def _share(self, path: Path, begun: float) -> None:
        """Fail as the fetch did that was waited for: in turn each would wait as long for a store that hangs."""
        when, error = self._failed.get(path.name, (0.0, None))
        if error is not None and when >= begun:
            raise DataError(error.message, code=error.code, hint=error.hint, where=error.where)

    def _remember(self, path: Path, error: DataError) -> None:
        now = time.monotonic()
        for name, (when, _) in list(self._failed.items()):
            if now - when > _REMEMBERED:
                self._failed.pop(name, None)
        self._failed[path.name] = now, error

    def _reserve(self, descriptor: int, size: int) -> None:
        """Make room for a file and take it, before another does."""
        with self._alone():
            os.ftruncate(descriptor, 0)
            self._make_room(size)
            if size:
                _take(descriptor, size)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / _LOCK).open("ab") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            yield

    def _make_room(self, size: int, together: Collection[Path] = ()) -> None:
        """Remove what was not used for longest until ``size`` bytes fit: on the disk, and one file within the bound.

        Files that are read ``together`` do not leave for each other, and may exceed the bound.
        """
        found = []
        for entry in os.scandir(self._folder):
            try:
                about = entry.stat()
            except FileNotFoundError:
                continue
            if entry.name != _LOCK:
                found.append((about.st_mtime_ns, about.st_size, Path(entry.path), about.st_nlink))
        over = 0 if together else sum(length for _, length, *_ in found) + size - self._most
        short = size + self._keep_free - shutil.disk_usage(self._folder).free
        # What has a second name, in a worker's folder, leaves no room behind it.
        may_go = [own for own in sorted(found) if own[2] not in together]
        hopeless = short > sum(length for _, length, _, names in may_go if names == 1)
        for _, length, path, names in may_go:
            helps = over > 0 or (short > 0 and names == 1 and not hopeless)
            if (helps or path.name.endswith(_PART)) and _remove_if_free(path):
                over -= length
                short -= length if names == 1 else 0
        if short > 0:
            raise no_room(size, shutil.disk_usage(self._folder).free, self._keep_free)


def _take(descriptor: int, size: int) -> None:
    """Take a file's room on the disk; where the file system cannot promise it, its length alone."""
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            raise
        os.ftruncate(descriptor, size)


def _fill(descriptor: int, sha256: str, size: int, parts: Iterable[bytes]) -> None:
    """Write a file of which everything is known beforehand."""
    found, at = hashlib.sha256(), 0
    for part in parts:
        if at + len(part) > size:
            raise _damaged(sha256)
        found.update(part)
        os.pwrite(descriptor, part, at)
        at += len(part)
    if at != size or found.hexdigest() != sha256:
        raise _damaged(sha256)
    os.fchmod(descriptor, 0o444)
    os.fsync(descriptor)


def _damaged(sha256: str) -> DataError:
    return DataError(
        "a file came from the store damaged", code="DAMAGED_FILE", where=sha256,
        hint="Its bytes there are not those that were stored: restore it from a copy.",
    )  # fmt: skip


def _remove_if_free(path: Path) -> bool:
    """Remove a file that nobody holds."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_at(file.fileno(), path):  # another has come there meanwhile, which may be held
                return False
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
