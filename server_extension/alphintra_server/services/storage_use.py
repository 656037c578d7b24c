"""What a user's files take: counted when it is asked for, so that no counter can be off."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..db.dataset_tables import BlobReferenceRow, UploadRow


@dataclass(frozen=True)
class StorageUse:
    """Bytes of one user.

    Attributes:
        datasets: Of the files of their datasets' versions, each once.
        uploads: Of the files that they sent and that are still here, or on their way.
    """

    datasets: int
    uploads: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.datasets + self.uploads


def storage_used(session: Session, user_id: str) -> StorageUse:
    """Count what a user's files take."""
    files = (
        select(BlobReferenceRow.sha256, func.max(BlobReferenceRow.bytes).label("bytes"))
        .where(BlobReferenceRow.user_id == user_id)
        .group_by(BlobReferenceRow.sha256)
        .subquery()
    )
    datasets = session.scalar(select(func.coalesce(func.sum(files.c.bytes), 0)))
    uploads = session.scalar(
        select(func.coalesce(func.sum(UploadRow.length), 0)).where(UploadRow.user_id == user_id, UploadRow.kept)
    )
    return StorageUse(int(datasets or 0), int(uploads or 0))
