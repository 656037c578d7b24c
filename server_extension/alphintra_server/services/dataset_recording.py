"""Recording a version: its row, the files that it needs, and what the catalogue says of its dataset from then on.

All of it is one transaction, that of the job which made the version. Before it the version is not there, whatever lies
in the store.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from alphintra.store import reference
from alphintra.store.manifest import Manifest
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..db.dataset_tables import BlobReferenceRow, DatasetParentRow, DatasetSymbolRow, DatasetVersionRow
from ..db.engine import database_now
from ..db.tables import DatasetRow, unique_name
from ..errors import Conflict
from .dataset_inputs import is_sealed
from .dataset_rows import LISTED, fold

IRREGULAR = "irregular"
"""The time frame of what has none: ticks, features."""
UNKNOWN_CLASS = "OTHER"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    """A version that is to be recorded.

    Attributes:
        manifest: Its manifest, checked.
        owner_id: Whose the dataset is.
        maker_id: Who made it.
        job_id: By which job.
        dataset_name: Name of the dataset, which may be new.
        source: ``USER_UPLOAD`` or ``EXTERNAL``.
        description: Of a dataset that is new.
        tags: Of a dataset that is new.
        opens: Whether it was said that it is open, though the version before it may be sealed.
        based_on: The version that has to be the current one still, if there is one to come after.
        begins: Whether it has to be the dataset's first one: nobody asked for it to come after any.
        is_validated: Whether all rules ran and none has an open error.
        errors: The open errors.
    """

    manifest: Manifest
    owner_id: str
    maker_id: str
    job_id: str
    dataset_name: str
    source: str
    description: str = ""
    tags: tuple[str, ...] = ()
    opens: bool = False
    based_on: str | None = None
    begins: bool = False
    is_validated: bool = False
    errors: tuple[str, ...] = ()


def span(manifest: Manifest) -> tuple[datetime, datetime]:
    """Return the first and the last time of a version.

    Raises:
        OverflowError: They lie outside of the years 1 to 9999.
    """
    _, _, _, _, first, last = manifest.groups
    return moment(manifest, int(first.min())), moment(manifest, int(last.max()))


def moment(manifest: Manifest, value: int) -> datetime:
    """Return a time of a version's rows, which counts days or microseconds."""
    if manifest.time.type == "date32":
        return _EPOCH + timedelta(days=value)
    return _EPOCH + timedelta(microseconds=value)


def record(session: Session, made: Made) -> DatasetVersionRow:
    """Write the rows of a version; from the commit on it is there.

    Raises:
        Conflict: The version that it goes on from is not the current one any more, its dataset is being deleted, or it
            would be open after a sealed one and nobody said so (``SEALED``).
    """
    manifest = made.manifest
    now = database_now(session)
    dataset = _dataset(session, made, now)
    bound = made.based_on is not None or made.begins
    if bound and dataset.current_version_id != made.based_on:
        raise Conflict(
            f"Another version of {dataset.name} became the current one meanwhile: go on from that one.",
            code="PARENT_CHANGED",
        )
    _refuse_opening(session, dataset, made)
    newest = session.scalar(
        select(func.max(DatasetVersionRow.number)).where(DatasetVersionRow.dataset_id == dataset.id)
    )
    first, last = span(manifest)
    raw = manifest.to_json()
    version = DatasetVersionRow(
        id=manifest.version,
        dataset_id=dataset.id,
        number=(newest or 0) + 1,
        state="ACTIVE",
        manifest_sha256=hashlib.sha256(raw).hexdigest(),
        manifest_bytes=len(raw),
        content_hash=manifest.content_hash,
        row_count=manifest.rows,
        file_size=sum(size for _, size in _files(manifest)),
        symbol_count=len(manifest.symbols),
        column_count=len(manifest.columns),
        symbols=list(manifest.symbols[:LISTED]),
        columns=[column.name for column in manifest.columns[:LISTED]],
        timeframe=manifest.about.timeframe or IRREGULAR,
        start_date=first,
        end_date=last,
        about=about(manifest),
        is_validated=made.is_validated,
        validation_errors=list(made.errors),
        acknowledgements=[],
        recipe=manifest.provenance.recipe,
        job_id=made.job_id,
        created_by=made.maker_id,
        created_at=now,
    )
    session.add(version)
    session.flush()
    references = [
        {"version_id": version.id, "sha256": sha256, "user_id": made.owner_id, "bytes": size}
        for sha256, size in _files(manifest)
    ]
    session.execute(insert(BlobReferenceRow), references)
    for parent in manifest.provenance.parents:
        session.add(DatasetParentRow(version_id=version.id, parent_id=parent))
    show(session, dataset, version, manifest, now)
    session.flush()
    return version


