"""``al.monte_carlo``: checks what was asked for, and hands it to the method."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from alphintra_backtest.monte_carlo import prices, round_trips, sessions

if TYPE_CHECKING:
    from alphintra.resampling import MonteCarlo
    from alphintra.result import Result

#: More paths say no more about a band than these.
MOST_PATHS = 100_000


def run(
    result: Result,
    method: str,
    *,
    paths: int | None,
    seed: int,
    block: float | None,
    strategy: Any,
    data: Any,
    noise: float,
    progress: Callable[[float, str], None] | None,
    cancel: Any,
) -> MonteCarlo:
    """Draw the paths; see ``alphintra.monte_carlo``."""
    from alphintra.errors import Cancelled, ParameterError
    from alphintra.resampling import METHODS, PATHS, PRICE_PATHS
    from alphintra.result import Result

    if not isinstance(result, Result):
        raise ParameterError(f"{result!r} is no result of al.backtest", where="result")
    if method not in METHODS:
        near = difflib.get_close_matches(str(method), METHODS, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there is: {', '.join(METHODS)}"
        raise ParameterError(f"unknown method {method!r}", where="method", hint=hint)
    if paths is None:
        paths = PRICE_PATHS if method == "prices" else PATHS
    if isinstance(paths, bool) or not isinstance(paths, int) or not 2 <= paths <= MOST_PATHS:
        raise ParameterError(f"paths must be a whole number from 2 to {MOST_PATHS}, got {paths!r}", where="paths")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ParameterError(f"seed must be a whole number from 0, got {seed!r}", where="seed")

    def pulse(fraction: float, text: str) -> None:
        if cancel is not None and cancel.is_set():
            raise Cancelled(f"Monte Carlo was cancelled after {text}")
        if progress is not None:
            progress(fraction, text)

    if method == "trades":
        return round_trips.run(result, paths, seed, pulse)
    if method == "prices":
        return prices.run(result, strategy, data, noise, paths, seed, pulse)
    return sessions.run(result, method, paths, seed, block, pulse)
