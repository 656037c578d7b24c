"""A backtest by name of its methodology, from plain values: how a job of the server runs what a notebook calls.

Each leads to one run whose figures stand for it (that of a sweep's best variant, the account of a walk-forward, the
run that was resampled), and but for ``STANDARD`` to a study beside it.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from alphintra_backtest import fitting, runner
from alphintra_backtest.assumptions import by_level

if TYPE_CHECKING:
    from alphintra.result import Result

#: Fraction, what it is doing (``sweeping``, ``running``, ``checking``, …), a text, and the market time in
#: microseconds where a run tells it.
Tell = Callable[[float, str, str | None, int | None], None]

#: Part of a study's progress that the method is; the rest is the run that stands for it, with its check.
STUDY_SHARE = 0.8
#: Part of a Monte Carlo study's progress that the run before it is.
_RUN_SHARE = 0.4


@dataclass(frozen=True)
class Asked:
    """What is to be run.

    Attributes:
        strategy: The class.
        data: As in ``al.backtest``.
        methodology: ``STANDARD``, ``SWEEP``, ``WALK_FORWARD`` or ``MONTE_CARLO``.
        method: Settings of the methodology, by the names of ``al.sweep``, ``al.walk_forward`` and ``al.monte_carlo``
            but for ``search`` and ``resample``, which those call ``method``.
        params: Values of parameters that are not varied.
        options: Keyword arguments of ``al.backtest``, rules among them.
        strategy_id: Identifies a stored strategy in the trial log; a class of a file or notebook where None.
        check: Points at which look-ahead is looked for (F12).
        check_until: Time of ``time.perf_counter`` after which no more is checked.
        workers: Threads or processes of a study.
    """

    strategy: type
    data: Any
    methodology: str = "STANDARD"
    method: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    strategy_id: str | None = None
    check: int = 0
    check_until: float | None = None
    workers: int | None = None


@dataclass(frozen=True, eq=False)
class Done:
    """What came of it.

    Attributes:
        result: The run whose figures stand for it.
        study: What the methodology made: a ``Sweep``, ``WalkForward`` or ``MonteCarlo``; ``None`` for ``STANDARD``.
        name: By which ``Result.report`` takes the study.
    """

    result: Result
    study: Any = None
    name: str = ""

    def payload(self) -> dict[str, Any] | None:
        """Return the study's page as plain values, at most 1 MB as JSON."""
        from alphintra_backtest.study_bounds import bounded

        return None if self.study is None else bounded(self.study.study().payload())

    @property
    def sections(self) -> dict[str, Any]:
        """What ``Result.report`` takes beside a path."""
        return {} if self.study is None else {self.name: self.study}


def run(asked: Asked, tell: Tell) -> Done:
    """Run it.

    Args:
        asked: What.
        tell: Told how far it is; what it raises ends the work.

    Raises:
        AlphintraError: As ``al.backtest``, ``al.sweep``, ``al.walk_forward`` and ``al.monte_carlo`` do.
        ParameterError: There is no such methodology.
    """
    from alphintra.errors import ParameterError

    found = _METHODS.get(asked.methodology)
    if found is None:
        raise ParameterError(
            f"there is no methodology {asked.methodology!r}", where="methodology",
            hint=f"there is: {', '.join(_METHODS)}",
        )  # fmt: skip
    return found(asked, tell)


def _standard(asked: Asked, tell: Tell) -> Done:
    result = _one(asked, asked.params, asked.options, tell, 0.0, 1.0)
    _log(result)
    return Done(result)


def _sweep(asked: Asked, tell: Tell) -> Done:
    """A sweep, and the best variant's own run; where the metric is undefined for all, the first one's."""
    from alphintra.sweeping import sweep

    given = dict(asked.method)
    search = given.pop("search", "grid")
    options = {name: value for name, value in asked.options.items() if name != "seed"}
    seed = _seed(given, asked)
    found = sweep(
        asked.strategy, asked.data, _grid(given.pop("grid", None), asked.params, drawn=search != "grid"), method=search,
        seed=seed, workers=asked.workers, progress=_share(tell, "sweeping", 0.0, STUDY_SHARE), **given, **options,
    )  # fmt: skip
    _identify(found.run, asked)
    best = found.variants[found.ranking[0]]
    result = _one(asked, best.params, {**options, "seed": seed}, tell, STUDY_SHARE, 1.0)
    values = _values({name: best.params[name] for name in found.parameters})
    _say_checked(result, f"the best variant's run ({values})")
    return Done(result, found, "sweep")


def _walk_forward(asked: Asked, tell: Tell) -> Done:
    """A walk-forward; look-ahead is looked for in a plain run with the parameters that were chosen last."""
    from alphintra.walking import walk_forward

    given = dict(asked.method)
    found = walk_forward(
        asked.strategy, asked.data, _grid(given.pop("grid", None), asked.params, drawn=False), workers=asked.workers,
        progress=_share(tell, "walking", 0.0, STUDY_SHARE), **given, **asked.options,
    )  # fmt: skip
    _identify(found.result.run, asked)
    chosen = [(window, p) for window, p in zip(found.columns["window"], found.columns["params"], strict=True) if p]
    if chosen and asked.check and not fitting.defines_fit(asked.strategy):
        window, params = chosen[-1]
        tried = _one(asked, params, asked.options, tell, STUDY_SHARE, 1.0)
        _take_check(found.result, tried)
        values = _values({name: params[name] for name in found.grid})
        _say_checked(found.result, f"a plain run with what window {window} chose ({values})")
    return Done(found.result, found, "walk_forward")


