"""A whole sweep: what to run, run it where it was asked for, keep what is finished, and rank it."""

from __future__ import annotations

import math
import time as clock
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra_backtest.source import strategy_hash
from alphintra_backtest.sweep import executors, ranking
from alphintra_backtest.sweep.choosing import Asking, all_of, check_trials, drawn
from alphintra_backtest.sweep.finished import Finished, study_key, usual_place
from alphintra_backtest.sweep.headline import KNOWN
from alphintra_backtest.sweep.progress import Progress, teller
from alphintra_backtest.sweep.space import Space, Values, space_of
from alphintra_backtest.sweep.trial_log import log
from alphintra_backtest.sweep.variant import Cancel, Variant, config_of, locate, market_of, raised_by, ready
from alphintra_backtest.sweep.work import Job

if TYPE_CHECKING:
    from alphintra.sweeping import Sweep

#: Number of the run with the default parameters, where it is none of the variants.
DEFAULT = -1

Key = tuple[tuple[str, Any], ...]


def run(
    strategy: type,
    data: Any,
    grid: Mapping[str, Any] | None,
    *,
    constraint: Any,
    metric: str,
    metrics: str,
    maximize: bool | None,
    method: str,
    trials: int | None,
    seed: int,
    executor: str,
    workers: int | None,
    progress: bool | Progress | None,
    resume: Any,
    cancel: Cancel | None,
    options: Mapping[str, Any],
) -> Sweep:
    """Run a sweep; see ``alphintra.sweep``."""
    from alphintra.errors import ParameterError
    from alphintra.strategy import Strategy
    from alphintra.sweeping import Sweep

    began = clock.perf_counter()
    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise ParameterError(
            f"{strategy!r} is not a Strategy class", hint="pass the class itself: al.sweep(MyStrategy, …)"
        )
    ranking.definition(metric)
    if maximize is not None and not isinstance(maximize, bool):
        raise ParameterError(f"maximize is true or false, got {maximize!r}", where="maximize")
    if metrics not in ("auto", "all"):
        raise ParameterError(f"metrics is 'auto' or 'all', got {metrics!r}", where="metrics")
    upward = ranking.sense(metric, maximize)
    count = check_trials(method, trials)
    executors.check(executor)
    executors.check_workers(workers)
    told = teller(progress)
    options = {**options, "seed": seed}
    config_of(options)
    space = space_of(strategy, grid, constraint, drawn=method != "grid")
    listed = _listed(space, method, count, seed)  # wrong grids are refused before any data is read
    market = market_of(data, options)
    runs = count if listed is None else len(listed)
    job = Job(strategy, market, ready(options), headline=metrics != "all" and metric in KNOWN, runs=runs)
    work = _Work(job, executor, workers, told, cancel, resume, runs)
    with work:
        if listed is not None:
            variants = work.run(listed)
        else:
            variants = _asked(work, space, count, seed, metric, upward)
        default = work.default(space, variants)
    if all(v.error is not None for v in variants):
        raise _all_failed(variants, strategy)
    sweep = Sweep(
        strategy=strategy, market=market, options=options, axes=space.axes, method=method, metric=metric,
        maximize=upward, variants=variants, default=default, resumed=work.resumed, constraint=constraint,
        run=_summary(job, options, space, clock.perf_counter() - began),
    )  # fmt: skip
    log(sweep)
    return sweep


def _listed(space: Space, method: str, trials: int, seed: int) -> list[Values] | None:
    """The variants that are known beforehand: all but Optuna's."""
    if method == "grid":
        return all_of(space)
    return drawn(space, trials, seed) if method == "random" else None


def _asked(work: _Work, space: Space, trials: int, seed: int, metric: str, upward: bool) -> list[Variant]:
    """Run what Optuna asks for."""
    variants: list[Variant] = []
    asking = Asking(space, seed, upward)

    def score(number: int) -> float:
        return variants[number].metrics.get(metric, math.nan)

    for batch in asking.batches(trials, score):
        variants.extend(work.run(batch, first=len(variants)))
    return variants


