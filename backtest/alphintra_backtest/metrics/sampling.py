"""From bars to sessions: the points that return metrics are computed on (rule M0)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SessionReturns:
    """Returns of consecutive sessions.

    Attributes:
        last_bar: Index of each session's last bar, shape (n,).
        session: Session of each return, int32 days since 1970-01-01, shape (n,).
        returns: Fractions, shape (n,).
    """

    last_bar: npt.NDArray[np.int64]
    session: npt.NDArray[np.int32]
    returns: F64


def session_returns(
    equity: npt.ArrayLike, session: npt.NDArray[np.int32], starting_value: float
) -> SessionReturns:
    """Sample equity at the last bar of each session and return the changes.

    The first point of ``equity`` is the bar before the strategy was first called: it is the
    starting point and gives no return of its own. The first return starts from ``starting_value``.
    Bars coarser than a day each have a session of their own, so they keep their own period.

    Args:
        equity: Account value at each bar, shape (T,).
        session: Session of each bar, ascending, shape (T,).
        starting_value: Starting cash.
    """
    values = np.asarray(equity, dtype=np.float64)[1:]
    days = np.asarray(session)[1:]
    if not len(values):
        return SessionReturns(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0))
    last = np.flatnonzero(np.append(days[1:] != days[:-1], True))
    sampled = values[last]
    before = np.concatenate(([starting_value], sampled[:-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = sampled / before - 1.0
    return SessionReturns(last + 1, days[last].astype(np.int32), returns)


@dataclass(frozen=True)
class JoinedReturns:
    """Returns of the strategy and its benchmark between the sessions that both have.

    Attributes:
        returns: The strategy's, shape (k,).
        benchmark: The benchmark's, shape (k,).
        dropped: Sessions left out because the benchmark has no value there.
    """

    returns: F64
    benchmark: F64
    dropped: int


def joined_returns(
    equity: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    session: npt.NDArray[np.int32],
    starting_value: float,
) -> JoinedReturns:
    """Join strategy and benchmark on their sessions (rule M9).

    Where the benchmark has no value at a session's end, that session is dropped from both, and the
    next return of both spans the gap: paired returns always cover the same time.
    """
    values = np.asarray(equity, dtype=np.float64)
    other = np.asarray(benchmark, dtype=np.float64)
    ends = session_returns(values, session, starting_value).last_bar
    points = np.concatenate(([0], ends)) if len(values) else ends
    known = np.isfinite(other[points])
    own = np.where(points == 0, starting_value, values[points])[known]
    kept = other[points][known]
    dropped = int(np.count_nonzero(~known[1:])) if len(known) else 0
    if len(kept) < 2:
        return JoinedReturns(np.empty(0), np.empty(0), dropped)
    with np.errstate(divide="ignore", invalid="ignore"):
        return JoinedReturns(own[1:] / own[:-1] - 1.0, kept[1:] / kept[:-1] - 1.0, dropped)
