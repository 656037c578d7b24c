"""Random bars and order scripts, played by backtrader's own cerebro and by a strategy of ours, as equal records.

An order is named by ``(number of its action, part)``: part 0 is the order or a bracket's entry, 1 its stop, 2 its
target. Bars are numbered over all feeds together.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import alphintra as al
import backtrader as bt
import numpy as np
import pandas as pd
from alphintra.data.sessions import exchange

Action = Mapping[str, Any]
Key = tuple[int, int]
KINDS = (
    "market", "market", "limit", "limit", "stop", "stop", "stop_limit", "at_close", "bracket", "bracket", "oco",
    "cancel", "close", "target_quantity", "target_value", "target_percent", "percent", "value", "trail",
)  # fmt: skip


@dataclass
class Record:
    """What one side did.

    Attributes:
        fills: ``(bar, order, symbol, signed size, price, commission)`` in the order of execution.
        ends: Order → how it ended, and at which bar if it was refused.
        trades: ``(symbol, bar in, bar out, P&L, P&L after commission)`` of each trade from flat to flat; ours with
            the bars that a time may be.
        values: Account value at each bar from the first call on.
        first: Bar of the first call.
    """

    fills: list[tuple[Any, ...]] = field(default_factory=list)
    ends: dict[Key, tuple[Any, ...]] = field(default_factory=dict)
    trades: list[tuple[Any, ...]] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    first: int = -1


def frames(seed: int, feeds: int = 1, n: int = 60, missing: float = 0.0, decimals: int = 2) -> dict[str, pd.DataFrame]:
    """Seeded bars of New York's sessions, coarse enough that limits and stops are often met exactly."""
    rng = np.random.default_rng([seed, 77])
    table = exchange("XNYS")
    sessions = np.asarray(table.session).astype("datetime64[D]")
    dates = sessions[np.searchsorted(sessions, np.datetime64("2021-01-04")) :][:n]
    out = {}
    for s in range(feeds):
        price = float(rng.choice([100.0, 40.0, 9.0]))
        close = price * np.exp(np.cumsum(rng.normal(0, 0.02, n)))
        opened = np.concatenate([[price], close[:-1]]) * np.exp(rng.normal(0, 0.01, n))
        bars = pd.DataFrame({"open": opened, "close": close}, index=pd.DatetimeIndex(dates, name="date"))
        bars = bars.round(decimals)
        top, bottom = bars.max(axis=1), bars.min(axis=1)
        bars["high"] = (top * (1 + rng.exponential(0.008, n))).round(decimals).clip(lower=top)
        bars["low"] = (bottom * (1 - rng.exponential(0.008, n))).round(decimals).clip(upper=bottom)
        bars["volume"] = rng.integers(1_000, 9_000, n).astype(float)
        out[f"S{s}"] = bars[["open", "high", "low", "close", "volume"]][rng.random(n) >= missing]
    return out


def script(seed: int, bars: int, feeds: int = 1, kinds: Sequence[str] = KINDS) -> dict[int, list[Action]]:
    """Bar → actions."""
    rng = np.random.default_rng([seed, 78])
    out: dict[int, list[Action]] = {}
    number = 0
    for bar in range(bars):
        for _ in range(int(rng.integers(1, 4)) if rng.random() < 0.5 else 0):
            number += 1
            out.setdefault(bar, []).append(
                {
                    "number": number,
                    "kind": str(rng.choice(kinds)),
                    "symbol": int(rng.integers(feeds)),
                    "side": 1 if rng.random() < 0.6 else -1,
                    "size": int(rng.integers(1, 160)),
                    "a": float(rng.choice([0.0, 0.004, 0.01, 0.02, 0.03])) * (1 if rng.random() < 0.9 else -1),
                    "b": float(rng.choice([0.005, 0.01, 0.02, 0.04])),
                    "c": float(rng.choice([0.005, 0.01, 0.02, 0.04])),
                    "entry": str(rng.choice(["market", "limit", "stop"])),
                    "pick": int(rng.integers(1 << 20)),
                    "legs": str(rng.choice(["both", "both", "stop", "target"])),
                }
            )
    return out


