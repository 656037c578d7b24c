"""Prices between the steps in which an instrument is quoted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import PRICES, Facts
from alphintra.rules.places import Parts, Place, first_cells
from alphintra.rules.rule import Parameter, Rule

TICK = Rule(
    "PRICE_TICK",
    "info",
    "More prices of a symbol than that share are no multiple of the price step.",
    "Not checked without a price step, nor where prices are adjusted. Fractions of old times, such as 1/16.",
    (
        Parameter("tick", 0, 0, 1e6, "the price step; 0: not known"),
        Parameter("share", 0.01, 0, 1, "share of prices that may lie between"),
    ),
)
_PRICES = tuple(role for role in PRICES if role != "adj_close")


class TickGrid(Check):
    """Counts prices off the grid."""

    rules = (TICK,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs prices as they were quoted."""
        reason = "there are no prices" if not facts.names(*_PRICES) else None
        if reason is None and facts.adjusted:
            reason = "prices are adjusted"
        unknown = TICK.id in values and not values[TICK.id]["tick"]
        return {TICK.id: "price step unknown" if reason is None and unknown else reason}

    def prepare(self) -> None:
        """Read the price step."""
        self._tick = self.value(TICK, "tick")
        self._names = self.facts.names(*_PRICES)

    def begin(self, symbol: str) -> None:
        """Count from nothing."""
        self._count = self._off = 0
        self._places: list[Place] = []

    def see(self, batch: Batch) -> None:
        """Count."""
        parts: Parts = []
        for name in self._names:
            values = batch.numbers(name)
            steps = values / self._tick
            off = np.abs(steps - np.round(steps)) > 1e-6 * np.maximum(1, np.abs(steps) * 1e-6)
            rows = np.flatnonzero(off)
            self._count += int(np.isfinite(values).sum())
            self._off += len(rows)
            parts.append((rows, None, name))
        self._places += first_cells(batch, parts, self.found.room(TICK.id) - len(self._places))

    def end(self, symbol: str) -> None:
        """Decide."""
        if self._off > self.value(TICK, "share") * self._count:
            self.found.add(TICK.id, self._places, self._off)
