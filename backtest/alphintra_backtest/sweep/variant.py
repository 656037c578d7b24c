"""One parameter set of a strategy: run on data that is read already, and what a comparison keeps of it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.definitions import DEFINITIONS

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.errors import AlphintraError, StrategyError
    from alphintra.result import Result

F64 = npt.NDArray[np.float64]

#: Options of a run that say which data it reads: spent once the data is there.
OF_THE_DATA = ("end", "instruments", "currency", "rates", "detail", "features", "reference")
#: What ``al.backtest`` takes beside options: a variant has its own parameters, runs on our engine and is not checked.
NOT_OPTIONS = ("strategy", "data", "params", "engine", "analyzers", "check")


#: What an error of a variant keeps of where its strategy raised.
PLACE = ("file", "line", "bar", "bar_time")


#: Name that a file has in a process that the strategy's module was sent to.
_SENT = "<dynamic-code>"


class Cancel(Protocol):
    """What a cancel switch is asked, such as ``threading.Event``."""

    def is_set(self) -> bool:
        """Whether to stop."""
        ...


@dataclass(frozen=True, eq=False)
class Variant:
    """What came of one parameter set.

    Attributes:
        number: Its place in grid order, from 0.
        params: Every parameter of the strategy with its value.
        metrics: Metrics by name as ``Result.metrics`` has them, NaN where undefined.
        returns: Session returns as ``Result.returns`` has them, shape (n,); empty where the run failed.
        error: Where the run failed ``{"code": …, "message": …}``, and of what the strategy raised ``file``, ``line``,
            ``bar`` and ``bar_time`` as in :class:`alphintra.StrategyError`; else ``None``.
        first_session: Session of the first return, days since 1970-01-01; the next returns are of the next sessions.
    """

    number: int
    params: dict[str, Any]
    metrics: dict[str, float]
    returns: F64
    error: dict[str, Any] | None = None
    first_session: int = 0


def failed(
    number: int, params: Mapping[str, Any], error: AlphintraError, names: Collection[str] = DEFINITIONS
) -> Variant:
    """Return what is kept of a variant whose run failed: every metric is undefined."""
    from alphintra.errors import StrategyError

    told: dict[str, Any] = {"code": error.code, "message": str(error)}
    if isinstance(error, StrategyError):
        told |= {name: getattr(error, name) for name in PLACE}
    return Variant(number, dict(params), dict.fromkeys(names, math.nan), np.empty(0), told)


def raised_by(variant: Variant, hint: str) -> StrategyError:
    """Return the error of a variant that failed, with its place and parameters."""
    from alphintra.errors import StrategyError

    told = variant.error or {}
    error = StrategyError(told.get("message", ""), code=told.get("code"), hint=hint)
    for name in PLACE:  # of which its text tells already
        if name in told:
            setattr(error, name, told[name])
    error.run = {"parameters": dict(variant.params)}
    return error


def locate(error: StrategyError, strategy: type) -> StrategyError:
    """Name the file of an error whose strategy was sent to another process; none where it may be of another cell."""
    if error.file == _SENT:
        error.file = getattr(sys.modules.get(strategy.__module__), "__file__", None)
        for member in vars(strategy).values():
            code = getattr(member, "__code__", None)
            if code is not None and error.line in {at for *_, at in code.co_lines()}:
                error.file = code.co_filename
    return error


def market_of(data: Any, options: Mapping[str, Any]) -> MarketData:
    """Read the data of a run once, for all variants.

    Args:
        data: As in ``al.backtest``.
        options: Keyword arguments of ``al.backtest``; those that concern the data are used.

    Raises:
        DataError: The data cannot be used, or has closes only.
        RuleError: An option does not exist or has a wrong value.
    """
    from alphintra.data import resolve
    from alphintra.errors import DataError

    config = config_of(options)
    given = {name: options[name] for name in OF_THE_DATA if name in options}
    market = resolve(data, start=options.get("start"), prices=config.rules["prices"], **{"currency": "USD", **given})
    if market.closes_only:
        raise DataError(
            f"{market.name} has closing prices only: there is no open to fill at",
            code="NOT_TRADABLE",
            hint="choose a dataset with open, high, low and close",
        )
    return market


def config_of(options: Mapping[str, Any]) -> Any:
    """Return the checked costs and rules (``Options``) of keyword arguments of ``al.backtest``.

    Raises:
        RuleError: An option does not exist, has a wrong value, or is none of a variant's.
    """
    from alphintra.backtesting import named_and_rules
    from alphintra.errors import RuleError

    from alphintra_backtest.options import options as checked

    for name in NOT_OPTIONS:
        if name in options:
            raise RuleError(f"{name} is no option of a variant", where=name, hint=f"leave {name}= out")
    named, rules = named_and_rules(options)
    defaults = {"cash": 100_000, "commission": None, "slippage": 0, "profile": "default", "risk_free_rate": 0.0}
    costs = {name: named.get(name, default) for name, default in {**defaults, "seed": 0}.items()}
    return checked(**costs, rules=rules)


def run_on(strategy: type, market: MarketData, params: Mapping[str, Any], options: Mapping[str, Any]) -> Result:
    """Run one parameter set on data that is read already; the result is that of ``al.backtest``.

    Args:
        strategy: The class.
        market: From :func:`market_of` with the same options.
        params: Values of parameters.
        options: Keyword arguments of ``al.backtest``.

    Raises:
        AlphintraError: As ``al.backtest`` does.
    """
    from alphintra.backtesting import named_and_rules

    from alphintra_backtest.runner import run

    named, rules = named_and_rules({n: v for n, v in options.items() if n not in OF_THE_DATA})
    result = run(strategy, market, params=params, currency=market.currency, rules=rules, **named)
    if options.get("end") is not None:
        result.run["configuration"]["end"] = str(options["end"])
    return result


def run_variant(
    strategy: type, market: MarketData, number: int, params: Mapping[str, Any], options: Mapping[str, Any]
) -> Variant:
    """Run one parameter set; an error of the run is part of what came of it.

    Args:
        strategy: The class.
        market: From :func:`market_of` with the same options.
        number: Its place in grid order.
        params: Values of parameters; those left out have their defaults.
        options: Keyword arguments of ``al.backtest``.

    Raises:
        ParameterError: A parameter does not exist or is out of bounds.
        RuleError: An option does not exist or has a wrong value.
    """
    from alphintra.errors import AlphintraError, ParameterError, RuleError
    from alphintra.params import bind

    values = bind(strategy, params)
    try:
        return kept_of(run_on(strategy, market, values, options), number)
    except (ParameterError, RuleError):
        raise
    except AlphintraError as error:
        return failed(number, values, error)


def kept_of(result: Result, number: int) -> Variant:
    """Return what is kept of a whole result."""
    from alphintra_backtest.metrics.sampling import session_returns

    curves, cash = result.curves, float(result.run["configuration"]["cash"])
    sampled = session_returns(curves.equity, curves.session, cash)
    first = int(sampled.session[0]) if len(sampled.session) else 0
    return Variant(number, dict(result.run["parameters"]), dict(result.metrics), sampled.returns, None, first)


def ready(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with their benchmark read, once for all variants.

    Raises:
        DataError: The benchmark cannot be used.
    """
    if options.get("benchmark") is None:
        return dict(options)
    from alphintra.data import resolve

    return {**options, "benchmark": resolve(options["benchmark"], end=options.get("end"))}


