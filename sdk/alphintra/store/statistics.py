"""Statistics of a column in one pass, mergeable: counts, extremes, moments, quantiles, a histogram.

Counts and extremes are exact, so is what a bin of the histogram counts. A quantile is known to within its bin: bins
of a power of two that are at most a thousandth of the range, and bins of 1/64 of a power of two, whichever is
narrower there. Neither depends on the order of the values or on how they came, so equal values give equal statistics.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.store.columns import Column, raw_values, validity
from alphintra.store.hashing import with_nan

QUANTILES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
_FINE = 2_048
_SHOWN = 64
_MOST_TEXTS = 1_000
_TOP = 20
_TEXT = 200
#: Bits of a double's pattern that a relative bin leaves out: sign, exponent and 6 bits of the fraction stay.
_SHIFT = 46
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class _Bins:
    """Counts by bin number, kept as sorted numbers beside their counts."""

    def __init__(self) -> None:
        self.numbers: I64 = np.empty(0, dtype=np.int64)
        self.counts: I64 = np.empty(0, dtype=np.int64)

    def add(self, numbers: I64) -> None:
        """Count one for each number."""
        least = int(numbers.min())
        if int(numbers.max()) - least > 4 * _FINE + len(numbers):
            found, counts = np.unique(numbers, return_counts=True)
        else:
            dense = np.bincount(numbers - least)
            found = np.flatnonzero(dense)
            counts = dense[found]
            found = found + least
        self._merge(found, counts)

    def halve(self, times: int) -> None:
        """Make every bin 2 to the ``times`` as wide."""
        numbers, counts = self.numbers >> times, self.counts
        self.numbers, self.counts = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        self._merge(numbers, counts)

    def _merge(self, numbers: I64, counts: I64) -> None:
        joined = np.concatenate([self.numbers, numbers])
        self.numbers, inverse = np.unique(joined, return_inverse=True)
        total = np.zeros(len(self.numbers), dtype=np.int64)
        np.add.at(total, inverse, np.concatenate([self.counts, counts]))
        self.counts = total


class NumberStatistics:
    """Statistics of numbers; NaN counts as missing, infinities are counted apart."""

    def __init__(self) -> None:
        self.count = self.nulls = self.infinite = self.known = 0
        self.least, self.most = math.inf, -math.inf
        self.shift: float | None = None
        self.mean = self.squares = 0.0
        self.exponent: int | None = None
        self.linear, self.relative = _Bins(), _Bins()

    def add(self, values: F64) -> None:
        """Take the next values."""
        self.count += len(values)
        finite = np.isfinite(values)
        if not finite.all():
            missing = int(np.isnan(values).sum())
            self.nulls += missing
            self.infinite += len(values) - missing - int(finite.sum())
            values = values[finite]
        if not len(values):
            return
        self._moments(values)
        self.least, self.most = min(self.least, float(values.min())), max(self.most, float(values.max()))
        self._widen()
        self.linear.add(self._number(values))
        bits = np.add(values, 0.0).view(np.int64)
        self.relative.add(np.where(bits < 0, ~(bits & np.int64(2**63 - 1)), bits) >> _SHIFT)

    def _moments(self, values: F64) -> None:
        """Add up around the first value, so that what is far from 0 loses no digits."""
        if self.shift is None:
            self.shift = float(values[0])
        before, added = self.known, len(values)
        self.known += added
        with np.errstate(over="ignore", invalid="ignore"):  # beyond what doubles hold there is no mean
            near = values - self.shift
            mean = float(near.mean())
            near -= mean
            apart = np.float64(mean - self.mean)
            self.squares += float(near @ near + apart * apart * before * added / self.known)
            self.mean += float(apart * added / self.known)

    def to_json(self) -> dict[str, Any]:
        """Return them as they stand in a manifest."""
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
            "quantiles": {str(q): self._quantile(q, known) for q in QUANTILES},
            "histogram": self._histogram(),
        }

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

    def _number(self, values: F64) -> I64:
        assert self.exponent is not None
        numbers = np.floor(np.ldexp(values, -self.exponent)).astype(np.int64)
        if self.least < 0:  # what is too near to 0 to be told from it is still below it
            np.minimum(numbers, -1, out=numbers, where=values < 0)
        return numbers

    def _quantile(self, q: float, known: int) -> float:
        """Return the middle of what is known of a quantile."""
        rank = q * (known - 1)
        low, high = self.least, self.most
        for bins, edge in ((self.linear, self._edge), (self.relative, _relative_edge)):
            at = int(np.searchsorted(np.cumsum(bins.counts), rank, side="right"))
            number = int(bins.numbers[min(at, len(bins.numbers) - 1)])
            low, high = max(low, edge(number)), min(high, edge(number + 1))
        return rounded(low / 2 + high / 2)

    def _edge(self, number: int) -> float:
        assert self.exponent is not None
        try:
            return math.ldexp(float(number), self.exponent)
        except OverflowError:
            return math.copysign(math.inf, number)

    def _histogram(self) -> dict[str, Any]:
        """Return at most 64 bins of one width, with exact counts."""
        first, last = int(self.linear.numbers[0]), int(self.linear.numbers[-1])
        times = 0
        while (last >> times) - (first >> times) >= _SHOWN:
            times += 1
        start = first >> times
        counts = np.zeros((last >> times) - start + 1, dtype=np.int64)
        np.add.at(counts, (self.linear.numbers >> times) - start, self.linear.counts)
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
        self._least = self._most = None if column.kind not in ("int64", "date") else 0
        self._any = False

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
        self._least = least if not self._any else min(self._least or 0, least)
        self._most = most if not self._any else max(self._most or 0, most)
        self._any = True
        if self._column.type == "int64":
            self._numbers.add(values.astype(np.float64))
        else:
            self._numbers.count += len(values)

    def to_json(self) -> dict[str, Any]:
        """Return them as they stand in a manifest: times and dates as text."""
        if self._column.kind in ("string", "bool"):
            return self._texts.to_json()
        out = self._numbers.to_json()
        if self._column.kind == "double":
            return out
        if self._column.type == "int64":
            return out | ({"min": self._least, "max": self._most} if self._any else {})
        ends = [time_text(end or 0, self._column.type) if self._any else None for end in (self._least, self._most)]
        return {"count": out["count"], "nulls": out["nulls"], "min": ends[0], "max": ends[1]}


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
    """Return the lower edge of a relative bin."""
    bits = number << _SHIFT
    if bits >= 0:
        return float(np.int64(min(bits, 0x7FEFFFFFFFFFFFFF)).view(np.float64))
    pattern = (~bits) & (2**63 - 1)
    return -float(np.int64(min(pattern, 0x7FEFFFFFFFFFFFFF)).view(np.float64))
