"""``al.backtest``: one call from a strategy class and data to a result."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._engine import engine as module
from .errors import StrategyError

if TYPE_CHECKING:
    from .costs import Commission, Slippage
    from .result import Result
    from .strategy import Strategy

#: What ``engine=`` can name.
ENGINES = ("default", "backtrader")
#: Points at which ``check=True`` looks for look-ahead (F12).
CHECK_POINTS = 8


def backtest(
    strategy: type[Strategy] | type[Any],
    data: Any,
    *,
    start: Any = None,
    end: Any = None,
    cash: float = 100_000,
    commission: float | Commission | Mapping[str, float] | None = None,
    slippage: float | Slippage | Mapping[str, float] = 0,
    profile: str = "default",
    benchmark: Any = None,
    params: Mapping[str, Any] | None = None,
    seed: int = 0,
    risk_free_rate: float = 0.0,
    engine: str = "default",
    analyzers: Sequence[Any] = (),
    instruments: Any = None,
    currency: str = "USD",
    rates: Any = None,
    detail: Any = None,
    features: Any = None,
    reference: str | None = None,
    check: bool = False,
    compiled: bool = True,
    **rules: Any,
) -> Result:
    """Backtest a strategy.

    Args:
        strategy: The class (not an instance).
        data: Dataset name (``"us-equities-daily/AAPL"``), CSV or Parquet file, DataFrame, or
            dict of DataFrames.
        start: First day or time at which ``on_bar`` may be called; indicators still warm up on all earlier
            data.
        end: Last day or time of the data.
        cash: Starting cash.
        commission: Fraction of notional per fill (0.001 = 0.1 %), or a :class:`~alphintra.costs.Commission`. None is
            the profile's: nothing, but with ``"lean"``.
        slippage: Fraction of the price, against the order, or a :class:`~alphintra.costs.Slippage`.
        profile: Rule set; ``"default"``, or that of another engine: ``"backtesting.py"``,
            ``"backtrader"``, ``"lean"`` or ``"vectorbt-close"``.
        benchmark: Data to compare with; buy and hold of the traded symbols where None.
        params: Values for the strategy's ``Param``.
        seed: Seed of ``self.rng``.
        risk_free_rate: Annual.
        engine: ``"default"``, or ``"backtrader"`` for a ``backtrader.Strategy`` class, which runs by
            backtrader's own rules (extra ``alphintra[backtrader]``). It takes the rules ``cheat_on_open``,
            ``cheat_on_close``, ``checksubmit`` and ``sizer``.
        analyzers: With ``engine="backtrader"``: analyzer classes, or pairs of a class and its arguments;
            their results are in ``result.analyzers``.
        instruments: Symbol → :class:`~alphintra.data.instrument.Instrument`, or one for all: lot, tick, multiplier,
            currency, margin, first and last session.
        currency: The account's currency.
        rates: Currency or pair → exchange rates, for instruments in another currency.
        detail: Finer bars of the same symbols: they decide what a bar leaves open (F3, F15).
        features: Further series for the strategy by name, of any frequency: a dataset's name (``"news@3"``), a file, a
            DataFrame, a dict of them by symbol, a Dataset or market data. ``self.features["news"]`` gives the rows
            that were known at a bar's end: by their column ``known_at``, or bars at their end. A series of each symbol
            is read by symbol, one without symbols, or of another one, is for all.
        reference: Name of a dataset of splits, dividends and symbols (``"actions@1"``, see ``al.data.add_reference``),
            which raw prices go through (rules F8 and F9).
        check: Look for look-ahead as well, as :func:`~alphintra.checking.check` does: ``Result.check``, and the
            assumption ``look-ahead`` says what was found. It costs about six runs.
        compiled: Run ``signals`` where the class defines it; False runs the same strategy by ``on_bar``: its own, or
            the reference of :mod:`alphintra.signals`.
        rules: Rules of the fill assumptions page by name, for example ``max_share=None``.

    Returns:
        A :class:`~alphintra.result.Result`.

    Raises:
        DataError: The data cannot be used, or does not exist.
        ParameterError: A parameter does not exist or is out of bounds.
        RuleError: A rule does not exist or has a wrong value.
        SignalsError: What ``signals`` returned does not fit the data, or contradicts itself.
        StrategyError: The strategy's own code raised; names file, line and the bar's time.
        WarmUpError: The indicators never became defined.
    """
    _check_engine(engine, strategy, analyzers)
    run = module("runner").run
    extra: dict[str, Any] = {"compiled": compiled}
    if engine == "backtrader":
        run, extra = module("adapters.backtrader").run, {"analyzers": analyzers}
    from . import repeating, trials

    options: dict[str, Any] = {
        "start": start,
        "end": end,
        "cash": cash,
        "commission": commission,
        "slippage": slippage,
        "profile": profile,
        "benchmark": benchmark,
        "params": params,
        "seed": seed,
        "risk_free_rate": risk_free_rate,
        "instruments": instruments,
        "currency": currency,
        "rates": rates,
        "detail": detail,
        "features": features,
        "reference": reference,
    }
    asked = repeating.Asked(strategy, data, options | rules)
    try:
        result: Result = run(
            strategy, data, rules=rules, check=CHECK_POINTS if check else 0, **options, **extra
        )
    except StrategyError as error:
        if engine == "default":
            repeating.remember(error, asked)
        raise
    if engine == "default":
        repeating.keep(result, asked)
    file = trials.strategy_file(strategy)
    if file is not None:
        result.run["strategy_file"] = file
    trials.append(result.run, *module("overfitting.sample").sample(result))
    return result


def _check_engine(engine: Any, strategy: Any, analyzers: Any) -> None:
    """Refuse an unknown engine, and a strategy or analyzers of the other one."""
    from .errors import ParameterError, RuleError

    if engine not in ENGINES:
        near = difflib.get_close_matches(str(engine), ENGINES, 1, 0.3)
        hint = f"did you mean {near[0]!r}?" if near else f"there is: {', '.join(ENGINES)}"
        raise RuleError(f"unknown engine {engine!r}", where="engine", hint=hint)
    if engine == "backtrader":
        return
    # By name: asking whether it is a backtrader.Strategy would import backtrader.
    modules = {base.__module__.partition(".")[0] for base in getattr(strategy, "__mro__", ())}
    if "backtrader" in modules:
        raise ParameterError(f"{strategy.__name__} is a backtrader strategy", hint='pass engine="backtrader"')
    if analyzers:
        raise RuleError("analyzers belong to backtrader", where="analyzers", hint='pass engine="backtrader"')


def named_and_rules(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split keyword arguments into those that ``backtest`` names, and the rules among them."""
    names = inspect.signature(backtest).parameters
    named = {name: value for name, value in options.items() if name in names and name != "rules"}
    return named, {name: value for name, value in options.items() if name not in named}
