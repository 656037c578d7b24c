"""Levels that shift from one day to the next: splits, pence for pounds, lots for shares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from alphintra.data.splits import jumps
from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Parameter, Rule

from .bars import SHARES

SPLIT = Rule(
    "SPLIT_LIKE",
    "warning",
    "From one day's last close to the next day's first price, a price moves to within 2 % of 1:n, n:1 or 3:2 (n up to "
    "50), and the day's volume, where it is known, by the inverse to within a factor of 3.",
    "Days on which a split is known; anything but shares and funds. A crash can look the same.",
)
CURRENCY = Rule(
    "CURRENCY_UNIT",
    "warning",
    "From one day to the next prices are a hundred times what they were, or a hundredth, to within 20 %; they stay "
    "there, and the volume does not move the other way: pence and pounds.",
    "Splits.",
    (Parameter("days", 3, 1, 250, "days before and after whose medians are compared", whole=True),),
)
VOLUME = Rule(
    "VOL_UNIT",
    "warning",
    "From one day to the next the median volume is 100 or 1,000 times what it was, or that part of it, to within a "
    "factor of 1.5, and stays there: lots and shares.",
    "A volume that really rose so much.",
    (Parameter("days", 20, 3, 250, "days before and after whose medians are compared", whole=True),),
)
_AT_ONCE = 4_096
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class DaySeries(Check):
    """Keeps of each day of a symbol the first price, the last close and the volume."""

    rules = (SPLIT, CURRENCY, VOLUME)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs bars of at most a day."""
        reason = "there are no bars" if facts.kind != "bars" else facts.without("close")
        if reason is None and facts.longer:
            reason = "rows are longer than days"
        other = None if facts.asset_class in (None, *SHARES) else f"{facts.asset_class} is not split"
        return {
            SPLIT.id: reason or other,
            CURRENCY.id: reason,
            VOLUME.id: reason or facts.without("volume"),
        }

    def prepare(self) -> None:
        """Name the columns."""
        facts = self.facts
        self._first = facts.name("open") or facts.close
        self._close, self._volume = facts.close, facts.name("volume")

    def begin(self, symbol: str) -> None:
        """Forget the days."""
        self._parts: list[tuple[I64, F64, F64, F64]] = []

    def see(self, batch: Batch) -> None:
        """Add days; one that goes on from the batch before is joined at the end."""
        assert self._first is not None
        assert self._close is not None
        starts = batch.day_starts
        stops = np.append(starts[1:], len(batch)) - 1
        first, close = batch.numbers(self._first)[starts], batch.numbers(self._close)[stops]
        volume = np.zeros(0)
        if self._volume is not None:
            own = batch.numbers(self._volume)
            volume = own[starts] if len(starts) == len(own) else np.add.reduceat(own, starts)
        self._parts.append((batch.days[starts], first, close, volume))

    def end(self, symbol: str) -> None:
        """Look at the days."""
        days, first, close, volume = self._joined()
        if len(days) < 2:
            return
        known = np.array(sorted(self.facts.events.get(symbol, ())), dtype=np.int64)
        moved = jumps(close, first, volume if len(volume) else None)
        moved = moved[~np.isin(days[moved], known)]
        self._add(SPLIT, symbol, days[moved], [_ratio(close[i - 1] / first[i]) for i in moved.tolist()])
        self._currency(symbol, days, first, close, volume)
        if len(volume):
            shifts = _shifts(volume, (100.0, 1_000.0), 1.5, int(self._days(VOLUME)))
            told = [f"the volume is {_times(ratio)} what it was" for _, ratio in shifts]
            self._add(VOLUME, symbol, days[[i for i, _ in shifts]], told)

    def _days(self, rule: Rule) -> float:
        return self.value(rule, "days") if self.found.wants(rule.id) else 3

    def _joined(self) -> tuple[I64, F64, F64, F64]:
        days, first, close, volume = (np.concatenate([part[i] for part in self._parts]) for i in range(4))
        new = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
        if len(new) < len(days):
            last = np.append(new[1:], len(days)) - 1
            volume = np.add.reduceat(volume, new) if len(volume) else volume
            days, first, close = days[new], first[new], close[last]
        return days, first, close, volume

    def _currency(self, symbol: str, days: I64, first: F64, close: F64, volume: F64) -> None:
        shifts = _shifts(close, (100.0,), 1.2, int(self._days(CURRENCY)), first)
        if len(volume):
            # A split of 100:1 moves the volume the other way.
            width = int(self._days(CURRENCY))
            kept = []
            for i, ratio in shifts:
                before, after = np.median(volume[max(0, i - width) : i]), np.median(volume[i : i + width])
                if not (before > 0 and after > 0 and 1 / 5 < after / before * ratio < 5):
                    kept.append((i, ratio))
            shifts = kept
        told = [f"prices are {_times(ratio)} what they were" for _, ratio in shifts]
        self._add(CURRENCY, symbol, days[[i for i, _ in shifts]], told)

    def _add(self, rule: Rule, symbol: str, days: I64, told: list[str]) -> None:
        dates = days[: max(0, self.found.room(rule.id))].astype("M8[D]")
        places = [Place(symbol=symbol, time=str(date), message=text) for date, text in zip(dates, told, strict=False)]
        self.found.add(rule.id, places, len(days))


def _shifts(
    values: F64, ratios: tuple[float, ...], within: float, width: int, first: F64 | None = None
) -> list[tuple[int, float]]:
    """Return where a level becomes some times what it was, or that part of it, and stays: day and ratio."""
    after = values if first is None else first
    step = after[1:] / values[:-1]
    far = np.flatnonzero((np.maximum(step, 1 / step) > min(ratios) / 3) & np.isfinite(step)) + 1
    far = far[(far >= width) & (far + width <= len(values))]
    out: list[tuple[int, float]] = []
    for some in np.split(far, range(_AT_ONCE, len(far), _AT_ONCE)):
        around = some[:, None] + np.arange(width)
        change = np.median(values[around], axis=1) / np.median(values[around - width], axis=1)
        for ratio in (*ratios, *(1 / ratio for ratio in ratios)):
            hit = (change / ratio >= 1 / within) & (change / ratio <= within)
            out += [(i, ratio) for i in some[hit].tolist()]
    kept: list[tuple[int, float]] = []
    for i, ratio in sorted(out):
        if not kept or i - kept[-1][0] >= width:  # one shift is one finding
            kept.append((i, ratio))
    return kept


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} times" if ratio > 1 else f"1/{1 / ratio:,.0f} of"


def _ratio(down: float) -> str:
    return f"looks like a split, {down:.3g}:1" if down > 1 else f"looks like a reverse split, 1:{1 / down:.3g}"
