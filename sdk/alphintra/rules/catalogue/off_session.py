"""Rows while the market is closed: at night, at a weekend, after an early close."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import DAY_US, Facts
from alphintra.rules.rule import Parameter, Rule

OFF = Rule(
    "OFF_SESSION",
    "warning",
    "A row lies outside of all sessions (breaks are outside), and on none of the other two rules' days.",
    "Extended hours that are allowed by the parameters. Currencies are open from Sunday 17:00 to Friday 17:00 in New "
    "York. A label that is not known may stand at both ends of a session.",
    (
        Parameter("minutes_before", 0, 0, 720, "minutes before an open that are allowed"),
        Parameter("minutes_after", 0, 0, 720, "minutes after a close that are allowed"),
    ),
)
WEEKEND = Rule(
    "WEEKEND_ROWS",
    "warning",
    "A row lies on a Saturday or Sunday of the exchange, which has no sessions then.",
    "Currencies, crypto, and exchanges that trade at weekends.",
)
HALF_DAY = Rule(
    "HALF_DAY",
    "info",
    "A row lies after an early close, and before the usual one.",
    "Prints that came late.",
)
_MINUTE = 60_000_000


class OffSession(Check):
    """Looks at the rows that are in no session."""

    rules = (OFF, WEEKEND, HALF_DAY)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """Without sessions nothing is outside of them."""
        reason = facts.without_sessions()
        if facts.longer:
            reason = "rows are longer than sessions"
        other = reason
        if other is None and facts.hours is not None and not facts.hours.exchange:
            other = "it is no exchange"
        weekend = other
        if weekend is None and facts.hours is not None and facts.hours.on_weekends:
            weekend = "the exchange trades at weekends"
        half = "rows are days" if other is None and facts.daily else other
        return {OFF.id: reason, WEEKEND.id: weekend, HALF_DAY.id: half}

    def prepare(self) -> None:
        """Read the parameters."""
        self._before = int(self.value(OFF, "minutes_before") * _MINUTE) if self.found.wants(OFF.id) else 0
        self._after = int(self.value(OFF, "minutes_after") * _MINUTE) if self.found.wants(OFF.id) else 0

    def see(self, batch: Batch) -> None:
        """Look."""
        found, hours = batch.sessions, self.facts.hours
        assert found is not None
        assert hours is not None
        rows = found.outside
        if not len(rows):
            return
        times = batch.times[rows]
        local = times if self.facts.daily else hours.local(times)
        weekend = np.zeros(len(rows), dtype=bool)
        if hours.exchange and not hours.on_weekends:
            weekend = (local // DAY_US + 3) % 7 >= 5
            self.found.rows(WEEKEND.id, batch, rows[weekend], "the exchange is closed at weekends")
        half = np.zeros(len(rows), dtype=bool)
        if not self.facts.daily:
            last = np.maximum(np.searchsorted(hours.open, times, side="right") - 1, 0)
            half = ~weekend & (times >= hours.close[last]) & (times <= hours.usual_close[last])
            half &= hours.usual_close[last] > hours.close[last]
            self.found.rows(HALF_DAY.id, batch, rows[half], "the exchange closed early on that day")
            following = np.minimum(last + 1, len(hours.open) - 1)
            late = (times <= hours.usual_close[last] + self._after) & (self._after > 0)
            early = (times >= hours.open[following] - self._before) & (self._before > 0)
            half |= (late | early) & (times >= hours.close[last])  # a row in a break is before the close
        self.found.rows(OFF.id, batch, rows[~weekend & ~half], "the market is closed")
