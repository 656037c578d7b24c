"""Where datasets and uploads lie on the disk."""

from __future__ import annotations

from pathlib import Path

from alphintra.store.blobs import Folder
from alphintra.store.layout import blob_path, manifest_path

from ..crash_points import reached


class DatasetStorage(Folder):
    """The store of all users' datasets: a folder beside the database.

    Args:
        data_dir: The server's folder.
    """

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir / "datasets")
        self.uploads = data_dir / "uploads"

    def upload(self, upload_id: str) -> Path:
        """Return where a file lies that was uploaded."""
        return self.uploads / upload_id

    def blob(self, owner: str, sha256: str) -> Path:
        """Return where a file of a version lies."""
        return self.root / blob_path(owner, sha256)

    def manifest_file(self, owner: str, version: str) -> Path:
        """Return where a version's manifest lies."""
        return self.root / manifest_path(owner, version)

    def take(self, owner: str, sha256: str, path: Path) -> None:
        """See :class:`~alphintra.store.blobs.Blobs`."""
        super().take(owner, sha256, path)
        reached("in_commit")

    def put_manifest(self, owner: str, version: str, raw: bytes) -> None:
        """See :class:`~alphintra.store.blobs.Blobs`."""
        super().put_manifest(owner, version, raw)
        reached("after_manifest")
