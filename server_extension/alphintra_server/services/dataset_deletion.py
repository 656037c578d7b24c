"""Deleting datasets: nobody new reads them, readers finish, then their files go and a tombstone stays."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from alphintra.store.sweeping import UNUSED_SECONDS, sweep
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import (
    BlobReferenceRow,
    DatasetGrantRow,
    DatasetParentRow,
    DatasetReportRow,
    DatasetSymbolRow,
    DatasetVersionRow,
    StorageAccountRow,
)
from ..db.engine import Database, database_now, one_at_a_time
from ..db.tables import DatasetRow
from ..errors import Conflict, Invalid
from ..jobs.worker_home import remove_tree
from ..models.datasets import Deletion, DeletionQuery
from ..sweeper import Sweeper
from ..waiting import in_waiting
from . import dataset_leases
from .dataset_rows import owned
from .dataset_storage import DatasetStorage


class DatasetDeletion:
    """Deletes datasets, and sweeps the store.

    Args:
        database: Where the catalogue is.
        storage: Where the files are.
        log: Where it says what it removed.
    """

    def __init__(self, database: Database, storage: DatasetStorage, log: logging.Logger) -> None:
        self._database = database
        self._storage = storage
        self._log = log
        self._burying = Sweeper(self.look, "deleted datasets", log, 60.0)
        self.sweepers = (self._burying, Sweeper(self.sweep_all, "files that no version needs", log, 3600.0))

    async def delete(self, who: Caller, dataset_id: str, query: DeletionQuery) -> Deletion:
        """Begin to delete a dataset.

        Whatever of the caller's was made of it has to be named: as going along, or as staying.

        Raises:
            Conflict: Something that was made of it is not named.
            Invalid: Something is named that was not made of it.
        """
        also, keep = _ids(query.also), _ids(query.keep)

        def work(session: Session) -> Deletion:
            one_at_a_time(session.connection(), f"deletion of {who.user_id}")
            row = owned(session, who, dataset_id)
            going, kept, unnamed = _derived(session, who, row.id, also, keep)
            if unnamed:
                names = ", ".join(sorted(item["name"] for item in unnamed))
                raise Conflict(
                    f"Made of {row.name}: {names}. Say which go as well (also) and which stay (keep).",
                    code="DATASET_HAS_DERIVED",
                    extra={"derived": unnamed},
                )
            if strangers := also - going:
                raise Invalid.field("also", f"{min(strangers)} was not made of {row.name}", code="NOT_DERIVED")
            now = database_now(session)
            session.execute(
                update(DatasetRow).where(DatasetRow.id.in_(going)).values(state="DELETING", updated_at=now)
            )
            session.execute(
                update(DatasetVersionRow)
                .where(DatasetVersionRow.dataset_id.in_(going), DatasetVersionRow.state == "ACTIVE")
                .values(state="DELETING")
            )
            return Deletion(datasets=sorted(going), kept=sorted(kept))

        deletion = await self._database.write(work)
        self._burying.wake()
        return deletion

    async def look(self) -> int:
        """Remove what nobody reads any more; return how many datasets went."""
        gone = 0
        owners: set[str] = set()

        def due(session: Session) -> list[tuple[str, str | None]]:
            dataset_leases.forget_ended(session)
            query = select(DatasetRow.id, DatasetRow.user_id).where(DatasetRow.state == "DELETING")
            return [(row.id, row.user_id) for row in session.execute(query.limit(1000))]

        for dataset_id, owner in await self._database.write(due):
            if await self._database.write(partial(_bury, dataset_id=dataset_id)):
                gone += 1
                owners.update(() if owner is None else (owner,))
        for owner in owners:
            await self._sweep(owner, 0.0)
        return gone

    async def sweep_all(self) -> int:
        """Remove what commits that came to nothing left, of all users; return how many files went."""
        accounts = select(StorageAccountRow.user_id)
        users = await self._database.read(lambda session: list(session.scalars(accounts)))
        return sum([await self._sweep(user_id, UNUSED_SECONDS) for user_id in users])

    async def _sweep(self, user_id: str, unused_seconds: float) -> int:
        folder = await self._database.read(lambda session: session.get_one(StorageAccountRow, user_id).folder)

        def referenced() -> tuple[set[str], set[str]]:
            return self._database.read_now(lambda session: _referenced(session, user_id))

        swept = await in_waiting(
            sweep,
            self._storage,
            self._storage.root,
            folder,
            referenced,
            unused_seconds=unused_seconds,
            remove=remove_tree,
        )
        return swept.files + swept.manifests + swept.staging


def _ids(text: str) -> set[str]:
    return {part.strip() for part in text.split(",") if part.strip()}


def _derived(
    session: Session, who: Caller, dataset_id: str, also: set[str], keep: set[str]
) -> tuple[set[str], set[str], list[dict[str, Any]]]:
    """Go through what of the caller's was made of a dataset, and of what goes along: going, kept, and not named."""
    going, frontier = {dataset_id}, {dataset_id}
    kept: set[str] = set()
    unnamed: dict[str, dict[str, Any]] = {}
    parent, child = DatasetVersionRow.__table__.alias(), DatasetVersionRow.__table__.alias()
    while frontier:
        query = (
            select(DatasetRow.id, DatasetRow.name, child.c.number)
            .join(child, child.c.dataset_id == DatasetRow.id)
            .join(DatasetParentRow, DatasetParentRow.version_id == child.c.id)
            .join(parent, parent.c.id == DatasetParentRow.parent_id)
            .where(
                parent.c.dataset_id.in_(frontier),
                DatasetRow.id.not_in(going),
                DatasetRow.user_id == who.user_id,
                DatasetRow.state == "ACTIVE",
                child.c.state == "ACTIVE",
            )
            .order_by(DatasetRow.name, child.c.number)
        )
        frontier = set()
        for found in session.execute(query):
            if found.id in also:
                frontier.add(found.id)
            elif found.id in keep:
                kept.add(found.id)
            else:
                item = unnamed.setdefault(found.id, {"dataset_id": found.id, "name": found.name, "versions": []})
                item["versions"].append(found.number)
        going |= frontier
    return going, kept - going, list(unnamed.values())


