"""The same script of orders run by backtesting.py itself and by its profile, and both as comparable rows."""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

#: bar → what is done at its close: ("order", side, size, limit, stop, sl, tp), ("close",), ("cancel", number of order)
Script = dict[int, list[tuple[Any, ...]]]


@dataclass
class Outcome:
    """What a run came to; rows are sorted, prices and money are floats."""

    fills: list[tuple[float, ...]]
    trades: list[tuple[float, ...]]
    equity: Any
    bankrupt: bool


def _merged(fills: list[tuple[int, int, float, float]]) -> list[tuple[float, ...]]:
    """(bar, side, price, quantity): what one engine books in parts another books at once."""
    sums: dict[tuple[int, int, float], float] = defaultdict(float)
    for bar, side, quantity, price in fills:
        sums[bar, side, round(price, 9)] += quantity
    return sorted((*key, quantity) for key, quantity in sums.items())


def _sorted(rows: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Sorted by what is left of the numbers without their last bits."""
    return sorted(rows, key=lambda row: [round(value, 9) for value in row])


def by_peer(frame: pd.DataFrame, script: Script, **options: Any) -> Outcome:
    """The script in backtesting.py; positions are closed as ``finalize_trades=True`` does it."""

    class Scripted(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.placed: list[Any] = []

        def next(self) -> None:
            for what, *args in script.get(len(self.data) - 1, ()):
                if what == "close":
                    self.position.close()
                elif what == "cancel":
                    order = self.placed[args[0]] if args[0] < len(self.placed) else None
                    if order is not None and order in self.orders:
                        order.cancel()
                else:
                    side, size, limit, stop, sl, tp = args
                    place = self.buy if side > 0 else self.sell
                    self.placed.append(place(size=size, limit=limit, stop=stop, sl=sl, tp=tp))

    data = frame.rename(columns=str.capitalize)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stats = Backtest(data, Scripted, finalize_trades=True, **options).run()
    broker = stats["_strategy"]._broker
    fills: list[tuple[int, int, float, float]] = []
    trades = []
    for t in broker.closed_trades:
        side = 1 if t.size > 0 else -1
        fills.append((t.entry_bar, side, abs(t.size), t.entry_price))
        fills.append((t.exit_bar, -side, abs(t.size), t.exit_price))
        trades.append((t.entry_bar, t.exit_bar, t.size, t.entry_price, t.exit_price, t.pl))
    for t in broker.trades:  # what the last pass over the orders has opened
        fills.append((t.entry_bar, 1 if t.size > 0 else -1, abs(t.size), t.entry_price))
    equity = stats["_equity_curve"]["Equity"].to_numpy()
    return Outcome(_merged(fills), _sorted(trades), equity, bool(equity[-1] <= 0))


def by_profile(frame: pd.DataFrame, script: Script, **options: Any) -> tuple[Outcome, Any]:
    """The script in the profile; also the result itself."""

    class Scripted(al.Strategy):
        def on_start(self) -> None:
            self.placed: list[Any] = []

        def on_bar(self) -> None:
            for what, *args in script.get(self.bar_index, ()):
                if what == "close":
                    self.close()
                elif what == "cancel":
                    order = self.placed[args[0]] if args[0] < len(self.placed) else None
                    if order is not None and order.is_working:
                        self.cancel(order)
                else:
                    side, size, limit, stop, sl, tp = args
                    asked = {"percent": size} if size < 1 else {"quantity": size}
                    place = self.buy if side > 0 else self.sell
                    self.placed.append(place(**asked, limit=limit, stop=stop, stop_loss=sl, take_profit=tp))

    result = al.backtest(Scripted, frame, profile="backtesting.py", **options)
    bars = next(iter(result.market.bars.values()))
    at = {int(time): n for name in ("close_time", "open_time") for n, time in enumerate(getattr(bars, name))}
    first = at[int(result.curves.time[0])]
    c = result.columns["fills"]
    sides = [1 if side == "BUY" else -1 for side in c["side"]]
    fills = list(zip((c["bar"] + first).tolist(), sides, c["quantity"].tolist(), c["price"].tolist(), strict=True))
    trades = []
    c = result.columns["trades"]
    for n in range(len(c["side"])):
        if c["open"][n]:
            continue
        size = c["quantity"][n] if c["side"][n] == "BUY" else -c["quantity"][n]
        when = at[c["entry_time"][n]], at[c["exit_time"][n]]
        trades.append((*when, size, c["entry_price"][n], c["exit_price"][n], c["pnl"][n]))
    equity = np.concatenate([np.full(first, result.curves.equity[0]), result.curves.equity])
    return Outcome(_merged(fills), _sorted(trades), equity, bool(result.counts["bankrupt"])), result


def difference(one: Outcome, two: Outcome) -> str | None:
    """The first difference beyond 1e-9 relative, None where there is none.

    Of a bankrupt account backtesting.py closes every second trade and then sets its equity to 0, so its last bar is
    left out.
    """
    if one.bankrupt != two.bankrupt:
        return f"bankrupt: {one.bankrupt} against {two.bankrupt}"
    end = max(row[0] for row in two.fills) if one.bankrupt else math.inf
    for name, bar in (("fills", 0), ("trades", 1)):
        a, b = ([row for row in getattr(run, name) if row[bar] < end] for run in (one, two))
        for n, (x, y) in enumerate(zip(a, b, strict=False)):
            if not all(math.isclose(p, q, rel_tol=1e-9, abs_tol=1e-6) for p, q in zip(x, y, strict=True)):
                return f"{name}[{n}]: {x} against {y}"
        if len(a) != len(b):
            longer = a if len(a) > len(b) else b
            return f"{len(a)} {name} against {len(b)}: {longer[min(len(a), len(b))]}"
    if one.bankrupt:
        return None
    away = np.abs(one.equity - two.equity) > 1e-9 * np.abs(one.equity)
    if away.any():
        n = int(np.argmax(away))
        return f"equity[{n}]: {one.equity[n]} against {two.equity[n]}"
    return None


def random_bars(rng: np.random.Generator, count: int, grid: float) -> pd.DataFrame:
    """Every second day a bar of a random walk with gaps, prices on a grid (0: none).

    With a day between them no bar opens when another closes: a time tells the bar.
    """
    steps = rng.normal(0, 0.02, count)
    close = 100 * np.exp(np.cumsum(steps))
    start = np.concatenate([[100.0], close[:-1]]) * np.exp(rng.normal(0, 0.008, count))
    high = np.maximum(start, close) * np.exp(np.abs(rng.normal(0, 0.01, count)))
    low = np.minimum(start, close) * np.exp(-np.abs(rng.normal(0, 0.01, count)))
    columns = {"open": start, "high": high, "low": low, "close": close}
    if grid:
        columns = {name: np.round(values / grid) * grid for name, values in columns.items()}
    return pd.DataFrame(columns, index=days_apart("2020-01-01", count)).assign(volume=1000.0)


def days_apart(first: str, count: int) -> pd.DatetimeIndex:
    """Return dates two days apart and sometimes three, as days may be: bars of two days are always two apart."""
    place = np.arange(count)
    return pd.Timestamp(first) + pd.to_timedelta(2 * place + place // 5, unit="D")


def random_script(rng: np.random.Generator, frame: pd.DataFrame, grid: float) -> Script:
    """Orders of every kind at random bars, with prices around the close of their bar."""
    script: Script = {}
    placed = 0

    def price(base: float, low: float, high: float) -> float:
        value = float(base * (1 + rng.uniform(low, high)))
        return max(round(value / grid) * grid, grid) if grid else value

    busy = rng.choice([0.15, 0.4, 0.8])
    for bar in range(1, len(frame)):
        if rng.random() > busy:
            continue
        close = float(frame["close"].iloc[bar])
        actions: list[tuple[Any, ...]] = []
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            kind = rng.choice(["market", "market", "limit", "stop", "stop_limit", "close", "cancel"])
            if kind == "close":
                actions.append(("close",))
                continue
            if kind == "cancel":
                actions.append(("cancel", int(rng.integers(0, placed + 1))))
                continue
            side = int(rng.choice([1, -1]))
            size = float(rng.uniform(0.02, 0.999)) if rng.random() < 0.5 else float(rng.integers(1, 400))
            limit = price(close, -0.03, 0.03) if kind in ("limit", "stop_limit") else None
            stop = price(close, -0.03, 0.03) if kind in ("stop", "stop_limit") else None
            entry = limit or stop or close
            sl = price(entry, *sorted((-0.002 * side, -0.04 * side))) if rng.random() < 0.5 else None
            tp = price(entry, *sorted((0.002 * side, 0.04 * side))) if rng.random() < 0.5 else None
            if (sl is not None and (entry - sl) * side <= 0) or (tp is not None and (tp - entry) * side <= 0):
                sl = tp = None  # rounding took it across
            actions.append(("order", side, size, limit, stop, sl, tp))
            placed += 1
        script[bar] = actions
    return script
