"""A whole walk-forward: windows, selection, the account through all test windows, and what it is measured against."""

from __future__ import annotations

import itertools
import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from alphintra_backtest import codes, fitting
from alphintra_backtest.beginning import against_of, form_of, starts_at
from alphintra_backtest.collect import collect
from alphintra_backtest.options import ENTRY_RULES
from alphintra_backtest.session import Session
from alphintra_backtest.sweep import executors
from alphintra_backtest.sweep.choosing import all_of
from alphintra_backtest.sweep.headline import KNOWN
from alphintra_backtest.sweep.progress import Progress, teller
from alphintra_backtest.sweep.space import Values, space_of
from alphintra_backtest.sweep.variant import Variant, config_of, failed, locate, market_of, run_variants
from alphintra_backtest.walk_forward import judged, record
from alphintra_backtest.walk_forward.account import Stretch, Walked, day, walk, which_run
from alphintra_backtest.walk_forward.selection import Choice, Rule, choose
from alphintra_backtest.walk_forward.windows import Window, layout, windows

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.result import Result
    from alphintra.walking import WalkForward

    from alphintra_backtest.options import Options
    from alphintra_backtest.sweep.variant import Cancel

_START = datetime(1970, 1, 1, tzinfo=UTC)


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
    maximize: bool | None,
    min_trades: Any,
    flatten: Any,
    constraint: Any,
    executor: str,
    workers: int | None,
    progress: bool | Progress | None,
    cancel: Cancel | None,
    options: Mapping[str, Any],
) -> WalkForward:
    """See ``alphintra.walk_forward``; ``options`` are the keyword arguments of ``al.backtest``."""
    from alphintra.errors import ParameterError
    from alphintra.strategy import Strategy
    from alphintra.walking import WalkForward

    began = clock.perf_counter()
    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise ParameterError(
            f"{strategy!r} is not a Strategy class", hint="pass the class itself: al.walk_forward(MyStrategy, …)"
        )
    plan = layout(train, test, step, anchored, purge)
    rule = Rule(metric, maximize, min_trades)
    if not isinstance(flatten, bool):
        raise ParameterError(f"flatten is true or false, got {flatten!r}", where="flatten")
    executors.check(executor)
    executors.check_workers(workers)
    told = teller(progress)
    config = config_of(options)
    form_of(strategy, options.get("compiled", True))  # which refuses what is no bool
    space = space_of(strategy, grid, constraint, drawn=False)
    variants = all_of(space)
    market = market_of(data, options)
    against = against_of(options.get("benchmark"), options.get("end"))
    axis = Session(market, config)
    parts = windows(axis.grid.session, plan, starts_at(axis, options.get("start")), market.sessions)
    runs = _Runs(strategy, variants, options, executor, workers, _Shares(told, len(parts)), cancel, len(parts))

    choices = [_select(runs, market, axis, part, rule) for part in parts]
    last = parts[-1].test_stop
    whole = market if last == len(axis.grid.time) else _until(market, axis, last)
    account = _Account(form_of(strategy, False), whole, config, parts, flatten)
    chosen = [None if c.best is None else c.best.params for c in choices]
    walked = account.through(chosen, runs.shares.next(0.02))
    first_day = day(axis, parts[0].test_first)
    result = collect(
        walked.session, strategy, {}, parts[0].test_first, walked.stop, against, first_day, options.get("end"),
        options.get("benchmark"), began, account.entry_rules(chosen, walked),
    )  # fmt: skip
    result.indicators[:] = walked.indicators
    walked.session.release()
    held = _held(runs, account, first_day)
    asked = record.Asked(plan, rule, flatten, space.axes, constraint, len(variants), fitting.defines_fit(strategy))
    record.note(result, asked, strategy, data, choices, options)
    outcome = WalkForward(
        result=result, settings=result.run["walk_forward"],
        columns=record.columns(result, axis, parts, choices, walked, rule.metric),
        tried=record.tried(choices, rule.metric), held=held,
    )  # fmt: skip
    judged.log(outcome)
    told(1.0, "done")
    return outcome


