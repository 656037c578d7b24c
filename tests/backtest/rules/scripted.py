"""Bars written out by hand, a strategy that follows a script, and the run's logs as short rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import alphintra as al
import pandas as pd

Action = Callable[[Any], object]
FLAT = (100.0, 101.0, 99.0, 100.0)


def bars(*rows: tuple[float, ...], first: str = "2024-01-02", volume: float = 1e6) -> pd.DataFrame:
    """Daily bars on weekdays; a row is (open, high, low, close) or has a volume of its own as well."""
    full = [(*map(float, row), volume) if len(row) == 4 else tuple(map(float, row)) for row in rows]
    index = pd.bdate_range(first, periods=len(full))
    return pd.DataFrame(full, index=index, columns=["open", "high", "low", "close", "volume"])


def scripted(
    script: Mapping[int, Action], *, start: Action | None = None, stop: Action | None = None
) -> type[al.Strategy]:
    """A strategy that calls ``script[i]`` at the decision of bar ``i``."""

    class Scripted(al.Strategy):
        def on_start(self) -> None:
            if start is not None:
                start(self)

        def on_bar(self) -> None:
            if self.bar_index in script:
                script[self.bar_index](self)

        def on_stop(self) -> None:
            if stop is not None:
                stop(self)

    return Scripted


def run(script: Mapping[int, Action], data: Any, *, cash: float = 100_000, **options: Any) -> Any:
    """Backtest a script."""
    start, stop = options.pop("on_start", None), options.pop("on_stop", None)
    return al.backtest(scripted(script, start=start, stop=stop), data, cash=cash, **options)


def fills(result: Any) -> list[tuple[int, str, float, float, str]]:
    """(bar, side, quantity, price, rule) of every fill; prices to 1e-9."""
    c = result.columns["fills"]
    rows = zip(c["bar"], c["side"], c["quantity"], c["price"], c["rule"], strict=True)
    return [(int(b), s, round(float(q), 9), round(float(p), 9), r) for b, s, q, p, r in rows]


def ends(result: Any) -> list[tuple[str, str]]:
    """(state, reason) of every order, in order of submission."""
    c = result.columns["orders"]
    return list(zip(c["state"], c["reason"], strict=True))


def trades(result: Any) -> list[tuple[float, float, float | None, float | None, str]]:
    """(quantity, entry price, exit price, P&L, exit reason) of every round trip."""
    c = result.columns["trades"]
    rows = zip(c["quantity"], c["entry_price"], c["exit_price"], c["pnl"], c["exit_reason"], strict=True)
    return [
        (q, round(e, 9), None if x is None else round(x, 9), None if p is None else round(p, 9), r)
        for q, e, x, p, r in rows
    ]


def assumption(result: Any, code: str) -> dict[str, Any] | None:
    """The assumption of that code, if the run rests on it."""
    return next((a for a in result.assumptions if a["code"] == code), None)


def buy(quantity: float | None = None, **options: Any) -> Action:
    """An action: buy."""
    return lambda s: s.buy(quantity, **options)


def sell(quantity: float | None = None, **options: Any) -> Action:
    """An action: sell."""
    return lambda s: s.sell(quantity, **options)


def target(fraction: float, symbol: str | None = None) -> Action:
    """An action: order a target percent."""
    return lambda s: s.order_target_percent(fraction, symbol)


def both(*actions: Action) -> Action:
    """An action: several in one callback."""

    def act(s: Any) -> None:
        for action in actions:
            action(s)

    return act


def events(result: Any, *states: str) -> list[tuple[str, int, str, str]]:
    """(time, order, state, reason) of the events with one of these states; the time to the minute, in UTC."""
    c = result.events
    rows = zip(c["time"], c["order_id"], c["state"], c["reason"], strict=True)
    return [(f"{t:%Y-%m-%d %H:%M}", int(o), s, r) for t, o, s, r in rows if s in states]


def flows(result: Any) -> list[tuple[str, str, float, float]]:
    """(date, kind, amount, quantity) of what moved cash or lots without a fill."""
    c = result.cash_flows
    rows = zip(c["time"], c["kind"], c["amount"], c["quantity"], strict=True)
    return [(f"{t:%Y-%m-%d}", k, round(float(a), 9), round(float(q), 9)) for t, k, a, q in rows]


def of_type(s: Any, kind: str) -> Any:
    """The working order of that type."""
    return next(o for o in s.orders if o.type == kind)


def explained(result: Any, last: Mapping[str, float], multiplier: float = 1.0) -> float:
    """M10: Σ trades' P&L + open P&L + interest on cash, from the tables alone; ``last`` are the last closes."""
    c = result.columns["trades"]
    total = 0.0
    for n, closed in enumerate(c["pnl"]):
        if closed is not None:
            total += closed
            continue
        sign = 1 if c["side"][n] == "BUY" else -1
        moved = sign * c["quantity"][n] * (last[c["symbol"][n]] - c["entry_price"][n]) * multiplier
        total += moved + c["carry"][n] - c["commission"][n]
    paid = result.columns["cash_flows"]
    return total + sum(a for a, k in zip(paid["amount"], paid["kind"], strict=True) if k == "INTEREST")
