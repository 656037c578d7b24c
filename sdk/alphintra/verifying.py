"""``al.verify``: one strategy under several engines or profiles, and the first fill at which they part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ._engine import engine

if TYPE_CHECKING:
    import pandas as pd

    from .result import Result
    from .strategy import Strategy


@dataclass(frozen=True)
class BarRow:
    """A bar as a fill or a decision saw it.

    Attributes:
        open_time: Its start, UTC.
        close_time: Its end, UTC.
        open: First price, in the data's price basis, as are the next three.
        high: Highest price.
        low: Lowest price.
        close: Last price.
        volume: Traded volume, ``None`` where unknown.
    """

    open_time: datetime
    close_time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None


@dataclass(frozen=True, eq=False)
class Side:
    """One engine's side of the first differing fill.

    Attributes:
        engine: Its name.
        fill: The row of ``Result.fills`` as a dict; ``None`` where this engine has no such fill.
        order: The row of ``Result.orders`` it belongs to, or of the same order of this engine; ``None`` where it
            has none.
        history: The rows of ``Result.events`` of that order, oldest first.
        decision_bar: The bar at whose close the order was submitted; ``None`` for an order of ``on_start``.
        fill_bar: The bar of the fill; where this engine has none, its bar at the time of the other's.
    """

    engine: str
    fill: dict[str, Any] | None
    order: dict[str, Any] | None
    history: tuple[dict[str, Any], ...]
    decision_bar: BarRow | None
    fill_bar: BarRow | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """One engine against the first.

    Attributes:
        engine: Its name.
        fills: How many fills it has.
        equal_fills: How many fills from the beginning are equal.
        equal: Whether all are, on both sides.
        final_equity: What it ends with.
        first: The first engine's side of the first differing fill, ``None`` where all are equal.
        second: This engine's side.
        explanation: Which rule each used, and in which options they differ; or how many fills were equal.
    """

    engine: str
    fills: int
    equal_fills: int
    equal: bool
    final_equity: float
    first: Side | None
    second: Side | None
    explanation: str


@dataclass(frozen=True, eq=False, repr=False)
class Verification:
    """What ``al.verify`` found; it shows itself in a notebook.

    Attributes:
        strategy: Name of the strategy's class.
        data: Name of the data.
        engine: Name of the first engine, with which the others are compared.
        equal: Whether all engines have the same fills.
        comparisons: One for each other engine.
        results: Every engine's :class:`~alphintra.result.Result` by its name.
    """

    strategy: str
    data: str
    engine: str
    equal: bool
    comparisons: tuple[Comparison, ...]
    results: Mapping[str, Result]

    def to_pandas(self) -> pd.DataFrame:
        """Return one row for each engine, the first included.

        Columns: ``fills``, ``equal_fills``, ``equal``, ``final_equity``, and of the first differing fill ``time``,
        ``symbol``, ``price``, ``quantity``, ``rule`` of that engine (empty where it has no such fill), then
        ``explanation``.
        """
        frame: pd.DataFrame = engine("verify_view").frame(self)
        return frame

    def __repr__(self) -> str:
        """Return one line for each engine, and the first difference of each."""
        return str(engine("verify_view").plain(self))

    def _repr_html_(self) -> str:
        """Return the same with bars and order histories, as static HTML for light and dark pages."""
        return str(engine("verify_view").html(self))


def verify(
    strategy: type[Strategy], data: Any, engines: Sequence[str | tuple[str, Mapping[str, Any]]], **options: Any
) -> Verification:
    """Run a strategy under several engines or profiles and find the first fill at which each parts from the first.

    Two fills are the same with the same time, symbol and side, and quantity, price and commission within 1e-9
    relative. Later fills follow from the first difference, so only that one is shown: with both bars (the fill's and
    the decision's), the order's whole history on each side, and the rule that each used.

    Args:
        strategy: The class (not an instance).
        data: As in :func:`~alphintra.backtesting.backtest`.
        engines: At least two, each the name of a profile (``"default"``, ``"backtrader"``) or a pair of a name of your
            own and a dict of what ``al.backtest`` takes, for example ``("touch", {"limit_fill": "touch"})``. The first
            is the one that the others are compared with.
        options: Everything else that ``al.backtest`` takes, for all engines; an engine's own dict goes before it.

    Returns:
        A :class:`Verification`.

    Raises:
        RuleError: An engine does not exist (the nearest is named), has an option that does not, or has the name of
            another one.
        AlphintraError: A run failed; a note on the error names the engine.
    """
    found: Verification = engine("verify").verify(strategy, data, engines, options)
    return found