def price(close: float, distance: float) -> float:
    """A price at a distance from the close, on the cent."""
    return round(close * (1 + distance), 2)


# -- backtrader


class Played(bt.Strategy):
    """Plays the actions with backtrader's verbs."""

    params = (("script", {}), ("bars", {}), ("record", None), ("period", 0))

    def __init__(self) -> None:
        self.keys: dict[int, Key] = {}
        self.placed: list[Any] = []
        self.status: dict[int, Any] = {}
        self.open: dict[int, int] = {}
        if self.p.period:
            self.averages = [bt.ind.SMA(data.close, period=self.p.period) for data in self.datas]

    def bar(self) -> int:
        time = bt.num2date(self.lines.datetime[0]) + dt.timedelta(microseconds=5)  # its days are floats
        return int(self.p.bars[time.replace(microsecond=0)])

    def place(self, data: Any) -> int:
        """Number of a feed; ``index`` would compare prices."""
        return next(i for i, own in enumerate(self.datas) if own is data)

    def put(self, number: int, *orders: Any, kept: bool = True) -> None:
        """Note orders by their names; ``kept`` are those that a later action may cancel."""
        for part, order in enumerate(orders):
            if order is not None:
                self.keys[order.ref] = (number, part)
                if kept:
                    self.placed.append(order)

    def notify_order(self, order: Any) -> None:
        record, key = self.p.record, self.keys[order.ref]
        if order.status in (order.Partial, order.Completed):
            bit = order.executed.exbits[-1]
            record.fills.append((self.bar(), key, self.place(order.data), bit.size, bit.price, bit.comm))
        if not order.alive():
            name = order.getstatusname()
            record.ends[key] = (name, self.bar()) if order.status in (order.Margin, order.Rejected) else (name,)

    def notify_trade(self, trade: Any) -> None:
        if trade.justopened:
            self.open[trade.ref] = self.bar()
        if trade.isclosed:
            s = self.place(trade.data)
            self.p.record.trades.append((s, self.open[trade.ref], self.bar(), trade.pnl, trade.pnlcomm))

    def next(self) -> None:
        bar = self.bar()
        if self.p.record.first < 0:
            self.p.record.first = bar
        self.p.record.values.append(self.broker.getvalue())
        for action in self.p.script.get(bar, ()):
            self.act(action)

    def act(self, x: Action) -> None:
        data, kind, n = self.datas[x["symbol"]], x["kind"], x["number"]
        send, side, close = (self.buy if x["side"] > 0 else self.sell), x["side"], data.close[0]
        kinds = bt.Order
        if kind == "market":
            self.put(n, send(data, size=x["size"]))
        elif kind == "at_close":
            self.put(n, send(data, size=x["size"], exectype=kinds.Close))
        elif kind == "limit":
            self.put(n, send(data, size=x["size"], price=price(close, -side * x["a"]), exectype=kinds.Limit))
        elif kind == "stop":
            self.put(n, send(data, size=x["size"], price=price(close, side * x["a"]), exectype=kinds.Stop))
        elif kind == "stop_limit":
            stop, limit = price(close, side * x["a"]), price(close, side * (x["a"] + x["b"] - 0.015))
            self.put(n, send(data, size=x["size"], price=stop, plimit=limit, exectype=kinds.StopLimit))
        elif kind == "bracket":
            near, far = price(close, -side * abs(x["a"])), price(close, side * abs(x["a"]))
            entry = {"market": None, "limit": near, "stop": far}
            base: Any = close if x["entry"] == "market" else entry[x["entry"]]
            legs: dict[str, Any] = {"stopprice": price(base, -side * x["b"]), "limitprice": price(base, side * x["c"])}
            if x["legs"] == "stop":
                legs["limitexec"] = None
            elif x["legs"] == "target":
                legs["stopexec"] = None
            make = self.buy_bracket if side > 0 else self.sell_bracket
            how = {"market": kinds.Market, "limit": kinds.Limit, "stop": kinds.Stop}[x["entry"]]
            self.put(n, *make(data=data, size=x["size"], exectype=how, price=entry[x["entry"]], **legs))
        elif kind == "oco":
            first = send(data, size=x["size"], price=price(close, -side * abs(x["a"])), exectype=kinds.Limit)
            other = send(data, size=x["size"], price=price(close, side * x["b"]), exectype=kinds.Stop, oco=first)
            self.put(n, first, other)
        elif kind == "cancel" and self.placed:
            self.broker.cancel(self.placed[x["pick"] % len(self.placed)])
        elif kind == "close":
            self.put(n, self.close(data))
        elif kind == "target_quantity":
            self.put(n, self.order_target_size(data, side * x["size"]), kept=False)
        elif kind == "target_value":
            self.put(n, self.order_target_value(data, side * x["size"] * 50.0), kept=False)
        elif kind == "target_percent":
            self.put(n, self.order_target_percent(data, side * x["b"] * 20), kept=False)
        elif kind == "percent":  # what a sizer of a fraction of the account's value does
            terms = self.broker.getcommissioninfo(data)
            size = terms.getsize(close, max(0.0, x["b"] * 10 * self.broker.getvalue()))
            self.put(n, send(data, size=size), kept=False)
        elif kind == "value":
            size = self.broker.getcommissioninfo(data).getsize(close, x["size"] * 50.0)
            self.put(n, send(data, size=size), kept=False)
        elif kind == "trail" and self.getposition(data).size * side < 0:
            size = min(x["size"], abs(self.getposition(data).size))
            by = {"trailpercent": x["b"]} if x["pick"] % 2 else {"trailamount": price(close, x["b"] - 1)}
            self.put(n, send(data, size=size, exectype=kinds.StopTrail, **by))

    def stop(self) -> None:
        while (order := self.broker.get_notification()) is not None:  # told to nobody any more
            if not order.alive() and order.status != order.Completed:
                self.p.record.ends[self.keys[order.ref]] = (order.getstatusname(),)


