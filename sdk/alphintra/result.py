"""The result of a run: curves, tables, metrics, and how they are shown and stored."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra._engine import engine
from alphintra._pages import kept

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from alphintra.checking import Check
    from alphintra.data.market import MarketData
    from alphintra.overfitting import Judgement

    F64 = npt.NDArray[np.float64]
    I64 = npt.NDArray[np.int64]
    I32 = npt.NDArray[np.int32]

MIME_TYPE = "application/vnd.alphintra.result.v1+json"
"""What a notebook stores of a result; drawn by the Lab extension."""


class _Made:
    # An array, or a function that makes it when it is first read.

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            raise AttributeError(self._name)  # a dataclass takes what it reads here for a default
        value = vars(instance)[self._name]
        if callable(value):
            value = vars(instance)[self._name] = value()
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self._name] = value


@dataclass(eq=False)
class Curves:
    """The account over time: arrays of length T, from one bar before the first ``on_bar``.

    The last four may be given as functions that make them when they are first read.

    Attributes:
        time: Close time of each bar, int64 microseconds since 1970-01-01 UTC.
        session: Session of each bar, int32 days since 1970-01-01.
        equity: Cash plus positions at their last close.
        cash: Cash alone.
        exposure: Sum over the symbols of the size of their market value.
        in_market: Whether there is a position at the close.
        benchmark: Value of the benchmark, NaN where there is none.
    """

    time: I64
    session: I32
    equity: F64
    cash: Any = _Made()
    exposure: Any = _Made()
    in_market: Any = _Made()
    benchmark: Any = _Made()

    def __len__(self) -> int:
        """Return T."""
        return len(self.time)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in vars(self)}


@dataclass(eq=False)
class IndicatorSeries:
    """An indicator that the strategy declared, for the chart.

    Attributes:
        name: What the legend says, such as ``SMA(20)``.
        symbol: The symbol on whose bars it is computed.
        values: One value per bar of that symbol (all bars, warm-up included); NaN until defined.
        overlay: Drawn over the candles (a price) rather than in a panel of its own.
    """

    name: str
    symbol: str
    values: F64
    overlay: bool = True


@dataclass(eq=False, repr=False)
class Result:
    """What a backtest returns.

    It shows itself in a notebook; its tables and series are pandas objects, made when first asked for.

    Attributes:
        run: What identifies the run: ``id``, strategy, dataset and their hashes, parameters, seed,
            engine version, configuration.
        assumptions: What the numbers rest on, each ``{code, text, level, rule, items}``.
        curves: The account over time.
        columns: The tables ``orders``, ``fills``, ``trades``, ``positions``, ``recorded`` and
            ``events`` as columns; times in int64 microseconds.
        market: The data that the run read.
        indicators: Indicators for the chart.
        logs: ``(time, text)`` of each ``self.log()``.
        counts: How often something that needs saying happened, such as ``ambiguous`` or
            ``rejected:INSUFFICIENT_FUNDS``.
        analyzers: With ``engine="backtrader"``: the result of each analyzer by name, in plain dicts.
        check: What the check for look-ahead found, ``None`` where the run was not checked.
    """

    run: dict[str, Any]
    assumptions: list[dict[str, Any]]
    curves: Curves
    columns: Mapping[str, dict[str, Any]]
    market: MarketData
    indicators: list[IndicatorSeries] = field(default_factory=list)
    logs: list[tuple[int, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    analyzers: dict[str, Any] = field(default_factory=dict)
    check: Check | None = None

    def __repr__(self) -> str:
        """Return one line: strategy, data, and the figures that matter most."""
        return str(engine("plain_text").one_line(self))

    # Numbers ---------------------------------------------------------------------------------

    @cached_property
    def _summary(self) -> Any:
        """All metrics at once: they share their inputs."""
        configuration = self.run["configuration"]
        return engine("metrics.summary").summarize(
            self.curves,
            self.columns.get("trades", {}),
            self.columns.get("fills", {}),
            starting_cash=float(configuration["cash"]),
            periods_per_year=float(self.run["periods_per_year"]),
            risk_free_rate=float(configuration.get("risk_free_rate") or 0.0),
            flows=self.columns.get("cash_flows"),
        )

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics by name; NaN where undefined, with the reason in :attr:`undefined`.

        Fractions are fractions, not percent; drawdowns are ≤ 0; durations are seconds.
        """
        metrics: dict[str, float] = self._summary.metrics
        return metrics

    @property
    def undefined(self) -> dict[str, str]:
        """Why a metric is undefined, by its name."""
        undefined: dict[str, str] = self._summary.undefined
        return undefined

    @property
    def benchmark_metrics(self) -> dict[str, float]:
        """The benchmark's return, risk and drawdown under the same names; empty without a benchmark."""
        benchmark: dict[str, float] = self._summary.benchmark
        return benchmark

    @property
    def dropped_sessions(self) -> int:
        """Sessions left out of correlation, alpha and beta because the benchmark has no value there."""
        return int(self._summary.dropped_sessions)

    @cached_property
    def overfitting(self) -> Judgement:
        """How much of the Sharpe ratio may be luck (M6): PSR, and DSR over all earlier recorded runs of this strategy.

        Earlier runs of the same strategy on the same data are counted in the trial log when this is first read. V of
        DSR is the variance of the Sharpe ratios of those that ran on the same sessions, this run's included.
        """
        from alphintra import trials

        sharpe_and_sample = engine("overfitting.sample").sample(self)
        before = trials.earlier(self.run, sharpe_and_sample[1])
        rate = float(self.run["configuration"].get("risk_free_rate") or 0.0)
        periods_per_year = float(self.run["periods_per_year"])
        judgement: Judgement = engine("overfitting").judge(
            self.returns.to_numpy(),
            periods_per_year,
            0,
            before.count,
            before.since,
            earlier_spread=before.spread,
            risk_free=engine("metrics").per_period(rate, periods_per_year),
        )
        return judgement

    # Series and tables -----------------------------------------------------------------------

    @cached_property
    def equity(self) -> pd.Series:
        """Account value at each bar's close (UTC index)."""
        import pandas as pd

        return pd.Series(self.curves.equity, index=_time_index(self.curves.time), name="equity")

    @cached_property
    def returns(self) -> pd.Series:
        """Return of each session, the first from the starting cash; indexed by session date."""
        import numpy as np
        import pandas as pd

        sampled = engine("metrics.sampling").session_returns(
            self.curves.equity, self.curves.session, float(self.run["configuration"]["cash"])
        )
        dates = pd.DatetimeIndex(sampled.session.astype("datetime64[D]").astype("datetime64[us]"))
        return pd.Series(np.asarray(sampled.returns), index=dates.rename("session"), name="returns")

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Round trips, open ones included (their exit and P&L are empty)."""
        return self._frame("trades")

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Every order with its final state and reason."""
        return self._frame("orders")

    @cached_property
    def fills(self) -> pd.DataFrame:
        """Every fill with its price, costs and the rule that made it."""
        return self._frame("fills")

    @cached_property
    def positions(self) -> pd.DataFrame:
        """Position of each symbol at the bars where its quantity changed."""
        return self._frame("positions")

    @cached_property
    def recorded(self) -> pd.DataFrame:
        """What ``self.record()`` kept, one column per name."""
        return self._frame("recorded")

    @cached_property
    def events(self) -> pd.DataFrame:
        """The order log: every change of an order's state, in order, with reason, rule and the price's source."""
        return self._frame("events")

    @cached_property
    def cash_flows(self) -> pd.DataFrame:
        """Money that moved without a fill (dividends, paid fractions, borrow cost, interest), and splits."""
        return self._frame("cash_flows")

    def _frame(self, table: str) -> pd.DataFrame:
        """Build one table."""
        from alphintra import result_tables

        return result_tables.frame(table, self.columns.get(table, {}))

    def replay(self, at: Any = None, debug: bool | None = None) -> Any:
        """Stand in this run at any bar, as ``alphintra.replay`` does, with the class and the data that made it.

        Args:
            at: A date, a time, or a bar's index; before the first ``on_bar`` where None.
            debug: As for ``alphintra.replay``.

        Raises:
            ReplayError: ``NOT_MADE_HERE``: the result was not made by a backtest of this process, or by another engine.
        """
        from alphintra.errors import ReplayError
        from alphintra.repeating import kept
        from alphintra.replaying import replay

        asked = kept(self)
        if asked is None:
            raise ReplayError(
                "this result was not made by al.backtest in this process, which knows no strategy to repeat it with",
                code="NOT_MADE_HERE", hint="al.replay(Strategy, data, at=…) with the same arguments",
            )  # fmt: skip
        return replay(asked.strategy, asked.data, at=at, debug=debug, **asked.options)

    # Shown and stored ------------------------------------------------------------------------

    @cached_property
    def view(self) -> dict[str, Any]:
        """The payload that the interactive view draws (at most 1 MB as JSON)."""
        payload: dict[str, Any] = engine("view").payload(self)
        return payload

    def plot(self) -> Any:
        """Return a Plotly figure: candles with trades, equity against benchmark, drawdown."""
        return engine("figure").figure(self.view)

    def report(
        self,
        path: str | Path | None = None,
        *,
        walk_forward: Any = None,
        sweep: Any = None,
        monte_carlo: Any = None,
    ) -> str | Path:
        """Write one self-contained HTML page, or return its text.

        It needs no network and no other file, follows the reader's light or dark theme, and prints.

        Args:
            path: File to write.
            walk_forward: What ``al.walk_forward`` returned, to be part of the page.
            sweep: What ``al.sweep`` returned, to be part of the page.
            monte_carlo: What ``al.monte_carlo`` returned, to be part of the page.

        Returns:
            The path that was written, or the HTML where no path was given.

        Raises:
            ParameterError: One of the studies is of another strategy or other data (``ANOTHER_RUN``).
        """
        page: str = engine("report").page(
            self, walk_forward=walk_forward, sweep=sweep, monte_carlo=monte_carlo
        )
        return kept(page, path)

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`to_json` writes as plain dicts, lists and numbers (undefined: ``None``)."""
        from alphintra import result_tables

        trades = result_tables.rows("trades", self.columns.get("trades", {}))
        for trade in trades:
            trade["id"] = str(trade["id"])
        content: dict[str, Any] = {
            "run": self.run,
            "assumptions": engine("notices").notices(self),
            "metrics": self.metrics,
            "undefined": self.undefined,
            "trades": trades,
            "fills": result_tables.rows("fills", self.columns.get("fills", {})),
            "orders": result_tables.rows("orders", self.columns.get("orders", {})),
        }
        plain: dict[str, Any] = engine("plain_json").plain(content)
        return plain

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the run as JSON: run, assumptions, metrics, undefined, trades, fills, orders.

        Times are ISO 8601 with ``Z``; numbers have the shortest text that reads back as the same
        number; undefined is ``null`` with a reason in ``undefined``.
        """
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=indent)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Show the result in a notebook: interactive, static HTML, picture and text."""
        makers: dict[str, Callable[[], Any]] = {
            MIME_TYPE: lambda: self.view,
            "text/html": lambda: engine("static_html").fragment(self.view),
            "image/png": lambda: base64.b64encode(engine("png").draw(self.view)).decode("ascii"),
            "text/plain": lambda: engine("plain_text").summary(self.view),
        }
        return {
            mime: make()
            for mime, make in makers.items()
            if (not include or mime in include) and mime not in (exclude or ())
        }


def _time_index(time: I64) -> pd.DatetimeIndex:
    """Return int64 microseconds as a UTC index."""
    import numpy as np
    import pandas as pd

    stamps = np.asarray(time, dtype=np.int64).view("datetime64[us]")
    return pd.DatetimeIndex(stamps, name="time").tz_localize("UTC")
