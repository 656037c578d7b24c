"""Keys of sealed versions in a folder, for tests that have no server."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from alphintra.errors import DataError
from alphintra.store.blobs import sync
from alphintra.store.layout import check_id


class KeyFolder:
    """A key service of one machine: a key a file, in a folder that only the server's account reads.

    Taking a key away makes its file unreadable for good, wherever copies of it lie.

    Args:
        folder: Made with rights for its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def wrap(self, key: bytes, context: str) -> str:
        """Keep a key; return a word for it."""
        word = secrets.token_hex(16)
        made = os.open(self._folder / word, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "wb") as file:
            file.write(key + context.encode())
            file.flush()
            os.fsync(file.fileno())
        sync(self._folder)
        return word

    def unwrap(self, wrapped: str, context: str) -> bytes:
        """Return the key of a word."""
        try:
            raw = (self._folder / check_id(wrapped, "a key")).read_bytes()
        except FileNotFoundError:
            raw = b""
        if raw[32:] != context.encode() or len(raw) < 32:
            raise DataError("there is no key for this file", code="SEALED", where=context)
        return raw[:32]

    def forget(self, wrapped: str) -> None:
        """Take a key away."""
        (self._folder / check_id(wrapped, "a key")).unlink(missing_ok=True)
