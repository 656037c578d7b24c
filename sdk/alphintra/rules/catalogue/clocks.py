"""What local times of a series without pauses have to show when clocks are changed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.hours import HOUR_US
from alphintra.rules.places import Place
from alphintra.rules.rule import Rule
from alphintra.store.statistics import time_text

ABSENT = Rule(
    "TS_DST_ABSENT",
    "warning",
    "Clocks went back, and of the hour that comes twice a series of a market that never closes has one only, with rows "
    "before and after it: its times may be in UTC or in another zone.",
    "A pause of the market's over that time. Where clocks go forward, an hour too many is TS_DST_GAP.",
)


class Clocks(Check):
    """Counts rows around the changes at which clocks went back."""

    rules = (ABSENT,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs bars of at most an hour, of a market that never closes, in a zone whose clocks are changed."""
        if facts.calendar != "24/7":
            reason = "calendar unknown" if facts.calendar is None else "the market closes"
        elif facts.kind == "ticks" or facts.step is None or facts.daily or facts.step > HOUR_US:
            reason = "it needs bars of at most an hour"
        elif facts.zone is None:
            reason = "the zone of the times is not known"
        else:
            return {ABSENT.id: None if len(_back(facts.zone)) else f"in {facts.zone} clocks are not changed"}
        return {ABSENT.id: reason}

    def prepare(self) -> None:
        """Find the changes."""
        assert self.facts.zone is not None
        self._edges = _back(self.facts.zone)

    def begin(self, symbol: str) -> None:
        """Forget the rows."""
        self._rows = np.zeros((len(self._edges), 4), dtype=np.int64)

    def see(self, batch: Batch) -> None:
        """Count."""
        self._rows += np.diff(np.searchsorted(batch.times, self._edges), axis=1)

    def end(self, symbol: str) -> None:
        """Look whether one of the two hours is missing where there are rows around them."""
        before, first, second, after = (self._rows > 0).T
        places = [
            Place(
                symbol=symbol,
                time=time_text(int(self._edges[i, 1]), self.facts.time.type),
                message=f"clocks went back in {self.facts.zone}, and this hour comes once: are the times on them?",
            )
            for i in np.flatnonzero(before & after & (first ^ second)).tolist()
        ]
        self.found.add(ABSENT.id, places)


def _back(zone: str) -> np.ndarray:
    """Return for each time that clocks went back five edges, microseconds UTC: around the hours that come twice."""
    from alphintra.ingest.zones import clock_of

    clock = clock_of(zone)
    length = clock.offset[:-1] - clock.offset[1:]
    at = clock.high - clock.offset[:-1]
    back = length > 0
    edges: np.ndarray = at[back, None] + length[back, None] * np.arange(-2, 3)
    return edges
