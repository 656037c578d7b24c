"""Coarser bars."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from alphintra.data.market import DAY_US
from alphintra.data.sessions import exchange
from alphintra.data.timeframe import length_of, step_us
from alphintra.errors import DataError, ParameterError
from alphintra.recipes import parameters
from alphintra.recipes.groups import HOW, aggregate
from alphintra.recipes.rows import I64, KNOWN, PRICES, Rows, Shape
from alphintra.recipes.step import Context, Numbers, Outcome, Step, looks_ahead
from alphintra.store.columns import Column, arrow_type
from alphintra.store.known import COARSE, WITHOUT_HOURS

_FRAME = re.compile(r"(?:[1-9]\d{0,3}(?:ms|s|min|h)|1d|1w|1mo)\Z")
_BY_ROLE = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


@dataclass(frozen=True, kw_only=True)
class Resample(Step):
    """Make coarser bars: first open, highest high, lowest low, last close, sum of volume, the last of everything else.

    A row goes into the bar in which it ends, so a bar holds nothing that is known later than itself. Ticks with a
    column of the role `price` become bars. Days, weeks and months are told by their date (weeks by their Monday,
    months by their first day; by the last day with the label `close`). With an exchange's calendar, rows outside its
    sessions are left out; hours and minutes are counted from its open, and end with its close. Where the rows end
    before the last bar does, the effect says so: it is made of what there is, and further rows make it another one.
    """

    kind: ClassVar[str] = "resample"
    refuses: ClassVar[str] = "features stamped at the open; rows with times of knowledge of their own; labels"

    timeframe: str = parameters.text("Time frame of the new bars: `5min`, `1h`, `1d`, `1w`, `1mo`, …", most=10)
    label: str | None = parameters.choice(
        "Which end of its bar a time is; left out: as before, the close for what is no bar.", ("open", "close"), None
    )
    origin: str = parameters.choice(
        "Whether intraday bars are counted from the session's open or from midnight UTC.", ("session", "midnight"),
        "session",
    )  # fmt: skip
    aggregate: dict[str, str] = parameters.by_column(  # noqa: RUF009 - it declares a field
        "How a column is taken together, by its name.", HOW
    )

    def check(self) -> None:
        """See :class:`Step`."""
        if not _FRAME.match(self.timeframe):
            raise ParameterError(
                f"{self.timeframe!r} is no time frame", where="timeframe",
                hint="Write 5min, 1h, 4h, 1d, 1w or 1mo.",
            )  # fmt: skip
        if self.timeframe not in COARSE and step_us(self.timeframe) > DAY_US:
            raise ParameterError(
                f"bars of {self.timeframe} are longer than a day, and begin anew with each one", where="timeframe",
                hint="Write 1d, 1w or 1mo.",
            )  # fmt: skip

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        self._check_coarser(shape)
        labels = shape.labels()
        if labels:
            raise DataError(
                f"{labels[0]!r} is a label of finer rows", code="BAD_COLUMN", where=f"column {labels[0]!r}",
                hint="Put 'label' after 'resample'.",
            )  # fmt: skip
        for name in self.aggregate:
            column = shape.column(name)
            if column.role in ("time", "sequence") or (
                column.type not in ("double", "int64") and self.aggregate[name] not in ("first", "last")
            ):
                raise DataError(
                    f"{name!r} cannot be taken together by {self.aggregate[name]}", code="BAD_COLUMN",
                    where=f"aggregate, column {name!r}", hint="first and last are for every type.",
                )  # fmt: skip
        if shape.role(KNOWN) is not None:
            looks_ahead(
                "rows that became known late, and revisions, would be taken together with what was known in time",
                "Use 'join' to bring the dataset to the rows of another, as it was known.",
            )
        bars = shape.role("close") is not None or shape.role("price") is not None
        if not bars and self.label == "open":
            looks_ahead(
                "features would be stamped at the open with what is known at the close",
                "Use label='close'.",
            )
        label = self.label or (shape.about.label if bars and shape.about.timeframe is not None else None)
        label = label or ("open" if bars else "close")
        kind = "date32" if self.timeframe in COARSE else shape.time.type
        columns: list[Column] = []
        for column in shape.columns:
            if column.role == "time":
                columns.append(replace(column, type=kind))
            elif column.role == "price" and shape.role("close") is None:
                columns += [Column(self._price(shape, role), "double", role, column.unit) for role in PRICES]
            elif column.role != "sequence":
                how = self._how(column)
                columns.append(replace(column, type="double") if how in ("mean", "sum", "count") else column)
        return Shape(tuple(columns), replace(shape.about, timeframe=self.timeframe, label=label))

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        import pyarrow as pa

        times, inside = self._stamps(rows, shape)
        kept = rows if inside is None else Rows(rows.symbol, rows.shape, rows.taken(inside))
        times = times if inside is None else times[inside]
        starts = np.flatnonzero(np.diff(times, prepend=times[:1] - 1)) if len(times) else np.empty(0, np.int64)
        stamps = pa.array(times[starts].astype(np.int32 if shape.time.type == "date32" else np.int64))
        arrays: dict[str, Any] = {}
        for column in rows.shape.columns:
            array = kept.arrays[column.name]
            if column.role == "time":
                arrays[column.name] = stamps.cast(arrow_type(shape.time.type))
            elif column.role == "price" and rows.shape.role("close") is None:
                for role in PRICES:
                    arrays[self._price(rows.shape, role)] = aggregate(array, starts, _BY_ROLE[role])
            elif column.role != "sequence":
                how = self._how(column)
                arrays[column.name] = aggregate(array, starts, how).cast(arrow_type(shape.column(column.name).type))
        left = len(rows) - len(kept)
        notes = [f"{rows.symbol}: {left:,} rows outside of sessions were left out"] if left else []
        if len(starts):
            notes += _unfinished(kept, Rows(rows.symbol, shape, arrays))
        return Outcome(arrays, np.full(len(starts), -1, dtype=np.int64), "; ".join(notes) or None)

    def _how(self, column: Column) -> str:
        return self.aggregate.get(column.name, _BY_ROLE.get(column.role or "", "last"))

    def _price(self, shape: Shape, role: str) -> str:
        return role if role not in shape.names or shape.column(role).role == "price" else f"bar_{role}"

    def _check_coarser(self, shape: Shape) -> None:
        before, after = shape.about.timeframe, self.timeframe
        if before is None and shape.time.type == "date32":
            before = "1d"
        if before is None or (shape.about.timeframe is None and after == "1d"):
            return
        order = [*COARSE]
        if before in COARSE:
            fits = after in COARSE and order.index(after) > order.index(before) and (before, after) != ("1w", "1mo")
        else:
            fits = length_of(before) is None and (
                after in COARSE or (step_us(after) > step_us(before) and step_us(after) % step_us(before) == 0)
            )
        if not fits:
            raise ParameterError(
                f"bars of {before} do not add up to bars of {after}", where="timeframe",
                hint="The new time frame is a multiple of the one before.",
            )  # fmt: skip

    def _stamps(self, rows: Rows, shape: Shape) -> tuple[I64, I64 | None]:
        """Return each row's new time, and which rows have one; ``None`` if all have."""
        about = rows.shape.about
        # A bar goes where it ends; a tick where it is.
        ends = rows.ends - (about.timeframe is not None)
        calendar = about.calendar or "24/7"
        dates = rows.shape.time.type == "date32" or about.timeframe in COARSE
        session = None
        if dates:
            days = rows.times.astype(np.int64) if rows.shape.time.type == "date32" else rows.times // DAY_US
        elif calendar in WITHOUT_HOURS:
            days = ends // DAY_US
        else:
            session = exchange(calendar)
            place = np.searchsorted(session.open_time, ends, side="right") - 1
            there = (place >= 0) & (ends < session.close_time[place])
            days = np.where(there, session.session[place], ends // DAY_US).astype(np.int64)
        last = shape.about.label == "close"
        if self.timeframe in COARSE:
            stamps = _dates(days, self.timeframe, last=last)
            return stamps, None if session is None or there.all() else np.flatnonzero(there)
        step = step_us(self.timeframe)
        if session is None or self.origin == "midnight":
            opens = ends // DAY_US * DAY_US
            closes = opens + DAY_US
        else:
            opens, closes = session.open_time[place], session.close_time[place]
        starts = opens + (ends - opens) // step * step
        stamps = np.minimum(starts + step, closes) if last else starts
        return stamps, None if session is None or there.all() else np.flatnonzero(there)


def _unfinished(rows: Rows, bars: Rows) -> list[str]:
    """Say of the last bar that its rows do not reach its end: further rows would make it another one."""
    about = bars.shape.about
    if rows.shape.about.timeframe is None and rows.shape.time.type != "date32":
        return []  # ticks end where there is none
    over, reached = int(bars.ends[-1]), int(rows.ends.max())
    if about.timeframe in COARSE and about.calendar in (None, "weekdays"):
        return []  # nobody knows when its last session closes
    if about.calendar is not None and about.calendar not in WITHOUT_HOURS:
        closes = exchange(about.calendar).close_time
        over = min(over, int(closes[np.searchsorted(closes, over, side="right") - 1]))
    if reached >= over:
        return []
    return [f"{rows.symbol}: the last bar ({bars.text_of(len(bars) - 1)}) is not whole, its rows end before it does"]


def _dates(days: I64, timeframe: str, *, last: bool) -> I64:
    if timeframe == "1d":
        return days
    if timeframe == "1w":
        return days - (days + 3) % 7 + 6 * last  # 1970-01-01 was a Thursday
    months = days.astype("M8[D]").astype("M8[M]")
    found = ((months + 1).astype("M8[D]") - 1) if last else months.astype("M8[D]")
    return np.asarray(found.astype(np.int64))
