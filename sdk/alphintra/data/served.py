"""A trader's own datasets as a notebook's process finds them: through the door to its server, a range at a time.

The server looks at each request whether the reader may still read. Nothing of a file is kept here.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import quote, urlencode

from alphintra import _door
from alphintra.errors import DataError, ServerError

if TYPE_CHECKING:
    from alphintra.store.manifest import DataFile, SideFile
    from alphintra.store.reading import Version

MOST_BYTES = 8 << 20
"""Bytes of one request."""
_NAMES = 100
_GONE = ("UNKNOWN_DATASET", "UNKNOWN_VERSION", "DATASET_DELETED")


@dataclass(frozen=True)
class DoorSource:
    """Versions that the server behind this process's door has."""

    def names(self) -> list[str]:
        """Return the first names of datasets, sorted: to suggest one."""
        found = _door.ask("GET", f"/v1/datasets?limit={_NAMES}")
        return sorted(str(item["name"]) for item in found["items"])

    def versions(self, name: str) -> list[str]:
        """See :class:`alphintra.data.sources.VersionSource`."""
        return list(self._found(name))

    def open(self, name: str, version: str) -> Version:
        """See :class:`alphintra.data.sources.VersionSource`."""
        from alphintra.store import manifest as manifests
        from alphintra.store.reading import Version

        found = self._found(name)[version]
        identity = str(found["id"])
        with _said_of_data(name):
            raw = _door.fetch(f"/v1/versions/{quote(identity)}/manifest")
        errors = tuple(str(error) for error in found.get("validation_errors", ()))
        return Version(manifests.from_json(raw), DoorFiles(identity), open_errors=errors)

    def _found(self, name: str) -> dict[str, dict[str, Any]]:
        """Return what the server says of the versions, by their numbers; none where it has no such dataset."""
        try:
            found = _door.ask("GET", f"/v1/versions?{urlencode({'name': name})}")
        except ServerError as error:
            if error.code in _GONE:
                return {}
            raise
        return {str(item["number"]): item for item in found["versions"]}


@dataclass(frozen=True)
class DoorFiles:
    """The files of a version behind the door.

    Attributes:
        version: Its id.
    """

    version: str

    @contextmanager
    def open(self, file: DataFile | SideFile) -> Iterator[BinaryIO]:
        """Hold a file as one that is read by ranges."""
        with DoorBlob(self.version, file.sha256, file.bytes) as opened:
            yield cast("BinaryIO", opened)


class DoorBlob(io.RawIOBase):
    """A stored file behind the door, read by ranges.

    Args:
        version: Id of the version that it belongs to.
        sha256: Its name.
        size: Its bytes.
    """

    def __init__(self, version: str, sha256: str, size: int) -> None:
        self._path = f"/v1/versions/{quote(version)}/files/{sha256}"
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"a place before the beginning: {start + offset}")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the place on, with fewer bytes at the file's end only."""
        view = memoryview(buffer).cast("B")
        wanted = max(min(len(view), self._size - self._at), 0)
        done = 0
        while done < wanted:
            count = min(wanted - done, MOST_BYTES)
            with _said_of_data(self._path):
                part = _door.fetch(f"{self._path}?start={self._at}&bytes={count}")
            if len(part) != count:
                raise DataError("the server sent another part of a file than was asked for", code="DAMAGED_FILE")
            view[done : done + count] = part
            done += count
            self._at += count
        return done

    def readall(self) -> bytes:
        """Read the rest."""
        found = bytearray(max(self._size - self._at, 0))
        self.readinto(found)
        return bytes(found)


@contextmanager
def _said_of_data(where: str) -> Iterator[None]:
    """Say that a version is gone in the words in which any other source says it."""
    try:
        yield
    except ServerError as error:
        if error.code not in _GONE:
            raise
        hint = "It was deleted, or is no longer shared."
        raise DataError(error.message, code=error.code, where=where, hint=hint) from error
