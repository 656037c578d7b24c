"""Closes that stand still."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import MOST_PLACES, Place
from alphintra.rules.rule import Parameter, Rule

STALE = Rule(
    "STALE_RUN",
    "warning",
    "Equal closes follow each other: so many rows with volume among them, or so many rows at all.",
    "Pegged currencies, shares at their limit or halted, names that are seldom traded: raise the numbers. Not checked "
    "for ticks.",
    (
        Parameter("traded", 10, 2, 1e9, "rows with volume", whole=True),
        Parameter("rows", 30, 2, 1e9, "rows, with volume or without", whole=True),
    ),
)


class Stale(Check):
    """Follows runs of equal closes; counts each run once, at its first row."""

    rules = (STALE,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs the closes of bars."""
        return {STALE.id: "there are no bars" if facts.kind != "bars" else facts.without("close")}

    def prepare(self) -> None:
        """Load what is compiled."""
        from alphintra.rules.compiled import stale_runs

        self._runs = stale_runs
        self._limits = int(self.value(STALE, "traded")), int(self.value(STALE, "rows"))
        self._begins, self._lengths = (np.zeros(MOST_PLACES, dtype=np.int64) for _ in range(2))

    def begin(self, symbol: str) -> None:
        """Forget the run."""
        self._price, self._run = np.full(1, np.nan), np.zeros(3, dtype=np.int64)
        self._open: Place | None = None

    def see(self, batch: Batch) -> None:
        """Follow."""
        closes, volumes = batch.of("close"), batch.of("volume")
        volumes = np.zeros(0) if volumes is None else volumes
        count = self._runs(
            closes, volumes, batch.start, *self._limits, self._price, self._run, self._begins, self._lengths
        )
        if count:
            self._add(batch, count)
        begun = int(self._run[0]) - batch.start
        if begun >= 0:
            self._open = batch.places([begun])[0]

    def _add(self, batch: Batch, count: int) -> None:
        places = []
        for i in range(min(count, MOST_PLACES, max(0, self.found.room(STALE.id)))):
            row = int(self._begins[i]) - batch.start
            place = batch.places([row])[0] if row >= 0 else self._open
            assert place is not None
            places.append(place.called(None, f"{int(self._lengths[i]):,} equal closes"))
        self.found.add(STALE.id, places, count)

    def end(self, symbol: str) -> None:
        """Count the run that is open."""
        traded, rows = self._limits
        if self._open is not None and (self._run[1] >= rows or self._run[2] >= traded):
            self.found.add(STALE.id, [self._open.called(None, f"{int(self._run[1]):,} equal closes")])
