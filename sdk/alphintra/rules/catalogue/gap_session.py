"""Sessions without any row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Rule

GAP = Rule(
    "GAP_SESSION",
    "warning",
    "A session of the calendar, between the first and the last row of a symbol, has no row.",
    "Holidays and closures that the calendar knows; what is before a listing or after a delisting; years before 1970 "
    "and after 2035. For currencies 1 January and 25 December. Not checked without a calendar, for weeks and months, "
    "and on `weekdays`, whose holidays are not known.",
)


class GapSession(Check):
    """Looks at the numbers of sessions that have rows."""

    rules = (GAP,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """Without sessions none is missing."""
        return {GAP.id: without_sessions(facts)}

    def begin(self, symbol: str) -> None:
        """Forget the session before."""
        self._last = -1

    def see(self, batch: Batch) -> None:
        """Look."""
        found, hours = batch.sessions, self.facts.hours
        assert found is not None
        assert hours is not None
        if not len(found.session):
            return
        known = found.session if self._last < 0 else np.append(self._last, found.session)
        self._last = int(known[-1])
        for at in np.flatnonzero(np.diff(known) > 1).tolist():
            missing = np.arange(known[at] + 1, known[at + 1])
            missing = missing[~hours.optional[missing]]
            dates = hours.session[missing[: max(0, self.found.room(GAP.id))]].astype("M8[D]")
            places = [Place(symbol=batch.symbol, time=str(date), message="the session has no row") for date in dates]
            self.found.add(GAP.id, places, len(missing))


def without_sessions(facts: Facts) -> str | None:
    """Return why it is not known which sessions should have rows."""
    reason = facts.without_sessions()
    if reason is None and facts.hours is not None and facts.hours.optional.all():
        reason = "the holidays of 'weekdays' are not known"
    if facts.longer:
        reason = "rows are longer than sessions"
    if facts.kind == "features" and facts.timeframe is None:
        reason = "time frame unknown"
    return reason