def peer(
    rows: Mapping[int, Sequence[Action]], data: Mapping[str, pd.DataFrame], *, cash: float = 10_000.0,
    commission: float = 0.0, per_unit: float = 0.0, slippage: float = 0.0, period: int = 0,
    contracts: Mapping[str, tuple[float, float]] | None = None, feed: Mapping[str, Any] | None = None,
) -> Record:  # fmt: skip
    """The actions in cerebro, with its defaults; ``contracts`` are margins and multipliers by symbol."""
    record = Record()
    cerebro = bt.Cerebro()
    for name, bars in data.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=bars, **(feed or {})), name=name)
    cerebro.broker.setcash(cash)
    if per_unit:
        cerebro.broker.setcommission(commission=per_unit, commtype=bt.CommInfoBase.COMM_FIXED, stocklike=True)
    else:
        cerebro.broker.setcommission(commission=commission)
    for name, (margin, multiplier) in (contracts or {}).items():
        cerebro.broker.setcommission(commission=per_unit, margin=margin, mult=multiplier, name=name)
    if slippage:
        cerebro.broker.set_slippage_perc(slippage)
    cerebro.addstrategy(Played, script=rows, bars=bar_numbers(data), record=record, period=period)
    cerebro.run()
    record.values.append(cerebro.broker.getvalue())
    return record


def bar_numbers(data: Mapping[str, pd.DataFrame]) -> dict[Any, int]:
    """Time → number of its bar."""
    times = sorted({time for bars in data.values() for time in bars.index})
    return {time.to_pydatetime(): i for i, time in enumerate(times)}


# -- ours


def mean(values: Any, period: int) -> Any:
    """The simple moving average."""
    return pd.Series(np.asarray(values)).rolling(period).mean().to_numpy()


