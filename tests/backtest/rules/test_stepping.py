"""Python runs up to the next bar at which anything can happen: the logs are those of stepping every bar."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.errors import OrderError
from alphintra_backtest import books, core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .test_properties import random_bars

pytestmark = pytest.mark.no_cover

Script = list[tuple[int, str, str, float, float]]
BARS = 80
steady = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def working(s: Any, *types: str) -> list[Any]:
    return [o for o in s.orders if o.type in types and o.state == "WORKING"]


def later(s: Any, days: int) -> str:
    return str((s.now + pd.Timedelta(days=days)).date())


def amend(s: Any, distance: float) -> None:
    for order in working(s, "TRAILING_STOP")[:1]:
        s.amend(order, trail=distance)
    for order in working(s, "LIMIT")[:1]:
        s.amend(order, limit=order.limit * (1 + distance / 1000))


def trail_out(s: Any, symbol: str, distance: float) -> None:
    size = s.position(symbol).size
    if size and abs(size) >= 1:
        (s.sell if size > 0 else s.buy)(trail=distance, symbol=symbol)


def group(s: Any, size: float, symbol: str, up: float, down: float) -> None:
    s.oco(s.buy(size, symbol=symbol, stop=up), s.sell(size, symbol=symbol, stop=down, max_bars=5))


# size, the last close, prices above and below it, a distance
VERBS: dict[str, Callable[[Any, str, float, float, float, float, float], Any]] = {
    "buy": lambda s, y, q, c, up, down, d: s.buy(q, symbol=y),
    "sell": lambda s, y, q, c, up, down, d: s.sell(q, symbol=y),
    "trail": lambda s, y, q, c, up, down, d: s.buy(q, symbol=y, trail=d),
    "trail_short": lambda s, y, q, c, up, down, d: s.sell(q, symbol=y, limit=up, trail_percent=0.12, take_profit=down),
    "trail_stop": lambda s, y, q, c, up, down, d: s.buy(q, symbol=y, stop=up, trail_percent=0.15, max_bars=9),
    "trail_out": lambda s, y, q, c, up, down, d: trail_out(s, y, d),
    "timed": lambda s, y, q, c, up, down, d: s.buy(q, symbol=y, max_bars=1 + int(q) % 15, stop_loss=down),
    "timed_limit": lambda s, y, q, c, up, down, d: s.sell(q, symbol=y, limit=up, max_bars=3),
    "dated": lambda s, y, q, c, up, down, d: s.buy(q, symbol=y, limit=down, good_till=later(s, int(q) % 25)),
    "dated_stop": lambda s, y, q, c, up, down, d: s.sell(q, symbol=y, stop=down, good_till=later(s, int(q) % 25)),
    "now": lambda s, y, q, c, up, down, d: s.buy(q, symbol=y, limit=up, tif="IOC" if q % 2 else "FOK"),
    "close": lambda s, y, q, c, up, down, d: s.sell(q, symbol=y, at_close=True),
    "group": lambda s, y, q, c, up, down, d: group(s, q, y, up, down),
    "amend": lambda s, y, q, c, up, down, d: amend(s, d),
    "cancel": lambda s, y, q, c, up, down, d: s.cancel(next(iter(s.orders), None)) if s.orders else None,
    "look": lambda s, y, q, c, up, down, d: [o.stop for o in s.orders],
    "far": lambda s, y, q, c, up, down, d: s.buy(q, symbol=y, limit=0.4 * c),
    "flat": lambda s, y, q, c, up, down, d: s.close(y),
    "all_in": lambda s, y, q, c, up, down, d: s.order_target_percent(1.4 if q % 2 else -1.4, y),
}


def player(script: Script) -> type[al.Strategy]:
    at: dict[int, Script] = {}
    for row in script:
        at.setdefault(row[0], []).append(row)

    class Player(al.Strategy):
        def on_bar(self) -> None:
            for _, verb, symbol, size, offset in at.get(self.bar_index, ()):
                close = self.data[symbol].close[-1]
                up, down = close * (1.005 + 3 * offset), close * (0.995 - 3 * offset)
                with contextlib.suppress(OrderError):  # a trailing stop with a limit while short, and the like
                    VERBS[verb](self, symbol, size, close, up, down, close * (0.01 + 4 * offset))

    return Player


def universe(seed: int, n: int = BARS) -> Any:
    """Three symbols with splits and dividends; B misses bars and is listed late, C is delisted early."""
    b = random_bars(seed + 1, n, 50.0)
    frames = {"A": random_bars(seed, n), "B": b.drop(b.index[[5, 6, 20]]), "C": random_bars(seed + 2, n, 80.0)}
    rng = np.random.default_rng(seed)
    days = frames["A"].index
    splits, dividends = {}, {}
    for symbol, frame in frames.items():
        at, ratio = int(rng.integers(5, n - 5)), float(rng.choice([2.0, 1.5, 0.2]))
        later_rows = frame.index >= days[at]
        frame.loc[later_rows, ["open", "high", "low", "close"]] /= ratio
        splits[symbol] = {str(days[at].date()): ratio}
        dividends[symbol] = {str(days[k].date()): 0.7 for k in rng.choice(np.arange(2, n), 3, replace=False)}
    return al.data.with_events(frames, splits=splits, dividends=dividends)


def terms(n: int = BARS) -> dict[str, Any]:
    days = pd.bdate_range("2024-01-02", periods=n)
    return {
        "instruments": {
            "B": al.Instrument(start=str(days[12].date())),
            "C": al.Instrument(end=str(days[n - 15].date()), multiplier=2.0, margin=40.0),
        }
    }


OPTIONS: list[dict[str, Any]] = [
    {"leverage": 2, "borrow_rate": 0.05, "margin_rate": 0.08, "commission": {"per_share": 0.01, "minimum": 1}},
    {"leverage": 4, "maintenance_margin": 0.24, "slippage": {"volume_share": 0.5, "spread": 0.02}, "margin_rate": 0.1},
    {"fill_at": "close", "entry_bar": "pessimistic", "leverage": 3, "fractional": True},
    {"initial_margin": 2.0, "maintenance_margin": 1.6, "withholding": 0.15, "entry_bar": "next"},
    {"account": "cash", "limit_fill": "touch", "close_at_end": "last_open", "commission": 0.002},
    {"profile": "lean", "prices": "auto", "max_share": 0.025},
    {"profile": "lean", "prices": "auto", "fill_at": "close", "slippage": 0.001},
]


def scripts(last: int = BARS - 2) -> st.SearchStrategy[Script]:
    row = st.tuples(
        st.integers(0, last), st.sampled_from(sorted(VERBS)), st.sampled_from("ABC"), st.integers(1, 60).map(float),
        st.integers(0, 8).map(lambda x: x / 200),
    )  # fmt: skip
    return st.lists(row, min_size=2, max_size=14)


def same(one: Any, two: Any) -> None:
    for table in ("events", "orders", "fills", "cash_flows", "positions", "trades"):
        for column, values in one.columns[table].items():
            if column == "backtest_id":
                continue
            np.testing.assert_array_equal(
                np.asarray(values), np.asarray(two.columns[table][column]), err_msg=f"{table}.{column}"
            )
    np.testing.assert_array_equal(one.curves.equity, two.curves.equity)
    np.testing.assert_array_equal(one.curves.cash, two.curves.cash)
    assert one.counts == two.counts


def each_bar(m: Any, b: Any, k: Any, t: int, last: int) -> int:
    return min(t + 1, last)


@steady
@given(st.integers(0, 10_000), scripts(), st.sampled_from(OPTIONS))
def test_stepping_every_bar_changes_nothing(seed: int, script: Script, options: dict[str, Any]) -> None:
    data = universe(seed)
    skipping = al.backtest(player(script), data, cash=8_000, **terms(), **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "peek", each_bar)
        every = al.backtest(player(script), data, cash=8_000, **terms(), **options)
    same(skipping, every)


@steady
@given(st.integers(0, 10_000), scripts(), st.sampled_from(OPTIONS))
def test_trades_interest_and_open_positions_explain_the_equity(
    seed: int, script: Script, options: dict[str, Any]
) -> None:
    data = universe(seed)
    run = al.backtest(player(script), data, cash=8_000, **terms(), **options)
    c = run.columns["trades"]
    total = 0.0
    multiplier = {"A": 1.0, "B": 1.0, "C": 2.0}
    for n, pnl in enumerate(c["pnl"]):
        symbol, sign = c["symbol"][n], 1 if c["side"][n] == "BUY" else -1
        if pnl is not None:
            moved = sign * c["quantity"][n] * (c["exit_price"][n] - c["entry_price"][n]) * multiplier[symbol]
            assert pnl == pytest.approx(moved + c["carry"][n] - c["commission"][n], abs=1e-6)
            total += pnl
            continue
        reached = data.bars[symbol].close_time <= run.curves.time[-1]
        price = float(data.bars[symbol].close[reached][-1])
        total += sign * c["quantity"][n] * (price - c["entry_price"][n]) * multiplier[symbol]
        total += c["carry"][n] - c["commission"][n]
    flows = run.columns["cash_flows"]
    total += sum(a for a, kind in zip(flows["amount"], flows["kind"], strict=True) if kind == "INTEREST")
    assert total == pytest.approx(float(run.curves.equity[-1]) - 8_000, abs=1e-6)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: next(iter(o)))
def test_a_long_run_is_the_same_in_the_compiled_core(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    n = 900
    rng = np.random.default_rng(11)
    names = sorted(VERBS)
    script: Script = [
        (int(i), names[int(rng.integers(len(names)))], "ABC"[int(rng.integers(3))], float(rng.integers(1, 60)),
         int(rng.integers(0, 9)) / 200)
        for i in np.sort(rng.integers(0, n - 2, 700))
    ]  # fmt: skip
    data = universe(3, n)
    runs = []
    for below in (10**12, 0):
        monkeypatch.setattr(books, "PLAIN_BELOW", below)
        monkeypatch.setattr(books, "PLAIN_BARS_BELOW", below)
        runs.append(al.backtest(player(script), data, cash=100_000, **terms(n), **options))
    assert len(runs[0].columns["events"]["time"]) > 700
    assert len(runs[0].columns["fills"]["time"]) > 100
    same(*runs)


def test_the_scripts_reach_what_they_are_for() -> None:
    """Over a few seeds: every kind of ending, of leg and of fill that a horizon could miss."""
    rules, reasons, legs = set(), set(), set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        names = sorted(VERBS)
        script: Script = [
            (int(rng.integers(0, BARS - 2)), names[int(rng.integers(len(names)))], "ABC"[int(rng.integers(3))],
             float(rng.integers(1, 60)), int(rng.integers(0, 9)) / 200)
            for _ in range(60)
        ]  # fmt: skip
        for options in OPTIONS:
            run = al.backtest(player(script), universe(seed), cash=8_000, **terms(), **options)
            rules |= set(run.columns["fills"]["rule"])
            reasons |= set(run.columns["events"]["reason"])
            legs |= set(run.columns["cash_flows"]["kind"])
    assert legs == {"DIVIDEND", "SPLIT", "FRACTION", "BORROW", "INTEREST"}
    assert {
        "F14.open",
        "F14.trail",
        "F0.close",
        "F11.liquidation",
        "F18.delisted",
        "F1.timeout",
        "F15.entry_bar",
    } <= rules
    assert {"GOOD_TILL_DATE", "IMMEDIATE", "SPLIT", "LIQUIDATION", "DELISTED", "OCO", "POSITION_CLOSED"} <= reasons
