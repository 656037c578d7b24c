"""A whole walk-forward: windows, selection, the account through all test windows, and what it is measured against."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest import codes, fitting
from alphintra_backtest.collect import collect
from alphintra_backtest.options import ENTRY_RULES
from alphintra_backtest.runner import against_of, form_of, starts_at
from alphintra_backtest.session import Session
from alphintra_backtest.sweep.variant import Variant, config_of, failed, market_of, run_variants
from alphintra_backtest.walk_forward import record
from alphintra_backtest.walk_forward.account import Stretch, Walked, walk
from alphintra_backtest.walk_forward.selection import Choice, check_metric, choose
from alphintra_backtest.walk_forward.windows import Window, layout, windows

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.result import Result
    from alphintra.walking import WalkForward

    from alphintra_backtest.options import Options
    from alphintra_backtest.sweep.variant import Cancel

Progress = Callable[[float, str], None]
_EPOCH, _START = date(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)
#: Options of ``al.backtest`` that a walk-forward has no use for, and what to do instead.
_REFUSED = {
    "analyzers": "a walk-forward runs on our own engine",
    "check": "al.check(…) looks for look-ahead in the strategy",
}


def run(
    strategy: type,
    data: Any,
    grid: Mapping[str, Any],
    *,
    train: Any,
    test: Any,
    step: Any,
    anchored: Any,
    purge: Any,
    metric: str,
    min_trades: Any,
    flatten: Any,
    constraint: Any,
    executor: str,
    workers: int | None,
    progress: Progress | None,
    cancel: Cancel | None,
    options: Mapping[str, Any],
) -> WalkForward:
    """See ``alphintra.walk_forward``; ``options`` are the keyword arguments of ``al.backtest``."""
    from alphintra.errors import ParameterError
    from alphintra.params import bind_all
    from alphintra.walking import WalkForward

    began = clock.perf_counter()
    plan = layout(train, test, step, anchored, purge)
    check_metric(metric, min_trades)
    if not isinstance(flatten, bool):
        raise ParameterError(f"flatten is true or false, got {flatten!r}", where="flatten")
    options = _options(strategy, options)
    points = grid_points(grid, constraint)
    fixed = options.pop("params", {})
    variants = bind_all(strategy, [{**fixed, **point} for point in points])
    start = options.pop("start", None)
    market, config = market_of(data, {**options, "start": start}), config_of(options)
    against = against_of(options.get("benchmark"), options.get("end"))
    axis = Session(market, config)
    fits = fitting.defines_fit(strategy)
    parts = windows(axis.grid.session, plan, starts_at(axis, start), market.sessions)
    report = _Shares(progress, len(parts))

    choices = [
        _select(strategy, market, axis, variants, options, part, metric, min_trades, executor, workers, report, cancel)
        for part in parts
    ]
    last = parts[-1].test_stop
    whole = market if last == len(axis.grid.time) else _until(market, axis, last)
    account = _Account(form_of(strategy, False), whole, config, parts, flatten)
    chosen = [None if c.best is None else c.best.params for c in choices]
    walked = account.through(chosen, report.next(0.02))
    result = collect(
        walked.session, strategy, {}, parts[0].test_first, walked.stop, against, _day(axis, parts[0].test_first),
        options.get("end"), options.get("benchmark"), began, account.entry_rules(chosen, walked),
    )  # fmt: skip
    result.indicators[:] = walked.indicators
    walked.session.release()
    held = _held(strategy, account, variants, options, axis, executor, workers, report, cancel)
    asked = record.Asked(plan, metric, min_trades, flatten, grid, len(variants), constraint is not None, fits)
    record.note(result, asked, data, choices, {**options, "start": start, "params": fixed})
    columns = record.columns(result, axis, parts, choices, walked, metric)
    outcome = WalkForward(
        result=result, settings=result.run["walk_forward"], columns=columns, tried=record.tried(choices, metric),
        held=held,
    )  # fmt: skip
    report.done()
    from alphintra.trials import append

    append(result.run, result.metrics["sharpe_ratio"])
    return outcome


def grid_points(grid: Any, constraint: Any) -> list[dict[str, Any]]:
    """All points of a grid that satisfy the constraint, the last name varying fastest."""
    import itertools
    from types import SimpleNamespace

    from alphintra.errors import ParameterError

    lists = {name: [values] if isinstance(values, str) else list(values) for name, values in grid.items()}
    if not lists or not all(lists.values()):
        raise ParameterError("the grid is empty", where="grid", hint='such as {"fast": range(5, 30, 5)}')
    points = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
    if constraint is not None:
        points = [p for p in points if constraint(SimpleNamespace(**p))]
    if not points:
        raise ParameterError("the constraint excludes every point of the grid", where="constraint")
    return points


def _options(strategy: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Check what is given for all runs.

    Raises:
        ParameterError: The strategy is no class of ours.
        RuleError: An option that a walk-forward does not take.
    """
    from alphintra.errors import ParameterError, RuleError
    from alphintra.strategy import Strategy

    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise ParameterError(
            f"{strategy!r} is not a Strategy class", hint="pass the class itself: al.walk_forward(MyStrategy, …)"
        )
    kept = dict(options)
    if kept.pop("engine", "default") != "default":
        raise RuleError("a walk-forward runs on our own engine", where="engine", hint="leave engine= out")
    for name, hint in _REFUSED.items():
        if kept.pop(name, None):
            raise RuleError(f"{name}= is not for a walk-forward", where=name, hint=hint)
    form_of(strategy, kept.get("compiled", True))
    if kept.get("params") is None:
        kept.pop("params", None)
    elif not isinstance(kept["params"], Mapping):
        raise ParameterError(f"params must be a mapping of names to values, got {kept['params']!r}", where="params")
    return kept


