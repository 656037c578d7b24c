"""Where versions lie in an object store that fsspec reaches: put whole or not at all, read through a cache.

Who may reach it is found by its own client in the environment of this process (for S3 ``AWS_…`` and ``~/.aws``, for
Google ``GOOGLE_APPLICATION_CREDENTIALS``): a process that runs others' code is given files out of the cache, and never
an address.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from alphintra.errors import DataError
from alphintra.store.blobs import Entry, missing, owner_locked, unknown
from alphintra.store.cache import Cache
from alphintra.store.google import connect, has_bucket
from alphintra.store.layout import blob_path, check_id, manifest_path

ATOMIC = ("memory", "s3", "s3a", "gs", "gcs")
"""Where an object is put whole or not at all, and says when: what says not would never be swept."""
_PART = 16 << 20
"""Bytes that come or go at once: what is held in memory of a file."""
_TRIES = 2
"""How often a part is asked for whose connection breaks while it comes."""
_S3 = {"config_kwargs": {"connect_timeout": 5, "read_timeout": 15, "retries": {"total_max_attempts": 2}}}
"""A store that hangs is given up after half a minute: who waits for it holds up others."""
_PUT: dict[str, dict[str, Any]] = {"s3": {"chunksize": _PART, "max_concurrency": 2}, "gs": {"chunksize": _PART}}
_PROBE = "probe"
_log = logging.getLogger(__name__)


class ObjectStore:
    """A store that fsspec reaches; see :class:`~alphintra.store.blobs.Blobs`.

    Every method raises ``DataError`` with ``STORE_FAILED`` where the store cannot be reached, refuses, or breaks off.

    Args:
        address: Such as ``s3://bucket/prefix``.
        cache: Where files lie while they are read.
        locks: A folder that all see who write to this store. Without it a commit and a sweep of one owner may meet.

    Raises:
        DataError: ``BAD_ADDRESS``; ``NOT_INSTALLED`` where the package for it is not.
    """

    def __init__(self, address: str, cache: Cache, locks: Path | None = None) -> None:
        import fsspec

        protocol = address.partition("://")[0]
        if protocol not in ATOMIC or not address.partition("://")[2].strip("/"):
            raise DataError(
                f"a store cannot be at {address}", code="BAD_ADDRESS",
                hint="A folder, or " + ", ".join(f"{name}://…" for name in ATOMIC) + ".",
            )  # fmt: skip
        kind = {"s3a": "s3", "gcs": "gs"}.get(protocol, protocol)
        # Nothing is remembered of what lies there: others put and remove as well.
        options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
        try:
            if kind == "s3":
                options |= _S3 | {"session": _session()}
            if kind == "gs":
                self._files, self._root = connect(**options), address.partition("://")[2]
            else:
                self._files, self._root = fsspec.core.url_to_fs(address, **options)
        except ImportError as error:
            raise DataError(f"{protocol}:// needs a package: {error}", code="NOT_INSTALLED") from error
        if kind == "s3":
            self._files.retries = 1  # botocore tries again by itself: both would multiply
        self._kind, self._put = kind, _PUT.get(kind, {})
        self._cache, self._locks = cache, locks

    def check(self) -> None:
        """Put, read and remove a small object: whether the store can be used.

        Raises:
            DataError: ``STORE_FAILED``.
        """
        name, raw = secrets.token_hex(16), b"{}"
        self.put_manifest(_PROBE, name, raw)
        try:
            if self.manifest(_PROBE, name) != raw:
                raise _failed("it gave back something else than was put there")
        finally:
            self.remove_manifest(_PROBE, name)

    def take(self, owner: str, sha256: str, path: Path) -> None:
        """See :class:`Blobs`."""
        target = self._at(blob_path(owner, sha256))
        size = path.stat().st_size
        with _reaching(), _nowhere():
            self._files.put_file(str(path), target, **self._put)
        if not self.has(owner, sha256, size):
            raise _failed("it did not take a file whole", sha256)
        path.unlink()

    def has(self, owner: str, sha256: str, size: int) -> bool:
        """See :class:`Blobs`."""
        with _reaching():
            try:
                return bool(self._files.info(self._at(blob_path(owner, sha256)))["size"] == size)
            except FileNotFoundError as error:
                self._is_missing(error)
                return False

    def open(self, owner: str, sha256: str, size: int) -> AbstractContextManager[Path]:
        """See :class:`Blobs`."""
        source = self._at(blob_path(owner, sha256))
        return self._cache.open(owner, sha256, size, lambda: self._parts(source, size, missing(sha256)))

    def open_manifest(
        self, owner: str, version: str, sha256: str, size: int
    ) -> AbstractContextManager[Path]:
        """See :class:`Blobs`."""
        source = self._at(manifest_path(owner, version))
        return self._cache.open(owner, sha256, size, lambda: self._parts(source, size, unknown(version)), version)

    def put_manifest(self, owner: str, version: str, raw: bytes) -> None:
        """See :class:`Blobs`."""
        with _reaching(), _nowhere():
            self._files.pipe_file(self._at(manifest_path(owner, version)), raw)

    def manifest(self, owner: str, version: str) -> bytes:
        """See :class:`Blobs`."""
        with _reaching():
            try:
                return bytes(self._files.cat_file(self._at(manifest_path(owner, version))))
            except FileNotFoundError as error:
                self._is_missing(error)
                raise unknown(version) from None

    def stored(self, owner: str) -> Iterator[Entry]:
        """See :class:`Blobs`."""
        return self._entries(f"{check_id(owner, 'an owner')}/blobs")

    def manifests(self, owner: str) -> Iterator[Entry]:
        """See :class:`Blobs`."""
        return self._entries(f"{check_id(owner, 'an owner')}/manifests")

    def remove(self, owner: str, sha256: str) -> None:
        """See :class:`Blobs`: out of the cache as well."""
        self._remove(blob_path(owner, sha256))
        self._cache.remove(owner, sha256)

    def remove_manifest(self, owner: str, version: str) -> None:
        """See :class:`Blobs`."""
        self._remove(manifest_path(owner, version))
        self._cache.remove(owner, version)

    def room(self, owner: str, files: Mapping[str, int]) -> None:
        """See :class:`Blobs`."""
        self._cache.room(owner, files)

    def forget(self, owner: str, needed: Collection[str]) -> None:
        """See :class:`Blobs`."""
        self._cache.forget(owner, needed)

    def sweeping(self, owner: str, *, alone: bool) -> AbstractContextManager[None]:
        """See :class:`Blobs`: an object store has no locks, so one on this machine's disk has to do."""
        return nullcontext() if self._locks is None else owner_locked(self._locks, owner, alone=alone)

    def _parts(self, source: str, size: int, gone: DataError) -> Iterator[bytes]:
        """Yield an object in parts, each asked for again where its connection breaks."""
        for start in range(0, size, _PART):
            with _reaching():
                try:
                    part = self._part(source, start, min(start + _PART, size))
                except FileNotFoundError as error:
                    self._is_missing(error)
                    raise gone from None
            yield part

    def _part(self, source: str, start: int, end: int) -> bytes:
        for left in reversed(range(_TRIES)):
            try:
                return bytes(self._files.cat_file(source, start=start, end=end))
            except (FileNotFoundError, PermissionError, TimeoutError):
                raise
            except Exception as error:
                if not left or "Timeout" in type(error).__name__:
                    raise
                _log.info("A connection to the object store broke: %s", type(error).__name__)
        raise AssertionError("it is tried at least once")

    def _entries(self, folder: str) -> Iterator[Entry]:
        with _reaching():
            try:
                found = self._files.find(self._at(folder), detail=True)
            except FileNotFoundError as error:
                self._is_missing(error)
                return
        for path, about in found.items():
            when = next((about[name] for name in ("LastModified", "created", "mtime") if about.get(name)), None)
            # Of what does not say when it came, nobody knows that it is unused for long.
            modified = time.time() if when is None else when.timestamp() if hasattr(when, "timestamp") else float(when)
            yield Entry(Path(path).stem, modified)

    def _remove(self, path: str) -> None:
        with _reaching():
            try:
                self._files.rm_file(self._at(path))
            except FileNotFoundError as error:
                self._is_missing(error)

    def _is_missing(self, error: FileNotFoundError) -> None:
        """Raise where not the object is missing but its whole bucket."""
        gone = _code_of(error) == " (NoSuchBucket)"
        if self._kind == "gs":  # whose client does not say which is missing
            gone = not has_bucket(self._files, self._root)
        if gone:
            raise _failed("there is no such bucket") from error

    def _at(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}"


