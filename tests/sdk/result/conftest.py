"""A small account of its own, so that these tests need no engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alphintra.data.market import DAY_US, MarketData, Note, SymbolBars
from alphintra.result import Curves, IndicatorSeries, Result
from alphintra.result_tables import TABLES

HOUR_US = 3_600_000_000
START_DAY = 12_000  # 2002-11-09


def bars_of(symbol: str, n: int, seed: int = 1, *, intraday: bool = False) -> SymbolBars:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0003, 0.012, n)))
    opened = np.concatenate(([100.0], close[:-1])) * np.exp(rng.normal(0, 0.002, n))
    high = np.maximum(opened, close) * 1.004
    low = np.minimum(opened, close) * 0.996
    if intraday:
        minute = 60_000_000
        # 390 one-minute bars a day from 14:30 UTC.
        index = np.arange(n)
        day = START_DAY + index // 390
        open_time = day * DAY_US + 14 * HOUR_US + 30 * minute + (index % 390) * minute
        close_time = open_time + minute
    else:
        day = START_DAY + np.arange(n)
        open_time = day * DAY_US + 14 * HOUR_US + HOUR_US // 2
        close_time = day * DAY_US + 21 * HOUR_US
    return SymbolBars(
        symbol,
        open_time.astype(np.int64),
        close_time.astype(np.int64),
        day.astype(np.int32),
        opened,
        high,
        low,
        close,
        np.full(n, 1_000_000.0),
    )


def market_of(
    bars: dict[str, SymbolBars], *, name: str = "us-equities-daily/AAPL", timeframe: str = "1d"
) -> MarketData:
    first = next(iter(bars.values()))
    last = max(int(b.session[-1]) for b in bars.values())
    return MarketData(
        name=name,
        dataset_hash="sha256:" + "ab" * 32,
        symbols=tuple(bars),
        bars=bars,
        asset_class="STOCKS",
        timeframe=timeframe,
        calendar="XNYS",
        sessions=np.arange(int(first.session[0]), last + 41, dtype=np.int32),
        periods_per_year=252,
        prices="as given",
        notes=(Note("survivors", "These shares were picked in 2013.", "warning"),),
    )


def hold(n: int, every: int = 20) -> np.ndarray:
    """Long for ``every`` bars, out for as many."""
    return (np.arange(n) // every) % 2 == 1


def build(
    n: int = 300,
    *,
    symbols: tuple[str, ...] = ("AAPL",),
    every: int = 20,
    strategy: str = "SmaCross",
    commission: float = 0.001,
    cash: float = 100_000.0,
    intraday: bool = False,
    benchmark: bool = True,
    indicators: int = 1,
    quantity: float = 100.0,
) -> Result:
    """One account that holds ``quantity`` of the first symbol on and off."""
    bars = {s: bars_of(s, n, i + 1, intraday=intraday) for i, s in enumerate(symbols)}
    market = market_of(bars, timeframe="1min" if intraday else "1d")
    own = bars[symbols[0]]
    wanted = hold(n, every)
    money, held = cash, 0.0
    equity, cashes, exposure = np.empty(n), np.empty(n), np.empty(n)
    fills: dict[str, list[Any]] = {name: [] for name in TABLES["fills"]}
    orders: dict[str, list[Any]] = {name: [] for name in TABLES["orders"]}
    trades: dict[str, list[Any]] = {name: [] for name in TABLES["trades"]}
    entry: tuple[int, float, float] | None = None

    def close_trade(at: int | None, price: float | None, fee: float) -> None:
        assert entry is not None
        start, paid, first_fee = entry
        done = at is not None and price is not None
        pnl = (price - paid) * quantity - first_fee - fee if done and price is not None else np.nan
        row = {
            "id": len(trades["id"]) + 1,
            "backtest_id": "run1",
            "symbol": symbols[0],
            "side": "BUY",
            "quantity": quantity,
            "entry_price": paid,
            "exit_price": price if done else np.nan,
            "entry_time": int(own.open_time[start]),
            "exit_time": int(own.open_time[at]) if at is not None else None,
            "pnl": pnl,
            "commission": first_fee + fee,
            "exit_reason": "SIGNAL" if done else "OPEN",
            "return": pnl / (paid * quantity),
            "bars": float(at - start) if at is not None else np.nan,
            "mae": -0.01,
            "mfe": 0.02,
            "open": not done,
            "ambiguous": False,
            "carry": 0.0,
        }
        for key, value in row.items():
            trades[key].append(value)

    for i in range(n):
        if i and wanted[i - 1] != (held > 0):
            side = "BUY" if wanted[i - 1] else "SELL"
            sign = 1.0 if side == "BUY" else -1.0
            price = float(own.open[i])
            fee = commission * price * quantity
            money -= sign * price * quantity + fee
            held += sign * quantity
            number = len(fills["time"]) + 1
            for key, value in zip(
                fills,
                (
                    int(own.open_time[i]), symbols[0], side, quantity, price, price, "open", fee, 0.0, price * quantity,
                    "F1.open", number, i,
                ),
                strict=True,
            ):  # fmt: skip
                fills[key].append(value)
            for key, value in zip(
                orders,
                (
                    number, symbols[0], side, "MARKET", quantity, quantity, np.nan, np.nan, "GTC",
                    int(own.close_time[i - 1]), "FILLED", "", -1, "", "", price, int(own.open_time[i]),
                ),
                strict=True,
            ):  # fmt: skip
                orders[key].append(value)
            if sign > 0:
                entry = (i, price, fee)
            else:
                close_trade(i, price, fee)
                entry = None
        equity[i] = money + held * own.close[i]
        cashes[i] = money
        exposure[i] = abs(held) * own.close[i]
    if entry is not None:
        close_trade(None, None, 0.0)
    curves = Curves(
        own.close_time,
        own.session,
        equity,
        cashes,
        exposure,
        exposure > 0,
        cash * own.close / own.close[0] if benchmark else np.full(n, np.nan),
    )
    smooth = np.convolve(own.close, np.ones(20) / 20, mode="full")[:n]
    smooth[:19] = np.nan
    return Result(
        run={
            "id": "run1",
            "strategy": strategy,
            "dataset": market.name,
            "dataset_hash": market.dataset_hash,
            "strategy_hash": "sha256:" + "cd" * 32,
            "parameters": {"fast": 20, "slow": 50},
            "seed": 0,
            "engine_version": "0.1.0",
            "configuration": {
                "start": None,
                "end": None,
                "cash": cash,
                "commission": commission,
                "slippage": 0,
                "profile": "default",
                "account": "margin",
                "benchmark": None,
                "risk_free_rate": 0.0,
                "rules": {},
            },
            "symbols": list(symbols),
            "timeframe": market.timeframe,
            "asset_class": "STOCKS",
            "created_at": "2026-01-02T03:04:05Z",
            "seconds": 0.04,
            "bars": n,
            "periods_per_year": 252,
        },
        assumptions=[
            {"code": "costs_none", "text": "costs: none", "level": "error", "rule": "F7", "items": []},
            {"code": "survivors", "text": "survivors", "level": "warning", "rule": None, "items": ["AAPL"]},
            {
                "code": "refused_orders",
                "text": "2 orders refused",
                "level": "warning",
                "rule": "F6",
                "items": ["INSUFFICIENT_FUNDS: 2"],
            },
            {"code": "fill_at", "text": "fills at the next open", "level": "info", "rule": "F1", "items": []},
        ],
        curves=curves,
        columns={
            "fills": fills,
            "orders": orders,
            "trades": trades,
            "positions": {},
            "recorded": {"time": own.close_time, "spread": own.high - own.low},
            "events": {},
            "cash_flows": {},
        },
        market=market,
        indicators=[
            IndicatorSeries(f"SMA({20 + i})", symbols[0], smooth + i, True) for i in range(indicators)
        ],
        logs=[(int(own.close_time[5]), "hello")],
        counts={"ambiguous": 0, "rejected:INSUFFICIENT_FUNDS": 2},
    )


@pytest.fixture
def make_result() -> Callable[..., Result]:
    return build
