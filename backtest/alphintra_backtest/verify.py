"""``al.verify``: runs under several engines, and where the fills of two first differ."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import codes
from .handles import stamp
from .options import RULES, options, profile_rules
from .profiles import COMMISSIONS, PROFILES

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.result import Result
    from alphintra.verifying import BarRow, Comparison, Side, Verification

RELATIVE = 1e-9
_MEANS: dict[str, str] = {entry[0]: entry[1] for entry in codes.RULES}


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


def _rows(result: Result, table: str) -> list[dict[str, Any]]:
    """A table as dicts of plain values; times in µs."""
    from alphintra import result_tables

    columns = result.columns[table]
    kinds = result_tables.kinds(table, columns)
    cells = [result_tables.values(columns[name], kind) for name, kind in kinds.items()]
    return [dict(zip(kinds, row, strict=True)) for row in zip(*cells, strict=True)]


def _compare(first: str, other: str, results: Mapping[str, Result], entries: Mapping[str, Any]) -> Comparison:
    from alphintra.verifying import Comparison

    a, b = (_Run(name, results[name]) for name in (first, other))
    count = min(len(a.fills), len(b.fills))
    n = next((i for i in range(count) if not _same(a.fills[i], b.fills[i])), count)
    equal = n == len(a.fills) == len(b.fills)
    one = two = None
    if equal:
        text = f"all {n} fills are equal" if n else "neither has a fill"
        text += f"; final equity {a.equity:,.2f} and {b.equity:,.2f}"
    else:
        one, two = _sides(a, b, n)
        text = _explain(one, two, entries[first], entries[other])
    return Comparison(other, len(b.fills), n, equal, b.equity, one, two, text)


def _same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return all(a[name] == b[name] for name in ("time", "symbol", "side")) and all(
        math.isclose(a[name], b[name], rel_tol=RELATIVE, abs_tol=1e-12) for name in ("quantity", "price", "commission")
    )


class _Run:
    """One engine's result as rows, its fills in the order of time."""

    def __init__(self, name: str, result: Result) -> None:
        self.name = name
        self.market: MarketData = result.market
        self.equity = float(result.metrics["final_equity"])
        self.orders = {row["id"]: row for row in _rows(result, "orders")}
        self.events = _rows(result, "events")
        rows = _rows(result, "fills")
        place = {s: i for i, s in enumerate(result.market.symbols)}
        # Engines may write the fills of one time down in different order: that is no difference.
        self.fills = sorted(rows, key=lambda f: (f["time"], place.get(f["symbol"], len(place)), f["side"]))
        closes = np.unique(np.concatenate([b.close_time for b in self.market.bars.values()]))
        offset = int(np.searchsorted(closes, result.curves.time[0]))
        self.closes = {id(f): int(closes[f["bar"] + offset]) for f in self.fills}

    def order_like(self, order: Mapping[str, Any] | None, near: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The order here that is the same as another engine's, else that of the fill that stands in its place."""
        if order is None:
            return None
        what = ("symbol", "side", "type", "submitted", "role")
        same = [row for row in self.orders.values() if all(row[n] == order[n] for n in what)]
        by_id = [row for row in same if row["id"] == order["id"]]
        if by_id or same:
            return (by_id or same)[0]
        return None if near is None else self.orders.get(near["order_id"])

    def bar_closing(self, symbol: str, time: int) -> BarRow | None:
        """The symbol's latest bar that had closed by a time."""
        bars = self.market.bars[symbol]
        row = int(np.searchsorted(bars.close_time, time, side="right")) - 1
        return self._bar(symbol, row) if row >= 0 else None

    def _bar(self, symbol: str, row: int) -> BarRow:
        from alphintra.verifying import BarRow

        bars = self.market.bars[symbol]
        return BarRow(
            open_time=stamp(int(bars.open_time[row])),
            close_time=stamp(int(bars.close_time[row])),
            open=float(bars.open[row]),
            high=float(bars.high[row]),
            low=float(bars.low[row]),
            close=float(bars.close[row]),
            volume=None if bars.volume is None else float(bars.volume[row]),
        )


def _sides(a: _Run, b: _Run, n: int) -> tuple[Side, Side]:
    """Both sides of the first differing fill: the earlier one, and what the other engine did with that order."""
    x, y = (run.fills[n] if n < len(run.fills) else None for run in (a, b))
    if x is not None and y is not None and a.closes[id(x)] == b.closes[id(y)] and x["symbol"] == y["symbol"]:
        return _side(a, x, x, a), _side(b, y, y, b)
    if y is None or (x is not None and a.closes[id(x)] <= b.closes[id(y)]):
        assert x is not None
        return _side(a, x, x, a), _other(b, y, x, a)
    return _other(a, x, y, b), _side(b, y, y, b)


def _other(run: _Run, near: Mapping[str, Any] | None, lead: Mapping[str, Any], leader: _Run) -> Side:
    """The side of the engine that did not fill then: its own fill of that order, if it came to one."""
    order = run.order_like(leader.orders.get(lead["order_id"]), near)
    own = None if order is None else next((f for f in run.fills if f["order_id"] == order["id"]), None)
    return _side(run, own, lead, leader, order)


def _side(run: _Run, fill: Mapping[str, Any] | None, lead: Mapping[str, Any], leader: _Run, order: Any = None) -> Side:
    from alphintra.verifying import Side

    if order is None and fill is not None:
        order = run.orders.get(fill["order_id"])
    history = tuple(_dated(e) for e in run.events if order is not None and e["order_id"] == order["id"])
    decided = None if order is None else run.bar_closing(order["symbol"], order["submitted"])
    own, at = (fill, run) if fill is not None else (lead, leader)
    return Side(
        engine=run.name,
        fill=None if fill is None else _dated(fill),
        order=None if order is None else _dated(order),
        history=history,
        decision_bar=decided,
        fill_bar=run.bar_closing(own["symbol"], at.closes[id(own)]),
    )


def _dated(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its times as datetimes."""
    times = ("time", "submitted", "finished")
    return {name: stamp(value) if name in times and value is not None else value for name, value in row.items()}


def _explain(one: Side, two: Side, first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    sentences = [_did(one), _did(two)]
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


def _did(side: Side) -> str:
    if side.fill is None:
        if side.order is None:
            return f"{side.engine} has no such order."
        reason = f", {side.order['reason']}" if side.order["reason"] else ""
        return f"{side.engine} never fills its order {side.order['id']} ({side.order['state']}{reason})."
    f = side.fill
    fee = f", commission {f['commission']:.10g}" if f["commission"] else ""
    means = _MEANS.get(f["rule"], "")
    rule = f" by {f['rule']}" if f["rule"] else ""
    return (
        f"{side.engine}: {f['side']} {f['quantity']:.10g} {f['symbol']} at {f['price']:.10g} on "
        f"{f['time']:%Y-%m-%d %H:%M}{fee}{rule}{f' ({means.rstrip(chr(46))})' if means else ''}."
    )
