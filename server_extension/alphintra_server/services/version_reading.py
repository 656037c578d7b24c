"""Reading stored versions as a notebook does, through its door: manifests, and ranges of files.

Whether the reader may read is looked up at each request: sharing that ends counts from then on. A deletion admits
nobody new; who has begun to read goes on, as long as they ask now and then.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from math import inf

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import BlobReferenceRow, DatasetVersionRow
from ..db.engine import Database
from ..db.tables import DatasetRow
from ..errors import Gone, Invalid, NotFound
from ..models.versions import VersionNames, VersionRef
from ..sealing.copies import OpenedCopies
from ..sealing.vault import SealedVersion
from ..waiting import in_waiting
from . import dataset_leases
from .dataset_inputs import folder_of, is_sealed
from .dataset_rows import find
from .dataset_storage import DatasetStorage, StoredFile, told
from .manifests import ManifestPlace, Manifests

_RENEWED = dataset_leases.LEASE.total_seconds() / 4
_MOST_TAKEN = 10_000


class VersionReading:
    """What a reader can get of stored versions.

    Args:
        database: Says who may read what.
        storage: Where versions lie.
        copies: Opens sealed ones: a reader gets rows, and no keys.
    """

    def __init__(self, database: Database, storage: DatasetStorage, copies: OpenedCopies) -> None:
        self._copies = copies
        self._database = database
        self._storage = storage
        # When a reader's lease was last taken, so that not every range of a file is a write.
        self._taken: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def versions(self, who: Caller, name: str) -> VersionNames:
        """List the versions of a dataset that can be read, the current one last; none for what ships."""

        def work(session: Session) -> VersionNames:
            row = find(session, who, name)
            query = select(
                DatasetVersionRow.number, DatasetVersionRow.id, DatasetVersionRow.validation_errors
            ).where(DatasetVersionRow.dataset_id == row.id, DatasetVersionRow.state == "ACTIVE")
            current = DatasetVersionRow.id == row.current_version_id
            found = session.execute(query.order_by(current, DatasetVersionRow.number)).all()
            versions = [
                VersionRef(number=number, id=id_, validation_errors=errors or []) for number, id_, errors in found
            ]
            return VersionNames(name=row.name, versions=versions)

        return await self._database.read(work)

    async def manifest(self, who: Caller, version_id: str, holder: str) -> bytes:
        """Read a version's manifest; this reader (``holder``) reads the version from then on.

        Raises:
            Unavailable: It is not the one that was written, or the store failed.
        """

        def work(session: Session) -> tuple[SealedVersion, bool, str]:
            version, sealed = _readable(session, who, version_id, holder)
            dataset_leases.take(session, version_id, holder)
            return version, sealed, session.get_one(DatasetVersionRow, version_id).manifest_sha256

        version, sealed, sha256 = await self._database.write(work)
        self._note_taken(version_id, holder)
        if not sealed:
            place = ManifestPlace(version.owner, version.id, sha256)
            return await in_waiting(Manifests(self._storage).bytes_of, place)
        async with self._copies.hold(version, who.user_id) as copy:
            assert copy.manifest is not None
            return await asyncio.to_thread(copy.read, copy.manifest, 0, copy.manifest.bytes)

    async def part(
        self, who: Caller, version_id: str, sha256: str, start: int, count: int, holder: str
    ) -> bytes:
        """Read a range of a file of a version, whole.

        Raises:
            Invalid: The range does not lie in the file.
            Unavailable: The store failed.
        """

        def work(session: Session) -> tuple[SealedVersion, StoredFile | None]:
            """Return the version, and its file where that lies open in the store."""
            version, sealed = _readable(session, who, version_id, holder)
            if sealed:
                return version, None
            reference = session.get(BlobReferenceRow, (version_id, sha256))
            if reference is None:
                raise _no_file(sha256)
            return version, StoredFile(self._storage, version.owner, sha256, reference.bytes)

        version, stored = await self._database.read(work)
        if time.monotonic() - self._taken.get((version_id, holder), -inf) > _RENEWED:
            await self._database.write(lambda session: dataset_leases.take(session, version_id, holder))
            self._note_taken(version_id, holder)
        if stored is not None:
            _refuse_beyond(start + count, stored.size)
            with told():
                return await in_waiting(_read, stored, start, count)
        async with self._copies.hold(version, who.user_id) as copy:
            file = copy.files.get(sha256)
            if file is None:
                raise _no_file(sha256)
            _refuse_beyond(start + count, file.bytes)
            return await asyncio.to_thread(copy.read, file, start, count)

    def _note_taken(self, version_id: str, holder: str) -> None:
        self._taken[version_id, holder] = time.monotonic()
        self._taken.move_to_end((version_id, holder))
        while len(self._taken) > _MOST_TAKEN:
            self._taken.popitem(last=False)


def _no_file(sha256: str) -> NotFound:
    return NotFound(f"The version has no file {sha256}.")


def _refuse_beyond(stop: int, size: int) -> None:
    if stop > size:
        raise Invalid.field("bytes", f"the file has {size:,} bytes")


def _readable(session: Session, who: Caller, version_id: str, holder: str) -> tuple[SealedVersion, bool]:
    """Return where a version lies, if the caller may read it, and whether it is sealed.

    A reader who has begun (``holder``) goes on while it is being deleted.
    """
    version = session.get(DatasetVersionRow, version_id)
    dataset = None if version is None else session.get(DatasetRow, version.dataset_id)
    if version is None or dataset is None or dataset.user_id is None:
        raise NotFound(f"There is no version {version_id}.", code="UNKNOWN_VERSION")
    try:
        find(session, who, dataset.id)
    except NotFound:
        raise NotFound(f"There is no version {version_id}.", code="UNKNOWN_VERSION") from None
    except Gone:
        if dataset.state == "DELETED" or not dataset_leases.holds(session, version_id, holder):
            raise
    return SealedVersion(version.id, folder_of(session, dataset), version.manifest_sha256), is_sealed(version)


def _read(stored: StoredFile, start: int, count: int) -> bytes:
    with stored.open() as path:
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise Gone("The version was deleted.", code="DATASET_DELETED") from None
        try:
            parts = []
            while count and (part := os.pread(file, count, start)):
                parts.append(part)
                start, count = start + len(part), count - len(part)
        finally:
            os.close(file)
    return b"".join(parts)
