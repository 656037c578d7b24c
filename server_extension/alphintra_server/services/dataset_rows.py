"""Rows of the catalogue: who may see which, finding one, showing one."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, or_, select
from sqlalchemy.orm import Session, defer

from ..auth import Caller
from ..db.dataset_tables import DatasetGrantRow
from ..db.tables import DatasetRow, unique_name
from ..errors import Forbidden, Gone, Invalid, NotFound
from ..models.datasets import Dataset, DatasetAccess, DataSource, SourceState

LISTED = 20
"""How many symbols and columns an item of a list names; the counts are beside them."""


class Level(StrEnum):
    """What one may do with another's dataset; each includes those before it."""

    READ = "READ"
    USE = "USE"
    EDIT = "EDIT"


def granted(who: Caller, level: Level = Level.READ) -> Select[Any]:
    """Select the ids of the datasets that others let a caller have."""
    enough = list(Level)[list(Level).index(level) :]
    return select(DatasetGrantRow.dataset_id).where(
        DatasetGrantRow.user_id == who.user_id, DatasetGrantRow.level.in_(enough)
    )


def refuse_shipped(session: Session, name: str) -> None:
    """Refuse a name that a dataset of the platform has.

    Raises:
        Invalid: ``NAME_TAKEN``.
    """
    query = select(DatasetRow.id).where(DatasetRow.unique_name == unique_name(None, name))
    if session.scalar(query) is not None:
        raise Invalid.field("dataset", f"{name} is a dataset of the platform: choose another name", code="NAME_TAKEN")


def visible(who: Caller) -> ColumnElement[bool]:
    """Tell which rows a caller may see: what ships, their own, what others share with them."""
    return or_(DatasetRow.user_id.is_(None), DatasetRow.user_id == who.user_id, DatasetRow.id.in_(granted(who)))


def listed(who: Caller) -> tuple[ColumnElement[bool], ...]:
    """Tell which rows a list may show."""
    return visible(who), DatasetRow.state == "ACTIVE", DatasetRow.withdrawn.is_(False)


WITHOUT_MANIFEST = (defer(DatasetRow.manifest, raiseload=True), defer(DatasetRow.searched, raiseload=True))
"""Leaves out of rows what only a single one shows."""


def visible_names(session: Session, who: Caller) -> list[str]:
    """List the names of the datasets that a caller may see."""
    query = select(DatasetRow.name).where(*listed(who)).order_by(DatasetRow.name_folded, DatasetRow.id)
    return list(session.scalars(query.limit(LISTED)))


def find(session: Session, who: Caller, dataset_id: str, level: Level = Level.READ) -> DatasetRow:
    """Load a dataset the caller may see, by id or name.

    A name is one's own or the platform's; what others share is known by its id, so that nobody's sharing changes what a
    name means.

    Raises:
        NotFound: There is none that the caller may see.
        Gone: It was deleted.
        Forbidden: The caller may see it, and nothing more.
    """
    by_name = and_(
        DatasetRow.name == dataset_id,
        DatasetRow.state == "ACTIVE",
        or_(DatasetRow.user_id.is_(None), DatasetRow.user_id == who.user_id),
    )
    query = select(DatasetRow).where(visible(who), or_(DatasetRow.id == dataset_id, by_name))
    own_first = case((DatasetRow.user_id == who.user_id, 0), else_=1)
    row: DatasetRow | None = session.scalars(query.order_by(own_first).limit(1)).first()
    if row is None:
        name, at, number = dataset_id.partition("@")
        hint = f" Its versions are at {name}/versions/{number or 'N'}, or named by version=." if at else ""
        raise NotFound(f"There is no dataset {dataset_id}.{hint}", code="UNKNOWN_DATASET")
    if row.state != "ACTIVE":
        raise Gone(
            f"The dataset {row.name} was deleted.",
            code="DATASET_DELETED",
            extra={"dataset_id": row.id, "content_hash": row.content_hash, "state": row.state},
        )
    if level is not Level.READ and row.user_id != who.user_id:
        shared = row.user_id is not None and session.scalar(
            granted(who, level).where(DatasetGrantRow.dataset_id == row.id)
        )
        if not shared and not (row.user_id is None and level is Level.USE):
            raise Forbidden(f"You may read {row.name}; {_NEEDS[level]}", code="DATASET_ACCESS")
    return row


_NEEDS = {Level.USE: "to run on it, its owner has to let you.", Level.EDIT: "to change it, its owner has to let you."}


def owned(session: Session, who: Caller, dataset_id: str) -> DatasetRow:
    """Load a dataset of the caller's own.

    Raises:
        NotFound: There is none that the caller may see.
        Gone: It was deleted.
        Forbidden: It is another's, or the platform's.
    """
    row = find(session, who, dataset_id)
    if row.user_id != who.user_id:
        raise Forbidden(f"{row.name} is not yours.", code="DATASET_ACCESS")
    return row


def accesses(session: Session, who: Caller, rows: list[DatasetRow]) -> dict[str, DatasetAccess]:
    """Tell what the caller may do with each of these, by id."""
    theirs = [row.id for row in rows if row.user_id not in (None, who.user_id)]
    query = select(DatasetGrantRow.dataset_id, DatasetGrantRow.level).where(
        DatasetGrantRow.user_id == who.user_id, DatasetGrantRow.dataset_id.in_(theirs)
    )
    levels = {row.dataset_id: row.level for row in session.execute(query)} if theirs else {}
    return {
        row.id: DatasetAccess(
            "OWNER" if row.user_id == who.user_id else "USE" if row.user_id is None else levels.get(row.id, "READ")
        )
        for row in rows
    }


def fold(row: DatasetRow) -> None:
    """Make what lists look for: neither database knows the cases of all letters."""
    row.name_folded = row.name.casefold()
    row.tags_folded = "|" + "".join(f"{tag.casefold()}|" for tag in row.tags)
    row.searched = "\n".join([row.name, row.description, *row.tags, *row.symbols[:LISTED]]).casefold()


def to_model(
    row: DatasetRow,
    access: DatasetAccess,
    *,
    symbols: list[str] | None = None,
    columns: list[str] | None = None,
    source_state: SourceState | None = None,
) -> Dataset:
    """Show a row; the long lists are cut, except those that are given."""
    about: dict[str, Any] = row.about
    return Dataset(
        id=row.id,
        name=row.name,
        description=row.description,
        source=DataSource(row.source),
        asset_class=row.asset_class,
        symbols=row.symbols[:LISTED] if symbols is None else symbols,
        symbol_count=row.symbol_count,
        timeframe=row.timeframe,
        start_date=row.start_date,
        end_date=row.end_date,
        columns=row.columns[:LISTED] if columns is None else columns,
        column_count=row.column_count,
        row_count=row.row_count,
        file_size=row.file_size,
        is_validated=row.is_validated,
        validation_errors=row.validation_errors,
        created_at=row.created_at,
        updated_at=row.updated_at,
        content_hash=row.content_hash,
        owner=row.user_id,
        access=access,
        tags=row.tags,
        version=row.version_number,
        version_id=row.current_version_id,
        prices=about.get("prices"),
        currency=about.get("currency"),
        calendar=about.get("calendar"),
        license=about.get("license"),
        tradable=about.get("tradable", True),
        notes=about.get("notes", []),
        time_zone=about.get("time_zone"),
        label=about.get("label"),
        adjustment=about.get("adjustment"),
        simulated=bool(about.get("simulated", False)),
        sealed=bool(about.get("sealed", False)),
        source_state=source_state,
    )
