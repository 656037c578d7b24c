"""The work of a sweep: a strategy, its data and options, and the variants that one worker runs together."""

from __future__ import annotations

import contextlib
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from alphintra_backtest.signals_run import is_compiled
from alphintra_backtest.sweep.variant import Variant, run_variant

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
    """

    strategy: type
    market: MarketData
    options: Mapping[str, Any]

    @property
    def compiled(self) -> bool:
        """Whether its runs are compiled, and so leave the interpreter to other threads."""
        return is_compiled(self.strategy) and self.options.get("compiled", True) is True


def run_chunk(job: Job, tasks: Sequence[Task]) -> Iterator[Variant]:
    """Run variants one after the other in this thread, each handed over when it is finished."""
    if job.compiled:
        yield from signals_batch(job, tasks, 1)
        return
    for number, params in tasks:
        yield run_variant(job.strategy, job.market, number, params, job.options)


def signals_batch(job: Job, tasks: Sequence[Task], threads: int) -> list[Variant]:
    """Run variants of a ``signals`` strategy in threads."""
    from concurrent.futures import ThreadPoolExecutor

    def one(task: Task) -> Variant:
        return run_variant(job.strategy, job.market, *task, job.options)

    if threads == 1 or len(tasks) == 1:
        return [one(task) for task in tasks]
    with ThreadPoolExecutor(min(threads, len(tasks))) as pool:
        return list(pool.map(one, tasks))


def packed(job: Job) -> bytes:
    """Return a job as bytes for another process, which need not be able to import the trader's modules.

    Raises:
        ExecutorError: The strategy holds something that cannot be sent, such as an open file.
    """
    import cloudpickle
    from alphintra.errors import ExecutorError

    with _by_value(job.strategy):
        try:
            return bytes(cloudpickle.dumps((job.strategy, job.market, dict(job.options))))
        except Exception as error:
            raise ExecutorError(
                f"{job.strategy.__name__} cannot be sent to another process: {type(error).__name__}: {error}",
                code="NOT_SENDABLE",
                hint='make what it holds inside on_start, or use executor="serial"',
            ) from error


def unpacked(data: bytes) -> Job:
    """Return the job that :func:`packed` made, from this installation's own process or cluster."""
    strategy, market, options = pickle.loads(data)
    _seal(market)
    if options.get("benchmark") is not None:
        _seal(options["benchmark"])
    return Job(strategy, market, options)


def _seal(market: MarketData) -> None:
    """Make the arrays read-only again, which a pickle forgets: another compiled function would take them."""
    for bars in market.bars.values():
        bars.__post_init__()
    if market.detail is not None:
        _seal(market.detail)


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
    from alphintra_backtest.runner import _not_the_traders

    file = getattr(module, "__file__", None)
    return bool(file) and module.__name__ != "__main__" and not str(file).startswith(_not_the_traders())