@dataclass(frozen=True, eq=False)
class _Runs:
    """What all runs of a walk share: the variants, how and where they run, and who is told."""

    strategy: type
    variants: Sequence[Values]
    options: Mapping[str, Any]
    executor: str
    workers: int | None
    shares: _Shares
    cancel: Cancel | None
    windows: int

    def all(
        self, strategy: type, market: MarketData, start: date, told: Progress, *, headline: bool = False
    ) -> list[Variant]:
        """Run every variant from a session on to the end of the data; see ``run_variants`` for ``headline``."""
        own = {name: value for name, value in self.options.items() if name != "end"}
        return run_variants(
            strategy, market, self.variants, {**own, "start": start}, executor=self.executor, workers=self.workers,
            progress=told, cancel=self.cancel, headline=headline, repeated=self.windows,
        )  # fmt: skip


def _until(market: MarketData, axis: Session, stop: int) -> MarketData:
    """The data up to and with timestamp ``stop − 1``."""
    from alphintra.data.bounds import bounded

    return bounded(market, None, _START + timedelta(microseconds=int(axis.grid.time[stop - 1])))


def _select(runs: _Runs, market: MarketData, axis: Session, part: Window, rule: Rule) -> Choice:
    """Run every variant on the training window: data from its first bar on (F13), decisions within the window."""
    from alphintra.errors import StrategyError

    form = fitting.in_sample(runs.strategy) if fitting.defines_fit(runs.strategy) else runs.strategy
    told = runs.shares.next(1.0, f"window {part.number + 1}: ")
    own = _until(market, axis, part.purged_stop)
    variants = runs.all(form, own, day(axis, part.train_first), told, headline=rule.metric in KNOWN)
    try:
        return choose(variants, rule)
    except StrategyError as error:
        days = day(axis, part.train_first), day(axis, part.purged_stop - 1)
        locate(error, runs.strategy).run = which_run(error.run, part.number + 1, "training", *days)
        raise


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
            stretches.append(Stretch(part.test_first, part.test_stop, params, train, part.number + 1))
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


def _held(runs: _Runs, account: _Account, first_day: date) -> list[Variant]:
    """Every variant held through all test windows, on the sessions of the account: what M6 judges the account by.

    A strategy that is fitted goes through the windows as the account does, so that it never trades what it has seen;
    and so does any where the windows leave gaps, in which the account does not trade either.
    """
    from alphintra.errors import AlphintraError, Cancelled

    told = runs.shares.next(1.0, "held through the test windows: ")
    gaps = any(after.test_first > before.test_stop for before, after in itertools.pairwise(account.parts))
    if not (gaps or fitting.defines_fit(runs.strategy)):
        return runs.all(runs.strategy, account.market, first_day, told)
    found, count = [], len(runs.variants)
    for number, params in enumerate(runs.variants):
        if runs.cancel is not None and runs.cancel.is_set():
            raise Cancelled(f"cancelled after {number} of {count} variants")
        try:
            walked = account.through([params] * len(account.parts))
            result: Result = collect(
                walked.session, runs.strategy, params, account.parts[0].test_first, walked.stop, None, first_day, None,
                None, 0.0, {},
            )  # fmt: skip
            found.append(record.as_variant(result, number, params))
            walked.session.release()
        except AlphintraError as error:
            found.append(failed(number, params, error))
        told((number + 1) / count, f"{number + 1} of {count} variants")
    return found


class _Shares:
    """Progress of the parts of a walk, each with its share of the whole: windows, account, held variants."""

    def __init__(self, told: Progress, parts: int) -> None:
        self._told, self._total, self._before = told, parts + 1.02, 0.0

    def next(self, share: float, what: str = "") -> Progress:
        """Progress of the part that comes next."""
        before, total = self._before, self._total
        self._before += share
        return lambda fraction, text: self._told((before + share * fraction) / total, what + text)
