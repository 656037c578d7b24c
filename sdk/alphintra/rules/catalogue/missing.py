"""Values that are missing, where a series has begun."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Parameter, Rule

PATTERN = Rule(
    "NAN_PATTERN",
    "warning",
    "Of a symbol, more values of a column than that share are missing after its first one; or rows of so many days in "
    "a row have no value in any column.",
    "The start of a column: an indicator needs rows before it has a value.",
    (
        Parameter("share", 0.05, 0, 1, "share of a column that may be missing"),
        Parameter("days", 3, 1, 1_000, "days in a row without any value", whole=True),
    ),
)


class Missing(Check):
    """Counts missing numbers by column, and days without any."""

    rules = (PATTERN,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs numbers."""
        return {PATTERN.id: None if _numbers(facts) else "there are no numbers"}

    def prepare(self) -> None:
        """Name the columns."""
        self._names = _numbers(self.facts)

    def begin(self, symbol: str) -> None:
        """Count from nothing."""
        self._rows = dict.fromkeys(self._names, 0)  # from the first value on
        self._gone = dict.fromkeys(self._names, 0)
        self._empty: Place | None = None
        self._empty_days = self._day = 0

    def see(self, batch: Batch) -> None:
        """Count."""
        everywhere: npt.NDArray[np.bool_] | None = np.ones(len(batch), dtype=bool)
        for name in self._names:
            values = batch.numbers(name)
            if values.min() == values.min():  # NaN if one is
                self._rows[name] += len(values)
                everywhere = None
                continue
            gone = np.isnan(values)
            if everywhere is not None:
                everywhere &= gone
            if not self._rows[name]:
                if gone.all():
                    continue
                gone = gone[int(gone.argmin()) :]
            self._rows[name] += len(gone)
            self._gone[name] += int(gone.sum())
        if everywhere is not None and everywhere.any():
            self._days(batch, everywhere)
        else:
            self._close()

    def _days(self, batch: Batch, empty: npt.NDArray[np.bool_]) -> None:
        """Follow rows without any value over days."""
        edges = np.flatnonzero(np.diff(empty.astype(np.int8), prepend=0, append=0))
        if edges[0] > 0:
            self._close()
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            days = batch.days[start:stop]
            count = int((np.diff(days) > 0).sum()) + 1
            if self._empty is None:
                self._empty, self._empty_days = batch.places([start])[0], count
            else:
                self._empty_days += count - int(days[0] == self._day)
            self._day = int(days[-1])
            if stop < len(empty):
                self._close()

    def _close(self) -> None:
        if self._empty is not None and self._empty_days >= self.value(PATTERN, "days"):
            message = f"{self._empty_days:,} days without any value"
            self.found.add(PATTERN.id, [self._empty.called(None, message)])
        self._empty = None

    def end(self, symbol: str) -> None:
        """Decide."""
        self._close()
        for name in self._names:
            if self._gone[name] > self.value(PATTERN, "share") * self._rows[name]:
                share = self._gone[name] / self._rows[name]
                message = f"{share:.1%} of its values are missing after the first one"
                self.found.add(PATTERN.id, [Place(column=name, symbol=symbol, message=message)])


def _numbers(facts: Facts) -> tuple[str, ...]:
    return tuple(c.name for c in facts.columns if c.type in ("double", "int64") and c.role not in ("sequence", "label"))
