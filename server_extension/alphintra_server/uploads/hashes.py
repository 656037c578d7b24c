"""The hashes of files that are being received: carried from request to request, where this process saw all of it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

_MOST = 256


class RunningHashes:
    """The SHA-256 of what is there of each upload. What is forgotten is read again at the end."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    def until(self, upload_id: str, offset: int) -> Any:
        """Return a hash of the bytes before an offset that can go on, or ``None``."""
        if offset == 0:
            return hashlib.sha256()
        place, found = self._known.get(upload_id, (-1, None))
        return found.copy() if found is not None and place == offset else None

    def keep(self, upload_id: str, end: int, whole: Any) -> None:
        """Keep a hash for the next request."""
        if whole is not None:
            self._known[upload_id] = (end, whole)
            self._known.move_to_end(upload_id)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)

    def forget(self, upload_id: str) -> None:
        """Drop a hash that nobody needs any more."""
        self._known.pop(upload_id, None)


def sha256_of(path: Path) -> str:
    """Hash a file. It waits for the disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
