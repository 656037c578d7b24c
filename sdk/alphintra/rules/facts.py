"""What is stated of the rows that are checked: nothing of it is found out from the values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from alphintra.data.timeframe import length_of, step_us
from alphintra.errors import DataError
from alphintra.rules.hours import Hours, hours_of
from alphintra.store.columns import Column, time_column

if TYPE_CHECKING:
    from collections.abc import Mapping as Map
    from collections.abc import Sequence

    from alphintra.ingest.mapping import Mapping
    from alphintra.ingest.reading import Staged
    from alphintra.ingest.sorting import Source
    from alphintra.store.manifest import About
    from alphintra.store.reading import Version

Kind = Literal["bars", "ticks", "features", "reference"]
DAY_US = 86_400_000_000
PRICES = ("open", "high", "low", "close", "adj_close", "price", "bid", "ask")


@dataclass(frozen=True, eq=False)
class Facts:
    """What is stated of the rows.

    Attributes:
        columns: Columns of the version, the symbol left out.
        kind: ``bars``, ``ticks`` (several rows may share a time), ``features``, or ``reference``, of which several may
            fall on one day.
        timeframe: ``1d``, ``1min``, …; ``None`` where it is not known, and for ticks.
        calendar: ``XNYS``, ``24/7``, ``weekdays``, …, or ``None``.
        asset_class: ``STOCKS``, ``CRYPTO``, ``FOREX``, …, or ``None``.
        label: Which end of its bar a time is: ``open``, ``close`` or ``unknown``.
        adjustment: ``raw``, ``unknown``, or what prices are adjusted for.
        zone_known: Whether times name their zone, or somebody said it.
        zone: In whose local times the source wrote them, where that is known.
        staged: Whether the rows come from a file, whose findings and places are known.
        numbered: Whether rows have ``_row``; else, from a file, they are in its order.
        sources: The tables of the file, as far as they are known before its rows.
        events: By symbol, the days (since 1970) of splits that are known.
        ex_dates: By symbol, the days of all splits and dividends; of a symbol that is left out they are not known.
        most_rows: Rows that the dataset may have.
        now: When it is checked, microseconds UTC.
        parent: The version that these rows are added to.
    """

    columns: tuple[Column, ...]
    kind: Kind
    timeframe: str | None = None
    calendar: str | None = None
    asset_class: str | None = None
    label: str = "unknown"
    adjustment: str = "unknown"
    zone_known: bool = True
    zone: str | None = None
    staged: bool = False
    numbered: bool = False
    sources: tuple[Source, ...] = ()
    events: Map[str, frozenset[int]] = field(default_factory=dict)
    ex_dates: Map[str, frozenset[int]] = field(default_factory=dict)
    most_rows: int | None = None
    now: int = field(default_factory=lambda: int(datetime.now(UTC).timestamp() * 1e6))
    parent: Version | None = None

    @cached_property
    def time(self) -> Column:
        """The column of times."""
        return time_column(self.columns)

    @cached_property
    def hours(self) -> Hours | None:
        """Sessions of the calendar; ``None`` where there is none, or it never closes."""
        if self._hours_problem is not None or self.calendar in (None, "24/7"):
            return None
        return hours_of(self.calendar, self.asset_class)

    @cached_property
    def _hours_problem(self) -> str | None:
        try:
            if self.calendar not in (None, "24/7"):
                hours_of(self.calendar, self.asset_class)
        except DataError as error:
            return error.message
        return None

    @cached_property
    def step(self) -> int | None:
        """Microseconds of a bar; ``None`` for weeks and months, for ticks, and where no time frame is known."""
        if self.kind == "ticks" or self.timeframe is None:
            return None
        count, unit = length_of(self.timeframe) or (0, "")
        if unit in ("w", "mo"):
            return None
        return max(count, 1) * DAY_US if self.daily else step_us(self.timeframe)

    @property
    def daily(self) -> bool:
        """Whether rows are days or longer."""
        return self.time.type == "date32" or length_of(self.timeframe) is not None

    @property
    def longer(self) -> bool:
        """Whether rows are longer than a day."""
        return length_of(self.timeframe) not in (None, (1, "d"))

    @property
    def adjusted(self) -> bool:
        """Whether prices were changed afterwards."""
        return self.adjustment not in ("raw", "unknown")

    def names(self, *roles: str) -> tuple[str, ...]:
        """Return the names of the columns that have one of these roles, in the order of the roles."""
        return tuple(c.name for role in roles for c in self.columns if c.role == role)

    def name(self, role: str) -> str | None:
        """Return the name of the column with a role, or ``None``."""
        return next(iter(self.names(role)), None)

    @property
    def close(self) -> str | None:
        """Name of the column that returns are made of."""
        return next(iter(self.names("close", "price")), None)

    def without_sessions(self) -> str | None:
        """Return why sessions are not known, or ``None``."""
        if self.calendar is None:
            return "calendar unknown"
        if self._hours_problem is not None:
            return f"calendar cannot be read: {self._hours_problem}"
        return "the market never closes" if self.calendar == "24/7" else None

    def without(self, *roles: str) -> str | None:
        """Return which of some roles no column has, as a reason, or ``None``."""
        missing = [role for role in roles if self.name(role) is None]
        return f"there is no {' and no '.join(missing)}" if missing else None


def of_version(version: Version, **more: object) -> Facts:
    """Return what a stored version's manifest states.

    Args:
        version: The version.
        more: Other fields, such as ``events``.
    """
    return of_columns(version.manifest.columns, version.manifest.about, **more)


def of_columns(columns: tuple[Column, ...], about: About, **more: object) -> Facts:
    """Return what is stated of rows that a version is written of.

    Args:
        columns: Its columns.
        about: What it states.
        more: Other fields, such as ``events``.
    """
    return Facts(**({"columns": columns, "kind": _kind(columns), **_about(about)} | more))  # type: ignore[arg-type]


def of_staging(mapping: Mapping, staged: Staged | None, about: About, **more: object) -> Facts:
    """Return what the mapping of a file states, and what was said beside it.

    Args:
        mapping: What each column of the file is.
        staged: What was read; ``None`` where rows are checked while they are read, in the order of the file.
        about: Time frame, calendar and asset class; the rest is the mapping's.
        more: Other fields, such as ``events``.
    """
    from alphintra.ingest.mapping import KNOWN, TEXTS

    daily = mapping.resolution == "date"
    columns = [Column("date", "date32", "time") if daily else Column("time", "timestamp[us, UTC]", "time")]
    types = dict.fromkeys(TEXTS, "string") | dict.fromkeys(KNOWN, "timestamp[us, UTC]")
    columns += [Column(c.name, types.get(c.role, "double"), c.role) for c in mapping.values]
    given = {
        **_about(about),
        "columns": tuple(columns),
        "kind": mapping.kind,
        "label": mapping.label,
        "adjustment": mapping.adjustment,
        "zone_known": mapping.zone is not None or mapping.zoned,
        "zone": mapping.zone,
        "staged": True,
        "numbered": staged is not None and staged.numbered,
        "sources": () if staged is None else staged.sources,
    }
    return Facts(**(given | more))  # type: ignore[arg-type]


def of_reference(reference: Version, symbols: Sequence[str]) -> dict[str, dict[str, frozenset[int]]]:
    """Return ``events`` and ``ex_dates`` of symbols out of reference data, all that is known today.

    A symbol of which there is no row at all is left out: nothing is known of it.

    Args:
        reference: What :func:`~alphintra.data.referring.add_reference` wrote.
        symbols: Those of the rows that are checked.

    Raises:
        DataError: ``NO_REFERENCE``; ``AMBIGUOUS`` where two instruments have a symbol.
    """
    from alphintra.store import reference as stored

    rows = stored.known(stored.facts(reference), None)
    days: dict[str, dict[str, frozenset[int]]] = {"events": {}, "ex_dates": {}}
    for symbol, instrument in stored.instruments_of(rows, symbols).items():
        own = [row for row in rows if row.instrument == instrument and row.kind in ("split", "dividend")]
        days["ex_dates"][symbol] = frozenset(row.ex for row in own)
        days["events"][symbol] = frozenset(row.ex for row in own if row.kind == "split")
    return days


def _about(about: About) -> dict[str, object]:
    return {
        "timeframe": about.timeframe,
        "calendar": about.calendar,
        "asset_class": about.asset_class,
        "label": about.label,
        "adjustment": about.adjustment,
        "zone_known": about.time_zone is not None,
        "zone": about.time_zone,
    }


def _kind(columns: tuple[Column, ...]) -> Kind:
    from alphintra.store.reference import COLUMNS

    if columns == COLUMNS:
        return "reference"
    roles = {column.role for column in columns}
    if "close" in roles:
        return "bars"
    return "ticks" if "price" in roles or {"bid", "ask"} <= roles else "features"
