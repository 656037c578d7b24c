"""The other side of the comparison: cerebro as its users run it, with nothing of ours but the bars."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

STATES = {
    bt.Order.Completed: ("FILLED",),
    bt.Order.Canceled: ("CANCELLED",),
    bt.Order.Expired: ("EXPIRED",),
    bt.Order.Margin: ("REJECTED", "CANCELLED"),
    bt.Order.Rejected: ("REJECTED",),
    bt.Order.Submitted: ("UNFILLED_AT_END",),
    bt.Order.Accepted: ("UNFILLED_AT_END",),
    bt.Order.Partial: ("UNFILLED_AT_END",),
}


@dataclass
class Run:
    """What plain backtrader did."""

    value: float = 0.0
    values: list[float] = field(default_factory=list)
    fills: list[tuple[Any, ...]] = field(default_factory=list)
    states: dict[int, int] = field(default_factory=dict)
    analyses: dict[str, Any] = field(default_factory=dict)


class Recorder(bt.Analyzer):
    """Fills as ``(date, symbol, signed size, price, commission)``, values at each bar, last states."""

    def start(self) -> None:
        self.run = Run()

    def notify_order(self, order: Any) -> None:
        self.run.states[order.ref] = order.status
        if order.status not in (order.Partial, order.Completed):
            return
        bit = order.executed.exbits[-1]
        when = bit.dt
        # Matched against a bar that was known already: it happened now.
        now = self.strategy.lines.datetime[0]
        cheat = self.strategy.broker.p.coc and order.exectype == order.Market
        if order.data.datetime[0] < now and not cheat and order.exectype != order.Close:
            when = now
        self.run.fills.append((bt.num2date(when).date(), order.data._name, bit.size, bit.price, bit.comm))

    def stop(self) -> None:
        # What happened after the last bar's matching is told to nobody.
        while (order := self.strategy.broker.get_notification()) is not None:
            self.run.states[order.ref] = order.status

    def next(self) -> None:
        self.run.values.append(self.strategy.broker.getvalue())


def frame(seed: int, n: int = 160, price: float = 100.0, missing: float = 0.0) -> pd.DataFrame:
    """Seeded daily bars on weekdays, a share of them left out."""
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2021-01-04", periods=n)
    close = price * np.exp(np.cumsum(rng.normal(0, 0.02, n)))
    opened = np.concatenate([[price], close[:-1]]) * np.exp(rng.normal(0, 0.01, n))
    high = np.maximum(opened, close) * (1 + rng.exponential(0.008, n))
    low = np.minimum(opened, close) * (1 - rng.exponential(0.008, n))
    bars = pd.DataFrame(
        {"open": opened, "high": high, "low": low, "close": close, "volume": rng.integers(1_000, 9_000, n)},
        index=pd.DatetimeIndex(dates, name="date"),
    ).round({"open": 2, "high": 2, "low": 2, "close": 2})
    bars["high"] = bars[["open", "high", "close"]].max(axis=1)
    bars["low"] = bars[["open", "low", "close"]].min(axis=1)
    return bars[rng.random(n) >= missing]


def direct(
    strategy: type,
    frames: dict[str, pd.DataFrame],
    *,
    cash: float = 100_000.0,
    commission: float = 0.0,
    slippage: float = 0.0,
    params: dict[str, Any] | None = None,
    analyzers: tuple[Any, ...] = (),
    cheat_on_open: bool = False,
    cheat_on_close: bool = False,
    checksubmit: bool = True,
    sizer: Any = None,
    **feed: Any,
) -> Run:
    """Run a strategy in cerebro."""
    cerebro = bt.Cerebro(cheat_on_open=cheat_on_open)
    for name, bars in frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=bars, **feed), name=name)
    cerebro.broker.setcash(cash)
    cerebro.broker.setcommission(commission=commission)
    if slippage:
        cerebro.broker.set_slippage_perc(slippage)
    cerebro.broker.set_coc(cheat_on_close)
    cerebro.broker.set_checksubmit(checksubmit)
    if sizer:
        cerebro.addsizer(sizer[0], **sizer[1])
    for kind, arguments in analyzers:
        cerebro.addanalyzer(kind, **arguments)
    cerebro.addanalyzer(Recorder, _name="recorder")
    cerebro.addstrategy(strategy, **(params or {}))
    (ran,) = cerebro.run()
    run: Run = ran.analyzers.recorder.run
    run.value = cerebro.broker.getvalue()
    run.analyses = {n: a.get_analysis() for n, a in ran.analyzers.getitems() if n != "recorder"}
    return run


def ours(result: Any) -> list[tuple[Any, ...]]:
    """The fills of a result in the same form; the date is that of the session."""
    fills = result.fills
    dates = result.curves.session[fills["bar"]].astype("datetime64[D]").tolist()
    sign = np.where(fills["side"] == "BUY", 1.0, -1.0)
    return [
        (t, s, q, p, c)
        for t, s, q, p, c in zip(
            dates, fills["symbol"], sign * fills["quantity"], fills["price"], fills["commission"], strict=True
        )
    ]


def assert_equal(result: Any, run: Run) -> None:
    """Same fills, same value at every bar, same end of every order."""
    mine, theirs = ours(result), sorted(run.fills, key=lambda f: f[0])
    assert [f[:2] for f in mine] == [f[:2] for f in theirs]
    for i, name in ((2, "size"), (3, "price"), (4, "commission")):
        np.testing.assert_allclose([f[i] for f in mine], [f[i] for f in theirs], rtol=1e-9, atol=1e-8, err_msg=name)
    assert round(float(result.equity.iloc[-1]), 2) == round(run.value, 2)
    np.testing.assert_allclose(result.curves.equity, run.values[-len(result.curves) :], rtol=1e-9)
    ends = [status for _, status in sorted(run.states.items())]
    assert len(ends) == len(result.orders)
    for o, (state, status) in enumerate(zip(result.orders["state"], ends, strict=True)):
        assert state in STATES[status], (o, state, bt.Order.Status[status])
