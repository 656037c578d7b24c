"""What a walk-forward keeps: its windows as columns, all trials, and what the run's record says of the method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.assumptions import by_level
from alphintra_backtest.plain_json import plain
from alphintra_backtest.sweep.variant import Variant
from alphintra_backtest.sweep.view import axis_code

if TYPE_CHECKING:
    from alphintra.result import Result

    from alphintra_backtest.session import Session
    from alphintra_backtest.sweep.space import Axis
    from alphintra_backtest.walk_forward.account import Walked
    from alphintra_backtest.walk_forward.selection import Choice, Rule
    from alphintra_backtest.walk_forward.windows import Layout, Length, Window

METHOD = "WALK_FORWARD"
#: Metrics of every trial that are kept, beside the one that was optimised.
KEPT = ("total_trades", "annualized_return", "max_drawdown")


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        plan: Lengths of the windows.
        rule: How a variant is chosen.
        flatten: Whether positions are closed between windows.
        axes: The parameters that are varied.
        constraint: What leaves combinations out, None where nothing does.
        variants: How many parameter sets are tried in each window.
        fits: Whether the strategy is fitted before each window.
    """

    plan: Layout
    rule: Rule
    flatten: bool
    axes: Sequence[Axis]
    constraint: Any
    variants: int
    fits: bool


def note(
    result: Result, asked: Asked, strategy: type, data: Any, choices: Sequence[Choice], options: Mapping[str, Any]
) -> None:
    """Write into a run's record that its parameters were chosen window by window, and how."""
    from alphintra import trials

    plan, rule = asked.plan, asked.rule
    chosen = [None if c.best is None else c.best.params for c in choices]
    varied = [axis.name for axis in asked.axes]
    first = choices[0].variants[0].params
    result.run["method"] = METHOD
    file = trials.strategy_file(strategy)
    if file is not None:
        result.run["strategy_file"] = file
    result.run["parameters"] = {
        name: by_window([None if p is None else p[name] for p in chosen]) if name in varied else value
        for name, value in first.items()
    }
    result.run["walk_forward"] = plain(
        {
            "train": _written(plan.train),
            "test": _written(plan.test),
            "step": _written(plan.step),
            "anchored": plan.anchored,
            "purge": plan.purge,
            "metric": rule.metric,
            "maximize": rule.upward,
            "min_trades": rule.min_trades,
            "flatten": asked.flatten,
            "fitted": asked.fits,
            "grid": {axis.name: list(axis.values) for axis in asked.axes},
            "constraint": asked.constraint if isinstance(asked.constraint, str) else asked.constraint is not None,
            "variants": asked.variants,
            "trials": asked.variants * len(choices),
            "parameters": [None if p is None else {name: p[name] for name in varied} for p in chosen],
        }
    )
    result.run["code"] = _code(result, asked, data, options)
    result.assumptions[:] = by_level([*_assumptions(asked, choices), *result.assumptions])


def as_variant(result: Result, number: int, params: Mapping[str, Any]) -> Variant:
    """What a comparison keeps of a run through the test windows."""
    returns = result.returns
    day = int(returns.index[0].to_datetime64().astype("datetime64[D]").astype(int)) if len(returns) else 0
    return Variant(number, dict(params), dict(result.metrics), returns.to_numpy(dtype=np.float64), None, day)


def by_window(values: Sequence[Any]) -> str:
    """A parameter's values, window by window, in a few words."""
    shown = ["–" if v is None else f"{v:g}" if isinstance(v, float) else str(v) for v in values]
    if len(set(shown)) == 1:
        return f"{shown[0]} in every window"
    return " → ".join(shown if len(shown) <= 12 else [*shown[:6], "…", *shown[-5:]])


def _written(length: Length) -> int | str:
    return length.sessions or length.text


def _code(result: Result, asked: Asked, data: Any, options: Mapping[str, Any]) -> str:
    """The call that repeats the walk, as far as text can say it."""
    plan, rule = asked.plan, asked.rule
    grid = ", ".join(f'"{axis.name}": {axis_code(axis)}' for axis in asked.axes)
    dataset = data if isinstance(data, str) else result.run["dataset"]
    arguments = [
        str(result.run["strategy"]), repr(dataset), f"{{{grid}}}", f"train={_written(plan.train)!r}",
        f"test={_written(plan.test)!r}",
    ]  # fmt: skip
    if not plan.step.equals(plan.test):
        arguments.append(f"step={_written(plan.step)!r}")
    for name, value, usual in (
        ("anchored", plan.anchored, False), ("purge", plan.purge, 0), ("metric", rule.metric, "sharpe_ratio"),
        ("maximize", rule.maximize, None), ("min_trades", rule.min_trades, 10), ("flatten", asked.flatten, False),
    ):  # fmt: skip
        if value != usual:
            arguments.append(f"{name}={value!r}")
    if isinstance(asked.constraint, str):
        arguments.append(f"constraint={asked.constraint!r}")
    arguments += [
        f"{name}={value!r}" for name, value in options.items()
        if isinstance(value, str | bool | int | float)
    ]  # fmt: skip
    missing = callable(asked.constraint)
    return f"al.walk_forward({', '.join(arguments)})" + ("  # with its constraint, a function" if missing else "")


