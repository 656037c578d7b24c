"""What can be refused of a method before a job is queued: its grid, its size, its windows, its executor."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..errors import Invalid
from ..models.methods import Method, MonteCarloMethod, SweepMethod, ValueRange, WalkForwardMethod
from .backtest_checks import check_value
from .selections import Selection

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from alphintra.errors import AlphintraError

MOST_BYTES = 64 << 10
"""Of a method as JSON: it is in every list of backtests."""
MOST_COMBINATIONS = 100_000
"""Combinations of a grid that are looked at for what its constraint allows."""
MOST_VARIANTS = 5_000
"""Variants of one job: it keeps the session returns of all of them in its memory."""
MOST_RETURNS = 20_000_000
"""Variants times sessions of a sweep: 5,000 variants on sixteen years take 0.7 GB."""
MOST_RUNS = 30_000
"""Variants times windows of a walk-forward."""
MOST_PATHS = {"prices": 1_000}
"""Monte Carlo paths by what is drawn; ``prices`` runs the strategy for each."""
MOST_OTHER_PATHS = 20_000


def check_method(method: Method | None) -> None:
    """Refuse what is wrong whatever the strategy and the data are."""
    if method is None:
        return
    _check_executor(method.executor)
    if isinstance(method, MonteCarloMethod):
        most = MOST_PATHS.get(method.resample, MOST_OTHER_PATHS)
        if method.paths is not None and method.paths > most:
            raise Invalid.field("method.paths", f"at most {most:,} with {method.resample}", code="TOO_MANY_PATHS")
        return
    _check_metric(method.metric)
    if len(method.model_dump_json()) > MOST_BYTES:
        raise Invalid.field(
            "method.grid", f"is longer than {MOST_BYTES >> 10} KiB: write ranges", code="GRID_TOO_LARGE"
        )
    drawn = _is_drawn(method)
    if not method.grid and not drawn:
        raise Invalid.field("method.grid", "is empty: there is nothing to vary", code="EMPTY_GRID")
    for name, given in method.grid.items():
        if not _count(given):
            raise Invalid.field(f"method.grid.{name}", "has no values", code="EMPTY_GRID")
        if not drawn and isinstance(given, ValueRange) and given.step is None and not _is_whole(given):
            raise Invalid.field(f"method.grid.{name}", "needs a step between its fractions", code="BAD_PARAMETER")
    if isinstance(method, SweepMethod):
        _check_trials(method)
    if not drawn:
        _check_size(_combinations(method), constrained=method.constraint is not None)


def check_grid(chosen: Mapping[str, Any], method: Method | None, parameters: Mapping[str, Any]) -> None:
    """Refuse a grid that does not fit the class, and a constraint that nothing satisfies; called before queueing.

    Args:
        chosen: The class as its source describes it.
        method: What was asked for.
        parameters: Values of the parameters that are not varied.
    """
    check_method(method)
    if method is None or isinstance(method, MonteCarloMethod):
        return
    known: dict[str, dict[str, Any]] = chosen["parameters"]
    for name, given in method.grid.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known) or 'none'}"
            raise Invalid.field(
                f"method.grid.{name}", f"{chosen['name']} has no such parameter; {hint}", code="BAD_PARAMETER"
            )
        ends = [given.low, given.high] if isinstance(given, ValueRange) else given
        for value in dict.fromkeys(ends):
            check_value(f"method.grid.{name}", value, known[name])
    if method.constraint is not None:
        _check_constraint(method, known, parameters)


def _check_executor(executor: str) -> None:
    from alphintra.errors import ExecutorError
    from alphintra_backtest.sweep.executors import check

    try:
        check(executor, local=True)
    except ExecutorError as error:
        raise _refused("method.executor", error) from None


def _check_metric(metric: str) -> None:
    from alphintra.errors import ParameterError
    from alphintra_backtest.sweep.ranking import definition

    try:
        definition(metric)
    except ParameterError as error:
        raise _refused("method.metric", error) from None


def _check_trials(method: SweepMethod) -> None:
    if method.search == "grid" and method.trials is not None:
        raise Invalid.field("method.trials", "a grid runs all of its variants: leave it out", code="BAD_PARAMETER")
    if method.trials is not None and method.trials > MOST_VARIANTS:
        raise Invalid.field("method.trials", f"at most {MOST_VARIANTS:,} in one job", code="GRID_TOO_LARGE")


def _check_size(combinations: int, *, constrained: bool) -> None:
    if combinations > MOST_COMBINATIONS:
        raise Invalid.field(
            "method.grid",
            f"has {combinations:,} combinations; {MOST_COMBINATIONS:,} can be looked at and {MOST_VARIANTS:,} run in "
            "one job: take larger steps, or search random with trials",
            code="GRID_TOO_LARGE",
        )
    if not constrained:
        _check_variants(combinations)


def _check_constraint(
    method: SweepMethod | WalkForwardMethod, known: Mapping[str, Mapping[str, Any]], parameters: Mapping[str, Any]
) -> None:
    from alphintra.errors import ParameterError
    from alphintra_backtest.sweep.constraint import Constraint

    try:
        constraint = Constraint(method.constraint, tuple(known))
        if _is_drawn(method):
            return
        rest = {name: item.get("default") for name, item in known.items()} | dict(parameters)
        # A default that is computed is known at run time only, and with it what the constraint says.
        if any(rest[name] is None for name in known if name not in method.grid):
            return
        allowed = sum(constraint.allows(rest | point) for point in _points(method))
    except ParameterError as error:
        raise _refused("method.constraint", error) from None
    if not allowed:
        raise Invalid.field(
            "method.constraint", f"excludes all {_combinations(method):,} combinations", code="NOTHING_ALLOWED"
        )
    _check_variants(allowed)


def _check_variants(count: int) -> None:
    if count > MOST_VARIANTS:
        raise Invalid.field(
            "method.grid",
            f"leaves {count:,} variants; one job runs {MOST_VARIANTS:,}: take larger steps, or search random with "
            "trials",
            code="GRID_TOO_LARGE",
        )


def _points(method: SweepMethod | WalkForwardMethod) -> Iterator[dict[str, Any]]:
    """Every combination; their number was checked."""
    from alphintra_backtest.methods import values_of

    axes = {name: values_of(name, _plain(given), drawn=False) for name, given in method.grid.items()}
    return (dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))


def _is_drawn(method: Method) -> bool:
    return isinstance(method, SweepMethod) and method.search != "grid"


def _combinations(method: SweepMethod | WalkForwardMethod) -> int:
    return math.prod(_count(given) for given in method.grid.values())


def _count(given: Any) -> int:
    from alphintra_backtest.methods import count_of

    return count_of(given.model_dump()) if isinstance(given, ValueRange) else len(given)


def _is_whole(given: ValueRange) -> bool:
    return isinstance(given.low, int) and isinstance(given.high, int)


def _plain(given: Any) -> Any:
    return given.model_dump() if isinstance(given, ValueRange) else given


def check_length(method: Method | None, selection: Selection, start: datetime, end: datetime) -> None:
    """Refuse more variants than fit with so many sessions, and windows of which the data certainly cannot hold one.

    The worker knows the sessions and is exact.

    Args:
        method: What was asked for.
        selection: The data.
        start: First day of the run.
        end: Its last day.
    """
    days = _most_sessions(selection, start, end)
    if isinstance(method, WalkForwardMethod):
        _check_windows(method, days)
    elif isinstance(method, SweepMethod) and (_is_drawn(method) or method.constraint is None):
        _check_returns(method.trials or 100 if _is_drawn(method) else _combinations(method), len(days))


def _check_returns(variants: int, sessions: int) -> None:
    if variants * sessions > MOST_RETURNS:
        raise Invalid.field(
            "method.grid",
            f"has {variants:,} variants on up to {sessions:,} sessions; one job keeps the returns of "
            f"{MOST_RETURNS // sessions:,} on so many: take larger steps, or fewer sessions",
            code="GRID_TOO_LARGE",
        )


def _check_windows(method: WalkForwardMethod, days: npt.NDArray[np.int32]) -> None:
    from alphintra.errors import ParameterError
    from alphintra_backtest.walk_forward.windows import layout, windows

    try:
        plan = layout(method.train, method.test, method.step, method.anchored, method.purge)
        # How many bars a purge takes of a window is not known here.
        count = len(windows(days, replace(plan, purge=0))) if len(days) else 0
    except ParameterError as error:
        mixed = isinstance(method.step, str) != isinstance(method.test, str)
        if error.where == "step" and method.step is not None and mixed:
            return  # by sessions that may not be: a month has more weekdays than sessions
        raise _refused(f"method.{error.where}" if error.where else "method", error) from None
    variants = _combinations(method)
    if count * variants > MOST_RUNS:
        raise Invalid.field(
            "method.step",
            f"{count:,} windows of up to {variants:,} variants are {count * variants:,} runs; one job makes "
            f"{MOST_RUNS:,}: take longer steps or a smaller grid",
            code="GRID_TOO_LARGE",
        )


def _most_sessions(selection: Selection, start: datetime, end: datetime) -> npt.NDArray[np.int32]:
    """Days that may be sessions: all weekdays of the run, or all days where the data has weekends."""
    import numpy as np

    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    first, last = selection.span()
    days = np.arange((max(first, start) - epoch).days, (min(last, end) - epoch).days + 1, dtype=np.int32)
    weekends = _trades_on_weekends(selection)
    return days if weekends else days[(days + 3) % 7 < 5]  # 1970-01-01 was a Thursday


def _trades_on_weekends(selection: Selection) -> bool:
    if selection.version is None:
        return bool(selection.row.manifest.get("periods_per_year") == 365)
    return selection.version.about["calendar"] in (None, "24/7")


def _refused(field: str, error: AlphintraError) -> Invalid:
    hint = f"; {error.hint}" if error.hint else ""
    return Invalid.field(field, f"{error.message}{hint}", code=error.code)
