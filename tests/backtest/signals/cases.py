"""Random bars, signals and options by seed, and the whole state of the books after a run in one of its forms."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
from alphintra.signals import reference
from alphintra_backtest import beginning, books, codes, runner
from alphintra_backtest.options import options

OPTIONAL = ("exits", "short_entries", "short_exits")


def random_frame(rng: np.random.Generator, n: int, missing: float) -> pd.DataFrame:
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, n)))
    opened = np.concatenate(([100.0], close[:-1])) * np.exp(rng.normal(0, 0.02, n))
    columns = {
        "open": opened,
        "high": np.maximum(opened, close) * (1 + rng.uniform(0, 0.03, n)),
        "low": np.minimum(opened, close) * (1 - rng.uniform(0, 0.03, n)),
        "close": close,
        "volume": rng.integers(200, 50_000, n).astype(float),
    }
    frame = pd.DataFrame(columns, index=pd.bdate_range("2024-01-02", periods=n))
    return frame[rng.random(n) >= missing]


def random_data(seed: int) -> Any:
    rng = np.random.default_rng([seed, 1])
    n, symbols = int(rng.integers(20, 90)), int(rng.integers(1, 5))
    if symbols == 1:
        return random_frame(rng, n, 0.0)
    return {f"S{s}": random_frame(rng, n, float(rng.choice([0.0, 0.1, 0.3]))) for s in range(symbols)}


def random_signals(seed: int, shape: tuple[int, ...]) -> Any:
    rng = np.random.default_rng([seed, 2])
    often = float(rng.choice([0.03, 0.2, 0.6]))
    if rng.random() < 0.25:
        weights = np.round(rng.uniform(-1.2, 1.2, shape) / (shape[1] if len(shape) > 1 else 1), 1)
        weights[rng.random(shape) < 0.3] = 0.0
        weights[rng.random(shape) >= often] = np.nan
        return al.Signals(weights=weights, rebalance=str(rng.choice(["change", "always"])))
    given: dict[str, Any] = {"entries": rng.random(shape) < often}
    both = rng.random() < 0.7
    for name in OPTIONAL:
        if rng.random() < 0.8 and (both or name == "exits"):
            given[name] = rng.random(shape) < often
    if "short_entries" not in given:
        given.pop("short_exits", None)
    for name, low, high in (
        ("size", 0.05, 1.3), ("stop_loss_percent", 0.005, 0.1), ("take_profit_percent", 0.005, 0.1),
    ):  # fmt: skip
        kind = rng.random()
        if kind < 0.35:
            given[name] = float(rng.uniform(low, high))
        elif kind < 0.6:
            given[name] = rng.uniform(low, high, shape)
    return al.Signals(**given)


def random_options(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng([seed, 3])

    def one(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    return {
        "cash": one(1_000, 20_000, 1_000_000),
        "commission": one(0, 0.001, al.Commission(per_share=0.01, minimum=2.0, maximum=20.0)),
        "slippage": one(0, 0, 0.002),
        "start": one(None, None, "2024-01-20"),
        "rules": {
            "max_share": one(None, 0.025, 0.001),
            "account": one("margin", "margin", "cash"),
            "entry_bar": one("certain", "pessimistic", "next"),
            "fill_at": one("open", "open", "close"),
            "size_at": one("fill", "fill", "decision"),
            "close_at_end": one("no", "last_close", "last_open"),
            "limit_fill": one("strict", "touch"),
            "allow_partial": one(False, True),
            "fractional": one(False, True),
            "min_order_value": one(0.0, 0.0, 500.0),
        },
    }


def random_strategy(seed: int) -> type[al.Strategy]:
    class Random(al.Strategy):
        def signals(self, data: Any) -> Any:
            return random_signals(seed, data.shape)

    return Random


def state(strategy: type, data: Any, given: dict[str, Any], *, compiled: bool) -> dict[str, Any]:
    """Every array of the books after a run, and where it began and ended."""
    given = dict(given)
    start = given.pop("start", None)
    config = options(profile="default", risk_free_rate=0.0, seed=0, **given)
    session, first, end = runner._simulate(
        beginning.form_of(strategy, compiled), {}, al.data.resolve(data), config, start, None
    )
    b, reg = session.books, session.books.reg
    n, fills, events = int(reg[codes.S_ORDERS]), int(reg[codes.S_FILLS]), int(reg[codes.S_EVENTS])
    return {
        "walk": [first, end], "oi": b.oi[:n].copy(), "of": b.of[:n].copy(), "fi": b.fi[:fills].copy(),
        "ff": b.ff[:fills].copy(), "ev": b.ev[:events].copy(), "pos": b.pos.copy(), "cash": b.cash.copy(),
        "reg": reg.copy(),
    }  # fmt: skip


def assert_same(a: dict[str, Any], b: dict[str, Any]) -> None:
    """Equal to the last bit, with the table and row where they are not."""
    assert a["walk"] == b["walk"]
    for name in ("oi", "of", "fi", "ff", "ev", "pos", "cash", "reg"):
        np.testing.assert_array_equal(a[name], b[name], err_msg=name, strict=True)


def as_reference(strategy: type[al.Strategy]) -> type[al.Strategy]:
    return reference(strategy)


def force(monkeypatch: Any, *, compiled: bool) -> None:
    """Run all lengths in plain Python, or all in compiled code."""
    monkeypatch.setattr(books, "PLAIN_BELOW", 0 if compiled else 10**9)
