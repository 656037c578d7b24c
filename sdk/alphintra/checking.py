"""``al.check``: does a strategy read the future? Run it on shortened data and see whether anything changes (F12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ._engine import engine
from .errors import LookAheadError, ParameterError

if TYPE_CHECKING:
    from .strategy import Strategy

MOST_POINTS = 1_000


@dataclass(frozen=True)
class CheckPoint:
    """A time at which the data was cut.

    Attributes:
        time: Close time of the last bar that was left, UTC.
        why: Why it was chosen: ``first decision``, ``first fill``, ``median fill``, …, or ``random``.
        ok: Whether everything up to it was the same as with all data.
    """

    time: datetime
    why: str
    ok: bool


@dataclass(frozen=True)
class Difference:
    """What changed when later bars were removed.

    Attributes:
        kind: ``indicator``, ``recorded``, ``order``, ``event`` (what became of an order), ``error`` (the run
            failed without the later bars), or ``repeat`` (two runs on the same data differ).
        what: Name of the indicator or recorded value, ``order 3``, or the error's code.
        symbol: The symbol it belongs to, ``None`` where it joins several or has none.
        time: Close time of the bar it belongs to, UTC; for what ``on_start`` did, the first bar's.
        cut: The point at which the data was cut, ``None`` for ``repeat``.
        whole: The value with all data, or the order or event in words; ``None`` where there is none.
        part: The same with the data up to ``cut``.
        text: What it means, in a sentence.
        hint: What to do about it.
    """

    kind: str
    what: str
    symbol: str | None
    time: datetime
    cut: datetime | None
    whole: float | str | None
    part: float | str | None
    text: str
    hint: str


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """What ``al.check`` found; it shows itself in a notebook.

    Attributes:
        strategy: Name of the strategy's class.
        data: Name of the data.
        passed: True where at least one point was checked and nothing changed.
        deterministic: Whether two runs on the same data were the same; where they were not, look-ahead cannot be
            told from chance and no point is checked.
        points: Where the data was cut, in order of time.
        differences: The first one of each indicator, each recorded value, orders, events and errors, what causes
            the others first.
        notes: What the check could not see, such as data that the strategy reads beside ``self.data``.
    """

    strategy: str
    data: str
    passed: bool
    deterministic: bool
    points: tuple[CheckPoint, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One sentence, as a result's assumptions say it."""
        count = len(self.points)
        if not self.deterministic:
            return "look-ahead: cannot be checked, two runs on the same data differ"
        if self.differences:
            return f"look-ahead: {self.differences[0].text.removesuffix('.')}"
        if not count:
            return "look-ahead: not checked"
        return f"look-ahead: none found at {count} point{'' if count == 1 else 's'}"

    def raise_if_failed(self) -> Check:
        """Return the check itself where it passed.

        Raises:
            LookAheadError: It did not; the message is the first difference.
        """
        if self.passed:
            return self
        first = self.differences[0] if self.differences else None
        code = None if self.deterministic else "NOT_DETERMINISTIC"
        what = f"{self.strategy} on {self.data}: {first.text if first else self.summary}"
        raise LookAheadError(what, code=code, hint=first.hint if first else None)

    def __repr__(self) -> str:
        """Return the verdict, then each difference and note on a line of its own."""
        return str(engine("check_view").plain(self))

    def _repr_html_(self) -> str:
        """Return the verdict, the points and the differences as static HTML for light and dark pages."""
        return str(engine("check_view").html(self))


def check(strategy: type[Strategy], data: Any, *, points: int = 8, **options: Any) -> Check:
    """Look for look-ahead: run the strategy on all data, then on data that ends earlier, and compare.

    What a strategy does up to a time must not depend on bars after it. The data is cut around the first, the
    median and the last fill and at random times (chosen by ``seed``), never before the first ``on_bar``; every
    indicator, every value of ``self.record``, every order and what became of it must be the same up to there,
    within 1e-9 relative. The run on all data is repeated once, so that chance is not mistaken for look-ahead.

    The check sees what goes through ``self.data`` and ``self.features``. A strategy that reads other data (a global
    DataFrame, a file, a model that was fitted on the whole sample) cannot be checked; globals that hold data are named
    in ``Check.notes``. It costs about six runs.

    Args:
        strategy: The class (not an instance).
        data: As in :func:`~alphintra.backtesting.backtest`.
        points: How many times the data is cut, fewer where there are fewer bars.
        options: Everything else that ``al.backtest`` takes.

    Returns:
        A :class:`Check`; its ``raise_if_failed()`` makes it a test.

    Raises:
        ParameterError: ``points`` is not a whole number from 1 to 1,000.
        AlphintraError: The run on all data failed, as ``al.backtest`` would.
    """
    from .backtesting import named_and_rules

    if isinstance(points, bool) or not isinstance(points, int) or not 1 <= points <= MOST_POINTS:
        raise ParameterError(f"points must be a whole number from 1 to {MOST_POINTS}, got {points!r}", where="points")
    named, rules = named_and_rules(options)
    named.pop("check", None)
    found: Check = engine("runner").run(strategy, data, **named, rules=rules, check=points).check
    return found
