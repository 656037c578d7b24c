"""Where the traces of a Plotly figure lie: panels, axes and their scales, for drawing without Plotly."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.formats import stamp, text

F64 = npt.NDArray[np.float64]

_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:\d{2})?$")


@dataclass
class Axis:
    """One axis: what its numbers mean and how far they reach.

    Attributes:
        kind: ``linear``, ``log``, ``date`` or ``category``.
        domain: The part of the drawing that it covers, fractions.
        percent: Whether its ticks are percentages.
        reverse: Whether it runs backwards.
        categories: Names in the order of their places.
    """

    kind: str = ""
    domain: tuple[float, float] = (0.0, 1.0)
    percent: bool = False
    reverse: bool = False
    low: float = math.inf
    high: float = -math.inf
    categories: dict[str, int] = field(default_factory=dict)

    def numbers(self, values: Sequence[Any]) -> F64:
        """Return values as numbers of this axis, NaN where there is none; their kind is settled by the first ones."""
        if not self.kind:
            self.kind = _kind(values)
        if self.kind == "date":
            return np.array([_seconds(value) for value in values], dtype=np.float64)
        if self.kind == "category":
            for value in values:
                self.categories.setdefault(str(value), len(self.categories))
            return np.array([self.categories[str(value)] for value in values], dtype=np.float64)
        found = np.array([_number(value) for value in values], dtype=np.float64)
        if self.kind == "log":
            with np.errstate(divide="ignore", invalid="ignore"):
                found = np.where(found > 0, np.log10(found), np.nan)
        return found

    def reach(self, numbers: F64) -> None:
        """Widen the axis so that it holds the numbers."""
        known = numbers[np.isfinite(numbers)]
        if len(known):
            self.low, self.high = min(self.low, float(known.min())), max(self.high, float(known.max()))

    def at(self, numbers: F64, size: float, *, upwards: bool) -> F64:
        """Return pixels of numbers along a drawing of ``size`` pixels."""
        start, stop = self.domain[0] * size, self.domain[1] * size
        share = (numbers - self.low) / ((self.high - self.low) or 1.0)
        if self.reverse:
            share = 1.0 - share
        return size - (start + share * (stop - start)) if upwards else start + share * (stop - start)

    def label(self, number: float) -> str:
        """Write a number of this axis for a reader."""
        if not math.isfinite(number):
            return ""
        if self.kind == "date":
            return stamp(float(round(number)))
        if self.kind == "category":
            names = list(self.categories)
            return names[min(max(round(number), 0), len(names) - 1)] if names else ""
        value = 10.0**number if self.kind == "log" else number
        if self.percent:
            return text(value, "percent")
        return text(float(f"{value:.4g}"), "quantity")


def axis_of(layout: Mapping[str, Any], reference: str) -> Axis:
    """Return the axis of a trace's reference such as ``y2``, as the layout has it."""
    letter, number = reference[0], reference[1:]
    own = layout.get(f"{letter}axis{number}") or {}
    base = own
    while base.get("overlaying"):
        other = str(base["overlaying"])
        base = layout.get(f"{letter}axis{other[1:]}") or {}
    domain = base.get("domain") or _cell(layout.get("grid") or {}, letter, int(number or 1))
    kind = str(own.get("type") or "")
    span = own.get("range")
    axis = Axis(
        kind="" if kind in ("-", "multicategory") else kind,
        domain=(float(domain[0]), float(domain[1])),
        percent="%" in str(own.get("tickformat") or ""),
        reverse=own.get("autorange") == "reversed",
    )
    for name in own.get("categoryarray") or ():
        axis.categories.setdefault(str(name), len(axis.categories))
    if span and all(isinstance(end, int | float) for end in span):
        axis.reach(np.array(span, dtype=np.float64))
    if own.get("rangemode") == "tozero":
        axis.reach(np.zeros(1))
    return axis


def _cell(grid: Mapping[str, Any], letter: str, number: int) -> tuple[float, float]:
    """Return the domain of an axis in a grid of panels, the whole where there is none."""
    rows, columns = int(grid.get("rows") or 1), int(grid.get("columns") or 1)
    count = columns if letter == "x" else rows
    if grid.get("pattern") == "independent":
        row, column = divmod(number - 1, columns)
        place = column if letter == "x" else row
    else:
        place = number - 1
    if count < 2 or place >= count:
        return 0.0, 1.0
    if letter == "y" and grid.get("roworder") != "bottom to top":
        place = count - 1 - place
    gap = 0.06 / count
    return place / count + (gap if place else 0.0), (place + 1) / count - (gap if place < count - 1 else 0.0)


def _kind(values: Sequence[Any]) -> str:
    known = [value for value in values if value is not None]
    if all(isinstance(value, int | float) for value in known):
        return "linear"
    return "date" if all(isinstance(value, str) and _DATE.match(value) for value in known) else "category"


def _number(value: Any) -> float:
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        return math.nan


def _seconds(value: Any) -> float:
    """Return seconds since 1970 of an ISO text; numbers are milliseconds, as Plotly reads them."""
    if isinstance(value, int | float):
        return float(value) / 1000.0
    if value is None:
        return math.nan
    string = str(value)
    try:
        moment = dt.datetime.fromisoformat(f"{string}-01" if len(string) == 7 else string)
    except ValueError:
        return math.nan
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC).timestamp()
