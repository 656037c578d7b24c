"""``al.sweep``: one strategy with many parameter sets, and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ._engine import engine
from ._pages import kept
from .errors import StrategyError
from .repeating import remember_of

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from .data.market import MarketData
    from .overfitting import Judgement
    from .result import Result
    from .strategy import Strategy


def sweep(
    strategy: type[Strategy],
    data: Any,
    grid: Mapping[str, Any] | None = None,
    *,
    constraint: Callable[[Any], Any] | str | None = None,
    metric: str = "sharpe_ratio",
    metrics: Literal["auto", "all"] = "auto",
    maximize: bool | None = None,
    method: Literal["grid", "random", "optuna"] = "grid",
    trials: int | None = None,
    seed: int = 0,
    executor: str = "auto",
    workers: int | None = None,
    progress: bool | Callable[[float, str], None] | None = True,
    resume: bool | str | Path | None = None,
    cancel: Any = None,
    **options: Any,
) -> Sweep:
    """Backtest a strategy with many parameter sets on the same data, and rank them.

    The results are the same, in the same order, whatever the executor. One that is broken off (an interrupt, a
    cluster that goes away) keeps what is finished: the same call with ``resume=True`` goes on.

    Args:
        strategy: The class (not an instance).
        data: As in :func:`~alphintra.backtesting.backtest`; it is read once.
        grid: Parameter → values: a range, list or array, or one value that is not varied. The last parameter varies
            fastest. With ``random`` and ``optuna``, a tuple of two numbers is everything between them, and a
            parameter that is left out is drawn between its own ``low`` and ``high``, or from its ``choices``.
        constraint: Which combinations run: ``lambda p: p.fast < p.slow``, or the same as text, ``"fast < slow"``.
        metric: Name in ``Result.metrics`` by which the variants are ranked. Undefined ranks last, equals rank in their
            order.
        metrics: ``all``: each variant has every metric of a result. ``auto``: of ``signals``, those at the top of a
            result are enough (unless ``metric`` is another), and variants run many at once.
        maximize: Whether more of it is better; None: as the metric says.
        method: ``grid`` runs all combinations, ``random`` draws some, each different, ``optuna`` searches (TPE); it is
            asked in batches of 8, so a seed always gives the same search.
        trials: Number of variants with ``random`` and ``optuna``; 100 where None.
        seed: Seed of the drawing, and of each run's ``self.rng``.
        executor: ``serial``, ``threads``, ``processes`` or ``dask://HOST:PORT`` (a Dask scheduler of your own; extra
            ``alphintra[dask]``). ``auto``: threads for ``signals``; for ``on_bar``, processes once they are worth
            their start.
        workers: Threads or processes; as many as there are cores where None.
        progress: A line that changes, in a notebook or terminal; or a function of the finished fraction and a text.
        resume: A file that keeps what is finished and is read at the start, or True for one in the data folder.
        cancel: An event (``is_set()``) that ends the sweep when another thread sets it.
        options: Everything else that ``al.backtest`` takes: ``start``, ``end``, ``cash``, ``commission``, …

    Returns:
        A :class:`Sweep`.

    Raises:
        ParameterError: A parameter does not exist or has no such value; a grid of nothing (``EMPTY_GRID``) or of too
            much (``GRID_TOO_LARGE``), a constraint that allows nothing (``NOTHING_ALLOWED``).
        ExecutorError: There is no such executor; a worker died (``WORKER_DIED``, which names the variant); a cluster
            cannot be reached or went away.
        Cancelled: ``cancel`` was set.
        StrategyError: Every variant failed; the first one's reason. Where only some fail, the table names them.
        AlphintraError: As ``al.backtest`` for data and options.
    """
    try:
        found: Sweep = engine("sweep.run").run(
            strategy,
            data,
            grid,
            constraint=constraint,
            metric=metric,
            metrics=metrics,
            maximize=maximize,
            method=method,
            trials=trials,
            seed=seed,
            executor=executor,
            workers=workers,
            progress=progress,
            resume=resume,
            cancel=cancel,
            options=options,
        )
    except StrategyError as error:
        remember_of(error, strategy, data, {**options, "seed": seed})
        raise
    return found


@dataclass(eq=False, repr=False)
class Sweep:
    """What ``al.sweep`` returns; it shows itself in a notebook.

    Attributes:
        run: What identifies the sweep, as in ``Result.run``; ``parameters`` says what was varied.
        variants: What came of each parameter set, in grid order: ``number``, ``params``, ``metrics``, ``returns``,
            ``error``.
        metric: Name of the metric by which they are ranked.
        maximize: Whether more of it is better.
        method: ``grid``, ``random`` or ``optuna``.
        default: The run with the default parameters, for comparison; it is no variant unless the grid has it.
        resumed: How many were taken from the file of an earlier attempt.
        strategy: The class.
        market: The data.
        options: Keyword arguments of ``al.backtest``.
        axes: The parameters that were varied, with their values or intervals.
        constraint: The constraint as it was given.
    """

    run: dict[str, Any]
    variants: list[Any]
    metric: str
    maximize: bool
    method: str
    default: Any
    resumed: int
    strategy: type
    market: MarketData
    options: dict[str, Any]
    axes: Sequence[Any]
    constraint: Any = None

    def __len__(self) -> int:
        """Return the number of variants."""
        return len(self.variants)

    def __repr__(self) -> str:
        """Return one line: strategy, data, how many, and the best."""
        count = len(self)
        head = f"Sweep({self.run['strategy']} on {self.run['dataset']}, {count:,} variant{'' if count == 1 else 's'}"
        if self.best is None:
            return f"{head}, {self.metric} undefined for all)"
        values = ", ".join(f"{name}={value!r}" for name, value in self.best.items() if name in self.parameters)
        return f"{head}, best {self.metric} {self.variants[self.ranking[0]].metrics[self.metric]:.4f} with {values})"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that were varied."""
        return tuple(axis.name for axis in self.axes)

    @cached_property
    def ranking(self) -> list[int]:
        """Numbers of the variants from best to worst; equals in grid order, undefined last."""
        ranking = engine("sweep.ranking")
        ordered: list[int] = ranking.order(ranking.values_of(self.variants, self.metric), self.maximize).tolist()
        return ordered

    @property
    def best(self) -> dict[str, Any] | None:
        """Every parameter of the best variant; ``None`` where the metric is undefined for all."""
        best = self.variants[self.ranking[0]]
        return dict(best.params) if best.metrics[self.metric] == best.metrics[self.metric] else None

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a variant in grid order: parameters, metrics, and the error of those that failed.

        A metric whose name a parameter has is in the column ``NAME_metric``.
        """
        frame: pd.DataFrame = engine("sweep.ranking").table(self.variants)
        return frame

    @cached_property
    def returns(self) -> pd.DataFrame:
        """Session returns, n sessions by K variants; empty where a variant had not begun, had ended, or failed."""
        import numpy as np
        import pandas as pd

        ranking = engine("sweep.ranking")
        found, days = ranking.matrix(self.variants, ranking.sessions_of(self.market, self.options))
        index = pd.DatetimeIndex(np.asarray(days).astype("datetime64[D]").astype("datetime64[us]"), name="session")
        return pd.DataFrame(found, index=index, columns=pd.RangeIndex(len(self), name="trial"))

    def result(self, number: int) -> Result:
        """Run one variant again and return its whole result; it is no new trial.

        Args:
            number: Its row in :attr:`table`.

        Raises:
            ParameterError: There is no such variant.
            AlphintraError: As its run did.
        """
        from .errors import ParameterError

        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(self):
            raise ParameterError(f"there is no variant {number!r}", hint=f"they are numbered from 0 to {len(self) - 1}")
        run_on = engine("sweep.variant").run_on
        result: Result = run_on(self.strategy, self.market, self.variants[number].params, self.options)
        return result

    def best_result(self) -> Result:
        """Run the best variant again and return its whole result.

        Raises:
            ParameterError: The metric is undefined for all.
        """
        from .errors import ParameterError

        if self.best is None:
            raise ParameterError(f"{self.metric} is undefined for all variants: none is the best", where="metric")
        return self.result(self.ranking[0])

    @cached_property
    def judgement(self) -> Judgement:
        """How much of the best variant may be luck: PSR, DSR and PBO over all variants and earlier runs (M6, M7)."""
        judged: Judgement = engine("sweep.trial_log").judged(self)
        return judged

    def heatmap(self, x: str | None = None, y: str | None = None, *, metric: str | None = None) -> go.Figure:
        """Return a Plotly figure of a metric over two parameters (over one, where one was varied).

        Where more were varied, each cell is the best over the rest; the title says so.

        Args:
            x: Parameter on the horizontal axis; the first that was varied where None.
            y: Parameter on the vertical axis.
            metric: Another metric.

        Raises:
            ParameterError: A parameter that was not varied, or no such metric.
        """
        return engine("sweep.figures").heatmap(self, x, y, metric)

    def parallel(self, metrics: Sequence[str] | None = None) -> go.Figure:
        """Return parallel coordinates (Plotly): each variant a line through its parameters and metrics.

        Args:
            metrics: Names of metrics; the first one colours the lines.

        Raises:
            ParameterError: There is no such metric.
        """
        return engine("sweep.figures").parallel(self, metrics)

    def study(self) -> Any:
        """Return the sweep as a page (``alphintra_backtest.study.Study``): the source of all its views."""
        return engine("sweep.view").study(self)

    def report(self, path: str | Path | None = None) -> str | Path:
        """Write the sweep as one HTML page that needs nothing else, or return its text.

        Args:
            path: File to write.

        Returns:
            The path that was written, or the HTML where no path was given.
        """
        page: str = engine("study_page").page(self.study().payload())
        return kept(page, path)

    def to_dict(self) -> dict[str, Any]:
        """Return run, metric, best and all variants as plain values (undefined: ``None``)."""
        rows = [
            {"number": v.number, "parameters": v.params, "metrics": v.metrics, "error": v.error} for v in self.variants
        ]
        content: dict[str, Any] = engine("plain_json").plain(
            {
                "run": self.run,
                "method": self.method,
                "metric": self.metric,
                "maximize": self.maximize,
                "best": self.best,
                "ranking": self.ranking,
                "variants": rows,
            }
        )
        return content

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Show the sweep in a notebook."""
        bundle: dict[str, Any] = engine("study_bundle").bundle(self.study())
        return bundle
