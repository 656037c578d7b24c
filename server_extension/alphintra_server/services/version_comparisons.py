"""Two versions of a dataset compared, and going back to one."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from alphintra.store import manifest as manifests
from alphintra.store.manifest import Manifest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetVersionRow
from ..db.engine import database_now
from ..db.recipe_tables import VersionRequestRow
from ..db.tables import DatasetRow, JobRow
from ..errors import Conflict
from ..idempotency import remember
from ..jobs.recipe_output import COMPARISON, comparison_of
from ..jobs.stored_versions import COMPARE
from ..models.datasets import DatasetVersion
from ..models.recipes import (
    CompareAccepted,
    CompareQuery,
    CompareResult,
    RestoreRequest,
    RowsDiffer,
    VersionDifferences,
)
from ..waiting import in_waiting
from .dataset_inputs import refuse_sealed
from .dataset_recording import show
from .dataset_rows import Level, find
from .datasets import shown
from .manifests import ManifestPlace, Manifests, place_of
from .queueing import Queueing
from .version_requests import KeptOutput, asked_for, at_work, enqueue, readable

LISTED = 100
"""How many symbols an answer names; the counts are beside them."""


class VersionComparisons:
    """What a user can do with two versions of a dataset.

    Args:
        jobs: Where jobs go, and everything is recorded.
        manifests: Reads what is known of them.
        kept: Reads what comparisons left.
    """

    def __init__(self, jobs: Queueing, manifests: Manifests, kept: KeptOutput) -> None:
        self._manifests = manifests
        self._kept = kept
        self._jobs = jobs

    async def differences(self, who: Caller, dataset_id: str, query: CompareQuery) -> VersionDifferences:
        """Tell how two versions differ, of what is known of them without reading rows."""

        def work(session: Session) -> tuple[DatasetRow, ManifestPlace, ManifestPlace]:
            row = find(session, who, dataset_id)
            old, new = (readable(session, row, number) for number in (query.from_, query.to))
            return row, place_of(session, row, old), place_of(session, row, new)

        row, old, new = await self._jobs.database.read(work)
        before, after = await self._manifests.read(old), await self._manifests.read(new)
        return await asyncio.to_thread(_differences, row.id, query, before, after)

    async def compare(self, who: Caller, dataset_id: str, body: CompareQuery) -> CompareAccepted:
        """Compare two versions cell by cell."""

        def work(session: Session) -> CompareAccepted:
            row = find(session, who, dataset_id)
            old, new = (readable(session, row, number) for number in (body.from_, body.to))
            for version in (old, new):
                refuse_sealed(row, version, "its cells are not compared, for what differs would lie in the open.")
            self._jobs.refuse()
            name = f"Compare {row.name}@{old.number} with @{new.number}"
            job = enqueue(session, self._jobs.limits, who, COMPARE, name, old, other_id=new.id)
            made = CompareAccepted(
                job_id=job.id, status=job.status, dataset_id=row.id, from_=old.number, to=new.number
            )
            return remember(session, made)

        return await self._jobs.queue(work)

    async def compared(self, who: Caller, dataset_id: str, job_id: str) -> CompareResult:
        """Tell what came of a comparison."""

        def work(session: Session) -> tuple[VersionRequestRow, JobRow, list[int]]:
            row, job = asked_for(session, who, COMPARE, job_id, dataset_id)
            versions = [session.get_one(DatasetVersionRow, id_) for id_ in (row.version_id, row.other_id)]
            return row, job, [version.number for version in versions]

        _, job, (old, new) = await self._jobs.database.read(work)
        raw = await self._kept.read(job, COMPARISON)
        return CompareResult(
            **at_work(job), from_=old, to=new, comparison=None if raw is None else comparison_of(raw)
        )

    async def restore(self, who: Caller, dataset_id: str, number: int, body: RestoreRequest) -> DatasetVersion:
        """Make a version the current one again; those after it stay, and the next one has the next number."""

        def look(session: Session) -> tuple[str, ManifestPlace]:
            row = find(session, who, dataset_id, Level.EDIT)
            return row.id, place_of(session, row, readable(session, row, number))

        id_, place = await self._jobs.database.read(look)
        manifest = await in_waiting(self._read, place)

        def work(session: Session) -> DatasetVersion:
            query = select(DatasetRow).where(DatasetRow.id == id_).with_for_update()
            session.scalars(query, execution_options={"populate_existing": True}).one()
            row = find(session, who, id_, Level.EDIT)
            if body.current is not None and row.version_number != body.current:
                raise Conflict(
                    f"The current version of {row.name} is {row.version_number} by now, and not {body.current}: "
                    "look at that one first.",
                    code="PARENT_CHANGED",
                    extra={"current": row.version_number},
                )
            version = readable(session, row, number)
            if row.current_version_id != version.id:
                show(session, row, version, manifest, database_now(session))
                session.flush()
            return remember(session, shown(session, row, version))

        return await self._jobs.database.write(work)

    def _read(self, place: ManifestPlace) -> Manifest:
        return manifests.from_json(self._manifests.bytes_of(place))


def _differences(
    dataset_id: str, query: CompareQuery, before: dict[str, Any], after: dict[str, Any]
) -> VersionDifferences:
    """Compare what two manifests say. Columns of one name and two types are gone and new, as cell by cell."""
    columns = [{(item["name"], item["type"]) for item in manifest["columns"]} for manifest in (before, after)]
    times = [_time(manifest) for manifest in (before, after)]
    rows = [_rows(manifest) for manifest in (before, after)]
    added, removed = (sorted(rows[one].keys() - rows[1 - one].keys(), key=str.encode) for one in (1, 0))
    differ = [
        RowsDiffer(symbol=symbol, rows_from=rows[0][symbol], rows_to=count)
        for symbol, count in rows[1].items()
        if symbol in rows[0] and rows[0][symbol] != count
    ]
    return VersionDifferences(
        dataset_id=dataset_id,
        from_=query.from_,
        to=query.to,
        equal=before["content_hash"] == after["content_hash"] and before["columns"] == after["columns"],
        comparable=times[0] == times[1],
        rows_from=sum(rows[0].values()),
        rows_to=sum(rows[1].values()),
        columns_added=sorted(name for name, _ in columns[1] - columns[0]),
        columns_removed=sorted(name for name, _ in columns[0] - columns[1]),
        symbols_added=added[:LISTED],
        symbols_removed=removed[:LISTED],
        symbols_added_count=len(added),
        symbols_removed_count=len(removed),
        rows_differ=differ[:LISTED],
        rows_differ_count=len(differ),
    )


def _time(manifest: dict[str, Any]) -> tuple[str, str]:
    return next((item["name"], item["type"]) for item in manifest["columns"] if item["role"] == "time")


def _rows(manifest: dict[str, Any]) -> dict[str, int]:
    counts: Counter[int] = Counter()
    for file in manifest["files"]:
        for symbol, rows in zip(file["symbol"], file["rows"], strict=True):
            counts[symbol] += rows
    return {name: counts[place] for place, name in enumerate(manifest["symbols"])}
