"""What ran in this process and can be repeated bar by bar: kept by reference, nothing is copied.

Of the runs that raised the last one is remembered. What a result was made of is kept as long as the result.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ReplayError, StrategyError

if TYPE_CHECKING:
    from .result import Result


@dataclass(frozen=True, eq=False)
class Asked:
    """What a run was asked for.

    Attributes:
        strategy: The class, as it was then.
        data: The data, as it was given.
        options: All other arguments of ``alphintra.backtest`` that a replay takes, rules included.
    """

    strategy: type
    data: Any
    options: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Failed:
    """A run whose strategy raised.

    Attributes:
        asked: The run.
        bar: Index of the bar whose callback raised; −1 in ``on_start``.
        place: File and line that raised.
        message: What it raised.
    """

    asked: Asked
    bar: int
    place: tuple[str | None, int | None]
    message: str

    def is_about(self, error: StrategyError) -> bool:
        """Whether the error is that of this run: raised by the same line, at the same bar."""
        return (self.bar, self.place, self.message) == (error.bar, (error.file, error.line), error.message)


_failed: Failed | None = None
_results: weakref.WeakKeyDictionary[Result, Asked] = weakref.WeakKeyDictionary()


def remember(error: StrategyError, asked: Asked) -> None:
    """Take a run for the last one that raised."""
    global _failed
    _failed = Failed(asked, error.bar, (error.file, error.line), error.message)


def remember_of(error: StrategyError, strategy: type, data: Any, options: Mapping[str, Any]) -> None:
    """Take the one run of a sweep or a walk-forward that the error is about for the last one that raised.

    Args:
        error: Which run it was says its ``run``.
        strategy: What ran.
        data: As it was given.
        options: What all runs shared, as :func:`alphintra.backtest` takes it.
    """
    if error.run is not None:
        days: dict[str, Any] = {name: error.run[name] for name in ("start", "end") if name in error.run}
        remember(error, Asked(strategy, data, {**options, **days, "params": error.run["parameters"]}))


def last_failed() -> Failed | None:
    """The last run of this process whose strategy raised."""
    return _failed


def keep(result: Result, asked: Asked) -> None:
    """Keep what a result was made of, as long as there is the result."""
    _results[result] = asked


def kept(result: Result) -> Asked | None:
    """What a result was made of; ``None`` where it was made elsewhere, or by something else than a backtest."""
    return _results.get(result)


def find_result(run_id: str) -> Result:
    """A result that this process made and still holds, by the id of its run.

    Args:
        run_id: ``result.run["id"]``, or how it begins.

    Raises:
        ReplayError: ``NO_RESULT``: there is none.
    """
    for result in list(_results):
        if run_id and str(result.run["id"]).startswith(run_id):
            return result
    raise ReplayError(
        f"this kernel holds no result of the run {run_id!r}", code="NO_RESULT",
        hint="run the cell that made it again: a result is gone with its kernel, or once nothing refers to it",
    )  # fmt: skip
