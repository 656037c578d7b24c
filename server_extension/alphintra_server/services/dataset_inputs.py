"""What a job gets of users' datasets: the files of the very versions that it reads, and an index of their names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from alphintra.data.sources import INDEX, INDEX_FORMAT
from alphintra.store.layout import MANIFEST, blob_path, file_name, manifest_path
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import BlobReferenceRow, DatasetVersionRow, StorageAccountRow
from ..db.tables import DatasetRow
from ..errors import Gone
from .dataset_rows import Level, find
from .dataset_storage import DatasetStorage, StoredFile
from .selections import Selection, select_for_run

FOLDER = "datasets"
"""Below ``in`` of a worker's folder."""


def readable(
    session: Session, user_id: str, selection: Selection, benchmark: str | None, features: Mapping[str, str]
) -> list[Selection]:
    """Return what a run reads, checked once more for whom it runs: sharing may have ended while it waited.

    Args:
        session: The transaction.
        user_id: For whom it runs.
        selection: What it trades.
        benchmark: What it is compared with.
        features: What its strategy reads beside that, by field of the request.

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


def inputs(
    session: Session, storage: DatasetStorage, selections: Iterable[Selection]
) -> tuple[dict[str, str], dict[str, StoredFile]]:
    """Return what a worker gets: texts, and files that are linked, by path below ``in``.

    A linked file stays readable until the worker has ended, whoever deletes the version meanwhile.

    Raises:
        Gone: A version was deleted before the job began.
    """
    index: dict[str, Any] = {}
    links: dict[str, StoredFile] = {}
    for selection in selections:
        version = selection.version
        if version is None:
            continue
        if version.state != "ACTIVE" or selection.row.state != "ACTIVE":
            raise Gone(f"{selection.name} was deleted before the job began.", code="DATASET_DELETED")
        links |= _named(session, storage, index, selection.row.name, selection.row, version)
    return _index(index), links


def joined(
    session: Session, storage: DatasetStorage, versions: Mapping[str, tuple[DatasetRow, DatasetVersionRow]]
) -> tuple[dict[str, str], dict[str, StoredFile]]:
    """Return what a worker gets of versions that a recipe joins, by the names that it has for them (``name@3``)."""
    index: dict[str, Any] = {}
    links: dict[str, StoredFile] = {}
    for name, (dataset, version) in versions.items():
        links |= _named(session, storage, index, name.rpartition("@")[0], dataset, version)
    return _index(index), links


def files_of(
    session: Session, storage: DatasetStorage, owner: str, version_id: str, folder: str
) -> dict[str, StoredFile]:
    """Return the files of a version as a worker gets them in a folder below ``in``, without a name.

    Args:
        session: The transaction.
        storage: Where they lie.
        owner: The owner's folder there.
        version_id: Which version.
        folder: Where to.
    """
    manifest, files = stored_files(session, storage, owner, session.get_one(DatasetVersionRow, version_id))
    return {f"{folder}/{MANIFEST}": manifest, **{f"{folder}/{file_name(file.sha256)}": file for file in files}}


def stored_files(
    session: Session, storage: DatasetStorage, owner: str, version: DatasetVersionRow
) -> tuple[StoredFile, list[StoredFile]]:
    """Return a version's manifest, and its files."""
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
    index: dict[str, Any],
    name: str,
    dataset: DatasetRow,
    version: DatasetVersionRow,
) -> dict[str, StoredFile]:
    """Put a version into an index under a name, and return its files."""
    owner = folder_of(session, dataset)
    entry = index.setdefault(name, {"owner": owner, "versions": []})
    pair = [str(version.number), version.id]
    if pair not in entry["versions"]:
        entry["versions"] = sorted([*entry["versions"], pair], key=lambda item: int(item[0]))
    manifest, files = stored_files(session, storage, owner, version)
    links = {f"{FOLDER}/{blob_path(owner, file.sha256)}": file for file in files}
    return {f"{FOLDER}/{manifest_path(owner, version.id)}": manifest, **links}


def _index(datasets: dict[str, Any]) -> dict[str, str]:
    if not datasets:
        return {}
    return {f"{FOLDER}/{INDEX}": json.dumps({"format": INDEX_FORMAT, "datasets": datasets})}