def player(rows: Mapping[int, Sequence[Action]], record: Record, period: int = 0) -> type[al.Strategy]:
    """A strategy that plays the same actions with our verbs."""

    class Player(al.Strategy):
        def on_start(self) -> None:
            self.keys: dict[int, Key] = {}
            self.placed: list[Any] = []
            if period:
                for symbol in self._run.symbols:
                    self.indicator(mean, self.data[symbol].close, period)

        def on_bar(self) -> None:
            if record.first < 0:
                record.first = self.bar_index
            record.values.append(self.equity)
            for action in rows.get(self.bar_index, ()):
                act(self, action)

        def put(self, number: int, *orders: Any, kept: bool = True) -> None:
            for part, order in enumerate(orders):
                if order is not None:
                    self.keys[order.id] = (number, part)
                    if kept:
                        self.placed.append(order)

    return Player


def children(s: Any, order: Any) -> list[Any]:
    """The orders of a bracket: its stop and its target, submitted right after it."""
    own = [o for o in s.orders if o.state == "WAITING" and o.id > order.id]
    stop = next((o for o in own if o.type == "STOP"), None)
    target = next((o for o in own if o.type == "LIMIT"), None)
    return [stop, target]


def act(s: Any, x: Action) -> None:
    """Do what one action says."""
    symbol, kind, n, side = s._run.symbols[x["symbol"]], x["kind"], x["number"], x["side"]
    send, close = (s.buy if side > 0 else s.sell), float(s.data[symbol].close[-1])
    if kind == "market":
        s.put(n, send(x["size"], symbol=symbol))
    elif kind == "at_close":
        s.put(n, send(x["size"], symbol=symbol, at_close=True))
    elif kind == "limit":
        s.put(n, send(x["size"], symbol=symbol, limit=price(close, -side * x["a"])))
    elif kind == "stop":
        s.put(n, send(x["size"], symbol=symbol, stop=price(close, side * x["a"])))
    elif kind == "stop_limit":
        stop, limit = price(close, side * x["a"]), price(close, side * (x["a"] + x["b"] - 0.015))
        s.put(n, send(x["size"], symbol=symbol, stop=stop, limit=limit))
    elif kind == "bracket":
        entry = {"market": close, "limit": price(close, -side * abs(x["a"])), "stop": price(close, side * abs(x["a"]))}
        base = entry[x["entry"]]
        legs = {"stop_loss": price(base, -side * x["b"]), "take_profit": price(base, side * x["c"])}
        if x["legs"] == "stop":
            del legs["take_profit"]
        elif x["legs"] == "target":
            del legs["stop_loss"]
        how = {} if x["entry"] == "market" else {x["entry"]: base}
        order = send(x["size"], symbol=symbol, **how, **legs)
        s.put(n, order, *children(s, order))
    elif kind == "oco":
        first = send(x["size"], symbol=symbol, limit=price(close, -side * abs(x["a"])))
        other = send(x["size"], symbol=symbol, stop=price(close, side * x["b"]))
        s.oco(first, other)
        s.put(n, first, other)
    elif kind == "cancel" and s.placed:
        s.cancel(s.placed[x["pick"] % len(s.placed)])
    elif kind == "close":
        s.put(n, s.close(symbol))
    elif kind == "target_quantity":
        s.put(n, s.order_target_quantity(side * x["size"], symbol), kept=False)
    elif kind == "target_value":
        s.put(n, s.order_target_value(side * x["size"] * 50.0, symbol), kept=False)
    elif kind == "target_percent":
        s.put(n, s.order_target_percent(side * x["b"] * 20, symbol), kept=False)
    elif kind == "percent":
        s.put(n, send(percent=x["b"] * 10, symbol=symbol), kept=False)
    elif kind == "value":
        s.put(n, send(value=x["size"] * 50.0, symbol=symbol), kept=False)
    elif kind == "trail" and s.position(symbol).size * side < 0:
        size = min(x["size"], abs(s.position(symbol).size))
        by = {"trail_percent": x["b"]} if x["pick"] % 2 else {"trail": price(close, x["b"] - 1)}
        s.put(n, send(size, symbol=symbol, **by))


#: How an order ended, in backtrader's words; those that ended without one never were orders there.
ENDS = {
    ("FILLED", ""): "Completed",
    ("CANCELLED", "BY_STRATEGY"): "Canceled",
    ("CANCELLED", "OCO"): "Canceled",
    ("CANCELLED", "PARENT_CANCELLED"): "Canceled",
    ("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL"): "Margin",
    ("REJECTED", "INSUFFICIENT_FUNDS"): "Margin",
    ("REJECTED", "PARENT_CANCELLED"): "Rejected",
}


