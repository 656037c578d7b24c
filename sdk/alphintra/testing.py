"""``al.test``: run the checks that a strategy carries, and say what changed since the run before.

``al.check`` looks for look-ahead alone; it is one of the checks that ``al.test`` runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ._engine import engine
from .errors import CheckFailedError

if TYPE_CHECKING:
    import pandas as pd

    from .result import Result
    from .strategy import Strategy
    from .verifying import Side


@dataclass(frozen=True)
class CheckOutcome:
    """What came of one check.

    Attributes:
        text: The check as it was written.
        passed: Whether it holds.
        value: The metric's value; ``None`` where it is undefined, and for checks that compare no number.
        reason: What was found, in a sentence.
    """

    text: str
    passed: bool
    value: float | None
    reason: str


@dataclass(frozen=True)
class MetricChange:
    """A metric that is not what it was in the run before.

    Attributes:
        name: As in ``Result.metrics``.
        before: Its value then, ``None`` where it was undefined.
        after: Its value now, ``None`` where it is undefined.
        difference: ``after − before``, ``None`` where one of them is undefined.
    """

    name: str
    before: float | None
    after: float | None
    difference: float | None


@dataclass(frozen=True)
class InputChange:
    """Something that went into the run and is not what it was in the run before.

    Attributes:
        what: ``code``, ``data``, ``parameters``, ``settings``, ``seed`` or ``engine``.
        text: What changed, in a sentence.
    """

    what: str
    text: str


@dataclass(frozen=True)
class RunBefore:
    """The run that this one is compared with.

    Attributes:
        id: Its id.
        created_at: When it ran, ISO 8601 in UTC.
        strategy_hash: The code that it ran.
        dataset_hash: The data that it ran on.
        passed: Whether its checks passed.
    """

    id: str
    created_at: str
    strategy_hash: str
    dataset_hash: str
    passed: bool


@dataclass(frozen=True, eq=False)
class FirstFill:
    """The first fill that is not what it was in the run before.

    Attributes:
        number: Its place among the fills, from 1.
        before: What the run before did: its fill, order with history, and bars.
        now: What this run did.
        text: Both in a sentence each.
    """

    number: int
    before: Side
    now: Side
    text: str


@dataclass(frozen=True, eq=False, repr=False)
class CheckRun:
    """What ``al.test`` found; it shows itself in a notebook.

    Attributes:
        strategy: Name of the strategy's class.
        data: Name of the data.
        passed: Whether all checks passed.
        outcomes: One for each check, in their order.
        before: The run that this one is compared with, ``None`` for the first.
        inputs: What went in differently than before.
        metrics: The metrics that are not what they were, in the order of the reference.
        first_fill: The first fill that is not what it was; ``None`` where all are.
        equal_fills: How many fills from the beginning are what they were; 0 where there is no run before.
        result: The run itself.
    """

    strategy: str
    data: str
    passed: bool
    outcomes: tuple[CheckOutcome, ...]
    before: RunBefore | None
    inputs: tuple[InputChange, ...]
    metrics: tuple[MetricChange, ...]
    first_fill: FirstFill | None
    equal_fills: int
    result: Result

    @property
    def failed(self) -> tuple[CheckOutcome, ...]:
        """The checks that did not pass."""
        return tuple(outcome for outcome in self.outcomes if not outcome.passed)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a check: ``passed``, ``value`` (NaN where there is none), ``reason``; indexed by its text."""
        frame: pd.DataFrame = engine("checks.view").frame(self)
        return frame

    @property
    def summary(self) -> str:
        """One sentence."""
        return str(engine("checks.view").sentence(self))

    def raise_if_failed(self) -> CheckRun:
        """Return the run itself where it passed.

        Raises:
            CheckFailedError: A check failed; the message names each with its reason.
        """
        if self.passed:
            return self
        what = "; ".join(f"{outcome.text}: {outcome.reason}" for outcome in self.failed)
        raise CheckFailedError(f"{self.strategy} on {self.data}: {what}")

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain dicts, lists and numbers; times ISO 8601, undefined ``None``."""
        plain: dict[str, Any] = engine("checks.view").to_dict(self)
        return plain

    def study(self) -> Any:
        """Return the page that a notebook, the panel and a report show."""
        return engine("checks.view").study(self)

    def __repr__(self) -> str:
        """Return one line: strategy, data, and which checks failed."""
        return f"<CheckRun {self.strategy} on {self.data}: {self.summary}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Show the run in a notebook."""
        bundle: dict[str, Any] = engine("study_bundle").bundle(self.study())
        return bundle


def test(
    strategy: type[Strategy],
    data: Any,
    *,
    checks: Sequence[str] | None = None,
    params: Mapping[str, Any] | None = None,
    keep: bool = True,
    **options: Any,
) -> CheckRun:
    """Run a strategy's checks, and compare the run with the one before.

    A check is a text: a metric, a comparison and a number (``"sharpe_ratio >= 0.8"``, ``"max_drawdown > -20 %"``),
    ``"no look-ahead"`` (as :func:`~alphintra.checking.check`, about six runs), or ``"same fills"``: every fill is what
    it was in the run before, within 1e-9 relative. The strategy carries its checks as the class attribute ``checks``.

    The run before is the last one of the same class (in the same file or notebook) on data of the same name and
    symbols with the same parameters; it is kept in the SDK's data folder. Code, data and settings may have changed
    since: then the run says so, which explains a difference. The first run has nothing to compare with, so its
    ``"same fills"`` passes.
    A test is no trial (M6): it looks again at what was decided.

    Args:
        strategy: The class (not an instance).
        data: As in :func:`~alphintra.backtesting.backtest`.
        checks: Other checks than the class carries.
        params: Values for the strategy's ``Param``.
        keep: Whether the next run is compared with this one.
        options: Everything else that ``al.backtest`` takes.

    Returns:
        A :class:`CheckRun`; its ``raise_if_failed()`` makes it a test of a test runner.

    Raises:
        ParameterError: There are no checks, or one cannot be read (``BAD_CHECK``; the nearest metric is named).
        AlphintraError: The run failed, as ``al.backtest`` would.
    """
    found: CheckRun = engine("checks.run").test(strategy, data, checks, params, keep, options)
    return found


# A test runner that finds this name in somebody's module must not take it for a test of theirs.
test.__test__ = False  # type: ignore[attr-defined]
