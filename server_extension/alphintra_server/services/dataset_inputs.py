"""What a job gets of users' datasets: the files of the very versions that it reads, and an index of their names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from alphintra.data.sources import INDEX, INDEX_FORMAT
from alphintra.store.layout import blob_path, manifest_path
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import BlobReferenceRow, StorageAccountRow
from ..errors import Gone
from .dataset_rows import Level, find
from .dataset_storage import DatasetStorage
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
) -> tuple[dict[str, str], dict[str, Path]]:
    """Return what a worker gets: texts, and files that are linked, by path below ``in``.

    A linked file stays readable until the worker has ended, whoever deletes the version meanwhile.

    Raises:
        Gone: A version was deleted before the job began.
    """
    index: dict[str, Any] = {}
    links: dict[str, Path] = {}
    for selection in selections:
        version = selection.version
        if version is None:
            continue
        if version.state != "ACTIVE" or selection.row.state != "ACTIVE":
            raise Gone(f"{selection.name} was deleted before the job began.", code="DATASET_DELETED")
        assert selection.row.user_id is not None
        owner = session.get_one(StorageAccountRow, selection.row.user_id).folder
        entry = index.setdefault(selection.row.name, {"owner": owner, "versions": []})
        pair = [str(version.number), version.id]
        if pair not in entry["versions"]:
            entry["versions"] = sorted([*entry["versions"], pair], key=lambda item: int(item[0]))
        links[f"{FOLDER}/{manifest_path(owner, version.id)}"] = storage.manifest_file(owner, version.id)
        for sha256 in session.scalars(select(BlobReferenceRow.sha256).where(BlobReferenceRow.version_id == version.id)):
            links[f"{FOLDER}/{blob_path(owner, sha256)}"] = storage.blob(owner, sha256)
    if not index:
        return {}, {}
    return {f"{FOLDER}/{INDEX}": json.dumps({"format": INDEX_FORMAT, "datasets": index})}, links
