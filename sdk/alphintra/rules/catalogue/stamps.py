"""What the first and the last stamp of sessions tell: which end of a bar is stamped, and on which clock."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.hours import HOUR_US
from alphintra.rules.places import Place
from alphintra.rules.rule import Parameter, Rule
from alphintra.store.statistics import time_text

from .gap_session import without_sessions

_LEAST = Parameter("sessions", 5, 1, 10_000, "sessions that a symbol needs to be judged", whole=True)
LABEL = Rule(
    "TS_LABEL",
    "info",
    "Most sessions of a symbol begin and end with the stamps of bars that are labelled at the other end than stated, "
    "or the label is not known and they tell it: a look ahead by one bar hangs on it.",
    "Symbols whose first and last bars are missing tell nothing.",
    (Parameter("share", 0.5, 0, 1, "share of sessions that have to say it"), _LEAST),
)
SHIFT = Rule(
    "TS_TZ_SHIFT",
    "warning",
    "For weeks on end the first rows of sessions are exactly an hour off those of the other sessions, measured from "
    "the exchange's open: times were read on the clocks of another zone.",
    "Hours of an exchange that really changed are in its calendar.",
    (
        Parameter("share", 0.05, 0, 1, "share of sessions that are an hour off"),
        Parameter("run", 5, 2, 1_000, "sessions in a row that have to be off to count", whole=True),
    ),
)
_EARLY = 6 * HOUR_US
"""Rows up to so long before an open belong to its session."""
I64 = npt.NDArray[np.int64]
_NOTHING = np.iinfo(np.int64).min


class Stamps(Check):
    """Keeps the first and the last stamp of each session of a symbol."""

    rules = (LABEL, SHIFT)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs an exchange's opens and bars within sessions."""
        reason = without_sessions(facts)
        if reason is None and facts.hours is not None and not facts.hours.exchange:
            reason = "it is no exchange"
        if reason is None and facts.kind == "ticks":
            reason = "ticks have no bars"
        if reason is None and (facts.timeframe is None or facts.daily):
            reason = "time frame unknown" if facts.timeframe is None else "times are days"
        return {LABEL.id: reason, SHIFT.id: reason}

    def begin(self, symbol: str) -> None:
        """Forget the stamps."""
        hours = self.facts.hours
        assert hours is not None
        self._first = np.full(len(hours.open), _NOTHING)
        self._last = np.full(len(hours.open), _NOTHING)

    def see(self, batch: Batch) -> None:
        """Keep stamps."""
        hours, times = self.facts.hours, batch.times
        assert hours is not None
        low = int(np.searchsorted(hours.close, times[0], side="left"))
        high = int(np.searchsorted(hours.open - _EARLY, times[-1], side="right"))
        first = np.searchsorted(times, hours.open[low:high] - _EARLY, side="left")
        stop = np.searchsorted(times, hours.close[low:high], side="right")
        has = np.flatnonzero(stop > first)
        known = self._first[low:high][has]
        self._first[low + has] = np.where(known == _NOTHING, times[first[has]], known)
        self._last[low + has] = times[stop[has] - 1]

    def end(self, symbol: str) -> None:
        """Decide."""
        hours, step = self.facts.hours, self.facts.step
        assert hours is not None
        assert step is not None
        used = np.flatnonzero(self._first != _NOTHING)
        if not len(used):
            return
        offset = self._first[used] - hours.open[used]
        self._label(symbol, offset, hours.close[used] - self._last[used], step)
        self._shift(symbol, used, offset)

    def _label(self, symbol: str, offset: I64, left: I64, step: int) -> None:
        if len(offset) < self.value(LABEL, "sessions"):
            return
        at_open = ((offset == 0) & (left > 0)).mean()
        at_close = ((offset == step) & (left == 0)).mean()
        label = "open" if at_open > at_close else "close"
        share = max(at_open, at_close)
        if share > self.value(LABEL, "share") and label != self.facts.label:
            message = f"{share:.0%} of {len(offset):,} sessions are stamped at the {label} of bars; "
            told = "nobody said which it is" if self.facts.label == "unknown" else f"stated is the {self.facts.label}"
            self.found.add(LABEL.id, [Place(symbol=symbol, message=message + told)])

    def _shift(self, symbol: str, used: I64, offset: I64) -> None:
        values, counts = np.unique(offset, return_counts=True)
        usual = int(values[counts.argmax()])
        off = np.abs(offset - usual) == HOUR_US
        if not off.any():
            return
        edges = np.flatnonzero(np.diff(off.astype(np.int8), prepend=0, append=0))
        runs = [(a, b) for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
                if b - a >= self.value(SHIFT, "run")]  # fmt: skip
        count = sum(b - a for a, b in runs)
        if not runs or count < self.value(SHIFT, "share") * len(off):
            return
        places = [
            Place(
                symbol=symbol,
                time=time_text(int(self._first[used[a]]), self.facts.time.type),
                message=f"from here {b - a:,} sessions begin an hour "
                + ("later" if offset[a] > usual else "earlier")
                + " than the others",
            )
            for a, b in runs
        ]
        self.found.add(SHIFT.id, places, count)