def _assumptions(asked: Asked, choices: Sequence[Choice]) -> list[dict[str, Any]]:
    plan, rule, count = asked.plan, asked.rule, len(choices)
    kind = "anchored" if plan.anchored else "rolling"
    purged = f", the last {plan.purge} bars of it purged" if plan.purge else ""
    between = "closed at the next open" if asked.flatten else "taken over by the next instance"
    items = [
        f"Parameters: the {'highest' if rule.upward else 'lowest'} {rule.metric} in training with at least "
        f"{rule.min_trades} closed trades.",
        f"Between two windows positions are {between}; working orders are cancelled, protective ones included.",
    ]
    if asked.fits:
        items.append(
            "fit(history) runs before each test window on its training window. A training metric is in-sample for "
            "the fitted model as well: only the test windows count."
        )
    out = [
        _entry("walk_forward", f"walk-forward: {count} {kind} windows of {plan.test.text}, trained on "
               f"{plan.train.text}{purged}", "info", items)
    ]  # fmt: skip
    idle = [f"window {n + 1}: {c.note}" for n, c in enumerate(choices) if c.best is None]
    if idle:
        out.append(_entry("idle_windows", f"{len(idle)} of {count} windows without trading", "warning", idle[:20]))
    return out


def _entry(code: str, text: str, level: str, items: list[str]) -> dict[str, Any]:
    return {"code": code, "text": text, "level": level, "rule": "W1", "items": items}


def columns(
    result: Result, axis: Session, parts: Sequence[Window], choices: Sequence[Choice], walked: Walked, metric: str
) -> dict[str, list[Any]]:
    """The windows, one value each: see ``WalkForward.windows``."""
    days, time = axis.grid.session, axis.grid.time
    origin = parts[0].test_first - 1  # the first timestamp of the account's curves
    names = ("window", "train_start", "train_end", "purged_end", "test_start", "test_end", "params", "train_metric",
             "test_metric", "train_return", "test_return", "efficiency", "train_trades", "trades", "note")  # fmt: skip
    out: dict[str, list[Any]] = {name: [] for name in names}
    for part, choice in zip(parts, choices, strict=True):
        best = choice.best
        reached = min(part.test_stop, walked.stop)
        own = _within(result, part.test_first, reached, origin) if reached > part.test_first else {}
        train = {} if best is None else best.metrics
        gain, held = own.get("annualized_return", math.nan), train.get("annualized_return", math.nan)
        row = (
            part.number + 1, _day(days, part.train_first), _day(days, part.test_first - 1),
            int(time[part.purged_stop - 1]), _day(days, part.test_first), _day(days, part.test_stop - 1),
            None if best is None else dict(best.params), train.get(metric, math.nan), own.get(metric, math.nan),
            held, gain, gain / held if held > 0 and not part.partial else math.nan, train.get("total_trades", 0),
            int(own.get("total_trades", 0)), _note(part, choice, walked),
        )  # fmt: skip
        for name, value in zip(names, row, strict=True):
            out[name].append(value)
    return out


def _day(days: Any, timestamp: int) -> str:
    return str(np.datetime64(int(days[timestamp]), "D"))


def instant(microseconds: int) -> str:
    """A time as ISO 8601 with ``Z`` (M13)."""
    return f"{np.datetime64(microseconds, 'us').astype('datetime64[s]')}Z"


def _note(part: Window, choice: Choice, walked: Walked) -> str:
    told = [choice.note] if choice.note else []
    if part.test_first >= walked.stop:
        told.append("not reached: the account was bankrupt")
    elif choice.best is not None and walked.started(part.test_first) is None:
        told.append("its indicators were never defined")
    if part.partial:
        told.append("cut short by the end of the data")
    return "; ".join(told)


def _within(result: Result, first: int, stop: int, origin: int) -> dict[str, float]:
    """Metrics of the account between two timestamps: trades that were closed and orders that filled there."""
    at = slice(first - 1 - origin, stop - origin)
    curves = result.curves
    part = replace(
        curves, time=curves.time[at], session=curves.session[at], equity=curves.equity[at], cash=curves.cash[at],
        exposure=curves.exposure[at], in_market=curves.in_market[at], benchmark=curves.benchmark[at],
    )  # fmt: skip
    low, high = first - origin, stop - origin
    fills, trades, flows = (result.columns[n] for n in ("fills", "trades", "cash_flows"))
    ended: dict[int, int] = {}
    for order, bar in zip(fills["order_id"], fills["bar"], strict=True):
        ended[int(order)] = int(bar)
    inside = [not o and low <= ended.get(int(e), -1) < high
              for o, e in zip(trades["open"], trades["exit_order_id"], strict=True)]  # fmt: skip
    paid = [curves.time[at][0] < t <= curves.time[at][-1] for t in flows["time"]]
    tables = {
        "fills": _rows(fills, [low <= b < high for b in fills["bar"]]),
        "trades": _rows(trades, inside),
        "cash_flows": _rows(flows, paid),
    }
    configuration = {**result.run["configuration"], "cash": float(curves.equity[at][0])}
    metrics: dict[str, float] = replace(
        result, run={**result.run, "configuration": configuration}, curves=part, columns=tables
    ).metrics
    return metrics


def _rows(table: Mapping[str, Any], kept: Sequence[bool]) -> dict[str, Any]:
    """The rows of a table in columns that are to be kept."""
    mask = np.asarray(kept, dtype=bool)
    return {
        name: c[mask] if isinstance(c, np.ndarray) else [v for v, k in zip(c, kept, strict=True) if k]
        for name, c in table.items()
    }


def tried(choices: Sequence[Choice], metric: str) -> dict[str, list[Any]]:
    """Every trial of every window: see ``WalkForward.trials``."""
    kept = dict.fromkeys((metric, *KEPT))
    out: dict[str, list[Any]] = {name: [] for name in ("window", "number", "params", *kept, "chosen", "error")}
    for window, choice in enumerate(choices):
        for at, variant in enumerate(choice.variants):
            out["window"].append(window + 1)
            out["number"].append(variant.number)
            out["params"].append(variant.params)
            for name in kept:
                out[name].append(variant.metrics[name])
            out["chosen"].append(at == choice.chosen)
            out["error"].append("" if variant.error is None else variant.error["message"])
    return out
