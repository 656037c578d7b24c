"""``al.monte_carlo``: what else could have happened to a strategy: returns, trades or prices drawn again (M8)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ._engine import engine

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from .result import Result
    from .strategy import Strategy

    F64 = npt.NDArray[np.float64]

#: What ``method=`` can name.
METHODS = ("returns", "trades", "prices", "order")
BANDS = (5, 25, 50, 75, 95)
"""Percentiles that are shown (M8)."""
PATHS = 1_000
PRICE_PATHS = 100
"""Paths of ``method="prices"``, each a whole run."""


def monte_carlo(
    result: Result,
    method: str = "returns",
    *,
    paths: int | None = None,
    seed: int = 0,
    block: float | None = None,
    strategy: type[Strategy] | None = None,
    data: Any = None,
    noise: float = 0.25,
    progress: Callable[[float, str], None] | None = None,
    cancel: Any = None,
) -> MonteCarlo:
    """Draw many paths that a strategy could have taken, and show where the account and each metric would lie.

    ``"returns"``: stationary bootstrap (Politis and Romano 1994) of the session returns: blocks of random length are
    drawn with replacement, with the same sessions for the benchmark. Blocks keep what is next to each other together.

    ``"trades"``: closed trades are drawn with replacement, each with its return on the account at its entry. Trades
    that overlap are refused: they shared the account, so they are not one after the other.

    ``"prices"``: the strategy is run again on prices with noise; splits, dividends, ticks and low ≤ open, close ≤
    high are kept. It shows how much a result hangs on the exact prices.

    ``"order"``: the session returns in another order, none drawn twice. All paths end at the same value: only their
    drawdown says something.

    Args:
        result: A finished run.
        method: One of the four.
        paths: Number of paths: 1,000, or 100 with ``"prices"``.
        seed: Seed of the draws; the same seed gives the same paths.
        block: Mean length of the blocks in sessions, for ``"returns"``;
            ``arch.bootstrap.optimal_block_length`` (Politis and White 2004) where None.
        strategy: The strategy's class, for ``"prices"``.
        data: Data to add noise to, for ``"prices"``; what the run read where None.
        noise: Standard deviation of the noise on each bar's return, as a fraction of the returns' own over the last
            20 bars, for ``"prices"``.
        progress: Called with the finished fraction and a text; what it raises ends the work.
        cancel: Anything with ``is_set()``, such as ``threading.Event``; set, it ends the work.

    Returns:
        A :class:`MonteCarlo`.

    Raises:
        ParameterError: An argument is wrong; trades overlap (``OVERLAPPING_TRADES``, with the pair); too few sessions
            or trades; an account that was ruined.
        Cancelled: ``cancel`` was set.
        AlphintraError: With ``"prices"``, every path failed; the error of the first.
    """
    found: MonteCarlo = engine("monte_carlo").run(
        result,
        method,
        paths=paths,
        seed=seed,
        block=block,
        strategy=strategy,
        data=data,
        noise=noise,
        progress=progress,
        cancel=cancel,
    )
    return found


@dataclass(frozen=True, eq=False, repr=False)
class MonteCarlo:
    """What ``al.monte_carlo`` returns; it shows itself in a notebook.

    Attributes:
        run: ``Result.run`` of the run that it is about.
        method: ``returns``, ``trades``, ``prices`` or ``order``.
        paths: Number of paths.
        seed: Seed of the draws.
        starting_cash: Account value before the first session or trade.
        axis: Session of each point in days since 1970-01-01, or the trade's number from 1; shape (T,), int64.
        curves: ``equity`` and ``drawdown``: percentiles :data:`BANDS` of the paths at each point, shape (5, T).
            ``method="order"`` has drawdown alone.
        own: The run's own ``equity`` and ``drawdown`` at the same points, shape (T,).
        values: Metrics by name: one value a path, shape (paths,), NaN where undefined.
        own_values: The run's own metrics, computed from the same series as the paths'.
        block: Mean length of the blocks in sessions, with ``returns``.
        noise: Size of the noise, with ``prices``.
        failed: Paths whose run failed, with ``prices``; they are in no number.
        notes: What has to be known about the numbers.
    """

    run: Mapping[str, Any]
    method: str
    paths: int
    seed: int
    starting_cash: float
    axis: npt.NDArray[np.int64]
    curves: Mapping[str, F64]
    own: Mapping[str, F64]
    values: Mapping[str, F64]
    own_values: Mapping[str, float]
    block: float | None = None
    noise: float | None = None
    failed: int = 0
    notes: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        """Return one line: what was drawn, and the band of the figure that matters most."""
        name = "sharpe_ratio" if "sharpe_ratio" in self.values else "total_return"
        name = name if name in self.values else "max_drawdown"
        row = self.bands.loc[name]
        head = f"MonteCarlo({self.run['strategy']} on {self.run['dataset']}, {self.method}, {self.paths:,} paths"
        return f"{head}: {name} {row['actual']:.4f}, 90 % of paths within {row[5]:.4f} and {row[95]:.4f})"

    @property
    def equity(self) -> pd.DataFrame:
        """Percentiles of the paths' equity at each session or trade, and the run's own in ``actual``.

        Raises:
            ParameterError: ``method="order"``: every path ends where the run did.
        """
        return self._curve("equity")

    @property
    def drawdown(self) -> pd.DataFrame:
        """Percentiles of the paths' drawdown (≤ 0) at each session or trade, and the run's own in ``actual``."""
        return self._curve("drawdown")

    def _curve(self, name: str) -> pd.DataFrame:
        import pandas as pd

        from .errors import ParameterError

        if name not in self.curves:
            raise ParameterError(
                "paths that differ in their order alone all end at the same equity: there is no band of it",
                where=name,
                hint='look at drawdown, or use method="returns"',
            )
        frame = pd.DataFrame(self.curves[name].T, index=self._index, columns=list(BANDS))
        frame["actual"] = self.own[name]
        return frame

    @cached_property
    def _index(self) -> pd.Index:
        import pandas as pd

        if self.method == "trades":
            return pd.Index(self.axis, name="trade")
        return pd.DatetimeIndex(self.axis.astype("datetime64[D]").astype("datetime64[us]"), name="session")

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Metrics of each path, one row a path; NaN where undefined."""
        import pandas as pd

        return pd.DataFrame(dict(self.values), index=pd.RangeIndex(self.paths, name="path"))

    @cached_property
    def bands(self) -> pd.DataFrame:
        """One row a metric: ``actual``, percentiles 5 to 95 of the paths, and the share of paths ``below`` the actual.

        Paths in which a metric is undefined are left out and counted in ``undefined``.
        """
        frame: pd.DataFrame = engine("monte_carlo.bands").table(self)
        return frame

    @property
    def probability_of_loss(self) -> float:
        """Share of paths that end below the starting cash; NaN with ``method="order"``."""
        returns = self.values.get("total_return")
        return float("nan") if returns is None else float((returns < 0).mean())

    def probability_of_drawdown(self, beyond: float) -> float:
        """Return the share of paths whose deepest drawdown is ``beyond`` or deeper.

        Args:
            beyond: A fraction, such as 0.2 for 20 % (its sign does not matter).
        """
        return float((self.values["max_drawdown"] <= -abs(beyond)).mean())

    def study(self) -> Any:
        """Return it as a page (``alphintra_backtest.study.Study``): the source of all its views."""
        return engine("monte_carlo.view").study(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the bands, and how they were made, as plain values (undefined: ``None``)."""
        plain: dict[str, Any] = engine("monte_carlo.bands").plain(self)
        return plain

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Show it in a notebook."""
        bundle: dict[str, Any] = engine("study_bundle").bundle(self.study())
        return bundle
