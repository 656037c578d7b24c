"""Rows of datasets for charts and downloads: processes in the sandbox read them; who may is looked up here."""

from __future__ import annotations

import asyncio
import json
from array import array
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Any

from alphintra.store.layout import MANIFEST, file_name
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetVersionRow, StorageAccountRow
from ..db.engine import Database
from ..db.tables import DatasetRow
from ..errors import Gone, Invalid, NotFound, ServiceError
from ..jobs.worker_home import Link
from ..models.dataset_reading import CandlesQuery, DatasetCandles, DownloadPlan, DownloadQuery
from ..readers.pool import Readers, Source
from ..readers.process import ReaderFailed, Said
from ..sealing.vault import FOLDER as _FOLDER
from ..sealing.vault import SealedVersion, Vault
from ..waiting import in_waiting
from . import shipped_datasets
from .dataset_inputs import folder_of, is_sealed, stored_files
from .dataset_rows import find
from .dataset_storage import DatasetStorage, told

_MOST_SKETCHES = 64 << 20
_STATISTICS = TypeAdapter(dict[str, dict[str, Any]])


_CANDLES = {
    "UNKNOWN_SYMBOL": "symbol", "UNKNOWN_COLUMN": "column", "NOT_TRADABLE": "column", "BAD_RANGE": "start",
}  # fmt: skip
_FILES = {
    "UNKNOWN_SYMBOL": "symbols", "UNKNOWN_DATASET": "symbols", "UNKNOWN_COLUMN": "columns", "BAD_RANGE": "start",
    "TOO_MANY_ROWS": "format", "CELL_LIMIT": "format",
}  # fmt: skip
"""Which field of a query a reader's error is about, by its code."""


@contextmanager
def _fields(query: CandlesQuery | DownloadQuery) -> Iterator[None]:
    """Name the field that a reader, or what reads what ships, complains of."""
    try:
        yield
    except Invalid as error:
        place = (_CANDLES if isinstance(query, CandlesQuery) else _FILES).get(error.code)
        if error.code == "BAD_DATE":  # its text begins with the bound's name
            place = "end" if error.detail.lower().startswith("end=") else "start"
        if place is not None and not error.errors:
            error.errors = [{"field": place, "message": error.detail}]
        raise


@dataclass(frozen=True)
class Begun:
    """A download that has begun.

    Attributes:
        plan: What it is.
        parts: The file; it is whole only if this ends without an error.
    """

    plan: DownloadPlan
    parts: AsyncIterator[bytes]


@dataclass(frozen=True)
class _Found:
    """What is read: which version, and who asked."""

    source: Source
    name: str
    number: int | None
    first_symbol: str
    manifest: dict[str, Any]


