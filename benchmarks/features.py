"""What features cost a run: reading them before the first bar, and at each bar.

``python benchmarks/features.py [BARS]`` prints seconds to join a series of as many rows (one without revisions, one of
which each tenth row is revised), and nanoseconds a bar of reading its latest value, beside that of ``self.data.close``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd

BARS = 500_000


def made(bars: int) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Return minutes and two feature sets of as many rows."""
    times = pd.date_range("2020-01-01", periods=bars, freq="min", tz="UTC")
    random = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.0005, bars)))
    prices = pd.DataFrame({"open": close, "high": close, "low": close, "close": close}, index=times)
    plain = pd.DataFrame({"time": times, "known_at": times + pd.Timedelta("30s"), "v": random.normal(size=bars)})
    again = plain[::10].assign(known_at=lambda rows: rows.known_at + pd.Timedelta("1h"))
    return prices, {"plain": plain, "revised": pd.concat([plain, again])}


def seconds(read: Callable[[Any], Any], market: Any) -> float:
    """Return what a run takes whose strategy reads something at each bar and does nothing else."""

    class Reads(al.Strategy):
        def on_bar(self) -> None:
            read(self)

    began = time.perf_counter()
    al.backtest(Reads, market)
    return time.perf_counter() - began


def main(arguments: list[str]) -> None:
    """Print the table."""
    bars = int(arguments[0]) if arguments else BARS
    prices, sets = made(bars)
    began = time.perf_counter()
    market = al.data.resolve(prices, currency="USD")
    print(f"{bars:,} bars: read in {time.perf_counter() - began:.2f} s")
    for name, frame in sets.items():
        began = time.perf_counter()
        market = al.data.resolve(market, features={name: frame})
        print(f"feature {name:8} {len(frame):9,} rows: read in {time.perf_counter() - began:.2f} s")
    reads: dict[str, Callable[[Any], Any]] = {
        "nothing": lambda s: None,
        "self.data.close[-1]": lambda s: s.data.close[-1],
        'self.features["plain"].v[-1]': lambda s: s.features["plain"].v[-1],
        'self.features["revised"].v[-1]': lambda s: s.features["revised"].v[-1],
    }
    least = {what: min(seconds(read, market) for _ in range(2)) for what, read in reads.items()}
    for what, took in least.items():
        print(f"{what:32} {took:6.2f} s, {(took - least['nothing']) / bars * 1e9:6.0f} ns a bar")


if __name__ == "__main__":
    main(sys.argv[1:])
