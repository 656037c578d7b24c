"""What a trader subclasses: events, verbs, state. Everything it does goes to the run it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from ._engine import engine
from .params import declared

if TYPE_CHECKING:
    import numpy as np


class _Features:
    """What ``features=`` gave the run, by name; each column ends with what is known at the current bar.

    A strategy that has a member of this name keeps its own, and cannot be given features.
    """

    def __get__(self, strategy: Strategy | None, kind: type) -> Any:
        return self if strategy is None else strategy._run.features


class Strategy:
    """A trading strategy.

    Override ``on_start`` (declare indicators), ``on_bar`` (decide, once a timestamp), and where wanted
    ``on_fill``, ``on_order`` and ``on_stop``. Decisions are made at a bar's close; a market order fills at
    the symbol's next open.
    """

    #: Shown in reports; the class name where empty.
    title: ClassVar[str] = ""
    #: What must hold, such as ``["sharpe_ratio >= 0.8", "no look-ahead", "same fills"]``; ``al.test`` runs them.
    checks: ClassVar[Sequence[str]] = ()

    _run: Any
    data: Any
    features: Any = _Features()

    # -- events
    # ----------------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Called once before the first bar: declare indicators here; series cannot be read yet."""

    def on_bar(self) -> None:
        """Called at each timestamp once the indicators of at least one symbol are defined."""

    def on_fill(self, fill: Any) -> None:
        """Called for each fill, before ``on_bar`` of the same timestamp."""

    def on_order(self, order: Any) -> None:
        """Called for each change of an order's state, before ``on_bar`` of the same timestamp."""

    def on_stop(self) -> None:
        """Called once after the last bar; orders are refused here."""

    # -- declarations
    # ----------------------------------------------------------------------------------------------

    @classmethod
    def parameters(cls) -> dict[str, dict[str, Any]]:
        """Name → default, low, high, step, type and description of each ``Param``."""
        return {name: p.describe() for name, p in declared(cls).items()}

    def indicator(
        self,
        function: Callable[..., Any],
        *args: Any,
        name: str | None = None,
        overlay: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Compute an indicator once over the whole series and return views of it.

        Where splits are in force (F8) it is computed once for each stretch between two of them, in its shares.

        Args:
            function: Takes float64 arrays (one for each series in ``args``) and other arguments; returns an
                array of the same length or a tuple of them. It must not look ahead: value i may use values up
                to i only.
            args: Series (``self.data.close``, other indicators) and plain values, in the function's order.
            name: Label in charts; the function's name with its plain arguments by default.
            overlay: Draw on the price chart (True) or in a pane of its own (False); guessed where None.
            kwargs: Further plain arguments.

        Returns:
            A :class:`~alphintra.views.Series`, or a tuple of them.
        """
        return self._run.indicator(function, args, kwargs, name, overlay)

    def every(self, schedule: str) -> bool:
        """True at the timestamps of a schedule that the calendar tells in advance.

        Args:
            schedule: ``"session_open"`` (a session's first bar), ``"session_close"`` (the bar that reaches its close,
                half days included); ``"week_start"``, ``"week_end"`` and the same for ``month``, ``quarter`` and
                ``year`` (open of the first, close of the last session); or ``"15:30"``, the first bar of each
                session that closes at or after this time of the exchange (UTC where there is none).

        Raises:
            RuleError: There is no such schedule; the error names the nearest.
        """
        return self._run.every(schedule)  # type: ignore[no-any-return]

    def ready(self, symbol: str | None = None) -> bool:
        """True once all indicators of ``symbol`` are defined at the current bar."""
        return self._run.ready(symbol)  # type: ignore[no-any-return]

    # -- verbs
    # -----------------------------------------------------------------------------------------------------

    def buy(
        self,
        quantity: float | None = None,
        *,
        value: float | None = None,
        percent: float | None = None,
        symbol: str | None = None,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        trail_percent: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        stop_loss_percent: float | None = None,
        take_profit_percent: float | None = None,
        at_close: bool = False,
        tif: str = "GTC",
        good_till: Any = None,
        max_bars: int | None = None,
        tag: str = "",
    ) -> Any:
        """Submit a buy order; returns its handle.

        Args:
            quantity: Units to buy, or one of
            value: money to spend, fees included, sized at the fill, or
            percent: fraction of equity to spend (0.5 = 50 %), sized at the fill.
            symbol: May be left out when the run has one symbol.
            limit: Limit price. With ``stop`` as well the order is a stop-limit.
            stop: Stop price.
            stop_loss: Price of a protective stop that works once the entry fills (a bracket), or
            stop_loss_percent: its distance as a fraction of the fill price.
            take_profit: Price of a target, or
            take_profit_percent: its distance as a fraction of the fill price.
            trail: Price distance of a trailing stop, or
            trail_percent: its distance as a fraction of the best price so far. Where the order opens or adds to a
                position the trailing stop is the stop of its bracket and starts at the fill. Where a position of the
                other side is held the order *is* the trailing stop: it starts at the last close, only ever reduces,
                and closes the whole position where no quantity is given.
            at_close: Market-on-close: fills at the last price of the next session that closes.
            tif: ``"GTC"`` works until filled or cancelled, ``"DAY"`` to the end of the session, ``"GTD"`` through the
                session ``good_till``, ``"IOC"`` and ``"FOK"`` at the first open only, in part or as a whole.
            good_till: Date of the last session of a GTD order.
            max_bars: Close what this order opened at the open that many bars after its entry's.
            tag: Free text kept with the order.

        Raises:
            OrderError: A price or size that makes no sense (NaN, negative, contradictory).
        """
        return self._run.order(
            1, quantity=quantity, value=value, percent=percent, symbol=symbol, limit=limit, stop=stop, trail=trail,
            trail_percent=trail_percent, stop_loss=stop_loss, take_profit=take_profit,
            stop_loss_percent=stop_loss_percent, take_profit_percent=take_profit_percent, at_close=at_close, tif=tif,
            good_till=good_till, max_bars=max_bars, tag=tag,
        )  # fmt: skip

    def sell(
        self,
        quantity: float | None = None,
        *,
        value: float | None = None,
        percent: float | None = None,
        symbol: str | None = None,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        trail_percent: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        stop_loss_percent: float | None = None,
        take_profit_percent: float | None = None,
        at_close: bool = False,
        tif: str = "GTC",
        good_till: Any = None,
        max_bars: int | None = None,
        tag: str = "",
    ) -> Any:
        """Submit a sell order (closing or short); arguments as in :meth:`buy`."""
        return self._run.order(
            -1, quantity=quantity, value=value, percent=percent, symbol=symbol, limit=limit, stop=stop, trail=trail,
            trail_percent=trail_percent, stop_loss=stop_loss, take_profit=take_profit,
            stop_loss_percent=stop_loss_percent, take_profit_percent=take_profit_percent, at_close=at_close, tif=tif,
            good_till=good_till, max_bars=max_bars, tag=tag,
        )  # fmt: skip

    def order_target_percent(self, target: float, symbol: str | None = None, *, tag: str = "") -> Any:
        """Order what brings the position to ``target`` × equity (1.0: all there is), sized at the fill."""
        return self._run.target("percent", target, symbol, tag)

    def order_target_value(self, target: float, symbol: str | None = None, *, tag: str = "") -> Any:
        """Order what brings the position to ``target`` in money, sized at the fill."""
        return self._run.target("value", target, symbol, tag)

    def order_target_quantity(self, target: float, symbol: str | None = None, *, tag: str = "") -> Any:
        """Order what brings the position to ``target`` units."""
        return self._run.target("quantity", target, symbol, tag)

    def close(self, symbol: str | None = None, *, tag: str = "") -> Any:
        """Close the position at the next open; ``None`` and no order where there is none."""
        return self._run.close(symbol, tag)

    def cancel(self, order: Any = None, *, symbol: str | None = None) -> int:
        """Cancel one working order, or all of a symbol, or all; returns how many."""
        return self._run.cancel(order, symbol)  # type: ignore[no-any-return]

    def amend(
        self,
        order: Any,
        *,
        quantity: float | None = None,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        trail_percent: float | None = None,
    ) -> None:
        """Change a working order's total quantity or prices; it keeps its place among the orders.

        Raises:
            OrderError: The order has ended, has no such price, or has filled more than ``quantity``.
        """
        self._run.amend(
            order, quantity=quantity, limit=limit, stop=stop, trail=trail, trail_percent=trail_percent
        )

    def oco(self, *orders: Any) -> None:
        """Link working orders: a fill of one, also in part, cancels the others at once.

        Raises:
            OrderError: Fewer than two, one that has ended, or one that is in a group or bracket already.
        """
        self._run.oco(orders)

    def size_for_risk(
        self, risk: float, stop: float, *, entry: float | None = None, symbol: str | None = None
    ) -> float:
        """Units that lose ``risk`` × equity between ``entry`` and ``stop``, rounded down to the lot.

        Args:
            risk: Fraction of equity (0.01 = 1 %), costs and gaps not included.
            stop: Price at which the loss is taken.
            entry: Price of the entry; the last close where None.
            symbol: Whose multiplier, lot and exchange rate count.
        """
        return self._run.size_for_risk(risk, stop, entry, symbol)  # type: ignore[no-any-return]

    # -- state
    # -----------------------------------------------------------------------------------------------------

    def position(self, symbol: str | None = None) -> Any:
        """The position in ``symbol``: size, avg_price, pnl, pnl_pct, bars_held, opened_at."""
        return self._run.position(symbol)

    @property
    def positions(self) -> Mapping[str, Any]:
        """Symbol → position, open ones only."""
        return self._run.positions()  # type: ignore[no-any-return]

    @property
    def orders(self) -> list[Any]:
        """Handles of the working orders, oldest first."""
        return self._run.working_orders()  # type: ignore[no-any-return]

    @property
    def trades(self) -> list[Any]:
        """Closed round trips so far, oldest first."""
        return self._run.closed_trades()  # type: ignore[no-any-return]

    @property
    def cash(self) -> float:
        """Cash after all fills so far; what a futures-like position gained or lost is settled at each close."""
        return self._run.cash_now()  # type: ignore[no-any-return]

    @property
    def equity(self) -> float:
        """Cash and positions at the last closes."""
        return self._run.equity()  # type: ignore[no-any-return]

    @property
    def now(self) -> datetime:
        """Close time of the current bar, UTC."""
        return self._run.now()  # type: ignore[no-any-return]

    @property
    def bar_index(self) -> int:
        """Index of the current timestamp in the data, from 0."""
        return self._run.cursor.i  # type: ignore[no-any-return]

    @property
    def rng(self) -> np.random.Generator:
        """Random numbers of this run, seeded by ``seed=``."""
        return self._run.rng()  # type: ignore[no-any-return]

    def record(self, **values: float) -> None:
        """Keep values of this bar: each name becomes a chart panel and a column of ``result.recorded``."""
        self._run.record(values)

    def log(self, text: object) -> None:
        """Write a line to the run's log, with the bar's time."""
        self._run.log(str(text))

    def __repr__(self) -> str:
        run = self.__dict__.get("_run")
        name = type(self).__name__
        if run is None or run.cursor.i < 0:
            return f"<{name}: before the first bar>"
        held = ", ".join(f"{position.size:g} {symbol}" for symbol, position in list(self.positions.items())[:5])
        return f"<{name} at {self.now:%Y-%m-%d %H:%M}: equity {self.equity:,.2f}, {held or 'flat'}>"

    def _repr_html_(self) -> str | None:
        run = self.__dict__.get("_run")
        return None if run is None or run.cursor.i < 0 else str(engine("object_views").strategy(self))
