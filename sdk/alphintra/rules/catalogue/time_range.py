"""Times that cannot be."""

from __future__ import annotations

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check
from alphintra.rules.facts import DAY_US
from alphintra.rules.rule import Parameter, Rule

RANGE = Rule(
    "TS_RANGE",
    "error",
    "A time is before the first year, or later than the day after the check.",
    "A curve of futures dated by delivery: there the delivery is not the role `time`.",
    (Parameter("first_year", 1800, 1, 2100, "the first year that may be", whole=True),),
)


class Range(Check):
    """Looks at the ends of each batch: times never fall."""

    rules = (RANGE,)

    def prepare(self) -> None:
        """Find the bounds."""
        year = int(self.value(RANGE, "first_year"))
        self._first = int(np.datetime64(f"{year:04}", "us").astype(np.int64))
        self._last = self.facts.now + DAY_US

    def see(self, batch: Batch) -> None:
        """Look."""
        times = batch.times
        if times[0] >= self._first and times[-1] <= self._last:
            return
        low = int(np.searchsorted(times, self._first))
        high = int(np.searchsorted(times, self._last, side="right"))
        self.found.rows(RANGE.id, batch, np.arange(low), "the time is too early")
        self.found.rows(RANGE.id, batch, np.arange(high, len(times)), "the time is in the future")
