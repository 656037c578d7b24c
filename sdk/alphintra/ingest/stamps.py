"""Which column of a table is its time, and in which formats it could be."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from alphintra.ingest import habits
from alphintra.ingest.expressions import time_of_text
from alphintra.ingest.habits import Habit, folded, keys_of
from alphintra.ingest.mapping import CLOCK_MS, EPOCHS, MIXED, NATIVE, names_instant, zone_names
from alphintra.ingest.sniffing import Table
from alphintra.ingest.time_formats import CLOCK_FORMATS, decide, swapped, text_formats
from alphintra.ingest.wide_events import events_alone
from alphintra.store.reference import KINDS

_EPOCH_CELL = re.compile(r"\d{9,19}(\.\d+)?")
_FROM, _TO = (int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000 for year in (2001, 2100))
_DATED = re.compile(r"\d+-")
_CLOCK_CELL = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( [AaPp][Mm])?$")
_TIMELY = re.compile(r"time|date|stamp|epoch|unix|(^|_)(ts|mts|t|at|start|begin|open|end|index|when|day|ms|us|ns)(_|$)")
_OF_CONTRACTS = re.compile(r"expir|matur|deliver|updated")
_OF_EXTREMES = re.compile(r"high|low|max|min|first|last|peak")
_ZONE_BEHIND = re.compile(r".*\d( [A-Za-z]+/[A-Za-z_/]+)")
_NAMED_DAY = re.compile(r"(?<!\d)(19|20)\d{2}[-_.]?\d{2}[-_.]?\d{2}(?!\d)")
_DAY_US = 86_400_000_000
#: Names of columns that are no times, however like an epoch their numbers look.
_OTHERS = {name for role, names in habits.NAMES.items() if role not in ("time", "date", "clock") for name in names}


@dataclass(frozen=True)
class Stamp:
    """The time of a table.

    Attributes:
        place: Its column (of a date with a clock: the date; of a date in the file's name: the clock).
        formats: The formats in which all cells of the sample are; more than one only where they differ in meaning.
        confidence: How sure it is that this is the time.
        reason: Why.
        daily: Whether the times of the sample are days.
        zoned: Whether they say what instant they are.
        clock: Column of the time of day, where it is one of its own.
        clock_format: Its format.
        in_name: Whether the date is in the file's name.
        zone: Zone that is written behind each time.
    """

    place: int
    formats: tuple[str, ...]
    confidence: float
    reason: str
    daily: bool
    zoned: bool
    clock: int | None = None
    clock_format: str = ""
    in_name: bool = False
    zone: str = ""


class Stamps:
    """Recognises times.

    Args:
        connection: Parses cells as it will parse the file.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def epoch(self, cells: Sequence[str], mixed: bool = False) -> str | None:
        """Return the unit in which numbers are times between 2001 and 2100; if several may be mixed, also those."""
        if not cells or not all(_EPOCH_CELL.fullmatch(cell) for cell in cells):
            return None
        values = [float(cell) for cell in cells]
        for unit, factor in EPOCHS.items():
            if min(values) * factor >= _FROM and max(values) * factor < _TO:
                return unit
        return MIXED if mixed and all(_micros(cell, MIXED) is not None for cell in cells) else None

    def is_date(self, cells: Sequence[str]) -> bool:
        """Tell whether all cells are dates without a time of day."""
        found = decide(self._connection, cells, text_formats())
        return any("%H" not in form and "%I" not in form for form in found.formats)

    def is_clock(self, cells: Sequence[str]) -> bool:
        """Tell whether all cells are times of day."""
        return bool(decide(self._connection, cells, CLOCK_FORMATS).formats)

    def in_name(self, stem: str) -> bool:
        """Tell whether a file's name holds a date."""
        return _NAMED_DAY.search(stem) is not None

    def find(self, table: Table, stem: str, habit: Habit | None) -> Stamp | None:
        """Return the time of a table, or ``None`` if no column is one."""
        keys = [folded(name) for name in table.names]
        named = [
            place for place, key in enumerate(keys) if key in habits.NAMES["time"] or key in habits.NAMES["date"]
        ]  # fmt: skip
        if events_place(table) is not None or events_alone(table):
            named = [keys.index(key) for key in habits.EX_DATES if key in keys][:1] or named
        if habit is not None and habit.roles is not None:
            named = [place for place, role in enumerate(habit.roles) if role in ("time", "date")]
        elif habit is not None and habit.time:
            named = [keys.index(habit.time)]
        elif keys and not keys[0] and 0 not in named:
            named.append(0)
        found = [own for place in named if (own := self.of(table, place, keys[place], True)) is not None]
        counted = bool(found) and not table.header and found[0].formats[0].startswith("epoch")
        if not found or (counted and (habit is None or habit.roles is None)):
            found = self._unnamed(table, keys, named) or found
        if not found:
            return self._clock_alone(table, keys, stem)
        best = max(found, key=lambda own: (own.zoned, not own.daily, -own.place))
        dates = [own for own in found if own.daily and not own.zoned]
        if best.daily and not best.zoned and dates:
            return self._with_clock(table, keys, dates[0], habit) or best
        return best

    def _unnamed(self, table: Table, keys: Sequence[str], named: Sequence[int]) -> list[Stamp]:
        """Return the columns that are times by their cells alone.

        What is written as a date is one, and the day of the row where it is none of a contract's end; a large number is
        a time only where its name says so, or nothing does.
        """
        found = [
            own
            for place in range(len(keys))
            if place not in named
            and (keys[place] not in _OTHERS or not all(cell.isdigit() for cell in table.column(place)))
            and (own := self.of(table, place, "")) is not None
        ]
        written = [own for own in found if not own.formats[0].startswith("epoch")]
        if named and not table.header:
            return [own for own in written if own.formats[0] != "%Y%m%d"]
        own_days = [own for own in written if not _OF_CONTRACTS.search(keys[own.place])]
        counted = [own for own in found if not table.header or _TIMELY.search(keys[own.place])]
        return own_days or written or counted

    def of(self, table: Table, place: int, key: str, named: bool = False) -> Stamp | None:
        """Return what a column would be as the time; ``key`` is its name if that says so, or its place does."""
        kind = table.kinds[place]
        said = f"it is called {table.names[place].strip()[:40]}" if key else "its cells are times"
        if kind in ("time", "zoned", "date"):
            dated = filter(_DATED.match, table.column(place))
            daily = kind == "date" or all(" 00:00:00" in cell or len(cell) == 10 for cell in dated)
            return Stamp(place, (NATIVE,), 0.99 if key else 0.9, said, daily, kind == "zoned")
        cells = table.column(place)
        unit = self.epoch(cells, named)
        if unit is not None:
            daily = all((_micros(cell, unit) or 0) % _DAY_US == 0 for cell in cells)
            return Stamp(place, (unit,), 0.95 if key else 0.7, f"{said}, and numbers since 1970", daily, True)
        behind = _zone_behind(cells)
        bare = [cell.removesuffix(behind) for cell in cells] if behind else cells
        decision = decide(self._connection, bare, text_formats())
        if not decision.formats:
            if not key or decision.share < 0.5:
                return None
            text = f"{said}, though only {decision.share:.0%} of its cells are {decision.best}"
            form = decision.best
            both: tuple[str, ...] = (form,)
        else:
            form = decision.formats[0]
            other = swapped(form)
            both = (form,)
            if other is not None and other in decision.formats and self._differ(form, other):
                both = (form, other)
            text = f"{said}, and all {decision.cells:,} cells of the sample are {form}"
        timed = "%H" in form or "%I" in form
        daily = not timed or self._midnight(form)
        sure = 0.95 if key else 0.7
        both = tuple(own + behind for own in both)
        return Stamp(place, both, sure, text, daily, names_instant(both[0]), zone=behind.strip())

    def _differ(self, form: str, other: str) -> bool:
        rows = self._connection.execute(
            f"SELECT count(*) FROM sample WHERE {time_of_text('c', form)} <> {time_of_text('c', other)}"
        ).fetchone()
        return rows is not None and rows[0] > 0

    def _midnight(self, form: str) -> bool:
        stamp = time_of_text("c", form, local=True)
        rows = self._connection.execute(f"SELECT count(*) FROM sample WHERE {stamp} % {_DAY_US} <> 0").fetchone()
        return rows is not None and rows[0] == 0

    def _with_clock(self, table: Table, keys: Sequence[str], date: Stamp, habit: Habit | None) -> Stamp | None:
        """Return a date together with the time of day in another column."""
        places = [place for place, key in enumerate(keys) if key in habits.NAMES["clock"] and place != date.place]
        if habit is not None and habit.roles is not None:
            places = [place for place, role in enumerate(habit.roles) if role == "clock"]
        elif not table.header and date.place + 1 < len(keys):
            places.append(date.place + 1)
        elif not places and self._several_a_day(table, date.place):  # whatever it is called, unless that says of what
            others = [(place, table.column(place)) for place in range(len(keys)) if place != date.place]
            clocks = (place for place, own in others if own and all(map(_CLOCK_CELL.match, own)))
            places = [place for place in clocks if not _OF_EXTREMES.search(keys[place])][:1]
        for place in places:
            if table.kinds[place] == "clock":
                return Stamp(date.place, date.formats, date.confidence, date.reason, False, False, place, NATIVE)
            cells = table.column(place)
            width = 4 if max(map(len, cells), default=0) <= 4 else 6
            padded = [cell.rjust(width, "0") if cell.isdigit() else cell for cell in cells]
            found = decide(self._connection, padded, CLOCK_FORMATS)
            if found.formats:
                days = all(set(cell) <= set("0:.") for cell in cells)
                return Stamp(
                    date.place, date.formats, date.confidence, date.reason, days, False, place, found.formats[0]
                )
        return None

    @staticmethod
    def _several_a_day(table: Table, place: int) -> bool:
        days = table.column(place)
        return len(set(days)) < len(days)

    def _clock_alone(self, table: Table, keys: Sequence[str], stem: str) -> Stamp | None:
        """Return the clock of a file whose name holds the date."""
        if not self.in_name(stem) or table.header or not table.column(0):
            return None
        cells = table.column(0)
        if all(cell.isdigit() and int(cell) < 86_400_000 for cell in cells):
            reason = "the file's name holds a date, and its first column milliseconds from midnight"
            return Stamp(0, (CLOCK_MS,), 0.9, reason, False, False, 0, CLOCK_MS, True)
        return None


def _micros(cell: str, unit: str) -> int | None:
    """Return the microseconds that a number counts; of mixed units, in the one in which it is from 2001 to 2100."""
    units = EPOCHS.values() if unit == MIXED else (EPOCHS[unit],)
    found = (round(float(cell) * factor) for factor in units)
    return next((own for own in found if unit != MIXED or _FROM <= own < _TO), None)


def _zone_behind(cells: Sequence[str]) -> str:
    """Return the name of a zone that stands behind each time, with the space before it; empty if none does."""
    found = _ZONE_BEHIND.fullmatch(cells[0]) if cells else None
    own = "" if found is None else found[1]
    return own if own and own.strip() in zone_names() and all(cell.endswith(own) for cell in cells) else ""


def events_place(table: Table) -> int | None:
    """Return the column that says what kind of event each row is, if a table is one of events."""
    for place, key in enumerate(keys_of(table.names)):
        cells = {cell.casefold() for cell in table.column(place)}
        if key in habits.NAMES["event"] and cells and len(cells & set(KINDS)) * 2 > len(cells):
            return place
    return None
