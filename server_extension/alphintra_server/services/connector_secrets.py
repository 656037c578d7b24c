"""What connectors know that nobody else does: files of the server's own, which no kernel, job or answer ever has."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_STRAY_SECONDS = 3_600.0


class ConnectorSecrets:
    """The secrets of connectors, each a file that is written once. All methods wait for the disk.

    Args:
        folder: Where they lie; only the server's user gets there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, secret: Mapping[str, Any]) -> str:
        """Write one; its id."""
        secret_id = uuid.uuid4().hex
        file = os.open(self._folder / secret_id, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            json.dump(secret, opened)
            opened.flush()
            os.fsync(opened.fileno())
        return secret_id

    def get(self, secret_id: str | None) -> dict[str, Any]:
        """Read one; of none, nothing.

        Raises:
            FileNotFoundError: It is gone.
        """
        if secret_id is None:
            return {}
        return dict(json.loads((self._folder / secret_id).read_text(encoding="utf-8")))

    def remove(self, secret_id: str | None) -> None:
        """Remove one; none there is no error."""
        if secret_id is not None:
            (self._folder / secret_id).unlink(missing_ok=True)

    def old(self) -> list[str]:
        """List those that were not written just now."""
        before = time.time() - _STRAY_SECONDS
        with os.scandir(self._folder) as entries:
            return [entry.name for entry in entries if entry.stat(follow_symlinks=False).st_mtime < before]
