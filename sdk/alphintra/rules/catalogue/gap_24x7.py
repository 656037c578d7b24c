"""Steps that are missing where the market never closes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Rule
from alphintra.store.statistics import time_text

GAP = Rule(
    "GAP_24X7",
    "warning",
    "On the calendar 24/7, bars are missing between two rows: all that would fit are counted.",
    "What is before the first and after the last row. An exchange's maintenance is a gap as well.",
)


class Gap24x7(Check):
    """Looks at steps that are longer than the time frame's."""

    rules = (GAP,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It is about markets that never close."""
        reason = None if facts.calendar == "24/7" else "the market closes"
        if facts.calendar is None:
            reason = "calendar unknown"
        elif facts.step is None:
            reason = "time frame unknown" if facts.timeframe is None else "bars have no fixed length"
        return {GAP.id: reason}

    def see(self, batch: Batch) -> None:
        """Count."""
        steps, step = batch.steps, self.facts.step
        assert step is not None
        own = steps.step[steps.odd]
        missing = np.maximum(-(-own // step) - 1, 0)
        at = np.flatnonzero(missing)
        places = []
        for i in at[: max(0, self.found.room(GAP.id))].tolist():
            start = int(batch.times[steps.odd[i]] - own[i]) + step
            when = start // 86_400_000_000 if self.facts.time.type == "date32" else start
            message = "a bar is missing" if missing[i] == 1 else f"{int(missing[i]):,} bars are missing"
            places.append(Place(symbol=batch.symbol, time=time_text(when, self.facts.time.type), message=message))
        self.found.add(GAP.id, places, int(missing.sum()))
