"""Columns that know the future."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product

import numpy as np
import numpy.typing as npt

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Parameter, Rule

LOOKAHEAD = Rule(
    "LOOKAHEAD_COLUMN",
    "warning",
    "A feature's correlation with the next return is larger than that with the return of its own row, in absolute "
    "value by more than that; or it equals a price or the volume of 1 to 5 rows later throughout; or its name says it "
    "(next, future, target, label, fwd).",
    "Columns with the role `label`: strategies do not see them. Without prices only names are looked at.",
    (
        Parameter("difference", 0.2, 0, 2, "by how much correlations may differ"),
        Parameter("rows", 30, 3, 1e9, "rows that it takes to compare values", whole=True),
    ),
)
_NAME = re.compile(r"(?:^|[^a-z])(next|future|target|label|fwd)s?(?:[^a-z]|$)", re.IGNORECASE)
_SERIES = ("open", "high", "low", "close", "volume", "price", "adj_close")
_AHEAD = 5
_FEW = 64
"""Rows that tell most columns apart."""
F64 = npt.NDArray[np.float64]


class Lookahead(Check):
    """Compares features with the rows that come later."""

    rules = (LOOKAHEAD,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs features."""
        return {LOOKAHEAD.id: None if _features(facts) else "there are no features"}

    def prepare(self) -> None:
        """Look at names, and load what is compiled."""
        from alphintra.rules.compiled import return_sums

        self._sums_of = return_sums
        self._features = _features(self.facts)
        for name in self._features:
            if (told := _NAME.search(name)) is not None:
                message = f"its name says '{told[1]}': give it the role label, or leave it out"
                self.found.add(LOOKAHEAD.id, [Place(column=name, message=message)])
        self._close = self.facts.close
        self._sums = {name: np.zeros(12) for name in self._features}
        series = self.facts.names(*_SERIES)
        self._equal = {
            (name, other, ahead): [0, 0] for name, other, ahead in product(self._features, series, range(1, _AHEAD + 1))
        }

    def begin(self, symbol: str) -> None:
        """Forget the rows before."""
        self._last = {name: np.full(3, np.nan) for name in self._features}
        self._tail: dict[str, F64] = {}

    def see(self, batch: Batch) -> None:
        """Compare."""
        if self._close is None:
            return
        prices = batch.numbers(self._close)
        for name in self._features:
            self._sums_of(prices, batch.numbers(name), self._last[name], self._sums[name])
        series = {name: self._with_tail(batch, name) for name in {other for _, other, _ in self._equal}}
        for name in list(dict.fromkeys(name for name, _, _ in self._equal)):
            self._compare(name, self._with_tail(batch, name), series, len(batch))
        self._tail |= {name: values[-_AHEAD:].copy() for name, values in series.items()}

    def _with_tail(self, batch: Batch, name: str) -> F64:
        """Return a column with the last rows before it."""
        return np.append(self._tail.get(name, np.zeros(0)), batch.numbers(name))

    def _compare(self, name: str, values: F64, series: Mapping[str, F64], rows: int) -> None:
        """Compare a feature with every series, as far as they were equal until now."""
        before = len(values) - rows
        for other, whole in series.items():
            for ahead in range(1, _AHEAD + 1):
                counts = self._equal.get((name, other, ahead))
                if counts is None:
                    continue
                start = max(0, before - ahead)  # rows whose later row has come now
                x, y, own = values[start:-ahead], whole[start + ahead :], whole[start:-ahead]
                known = ~np.isnan(x)
                if any((x[part][known[part]] != y[part][known[part]]).any() for part in (slice(_FEW), slice(None))):
                    del self._equal[name, other, ahead]
                    continue
                counts[0] += int(known.sum())
                counts[1] += int((known & (own != y)).sum())
        self._tail[name] = values[-_AHEAD:].copy()

    def finish(self) -> None:
        """Decide."""
        least = self.value(LOOKAHEAD, "rows")
        told: set[str] = set()
        for (name, other, ahead), (rows, moved) in sorted(self._equal.items(), key=lambda own: own[0][2]):
            if name not in told and rows >= least and 3 * moved >= least:
                told.add(name)
                message = f"equals '{other}' of {ahead} row{'s' if ahead > 1 else ''} later in all {rows:,} rows"
                self.found.add(LOOKAHEAD.id, [Place(column=name, message=message)])
        for name, sums in self._sums.items():
            if name in told or min(sums[0], sums[6]) < least:
                continue
            now, later = _correlation(sums[:6]), _correlation(sums[6:])
            if abs(later) - abs(now) > self.value(LOOKAHEAD, "difference"):
                message = f"its correlation with the next return is {later:.2f}, with that of its own row {now:.2f}"
                self.found.add(LOOKAHEAD.id, [Place(column=name, message=message)])


def _features(facts: Facts) -> tuple[str, ...]:
    return tuple(c.name for c in facts.columns if c.role == "feature" and c.type in ("double", "int64"))


def _correlation(sums: F64) -> float:
    count, x, xx, r, rr, xr = sums.tolist()
    spread = (count * xx - x * x) * (count * rr - r * r)
    return float((count * xr - x * r) / np.sqrt(spread)) if spread > 0 else 0.0
