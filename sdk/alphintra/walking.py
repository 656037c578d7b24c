"""``al.walk_forward``: parameters chosen on one stretch of data and traded on the next, window after window (W1)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._engine import engine
from ._pages import kept
from .errors import StrategyError
from .repeating import remember_of

if TYPE_CHECKING:
    import pandas as pd

    from .overfitting import Judgement
    from .result import Result
    from .strategy import Strategy


def walk_forward(
    strategy: type[Strategy],
    data: Any,
    grid: Mapping[str, Any],
    *,
    train: int | str,
    test: int | str,
    step: int | str | None = None,
    anchored: bool = False,
    purge: int = 0,
    metric: str = "sharpe_ratio",
    maximize: bool | None = None,
    min_trades: int = 10,
    flatten: bool = False,
    constraint: Callable[[Any], Any] | str | None = None,
    executor: str = "auto",
    workers: int | None = None,
    progress: bool | Callable[[float, str], None] | None = True,
    cancel: Any = None,
    **options: Any,
) -> WalkForward:
    """Choose parameters in each training window, trade them in the test window that follows, on one account.

    In each window every point of the grid is run on the training window, and the one with the best ``metric``
    among those with at least ``min_trades`` closed trades is traded in the test window; of equal ones the first in
    grid order. Where no variant qualifies nobody trades, and what is held is closed at the first open. Indicators
    warm up on all data before a window.

    One account goes through all test windows. At a window's last close the instance's ``on_stop`` is called and its
    working orders are cancelled, protective stops and targets included; a new instance with the new parameters takes
    over cash and positions.

    A strategy with ``fit(self, history)`` is fitted before ``on_start``, at the start of each test window, on the
    purged training window: a DataFrame with the columns ``open, high, low, close, volume`` and close times as index,
    or a dict of one for each symbol where there are several. In the runs that choose parameters it is fitted on the
    training window that they are measured on, so their metrics are in-sample for the model too.

    Args:
        strategy: The class (not an instance).
        data: As in :func:`~alphintra.backtesting.backtest`.
        grid: Parameter → values: a range, list or array, or one value that is not varied. The last one varies fastest.
        train: Length of a training window: a number of sessions, or a duration such as ``"2Y"``, ``"6M"``, ``"8W"``
            or ``"90D"``, which holds the sessions from a date up to the date one duration later.
        test: Length of a test window. The last one is kept where the data cuts it short.
        step: From one test window's start to the next; ``test`` where None. Less than ``test`` is refused; with more,
            the account stands in cash in between.
        anchored: Every training window begins at the first session; else it has the length ``train``.
        purge: Bars dropped at the end of each training window, for labels that look this far ahead.
        metric: Metric to choose by.
        maximize: Whether more of it is better; None: as the metric says.
        min_trades: Closed trades that a variant needs in training.
        flatten: Close all positions at each window's end: market orders for the next open, with their costs.
        constraint: Which combinations run: ``lambda p: p.fast < p.slow``, or the same as text, ``"fast < slow"``.
        executor: Where variants run: ``"auto"``, ``"serial"``, ``"threads"``, ``"processes"`` or ``"dask://HOST:PORT"``,
            as for :func:`~alphintra.sweeping.sweep`. The results are the same.
        workers: Threads or processes; the machine's cores where None.
        progress: A line that changes, in a notebook or terminal; or a function of the finished fraction and a text.
        cancel: An event (``is_set()``) that ends the work when another thread sets it.
        options: Everything else that ``al.backtest`` takes, for all runs; ``start`` is the first session of the first
            training window.

    Returns:
        A :class:`WalkForward`.

    Raises:
        ParameterError: A window that is longer than the data or makes no sense, a grid of nothing or too much, a metric
            that does not exist; names the argument.
        StrategyError: Every variant of a window failed; the first one's reason.
        Cancelled: ``cancel`` was set.
        AlphintraError: As ``al.backtest`` for data and options.
    """
    try:
        found: WalkForward = engine("walk_forward.walk").run(
            strategy, data, grid, train=train, test=test, step=step, anchored=anchored, purge=purge, metric=metric,
            maximize=maximize, min_trades=min_trades, flatten=flatten, constraint=constraint, executor=executor,
            workers=workers, progress=progress, cancel=cancel, options=options,
        )  # fmt: skip
    except StrategyError as error:
        remember_of(error, strategy, data, options)
        raise
    return found


@dataclass(frozen=True, eq=False, repr=False)
class WalkForward:
    """What a walk-forward led to; returned by :func:`walk_forward`.

    Attributes:
        result: The account through all test windows, as a :class:`~alphintra.result.Result`.
        settings: How windows were laid out and parameters chosen, as in ``result.run["walk_forward"]``.
        columns: The windows as columns.
        tried: The trials as columns.
        held: What came of each parameter set when it was held through all test windows, in grid order.
    """

    result: Result
    settings: Mapping[str, Any]
    columns: Mapping[str, list[Any]]
    tried: Mapping[str, list[Any]]
    held: Sequence[Any]

    def __repr__(self) -> str:
        """Return one line."""
        metric = self.settings["metric"]
        return (
            f"WalkForward({self.result.run['strategy']} on {self.result.run['dataset']}: "
            f"{len(self.columns['window'])} windows, {self.settings['variants']} variants, "
            f"{metric} {self.result.metrics[metric]:.4g}, efficiency {self.efficiency['annualized_return']:.4g})"
        )

    @cached_property
    def windows(self) -> pd.DataFrame:
        """One row a window, indexed by its number from 1.

        ``train_start`` and ``train_end`` are the first and last session of training, ``purged_end`` is the close time
        of the last bar that it used, ``test_start`` and ``test_end`` are sessions. ``params`` holds all parameters
        (None: nobody traded), ``train_metric`` and ``test_metric`` the metric of the chosen variant in training and
        of the account in the test window, ``train_return`` and ``test_return`` the annualised returns, ``efficiency``
        test over train return (NaN where the latter is not above 0, or the data cuts the window short),
        ``train_trades`` and ``trades`` the closed trades, ``note`` what is to be said.
        """
        import pandas as pd

        frame = pd.DataFrame(dict(self.columns)).set_index("window")
        for name in ("train_start", "train_end", "test_start", "test_end"):
            frame[name] = pd.to_datetime(frame[name])
        frame["purged_end"] = pd.to_datetime(frame["purged_end"], unit="us", utc=True)
        return frame

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Chosen value of each parameter of the grid (columns) in each window (rows); None where nobody traded."""
        import pandas as pd

        chosen = self.columns["params"]
        values = {n: pd.array([None if p is None else p[n] for p in chosen], dtype=object) for n in self.grid}
        return pd.DataFrame(values, index=pd.Index(self.columns["window"], name="window"))

    @property
    def grid(self) -> dict[str, list[Any]]:
        """Values by parameter, as they were given."""
        grid: dict[str, list[Any]] = self.settings["grid"]
        return grid

    @cached_property
    def stability(self) -> pd.DataFrame:
        """How stable the choice was, one row a parameter of the grid.

        ``windows`` counts those in which something was chosen, ``values`` the distinct values among them, ``most``
        is the most frequent one (of equals the first in grid order) and ``share`` its share of these windows.
        ``changes`` counts how often the value differs from that of the chosen window before, ``mean_step`` is the
        mean distance between the two in places of the grid (0: never changed), NaN with fewer than two windows.
        """
        import pandas as pd

        rows = {name: _stability(self.parameters[name].tolist(), values) for name, values in self.grid.items()}
        names = ("windows", "values", "most", "share", "changes", "mean_step")
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(names))
        return frame.rename_axis("parameter")

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Every run of every training window: ``window``, ``number`` in grid order, the grid's parameters, metrics.

        ``chosen`` marks the one that was traded, ``error`` says why a run failed. A column whose name a parameter has
        is called ``NAME_trial``: ``window_trial`` beside a parameter ``window``.
        """
        import pandas as pd

        def column(name: str) -> str:
            return f"{name}_trial" if name in self.grid else name

        varied = {name: [p[name] for p in self.tried["params"]] for name in self.grid}
        head = {column(name): self.tried[name] for name in ("window", "number")}
        others = [name for name in self.tried if name not in ("window", "number", "params")]
        rest = {column(name): self.tried[name] for name in others}
        return pd.DataFrame({**head, **varied, **rest})

    @cached_property
    def landscape(self) -> pd.DataFrame:
        """Training metric of every variant (columns, in grid order) in each window (rows); NaN where undefined.

        With one parameter in the grid the columns are its values, else tuples of values.
        """
        import numpy as np
        import pandas as pd

        windows, names = self.columns["window"], list(self.grid)
        values = np.array(self.tried[self.settings["metric"]], dtype=np.float64).reshape(len(windows), -1)
        points = [tuple(p[name] for name in names) for p in self.tried["params"][: values.shape[1]]]
        frame = pd.DataFrame(values, index=pd.Index(windows, name="window"))
        frame.columns = pd.Index([p[0] for p in points] if len(names) == 1 else points, tupleize_cols=False)
        return frame

    @cached_property
    def efficiency(self) -> dict[str, float]:
        """Out of sample over in sample: ``annualized_return``, and the metric that was chosen by.

        The account's value over the sessions of all test windows, divided by the mean of the chosen variants' in
        training; NaN where that mean is not above 0. Sessions between windows, where the account stands in cash, are
        left out. A walk keeps what it promised at 1; Pardo asks for 0.5 at least.
        """
        traded = engine("walk_forward.record").within_windows(self.result, self.columns)
        metric = self.settings["metric"]
        asked = {"annualized_return": "train_return", metric: "train_metric"}
        return {name: _over(traded[name], self.columns[column]) for name, column in asked.items()}

    @cached_property
    def judgement(self) -> Judgement:
        """How much of the account's Sharpe ratio may be luck (M6, M7), against every variant on the same sessions.

        The trials are all variants, each held through all test windows, the account itself, and what the trial log
        has of earlier runs. A parameter set counts once, however many windows tried it.
        """
        found: Judgement = engine("walk_forward.judged").judgement(self)
        return found

    def study(self) -> Any:
        """The page that a notebook, the panel and a report show."""
        return engine("walk_forward.page").study(self)

    def report(self, path: str | Path | None = None) -> str | Path:
        """Write the walk as one HTML page that needs nothing else, or return its text.

        Args:
            path: File to write.

        Returns:
            The path that was written, or the HTML where no path was given.
        """
        page: str = engine("study_page").page(self.study().payload())
        return kept(page, path)

    def to_dict(self) -> dict[str, Any]:
        """Return the account's run, the windows, efficiency and stability as plain values (undefined: ``None``)."""
        names = list(self.columns)
        rows = zip(*(self.columns[name] for name in names), strict=True)
        windows = [dict(zip(names, row, strict=True)) for row in rows]
        for window in windows:
            window["purged_end"] = engine("walk_forward.record").instant(window["purged_end"])
        content: dict[str, Any] = engine("plain_json").plain(
            {
                "run": self.result.run,
                "metrics": self.result.metrics,
                "undefined": self.result.undefined,
                "windows": windows,
                "efficiency": self.efficiency,
                "stability": self.stability.to_dict("index"),
            }
        )
        return content

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Show the walk in a notebook."""
        bundle: dict[str, Any] = engine("study_bundle").bundle(self.study())
        return bundle


def _stability(chosen: Sequence[Any], grid: Sequence[Any]) -> tuple[Any, ...]:
    """One row of ``WalkForward.stability``."""
    known = [value for value in chosen if value is not None]
    if not known:
        return 0, 0, None, math.nan, 0, math.nan
    most = max(grid, key=known.count)
    places = [list(grid).index(value) for value in known]
    steps = [abs(b - a) for a, b in itertools.pairwise(places)]
    mean = sum(steps) / len(steps) if steps else math.nan
    return len(known), len(set(known)), most, known.count(most) / len(known), sum(s > 0 for s in steps), mean


def _over(value: float, before: Sequence[float]) -> float:
    """A value over the mean of what is known of those before; NaN where that is not above 0."""
    known = [v for v in before if math.isfinite(v)]
    mean = sum(known) / len(known) if known else math.nan
    return value / mean if mean > 0 else math.nan
