"""The dataset catalogue: seeded from the manifests that ship with the SDK."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any

from sqlalchemy import Select, String, cast, func, or_, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.engine import Database, one_at_a_time
from ..db.tables import DatasetRow, unique_name
from ..db.types import utc_now
from ..errors import Invalid, NotFound
from ..models.datasets import (
    Dataset,
    DatasetPreview,
    DatasetQuery,
    DatasetStatistics,
    DataSource,
    PreviewQuery,
    StatisticsQuery,
)
from .paging import Slice

_NAMESPACE = uuid.UUID("6f0c8d5e-2f0b-5b6a-9a3c-0d6f3f0f7a11")
LISTED = 20
"""How many symbols and columns an item of a list names; the counts are beside them."""


class Datasets:
    """What a user may see of the catalogue: the platform's datasets and their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seed(self) -> None:
        """Bring the catalogue up to the manifests; runs at start, on the starting thread."""
        from alphintra.data import catalogue

        manifests = {name: catalogue.manifest(name) for name in catalogue.names()}
        self._database.write_now(lambda session: _seed(session, manifests))

    async def search(self, who: Caller, query: DatasetQuery) -> Slice[Dataset]:
        """List by name."""
        wanted = _visible(who).where(DatasetRow.withdrawn.is_(False))
        if query.search:
            text = query.search
            wanted = wanted.where(
                or_(
                    DatasetRow.name.icontains(text, autoescape=True),
                    DatasetRow.description.icontains(text, autoescape=True),
                    cast(DatasetRow.symbols, String).icontains(text, autoescape=True),
                )
            )
        if query.asset_class:
            wanted = wanted.where(DatasetRow.asset_class == query.asset_class.upper())

        def work(session: Session) -> Slice[Dataset]:
            total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
            rows = session.scalars(wanted.order_by(DatasetRow.name).limit(query.limit).offset(query.offset))
            return Slice([to_model(row, most=LISTED) for row in rows], total)

        return await self._database.read(work)

    async def get(self, who: Caller, dataset_id: str) -> Dataset:
        """Read one, by id or name."""
        return to_model(await self._find(who, dataset_id))

    async def preview(self, who: Caller, dataset_id: str, query: PreviewQuery) -> DatasetPreview:
        """Show some rows, the column statistics and a chart's points."""
        row = await self._find(who, dataset_id)
        symbol = _symbol(row, query.symbol)
        manifest = row.manifest
        names = manifest["sample"]["columns"]
        place = names.index("symbol")
        sample = [dict(zip(names, item, strict=True)) for item in manifest["sample"]["rows"]
                  if query.symbol is None or item[place] == symbol]  # fmt: skip
        chart = await asyncio.to_thread(_chart, manifest, symbol, query.max_points)
        return DatasetPreview(
            dataset_id=row.id,
            sample_data=sample[: query.rows],
            statistics={item["name"]: _brief(item) for item in manifest["columns"] if item["statistics"]},
            missing_values={
                item["name"]: item["statistics"]["nulls"]
                for item in manifest["columns"]
                if item["statistics"]
            },
            data_types={item["name"]: item["type"] for item in manifest["columns"]},
            chart_data=chart,
        )

    async def statistics(self, who: Caller, dataset_id: str, query: StatisticsQuery) -> DatasetStatistics:
        """Summarise columns, over all symbols or of one."""
        row = await self._find(who, dataset_id)
        manifest = row.manifest
        entries = {
            item["name"]: {key: item[key] for key in ("title", "first", "last", "rows")}
            for item in manifest["symbols"]
        }
        if query.symbol is None:
            return DatasetStatistics(
                dataset_id=row.id,
                row_count=row.row_count,
                columns={item["name"]: _brief(item) for item in manifest["columns"] if item["statistics"]},
                symbols=entries,
            )
        symbol = _symbol(row, query.symbol)
        return DatasetStatistics(
            dataset_id=row.id,
            row_count=entries[symbol]["rows"],
            columns=await asyncio.to_thread(_summarise, manifest, symbol),
            symbols={symbol: entries[symbol]},
        )

    async def _find(self, who: Caller, dataset_id: str) -> DatasetRow:
        return await self._database.read(lambda session: find(session, who, dataset_id))


