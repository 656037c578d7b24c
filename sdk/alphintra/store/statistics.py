"""Statistics of a column in one pass, mergeable: counts, extremes, moments, quantiles, a histogram.

Counts and extremes are exact, so is what a bin of the histogram counts. A quantile is known to within its bin: bins
of a power of two that are at most a thousandth of the range, and bins of 1/64 of a power of two, whichever is
narrower there. Neither depends on the order of the values or on how they came, so equal values give equal statistics.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.store.columns import Column, raw_values, validity
from alphintra.store.hashing import with_nan

QUANTILES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
_PIECE = 32_768
_COUNTS = ("count", "nulls", "infinite", "known", "zeros", "exponent")
_FLOATS = ("least", "most", "shift", "mean", "squares")
_BINS = ("linear", "above", "below")
SHOWN = 64
"""Bins of a histogram; a version of more than 200 columns has 16."""
_MOST_TEXTS = 1_000
_TOP = 20
_TEXT = 200
#: Bits of a double's pattern that a relative bin leaves out: sign, exponent and 6 bits of the fraction stay.
_SHIFT = 46
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class _Scratch(threading.local):
    """Room for one piece of values: a fresh megabyte for every step would cost more than the step."""

    def __init__(self) -> None:
        self.floats = np.empty(_PIECE)
        self.numbers = np.empty(_PIECE, dtype=np.int64)


_SCRATCH = _Scratch()


class Bins:
    """Counts by bin number."""

    def __init__(self) -> None:
        self.base = 0
        self.counts: I64 = np.empty(0, dtype=np.int64)

    def add(self, numbers: I64) -> None:
        """Count one for each number; the array is used up."""
        if not len(numbers):
            return
        self._reach(int(numbers.min()), int(numbers.max()))
        numbers -= self.base
        found = np.bincount(numbers)
        self.counts[: len(found)] += found

    def halve(self, times: int) -> None:
        """Make every bin 2 to the ``times`` as wide."""
        numbers, counts = self.filled()
        self.base, self.counts = 0, np.empty(0, dtype=np.int64)
        if len(numbers):
            numbers >>= times
            self._reach(int(numbers[0]), int(numbers[-1]))
            np.add.at(self.counts, numbers - self.base, counts)

    def filled(self) -> tuple[I64, I64]:
        """Return the numbers of bins that are not empty, and their counts."""
        places = np.flatnonzero(self.counts)
        return places + self.base, self.counts[places]

    def ends(self) -> tuple[int | None, int | None]:
        """Return the first and the last number that there is room for."""
        return (self.base, self.base + len(self.counts) - 1) if len(self.counts) else (None, None)

    def state(self) -> list[int]:
        """Return what :meth:`restore` takes: the number of the first bin, then counts."""
        filled = np.flatnonzero(self.counts)
        if not len(filled):
            return [0]
        first, last = int(filled[0]), int(filled[-1])
        return [self.base + first, *self.counts[first : last + 1].tolist()]

    def restore(self, state: list[int]) -> None:
        """Go on where another left off."""
        self.base, self.counts = int(state[0]), np.array(state[1:], dtype=np.int64)

    def _reach(self, least: int, most: int) -> None:
        """Make room from ``least`` to ``most``."""
        if not len(self.counts):
            self.base, self.counts = least, np.zeros(most - least + 1, dtype=np.int64)
            return
        before = max(self.base - least, 0)
        after = max(most - self.base - len(self.counts) + 1, 0)
        if before or after:
            # More than is needed: a walk goes on in small steps.
            room = len(self.counts) // 8
            self.counts = np.pad(self.counts, (before and before + room, after and after + room))
            self.base -= before and before + room


class NumberStatistics:
    """Statistics of numbers; NaN counts as missing, infinities are counted apart."""

    def __init__(self) -> None:
        self.count = self.nulls = self.infinite = self.known = 0
        self.least, self.most = math.inf, -math.inf
        self.shift: float | None = None
        self.mean = self.squares = 0.0
        self.exponent: int | None = None
        self.zeros = 0
        self.linear, self.above, self.below = Bins(), Bins(), Bins()

    def add(self, values: F64) -> None:
        """Take the next values."""
        self.count += len(values)
        finite = np.isfinite(values)
        if not finite.all():
            missing = int(np.isnan(values).sum())
            self.nulls += missing
            self.infinite += len(values) - missing - int(finite.sum())
            values = values[finite]
        for start in range(0, len(values), _PIECE):
            self._piece(values[start : start + _PIECE])

    def _piece(self, values: F64) -> None:
        floats, numbers = _SCRATCH.floats[: len(values)], _SCRATCH.numbers[: len(values)]
        self._moments(values, floats)
        self.least = min(self.least, float(values.min()) + 0.0)
        self.most = max(self.most, float(values.max()) + 0.0)
        self._widen()
        self._number(values, floats, numbers)
        self.linear.add(numbers)
        if self.least > 0:
            self.above.add(np.right_shift(values.view(np.int64), _SHIFT, out=numbers))
            return
        above, below = values[values > 0], values[values < 0]
        self.zeros += len(values) - len(above) - len(below)
        self.above.add(above.view(np.int64) >> _SHIFT)
        self.below.add(np.negative(below).view(np.int64) >> _SHIFT)

    def _moments(self, values: F64, near: F64) -> None:
        """Add up around the first value, so that what is far from 0 loses no digits."""
        if self.shift is None:
            self.shift = float(values[0])
        before, added = self.known, len(values)
        self.known += added
        with np.errstate(over="ignore", invalid="ignore"):  # beyond what doubles hold there is no mean
            np.subtract(values, self.shift, out=near)
            mean = float(near.mean())
            near -= mean
            apart = np.float64(mean - self.mean)
            np.square(near, out=near)  # not a product of BLAS, whose threads would compete with ours
            self.squares += float(near.sum() + apart * apart * before * added / self.known)
            self.mean += float(apart * added / self.known)

    def to_json(self, bins: int = SHOWN) -> dict[str, Any]:
        """Return them as they stand in a manifest, with a histogram of at most so many bins."""
        known = self.known
        out: dict[str, Any] = {"count": self.count, "nulls": self.nulls}
        if self.infinite:
            out["infinite"] = self.infinite
        if not known:
            return out | dict.fromkeys(("min", "max", "mean", "std", "quantiles", "histogram"))
        finite = math.isfinite(self.squares) and math.isfinite(self.mean)
        assert self.shift is not None
        return out | {
            "min": self.least,
            "max": self.most,
            "mean": rounded(self.shift + self.mean) if finite else None,
            "std": rounded(math.sqrt(self.squares / (known - 1))) if finite and known > 1 else None,
            "quantiles": self._quantiles(),
            "histogram": self._histogram(bins),
        }

    def state(self) -> dict[str, Any]:
        """Return all of it as JSON, from which another goes on."""
        return {
            **{name: getattr(self, name) for name in _COUNTS},
            **{name: None if (v := getattr(self, name)) is None else float(v).hex() for name in _FLOATS},
            **{name: getattr(self, name).state() for name in _BINS},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where another left off."""
        for name in _COUNTS:
            setattr(self, name, state[name])
        for name in _FLOATS:
            setattr(self, name, None if state[name] is None else float.fromhex(state[name]))
        for name in _BINS:
            getattr(self, name).restore(state[name])

    def _widen(self) -> None:
        """Make bins wide enough for the range: the least power of two that cuts it into no more than 2,048."""
        spread = self.most / 2 - self.least / 2  # halves, since the difference of two doubles may be too large for one
        largest = max(abs(self.least), abs(self.most))
        # A bin's number has to fit an integer exactly: no more than 52 bits below the largest value.
        needed = max(_exponent(spread) + 1 - 11, _exponent(largest) - 52, -1_000)
        if self.exponent is None:
            self.exponent = needed
        elif needed > self.exponent:
            self.linear.halve(min(needed - self.exponent, 62))
            self.exponent = needed

    def _number(self, values: F64, scaled: F64, numbers: I64) -> None:
        """Write the numbers of the values' bins."""
        assert self.exponent is not None
        # Exact either way; a power of two that is no double itself is left to ldexp, which is slow.
        if -1_000 < self.exponent < 1_000:
            np.multiply(values, 2.0**-self.exponent, out=scaled)
        else:
            np.ldexp(values, -self.exponent, out=scaled)
        np.copyto(numbers, np.floor(scaled, out=scaled), casting="unsafe")
        if self.least < 0:  # what is too near to 0 to be told from it is still below it
            np.minimum(numbers, -1, out=numbers, where=values < 0)

    def _quantiles(self) -> dict[str, float]:
        """Return the middle of what is known of each quantile."""
        numbers, counts = self.linear.filled()
        above, below = self.above.filled(), self.below.filled()
        relative = [(-_relative_edge(n + 1), -_relative_edge(n)) for n in below[0][::-1].tolist()]
        relative += [(0.0, 0.0)] * bool(self.zeros)
        relative += [(_relative_edge(n), _relative_edge(n + 1)) for n in above[0].tolist()]
        ends = np.cumsum([*below[1][::-1].tolist(), *([self.zeros] * bool(self.zeros)), *above[1].tolist()])
        out = {}
        for q in QUANTILES:
            rank = q * (self.known - 1)
            number = int(numbers[np.searchsorted(np.cumsum(counts), rank, side="right")])
            low, high = relative[int(np.searchsorted(ends, rank, side="right"))]
            low, high = max(low, self._edge(number), self.least), min(high, self._edge(number + 1), self.most)
            # Rounding is not to bring it beyond what there is.
            out[str(q)] = min(max(rounded(low / 2 + high / 2), self.least), self.most)
        return out

    def _edge(self, number: int) -> float:
        assert self.exponent is not None
        try:
            return math.ldexp(float(number), self.exponent)
        except OverflowError:
            return math.copysign(math.inf, number)

    def _histogram(self, bins: int) -> dict[str, Any]:
        """Return bins of one width, with exact counts."""
        numbers, filled = self.linear.filled()
        first, last = int(numbers[0]), int(numbers[-1])
        times = 0
        while (last >> times) - (first >> times) >= bins:
            times += 1
        start = first >> times
        counts = np.zeros((last >> times) - start + 1, dtype=np.int64)
        np.add.at(counts, (numbers >> times) - start, filled)
        edges = [self._edge((start + i) << times) for i in range(len(counts) + 1)]
        edges = [min(max(edge, -1.7976931348623157e308), 1.7976931348623157e308) for edge in edges]
        return {"edges": edges, "counts": counts.tolist()}