def show(
    session: Session, dataset: DatasetRow, version: DatasetVersionRow, manifest: Manifest, now: datetime
) -> None:
    """Have the catalogue say of a dataset what is so of one of its versions, which is the current one then."""
    dataset.asset_class = manifest.about.asset_class or UNKNOWN_CLASS
    dataset.symbols, dataset.symbol_count = version.symbols, version.symbol_count
    dataset.columns, dataset.column_count = version.columns, version.column_count
    dataset.timeframe = version.timeframe
    dataset.start_date, dataset.end_date = version.start_date, version.end_date
    dataset.row_count, dataset.file_size = version.row_count, version.file_size
    dataset.is_validated, dataset.validation_errors = version.is_validated, version.validation_errors
    dataset.content_hash = version.content_hash
    dataset.about = version.about
    dataset.current_version_id, dataset.version_number = version.id, version.number
    dataset.updated_at = now
    fold(dataset)
    session.execute(delete(DatasetSymbolRow).where(DatasetSymbolRow.dataset_id == dataset.id))
    session.execute(insert(DatasetSymbolRow), _symbols(dataset.id, manifest))


def about(manifest: Manifest) -> dict[str, Any]:
    """Return what is stated of the values, and what a list shows."""
    roles = {column.role for column in manifest.columns}
    stated = asdict(manifest.about)
    notes = ["Simulated: nobody ever traded at these prices."] if manifest.about.simulated else []
    return {
        **stated,
        "prices": manifest.about.adjustment if "close" in roles else None,
        "license": None,
        "tradable": {"open", "high", "low", "close"} <= roles,
        "notes": notes,
        "sealed": manifest.sealed,
        "reference": manifest.columns == reference.COLUMNS,
    }


def _dataset(session: Session, made: Made, now: datetime) -> DatasetRow:
    """Lock the dataset, or make it where there is none of this name."""
    key = unique_name(made.owner_id, made.dataset_name)
    wanted = select(DatasetRow).where(DatasetRow.unique_name == key).with_for_update()
    found = session.scalars(wanted, execution_options={"populate_existing": True}).first()
    if found is None:
        first, last = span(made.manifest)
        found = DatasetRow(
            id=uuid.uuid4().hex,
            user_id=made.owner_id,
            name=made.dataset_name,
            unique_name=key,
            description=made.description,
            source=made.source,
            asset_class=UNKNOWN_CLASS,
            symbols=[],
            symbol_count=0,
            timeframe=IRREGULAR,
            start_date=first,
            end_date=last,
            columns=[],
            column_count=0,
            row_count=0,
            file_size=0,
            is_validated=False,
            validation_errors=[],
            content_hash=made.manifest.content_hash,
            manifest={},
            about={},
            tags=list(made.tags),
            state="ACTIVE",
            withdrawn=False,
            created_at=now,
            updated_at=now,
        )
        fold(found)
        try:
            with session.begin_nested():
                session.add(found)
        except IntegrityError:  # another upload of this name has just made it
            found = session.scalars(wanted, execution_options={"populate_existing": True}).one()
    if found.state != "ACTIVE":
        raise Conflict(f"{made.dataset_name} is being deleted.", code="DATASET_DELETED")
    return found


def _refuse_opening(session: Session, dataset: DatasetRow, made: Made) -> None:
    """Refuse an open version after a sealed one, which may have been made while this one was."""
    if made.manifest.sealed or made.opens or dataset.current_version_id is None:
        return
    current = session.get_one(DatasetVersionRow, dataset.current_version_id)
    if is_sealed(current):
        raise Conflict(
            f"Version {current.number} of {dataset.name} became the current one meanwhile and is sealed, and this one "
            "would lie open: start it again to have it sealed, or say sealed: false of an upload.",
            code="SEALED",
        )


def _files(manifest: Manifest) -> list[tuple[str, int]]:
    sizes = {file.sha256: file.bytes for file in manifest.files} | {file.sha256: file.bytes for file in manifest.sides}
    return sorted(sizes.items())


def _symbols(dataset_id: str, manifest: Manifest) -> Sequence[dict[str, Any]]:
    _, _, symbol, _, first, last = manifest.groups
    begins = np.full(len(manifest.symbols), np.iinfo(np.int64).max)
    ends = np.full(len(manifest.symbols), np.iinfo(np.int64).min)
    np.minimum.at(begins, symbol, first)
    np.maximum.at(ends, symbol, last)
    return [
        {
            "dataset_id": dataset_id,
            "symbol": name,
            "folded": name.casefold(),
            "rows": rows,
            "first": moment(manifest, begin),
            "last": moment(manifest, end),
        }
        for name, rows, begin, end in zip(
            manifest.symbols, manifest.symbol_rows.tolist(), begins.tolist(), ends.tolist(), strict=True
        )
    ]
