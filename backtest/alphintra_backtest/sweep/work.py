"""The work of a sweep: a strategy, its data and options, and the variants that one worker runs together."""

from __future__ import annotations

import contextlib
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import repeat
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from alphintra_backtest.books import expecting
from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.options import in_phases
from alphintra_backtest.signals_run import is_compiled
from alphintra_backtest.sweep.headline import KNOWN, headline
from alphintra_backtest.sweep.variant import Variant, config_of, failed, run_variant

if TYPE_CHECKING:
    from alphintra.data.market import MarketData

#: Number of a variant, and all of its parameters.
Task = tuple[int, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Job:
    """What all variants of a sweep share.

    Attributes:
        strategy: The class.
        market: Its data, read.
        options: Keyword arguments of ``al.backtest``, the benchmark read.
        headline: Whether the headline metrics are enough; ``signals`` then run many at once.
        runs: How many runs of its size are to come: together they may be worth compiled code.
    """

    strategy: type
    market: MarketData
    options: Mapping[str, Any]
    headline: bool = False
    runs: int = 1

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that its variants have."""
        return KNOWN if self.at_once else tuple(DEFINITIONS)

    @cached_property
    def at_once(self) -> bool:
        """Whether its variants run many at once."""
        return self.headline and self.compiled and in_phases(config_of(self.options))

    @property
    def compiled(self) -> bool:
        """Whether its runs are compiled, and so leave the interpreter to other threads."""
        return is_compiled(self.strategy) and self.options.get("compiled", True) is True


def run_one(job: Job, task: Task) -> Variant:
    """Run one variant by itself."""
    with expecting(job.runs):
        return run_variant(job.strategy, job.market, *task, job.options)


def run_chunk(job: Job, tasks: Sequence[Task]) -> Iterator[Variant]:
    """Run variants one after the other in this thread, each handed over when it is finished."""
    if job.compiled:
        yield from signals_batch(job, tasks, 1)
        return
    for task in tasks:
        yield run_one(job, task)


def signals_batch(job: Job, tasks: Sequence[Task], threads: int) -> list[Variant]:
    """Run variants of a ``signals`` strategy in threads: at once where the headline metrics are enough."""
    from concurrent.futures import ThreadPoolExecutor

    if job.at_once:
        return _at_once(job, tasks, threads)

    if threads == 1 or len(tasks) == 1:
        return [run_one(job, task) for task in tasks]
    with ThreadPoolExecutor(min(threads, len(tasks))) as pool:
        return list(pool.map(run_one, repeat(job), tasks))


def _at_once(job: Job, tasks: Sequence[Task], threads: int) -> list[Variant]:
    """Run variants in one sweep of the engine; those that it cannot account for have a run of their own.

    The numbers do not depend on which variants run together.
    """
    from alphintra.errors import AlphintraError, ParameterError, RuleError

    from alphintra_backtest.signals_sweep import sweep_signals

    config, start = config_of(job.options), job.options.get("start")
    try:
        swept = sweep_signals(
            job.strategy, job.market, [params for _, params in tasks], config, start=start, threads=threads
        )
    except (ParameterError, RuleError):
        raise
    except AlphintraError as error:
        if len(tasks) == 1:
            return [failed(*tasks[0], error, KNOWN)]
        return [variant for task in tasks for variant in _at_once(job, [task], 1)]
    found, holds = headline(swept, config.cash, float(job.market.periods_per_year), config.risk_free_rate)
    first = int(swept.session[0]) if len(swept.session) else 0
    out = []
    for v, (number, params) in enumerate(tasks):
        if holds[v]:
            out.append(Variant(number, dict(params), found[v], swept.returns[v], None, first))
        else:
            alone = run_one(job, (number, params))
            out.append(replace(alone, metrics={name: alone.metrics[name] for name in KNOWN}))
    return out


def packed(job: Job) -> bytes:
    """Return a job as bytes for another process, which need not be able to import the trader's modules.

    Raises:
        ExecutorError: The strategy holds something that cannot be sent, such as an open file.
    """
    import cloudpickle
    from alphintra.errors import ExecutorError

    with _by_value(job.strategy):
        try:
            return bytes(cloudpickle.dumps((job.strategy, job.market, dict(job.options), job.headline, job.runs)))
        except Exception as error:
            raise ExecutorError(
                f"{job.strategy.__name__} cannot be sent to another process: {type(error).__name__}: {error}",
                code="NOT_SENDABLE",
                hint='make what it holds inside on_start, or use executor="serial"',
            ) from error


def unpacked(data: bytes) -> Job:
    """Return the job that :func:`packed` made, from this installation's own process or cluster."""
    strategy, market, options, headline, runs = pickle.loads(data)
    _seal(market)
    if options.get("benchmark") is not None:
        _seal(options["benchmark"])
    return Job(strategy, market, options, headline, runs)


def _seal(market: MarketData) -> None:
    """Make the arrays read-only again, which a pickle forgets: another compiled function would take them."""
    for bars in market.bars.values():
        bars.__post_init__()
    if market.detail is not None:
        _seal(market.detail)
    for own in market.features.values():
        for rows in own.series.values():
            rows.seal()


@contextlib.contextmanager
def _by_value(strategy: type) -> Iterator[None]:
    """Within it, the trader's own modules are sent as they are, not by name: a worker never runs their top level."""
    import cloudpickle

    own = _own_modules(strategy)
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


def _own_modules(strategy: type) -> list[ModuleType]:
    """The modules of the class and its bases, and those in their folders, but for libraries and ourselves."""
    import cloudpickle

    homes: set[Path] = set()
    known = cloudpickle.list_registry_pickle_by_value()
    own: dict[str, ModuleType] = {}
    for base in strategy.__mro__:
        module = sys.modules.get(base.__module__)
        if module is not None and _is_the_traders(module):
            own[module.__name__] = module
            homes.add(Path(str(module.__file__)).resolve().parent)
    for name, module in list(sys.modules.items()):
        if homes and module is not None and name == getattr(module, "__name__", None) and _is_the_traders(module):
            with contextlib.suppress(OSError):
                if Path(str(module.__file__)).resolve().parent in homes:
                    own[name] = module
    return [module for name, module in own.items() if name not in known]


def _is_the_traders(module: ModuleType) -> bool:
    """Whether a module has a file that is neither ours nor an installed library's; ``__main__`` is sent anyway."""
    from alphintra_backtest.blame import not_the_traders

    file = getattr(module, "__file__", None)
    return bool(file) and module.__name__ != "__main__" and not str(file).startswith(not_the_traders())
