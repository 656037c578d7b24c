"""Random markets, options and order scripts, all from one seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
from alphintra.data.detail import with_detail
from alphintra_backtest.options import Options, options

SYMBOLS = ("A", "B", "C")
ACTIONS = (
    "market",
    "limit",
    "stop",
    "stop_limit",
    "trail",
    "at_close",
    "target_quantity",
    "target_value",
    "target_percent",
    "close",
    "cancel",
    "cancel_symbol",
    "amend",
    "oco",
    "risk",
    "random",
)
#: How often each is drawn.
WEIGHTS = np.array([6, 5, 4, 3, 3, 2, 2, 2, 4, 2, 3, 0.5, 3, 2, 1, 1])
SIZES = ("quantity", "value", "percent")
BRACKETS = ("", "", "", "stop%", "target%", "both%", "both", "trail", "max_bars", "both+max_bars")
TIFS = ("GTC", "GTC", "GTC", "DAY", "GTD", "IOC", "FOK")
#: Who plays a row: ``on_bar`` at its bar, or a callback about the order of that number.
ON_BAR, ON_FILL, ON_ORDER, ON_START, ON_STOP = range(5)

ROW = np.dtype(
    [
        ("when", "i1"),
        ("at", "i4"),  # bar, or number of an order
        ("action", "i1"),
        ("symbol", "i1"),
        ("side", "i1"),
        ("size", "i1"),
        ("amount", "f8"),  # units; the others are derived from it
        ("offset", "f8"),  # distance of the first price, a fraction of the last close
        ("second", "f8"),  # distance of the second
        ("bracket", "i1"),
        ("tif", "i1"),
        ("days", "i1"),  # good_till, max_bars
        ("pick", "i4"),  # which working order
    ]
)


@dataclass(frozen=True)
class Case:
    """One script with all that it runs on."""

    seed: int
    market: Any
    options: Options
    rows: Any

    def __repr__(self) -> str:
        return f"seed {self.seed}"


def _bars(rng: np.random.Generator, index: pd.DatetimeIndex, level: float) -> pd.DataFrame:
    n = len(index)
    close = level * np.exp(np.cumsum(rng.normal(0, 0.025, n) + (rng.random(n) < 0.05) * rng.normal(0, 0.2, n)))
    before = np.concatenate(([level], close[:-1]))
    opened = np.where(rng.random(n) < 0.1, before, before * np.exp(rng.normal(0, 0.02, n)))
    high = np.maximum(opened, close) * (1 + rng.uniform(0, 0.03, n))
    low = np.minimum(opened, close) * (1 - rng.uniform(0, 0.03, n))
    volume = np.where(rng.random(n) < 0.07, 0, rng.integers(200, 20_000, n)).astype(float)
    columns = {"open": opened, "high": high, "low": low, "close": close, "volume": volume}
    return pd.DataFrame(columns, index=index)


def frames(
    rng: np.random.Generator, symbols: int, n: int, daily: bool, from_the_start: bool = False
) -> dict[str, pd.DataFrame]:
    """Bars of each symbol; all but one miss some, the first one too unless ``from_the_start``."""
    if daily:
        index = pd.bdate_range("2024-01-02", periods=n)
    else:  # three bars a session
        days = pd.bdate_range("2024-01-02", periods=-(-n // 3))
        index = pd.DatetimeIndex([d + pd.Timedelta(hours=h) for d in days for h in (15, 16, 17)][:n])
    out = {}
    for s in range(symbols):
        frame = _bars(rng, index, float(rng.choice([2.0, 30.0, 100.0, 400.0])))
        if s or rng.random() < 0.3:
            keep = rng.random(n) > 0.1
            keep |= np.asarray(index.hour == 16)  # intraday it is a session's first or last bar
            keep[0 if from_the_start else rng.integers(n)] = True
            frame = frame[keep]
        out[SYMBOLS[s]] = frame
    return out


def _events(rng: np.random.Generator, data: dict[str, pd.DataFrame]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Splits and dividends by symbol; the prices after a split are those of a share after it."""
    splits: dict[str, Any] = {}
    dividends: dict[str, Any] = {}
    for name, frame in data.items():
        days = frame.index.normalize().unique()
        if len(days) < 6:
            continue
        for day in rng.choice(days[1:], rng.integers(0, 3), replace=False):
            ratio = float(rng.choice([2.0, 3.0, 1.5, 0.5, 0.1, 0.01]))
            splits.setdefault(name, {})[str(pd.Timestamp(day).date())] = ratio
            later = frame.index >= day
            frame.loc[later, ["open", "high", "low", "close"]] /= ratio
            frame.loc[later, "volume"] = np.floor(frame.loc[later, "volume"] * ratio)
        for day in rng.choice(days[1:], rng.integers(0, 4), replace=False):
            price = float(frame["close"].iloc[max(0, int(np.searchsorted(frame.index, day)) - 1)])
            dividends.setdefault(name, {})[str(pd.Timestamp(day).date())] = price * float(rng.uniform(0.001, 0.03))
    return splits, dividends


