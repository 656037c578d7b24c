"""When values were known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.data.arrow import whole
from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import DAY_US, Facts
from alphintra.rules.hours import HOUR_US
from alphintra.rules.rule import Rule
from alphintra.store.columns import TIME_TYPES, raw_values, validity

KNOWN = Rule(
    "KNOWN_AT_ORDER",
    "error",
    "A row was known before its own time, or before a row of its symbol with an earlier time.",
    "Rows without a time of knowledge. A date begins 14 hours before its midnight in UTC, where the day begins first.",
)
_EAST = 14 * HOUR_US


class KnownAt(Check):
    """Compares times of knowledge with the rows' times and with each other."""

    rules = (KNOWN,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs the column."""
        name = facts.name("known_at")
        kind = next((c.type for c in facts.columns if c.name == name), None)
        return {KNOWN.id: None if kind in TIME_TYPES else "there is no time of knowledge"}

    def prepare(self) -> None:
        """A date begins before its midnight in UTC, east of it."""
        self._ahead = _EAST if self.facts.time.type == "date32" else 0

    def begin(self, symbol: str) -> None:
        """Forget the row before."""
        self._last = np.iinfo(np.int64).min

    def see(self, batch: Batch) -> None:
        """Compare."""
        name = self.facts.name("known_at")
        array = whole(batch.table[name])
        valid = validity(array)
        known = raw_values(array).astype(np.int64)
        if str(array.type).startswith("date32"):
            known = (known + 1) * DAY_US  # a date counts from its end
        rows = np.arange(len(known)) if valid is None else np.flatnonzero(valid)
        if not len(rows):
            return
        known = known[rows]
        latest = np.maximum.accumulate(np.append(self._last, known))
        early, back = known < batch.times[rows] - self._ahead, known < latest[:-1]
        self._last = int(latest[-1])
        wrong = early | back

        def message(i: int) -> str:
            return "known before its own time" if early[wrong][i] else "known before an earlier row"

        self.found.rows(KNOWN.id, batch, rows[wrong], message, name)