def find(session: Session, who: Caller, dataset_id: str) -> DatasetRow:
    """Load a dataset the caller may see, by id or name."""
    query = _visible(who).where(or_(DatasetRow.id == dataset_id, DatasetRow.name == dataset_id))
    row: DatasetRow | None = session.scalars(query.limit(1)).first()
    if row is None:
        raise NotFound(f"There is no dataset {dataset_id}.", code="UNKNOWN_DATASET")
    return row


def visible_names(session: Session, who: Caller) -> list[str]:
    """List the names of the datasets that a caller may see."""
    query = _visible(who).where(DatasetRow.withdrawn.is_(False)).order_by(DatasetRow.name)
    return [row.name for row in session.scalars(query.limit(LISTED))]


def to_model(row: DatasetRow, *, most: int | None = None) -> Dataset:
    """Show a row; ``most`` cuts the long lists."""
    manifest = row.manifest
    return Dataset(
        id=row.id,
        name=row.name,
        description=row.description,
        source=DataSource(row.source),
        asset_class=row.asset_class,
        symbols=row.symbols[:most],
        symbol_count=len(row.symbols),
        timeframe=row.timeframe,
        start_date=row.start_date,
        end_date=row.end_date,
        columns=row.columns[:most],
        column_count=len(row.columns),
        row_count=row.row_count,
        file_size=row.file_size,
        is_validated=row.is_validated,
        validation_errors=row.validation_errors,
        created_at=row.created_at,
        updated_at=row.updated_at,
        content_hash=row.content_hash,
        prices=manifest.get("prices"),
        currency=manifest.get("currency"),
        calendar=manifest.get("calendar"),
        license=(manifest.get("licence") or {}).get("name"),
        tradable=tradable(manifest),
        notes=[note["text"] for note in manifest.get("notes", [])],
    )


def midnight(day: str) -> datetime:
    """Start of a day, in UTC."""
    return datetime.combine(date.fromisoformat(day), time(), UTC)


def _visible(who: Caller) -> Select[Any]:
    return select(DatasetRow).where(or_(DatasetRow.user_id.is_(None), DatasetRow.user_id == who.user_id))


def tradable(manifest: dict[str, Any]) -> bool:
    """Tell whether there is something to fill against in what ships."""
    return bool(manifest.get("tradable", True)) and not manifest.get("closes_only", False)


def _seed(session: Session, manifests: dict[str, dict[str, Any]]) -> None:
    one_at_a_time(session.connection(), "datasets")
    now = utc_now()
    rows = {row.name: row for row in session.scalars(select(DatasetRow).where(DatasetRow.user_id.is_(None)))}
    for name, manifest in manifests.items():
        # The block hashes serve whoever compares files; the catalogue has no use for them.
        stored = {key: value for key, value in manifest.items() if key != "blocks"}
        row = rows.pop(name, None)
        if row is not None and row.manifest == stored and not row.withdrawn and row.searched:
            continue
        if row is None:
            row = DatasetRow(id=uuid.uuid5(_NAMESPACE, name).hex, user_id=None, name=name, created_at=now)
            row.unique_name = unique_name(None, name)
            session.add(row)
        row.description = manifest["description"]
        row.source = DataSource.PLATFORM.value
        row.asset_class = manifest["asset_class"]
        row.symbols = [item["name"] for item in manifest["symbols"]]
        row.symbol_count = len(row.symbols)
        row.timeframe = manifest["timeframe"]
        row.start_date = midnight(manifest["first"])
        row.end_date = midnight(manifest["last"])
        row.columns = [item["name"] for item in manifest["columns"]]
        row.column_count = len(row.columns)
        row.row_count = manifest["rows"]
        row.file_size = sum(item["bytes"] for item in manifest["files"])
        row.is_validated = True
        row.validation_errors = []
        row.content_hash = manifest["content_hash"]
        row.manifest = stored
        row.about = _about(manifest)
        row.tags = []
        fold(row)
        row.withdrawn = False
        row.updated_at = now
    for row in rows.values():
        row.withdrawn = True