def run_variants(
    strategy: type,
    market: MarketData,
    variants: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    *,
    executor: str = "auto",
    workers: int | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancel: Cancel | None = None,
    headline: bool = False,
    repeated: int = 1,
) -> list[Variant]:
    """Run parameter sets; the results are in their order, and the same, whatever the executor.

    Args:
        strategy: The class.
        market: From :func:`market_of` with the same options.
        variants: Values of parameters of each.
        options: Keyword arguments of ``al.backtest``.
        executor: ``auto``, ``serial``, ``threads``, ``processes`` or ``dask://HOST:PORT``.
        workers: Threads or processes; the machine's cores where None.
        progress: Called with the finished fraction and a text; what it raises ends the work.
        cancel: Set from another thread, it ends the work.
        headline: Whether the metrics of :data:`alphintra_backtest.sweep.headline.KNOWN` are enough: variants of a
            ``signals`` strategy then have these alone, and run many times faster.

        repeated: How often the caller does so, on data of this size.

    Raises:
        Cancelled: ``cancel`` was set.
        ExecutorError: The executor does not exist, cannot be reached, or went away.
        ParameterError: A parameter does not exist or is out of bounds.
        RuleError: An option does not exist or has a wrong value.
    """
    from alphintra.errors import Cancelled
    from alphintra.params import bind_all

    from alphintra_backtest.sweep.executors import opened
    from alphintra_backtest.sweep.work import Job

    config_of(options)
    tasks = list(enumerate(bind_all(strategy, variants)))
    found: dict[int, Variant] = {}

    def pulse() -> None:
        if cancel is not None and cancel.is_set():
            raise Cancelled(f"cancelled after {len(found)} of {len(tasks)} variants")

    job = Job(strategy, market, ready(options), headline, len(tasks) * repeated)
    with opened(job, executor, workers) as pool:
        for variant in pool.run(tasks, pulse):
            found[variant.number] = variant
            if progress is not None:
                progress(len(found) / len(tasks), f"{len(found)} of {len(tasks)} variants")
    return [found[number] for number, _ in tasks]