def ours(
    rows: Mapping[int, Sequence[Action]], data: Mapping[str, pd.DataFrame], *, period: int = 0,
    per_unit: float = 0.0, contracts: Mapping[str, tuple[float, float]] | None = None, **options: Any,
) -> tuple[Record, Any]:  # fmt: skip
    """The same actions under the profile: the record in backtrader's words, and the result."""
    record = Record()
    if per_unit:
        options["commission"] = al.Commission(per_share=per_unit)
    if contracts:
        options["instruments"] = {s: al.Instrument(margin=a, multiplier=b) for s, (a, b) in contracts.items()}
    options = {"cash": 10_000.0, "profile": "backtrader", **options}
    kind = player(rows, record, period)
    kept: list[Any] = []
    began = kind.on_start

    def on_start(self: Any) -> None:
        kept.append(self)
        began(self)

    kind.on_start = on_start  # type: ignore[method-assign]
    result = al.backtest(kind, dict(data), **options)
    keys = kept[0].keys
    place = {s: i for i, s in enumerate(result.market.symbols)}
    closes = np.unique(np.concatenate([bars.close_time for bars in result.market.bars.values()]))
    offset = int(np.searchsorted(closes, result.curves.time[0]))
    bars_of: dict[tuple[str, Any, str], set[int]] = {}  # a close may be another bar's open
    for f in result.fills.itertuples():
        sign, bar = (1 if f.side == "BUY" else -1), f.bar + offset
        bars_of.setdefault((f.symbol, f.time, f.side), set()).add(bar)
        record.fills.append((bar, keys[f.order_id], place[f.symbol], sign * f.quantity, f.price, f.commission))
    states = result.orders["state"].tolist()
    for o in result.orders.itertuples():
        name = ENDS.get((o.state, o.reason))
        if o.parent == o.parent and o.parent is not None and states[int(o.parent)] == "UNFILLED_AT_END":
            name = None  # as its parent it still waits
        if name is not None and o.id in keys:
            bar = int(np.searchsorted(closes, pd.Timestamp(o.finished).value // 1000))
            record.ends[keys[o.id]] = (name, bar) if name in ("Margin", "Rejected") else (name,)
    for t in result.trades.itertuples():
        if not t.open:
            out = "SELL" if t.side == "BUY" else "BUY"
            when = (bars_of[(t.symbol, t.entry_time, t.side)], bars_of[(t.symbol, t.exit_time, out)])
            record.trades.append((place[t.symbol], *when, t.pnl + t.commission, t.pnl))
    record.values.append(float(result.metrics["final_equity"]))
    return record, result


def assert_equal(mine: Record, theirs: Record) -> None:
    """Every fill in its order, every refusal with its bar, every trade, the account at every bar."""
    assert mine.first == theirs.first
    for n, (a, b) in enumerate(zip(mine.fills, theirs.fills, strict=False)):
        assert a[:3] == b[:3], (n, a, b, mine.fills[:n])
        np.testing.assert_allclose(a[3:5], b[3:5], rtol=1e-9, err_msg=str((n, a, b)))
        assert abs(a[5] - b[5]) <= 1e-9 * b[5] + 0.51e-8, (n, a, b)  # money is rounded to 1e-8 where it is shown
    assert len(mine.fills) == len(theirs.fills)
    assert mine.ends == theirs.ends, sorted(set(mine.ends.items()) ^ set(theirs.ends.items()))
    assert len(mine.trades) == len(theirs.trades)
    # of one symbol they follow each other
    for a, b in zip(*(sorted(r.trades, key=lambda t: t[0]) for r in (mine, theirs)), strict=True):
        assert a[0] == b[0] and b[1] in a[1] and b[2] in a[2], (a, b)
        np.testing.assert_allclose(a[3:], b[3:], rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(mine.values, theirs.values, rtol=1e-9)