def _monte_carlo(asked: Asked, tell: Tell) -> Done:
    from alphintra.resampling import monte_carlo

    given = dict(asked.method)
    given.pop("executor", None)
    resample = given.pop("resample", "returns")
    seed = _seed(given, asked)
    result = _one(asked, asked.params, asked.options, tell, 0.0, _RUN_SHARE)
    _log(result)
    found = monte_carlo(
        result, resample, seed=seed, strategy=asked.strategy, progress=_share(tell, "resampling", _RUN_SHARE, 1.0),
        **given,
    )  # fmt: skip
    return Done(result, found, "monte_carlo")


def _seed(given: dict[str, Any], asked: Asked) -> int:
    """Take a method's own seed out of its settings; where it has none, that of the run."""
    own = given.pop("seed", None)
    return int(asked.options.get("seed", 0) if own is None else own)


_METHODS: dict[str, Callable[[Asked, Tell], Done]] = {
    "STANDARD": _standard,
    "SWEEP": _sweep,
    "WALK_FORWARD": _walk_forward,
    "MONTE_CARLO": _monte_carlo,
}


def _one(
    asked: Asked, params: Mapping[str, Any], options: Mapping[str, Any], tell: Tell, start: float, end: float
) -> Result:
    """One plain run with its check."""
    from alphintra.backtesting import named_and_rules
    from alphintra.errors import StrategyError

    from alphintra_backtest.check import SHARE

    def bar(fraction: float, time_us: int) -> None:
        at = "running" if fraction < SHARE or not asked.check else "checking"
        tell(start + (end - start) * fraction, at, None, time_us)

    named, rules = named_and_rules(options)
    left = None if asked.check_until is None else asked.check_until - clock.perf_counter()
    try:
        result = runner.run(
            asked.strategy, asked.data, params=dict(params) or None, rules=rules, progress=bar, check=asked.check,
            check_seconds=left, **named,
        )  # fmt: skip
    except StrategyError as error:
        if asked.methodology in ("SWEEP", "WALK_FORWARD"):  # whose own parameters do not say it
            error.run = {"parameters": dict(params)}
        raise
    _identify(result.run, asked)
    return result


def _identify(run: dict[str, Any], asked: Asked) -> None:
    """Say by what the trial log knows the strategy."""
    from alphintra import trials

    file = trials.strategy_file(asked.strategy)
    if asked.strategy_id is not None:
        run["strategy_id"] = asked.strategy_id
    elif file is not None:
        run["strategy_file"] = file


def _log(result: Result) -> None:
    """Count a run as a trial, as ``al.backtest`` does."""
    from alphintra import trials

    from alphintra_backtest.overfitting.sample import sample

    trials.append(result.run, *sample(result))


def _take_check(result: Result, other: Result) -> None:
    """Let the check of another run of the same strategy stand in a result."""
    result.check = other.check
    kept = [entry for entry in result.assumptions if entry["code"] != "look_ahead"]
    found = [entry for entry in other.assumptions if entry["code"] == "look_ahead"]
    result.assumptions = by_level([*kept, *found])


def _say_checked(result: Result, what: str) -> None:
    """Say which run was checked for look-ahead."""
    if result.check is None:
        return
    for entry in result.assumptions:
        if entry["code"] == "look_ahead":
            entry["text"] = f"{entry['text']} (checked: {what})"


def _values(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in params.items())


def _share(tell: Tell, phase: str, start: float, end: float) -> Callable[[float, str], None]:
    return lambda fraction, text: tell(start + (end - start) * fraction, phase, text, None)


def _grid(grid: Mapping[str, Any] | None, fixed: Mapping[str, Any], *, drawn: bool) -> dict[str, Any]:
    """A grid as ``al.sweep`` takes it; parameters that it does not vary have their one value."""
    varied = {name: values_of(name, given, drawn=drawn) for name, given in (grid or {}).items()}
    return varied | {name: [value] for name, value in fixed.items() if name not in varied}


def values_of(name: str, given: Any, *, drawn: bool) -> Sequence[Any]:
    """Return the values of one parameter of a grid in plain form.

    Args:
        name: The parameter.
        given: A list of values, or ``{"low": …, "high": …, "step": …}``, both ends included.
        drawn: Whether a range without a step is everything between its ends (a pair), not steps of 1.

    Raises:
        ParameterError: It is neither, the range is empty, or it has too many values.
    """
    from alphintra.errors import ParameterError

    from alphintra_backtest.sweep.space import MOST_COMBINATIONS, too_large

    if not isinstance(given, Mapping):
        return list(given)
    if drawn and given.get("step") is None:
        return (given["low"], given["high"])
    count = count_of(given)
    if count < 1:
        raise ParameterError(
            f"the range of {name} is empty: {given['low']} is above {given['high']}", code="EMPTY_GRID", where=name,
            hint="low is the smaller end",
        )  # fmt: skip
    if count > MOST_COMBINATIONS:
        raise too_large(count)
    low, _, step = _decimals(given)
    exact = [low + i * step for i in range(count)]
    whole = all(isinstance(given.get(part) or 1, int) for part in ("low", "step"))
    return [int(value) if whole else float(value) for value in exact]


def count_of(given: Mapping[str, Any]) -> int:
    """Return how many values a range with steps has; 0 where its low is above its high."""
    low, high, step = _decimals(given)
    return 0 if low > high else math.floor((high - low) / step) + 1


def _decimals(given: Mapping[str, Any]) -> tuple[Decimal, Decimal, Decimal]:
    # By their shortest text: 0.1 to 0.3 by 0.1 are three values.
    low, high = (Decimal(repr(given[part])) for part in ("low", "high"))
    step = given.get("step")
    return low, high, Decimal(1 if step is None else repr(step))
