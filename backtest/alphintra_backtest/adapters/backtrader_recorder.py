"""backtrader's broker and engine with a record of what they do: the halves that need no import of backtrader."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import codes
from . import backtrader_terms as terms
from .recording import Filled, Placed, Record

if TYPE_CHECKING:
    from typing import Any as _Peer

    from ..session import Session
else:
    _Peer = object

_KINDS = {
    "Market": ("MARKET", ""),
    "Close": ("MARKET_ON_CLOSE", ""),
    "Limit": ("LIMIT", ""),
    "Stop": ("STOP", ""),
    "StopLimit": ("STOP_LIMIT", ""),
    "StopTrail": ("TRAILING_STOP", ""),
    "StopTrailLimit": ("STOP_LIMIT", "StopTrailLimit"),
    "Historical": ("MARKET", "Historical"),
}
"""Our order type, and what a tag has to say where there is none."""
_STOPS = ("Stop", "StopTrail")
_STOP_LIMITS = ("StopLimit", "StopTrailLimit")


class NeverReady(BaseException):
    """An indicator needs more bars than there are; not an ``Exception``, so that no strategy is blamed for it."""

    def __init__(self, needs: int) -> None:
        super().__init__(needs)
        self.needs = needs


class RecordingBroker(_Peer):  # type: ignore[misc]
    """In front of backtrader's ``BackBroker``: writes down each order, fill and end of an order."""

    def attach(self, session: Session, record: Record, datas: Sequence[Any], progress: Any) -> None:
        """Write into ``record`` from now on; ``datas`` are the feeds in universe order."""
        self._session, self._record, self._progress = session, record, progress
        self._symbol = {id(data): s for s, data in enumerate(datas)}
        self._bars_at = [p.tolist() for p in session.grid.positions]
        self._held = [0.0] * len(datas)
        self._number: dict[int, int] = {}
        self._placed: list[Any] = []
        self._told: set[int] = set()
        self._at: tuple[int, int, int] | None = None
        self._base: float | None = None
        self._why = codes.BY_STRATEGY
        self._matching = False
        self._stride = max(1, len(session.grid.time) // 100)

    # -- when and where

    def _fresh(self, s: int, data: Any) -> bool:
        """Whether a symbol has a bar at this timestamp: backtrader matches against its last one otherwise."""
        return len(data) > 0 and self._bars_at[s][len(data) - 1] == self._record.t

    def _opening(self, data: Any) -> tuple[int, int, int]:
        s = self._symbol[id(data)]
        return self._record.t, codes.PH_OPEN if self._fresh(s, data) else codes.PH_INSIDE, codes.R_NONE

    def _now(self, order: Any) -> tuple[int, int]:
        if not self._matching:
            return self._record.t, codes.PH_CLOSE
        bar, phase, _ = self._at or self._opening(order.data)
        return bar, phase

    def _where(self, order: Any) -> tuple[int, int, int]:
        """Timestamp, phase and rule of a fill of this order now, should it come to one."""
        data, kind, buy = order.data, order.exectype, order.isbuy()
        t, phase, _ = self._opening(data)
        opened = data.tick_open if getattr(data, "tick_open", None) is not None else data.open[0]
        price, limit = order.created.price, order.created.pricelimit

        def inside(rule: int) -> tuple[int, int, int]:
            return t, codes.PH_INSIDE, rule

        def limited(price: float) -> tuple[int, int, int]:
            better = price >= opened if buy else price <= opened
            return (t, phase, codes.R_LIMIT_OPEN) if better else inside(codes.R_LIMIT)

        if kind == order.Market:
            if self.p.coc and order.info.get("coc", True):
                return self._record.orders[self._number[order.ref]].bar, codes.PH_CLOSE, codes.R_CLOSE
            return t, phase, codes.R_OPEN if not order.executed.size else codes.R_REST
        if kind == order.Close:
            return t, codes.PH_CLOSE, codes.R_MOC
        if kind == order.Limit or order.triggered:
            return limited(price if kind == order.Limit else limit)
        passed = opened >= price if buy else opened <= price
        if order.ExecTypes[kind] in _STOP_LIMITS:
            if passed:
                return limited(limit)
            within = limit >= price if buy else limit <= price
            return inside(codes.R_SL_STOP if within else codes.R_SL_LIMIT)
        if kind == order.StopTrail:
            if passed:
                return t, phase, codes.R_TRAIL_OPEN
            return inside(codes.R_TRAIL)
        return (t, phase, codes.R_STOP_OPEN) if passed else inside(codes.R_STOP)

    # -- what backtrader calls

    def next(self) -> None:
        """Match the working orders with the bars of the next timestamp."""
        record = self._record
        record.t += 1
        self._session.cursor.i = record.t
        self._matching, self._at = True, None
        for order in self._toactivate:
            bar, phase = self._now(order)
            record.working(self._number[order.ref], bar, phase)
        super().next()
        self._matching, self._at = False, None
        record.value.append(float(self._value))
        record.cash.append(float(self.cash))
        if self._progress is not None and record.t % self._stride == 0:
            self._progress(record.t / len(self._session.grid.time), int(self._session.grid.time[record.t]))

    def submit(self, order: Any, check: bool = True) -> Any:
        """Take an order of the strategy."""
        from alphintra.errors import OrderError

        s = self._symbol.get(id(order.data))
        if s is None:
            raise OrderError("an order for a data feed that is not one of the run's", hint="use self.datas")
        if not math.isfinite(order.size):
            raise OrderError(f"size must be a finite number, got {order.size!r}")
        kind, tag = _KINDS[order.ExecTypes[order.exectype]]
        parent = None if order.parent is None else self._number.get(order.parent.ref)
        role = 0
        if order.parent is not None:
            role = 2 if order.exectype == order.Limit else 1
        o = self._record.place(
            Placed(
                symbol=s,
                side=1 if order.isbuy() else -1,
                kind=kind,
                size=abs(float(order.size)),
                bar=self._record.t,
                tif=terms.tif(order.p.valid),
                parent=-1 if parent is None else parent,
                role=role,
                tag=tag,
            )
        )
        self._number[order.ref] = o
        self._placed.append(order)
        if self._record.ended:
            self._record.finish(o, self._record.t, codes.PH_CLOSE, codes.REJECTED, codes.RUN_ENDED)
        return super().submit(order, check)

    def notify(self, order: Any) -> None:
        """Tell of a change of an order's state."""
        if not self._record.ended or order.status == order.Canceled:
            self._note(order)
        super().notify(order)

    def cancel(self, order: Any, bracket: bool = False) -> Any:
        """Cancel an order; ``bracket`` where backtrader itself ends the others of a bracket."""
        if not bracket:
            self._why = codes.BY_STRATEGY
        return super().cancel(order, bracket)

    def _ococheck(self, order: Any) -> None:
        before = self._why
        self._why = codes.BY_STRATEGY if order.status == order.Canceled else codes.OCO
        super()._ococheck(order)
        self._why = before

    def _bracketize(self, order: Any, cancel: bool = False) -> None:
        before = self._why
        if order.parent is None:
            self._why = codes.PARENT_CANCELLED
        else:
            self._why = codes.BY_STRATEGY if order.status == order.Canceled else codes.OCO
        super()._bracketize(order, cancel)
        self._why = before

    def _try_exec(self, order: Any) -> None:
        self._at, self._base = self._where(order), None
        was = order.triggered
        super()._try_exec(order)
        if order.triggered and not was:
            self._record.trigger(self._number[order.ref], *self._triggered_at(order))

    def _triggered_at(self, order: Any) -> tuple[int, int]:
        assert self._at is not None
        bar, phase, rule = self._at
        return bar, phase if rule == codes.R_LIMIT_OPEN else codes.PH_INSIDE

    def _slip_up(self, pmax: float, price: float, doslip: bool = True, lim: bool = False) -> Any:
        self._base = price
        return super()._slip_up(pmax, price, doslip, lim)

    def _slip_down(self, pmin: float, price: float, doslip: bool = True, lim: bool = False) -> Any:
        self._base = price
        return super()._slip_down(pmin, price, doslip, lim)

    # -- what is written down

    def _note(self, order: Any) -> None:
        record, o, status = self._record, self._number[order.ref], order.status
        if status in (order.Submitted, order.Accepted):
            if o not in self._told:  # both are told of most orders, the second alone where nothing is checked
                self._told.add(o)
                record.working(o, *self._now(order), waiting=not order.active())
        elif status in (order.Partial, order.Completed):
            self._filled(order, o, whole=status == order.Completed)
        elif status == order.Canceled:
            record.finish(o, *self._now(order), codes.CANCELLED, self._why)
        elif status == order.Expired:
            self._at = self._opening(order.data)
            record.finish(o, *self._now(order), codes.EXPIRED, terms.expiry(record.orders[o].tif))
        elif status == order.Margin and self._at is not None:
            if order.triggered:
                record.trigger(o, *self._triggered_at(order))
            record.finish(o, *self._now(order), codes.CANCELLED, codes.NO_FUNDS_AT_FILL)
        elif status == order.Margin:
            record.finish(o, *self._now(order), codes.REJECTED, codes.NO_FUNDS)
        elif status == order.Rejected:
            record.finish(o, *self._now(order), codes.REJECTED, codes.PARENT_CANCELLED)

    def _filled(self, order: Any, o: int, *, whole: bool) -> None:
        assert self._at is not None
        record, data = self._record, order.data
        bar, phase, rule = self._at
        bit = order.executed.exbits[-1]
        own = self._symbol[id(data)]
        if order.exectype == order.Close and bit.dt != data.datetime[0]:
            bar = self._bars_at[own][len(data) - 2]  # the session is over: its last bar's close
        elif not self._fresh(own, data) and rule != codes.R_CLOSE:
            record.on_known_bar += 1
        if order.triggered:
            record.trigger(o, *self._triggered_at(order))
        held = data if data._compensate is None else data._compensate
        s = self._symbol[id(held)]
        before, self._held[s] = self._held[s], float(self.positions[held].size)
        price = float(bit.price)
        base = price if self._base is None else float(self._base)
        record.fill(Filled(o, bar, phase, s, before, self._held[s], price, float(bit.comm), base, rule), whole=whole)

    def prices(self) -> None:
        """Limits and stops as they stand at the end: those of trailing stops move."""
        for order, placed in zip(self._placed, self._record.orders, strict=True):
            kind = order.ExecTypes[order.exectype]
            if kind == "Limit":
                placed.limit = float(order.created.price)
            elif kind in _STOPS or kind in _STOP_LIMITS:
                placed.stop = float(order.created.price)
                if kind in _STOP_LIMITS:
                    placed.limit = float(order.created.pricelimit)


class RecordingEngine(_Peer):  # type: ignore[misc]
    """In front of backtrader's ``Cerebro``: notes the first call, and makes none before a ``start`` (F13)."""

    def attach(self, record: Record, begin: int) -> None:
        """Write into ``record``; nothing of the strategy is called before timestamp ``begin``."""
        self._record, self._begin = record, begin

    def plot(self, *_: Any, **__: Any) -> None:
        """Refuse: a worker has no window."""
        from alphintra.errors import RuleError

        raise RuleError("cerebro.plot() has no window here", hint="use result.plot() or result.report()")

    def addstore(self, store: Any) -> None:
        """Refuse: stores are connections to brokers."""
        from alphintra.errors import RuleError

        raise RuleError("a backtest opens no store and no network connection")

    def _runonce(self, runstrats: list[Any]) -> None:
        for strategy in runstrats:
            self._watch(strategy)
            for needs, data in zip(strategy._minperiods, strategy.datas, strict=True):
                if needs > data.buflen():  # backtrader's indicators would write beyond the end of their lines
                    raise NeverReady(needs)
        super()._runonce(runstrats)
        self._record.ended = True

    def _runnext(self, runstrats: list[Any]) -> None:
        for strategy in runstrats:
            self._watch(strategy)
        super()._runnext(runstrats)
        self._record.ended = True

    def _check_timers(self, runstrats: list[Any], dt0: float, cheat: bool = False) -> None:
        if self._record.t + cheat >= self._begin:
            super()._check_timers(runstrats, dt0, cheat=cheat)

    def _watch(self, strategy: Any) -> None:
        """Note the first call; before ``begin`` only indicators and observers move."""
        record, begin, status = self._record, self._begin, strategy._getminperstatus

        def ready() -> int:
            found = int(status())
            if found < 0 and record.t == begin:  # warm before it was first called: nextstart comes now
                found = strategy._minperstatus = 0
            if found <= 0:
                record.called(record.t)
            return found

        strategy._getminperstatus = ready
        if begin == 0:
            return
        indicators, observers = (strategy._lineiterators[k] for k in (strategy.IndType, strategy.ObsType))

        def once(dt: float) -> None:
            for indicator in indicators:
                if len(indicator._clock) > len(indicator):
                    indicator.advance()
            strategy.forward()
            strategy.lines.datetime[0] = dt
            trail()

        def following() -> None:
            strategy._clk_update()
            for indicator in indicators:
                indicator._next()
            trail()

        def trail() -> None:
            for observer in observers:
                if len(strategy) > len(observer):
                    observer.forward()

        def nothing() -> None:
            pass

        def until_then(idle: Callable[..., None], act: Callable[..., None], ahead: int) -> Callable[..., None]:
            return lambda *given: (idle if record.t + ahead < begin else act)(*given)

        strategy._oncepost = until_then(once, strategy._oncepost, 0)
        strategy._next = until_then(following, strategy._next, 0)
        strategy._oncepost_open = until_then(nothing, strategy._oncepost_open, 1)
        strategy._next_open = until_then(nothing, strategy._next_open, 1)
