"""Bars that are missing inside of sessions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Parameter, Rule
from alphintra.rules.session_bars import BarCounter
from alphintra.store.statistics import time_text

from .gap_session import without_sessions

GAP = Rule(
    "GAP_INTRADAY",
    "info",
    "A session that has rows lacks bars. A warning for a symbol that lacks more than that share of its bars although "
    "it is liquid: more than half of a session's bars have volume, in 95 % of its sessions.",
    "Breaks, early closes, what is before the first and after the last row; sessions without any row (GAP_SESSION).",
    (Parameter("share", 0.2, 0, 1, "share of a liquid symbol's bars that may be missing"),),
)
_LIQUID = 0.95
I64 = npt.NDArray[np.int64]


class GapIntraday(Check):
    """Counts the bars that fit between two rows, where the step is another than the time frame's."""

    rules = (GAP,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs a step that is shorter than a day."""
        reason = without_sessions(facts)
        if facts.kind != "bars":
            reason = "there are no bars"
        elif facts.timeframe is None:
            reason = "time frame unknown"
        elif facts.daily:
            reason = "bars are not shorter than sessions"
        return {GAP.id: reason}

    def prepare(self) -> None:
        """Number the bars of all sessions."""
        assert self.facts.hours is not None
        assert self.facts.step is not None
        self._bars = BarCounter(self.facts.hours, self.facts.step)
        self._shift = self.facts.step if self.facts.label == "close" else 0
        self._volume = self.facts.name("volume")

    def begin(self, symbol: str) -> None:
        """Count from nothing."""
        self._missing = 0
        self._places: list[Place] = []
        self._rows = np.zeros(len(self._bars.session_bars), dtype=np.int32)

    def see(self, batch: Batch) -> None:
        """Count."""
        found = batch.sessions
        assert found is not None
        if self._volume is None:
            np.add.at(self._rows, found.session, found.stop - found.first)
        elif len(found.session):
            traded = np.append(0, np.cumsum(batch.numbers(self._volume) > 0))
            np.add.at(self._rows, found.session, traded[found.stop] - traded[found.first])
        steps = batch.steps
        odd = steps.odd[steps.step[steps.odd] > 0]
        if not len(odd):
            return
        after = batch.times[odd] - self._shift
        before = after - steps.step[odd] + self._bars.step
        gaps = self._bars.between(before, after)
        at = np.flatnonzero(gaps > 0)
        self._missing += int(gaps[at].sum())
        room = self.found.room(GAP.id) - len(self._places)
        for row in at[: max(0, room)].tolist():
            start = int(self._bars.next_bar(int(before[row]))) + self._shift
            message = f"{int(gaps[row]):,} bars are missing" if gaps[row] > 1 else "a bar is missing"
            when = time_text(start, self.facts.time.type)
            self._places.append(Place(symbol=batch.symbol, time=when, message=message))

    def end(self, symbol: str) -> None:
        """Decide how grave it is."""
        if not self._missing:
            return
        used = self._rows > 0
        bars = self._bars.session_bars[used]
        liquid = used.any() and (2 * self._rows[used] > bars).mean() >= _LIQUID
        grave = liquid and self._missing > self.value(GAP, "share") * bars.sum()
        self.found.add(GAP.id, self._places, self._missing, "warning" if grave else "info")
