"""What a run reads: a dataset, the version of it, and the symbols."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetSymbolRow, DatasetVersionRow
from ..db.tables import DatasetRow
from ..errors import Invalid, NotFound
from .dataset_rows import LISTED, Level, find, visible_names
from .shipped_datasets import midnight, tradable

_DELETED = "DATASET_DELETED"


class Reads(Protocol):
    """A row of something that reads a dataset."""

    dataset_id: str
    dataset_version_id: str | None
    symbols: list[str]


@dataclass(frozen=True)
class Selection:
    """A dataset and the symbols of it that were asked for (none: all of them).

    Attributes:
        row: The dataset.
        symbols: The symbols.
        version: Which version; None for what ships, which has none.
    """

    row: DatasetRow
    symbols: tuple[str, ...]
    version: DatasetVersionRow | None = None

    @property
    def name(self) -> str:
        """The name by which the SDK knows the selection."""
        name = self.row.name if self.version is None else f"{self.row.name}@{self.version.number}"
        return f"{name}/{','.join(self.symbols)}" if self.symbols else name

    @property
    def content_hash(self) -> str:
        """Identity of the values of the whole version."""
        return self.row.content_hash if self.version is None else self.version.content_hash

    @property
    def symbol_count(self) -> int:
        """How many symbols are read."""
        if self.symbols:
            return len(self.symbols)
        return self.row.symbol_count if self.version is None else self.version.symbol_count

    def span(self) -> tuple[datetime, datetime]:
        """First and last day of what was asked for."""
        if self.version is not None:
            return _day(self.version.start_date), _day(self.version.end_date)
        entries = [
            item for item in self.row.manifest["symbols"] if not self.symbols or item["name"] in self.symbols
        ]
        return (
            midnight(min(item["first"] for item in entries)),
            midnight(max(item["last"] for item in entries)),
        )


def pinned(reference: str, selection: Selection) -> str:
    """Write a reference with the version that it is now: by name or id as it was given, ``id@3/SYMBOL``."""
    if selection.version is None:
        return reference
    base, slash, symbols = reference.partition("/")
    return f"{base.partition('@')[0]}@{selection.version.number}{slash}{symbols}"


def selected(session: Session, reads: Reads) -> Selection:
    """Return what a stored run reads, or has read, also where it is deleted by now."""
    version = None
    if reads.dataset_version_id is not None:
        version = session.get_one(DatasetVersionRow, reads.dataset_version_id)
    return Selection(session.get_one(DatasetRow, reads.dataset_id), tuple(reads.symbols), version)


def select_for_run(session: Session, who: Caller, reference: str, field: str = "dataset_id") -> Selection:
    """Resolve ``name``, ``id``, ``name/SYMBOL`` or ``name/A,B`` to something a backtest can trade.

    Of a dataset with versions it is the current one, or the one that is named: ``name@3``, ``name@3/SYMBOL``.

    Raises:
        Invalid: Unknown dataset, version or symbol, nothing that can be filled against, or errors that nobody has
            accepted.
    """
    base, slash, wanted = reference.partition("/")
    base, at, number = base.partition("@")
    try:
        row = find(session, who, base, Level.USE)
    except NotFound:
        known = ", ".join(visible_names(session, who))
        raise Invalid.field(
            field, f"there is no dataset {base}; there is: {known}", code="UNKNOWN_DATASET"
        ) from None
    version = _version(session, row, number if at else None, field)
    symbols = tuple(part.strip() for part in wanted.split(",")) if slash else ()
    for symbol in symbols:
        if not _has(session, row, version, symbol):
            names = row.symbols if version is None else version.symbols
            shown = ", ".join(names[:LISTED])
            raise Invalid.field(
                field, f"{row.name} has no symbol {symbol!r}; it has {shown}", code="UNKNOWN_SYMBOL"
            )
    if len(set(symbols)) < len(symbols):
        raise Invalid.field(field, "names a symbol twice", code="UNKNOWN_SYMBOL")
    found = Selection(row, symbols, version)
    if version is not None and version.validation_errors:
        raise Invalid.field(
            field, f"{found.name} has errors that nobody has accepted: {version.validation_errors[0]}",
            code="DATASET_HAS_ERRORS",
        )  # fmt: skip
    if field == "dataset_id" and not _tradable(row, version):
        held = row.manifest["holds"] if version is None else "no open, high, low and close"
        raise Invalid.field(field, f"{row.name} holds {held}: nothing to fill against", code="NOT_TRADABLE")
    return found


def _version(session: Session, row: DatasetRow, number: str | None, field: str) -> DatasetVersionRow | None:
    if row.current_version_id is None:
        if number is not None:
            raise Invalid.field(field, f"{row.name} ships with the product: it has no versions", code="UNKNOWN_VERSION")
        return None
    query = select(DatasetVersionRow).where(DatasetVersionRow.dataset_id == row.id)
    if number is None:
        query = query.where(DatasetVersionRow.id == row.current_version_id)
    elif number.isascii() and number.isdecimal() and len(number) < 10:
        query = query.where(DatasetVersionRow.number == int(number))
    else:
        raise Invalid.field(field, f"{number!r} is no number of a version", code="UNKNOWN_VERSION")
    found = session.scalars(query).first()
    if found is None:
        text = f"{row.name} has no version {number}; the current one is {row.version_number}"
        raise Invalid.field(field, text, code="UNKNOWN_VERSION")
    if found.state != "ACTIVE":
        raise Invalid.field(field, f"version {found.number} of {row.name} was deleted", code=_DELETED)
    return found


def _has(session: Session, row: DatasetRow, version: DatasetVersionRow | None, symbol: str) -> bool:
    if version is None:
        return symbol in row.symbols
    if version.symbol_count <= len(version.symbols):
        return symbol in version.symbols
    if version.id != row.current_version_id:
        return True  # the job looks into its manifest
    return session.get(DatasetSymbolRow, (row.id, symbol)) is not None


def _tradable(row: DatasetRow, version: DatasetVersionRow | None) -> bool:
    return tradable(row.manifest) if version is None else bool(version.about["tradable"])


def _day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
