"""Fill what is missing, by what came before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from alphintra.data.market import DAY_US
from alphintra.data.timeframe import length_of
from alphintra.errors import DataError, ParameterError
from alphintra.recipes import parameters
from alphintra.recipes.grids import among, grid
from alphintra.recipes.rows import I64, KNOWN, PRICES, Rows, Shape, missing
from alphintra.recipes.step import Context, Numbers, Outcome, Step
from alphintra.recipes.windows import MOST_ROWS
from alphintra.store.columns import Column, arrow_type, numbers, raw_values
from alphintra.store.known import COARSE

_LATER = "What comes later is not known yet: use method='forward', or leave it missing."


@dataclass(frozen=True, kw_only=True)
class Fill(Step):
    """Fill missing values with the last one before, or with a number; add the rows that the calendar expects.

    A row that is added between the first and the last of a symbol is a bar without trade: its prices are the close
    before, its volume is 0. Where rows have times of knowledge of their own, it has that of the row after it: until
    then its own might still come. Volume is not carried forward.
    """

    kind: ClassVar[str] = "fill"
    refuses: ClassVar[str] = "filling backward, interpolation"

    columns: tuple[str, ...] = parameters.columns("Which; none: all but labels.")
    method: str = parameters.choice(
        "Fill with the last value before, or with `value`.", ("forward", "value"), "forward",
        refused=dict.fromkeys(("backward", "linear", "interpolate", "nearest"), _LATER),
    )  # fmt: skip
    value: float | None = parameters.number("The number, with method `value`.")
    limit: int | None = parameters.whole(
        "Most rows that are filled one after the other.", low=1, high=MOST_ROWS, unit="rows"
    )
    rows: bool = parameters.yes("Whether rows that the calendar expects are added.")

    def check(self) -> None:
        """See :class:`Step`."""
        if (self.method == "value") != (self.value is not None):
            raise ParameterError("value belongs to method='value'", where="value", hint="Give both, or neither.")

    @property
    def mixes_rows(self) -> bool:
        """See :class:`Step`."""
        return self.method == "forward" or self.rows

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        chosen = self._chosen(shape)
        if self.method == "value":
            shape.numeric(chosen)
        for name in chosen:
            column = shape.column(name)
            if column.role in ("time", "sequence", KNOWN):
                raise DataError("a time is not filled", code="BAD_COLUMN", where=f"column {name!r}")
        if self.rows:
            frame = shape.about.timeframe
            if length_of(frame) is not None and frame not in COARSE:
                raise DataError(f"no calendar says when bars of {frame} are expected", code="NO_TIMEFRAME",
                                where="rows", hint="Leave rows out.")  # fmt: skip
            if frame is None:
                raise DataError(
                    "without a time frame no rows are expected", code="NO_TIMEFRAME", where="rows",
                    hint="State the time frame of the version, put 'resample' before, or leave rows out.",
                )  # fmt: skip
            if shape.role("sequence") is not None:
                raise DataError("ticks come at any time: no rows are expected", code="NO_TIMEFRAME", where="rows")
        return shape

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        origin = self._with_rows(rows) if self.rows and len(rows) else None
        arrays = dict(rows.arrays) if origin is None else rows.taken(origin[0])
        if origin is not None:
            arrays[shape.time.name] = origin[1]
            late = shape.role(KNOWN)
            if late is not None:
                arrays[late.name] = _missed(rows, origin[0], late, arrays[late.name])
        for name in self._chosen(shape):
            arrays[name] = self._filled(arrays[name], shape.column(name).role, shape.column(name).type)
        if origin is None:
            return Outcome(arrays)
        self._no_trade(arrays, shape, origin[0] < 0)
        return Outcome(arrays, origin[0])

    def _chosen(self, shape: Shape) -> tuple[str, ...]:
        if self.columns:
            return self.columns
        numeric = self.method == "value"
        kept = [c for c in shape.columns if c.role not in ("time", "sequence", KNOWN, "label")]
        return tuple(c.name for c in kept if not numeric or c.type in ("double", "int64"))

    def _filled(self, array: Any, role: str | None, kind: str) -> Any:
        gone = missing(array)
        if not gone.any() or (role == "volume" and self.method == "forward"):
            return array
        places = np.arange(len(array))
        last = np.maximum.accumulate(np.where(gone, -1, places))
        # The first rows of a gap: how long it lasts is not known yet.
        can = gone if self.limit is None else gone & (places - last <= self.limit)
        if self.method == "value":
            return _put(array, can, self.value, kind)
        can = can & (last >= 0)
        return array.take(numbers(np.where(can, last, places)))

    def _with_rows(self, rows: Rows) -> tuple[I64, Any] | None:
        """Return the places that rows had before, and the times; ``None`` if none are added."""
        import pyarrow as pa

        shape = rows.shape
        wanted = grid(rows.times, shape)
        lacking = wanted[~among(wanted, rows.times)]
        if self.limit is not None:
            # How many expected rows lie between an added one and the row before it.
            before = rows.times[np.searchsorted(rows.times, lacking) - 1]
            nth = np.searchsorted(wanted, lacking) - np.searchsorted(wanted, before, side="right") + 1
            lacking = lacking[nth <= self.limit]
        if not len(lacking):
            return None
        times = np.concatenate([rows.times, lacking.astype(rows.times.dtype)])
        order = np.argsort(times, kind="stable")
        origin = np.where(order < len(rows), order, -1)
        return origin, pa.array(times[order]).cast(arrow_type(shape.time.type))

    def _no_trade(self, arrays: dict[str, Any], shape: Shape, added: Any) -> None:
        """Give added rows the close before as all prices, and no volume."""
        if self.method != "forward":
            return
        close, volume = shape.role("close"), shape.role("volume")
        for role in PRICES:
            column = shape.role(role)
            if close is not None and column is not None and column.type == "double" and close.type == "double":
                values = np.where(added, raw_values(arrays[close.name]), raw_values(arrays[column.name]))
                arrays[column.name] = numbers(values)
        if volume is not None:
            arrays[volume.name] = _put(arrays[volume.name], added, 0.0, volume.type)


def _missed(rows: Rows, origin: I64, late: Column, array: Any) -> Any:
    """Return the times of knowledge where rows were added: they are known to be missing when the next one is known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    following = np.minimum.accumulate(np.where(origin < 0, len(rows), origin)[::-1])[::-1]
    known = rows.known[following]
    if late.type == "date32":  # a date counts from its end
        known = ((known - 1) // DAY_US).astype(np.int32)
    return pc.if_else(pa.array(origin < 0), numbers(known).view(arrow_type(late.type)), array)


def _put(array: Any, places: Any, value: Any, kind: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == "int64" and (value != int(value) or abs(value) >= 2.0**63):
        text = f"{value:g} is no whole number" + (" of 64 bits" if value == int(value) else "")
        raise ParameterError(text, where="value", hint="The column holds whole numbers.")
    if kind == "bool" and value not in (0, 1):
        raise ParameterError(f"{value:g} is neither 0 nor 1", where="value", hint="The column holds truth values.")
    scalar = pa.scalar({"int64": int, "bool": bool}.get(kind, float)(value), arrow_type(kind))
    return pc.if_else(pa.array(places), scalar, array)