def _about(manifest: dict[str, Any]) -> dict[str, Any]:
    """Say of the values what a list shows."""
    return {
        "prices": manifest.get("prices"),
        "currency": manifest.get("currency"),
        "calendar": manifest.get("calendar"),
        "license": (manifest.get("licence") or {}).get("name"),
        "tradable": tradable(manifest),
        "notes": [note["text"] for note in manifest.get("notes", [])],
    }


def fold(row: DatasetRow) -> None:
    """Make what lists look for: neither database knows the cases of all letters."""
    row.name_folded = row.name.casefold()
    row.tags_folded = "|" + "".join(f"{tag.casefold()}|" for tag in row.tags)
    row.searched = "\n".join([row.name, row.description, *row.tags, *row.symbols[:LISTED]]).casefold()


def _symbol(row: DatasetRow, symbol: str | None) -> str:
    if symbol is None:
        return row.symbols[0]
    if symbol not in row.symbols:
        shown = ", ".join(row.symbols[:LISTED])
        raise Invalid.field("symbol", f"{row.name} has no symbol {symbol!r}; it has {shown}")
    return symbol


def _brief(column: dict[str, Any]) -> dict[str, Any]:
    found = dict(column["statistics"])
    found.pop("histogram", None)
    quantiles = found.pop("quantiles", None) or {}
    return found | {f"quantile_{key}": value for key, value in quantiles.items()}


def _values(manifest: dict[str, Any]) -> list[str]:
    return [item["name"] for item in manifest["columns"] if item["type"] == "double"]


def _chart(manifest: dict[str, Any], symbol: str, most: int) -> dict[str, Any]:
    import numpy as np
    from alphintra.data import catalogue

    columns = catalogue.read_columns(manifest, [symbol])[symbol]
    values = _values(manifest)
    name = "close" if "close" in values else values[0]
    series = np.asarray(columns[name], dtype=np.float64)
    kept = thin(series, most)
    days = np.asarray(columns["session"], dtype=np.int64)[kept]
    return {
        "symbol": symbol,
        "series": name,
        "time": (days * 86_400).tolist(),
        "values": [value if np.isfinite(value) else None for value in series[kept].tolist()],
        "bars": len(series),
        "thinned": len(kept) < len(series),
    }


def thin(series: Any, most: int) -> Any:
    """Pick at most ``most`` places of a series so that every bucket keeps its extremes."""
    import numpy as np

    count = len(series)
    if count <= most:
        return np.arange(count)
    edges = np.linspace(0, count, max(most // 2 - 1, 1) + 1).astype(np.int64)
    kept = {0, count - 1}
    for start, end in pairwise(edges.tolist()):
        part = series[start:end]
        if np.isfinite(part).any():
            kept.add(int(start + np.nanargmin(part)))
            kept.add(int(start + np.nanargmax(part)))
    return np.array(sorted(kept)[:most])


def _summarise(manifest: dict[str, Any], symbol: str) -> dict[str, dict[str, Any]]:
    import numpy as np
    from alphintra.data import catalogue

    columns = catalogue.read_columns(manifest, [symbol])[symbol]
    out: dict[str, dict[str, Any]] = {}
    for name in _values(manifest):
        series = np.asarray(columns[name], dtype=np.float64)
        known = series[np.isfinite(series)]
        summary: dict[str, Any] = {"count": len(known), "nulls": len(series) - len(known)}
        if len(known):
            summary |= {"min": float(known.min()), "max": float(known.max()), "mean": float(known.mean())}
            summary["std"] = float(known.std(ddof=1)) if len(known) > 1 else None
            for share in (0.05, 0.25, 0.5, 0.75, 0.95):
                summary[f"quantile_{share}"] = float(np.quantile(known, share))
        out[name] = summary
    return out
