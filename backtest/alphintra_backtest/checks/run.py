"""Running a strategy's checks: one backtest, each check against it, and the run before."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alphintra_backtest.checks import kept, record
from alphintra_backtest.checks.record import KeptRun
from alphintra_backtest.checks.since import Since, since
from alphintra_backtest.checks.texts import ParsedCheck, parse
from alphintra_backtest.formats import text as shown
from alphintra_backtest.metrics.definitions import DEFINITIONS

if TYPE_CHECKING:
    from alphintra.result import Result
    from alphintra.testing import CheckOutcome, CheckRun

_log = logging.getLogger(__name__)


def test(
    strategy: type,
    data: Any,
    checks: Sequence[str] | None,
    params: Mapping[str, Any] | None,
    keep: bool,
    options: Mapping[str, Any],
) -> CheckRun:
    """See ``alphintra.test``."""
    from alphintra.backtesting import CHECK_POINTS, named_and_rules
    from alphintra.errors import ParameterError
    from alphintra.strategy import Strategy

    from alphintra_backtest import runner

    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise ParameterError(
            f"{strategy!r} is not a Strategy class",
            where="strategy",
            hint="pass the class itself: al.test(MyStrategy, …)",
        )
    wanted = carried(strategy, checks)
    named, rules = named_and_rules(options)
    for name in ("engine", "analyzers"):
        if named.pop(name, None) not in (None, "default", ()):
            raise ParameterError("al.test runs with this engine alone", where=name)
    named.pop("check", None)
    result = runner.run(
        strategy, data, params=params, **named, rules=rules, check=CHECK_POINTS if looks_ahead(wanted) else 0
    )
    path = kept.place(strategy, result.run)
    found = judge(result, wanted, kept.load(path))
    if keep:
        try:
            kept.save(path, record.write(result, found.passed))
        except OSError as error:
            _log.warning("The next test cannot be compared with this one: %s", error)
    return found


def carried(strategy: type, checks: Sequence[str] | None) -> tuple[ParsedCheck, ...]:
    """The checks of a class, or those given in their place.

    Raises:
        ParameterError: There are none, or one cannot be read.
    """
    if checks is not None:
        return parse(checks)
    return parse(getattr(strategy, "checks", ()), f"{strategy.__name__}.checks")


def looks_ahead(checks: Sequence[ParsedCheck]) -> bool:
    """Whether one of them asks for a check for look-ahead, which costs about six runs."""
    return any(check.kind == "look-ahead" for check in checks)


def judge(result: Result, checks: Sequence[ParsedCheck], before: KeptRun | None) -> CheckRun:
    """Hold each check against a run, and the run against the one before."""
    from alphintra.testing import CheckRun, RunBefore

    changed = None if before is None else since(before, result)
    outcomes = tuple(_outcome(check, result, changed) for check in checks)
    earlier = None
    if before is not None:
        run = before.run
        earlier = RunBefore(run["id"], run["created_at"], run["strategy_hash"], run["dataset_hash"], before.passed)
    return CheckRun(
        strategy=str(result.run["strategy"]),
        data=str(result.run["dataset"]),
        passed=all(outcome.passed for outcome in outcomes),
        outcomes=outcomes,
        before=earlier,
        inputs=() if changed is None else changed.inputs,
        metrics=() if changed is None else changed.metrics,
        first_fill=None if changed is None else changed.first_fill,
        equal_fills=0 if changed is None else changed.equal_fills,
        result=result,
    )


def _outcome(check: ParsedCheck, result: Result, changed: Since | None) -> CheckOutcome:
    from alphintra.testing import CheckOutcome

    if check.kind == "look-ahead":
        found = result.check
        assert found is not None
        return CheckOutcome(check.text, found.passed, None, found.summary.removeprefix("look-ahead: "))
    if check.kind == "fills":
        if changed is None:
            return CheckOutcome(check.text, True, None, "there is no run before; the next is compared with this one")
        return CheckOutcome(check.text, changed.same_fills, None, changed.text)
    value = result.metrics[check.metric]
    passed = check.holds(value)
    if math.isnan(value):
        why = result.undefined.get(check.metric, "no reason is known")
        return CheckOutcome(check.text, False, None, f"{check.metric} is undefined: {why}")
    definition = DEFINITIONS[check.metric]
    said = shown(value, definition.format)
    # Rounded, a value may look like the bound that it misses.
    exact = "" if passed or said != shown(check.bound, definition.format) else f" ({value!r})"
    verdict = "" if passed else f", not {check.sign} {shown(check.bound, definition.format)}"
    number = float(value) if math.isfinite(value) else None
    return CheckOutcome(check.text, passed, number, f"{check.metric} is {said}{exact}{verdict}")
