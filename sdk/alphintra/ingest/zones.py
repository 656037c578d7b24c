"""Local times to UTC: what a zone's clocks did, and the hours that they left out or had twice."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
SECOND_US = 1_000_000
_FIRST, _LAST = dt.datetime(1900, 1, 1), dt.datetime(2101, 1, 1)
_EPOCH = dt.datetime(1970, 1, 1)


@dataclass(frozen=True, eq=False)
class Clock:
    """Changes of a zone's clocks from 1900 to 2100.

    Attributes:
        low: Local time from which two readings are possible or none, int64 microseconds, one for each change.
        high: Local time up to which that is so.
        offset: Microseconds ahead of UTC before the first change, and after each.
    """

    low: I64
    high: I64
    offset: I64


@lru_cache(maxsize=64)
def clock_of(name: str) -> Clock:
    """Find the changes of a zone's clocks: by days, then to the second."""
    zone = zoneinfo.ZoneInfo(name)

    epoch = _EPOCH.replace(tzinfo=zone)

    def there(seconds: int) -> dt.timedelta | None:
        return zone.fromutc(epoch + dt.timedelta(seconds=seconds)).utcoffset()

    def ahead(seconds: int) -> int:
        offset = there(seconds)
        assert offset is not None
        return round(offset.total_seconds())

    first, last = (round((day - _EPOCH).total_seconds()) for day in (_FIRST, _LAST))
    offsets, changes = [ahead(first)], []
    before = there(first)
    for day in range(first, last, 86_400):
        until = day + 86_400
        after = there(until)
        if after == before:
            continue
        before, now = after, ahead(until)
        if now == offsets[-1]:
            continue
        low, high = day, until
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if ahead(middle) == offsets[-1] else (low, middle)
        changes.append(high)
        offsets.append(now)
    at, offset = np.array(changes, dtype=np.int64), np.array(offsets, dtype=np.int64)
    both = np.stack([at + offset[:-1], at + offset[1:]]) if len(at) else np.zeros((2, 0), dtype=np.int64)
    return Clock(both.min(axis=0) * SECOND_US, both.max(axis=0) * SECOND_US, offset * SECOND_US)


class Localizer:
    """Turns local times of one file into UTC, batch after batch.

    An hour that comes twice is the first one until a symbol's times go back; in a file that runs backwards it is the
    second one until they go forward. A time that does not exist is taken as if the clocks had not been changed yet.

    Args:
        zone: Name of the zone.
        repeats: Whether one symbol may have several rows at one time (ticks).
    """

    def __init__(self, zone: str, repeats: bool) -> None:
        self._clock = clock_of(zone)
        self._repeats = repeats
        self._twice: dict[str, tuple[int, int, bool]] = {}

    def to_utc(self, local: I64, symbols: list[str], codes: I64) -> tuple[I64, I64, I64]:
        """Return times in UTC, and the rows whose time does not exist or comes twice.

        Args:
            local: Microseconds on the local clock.
            symbols: Names of symbols.
            codes: Each row's place in ``symbols``.
        """
        clock = self._clock
        early = np.searchsorted(clock.high, local, side="right")
        late = np.searchsorted(clock.low, local, side="right")
        utc = local - clock.offset[early]
        odd = np.flatnonzero(early != late)
        if not len(odd):
            return utc, odd, odd
        back = clock.offset[late[odd]] < clock.offset[early[odd]]
        gaps, folds = odd[~back], odd[back]
        steps = np.diff(local)
        falling = bool((steps < 0).sum() > (steps > 0).sum())
        for row in folds.tolist():
            if self._second(symbols[codes[row]], int(early[row]), int(local[row]), falling):
                utc[row] = local[row] - clock.offset[late[row]]
        return utc, gaps, folds

    def _second(self, symbol: str, change: int, local: int, falling: bool) -> bool:
        """Tell whether a row is in the second of the two hours."""
        known, before, second = self._twice.get(symbol, (-1, local, falling))
        if known != change:
            second = falling
        else:
            turned = local > before if falling else local < before
            if turned or (local == before and not self._repeats):
                second = not falling
        self._twice[symbol] = (change, local, second)
        return second
