"""The catalogue of datasets: what ships, one's own, and what others share."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetParentRow, DatasetSymbolRow, DatasetVersionRow
from ..db.engine import Database
from ..db.tables import DatasetRow
from ..db.types import utc_now
from ..errors import Invalid, NotFound, PreconditionFailed
from ..limits import Limits
from ..models.base import PageQuery
from ..models.datasets import (
    Dataset,
    DatasetAccess,
    DatasetChange,
    DatasetParent,
    DatasetPreview,
    DatasetQuery,
    DatasetStatistics,
    DatasetVersion,
    PreviewQuery,
    SourceState,
    StatisticsQuery,
    StorageUsage,
)
from . import shipped_datasets, stored_previews
from .connectors import states_of
from .dataset_inputs import is_sealed
from .dataset_reading import DatasetReading
from .dataset_rows import LISTED, WITHOUT_MANIFEST, Level, accesses, find, fold, listed, to_model
from .manifests import ManifestPlace, Manifests, place_of
from .paging import Slice
from .storage_use import storage_used


class Datasets:
    """What a user may see of the catalogue, and change.

    Args:
        database: Where it is.
        manifests: Where the manifests of stored versions are read.
        limits: What each user may store.
        reading: Reads what manifests of sealed versions do not tell.
    """

    def __init__(self, database: Database, manifests: Manifests, limits: Limits, reading: DatasetReading) -> None:
        self._reading = reading
        self._database = database
        self._manifests = manifests
        self._limits = limits

    async def search(self, who: Caller, query: DatasetQuery) -> Slice[Dataset]:
        """List by name.

        Raises:
            Invalid: ``BAD_RANGE``: between such times there is no row of any.
        """
        if query.start is not None and query.end is not None and query.start > query.end:
            start, end = (moment.isoformat().replace("+00:00", "Z") for moment in (query.start, query.end))
            raise Invalid.field("start", f"{start} is after end, {end}", code="BAD_RANGE")
        order = (DatasetRow.name_folded, DatasetRow.id)
        wanted = [*listed(who), *_asked_for(query)]
        page = select(DatasetRow.id, func.count().over()).where(*wanted).order_by(*order)
        page = page.limit(query.limit).offset(query.offset)

        def work(session: Session) -> Slice[Dataset]:
            # The page and the count are one walk along an index; only the rows of the page are read.
            found = session.execute(page).all()
            if found or not query.offset:
                total = found[0][1] if found else 0
            else:
                total = session.scalar(select(func.count()).select_from(DatasetRow).where(*wanted)) or 0
            rows = select(DatasetRow).where(DatasetRow.id.in_([id_ for id_, _ in found])).order_by(*order)
            shown = list(session.scalars(rows.options(*WITHOUT_MANIFEST)))
            may = accesses(session, who, shown)
            fresh = states_of(session, who, shown)
            return Slice([to_model(row, may[row.id], source_state=fresh.get(row.id)) for row in shown], total)

        return await self._database.read(work)

    async def get(self, who: Caller, dataset_id: str) -> Dataset:
        """Read one, by id or name, with all its symbols and columns."""

        def work(
            session: Session,
        ) -> tuple[DatasetRow, DatasetAccess, list[str], ManifestPlace | None, SourceState | None]:
            row = find(session, who, dataset_id)
            if row.symbol_count > len(row.symbols):
                query = select(DatasetSymbolRow.symbol).where(DatasetSymbolRow.dataset_id == row.id)
                symbols = sorted(session.scalars(query), key=str.encode)
            else:
                symbols = row.symbols
            place = None
            if row.column_count > len(row.columns):
                place = place_of(session, row, session.get_one(DatasetVersionRow, row.current_version_id))
            fresh = states_of(session, who, [row]).get(row.id)
            return row, accesses(session, who, [row])[row.id], symbols, place, fresh

        row, may, symbols, place, fresh = await self._database.read(work)
        columns = row.columns
        if place is not None:
            columns = [column["name"] for column in (await self._manifests.read(place))["columns"]]
        return to_model(row, may, symbols=symbols, columns=columns, source_state=fresh)

    async def change(
        self, who: Caller, dataset_id: str, body: DatasetChange, if_match: str | None = None
    ) -> Dataset:
        """Change what is said of one; with an entity tag, of the one that was read with it."""
        before = None if if_match is None else await self.get(who, dataset_id)
        if before is not None and if_match is not None:
            _refuse_another(if_match, before)

        def work(session: Session) -> str:
            row = find(session, who, dataset_id, Level.EDIT)
            # Alone with it: what lists look for is made of all that is said of it, also of what another changes.
            session.refresh(row, with_for_update=True)
            find(session, who, row.id, Level.EDIT)
            if before is not None and row.updated_at != before.updated_at:
                raise _changed(before)
            if body.description is not None:
                row.description = body.description
            if body.tags is not None:
                row.tags = list({tag.casefold(): tag for tag in body.tags}.values())
            row.updated_at = utc_now()
            fold(row)
            return row.id

        return await self.get(who, await self._database.write(work))

    async def versions(self, who: Caller, dataset_id: str, query: PageQuery) -> Slice[DatasetVersion]:
        """List the versions of one, the newest first; none of what ships."""

        def work(session: Session) -> Slice[DatasetVersion]:
            row = find(session, who, dataset_id)
            wanted = select(DatasetVersionRow).where(DatasetVersionRow.dataset_id == row.id)
            total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
            ordered = wanted.order_by(DatasetVersionRow.number.desc())
            found = list(session.scalars(ordered.limit(query.limit).offset(query.offset)))
            parents = _parents(session, [version.id for version in found])
            current = row.current_version_id
            models = [version_model(item, parents.get(item.id, []), current) for item in found]
            for model in models:
                if model.recipe is not None:
                    model.recipe = {name: part for name, part in model.recipe.items() if name != "fitted"}
            return Slice(models, total)

        return await self._database.read(work)

    async def version(self, who: Caller, dataset_id: str, number: int) -> DatasetVersion:
        """Read one version."""

        def work(session: Session) -> DatasetVersion:
            row = find(session, who, dataset_id)
            return shown(session, row, numbered(session, row, number))

        return await self._database.read(work)

    async def usage(self, who: Caller) -> StorageUsage:
        """Tell what the caller's files take, and may."""
        use = await self._database.read(lambda session: storage_used(session, who.user_id))
        quota = self._limits.of(who.user_id).storage
        return StorageUsage(quota=quota, used=use.total, datasets=use.datasets, uploads=use.uploads)

    async def preview(self, who: Caller, dataset_id: str, query: PreviewQuery) -> DatasetPreview:
        """Show some rows, the column statistics and a chart's points."""
        row, place = await self._placed(who, dataset_id, query.version)
        if place is not None:
            found = await self._told(who, row, place)
            asked = (query.symbol, query.rows, query.max_points)
            return await asyncio.to_thread(stored_previews.preview, row.id, found, *asked)
        symbol = _symbol(row, query.symbol)
        manifest = row.manifest
        names = manifest["sample"]["columns"]
        where = names.index("symbol")
        sample = [dict(zip(names, item, strict=True)) for item in manifest["sample"]["rows"]
                  if query.symbol is None or item[where] == symbol]  # fmt: skip
        known = [item for item in manifest["columns"] if item["statistics"]]
        return DatasetPreview(
            dataset_id=row.id,
            sample_data=sample[: query.rows],
            statistics={item["name"]: stored_previews.brief(item["statistics"]) for item in known},
            missing_values={item["name"]: item["statistics"]["nulls"] for item in known},
            data_types={item["name"]: item["type"] for item in manifest["columns"]},
            chart_data=await asyncio.to_thread(shipped_datasets.chart, manifest, symbol, query.max_points),
        )

    async def statistics(self, who: Caller, dataset_id: str, query: StatisticsQuery) -> DatasetStatistics:
        """Summarise columns, over all symbols or of one."""
        row, place = await self._placed(who, dataset_id, query.version)
        if place is not None:
            found = await self._manifests.read(place)
            if query.symbol is None or found["symbols"] == [query.symbol]:
                told = await self._told(who, row, place)
                return await asyncio.to_thread(stored_previews.statistics, row.id, told)
            return await self._of_symbol(who, row.id, place.version_id, found, query.symbol)
        manifest = row.manifest
        entries = {
            item["name"]: {key: item[key] for key in ("title", "first", "last", "rows")}
            for item in manifest["symbols"]
        }
        if query.symbol is None:
            columns = {
                item["name"]: stored_previews.brief(item["statistics"], whole=True)
                for item in manifest["columns"]
                if item["statistics"]
            }
            columns["session"]["coverage"] = await asyncio.to_thread(shipped_datasets.coverage, manifest, list(entries))
            return DatasetStatistics(
                dataset_id=row.id,
                row_count=row.row_count,
                columns=columns,
                symbols=dict(list(entries.items())[: stored_previews.MOST_SYMBOLS]),
                symbol_count=len(entries),
            )
        symbol = _symbol(row, query.symbol)
        return DatasetStatistics(
            dataset_id=row.id,
            row_count=entries[symbol]["rows"],
            columns=await asyncio.to_thread(shipped_datasets.summarise, manifest, symbol),
            symbols={symbol: entries[symbol]},
            symbol_count=1,
        )

    async def _of_symbol(
        self, who: Caller, dataset_id: str, version_id: str, manifest: dict[str, Any], symbol: str
    ) -> DatasetStatistics:
        span = stored_previews.span_of(manifest, symbol)
        found = await self._reading.statistics(who, dataset_id, version_id, symbol)
        return DatasetStatistics(
            dataset_id=dataset_id,
            row_count=span["rows"],
            columns={name: stored_previews.brief(own, whole=True) for name, own in found.items()},
            symbols={symbol: span},
            symbol_count=1,
        )

    async def _told(self, who: Caller, row: DatasetRow, place: ManifestPlace) -> dict[str, Any]:
        """Return a manifest with what a reader has to decrypt where it is of a sealed version."""
        found = await self._manifests.read(place)
        return found | await self._reading.sketches(who, row.id, place.version_id) if found["sealed"] else found

    async def _placed(
        self, who: Caller, dataset_id: str, number: int | None
    ) -> tuple[DatasetRow, ManifestPlace | None]:
        """Find a dataset and where the manifest of its version lies; nowhere for what ships."""

        def work(session: Session) -> tuple[DatasetRow, ManifestPlace | None]:
            row = find(session, who, dataset_id)
            if row.current_version_id is None and number is None:
                return row, None
            version = (
                session.get_one(DatasetVersionRow, row.current_version_id)
                if number is None
                else numbered(session, row, number)
            )
            return row, place_of(session, row, version)

        return await self._database.read(work)