def _day(axis: Session, timestamp: int) -> date:
    return _EPOCH + timedelta(days=int(axis.grid.session[timestamp]))


def _until(market: MarketData, axis: Session, stop: int) -> MarketData:
    """The data up to and with timestamp ``stop − 1``."""
    from alphintra.data.bounds import bounded

    return bounded(market, None, _START + timedelta(microseconds=int(axis.grid.time[stop - 1])))


def _select(
    strategy: type, market: MarketData, axis: Session, variants: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any], part: Window, metric: str, min_trades: int, executor: str, workers: int | None,
    report: _Shares, cancel: Cancel | None,
) -> Choice:  # fmt: skip
    """Run every variant on the training window: data from its first bar on (F13), decisions within the window."""
    form = fitting.in_sample(strategy) if fitting.defines_fit(strategy) else strategy
    own = {name: value for name, value in options.items() if name != "end"}
    tell = report.next(1.0, f"window {part.number + 1}: ")
    found = run_variants(
        form, _until(market, axis, part.purged_stop), variants, {**own, "start": _day(axis, part.train_first)},
        executor=executor, workers=workers, progress=tell, cancel=cancel,
    )  # fmt: skip
    return choose(found, metric, min_trades)


class _Account:
    """The account of a walk, for one set of windows: run through them with what was chosen, or with one variant."""

    def __init__(
        self, form: type, market: MarketData, config: Options, parts: Sequence[Window], flatten: bool
    ) -> None:
        self.form, self.market, self.config, self.parts, self.flatten = form, market, config, parts, flatten

    def through(
        self, chosen: Sequence[Mapping[str, Any] | None], progress: Progress | None = None, **rules: Any
    ) -> Walked:
        """Take the account through the windows, each with its parameters; in gaps nobody trades."""
        stretches: list[Stretch] = []
        for part, params in zip(self.parts, chosen, strict=True):
            train = part.train_first, part.purged_stop
            if stretches and stretches[-1].stop < part.test_first:
                stretches.append(Stretch(stretches[-1].stop, part.test_first, None, train))
            stretches.append(Stretch(part.test_first, part.test_stop, params, train))
        config = replace(self.config, rules={**self.config.rules, **rules}) if rules else self.config
        return walk(self.form, self.market, config, stretches, flatten=self.flatten, progress=progress)

    def entry_rules(self, chosen: Sequence[Mapping[str, Any] | None], walked: Walked) -> dict[str, str]:
        """Final equity under each ``entry_bar`` where bars of entries leave it open (F15)."""
        if not walked.session.books.reg[codes.S_AMBIGUOUS_ENTRY]:
            return {}
        out = {}
        for rule in ENTRY_RULES:
            same = rule == self.config.rules["entry_bar"]
            other = walked if same else self.through(chosen, entry_bar=rule)
            session = other.session
            equity = session.core.equity_at(session.calls.m, session.calls.b, other.stop - 1, False)
            out[rule] = f"final equity {float(equity):,.2f}"
        return out


def _held(
    strategy: type, account: _Account, variants: Sequence[Mapping[str, Any]], options: Mapping[str, Any],
    axis: Session, executor: str, workers: int | None, report: _Shares, cancel: Cancel | None,
) -> list[Variant]:  # fmt: skip
    """Every variant held through all test windows, on the sessions of the account: what M6 judges the account by.

    A strategy that is fitted goes through the windows as the account does, so that it never trades what it has seen.
    """
    from alphintra.errors import AlphintraError, Cancelled

    tell = report.next(1.0, "held through the test windows: ")
    own = {name: value for name, value in options.items() if name != "end"}
    day = _day(axis, account.parts[0].test_first)
    if not fitting.defines_fit(strategy):
        return run_variants(
            strategy, account.market, variants, {**own, "start": day}, executor=executor, workers=workers,
            progress=tell, cancel=cancel,
        )  # fmt: skip
    found = []
    for number, params in enumerate(variants):
        if cancel is not None and cancel.is_set():
            raise Cancelled(f"cancelled after {number} of {len(variants)} variants")
        try:
            walked = account.through([params] * len(account.parts))
            result: Result = collect(
                walked.session, strategy, params, account.parts[0].test_first, walked.stop, None, day, None, None, 0.0,
                {},
            )  # fmt: skip
            found.append(Variant(number, dict(params), dict(result.metrics), np.asarray(result.returns, dtype=float)))
            walked.session.release()
        except AlphintraError as error:
            found.append(failed(number, params, error))
        if tell is not None:
            tell((number + 1) / len(variants), f"{number + 1} of {len(variants)} variants")
    return found


class _Shares:
    """Progress of the parts of a walk, each with its share of the whole: windows, account, held variants."""

    def __init__(self, progress: Progress | None, parts: int) -> None:
        self._progress, self._total, self._before = progress, parts + 1.02, 0.0

    def next(self, share: float, what: str = "") -> Progress | None:
        """Progress of the part that comes next."""
        progress, before, total = self._progress, self._before, self._total
        self._before += share
        if progress is None:
            return None
        return lambda fraction, text: progress((before + share * fraction) / total, what + text)

    def done(self) -> None:
        """Say that all is done."""
        if self._progress is not None:
            self._progress(1.0, "done")