def _bury(session: Session, dataset_id: str) -> bool:
    """Make a tombstone of a dataset that nobody reads: id, name, hashes and lineage stay. Tell whether it is one."""
    row = session.get(DatasetRow, dataset_id, with_for_update=True)
    if row is None or row.state != "DELETING" or dataset_leases.is_read(session, dataset_id):
        return False
    now = database_now(session)
    versions = select(DatasetVersionRow.id).where(DatasetVersionRow.dataset_id == dataset_id)
    for statement in (
        delete(BlobReferenceRow).where(BlobReferenceRow.version_id.in_(versions)),
        delete(DatasetReportRow).where(DatasetReportRow.version_id.in_(versions)),
        delete(DatasetSymbolRow).where(DatasetSymbolRow.dataset_id == dataset_id),
        delete(DatasetGrantRow).where(DatasetGrantRow.dataset_id == dataset_id),
        update(DatasetVersionRow).where(DatasetVersionRow.dataset_id == dataset_id).values(state="DELETED"),
    ):
        session.execute(statement, execution_options={"synchronize_session": False})
    row.state, row.deleted_at, row.updated_at = "DELETED", now, now
    # Another may have its name now.
    row.unique_name = row.id
    row.description, row.tags, row.searched = "", [], ""
    return True


def _referenced(session: Session, user_id: str) -> tuple[set[str], set[str]]:
    files = session.scalars(select(BlobReferenceRow.sha256).where(BlobReferenceRow.user_id == user_id).distinct())
    versions = (
        select(DatasetVersionRow.id)
        .join(DatasetRow, DatasetRow.id == DatasetVersionRow.dataset_id)
        .where(DatasetRow.user_id == user_id, DatasetVersionRow.state != "DELETED")
    )
    return set(files), set(session.scalars(versions))
