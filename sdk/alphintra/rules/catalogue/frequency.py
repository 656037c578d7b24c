"""Steps between rows, and the time frame that is stated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from alphintra.data.timeframe import length_of
from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import DAY_US, Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Parameter, Rule

_LEAST = Parameter("steps", 20, 2, 1e9, "steps that a symbol needs to be judged", whole=True)
MIXED = Rule(
    "FREQ_MIXED",
    "warning",
    "Fewer steps within sessions than that share are those of the time frame, and more than half of the others are "
    "shorter, or as long as the step before: a piece of the series has another time frame.",
    "A share that is seldom traded has no bar without a trade: its steps are longer, and of changing length. Days are "
    "1 to 4 apart, weeks 5 to 9 days, months 28 to 31.",
    (Parameter("share", 0.95, 0, 1, "share of steps that have to be those of the time frame"), _LEAST),
)
MISDECLARED = Rule(
    "FREQ_MISDECLARED",
    "error",
    "The median step is not that of the time frame: more than half are shorter, or more than half are longer and most "
    "of them as long as the step before (months, quarters and years count as equally long).",
    "As of FREQ_MIXED.",
    (_LEAST,),
)


def _days(timeframe: str | None) -> tuple[int, int]:
    """Return how many days such bars are apart; 0 where that is told in microseconds."""
    count, unit = length_of(timeframe) or (0, "")
    if unit == "mo":
        return 28 * count, 31 * count
    return (7 * count - 2, 7 * count + 2) if unit == "w" else (1, 4) if (count, unit) == (1, "d") else (0, 0)


def _alike(days: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Make months as long as each other, so quarters, halves and years: bars of them repeat, whatever the calendar."""
    out = days.copy()
    for least, most in ((26, 35), (86, 96), (178, 188), (360, 371)):  # from one last weekday of a month to the next
        out[(days >= least) & (days <= most)] = least
    return out


class Frequency(Check):
    """Counts steps that are shorter, equal, longer, and longer ones that repeat."""

    rules = (MIXED, MISDECLARED)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """Without a time frame there is nothing to compare with."""
        reason = "time frame unknown" if facts.timeframe is None else None
        if facts.kind == "ticks":
            reason = "ticks have no time frame"
        return {MIXED.id: reason, MISDECLARED.id: reason}

    def begin(self, symbol: str) -> None:
        """Count from nothing."""
        self._equal = self._shorter = self._longer = self._repeated = 0
        self._row = 0  # the last odd row and its step, to tell whether the next one repeats it
        self._step = 0

    def see(self, batch: Batch) -> None:
        """Count."""
        steps = batch.steps
        low, high = _days(self.facts.timeframe)
        odd = steps.odd
        own = steps.step[odd]
        if high:
            days = (own + DAY_US // 2) // DAY_US
            low_us, high_us, own = low, high, days
            repeats = _alike(days)
        else:
            low_us = high_us = self.facts.step or 0
            repeats = own
        zero = own == 0
        inside = ~zero & (np.ones(len(odd), dtype=bool) if high else self._within(batch, odd))
        self._equal += len(steps.step) - steps.first - len(odd)
        self._equal += int((inside & (own >= low_us) & (own <= high_us)).sum())
        self._shorter += int((inside & (own < low_us)).sum())
        longer = inside & (own > high_us)
        self._longer += int(longer.sum())
        rows = odd + batch.start
        same = (rows == np.append(self._row + 1, rows[:-1] + 1)) & (repeats == np.append(self._step, repeats[:-1]))
        self._repeated += int((longer & same).sum())
        if len(odd):
            self._row, self._step = int(rows[-1]), int(repeats[-1])

    def _within(self, batch: Batch, odd: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Tell which rows are in the same part of a session as the row before; without sessions, in the same day."""
        after = batch.times[odd]
        before = after - batch.steps.step[odd]
        hours = self.facts.hours
        if hours is None:
            if self.facts.calendar == "24/7":
                return np.ones(len(odd), dtype=np.bool_)
            same: npt.NDArray[np.bool_] = after // DAY_US == before // DAY_US
            return same
        if self.facts.label == "close":
            after, before = after - 1, before - 1
        opens = hours.parts[0]
        found: npt.NDArray[np.bool_] = np.searchsorted(opens, after, "right") == np.searchsorted(opens, before, "right")
        return found

    def end(self, symbol: str) -> None:
        """Decide."""
        count = self._equal + self._shorter + self._longer
        if not count:
            return
        told = (
            f"of {count:,} steps {self._equal / count:.1%} are those of {self.facts.timeframe}, "
            f"{self._shorter / count:.1%} shorter, {self._longer / count:.1%} longer"
        )
        steady = 2 * self._repeated > self._longer
        wrong = 2 * self._shorter > count or (2 * self._longer > count and steady)
        if wrong and count >= self.value(MISDECLARED, "steps"):
            self.found.add(MISDECLARED.id, [Place(symbol=symbol, message=told)])
        elif (
            count >= self.value(MIXED, "steps")
            and self._equal < self.value(MIXED, "share") * count
            and 2 * (self._repeated + self._shorter) > count - self._equal
        ):
            self.found.add(MIXED.id, [Place(symbol=symbol, message=told)])