def _refuse_another(if_match: str, found: Dataset) -> None:
    """Refuse an ``If-Match`` that names another answer: the tag is the one that Tornado makes of a body.

    Raises:
        PreconditionFailed: It does.
    """
    tag = hashlib.sha1(found.model_dump_json(by_alias=True).encode(), usedforsecurity=False).hexdigest()
    if not {part.strip() for part in if_match.split(",")} & {"*", f'"{tag}"'}:
        raise _changed(found)


def _changed(found: Dataset) -> PreconditionFailed:
    return PreconditionFailed(f"{found.name} was changed meanwhile: read it again, and then change it.")


def _asked_for(query: DatasetQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if query.search:
        text = query.search.casefold()
        found.append(or_(DatasetRow.searched.contains(text, autoescape=True), DatasetRow.id.in_(_having(text))))
    if query.asset_class:
        found.append(DatasetRow.asset_class == query.asset_class.upper())
    if query.symbol:
        found.append(DatasetRow.id.in_(_having(query.symbol)))
    if query.timeframe:
        found.append(DatasetRow.timeframe == query.timeframe)
    if query.start is not None:
        found.append(DatasetRow.end_date >= query.start)
    if query.end is not None:
        found.append(DatasetRow.start_date <= query.end)
    if query.source is not None:
        found.append(DatasetRow.source == query.source.value)
    for tag in (query.tags or "").split(","):
        if tag.strip():
            found.append(DatasetRow.tags_folded.contains(f"|{tag.strip().casefold()}|", autoescape=True))
    return found


def _having(symbol: str) -> Select[Any]:
    return select(DatasetSymbolRow.dataset_id).where(DatasetSymbolRow.folded == symbol.casefold())


def numbered(session: Session, row: DatasetRow, number: int) -> DatasetVersionRow:
    """Load a version of a dataset by its number.

    Raises:
        NotFound: There is none.
    """
    query = select(DatasetVersionRow).where(DatasetVersionRow.dataset_id == row.id, DatasetVersionRow.number == number)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound(f"{row.name} has no version {number}.", code="UNKNOWN_VERSION")
    return found


def _parents(session: Session, versions: list[str]) -> dict[str, list[DatasetParent]]:
    query = (
        select(DatasetParentRow.version_id, DatasetVersionRow)
        .join(DatasetVersionRow, DatasetVersionRow.id == DatasetParentRow.parent_id)
        .where(DatasetParentRow.version_id.in_(versions))
        .order_by(DatasetVersionRow.created_at, DatasetVersionRow.id)
    )
    found: dict[str, list[DatasetParent]] = {}
    for version_id, row in session.execute(query):
        parent = DatasetParent(version_id=row.id, dataset_id=row.dataset_id, number=row.number, state=row.state)
        found.setdefault(version_id, []).append(parent)
    return found


def shown(session: Session, dataset: DatasetRow, version: DatasetVersionRow) -> DatasetVersion:
    """Show a version."""
    parents = _parents(session, [version.id]).get(version.id, [])
    return version_model(version, parents, dataset.current_version_id)


def version_model(row: DatasetVersionRow, parents: list[DatasetParent], current: str | None) -> DatasetVersion:
    """Show a version whose parents are known."""
    names = [name for name in DatasetVersion.model_fields if name not in ("parents", "current", "sealed")]
    return DatasetVersion(
        **{name: getattr(row, name) for name in names},
        parents=parents,
        current=row.id == current,
        sealed=is_sealed(row),
    )


def _symbol(row: DatasetRow, symbol: str | None) -> str:
    if symbol is None:
        return row.symbols[0]
    if symbol not in row.symbols:
        shown = ", ".join(row.symbols[:LISTED])
        raise Invalid.field("symbol", f"{row.name} has no symbol {symbol!r}; it has {shown}", code="UNKNOWN_SYMBOL")
    return symbol