def _session() -> Any:
    """Return a session of S3's client that does not ask before it sends: the wait for that answer has no end."""
    import aiobotocore.session
    from botocore.handlers import add_expect_header

    session = aiobotocore.session.get_session()
    session.unregister("before-call.s3", add_expect_header)
    return session


@contextmanager
def _reaching() -> Iterator[None]:
    """Say of whatever a client raises that the store failed; what exactly goes to the log."""
    try:
        yield
    except DataError:
        raise
    except PermissionError as error:
        _log.warning("The object store refused: %s", error)
        raise _failed(f"it refuses what this server asks of it{_code_of(error)}") from error
    except Exception as error:
        _log.warning("The object store failed: %s: %s", type(error).__name__, error)
        name = type(error).__name__
        if "Credential" in name or name == "ProfileNotFound":
            raise _failed(f"there are no credentials for it that could be used ({name})") from error
        raise _failed(f"it cannot be reached, or broke off ({name})") from error


@contextmanager
def _nowhere() -> Iterator[None]:
    """Say where something is put that there is no such place."""
    try:
        yield
    except FileNotFoundError as error:
        raise _failed("there is no such bucket") from error


def _code_of(error: BaseException) -> str:
    """Return S3's own word for an error, in brackets; nothing where there is none."""
    answer = getattr(error.__cause__, "response", None) or {}
    found = str(answer.get("Error", {}).get("Code", ""))
    return f" ({found})" if re.fullmatch("[A-Za-z]{1,64}", found) else ""


def _failed(what: str, where: str = "") -> DataError:
    return DataError(
        f"the object store failed: {what}", code="STORE_FAILED", where=where,
        hint="Try again; if it lasts, whoever runs the server finds more in its log.",
    )  # fmt: skip
