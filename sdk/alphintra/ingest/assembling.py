"""From what a reader yields to rows of staging: cells that were not understood, time zones, symbols."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from alphintra.errors import DataError
from alphintra.ingest.coding import numbered
from alphintra.ingest.expressions import DUPLICATE_KEY, GOOD, NO_OBJECT
from alphintra.ingest.findings import CUT, Findings, shown
from alphintra.ingest.limits import Limits
from alphintra.ingest.mapping import (
    EPOCHS,
    KNOWN,
    MIXED,
    NATIVE,
    RATIOS,
    TEXTS,
    TIMES,
    Column,
    Mapping,
    check_symbol,
    names_instant,
)
from alphintra.ingest.melting import melt_of
from alphintra.ingest.staging import DAY_US, Block
from alphintra.ingest.time_formats import swapped
from alphintra.ingest.zones import I64, Localizer

_FORMULA = r"^[=+\-@\t\r]"
_UNIT_FROM, _UNIT_TO = (int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000 for year in (2001, 2100))
#: What a time in staging may be, microseconds: the years 1 to 9999.
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999


#: From which size on a double does not hold every whole number.
_WHOLE = 2.0**53
_ROUNDED = "the number is 2⁵³ or more, of which 15 digits are kept: as text all would be"
#: Roles of numbers that are so large; prices are not.
_COUNTED = ("volume", "size", "bid_size", "ask_size", "feature", "label")


@dataclass(frozen=True)
class _Place:
    """A finding whose row is known as a place in the stream, from 0."""

    rule: str
    message: str
    at: int
    column: str | None
    symbol: str | None
    time: str | None


class Assembler:
    """Turns the batches of one table into blocks.

    Args:
        mapping: What each column is.
        name: The table, as findings call it.
        symbol: Its symbol, if it has no column for it.
        localizer: Turns local times into UTC; ``None`` for days and for times in UTC.
        limits: Bounds.
        findings: Takes what is found.
        doubles: Columns of the file whose numbers are doubles in it.
    """

    def __init__(
        self,
        mapping: Mapping,
        name: str,
        symbol: str | None,
        localizer: Localizer | None,
        limits: Limits,
        findings: Findings,
        doubles: frozenset[int] = frozenset(),
    ) -> None:
        melt = melt_of(mapping)
        self._sources, self._melt = mapping.columns, melt
        mapping = mapping if melt is None else melt.long
        self._each = 1 if melt is None else len(melt.symbols)
        self._told: dict[str, int] = {}
        self._kept: list[tuple[int, I64]] = []
        self._mapping, self._name, self._symbol = mapping, name, symbol
        self._localizer, self._limits, self._findings = localizer, limits, findings
        self._known: set[str] = set()
        self._places: list[_Place] = []
        self._made: Counter[str] = Counter()
        self._streamed = 0
        self._dropped: list[I64] = []
        stamp = next((c for c in mapping.of("time", "date") if c.format), None)
        self._stamp = "" if stamp is None else (stamp.source or f"column {stamp.position + 1}")
        self._format = "" if stamp is None else stamp.format
        self._either = stamp is not None and not stamp.stated and swapped(self._format) is not None
        self._differ = False
        self._range: tuple[int, int] | None = None
        self._numbers = [
            place
            for place, column in enumerate(mapping.values)
            if column.role in _COUNTED and column.divisor == 1 and not self._places_of(column) <= doubles
        ]
        self._texts = [place for place, column in enumerate(mapping.values) if column.role in TEXTS]

    def block(self, batch: Any) -> Block:
        """Return the rows of a batch that were understood."""
        names = batch.schema.names
        rows = batch.num_rows
        keep = np.ones(rows, dtype=bool)
        if "bad" in names:
            self._bad_cells(batch, keep)
        if batch.column("t").null_count:
            self._drop(keep, np.asarray(batch.column("t").is_null()), "TS_PARSE", "the time is missing", self._stamp)
        if self._melt is not None:
            keep &= self._filled(batch)
        symbols, codes = self._symbols(batch, keep)
        times = np.asarray(pc.fill_null(batch.column("t"), 0), dtype=np.int64)
        rule = "TS_UNIT" if self._format in EPOCHS else "TS_PARSE"
        beyond = (times < _EARLIEST) | (times > _LATEST)
        mixed = f" (choose {MIXED} if its unit changes)" if rule == "TS_UNIT" else ""
        self._drop(keep, beyond, rule, f"the time is out of range as {self._format}{mixed}", self._stamp)
        if self._mapping.resolution == "date" and keep.any():
            self._drop(keep, times % DAY_US != 0, "TS_PARSE", "the date has a time of day", self._stamp)
        self._long_texts(batch, keep)
        if "lost" in names:
            finer = self._once(np.flatnonzero(keep & np.asarray(batch.column("lost"))), CUT)
            self._say(finer, "TS_PRECISION", lambda row: CUT, self._stamp)
        self._large_numbers(batch, keep)
        if self._melt is not None:
            self._count(keep)
        elif not keep.all():
            self._dropped.append(np.flatnonzero(~keep) + self._streamed)
        if not keep.all():
            batch, times = batch.filter(pa.array(keep)), times[keep]
            used, codes = np.unique(codes[keep], return_inverse=True)
            symbols = [symbols[place] for place in used.tolist()]
        if len(times):
            self._note_times(times)
            if self._localizer is not None:
                times = self._to_utc(times, symbols, codes, keep)
        self._streamed += rows
        values = []
        for place, column in enumerate(self._mapping.values):
            own = batch.column(f"v{place}")
            values.append(self._known_at(own, column.format) if column.role in KNOWN else own)
        return Block(symbols, codes, times, values)

    @property
    def streamed(self) -> int:
        """How many rows of the table came from the reader."""
        return self._streamed // self._each

    def ends(self, missing: I64) -> I64 | None:
        """Return for each row of the table how many are in staging up to it, where it is one of each instrument.

        Args:
            missing: Rows, from 1, that the reader left out.
        """
        if self._melt is None:
            return None
        came = np.zeros(self.streamed, dtype=np.int64)
        for first, counts in self._kept:
            came[first : first + len(counts)] += counts
        kept = np.zeros(self.streamed + len(missing), dtype=np.int64)
        kept[np.setdiff1d(np.arange(len(kept)), missing - 1)] = came
        return np.cumsum(kept)

    def finish(self, rejected: I64, first_line: Callable[[int], int | None]) -> tuple[I64, int | None]:
        """Add the findings, whose rows are known only now.

        Args:
            rejected: Rows, from 1, that the reader itself left out.
            first_line: Tells by the number of rows the line of the first one, if each row is one line.

        Returns:
            All rows (from 1) that are not in staging (where a row is one of each instrument: that the reader left out),
            and the line of the first row.
        """
        lines = first_line(self.streamed + len(rejected))
        shift = rejected - np.arange(len(rejected))

        def row_of(at: I64) -> I64:
            return at + 1 + np.searchsorted(shift, at + 1, side="right")

        for place in self._places:
            row = int(row_of(np.array([place.at // self._each]))[0])
            line = None if lines is None else row - 1 + lines
            self._findings.add(
                place.rule,
                place.message,
                self._name,
                row=row,
                line=line,
                column=place.column,
                symbol=place.symbol,
                time=place.time,
            )
        for rule, count in self._made.items():
            self._findings.count(rule, count - self._limits.places)
        self._check_times()
        dropped = np.concatenate(self._dropped) if self._dropped else np.zeros(0, dtype=np.int64)
        return np.union1d(rejected, row_of(dropped)), lines

    def _place(self, rule: str, message: str, at: int, column: str | None = None, **more: str | None) -> None:
        """Keep a place until its row is known; of those beyond the first ones, the number."""
        self._made[rule] += 1
        if self._made[rule] <= self._limits.places:
            place = _Place(rule, message, at + self._streamed, column, more.get("symbol"), more.get("time"))
            self._places.append(place)

    def _drop(self, keep: npt.NDArray[np.bool_], wrong: Any, rule: str, message: str, column: str | int) -> None:
        rows = np.flatnonzero(keep & wrong)
        keep[rows] = False
        if column == self._stamp or self._is_shared(column):
            rows = self._once(rows, f"{message} {column}")
        self._say(rows, rule, lambda row: message, column)

    def _say(self, rows: I64, rule: str, message: Callable[[int], str], column: str | int) -> None:
        """Add a finding for each row: of a column by its name, or by its place among those that are read."""
        for row in rows[: self._limits.places].tolist():
            self._place(rule, message(row), row, column if isinstance(column, str) else self._called(column, row)[0])
        self._made[rule] += max(0, len(rows) - self._limits.places)

    def _once(self, rows: I64, what: str) -> I64:
        """Return of rows that have a cell in common, as those of one time, the first one.

        Args:
            rows: Of a batch, rising.
            what: What is said of them; of a batch once.
        """
        if self._each == 1 or not len(rows):
            return rows
        table_rows, first = np.unique((rows + self._streamed) // self._each, return_index=True)
        fresh = table_rows > self._told.get(what, -1)
        self._told[what] = max(self._told.get(what, -1), int(table_rows[-1]))
        return rows[first[fresh]]

    def _filled(self, batch: Any) -> npt.NDArray[np.bool_]:
        """Tell which rows have a cell of their instrument's own."""
        assert self._melt is not None
        found = np.zeros(batch.num_rows, dtype=bool)
        for place, column in enumerate(self._mapping.values):
            if isinstance(self._melt.places[column.position], tuple):
                own = batch.column(f"v{place}")
                found |= ~np.isnan(np.asarray(own)) if pa.types.is_floating(own.type) else np.asarray(own.is_valid())
        return found

    def _count(self, keep: npt.NDArray[np.bool_]) -> None:
        """Note how many rows of each one of the table are kept."""
        first = self._streamed // self._each
        rows = (np.flatnonzero(keep) + self._streamed) // self._each - first
        self._kept.append((first, np.bincount(rows, minlength=1)))

    def _called(self, position: int, row: int) -> tuple[str, str | None]:
        """Return the name of a column in the file, and whose it is there."""
        if self._melt is None:
            return self._sources[position].source or f"column {position + 1}", None
        at = (row + self._streamed) % self._each
        place, symbol = self._melt.places[position], None
        if isinstance(place, tuple):
            symbol = self._melt.symbols[at]
            place = next(own for own in (place[at], *place) if own is not None)
        return self._sources[place].source or f"column {place + 1}", symbol

    def _bad_cells(self, batch: Any, keep: npt.NDArray[np.bool_]) -> None:
        codes = np.asarray(batch.column("bad"), dtype=np.int64)
        rows = np.flatnonzero(codes != GOOD)
        if not len(rows):
            return
        keep[rows] = False
        for code in (NO_OBJECT, DUPLICATE_KEY, *filter(self._is_shared, range(len(self._mapping.columns)))):
            if self._each > 1 and (own := rows[codes[rows] == code]).size:
                rows = np.sort(np.concatenate([rows[codes[rows] != code], self._once(own, f"bad {code}")]))
        texts = batch.column("bad_text").take(pa.array(rows)).to_pylist()
        for row, text in zip(rows.tolist(), texts, strict=True):
            code = int(codes[row])
            if code == NO_OBJECT:
                self._place("SCHEMA_TYPE", "the line is not a JSON object", row)
            elif code == DUPLICATE_KEY:
                self._place("SCHEMA_DUP_COLUMN", "the object has a name twice", row)
            else:
                column = self._mapping.columns[code]
                name, symbol = self._called(code, row)
                if column.role in TIMES:
                    self._place("TS_PARSE", f"'{shown(text)}' {column.no_time}", row, name, symbol=symbol)
                elif column.role in RATIOS:
                    what = "ratio" if column.role == "split" else "ratio or amount"
                    message = f"'{shown(text)}' is no {what}; a ratio is written 4, 4:1, 4/1 or 4-for-1"
                    self._place("EVENT_ROW", message, row, name)
                else:
                    self._place("SCHEMA_TYPE", f"'{shown(text)}' is not a number", row, name, symbol=symbol)

    def _places_of(self, column: Column) -> set[int]:
        """Return where a column of values is in the file."""
        place = column.position if self._melt is None else self._melt.places[column.position]
        return {own for own in (place if isinstance(place, tuple) else (place,)) if own is not None}

    def _is_shared(self, position: str | int) -> bool:
        """Tell whether a column is all instruments', by its place among those that are read."""
        return self._melt is not None and isinstance(position, int) and isinstance(self._melt.places[position], int)

    def _long_texts(self, batch: Any, keep: npt.NDArray[np.bool_]) -> None:
        for place in self._texts:
            column = batch.column(f"v{place}")
            position = self._mapping.values[place].position
            longest = pc.max(pc.binary_length(column)).as_py() or 0
            if longest > self._limits.cell:
                long = pc.fill_null(pc.greater(pc.binary_length(column), self._limits.cell), False)
                message = f"the cell has more than {self._limits.cell:,} bytes"
                self._drop(keep, np.asarray(long), "CELL_LIMIT", message, position)
            formulas = np.flatnonzero(np.asarray(pc.fill_null(pc.match_substring_regex(column, _FORMULA), False)))
            if self._is_shared(position):
                formulas = self._once(formulas, f"FORMULA_TEXT {position}")
            said = {
                row: f"'{shown(column[row].as_py())}' would be a formula in a spreadsheet"
                for row in formulas[: self._limits.places].tolist()
            }
            self._say(formulas, "FORMULA_TEXT", said.__getitem__, position)

    def _large_numbers(self, batch: Any, keep: npt.NDArray[np.bool_]) -> None:
        """Say which numbers a double does not hold to the last digit: those of whole numbers, as of trades."""
        for place in self._numbers:
            column = batch.column(f"v{place}")
            sizes = np.abs(np.asarray(column, dtype=np.float64))
            large = sizes >= _WHOLE
            if not large.any():  # as ever: a hundredth of a second for ten million
                continue
            position = self._mapping.values[place].position
            rows = np.flatnonzero(keep & large & np.isfinite(sizes))
            if self._is_shared(position):
                rows = self._once(rows, f"NUMBER_PRECISION {position}")
            self._say(rows, "NUMBER_PRECISION", lambda row: _ROUNDED, position)

    def _symbols(self, batch: Any, keep: npt.NDArray[np.bool_]) -> tuple[list[str], I64]:
        """Return the symbols of a batch, and each row's place among them; rows without a good one are dropped."""
        if self._melt is not None:
            return list(self._melt.symbols), (np.arange(batch.num_rows) + self._streamed) % self._each
        if self._symbol is not None:
            return [self._symbol], np.zeros(batch.num_rows, dtype=np.int64)
        column = self._mapping.of("symbol")[0]
        called = column.source or f"column {column.position + 1}"
        names, codes = numbered(batch.column("s"))
        self._drop(keep, codes < 0, "SCHEMA_REQUIRED", "the symbol is missing", called)
        for place, name in enumerate(names):
            if name in self._known:
                continue
            try:
                check_symbol(name, self._name)
                self._known.add(name)
            except DataError:
                self._drop(keep, codes == place, "SCHEMA_TYPE", f"'{shown(name)}' is not a symbol", called)
        return names, codes

    def _note_times(self, times: I64) -> None:
        """Keep what decides about formats over all of the column."""
        if self._either:
            days = times // DAY_US
            dates = days.astype("M8[D]")
            months = dates.astype("M8[M]")
            day = (dates - months).astype(np.int64) + 1
            month = months.astype(np.int64) % 12 + 1
            self._either = bool((day <= 12).all())
            self._differ = self._differ or bool((day != month).any())
        if self._format in EPOCHS:
            low, high = self._range or (int(times[0]), int(times[0]))
            self._range = (min(low, int(times.min())), max(high, int(times.max())))

    def _check_times(self) -> None:
        if self._either and self._differ:
            self._findings.add(
                "TS_AMBIGUOUS",
                f"all dates could be {swapped(self._format)} as well as {self._format}, as which they are read: "
                "nobody has stated the format",
                self._name,
                column=self._stamp,
            )
        if self._range is None or _within(self._range, 1):
            return
        own = EPOCHS[self._format]
        for unit, factor in EPOCHS.items():
            if _within(self._range, factor / own):
                self._findings.add(
                    "TS_UNIT",
                    f"as {self._format} the times begin in {_year(self._range[0])}; as {unit} they are in 2001 to 2100",
                    self._name,
                    column=self._stamp,
                )
                return

    def _known_at(self, column: Any, form: str) -> Any:
        """Return in UTC when values were known; a day ends in the zone of the mapping, else in UTC."""
        zone = self._mapping.zone
        if zone is not None and not names_instant(form) and form != NATIVE:
            local = np.asarray(pc.fill_null(column, 0), dtype=np.int64)
            utc, _, _ = Localizer(zone, repeats=True).to_utc(local, [""], np.zeros(len(local), dtype=np.int64))
            column = pc.if_else(column.is_null(), pa.scalar(None, pa.int64()), pa.array(utc))
        return column.cast(pa.timestamp("us", "UTC"))

    def _to_utc(self, local: I64, symbols: list[str], codes: I64, keep: npt.NDArray[np.bool_]) -> I64:
        assert self._localizer is not None
        utc, gaps, folds = self._localizer.to_utc(local, symbols, codes)
        if not len(gaps) and not len(folds):
            return utc
        at = np.flatnonzero(keep)
        zone = self._mapping.zone
        for rule, rows, message in (
            ("TS_DST_GAP", gaps, f"the time does not exist in {zone}: clocks went forward"),
            ("TS_DST_FOLD", folds, f"the time comes twice in {zone}: clocks went back; the order of rows tells"),
        ):
            if self._each > 1:
                rows = np.searchsorted(at, self._once(at[rows], rule))
            for row in rows[: self._limits.places].tolist():
                when = str(np.datetime64(int(local[row]), "us").astype("M8[s]"))
                self._place(rule, message, int(at[row]), self._stamp, symbol=symbols[codes[row]], time=when)
            self._made[rule] += max(0, len(rows) - self._limits.places)
        return utc


def _within(bounds: tuple[int, int], factor: float) -> bool:
    return bool(bounds[0] * factor >= _UNIT_FROM and bounds[1] * factor < _UNIT_TO)


def _year(us: int) -> int:
    return int(np.datetime64(us, "us").astype("M8[Y]").astype(np.int64)) + 1970
