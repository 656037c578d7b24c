"""A replay of a million bars: what making it takes, going to any bar, one step back, and what its copies hold.

First it compares: walked to and fro, it ends with the fills of the backtest. ``python benchmarks/replay.py [BARS]``
prints the seconds for a strategy that decides by two averages (about a microsecond a bar), and for one that keeps a
list of what it saw and takes a hundred times as long.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import alphintra as al
import bars as made
import numpy as np
import pandas as pd

COUNT = 1_000_000
#: Seconds that going to a bar may take, and one step back.
ANY_BAR, BACK = 1.0, 0.05
PLACES, BACKS = 40, 200
#: Bytes that the copies may take.
COPIES = 256 * 2**20


class Averages(al.Strategy):
    """Long when the fast average is above the slow one."""

    def on_start(self) -> None:
        """Declare the averages."""
        self.fast = self.indicator(al.ta.SMA, self.data.close, 20)
        self.slow = self.indicator(al.ta.SMA, self.data.close, 50)
        self.crossings = 0

    def on_bar(self) -> None:
        """Follow the crossings."""
        if al.crossed_above(self.fast, self.slow):
            self.crossings += 1
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast, self.slow):
            self.close()


class Remembers(Averages):
    """The same with much to do and to copy at each bar."""

    def on_start(self) -> None:
        """Begin to remember."""
        super().on_start()
        self.seen: list[float] = []
        self.window = np.zeros(500)

    def on_bar(self) -> None:
        """Remember, and reckon with it."""
        super().on_bar()
        self.seen.append(self.data.close[-1])
        del self.seen[:-2_000]
        self.window = np.sort(np.roll(self.window, 1))
        self.window[0] = self.seen[-1]
        self.median = float(np.median(self.window))


@dataclass(frozen=True)
class Measured:
    """Seconds of one strategy.

    Attributes:
        name: Of the strategy.
        bars: How many there were.
        backtest: What the backtest alone takes.
        run: What making the replay takes.
        places: Going to each of some bars, anywhere.
        backs: Steps back, of which each goes on from the one before.
        size: Bytes of the copies.
        copies: How many there are.
    """

    name: str
    bars: int
    backtest: float
    run: float
    places: list[float]
    backs: list[float]
    size: int
    copies: int


def seconds(call: Any) -> float:
    """What a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measure(strategy: type[al.Strategy], count: int) -> Measured:
    """Make, walk and compare.

    Raises:
        AssertionError: The replay does not end with the fills of the backtest.
    """
    from alphintra_backtest.replay import Replay

    walk = made.random_walk(count)
    frame = pd.DataFrame({name: walk[name] for name in made.FIELDS}, index=pd.to_datetime(walk["time"], unit="us"))
    data = al.data.resolve(frame)
    al.backtest(strategy, data, end=frame.index[min(count, 30_000) - 1])  # compiled code is loaded
    began = time.perf_counter()
    known = al.backtest(strategy, data)
    backtest = time.perf_counter() - began
    replay = Replay(strategy, data)
    rng = np.random.default_rng(1)
    places = [seconds(lambda: replay.to(int(rng.integers(replay.first, count)))) for _ in range(PLACES)]
    replay.to(count // 2)
    backs = [seconds(replay.back) for _ in range(BACKS)]
    replay.to(count - 1)
    session, _ = replay._track.finish()
    own = replay.setup.result(session, replay.first, count, 0.0, {})
    assert own.fills.equals(known.fills), f"{strategy.__name__}: the replay has other fills than the backtest"
    assert not replay.branches
    assert not replay.differs
    copies = len(replay._track.root.spaced)
    return Measured(
        strategy.__name__, count, backtest, replay.run_seconds, places, backs, replay.snapshot_bytes, copies
    )


def text(found: Measured) -> str:
    """The measurements in some lines."""
    backs = sorted(found.backs)
    return "\n".join((
        f"{found.name}, {found.bars:,} bars: backtest {found.backtest:.2f} s, replay made in {found.run:.2f} s",
        f"  to any bar: median {np.median(found.places):.3f} s, slowest {max(found.places):.3f} s"
        f" (target {ANY_BAR:g} s)",
        f"  one step back: median {1e3 * float(np.median(backs)):.1f} ms, 99 of 100 within"
        f" {1e3 * backs[len(backs) * 99 // 100]:.1f} ms, slowest {1e3 * backs[-1]:.1f} ms (target {1e3 * BACK:g} ms)",
        f"  {found.copies} copies, {found.size / 1e6:.1f} MB",
    ))  # fmt: skip


def main(count: int = COUNT) -> int:
    """Print both; 1 where the fast strategy misses a target."""
    fast = measure(Averages, count)
    print(text(fast))
    print(text(measure(Remembers, count // 20)))
    return int(max(fast.places) > ANY_BAR or max(fast.backs) > BACK)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else COUNT))