def _instruments(rng: np.random.Generator, data: dict[str, pd.DataFrame]) -> tuple[Any, Any]:
    """Lots, ticks, contracts, lives and currencies of some symbols, and exchange rates where they need them."""
    found, rates = {}, None
    for name, frame in data.items():
        terms: dict[str, Any] = {}
        if rng.random() < 0.25:
            terms["lot"] = float(rng.choice([0.1, 5.0, 1e-8]))
        if rng.random() < 0.3:
            terms["tick"] = float(rng.choice([0.01, 0.25]))
        if rng.random() < 0.15:
            terms["multiplier"] = 10.0
            if rng.random() < 0.6:
                terms["margin"] = float(frame["close"].iloc[0]) * float(rng.choice([0.5, 2.0]))
        if rng.random() < 0.12:
            terms["end"] = str(frame.index[int(len(frame) * 0.7)].date())
        if rng.random() < 0.12:
            terms["start"] = str(frame.index[int(len(frame) * 0.2)].date())
        if rng.random() < 0.15:
            terms["currency"] = "EUR"
            days = pd.date_range("2023-12-20", periods=120)
            rates = {"EUR": pd.Series(1.1 * np.exp(np.cumsum(rng.normal(0, 0.005, 120))), index=days)}
        if terms:
            found[name] = al.Instrument(**terms)
    return found or None, rates


def market(seed: int) -> Any:
    """A market of one to three symbols and 20 to 60 bars."""
    rng = np.random.default_rng([seed, 1])
    data = frames(rng, int(rng.choice([1, 2, 2, 3])), int(rng.integers(20, 61)), bool(rng.random() < 0.6))
    splits, dividends = _events(rng, data) if rng.random() < 0.5 else ({}, {})
    instruments, rates = _instruments(rng, data) if rng.random() < 0.5 else (None, None)
    made = al.data.resolve(data, prices="raw", instruments=instruments, rates=rates)
    if splits or dividends:
        made = al.data.with_events(made, splits=splits or None, dividends=dividends or None)
    rng = np.random.default_rng([seed, 8])
    return with_detail(made, _finer(rng, made)) if rng.random() < 0.35 else made


def _finer(rng: np.random.Generator, market: Any) -> dict[str, pd.DataFrame]:
    """Three finer bars for most bars; of ten, one falls short of its range and one has none."""
    hours = market.timeframe == "1d"
    out = {}
    for symbol, bars in market.bars.items():
        rows, times = [], []
        for i in range(len(bars)):
            if rng.random() < 0.1 and rows:
                continue
            opened, closed = pd.Timestamp(bars.open_time[i], unit="us"), bars.close[i]
            begin = opened.normalize() + pd.Timedelta(hours=15) if hours else opened
            times += [begin + n * pd.Timedelta(minutes=60 if hours else 20) for n in range(3)]
            rows += _path(rng, bars.open[i], bars.high[i], bars.low[i], closed)
        columns = ["open", "high", "low", "close"]
        out[symbol] = pd.DataFrame(rows, index=pd.DatetimeIndex(times), columns=columns)
    return out


def _path(rng: np.random.Generator, opened: float, high: float, low: float, closed: float) -> list[Any]:
    """Three bars from the open over one extreme and the other to the close; now and then one opens with a gap."""
    short = rng.uniform(0.5, 0.95) if rng.random() < 0.1 else 1.0
    ends = [max(opened, closed) * (1 - short) + high * short, min(opened, closed) * (1 - short) + low * short]
    if rng.random() < 0.5:
        ends.reverse()
    at, rows = opened, []
    for to in (*ends, closed):
        start = at + (to - at) * rng.random() if rows and rng.random() < 0.3 else at
        rows.append((start, max(start, to), min(start, to), to))
        at = to
    if rng.random() < 0.2:  # one bar has both extremes, the others nothing
        rows = [(opened, max(ends), min(ends), closed), *[(closed,) * 4] * 2]
    return rows


