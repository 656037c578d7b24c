"""Times in data given directly: one format for the whole column, decided over all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from alphintra.data.arrow import to_array
from alphintra.data.market import DAY_US, I32, I64
from alphintra.data.tables import RawTable
from alphintra.errors import DataError

_ZONED = (
    r"^(?P<stamp>\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)"
    r"\s*(?P<zone>Z|UTC|[+-]\d{2}(?::?\d{2}(?::\d{2})?)?)$"
)
_YEAR_FIRST = r"^(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?P<rest>[ T]\d{1,2}:\d{2}(?::\d{2})?)?$"
_YEAR_LAST = r"^(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y>\d{4})(?P<rest>[ T]\d{1,2}:\d{2}(?::\d{2})?)?$"
_COMPACT = r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})$"
_DIGITS = r"^\d{9,19}$"
# An epoch number is taken in the unit that puts it between 1973 and 2100.
_EPOCH_UNITS = (("s", 1_000_000, 1), ("ms", 1_000, 1), ("µs", 1, 1), ("ns", 1, 1_000))
_EPOCH_FROM, _EPOCH_TO = 100_000_000, 4_102_444_800
_SWITCH_MONTHS = (3, 4, 9, 10, 11)


@dataclass(frozen=True, eq=False)
class Times:
    """Times of bar opens.

    Attributes:
        utc: int64 microseconds since 1970-01-01 UTC.
        session: Date in the zone the times were written in, int32 days.
        assumed_utc: True if the times named no zone.
        midnight: True if all were at midnight in the zone they were written in.
    """

    utc: I64
    session: I32
    assumed_utc: bool
    midnight: bool


def parse_times(table: RawTable, position: int, zone: str | None = None) -> Times:
    """Read the time column of a table.

    Args:
        table: The table.
        position: Which of its columns.
        zone: Zone of times that name none, such as ``Europe/London``; ``None``: they are UTC.

    Raises:
        DataError: A cell is empty or no time, day and month cannot be told apart, zones are mixed,
            or a time does not exist in ``zone``.
    """
    times = _parsed(table, position)
    if zone is None:
        return times
    return _in_zone(times, zone, table, table.names[position])


def _in_zone(times: Times, zone: str, table: RawTable, name: str) -> Times:
    """Read times without a zone as local ones.

    Where clocks go back an hour comes twice: it is the first one until the times go back as well.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not times.assumed_utc:
        raise DataError(
            "the times name a time zone already",
            code="TIME_ZONE_KNOWN",
            where=f"{table.source}, column '{name}'",
            hint="Leave out timezone=.",
        )
    local = pa.array(times.utc, pa.timestamp("us"))
    try:
        early, late = (
            to_array(pa.chunked_array([pc.assume_timezone(local, zone, ambiguous=which, nonexistent="earliest")]))
            for which in ("earliest", "latest")
        )
    except pa.ArrowInvalid:
        raise DataError(
            f"there is no time zone {zone!r}", code="UNKNOWN_TIME_ZONE", hint="Write Europe/London, for example."
        ) from None
    there = to_array(pa.chunked_array([pc.local_timestamp(pa.array(early, pa.timestamp("us", zone)))]))
    gap = np.flatnonzero(there != times.utc)
    if len(gap) and not times.midnight:
        row = int(gap[0])
        raise DataError(
            f"{np.datetime_as_string(times.utc[row].astype('M8[us]'), unit='s')} does not exist in {zone}: "
            "clocks went forward",
            code="NO_SUCH_TIME",
            where=table.where(row, name),
            hint="Check the time zone.",
        )
    second = np.zeros(len(early), dtype=bool)
    edges = np.flatnonzero(np.diff((early != late).astype(np.int8), prepend=0, append=0))
    for first, last in edges.reshape(-1, 2).tolist():  # one autumn hour after the other
        back = np.flatnonzero(np.diff(times.utc[first:last]) <= 0)
        if len(back):
            second[first + int(back[0]) + 1 : last] = True
    return Times(np.where(second, late, early), times.session, False, times.midnight)


