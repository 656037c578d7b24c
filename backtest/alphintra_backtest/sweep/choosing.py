"""Which variants a sweep runs: all of a grid, some drawn at random, or those that Optuna asks for."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from alphintra_backtest.sweep.space import DECIMALS, MOST_COMBINATIONS, MOST_VARIANTS, Axis, Space, Values, too_large

METHODS = ("grid", "random", "optuna")
#: Variants that Optuna is asked for before it is told anything: always as many, so that nothing depends on who is
#: faster.
BATCH = 8
#: Trials where none are given.
TRIALS = 100
#: Variants that may be drawn in vain for each that is allowed, and least and most of all; those that Optuna may ask
#: for in vain.
_PATIENCE, _LEAST_DRAWN, _MOST_DRAWN, _ASKED = 1_000, 100_000, 1_000_000, 20

#: A variant's number to its value of the metric, NaN where it has none.
Scores = Callable[[int], float]


def check_trials(method: str, trials: Any) -> int:
    """Return how many variants are drawn.

    Raises:
        ParameterError: There is no such method, or it takes no such number.
    """
    from alphintra.errors import ParameterError

    if method not in METHODS:
        raise ParameterError(f"no method {method!r}", where="method", hint=f"there is: {', '.join(METHODS)}")
    if trials is None:
        return TRIALS
    if method == "grid":
        raise ParameterError(
            "a grid runs all of its variants", where="trials", hint='leave trials out, or take method="random"'
        )
    if isinstance(trials, bool) or not isinstance(trials, int) or not 1 <= trials <= MOST_VARIANTS:
        raise ParameterError(
            f"trials must be a whole number from 1 to {MOST_VARIANTS:,}, got {trials!r}", where="trials"
        )
    return trials


def all_of(space: Space) -> list[Values]:
    """Return every allowed combination in grid order.

    Raises:
        ParameterError: There are too many, or none.
    """
    count = space.count or 0
    if count > MOST_COMBINATIONS:
        raise too_large(count)
    found = list(itertools.islice(space.all(), MOST_VARIANTS + 1))
    if len(found) > MOST_VARIANTS:
        raise too_large(count)
    if not found:
        raise nothing_allowed(count)
    return found


def drawn(space: Space, trials: int, seed: int) -> list[Values]:
    """Return variants drawn at random, each different; all there are, in random order, where these are fewer.

    Raises:
        ParameterError: The constraint allows none.
    """
    rng = np.random.default_rng(seed)
    count = space.count
    if count is not None and count <= MOST_VARIANTS:
        every = list(space.all())
        if not every:
            raise nothing_allowed(count)
        return [every[i] for i in rng.permutation(len(every))[:trials].tolist()]
    found: dict[tuple[Any, ...], Values] = {}
    for _ in range(max(_LEAST_DRAWN, min(trials * _PATIENCE, _MOST_DRAWN))):
        values = space.whole({axis.name: _draw(axis, rng) for axis in space.axes})
        if space.constraint.allows(values):
            found.setdefault(tuple(values.values()), values)
            if len(found) == trials:
                break
    if not found:
        raise nothing_allowed(None)
    return list(found.values())


def _draw(axis: Axis, rng: np.random.Generator) -> Any:
    count = axis.count
    if count is not None:
        return axis.at(int(rng.integers(count)))
    return float(rng.uniform(axis.low, axis.high))


def nothing_allowed(count: int | None) -> Exception:
    """Return the error of a constraint that excludes everything."""
    from alphintra.errors import ParameterError

    of = f"all {count:,} combinations" if count else "every combination that was drawn"
    return ParameterError(
        f"the constraint excludes {of}", code="NOTHING_ALLOWED", where="constraint",
        hint="look at the values of the grid: which of them should be allowed?",
    )  # fmt: skip


class Asking:
    """Optuna's study: asked for a fixed number of variants, then told what came of them, in order.

    Its sampler is TPE. Combinations that the constraint excludes are told as infeasible and never run.
    """

    def __init__(self, space: Space, seed: int, maximize: bool) -> None:
        import optuna

        self._space = space
        self._optuna = optuna
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                seed=seed % 2**32, constant_liar=True, constraints_func=_infeasible if space.constraint else None
            )
        said = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # that a study was made is no news
        try:
            self._study = optuna.create_study(direction="maximize" if maximize else "minimize", sampler=sampler)
        finally:
            optuna.logging.set_verbosity(said)
        self._spare = itertools.count(seed)
        drawn(space, 1, seed)  # which says so where the constraint allows nothing
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of steps that are no binary fractions
            self._distributions = {axis.name: self._distribution(axis) for axis in space.axes}

    def _distribution(self, axis: Axis) -> Any:
        kinds = self._optuna.distributions
        if not axis.values:
            if axis.whole:
                step = int(axis.step or 1)
                return kinds.IntDistribution(int(axis.low), int(axis.low) + step * ((axis.count or 1) - 1), step=step)
            last = axis.high if axis.step is None else axis.low + axis.step * ((axis.count or 1) - 1)
            return kinds.FloatDistribution(axis.low, last, step=axis.step)
        # Numbers have an order that the sampler can use: their places stand for them.
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in axis.values) and len(axis.values) > 1:
            return kinds.IntDistribution(0, len(axis.values) - 1)
        return kinds.CategoricalDistribution(list(range(len(axis.values))))

    def batches(self, trials: int, scores: Scores) -> Iterator[list[Values]]:
        """Yield lists of variants; each is run before the next is asked for, and ``scores`` tells what came of it."""
        number = 0
        while number < trials:
            asked = [self._ask() for _ in range(min(BATCH, trials - number))]
            yield [values for _, values in asked]
            for trial, _ in asked:
                score = scores(number)
                number += 1
                if np.isfinite(score):
                    self._study.tell(trial, score)
                else:
                    self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)

    def _ask(self) -> tuple[Any, Values]:
        for _ in range(_ASKED):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", self._optuna.exceptions.ExperimentalWarning)
                trial = self._study.ask(self._distributions)
            values = self._space.whole({axis.name: _chosen(axis, trial.params) for axis in self._space.axes})
            if self._space.constraint.allows(values):
                trial.set_user_attr("allowed", True)
                return trial, values
            self._study.tell(trial, state=self._optuna.trial.TrialState.PRUNED)
        (values,) = drawn(self._space, 1, next(self._spare))  # few are allowed: Optuna is given one of them
        self._study.enqueue_trial({axis.name: _place(axis, values[axis.name]) for axis in self._space.axes})
        trial = self._study.ask(self._distributions)
        trial.set_user_attr("allowed", True)
        return trial, values


def _chosen(axis: Axis, params: dict[str, Any]) -> Any:
    found = params[axis.name]
    if axis.values:
        return axis.values[found]
    return round(found, DECIMALS) if axis.step is not None and not axis.whole else found


def _place(axis: Axis, value: Any) -> Any:
    """What stands for a value in Optuna's study."""
    return axis.values.index(value) if axis.values else value


def _infeasible(trial: Any) -> Sequence[float]:
    """Optuna's measure of a broken constraint: above 0 where it is."""
    return (0.0,) if trial.user_attrs.get("allowed") else (1.0,)
