"""Where ``at=`` and ``to(…)`` point to: a bar of the data by its index or a date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .replay import Replay


def place(replay: Replay, when: Any) -> int:
    """The index of the bar to stand at.

    A date is that of the first bar of its session, or of the next one there is; a time is the first bar that closes at
    or after it.

    Raises:
        ReplayError: ``OUTSIDE_DATA``: there is no such bar, or it is before the strategy's first.
        DataError: ``BAD_DATE``: it is no date.
    """
    from alphintra.data.bounds import parse_bound
    from alphintra.errors import ReplayError

    grid = replay.grid
    first, last = replay.first - 1, replay.count - 1
    reach = f"the run goes from {_day(grid, replay.first)} (bar {replay.first}) to {_day(grid, last)} (bar {last})"
    if isinstance(when, bool) or when is None:
        raise ReplayError(f"{when!r} is neither a bar nor a date", code="BAD_DATE", hint=reach)
    if isinstance(when, int | np.integer):
        if not first <= when <= last:
            raise ReplayError(f"there is no bar {when} to stand at", code="OUTSIDE_DATA", hint=reach)
        return int(when)
    bound = parse_bound(when, "when")
    assert bound is not None
    reached = bound.starts(grid.session, grid.time)
    at = int(np.argmax(reached)) if reached.any() else -1
    earliest = int(grid.session[0]) if bound.instant is None else int(grid.m[8][0][~np.isnan(grid.m[3][0])].min())
    if at < 0 or (bound.session if bound.instant is None else bound.instant) < earliest:
        raise ReplayError(f"{bound.text} is outside the data", code="OUTSIDE_DATA", hint=reach)
    if at < first:
        raise ReplayError(
            f"{bound.text} is before the strategy's first bar: its indicators are not defined yet, or start= is later",
            code="OUTSIDE_DATA", hint=reach,
        )  # fmt: skip
    return at


def _day(grid: Any, bar: int) -> str:
    return str(np.datetime64(int(grid.session[bar]), "D"))