def run_options(seed: int) -> Options:
    """The options of :func:`run_arguments`."""
    return options(profile="default", risk_free_rate=0.0, **run_arguments(seed))


def run_arguments(seed: int) -> dict[str, Any]:
    """A cash account or one with leverage, with or without costs, and now and then another rule."""
    rng = np.random.default_rng([seed, 2])

    def some(chance: float) -> bool:
        return bool(rng.random() < chance)

    rules: dict[str, Any] = {"prices": "raw"}
    if some(0.25):
        rules["account"] = "cash"
    elif some(0.4):
        rules["leverage"] = float(rng.choice([2.0, 4.0, 10.0]))
    if some(0.3):
        rules |= {"borrow_rate": 0.2, "margin_rate": 0.1}
    choices = {
        "fill_at": "close", "size_at": "decision", "limit_fill": "touch", "allow_partial": True, "fractional": True,
        "max_share": None, "cash_buffer": 0.05, "min_order_value": 300.0, "withholding": 0.25,
    }  # fmt: skip
    rules |= {name: value for name, value in choices.items() if some(0.2)}
    rules["entry_bar"] = str(rng.choice(["certain", "certain", "pessimistic", "next"]))
    rules["close_at_end"] = str(rng.choice(["no", "no", "last_close", "last_open"]))
    commission: Any = (
        0.0, 0.001,
        al.Commission(per_share=0.01, minimum=1.0),
        al.Commission(maker=0.0002, taker=0.002),
        al.Commission(tiers=((1_000.0, 0.002), (np.inf, 0.0005))),
    )[rng.integers(5)]  # fmt: skip
    slippage: Any = (0.0, 0.001, al.Slippage(spread=0.02), al.Slippage(volume_share=0.1))[rng.integers(4)]
    return {
        "cash": float(rng.choice([2_000.0, 20_000.0, 1e6])), "commission": commission, "slippage": slippage,
        "seed": seed, "rules": rules,
    }  # fmt: skip


def script(seed: int, bars: int, symbols: int, actions: tuple[str, ...] = ACTIONS, callbacks: bool = True) -> Any:
    """Rows of ``ROW``, 4 to 40 of them, in the order in which they are played; a plain array, so a file can hold it."""
    rng = np.random.default_rng([seed, 3])
    n = int(rng.integers(4, 41))
    rows = np.zeros(n, dtype=ROW)
    rows["when"] = rng.choice([ON_BAR, ON_FILL, ON_ORDER, ON_START, ON_STOP], n, p=[0.8, 0.08, 0.08, 0.03, 0.01])
    if not callbacks:
        rows["when"] = ON_BAR
    rows["at"] = np.where(rows["when"] == ON_BAR, rng.integers(0, bars, n), rng.integers(0, n, n))
    weights = np.array([WEIGHTS[ACTIONS.index(a)] for a in actions])
    drawn = rng.choice(len(actions), n, p=weights / weights.sum())
    rows["action"] = np.array([ACTIONS.index(a) for a in actions])[drawn]
    rows["symbol"] = rng.integers(0, symbols, n)
    rows["side"] = rng.choice([1, 1, -1], n)
    rows["size"] = rng.choice([0, 0, 0, 1, 2], n)
    rows["amount"] = np.round(np.exp(rng.uniform(0, 6, n)), 1)
    rows["offset"] = rng.choice([0.0, 0.002, 0.01, 0.02, 0.05], n) * rng.choice([1, 1, 1, -1], n)
    rows["second"] = rng.choice([0.002, 0.01, 0.02, 0.05], n)
    rows["bracket"] = rng.integers(0, len(BRACKETS), n)
    rows["tif"] = rng.integers(0, len(TIFS), n)
    rows["days"] = rng.integers(1, 5, n)
    rows["pick"] = rng.integers(0, 1 << 20, n)
    return rows[np.argsort(np.where(rows["when"] == ON_BAR, rows["at"], 0), kind="stable")]


def cases(batch: int, markets: int, each: int) -> list[Case]:
    """``markets × each`` cases of one batch: some scripts on each market, as those are dear to make."""
    out = []
    for m in range(markets):
        seed = batch * 10_000 + m * 100
        made = market(seed)
        count = len(np.unique(np.concatenate([b.close_time for b in made.bars.values()])))
        for n in range(each):
            out.append(Case(seed + n, made, run_options(seed + n), script(seed + n, count, len(made.symbols))))
    return out