def _parsed(table: RawTable, position: int) -> Times:
    import pyarrow as pa

    column, name = table.columns[position], table.names[position]
    if column.null_count:
        row = int(np.flatnonzero(_nulls(column))[0])
        raise DataError("the time is missing", code="EMPTY_CELL", where=table.where(row, name))
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _from_timestamps(column)
    if pa.types.is_date(kind):
        return _naive(to_array(column.cast(pa.date32())).astype(np.int64) * DAY_US)
    if pa.types.is_integer(kind):
        return _from_integers(column.cast(pa.int64()), table, name)
    if pa.types.is_dictionary(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _from_text(column.cast(pa.string()), table, name)
    if pa.types.is_string(kind):
        return _from_text(column, table, name)
    raise DataError(f"the time column has the type {kind}", code="BAD_TIME", where=f"{table.source}, column '{name}'")


def _nulls(column: Any) -> Any:
    return np.array(column.is_null().to_pylist())


def _naive(local: I64) -> Times:
    return Times(local, _days(local), True, bool((local % DAY_US == 0).all()))


def _days(local: I64) -> I32:
    return (local // DAY_US).astype(np.int32)


def _from_timestamps(column: Any) -> Times:
    import pyarrow as pa
    import pyarrow.compute as pc

    zone = column.type.tz
    utc = to_array(column.cast(pa.timestamp("us", zone), safe=False))
    if zone is None:
        return _naive(utc)
    local = to_array(pc.local_timestamp(column).cast(pa.timestamp("us"), safe=False))
    return Times(utc, _days(local), False, bool((local % DAY_US == 0).all()))


def _from_integers(column: Any, table: RawTable, name: str) -> Times:
    import pyarrow as pa

    values = to_array(column)
    if len(values) and values.min() >= 18_000_101 and values.max() <= 21_001_231:
        return _from_text(column.cast(pa.string()), table, name)
    for _, multiply, divide in _EPOCH_UNITS:
        seconds = 1_000_000 * divide // multiply
        if len(values) and values.min() >= _EPOCH_FROM * seconds and values.max() <= _EPOCH_TO * seconds:
            utc = values * multiply // divide
            return Times(utc, _days(utc), False, bool((utc % DAY_US == 0).all()))
    raise DataError(
        f"{values[0] if len(values) else 'nothing'} is not a time",
        code="BAD_TIME",
        where=table.where(0, name),
        hint="Numbers are dates as YYYYMMDD, or seconds, ms, µs or ns since 1970.",
    )


def _from_text(column: Any, table: RawTable, name: str) -> Times:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pc.utf8_trim_whitespace(column)
    zoned = pc.extract_regex(column, _ZONED)
    has_zone = ~_nulls(zoned)
    if has_zone.any():
        if not has_zone.all():
            return _mixed(has_zone, column, table, name)
        return _from_zoned(zoned, table, name)
    stamps = _as_timestamps(column)
    if stamps is not None:
        return _naive(to_array(stamps))
    compact = pc.extract_regex(column, _COMPACT)
    if not compact.null_count:
        local = _built(compact, "y", "m", "d")
        if local is not None:
            return _naive(local)
    if pc.all(pc.match_substring_regex(column, _DIGITS)).as_py():
        return _from_integers(column.cast(pa.int64()), table, name)
    first = pc.extract_regex(column, _YEAR_FIRST)
    if not first.null_count:
        local = _built(first, "y", "m", "d")
        if local is not None:
            return _naive(local)
    last = pc.extract_regex(column, _YEAR_LAST)
    if not last.null_count:
        return _day_and_month(last, column, table, name)
    raise _not_a_time(column, table, name)


def _as_timestamps(column: Any) -> Any:
    import pyarrow as pa

    try:
        return column.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None


def _built(parts: Any, year: str, month: str, day: str) -> I64 | None:
    """Return the times of extracted parts, or ``None`` if one of them is no date."""
    import pyarrow.compute as pc

    def field(name: str) -> Any:
        return pc.utf8_lpad(pc.struct_field(parts, name), 2, "0")

    dates = pc.binary_join_element_wise(field(year), field(month), field(day), "-")
    names = [parts.type.field(i).name for i in range(parts.type.num_fields)]
    if "rest" in names:
        clock = pc.struct_field(parts, "rest")
        clock = pc.utf8_ltrim(clock, " T")
        clock = pc.if_else(pc.equal(pc.utf8_length(clock), 0), "00:00", clock)
        hour_short = pc.match_substring_regex(clock, r"^\d:")
        clock = pc.if_else(hour_short, pc.binary_join_element_wise("0", clock, ""), clock)
        dates = pc.binary_join_element_wise(dates, clock, " ")
    stamps = _as_timestamps(dates)
    return None if stamps is None else to_array(stamps)


def _day_and_month(parts: Any, column: Any, table: RawTable, name: str) -> Times:
    month_first, day_first = _built(parts, "y", "a", "b"), _built(parts, "y", "b", "a")
    if month_first is not None and day_first is not None and not np.array_equal(month_first, day_first):
        raise DataError(
            f"day and month cannot be told apart in '{column[0]}'",
            code="AMBIGUOUS_DATE",
            where=f"{table.source}, column '{name}'",
            hint="Write dates as YYYY-MM-DD.",
        )
    local = month_first if month_first is not None else day_first
    if local is None:
        raise _not_a_time(column, table, name)
    return _naive(local)


def _from_zoned(parts: Any, table: RawTable, name: str) -> Times:
    import pyarrow.compute as pc

    stamps = _as_timestamps(pc.struct_field(parts, "stamp"))
    if stamps is None:
        raise _not_a_time(pc.struct_field(parts, "stamp"), table, name)
    local = to_array(stamps)
    zones = pc.struct_field(parts, "zone").combine_chunks().dictionary_encode()
    known = np.array([_offset_us(zone) for zone in zones.dictionary.to_pylist()], dtype=np.int64)
    offsets = known[np.array(zones.indices.to_pylist(), dtype=np.int64)]
    _check_zones(offsets, local, table, name)
    utc = local - offsets
    return Times(utc, _days(local), False, bool((local % DAY_US == 0).all()))


def _offset_us(zone: str) -> int:
    if zone in ("Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "").ljust(6, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:6])
    return (-seconds if zone[0] == "-" else seconds) * 1_000_000


def _check_zones(offsets: I64, local: I64, table: RawTable, name: str) -> None:
    """Allow one zone with its daylight saving: two offsets an hour apart, switched in spring and autumn."""
    kinds = np.unique(offsets)
    if len(kinds) == 1:
        return
    switches = np.flatnonzero(np.diff(offsets)) + 1
    months = local[switches].astype("M8[us]").astype("M8[M]").astype(np.int64) % 12 + 1
    hour_apart = len(kinds) == 2 and int(kinds[1] - kinds[0]) == 3_600_000_000
    if not hour_apart or not np.isin(months, _SWITCH_MONTHS).all():
        raise DataError(
            "the times are in different time zones",
            code="MIXED_TIME_ZONES",
            where=table.where(int(switches[0]), name),
            hint="Convert them to UTC.",
        )


def _mixed(has_zone: Any, column: Any, table: RawTable, name: str) -> Times:
    row = int(np.flatnonzero(has_zone != has_zone[0])[0])
    raise DataError(
        f"some times name a zone and some do not: '{column[0]}', then '{column[row]}'",
        code="MIXED_TIME_ZONES",
        where=table.where(row, name),
        hint="Convert them to UTC.",
    )


def _not_a_time(column: Any, table: RawTable, name: str) -> DataError:
    """Return the error for the first cell that is no time, or differs in form from the first cell."""
    cells = column.to_pylist()
    row = next((i for i, cell in enumerate(cells) if not _is_iso(cell)), 0)
    shown = cells[row] if len(cells[row]) <= 40 else cells[row][:39] + "…"
    if not shown:
        return DataError("the time is missing", code="EMPTY_CELL", where=table.where(row, name))
    return DataError(
        f"'{shown}' is not a time",
        code="BAD_TIME",
        where=table.where(row, name),
        hint="Write times as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS, all in one form.",
    )


def _is_iso(cell: str) -> bool:
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return False
    return "W" not in cell