class TextStatistics:
    """Statistics of texts or truth values: how many are missing, and which are frequent."""

    def __init__(self) -> None:
        self.count = self.nulls = 0
        self._seen: Counter[Any] | None = Counter()

    def add(self, array: Any) -> None:
        """Take the next values, an Arrow array."""
        self.count += len(array)
        self.nulls += array.null_count
        if self._seen is None:
            return
        counted = array.drop_null().value_counts()
        if len(counted) + len(self._seen) > 2 * _MOST_TEXTS:
            self._seen = None
            return
        for item in counted.to_pylist():
            self._seen[item["values"]] += item["counts"]
        if len(self._seen) > _MOST_TEXTS:
            self._seen = None

    def state(self) -> dict[str, Any]:
        """Return all of it as JSON, from which another goes on."""
        seen = None if self._seen is None else sorted(map(list, self._seen.items()))
        return {"count": self.count, "nulls": self.nulls, "seen": seen}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where another left off."""
        self.count, self.nulls = state["count"], state["nulls"]
        self._seen = None if state["seen"] is None else Counter(dict(state["seen"]))

    def to_json(self) -> dict[str, Any]:
        """Return them as they stand in a manifest; ``distinct`` is null beyond 1,000."""
        out: dict[str, Any] = {"count": self.count, "nulls": self.nulls, "distinct": None, "top": None}
        if self._seen is None:
            return out
        ordered = sorted(self._seen.items(), key=lambda item: (-item[1], item[0]))[:_TOP]
        top = [[value if isinstance(value, bool) else shown(value), count] for value, count in ordered]
        return out | {"distinct": len(self._seen), "top": top}


class ColumnStatistics:
    """Statistics of one column of a version.

    Args:
        column: Which.
    """

    def __init__(self, column: Column) -> None:
        self._column = column
        self._numbers = NumberStatistics()
        self._texts = TextStatistics()
        self._ends: list[int] | None = None

    def add(self, array: Any) -> None:
        """Take the next values, an Arrow array."""
        if self._column.kind in ("string", "bool"):
            self._texts.add(array)
            return
        valid = validity(array)
        if self._column.kind == "double":
            self._numbers.add(raw_values(array) if valid is None else with_nan(array, valid))
            return
        values = raw_values(array)
        if valid is not None:
            self._numbers.count += int((~valid).sum())
            self._numbers.nulls += int((~valid).sum())
            values = values[valid]
        if not len(values):
            return
        least, most = int(values.min()), int(values.max())
        self._ends = [least, most] if self._ends is None else [min(self._ends[0], least), max(self._ends[1], most)]
        if self._column.type == "int64":
            self._numbers.add(values.astype(np.float64))
        else:
            self._numbers.count += len(values)

    def to_json(self, bins: int = SHOWN) -> dict[str, Any]:
        """Return them as they stand in a manifest: times and dates as text."""
        if self._column.kind in ("string", "bool"):
            return self._texts.to_json()
        out = self._numbers.to_json(bins)
        if self._column.kind == "double":
            return out
        if self._column.type == "int64":
            return out | ({} if self._ends is None else {"min": self._ends[0], "max": self._ends[1]})
        ends = [None, None] if self._ends is None else [time_text(end, self._column.type) for end in self._ends]
        return {"count": out["count"], "nulls": out["nulls"], "min": ends[0], "max": ends[1]}

    def state(self) -> dict[str, Any]:
        """Return all of it as JSON, from which another goes on."""
        return {"numbers": self._numbers.state(), "texts": self._texts.state(), "ends": self._ends}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where another left off."""
        self._numbers.restore(state["numbers"])
        self._texts.restore(state["texts"])
        self._ends = state["ends"]


def time_text(value: int, kind: str) -> str:
    """Return a time (µs) or date (days) as ISO text; a time is in UTC."""
    if kind == "date32":
        return str(np.datetime64(value, "D"))
    text = str(np.datetime64(value, "us"))
    return text.removesuffix(".000000") + "Z"


def shown(text: str) -> str:
    """Return a text as it is shown: at most 200 characters."""
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def rounded(value: float) -> float:
    """Round to ten significant digits: sums differ in the last ones between processors."""
    return float(f"{value:.10g}")


def _exponent(value: float) -> int:
    """Return the power of two that is above a number, −1,000 for 0."""
    return math.frexp(value)[1] if value else -1_000


def _relative_edge(number: int) -> float:
    """Return the lower edge of a relative bin of numbers above 0."""
    return float(np.int64(min(number << _SHIFT, 0x7FEFFFFFFFFFFFFF)).view(np.float64))
