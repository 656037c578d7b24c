"""Which rows of a batch are in which session, by looking up the sessions in the rows, not the rows in the sessions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphintra.rules.hours import Hours

I64 = npt.NDArray[np.int64]
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class SessionRows:
    """Rows of one batch and their sessions.

    Attributes:
        hours: The market.
        session: Sessions with rows, rising; one with a break comes once for each part.
        first: First row in each.
        stop: The row after the last one in each.
        outside: Rows in none.
    """

    hours: Hours
    session: I64
    first: I64
    stop: I64
    outside: I64

    @classmethod
    def of_days(cls, hours: Hours, days: I64) -> SessionRows:
        """Return the sessions of dates that never fall."""
        found = hours.of_days(days)
        known = np.flatnonzero((days >= hours.session[0]) & (days <= hours.session[-1]))
        inside = np.flatnonzero(found >= 0)
        sessions = found[inside]
        new = np.flatnonzero(np.diff(sessions, prepend=-1))
        stop = np.append(inside[new[1:]], inside[-1] + 1) if len(new) else _NONE
        return cls(hours, sessions[new], inside[new], stop, known[found[known] < 0])

    @classmethod
    def of_times(cls, hours: Hours, times: I64, label: str) -> SessionRows:
        """Return the sessions of times that never fall.

        Args:
            hours: The market.
            times: Microseconds UTC.
            label: ``open`` leaves out a session's close, ``close`` its open; with anything else both are in it.
        """
        opens, closes, of = hours.parts
        low = int(np.searchsorted(closes, times[0], side="left"))
        high = int(np.searchsorted(opens, times[-1], side="right"))
        opens, closes, of = opens[low:high], closes[low:high], of[low:high]
        first = np.searchsorted(times, opens, side="right" if label == "close" else "left")
        stop = np.searchsorted(times, closes, side="left" if label == "open" else "right")
        first[1:] = np.maximum(first[1:], stop[:-1])  # where one session ends as the next begins
        known = np.searchsorted(times, [hours.open[0], hours.close[-1]])
        edges = np.stack([np.append(known[0], stop), np.append(first, known[1])], axis=1)
        gaps = edges[edges[:, 1] > edges[:, 0]].tolist()
        outside = np.concatenate([np.arange(a, b) for a, b in gaps]) if gaps else _NONE
        has = stop > first
        return cls(hours, of[has], first[has], stop[has], outside)
