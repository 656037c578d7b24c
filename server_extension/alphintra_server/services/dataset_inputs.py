"""What a job gets of users' datasets: the files of the very versions that it reads, and an index of their names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alphintra.data.sources import INDEX, INDEX_FORMAT
from alphintra.store.layout import MANIFEST, blob_path, file_name, manifest_path
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import BlobReferenceRow, DatasetVersionRow, StorageAccountRow
from ..db.tables import DatasetRow, unique_name
from ..errors import Conflict, Gone
from ..jobs.worker_home import Link
from ..sealing.vault import SealedVersion
from .dataset_rows import Level, find
from .dataset_storage import DatasetStorage, StoredFile
from .selections import Selection, select_for_run

NOT_ADDED = "no rows are added to it. Upload all of them as its next version."
FOLDER = "datasets"
"""Below ``in`` of a worker's folder."""


@dataclass(frozen=True)
class SealedInput:
    """A sealed version that a worker gets opened.

    Attributes:
        version: Which.
        folder: Where its files go below ``in``.
        store: Whether they lie there as in a store, and else side by side.
    """

    version: SealedVersion
    folder: str
    store: bool

    def manifest(self) -> str:
        """Return where its manifest goes."""
        own = self.version
        return f"{self.folder}/{manifest_path(own.owner, own.id) if self.store else MANIFEST}"

    def blob(self, sha256: str) -> str:
        """Return where a file goes."""
        return f"{self.folder}/{blob_path(self.version.owner, sha256) if self.store else file_name(sha256)}"


@dataclass
class Inputs:
    """What a worker gets of datasets.

    Attributes:
        texts: Path below ``in`` → text.
        links: Path below ``in`` → a file of the store. It stays readable until the worker has ended, whoever deletes
            the version meanwhile.
        sealed: Versions that are opened for it.
    """

    texts: dict[str, str] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    sealed: tuple[SealedInput, ...] = ()

    def add(self, session: Session, storage: DatasetStorage, owner: str, version: DatasetVersionRow, folder: str,
            *, store: bool = False) -> Inputs:  # fmt: skip
        """Add the files of a version, without a name; returns itself.

        Args:
            session: The transaction.
            storage: Where they lie.
            owner: The owner's folder there.
            version: Which version.
            folder: Where to, below ``in``.
            store: Whether they lie there as in a store.
        """
        own = SealedInput(SealedVersion(version.id, owner, version.manifest_sha256), folder, store)
        if is_sealed(version):
            self.sealed = (*self.sealed, own)
            return self
        manifest, files = stored_files(session, storage, owner, version)
        self.links |= {own.manifest(): manifest, **{own.blob(file.sha256): file for file in files}}
        return self


def is_sealed(version: DatasetVersionRow) -> bool:
    """Tell whether the files of a version are encrypted."""
    return bool(version.about.get("sealed"))


def current_is_sealed(session: Session, owner_id: str, name: str) -> bool:
    """Tell whether the current version of a user's dataset is sealed: whoever says nothing makes the next one so."""
    query = select(DatasetVersionRow).where(
        DatasetVersionRow.id == DatasetRow.current_version_id, DatasetRow.unique_name == unique_name(owner_id, name)
    )
    found = session.scalars(query).first()
    return found is not None and is_sealed(found)


def refuse_sealed(dataset: DatasetRow, version: DatasetVersionRow, what: str) -> None:
    """Refuse to do with a sealed version what would leave values of it in the open.

    Args:
        dataset: Whose version.
        version: Which.
        what: What is not done, and what to do instead, as the end of a sentence.

    Raises:
        Conflict: ``SEALED``.
    """
    if is_sealed(version):
        raise Conflict(f"Version {version.number} of {dataset.name} is sealed: {what}", code="SEALED")


def readable(
    session: Session, user_id: str, selection: Selection, benchmark: str | None, features: Mapping[str, str]
) -> list[Selection]:
    """Return what a run reads, checked once more for whom it runs: sharing may have ended while it waited.

    Args:
        session: The transaction.
        user_id: For whom it runs.
        selection: What it trades.
        benchmark: What it is compared with.
        features: What it reads beside that, by field of the request.

    Raises:
        ServiceError: Something is not there any more, or not for them.
    """
    who = Caller(user_id, ())
    if selection.version is not None:
        find(session, who, selection.row.id, Level.USE)
    found = [selection]
    if benchmark is not None:
        found.append(select_for_run(session, who, benchmark, "benchmark"))
    found += [select_for_run(session, who, reference, field) for field, reference in features.items()]
    return found


def inputs(session: Session, storage: DatasetStorage, selections: Iterable[Selection]) -> Inputs:
    """Return what a worker gets of the versions that a run reads, with an index of their names.

    Raises:
        Gone: A version was deleted before the job began.
    """
    index: dict[str, Any] = {}
    found = Inputs()
    for selection in selections:
        version = selection.version
        if version is None:
            continue
        if version.state != "ACTIVE" or selection.row.state != "ACTIVE":
            raise Gone(f"{selection.name} was deleted before the job began.", code="DATASET_DELETED")
        _named(session, storage, found, index, selection.row.name, selection.row, version)
    return _indexed(found, index)


def joined(
    session: Session, storage: DatasetStorage, versions: Mapping[str, tuple[DatasetRow, DatasetVersionRow]]
) -> Inputs:
    """Return what a worker gets of versions that a recipe joins, by the names that it has for them (``name@3``)."""
    index: dict[str, Any] = {}
    found = Inputs()
    for name, (dataset, version) in versions.items():
        _named(session, storage, found, index, name.rpartition("@")[0], dataset, version)
    return _indexed(found, index)


def stored_files(
    session: Session, storage: DatasetStorage, owner: str, version: DatasetVersionRow
) -> tuple[StoredFile, list[StoredFile]]:
    """Return a version's manifest, and its files, as they are stored."""
    needed = select(BlobReferenceRow.sha256, BlobReferenceRow.bytes).where(BlobReferenceRow.version_id == version.id)
    files = [StoredFile(storage, owner, sha256, size) for sha256, size in session.execute(needed)]
    return StoredFile(storage, owner, version.manifest_sha256, version.manifest_bytes, version.id), files


def folder_of(session: Session, dataset: DatasetRow) -> str:
    """Return where the files of a user's dataset lie."""
    assert dataset.user_id is not None
    return session.get_one(StorageAccountRow, dataset.user_id).folder


def _named(
    session: Session,
    storage: DatasetStorage,
    found: Inputs,
    index: dict[str, Any],
    name: str,
    dataset: DatasetRow,
    version: DatasetVersionRow,
) -> None:
    """Add a version, and put it into an index under a name."""
    owner = folder_of(session, dataset)
    entry = index.setdefault(name, {"owner": owner, "versions": []})
    pair = [str(version.number), version.id]
    if pair not in entry["versions"]:
        entry["versions"] = sorted([*entry["versions"], pair], key=lambda item: int(item[0]))
        found.add(session, storage, owner, version, FOLDER, store=True)


def _indexed(found: Inputs, datasets: dict[str, Any]) -> Inputs:
    if datasets:
        found.texts[f"{FOLDER}/{INDEX}"] = json.dumps({"format": INDEX_FORMAT, "datasets": datasets})
    return found
