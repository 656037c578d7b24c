"""``al.verify``: runs under several engines, and where the fills of two first differ."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .first_difference import filled_run, first_difference, told
from .options import RULES, options, profile_rules
from .profiles import COMMISSIONS, PROFILES

if TYPE_CHECKING:
    from alphintra.result import Result
    from alphintra.verifying import Comparison, Side, Verification


def verify(strategy: type, data: Any, engines: Any, given: Mapping[str, Any]) -> Verification:
    """See ``alphintra.verify``."""
    from alphintra.verifying import Verification

    _check_class(strategy)
    entries = _entries(engines, given)
    results: dict[str, Result] = {}
    for name, arguments in entries.items():
        results[name] = _run(name, strategy, data, arguments)
    first, *others = results
    comparisons = tuple(_compare(first, name, results, entries) for name in others)
    return Verification(
        strategy=strategy.__name__,
        data=str(results[first].run["dataset"]),
        engine=first,
        equal=all(c.equal for c in comparisons),
        comparisons=comparisons,
        results=results,
    )


def _check_class(strategy: Any) -> None:
    """Refuse what no profile runs; ``"backtrader"`` is a profile here, and not the engine of that name."""
    from alphintra.errors import ParameterError
    from alphintra.strategy import Strategy

    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise ParameterError(
            f"{strategy!r} is not a Strategy class",
            where="strategy",
            hint='pass the class itself; a backtrader.Strategy runs with al.backtest(…, engine="backtrader") alone',
        )


def _entries(engines: Any, given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Name → arguments of ``al.backtest`` of each engine, checked before anything runs."""
    from alphintra.errors import RuleError

    if isinstance(engines, str | Mapping) or not isinstance(engines, Sequence):
        raise RuleError(
            f"engines is a list of profiles, or of pairs of a name and options, got {engines!r}",
            where="engines",
            hint='for example ["default", ("touch", {"limit_fill": "touch"})]',
        )
    if len(engines) < 2:
        raise RuleError(f"there is nothing to compare: engines has {len(engines)}", where="engines", hint="give two")
    out: dict[str, dict[str, Any]] = {}
    for entry in engines:
        if isinstance(entry, str):
            name, own = entry, {"profile": _profile(entry)}
        elif (
            isinstance(entry, tuple | list)
            and len(entry) == 2
            and isinstance(entry[0], str)
            and isinstance(entry[1], Mapping)
        ):
            name, own = entry[0], dict(entry[1])
        else:
            raise RuleError(
                f"an engine is a profile's name or a pair of a name and a dict of options, got {entry!r}",
                where="engines",
            )
        if name in out:
            raise RuleError(f"there are two engines {name!r}", where="engines", hint="name them apart")
        out[name] = {**given, **own}
        _check(name, out[name])
    return out


def _profile(name: str) -> str:
    from alphintra.errors import RuleError

    if name in PROFILES:
        return name
    near = difflib.get_close_matches(name, PROFILES, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is: {', '.join(PROFILES)}"
    if name in RULES:
        hint = f'a rule goes into a pair: ("{name}", {{"{name}": …}})'
    raise RuleError(f"there is no engine or profile {name!r}", where="engines", hint=hint)


def _check(name: str, arguments: Mapping[str, Any]) -> None:
    """Refuse options that do not exist, with the engine's name."""
    from alphintra.backtesting import named_and_rules
    from alphintra.errors import RuleError

    named, rules = named_and_rules(arguments)
    for reserved in ("strategy", "data"):
        if reserved in named:
            raise RuleError(f"engine {name!r} cannot have its own {reserved}", where=reserved)
    if "engine" in named or "analyzers" in named:
        raise RuleError(
            f"engine {name!r}: al.verify compares profiles of this engine",
            where="engine",
            hint='profile="backtrader" simulates as backtrader does; its own strategies run with al.backtest',
        )
    known = {n: named.get(n, d) for n, d in (("cash", 100_000), ("commission", None), ("slippage", 0), ("seed", 0))}
    try:
        options(
            **known,
            profile=named.get("profile", "default"),
            risk_free_rate=named.get("risk_free_rate", 0.0),
            rules=rules,
        )
    except RuleError as error:
        raise RuleError(f"engine {name!r}: {error.message}", where=error.where, hint=error.hint) from error


def _run(name: str, strategy: type, data: Any, arguments: Mapping[str, Any]) -> Result:
    from alphintra.backtesting import named_and_rules
    from alphintra.errors import AlphintraError

    from . import runner

    named, rules = named_and_rules(arguments)
    named.pop("check", None)
    try:
        return runner.run(strategy, data, **named, rules=rules)
    except AlphintraError as error:
        error.add_note(f"while al.verify ran the engine {name!r}")
        raise


def _compare(first: str, other: str, results: Mapping[str, Result], entries: Mapping[str, Any]) -> Comparison:
    from alphintra.verifying import Comparison

    a, b = (filled_run(name, results[name]) for name in (first, other))
    n, one, two = first_difference(a, b)
    if one is None or two is None:
        text = f"all {n} fills are equal" if n else "neither has a fill"
        text += f"; final equity {a.equity:,.2f} and {b.equity:,.2f}"
    else:
        text = _explain(one, two, entries[first], entries[other])
    return Comparison(other, len(b.fills), n, one is None, b.equity, one, two, text)


def _explain(one: Side, two: Side, first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    sentences = [told(one), told(two)]
    names = [*dict.fromkeys([*first, *second])]
    differ = [(n, *(_value(n, given) for given in (first, second))) for n in names]
    pairs = [f"{n} {a!r} against {b!r}" for n, a, b in differ if a != b]
    if pairs:
        sentences.append(f"They differ in {', '.join(pairs)}.")
    apart = [n for n in (*RULES, "commission") if n not in names and _value(n, first) != _value(n, second)]
    if apart:
        sentences.append(f"The profiles set {', '.join(apart)} differently.")
    return " ".join(sentences)


def _value(name: str, given: Mapping[str, Any]) -> Any:
    """What an argument or a rule is in a run with these arguments."""
    from alphintra.backtesting import backtest

    if name == "commission" and given.get(name) is None:
        return COMMISSIONS.get(given.get("profile", "default"), 0)
    if name in given:
        return given[name]
    if name in RULES:
        return profile_rules(given.get("profile", "default"))[name]
    return inspect.signature(backtest).parameters[name].default
