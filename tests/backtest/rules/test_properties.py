"""Invariants over random bars and random scripts, the same ones on every run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest import books, core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.no_cover

VERBS = (
    "buy",
    "sell",
    "limit",
    "stop",
    "stop_limit",
    "bracket",
    "short_bracket",
    "target",
    "value",
    "close",
    "cancel",
)
Script = list[tuple[int, str, str, float, float]]

steady = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def random_bars(seed: int, n: int, level: float = 100.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    close = level * np.exp(np.cumsum(rng.normal(0, 0.03, n)))
    opened = np.concatenate(([level], close[:-1])) * np.exp(rng.normal(0, 0.02, n))
    high = np.maximum(opened, close) * (1 + rng.uniform(0, 0.03, n))
    low = np.minimum(opened, close) * (1 - rng.uniform(0, 0.03, n))
    index = pd.bdate_range("2024-01-02", periods=n)
    volume = rng.integers(500, 5000, n).astype(float)
    columns = {"open": opened, "high": high, "low": low, "close": close, "volume": volume}
    return pd.DataFrame(columns, index=index)


def player(script: Script) -> type[al.Strategy]:
    """Plays (bar, verb, symbol, size, offset); prices are offsets from the last close and scale with it."""
    at: dict[int, list[tuple[int, str, str, float, float]]] = {}
    for row in script:
        at.setdefault(row[0], []).append(row)

    class Player(al.Strategy):
        def on_bar(self) -> None:
            for _, verb, symbol, size, offset in at.get(self.bar_index, ()):
                play(self, verb, symbol, size, offset)

    return Player


def play(s: Any, verb: str, symbol: str, size: float, offset: float) -> None:
    close = s.data[symbol].close[-1]
    up, down = close * (1 + abs(offset) + 0.001), close * (1 - abs(offset) - 0.001)
    act: Mapping[str, Any] = {
        "buy": lambda: s.buy(size, symbol=symbol),
        "sell": lambda: s.sell(size, symbol=symbol),
        "limit": lambda: (
            s.buy(size, symbol=symbol, limit=down) if offset < 0 else s.sell(size, symbol=symbol, limit=up)
        ),
        "stop": lambda: (
            s.buy(size, symbol=symbol, stop=up) if offset < 0 else s.sell(size, symbol=symbol, stop=down)
        ),
        "stop_limit": lambda: s.buy(size, symbol=symbol, stop=up, limit=up * (1 + offset / 2)),
        "bracket": lambda: s.buy(size, symbol=symbol, stop_loss=down, take_profit=up),
        "short_bracket": lambda: s.sell(
            size, symbol=symbol, limit=up, stop_loss_percent=0.01, take_profit_percent=0.01
        ),
        "target": lambda: s.order_target_percent(offset * 5, symbol),
        "value": lambda: s.buy(value=size * close, symbol=symbol, tif="DAY"),
        "close": lambda: s.close(symbol),
        "cancel": lambda: s.cancel(symbol=symbol),
    }
    act[verb]()


def scripts(symbols: str = "AB", verbs: tuple[str, ...] = VERBS) -> st.SearchStrategy[Script]:
    row = st.tuples(
        st.integers(0, 38), st.sampled_from(verbs), st.sampled_from(symbols), st.integers(1, 60).map(float),
        st.integers(-8, 8).map(lambda x: x / 200),
    )  # fmt: skip
    return st.lists(row, min_size=3, max_size=25)


def universe(seed: int, level: float = 100.0) -> dict[str, pd.DataFrame]:
    """Two symbols; B misses some bars."""
    b = random_bars(seed + 1, 40, level / 2)
    return {"A": random_bars(seed, 40, level), "B": b.drop(b.index[[5, 6, 20]])}


@steady
@given(st.integers(0, 10_000), scripts(), st.sampled_from(["certain", "pessimistic", "next"]))
def test_prices_before_slippage_lie_in_the_bar_and_money_adds_up(
    seed: int, script: Script, entry: str
) -> None:
    data = universe(seed)
    r = al.backtest(player(script), data, cash=20_000, commission=0.001, slippage=0.002, entry_bar=entry)
    f = r.columns["fills"]
    days = data["A"].index
    for bar, symbol, side, price, rule in zip(
        f["bar"], f["symbol"], f["side"], f["price"], f["rule"], strict=True
    ):
        row = data[symbol].loc[days[bar]]
        slipped = rule in ("F1.open", "F2.open", "F2.stop", "F5.rest") or rule == "F15.entry_bar"
        sign = 1 if side == "BUY" else -1
        candidates = [price] if not slipped else [price / (1 + 0.002 * sign)]
        if rule in ("F15.entry_bar", "F5.rest"):
            candidates.append(price)  # a target does not slip, a stop does
        assert any(row.low * (1 - 1e-12) <= p <= row.high * (1 + 1e-12) for p in candidates), (
            rule,
            price,
            row,
        )
    t = r.columns["trades"]
    last = {s: float(d["close"].iloc[-1]) for s, d in data.items()}
    closed = sum(p for p in t["pnl"] if p is not None)
    still = sum(
        (1 if side == "BUY" else -1) * q * (last[s] - e) - c
        for s, side, q, e, c, o in zip(
            t["symbol"], t["side"], t["quantity"], t["entry_price"], t["commission"], t["open"], strict=True
        )
        if o
    )
    final = float(r.curves.equity[-1])
    assert closed + still == pytest.approx(final - 20_000, abs=1e-6)
    # gross exposure never was bought beyond equity, and cash is what the fills left
    spent = sum(
        (1 if s == "BUY" else -1) * q * p + c
        for s, q, p, c in zip(f["side"], f["quantity"], f["price"], f["commission"], strict=True)
    )
    assert float(r.curves.cash[-1]) == pytest.approx(20_000 - spent, abs=1e-6)
    for n, state in enumerate(r.columns["orders"]["state"]):
        assert state not in ("WORKING", "WAITING")
        assert r.columns["orders"]["filled"][n] <= r.columns["orders"]["quantity"][n] + 1e-9


@steady
@given(st.integers(0, 10_000), scripts(verbs=tuple(v for v in VERBS if v != "target")))
def test_the_order_of_symbols_does_not_matter_when_cash_is_ample(seed: int, script: Script) -> None:
    data = universe(seed)
    one = al.backtest(player(script), data, cash=1e7)
    two = al.backtest(player(script), dict(reversed(data.items())), cash=1e7)
    assert one.run["symbols"] == ["A", "B"]
    assert two.run["symbols"] == ["B", "A"]
    np.testing.assert_allclose(one.curves.equity, two.curves.equity, rtol=1e-12)
    rows = [
        sorted(
            zip(
                *(r.columns["fills"][c] for c in ("bar", "symbol", "side", "quantity", "price", "rule")),
                strict=True,
            )
        )
        for r in (one, two)
    ]
    assert rows[0] == rows[1]


@steady
@given(st.integers(0, 10_000), scripts())
def test_ten_times_the_prices_and_the_cash_is_ten_times_the_equity(seed: int, script: Script) -> None:
    small, big = universe(seed), universe(seed)
    for frame in big.values():
        frame[["open", "high", "low", "close"]] *= 10
    options: dict[str, Any] = {"commission": 0.001, "fractional": True, "max_share": None}
    one = al.backtest(player(script), small, cash=20_000, **options)
    ten = al.backtest(player(script), big, cash=200_000, **options)
    # a lot of 1e-8 is worth 1e-5 at most
    np.testing.assert_allclose(ten.curves.equity, one.curves.equity * 10, rtol=1e-6)


@steady
@given(st.lists(st.integers(1, 10**9), min_size=10, max_size=10), st.permutations(range(10)))
def test_ten_buys_and_the_same_ten_sells_end_at_zero_lots(sizes: list[int], order: list[int]) -> None:
    kept = []

    class TenAndTen(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index < 10:
                self.buy(sizes[self.bar_index] * 1e-8)
            elif self.bar_index < 20:
                self.sell(sizes[order[self.bar_index - 10]] * 1e-8)
            kept.append(self.position().size)

    r = al.backtest(TenAndTen, random_bars(1, 22), cash=1e9, fractional=True, max_share=None)
    assert kept[-1] == 0.0
    assert bool(kept[12])
    assert r.metrics["open_trades"] == 0
    assert list(r.curves.exposure[-2:]) == [0.0, 0.0]


def test_the_plain_core_and_its_compiled_twin_write_the_same_events(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    n = 1200
    script: Script = [
        (int(i), VERBS[int(rng.integers(len(VERBS)))], "AB"[int(rng.integers(2))], float(rng.integers(1, 60)),
         int(rng.integers(-8, 9)) / 200)
        for i in np.sort(rng.integers(0, n - 2, 900))
    ]  # fmt: skip
    data = {
        "A": random_bars(1, n),
        "B": random_bars(2, n, 50.0).drop(pd.bdate_range("2024-03-01", periods=9)),
    }
    options: dict[str, Any] = {"cash": 50_000, "commission": 0.001, "slippage": 0.001}
    plain = al.backtest(player(script), data, **options)
    monkeypatch.setattr(books, "PLAIN_BELOW", 0)
    assert books.kernels(1) is not core
    compiled = al.backtest(player(script), data, **options)
    assert len(plain.columns["events"]["time"]) > 1500
    assert len(plain.columns["fills"]["time"]) > 300
    for table in ("events", "fills", "orders", "positions"):
        for column, values in plain.columns[table].items():
            np.testing.assert_array_equal(
                np.asarray(values), np.asarray(compiled.columns[table][column]), err_msg=column
            )
    for curve in dataclasses.fields(plain.curves):
        np.testing.assert_array_equal(getattr(plain.curves, curve.name), getattr(compiled.curves, curve.name))
    assert plain.counts == compiled.counts


@steady
@given(st.integers(0, 10_000), scripts(), st.sampled_from(["open", "close"]))
def test_skipping_the_bars_at_which_nothing_can_happen_changes_nothing(
    seed: int, script: Script, at: str
) -> None:
    data = universe(seed)
    skipping = al.backtest(player(script), data, cash=20_000, fill_at=at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "peek", lambda m, b, k, t, last: min(t + 1, last))
        every = al.backtest(player(script), data, cash=20_000, fill_at=at)
    for table in ("events", "orders", "fills"):
        for column, values in skipping.columns[table].items():
            np.testing.assert_array_equal(
                np.asarray(values), np.asarray(every.columns[table][column]), err_msg=column
            )
    np.testing.assert_array_equal(skipping.curves.equity, every.curves.equity)
