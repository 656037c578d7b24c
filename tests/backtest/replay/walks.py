"""Random strategies with much to remember, random walks through their replays, and what both have to agree on."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import alphintra as al
import numpy as np
from alphintra.errors import ReplayError
from alphintra_backtest import beginning
from alphintra_backtest.drive import Drive
from alphintra_backtest.replay import Replay

from tests.backtest.scripts import play
from tests.backtest.scripts.make import Case, run_arguments


class Memory:
    """A thing of the strategy's own that refers to itself and to the strategy."""

    def __init__(self, owner: Any) -> None:
        self.owner, self.me, self.seen = owner, self, {}

    def see(self, key: str, value: float) -> None:
        self.seen[key] = self.seen.get(key, 0.0) + value


def keeper(rows: Any) -> type[al.Strategy]:
    """A strategy that plays rows and trades on what it remembers, in every form that a memory can have."""
    base: Any = play.player(rows)

    class Keeper(base):  # type: ignore[misc]
        slow = al.Param(3, low=1, high=9)

        def on_start(self) -> None:
            super().on_start()
            self.ring = np.zeros(6)
            self.newest = self.ring[:2]  # a window into the ring
            self.last, self.sums, self.names = deque(maxlen=5), {"up": 0, "down": 0}, set()
            self.alias = self.last
            self.dice = random.Random(7)
            self.memory = Memory(self)
            self.count = self.counting
            self.entries: list[Any] = []
            self.average = self.indicator(mean, self.data[self._run.symbols[0]].close, 3)
            self.total = 0.0

        def counting(self, by: int) -> None:
            self.sums["up" if by > 0 else "down"] += 1

        def on_bar(self) -> None:
            super().on_bar()
            symbol = self._run.symbols[self.bar_index % len(self._run.symbols)]
            series = self.data[symbol].close
            if not len(series):
                return
            self.ring = np.roll(self.ring, 1)
            self.newest = self.ring[:2]
            self.newest[0] = series[-1]
            self.alias.append(series[-2:])
            self.count(1 if self.ring[0] > self.ring[1] else -1)
            self.memory.see(symbol, self.ring.sum())
            self.total += float(sum(part.sum() for part in self.last)) + self.dice.random() + self.rng.random()
            self.names.add(f"{symbol}{int(self.total) % 3}")
            if self.every("week_end"):
                self.record(total=self.total, names=len(self.names))
            if int(self.total) % 5 == 0 and self.every("session_close"):
                self.entries.append(self.buy(1 + int(self.total) % 7, symbol=symbol, tag=f"{self.memory.seen}"))
            if self.entries and not self.entries[-1].is_working and int(self.total) % 11 == 0:
                self.close(symbol)

    return Keeper


def mean(values: Any, over: int) -> Any:
    """An average whose first value is there at once: no warm-up."""
    return np.array([values[max(0, i + 1 - over) : i + 1].mean() for i in range(len(values))])


def replay(case: Case, strategy: type[al.Strategy], **options: Any) -> Replay:
    """A replay of a case."""
    return Replay(strategy, case.market, **run_arguments(case.seed), **options)


def fresh(case: Case, strategy: type[al.Strategy], bar: int) -> Drive:
    """A run that was made anew and stopped at a bar."""
    drive = beginning.begin(strategy, {"slow": 3} if hasattr(strategy, "slow") else {}, case.market, case.options, None)
    drive.advance_to(bar + 1)
    return drive


def run(case: Case, strategy: type[al.Strategy]) -> dict[str, Any]:
    """All that the logs of a whole run say."""
    drive = fresh(case, strategy, 10**9)
    return play.state(drive.session, drive.finish())


def said(replay: Replay) -> dict[str, Any]:
    """All that the logs say where a replay stands."""
    return play.state(replay._session.frozen(), replay.bar + 1)


def ended(replay: Replay) -> dict[str, Any]:
    """All that the logs say at the end that a replay comes to from where it stands."""
    if replay.bar < replay.count - 1 and not replay.done:
        replay.to(replay.count - 1)
    return play.state(*replay._track.finish())


def remembered(strategy: Any) -> str:
    """The strategy's attributes as a text."""
    own = {n: v for n, v in vars(strategy).items() if n not in ("_run", "data", "memory", "dice", "average", "count")}
    own["names"] = sorted(own["names"])  # Python leaves the order of a set open, and a copy has its own
    more = (strategy.memory.seen, strategy.dice.getstate(), strategy.memory.me is strategy.memory)
    return repr((own, more, strategy.memory.owner is strategy, strategy.alias is strategy.last,
                 np.shares_memory(strategy.ring, strategy.newest)))  # fmt: skip


def walk(replay: Replay, rng: np.random.Generator, moves: int) -> None:
    """Go to and fro."""
    for _ in range(moves):
        what = rng.choice(["step", "back", "to", "until", "state"], p=[0.3, 0.3, 0.2, 0.15, 0.05])
        try:
            if what == "step":
                replay.step(int(rng.integers(1, 12)))
            elif what == "back":
                replay.back(int(rng.choice([1, 1, 2, 9])))
            elif what == "to":
                replay.to(int(rng.integers(replay.first - 1, replay.count)))
            elif what == "until":
                replay.until(str(rng.choice(["order", "fill", "trade", "refusal", "int(self.total) % 4 == 0"])), 25)
            else:
                replay.state()
        except ReplayError as error:
            assert error.code in ("AT_END", "AT_START"), error
