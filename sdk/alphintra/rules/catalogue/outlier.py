"""Moves that are out of all proportion and taken back at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import MOST_PLACES, Place
from alphintra.rules.rule import Parameter, Rule

OUTLIER = Rule(
    "OUTLIER_RETURN",
    "warning",
    "A close moves by more than so many robust standard deviations (1.4826 × the median of the 500 absolute returns "
    "before), more than so many times their mean, and more than 5 price steps; and 80 % of the move is taken back "
    "within 3 bars.",
    "Moves that last, however large. Fewer than 50 returns before. Where no price step is set, the smallest change of "
    "those 500 is taken. Not checked for ticks.",
    (
        Parameter("deviations", 10, 1, 1_000, "robust standard deviations"),
        Parameter("means", 4, 1, 1_000, "times the mean, for series that stand still most of the time"),
        Parameter("tick", 0, 0, 1e6, "the price step; 0: not known"),
    ),
)


_LARGE = 10


class Outlier(Check):
    """Follows returns with a window that goes on over batches."""

    rules = (OUTLIER,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs the closes of bars."""
        return {OUTLIER.id: "there are no bars" if facts.kind != "bars" else facts.without("close")}

    def prepare(self) -> None:
        """Load what is compiled."""
        from alphintra.rules import compiled

        self._outliers, self._ahead, self._ring = compiled.outliers, compiled.AHEAD, compiled.RING
        self._limits = tuple(self.value(OUTLIER, name) for name in ("deviations", "means", "tick"))
        self._rows, self._moves = np.zeros(MOST_PLACES, dtype=np.int64), np.zeros(MOST_PLACES)

    def begin(self, symbol: str) -> None:
        """Forget the window."""
        self._sums, self._counts = np.zeros(2 + 3 * self._ahead), np.full(1 + 2 * self._ahead, -1, dtype=np.int64)
        self._counts[0] = 0
        self._returns, self._changes = np.zeros(self._ring), np.zeros(self._ring)
        self._waiting: dict[int, Place] = {}

    def see(self, batch: Batch) -> None:
        """Follow."""
        closes = batch.of("close")
        state = self._sums, self._counts, self._returns, self._changes
        count = self._outliers(closes, batch.start, *self._limits, *state, self._rows, self._moves)
        if count:
            places: list[Place] = []
            for row, move in zip(self._rows[:count].tolist(), self._moves[:count].tolist(), strict=False):
                if len(places) >= self.found.room(OUTLIER.id):
                    break
                place = self._waiting[row] if row < batch.start else batch.places([row - batch.start])[0]
                told = f"by {move:+.2%}" if move < _LARGE else f"to {1 + move:.3g} times what it was"
                places.append(place.called(None, f"the close moved {told} and came back"))
            self.found.add(OUTLIER.id, places, count)
        waiting = [int(row) for row in self._counts[1::2] if row >= 0]
        self._waiting = {
            row: self._waiting[row] if row < batch.start else batch.places([row - batch.start])[0] for row in waiting
        }