class _Work:
    """Runs variants, and keeps what is finished: in its file at once where there is one, else when it is broken off."""

    def __init__(
        self, job: Job, executor: str, workers: int | None, told: Progress, cancel: Cancel | None, resume: Any,
        total: int,
    ) -> None:  # fmt: skip
        self._job, self._told, self._cancel, self._total = job, told, cancel, total
        self._study = study_key(job)
        self._usual = usual_place(self._study)
        self._file = _file(resume, self._study, self._usual, job.metrics)
        self._temporary = self._file is not None and self._file.path == self._usual
        self._opened = executors.opened(job, executor, workers)
        self._known: dict[Key, Variant] = {}
        self._done = 0
        self.resumed = 0

    def __enter__(self) -> _Work:
        self._pool = self._opened.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._opened.__exit__(kind, error, trace)
        if error is None:
            if self._temporary:
                self._usual.unlink(missing_ok=True)
            return
        if kept := self._keep():
            error.add_note(kept)

    def _keep(self) -> str:
        """Write what is finished; returns a sentence on how to go on."""
        from alphintra.errors import ParameterError

        if not self._known:
            return ""
        try:
            self._file = self._file or Finished(self._usual, self._study, self._job.metrics)
            for variant in self._known.values():
                self._file.add(variant)
        except ParameterError as error:
            return f"what is finished could not be kept: {error.message}"
        how = "resume=True" if self._file.path == self._usual else f"resume={str(self._file.path)!r}"
        return f"{len(self._known)} of {self._total} variants are finished and kept: go on with {how}"

    def run(self, asked: Sequence[Values], first: int = 0) -> list[Variant]:
        """Run variants, each parameter set once; what is finished already is taken from there."""
        tasks: dict[Key, tuple[int, Values]] = {}
        for number, values in enumerate(asked, start=first):
            key = _key(values)
            found = None if self._file is None or key in self._known else self._file.find(number, values)
            if found is not None:
                self._known[key] = found
                self.resumed += 1
            elif key not in self._known:
                tasks.setdefault(key, (number, values))
        self._done += len(asked) - len(tasks)
        self._pulse()
        for variant in self._pool.run(list(tasks.values()), self._pulse):
            self._known[_key(variant.params)] = variant
            if self._file is not None:
                self._file.add(variant)
            self._done += 1
            done = min(self._done, self._total)
            self._told(done / self._total, f"{done:,} of {self._total:,} variants")
        return [
            replace(self._known[_key(values)], number=number, params=values)
            for number, values in enumerate(asked, start=first)
        ]

    def default(self, space: Space, variants: Sequence[Variant]) -> Variant | None:
        """The run with the default parameters: one of the variants, or one more."""
        from alphintra.params import bind

        values = space.whole(bind(self._job.strategy, None))
        for variant in variants:
            if variant.params == values:
                return variant
        return self.run([values], first=DEFAULT)[0]

    def _pulse(self) -> None:
        from alphintra.errors import Cancelled

        if self._cancel is not None and self._cancel.is_set():
            raise Cancelled(f"the sweep was cancelled after {len(self._known)} of {self._total} variants")


def _key(params: Values) -> Key:
    """Parameters as something that can be looked up."""
    return tuple(sorted(params.items()))


def _file(resume: Any, study: str, usual: Path, metrics: Sequence[str]) -> Finished | None:
    from alphintra.errors import ParameterError

    if resume is None or resume is False:
        return None
    if resume is True:
        return Finished(usual, study, metrics)
    try:
        return Finished(Path(resume).expanduser(), study, metrics)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"resume is true, false or a file, got {resume!r}", where="resume") from error


def _all_failed(variants: Sequence[Variant], strategy: type) -> Exception:
    count = len(variants)
    hint = "the only variant failed" if count == 1 else f"all {count:,} variants failed; this is the first"
    return locate(raised_by(variants[0], hint), strategy)


def _summary(job: Job, options: Mapping[str, Any], space: Space, seconds: float) -> dict[str, Any]:
    """What identifies the sweep, as ``Result.run`` does a run."""
    from alphintra import __version__

    config, market = config_of(options), job.market
    given = {name: None if options.get(name) is None else str(options[name]) for name in ("start", "end")}
    benchmark = options.get("benchmark")
    return {
        "id": uuid.uuid4().hex,
        "strategy": job.strategy.__name__,
        "dataset": market.name,
        "dataset_hash": market.dataset_hash,
        **({"features": {name: own.told() for name, own in market.features.items()}} if market.features else {}),
        **({} if market.reference is None else {"reference": market.reference.told()}),
        "strategy_hash": strategy_hash(job.strategy),
        "parameters": {axis.name: _axis_text(axis) for axis in space.axes} | space.rest,
        "seed": config.seed,
        "engine_version": __version__,
        "configuration": {
            **given,
            "cash": config.cash,
            "commission": config.commission.plain(),
            "slippage": config.slippage.plain(),
            "profile": config.profile,
            "benchmark": benchmark if isinstance(benchmark, str) or benchmark is None else "given",
            "risk_free_rate": config.risk_free_rate,
            "rules": dict(config.changed),
        },
        "symbols": list(market.symbols),
        "timeframe": market.timeframe,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "seconds": seconds,
        "periods_per_year": market.periods_per_year,
    }


def _axis_text(axis: Any) -> str:
    if not axis.values:
        return f"{axis.low:g} to {axis.high:g}"
    if len(axis.values) <= 8:
        return ", ".join(str(v) for v in axis.values)
    return f"{axis.values[0]} to {axis.values[-1]} ({len(axis.values)} values)"