class DatasetReading:
    """What can be seen of the rows of datasets.

    Args:
        database: Says who may read what.
        storage: Where versions lie.
        readers: Read them.
        vault: Has the keys of sealed versions.
    """

    def __init__(self, database: Database, storage: DatasetStorage, readers: Readers, vault: Vault) -> None:
        self._database, self._storage, self._readers, self._vault = database, storage, readers, vault
        readers.serve(self)

    async def candles(self, who: Caller, dataset_id: str, query: CandlesQuery) -> DatasetCandles:
        """Draw a part of a symbol in a bounded number of candles."""
        if (query.first_row is None) != (query.stop_row is None):
            raise Invalid.field("stop_row", "first_row and stop_row go together")
        if query.first_row is not None and query.stop_row is not None and query.first_row > query.stop_row:
            text = f"{query.first_row:,} is after stop_row, {query.stop_row:,}"
            raise Invalid.field("first_row", text, code="BAD_RANGE")
        if query.first_row is not None and (query.start, query.end) != (None, None):
            raise Invalid.field("start", "a part is named by its times or by its rows, not by both")
        found = await self._find(who, dataset_id, query.version)
        symbol = query.symbol if query.symbol is not None else found.first_symbol
        request = query.model_dump(exclude={"version"}) | {"type": "candles", "symbol": symbol}
        with _fields(query), told():
            if found.source.shipped is not None:
                said, raw = await asyncio.to_thread(shipped_datasets.candles, found.manifest, request)
            else:
                said, raw = await self._readers.picture(found.source, request)
        return await asyncio.to_thread(_candles, found, symbol, query.column, said, raw)

    async def plan(self, who: Caller, dataset_id: str, query: DownloadQuery) -> DownloadPlan:
        """Look what a download would be; says what is wrong with it before there is a file."""
        found = await self._find(who, dataset_id, query.version)
        with _fields(query), told():
            async with self._readers.download(found.source, _asked(query, "count")) as (rows, _):
                return _plan(found, query, rows)

    @asynccontextmanager
    async def download(self, who: Caller, dataset_id: str, query: DownloadQuery) -> AsyncIterator[Begun]:
        """Begin a download; what is wrong with it is said before its first byte."""
        found = await self._find(who, dataset_id, query.version)
        with _fields(query), told():
            async with self._readers.download(found.source, _asked(query, "export")) as (rows, reader):
                yield Begun(_plan(found, query, rows), reader.parts())

    async def sketches(self, who: Caller, dataset_id: str, version_id: str) -> dict[str, Any]:
        """Return what the manifest of a sealed version does not tell: its ``statistics`` and its ``sample``.

        The caller has looked up that they may read it.
        """
        with told():
            raw = await self._readers.sketches(Source(who.user_id, dataset_id, version_id), _MOST_SKETCHES)
        return dict(await asyncio.to_thread(json.loads, raw))

    async def statistics(
        self, who: Caller, dataset_id: str, version_id: str, symbol: str
    ) -> dict[str, dict[str, Any]]:
        """Return the statistics of a symbol's columns, counted from its rows.

        The caller has looked up that they may read it.
        """
        with told():
            source = Source(who.user_id, dataset_id, version_id)
            raw = await self._readers.statistics(source, symbol, _MOST_SKETCHES)
        try:
            return await asyncio.to_thread(_STATISTICS.validate_json, raw)
        except ValidationError:
            raise ReaderFailed("The dataset's reader told no statistics of columns.") from None

    async def allowed(self, sources: Collection[Source]) -> Collection[Source]:
        """Return those that may still be read by whom they are for."""

        def work(session: Session) -> set[Source]:
            return {source for source in sources if _may(session, source)}

        return await self._database.read(work)

    async def links(self, source: Source) -> Mapping[str, Link]:
        """Return the files of a version, by their paths below ``in`` of its reader."""
        if source.version_id is None:
            return {}

        def work(session: Session) -> Mapping[str, Link]:
            version = session.get_one(DatasetVersionRow, source.version_id)
            owner = session.get_one(DatasetRow, version.dataset_id).user_id
            folder = session.get_one(StorageAccountRow, owner).folder
            manifest, files = stored_files(session, self._storage, folder, version)
            links = {f"{_FOLDER}/{file_name(file.sha256)}": file for file in files}
            return {f"{_FOLDER}/{MANIFEST}": manifest, **links}

        return await self._database.read(work)

    async def keys(self, source: Source) -> Mapping[str, str] | None:
        """Return what opens a sealed version, for its reader alone."""

        def work(session: Session) -> SealedVersion | None:
            version = None if source.version_id is None else session.get_one(DatasetVersionRow, source.version_id)
            if version is None or not is_sealed(version):
                return None
            owner = folder_of(session, session.get_one(DatasetRow, version.dataset_id))
            return SealedVersion(version.id, owner, version.manifest_sha256)

        found = await self._database.read(work)
        return None if found is None else (await in_waiting(self._vault.find, found)).to_json()

    async def _find(self, who: Caller, dataset_id: str, number: int | None) -> _Found:
        def work(session: Session) -> _Found:
            row = find(session, who, dataset_id)
            if row.current_version_id is None and number is None:
                source = Source(who.user_id, row.id, None, row.name)
                return _Found(source, row.name, None, row.symbols[0], row.manifest)
            query = select(DatasetVersionRow).where(DatasetVersionRow.dataset_id == row.id)
            wanted = (
                DatasetVersionRow.id == row.current_version_id
                if number is None
                else DatasetVersionRow.number == number
            )
            version = session.scalars(query.where(wanted)).first()
            if version is None:
                raise NotFound(f"{row.name} has no version {number}.", code="UNKNOWN_VERSION")
            if version.state != "ACTIVE":
                raise Gone(f"Version {version.number} of {row.name} was deleted.", code="DATASET_DELETED")
            source = Source(who.user_id, row.id, version.id)
            return _Found(source, row.name, version.number, version.symbols[0], {})

        return await self._database.read(work)


def _may(session: Session, source: Source) -> bool:
    try:
        find(session, Caller(source.user_id, ()), source.dataset_id)
    except ServiceError:
        return False
    if source.version_id is None:
        return True
    version = session.get(DatasetVersionRow, source.version_id)
    return version is not None and version.state == "ACTIVE"


def _candles(found: _Found, symbol: str, column: str | None, said: Said, raw: bytes) -> DatasetCandles:
    """Make the answer of the numbers, whatever they are."""
    size = said.points * 8
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)] if size else [b""] * 7
    times, rows = ([*array("q", pieces[place])] for place in (0, 5))
    prices = [_numbers(piece) for piece in pieces[1:5]]
    return DatasetCandles.model_construct(
        dataset_id=found.source.dataset_id,
        symbol=symbol,
        version=found.number,
        column=column,
        bars=said.bars,
        rows_each=said.rows_each,
        first_row=said.first_row,
        total_rows=said.rows,
        time=[day * 86_400.0 for day in times] if said.days else [micros / 1e6 for micros in times],
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        volume=_numbers(pieces[6]) if said.volume else None,
        rows=rows,
    )


def _numbers(raw: bytes) -> list[float | None]:
    return [value if isfinite(value) else None for value in array("d", raw)]


def _asked(query: DownloadQuery, kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "format": query.format,
        "symbols": _list(query.symbols, "symbols"),
        "columns": _list(query.columns, "columns"),
        "start": query.start,
        "end": query.end,
        "escape": query.escape_formulas,
    }


def _list(text: str | None, field: str) -> list[str] | None:
    if text is None:
        return None
    if not text.startswith("["):
        return [part.strip() for part in text.split(",")]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise Invalid.field(field, "a list of JSON holds texts")
    return found


def _plan(found: _Found, query: DownloadQuery, rows: int) -> DownloadPlan:
    from alphintra.store.exporting import FORMATS

    kind = FORMATS[query.format]
    version = "" if found.number is None else f"-v{found.number}"
    return DownloadPlan(
        dataset_id=found.source.dataset_id,
        version=found.number,
        rows=rows,
        file_name=f"{found.name}{version}{kind.suffixes[0]}",  # of letters, digits and ._- alone
        media_type=kind.media_type,
    )
