"""Ours: monthly rotation over many symbols in Python. ``--memory`` measures what one run allocates instead."""

from __future__ import annotations

import sys
import tracemalloc
from typing import Any

import alphintra as al
import numpy as np
from bars import read_universe
from engine_alphintra import resolved
from job import CASH, COMMISSION, HELD, MOMENTUM, WEIGHT, Aside, serve

#: Symbols of the run that loads all code before memory is measured: as few as the compiled core runs for.
FEW = 100


class Rotation(al.Strategy):
    """At each month's end equal weights in the fifth of the universe with the most momentum of six months."""

    def on_start(self) -> None:
        """Keep the closes of all symbols."""
        self.closes = self.data.panel("close")

    def on_bar(self) -> None:
        """Leave what is no longer among the best, then bring each of them to its weight."""
        if self.bar_index < MOMENTUM or not self.every("month_end"):
            return
        momentum = self.closes[-1] / self.closes[-1 - MOMENTUM] - 1
        best = {self.data.symbols[s] for s in np.argsort(-momentum, kind="stable")[:HELD]}
        for symbol in self.positions:
            if symbol not in best:
                self.order_target_percent(0.0, symbol)
        for symbol in sorted(best):
            self.order_target_percent(WEIGHT, symbol)


def backtest(market: Any) -> Any:
    """One run."""
    return al.backtest(Rotation, market, cash=CASH, commission=COMMISSION, max_share=None)


def answer(result: Any) -> dict[str, Any]:
    """Every fill, with its symbol, and the final equity."""
    fills = result.columns["fills"]
    columns = (fills[n] for n in ("time", "side", "symbol", "quantity", "price", "commission"))
    rows = [
        [int(t), f"{side} {symbol}", float(q), float(p), float(fee)]
        for t, side, symbol, q, p, fee in zip(*columns, strict=True)
    ]
    return {"fills": rows, "equity": float(result.curves.equity[-1])}


def size(market: Any) -> int:
    """Bytes of the market's arrays, one that several symbols share counted once."""
    arrays = {id(a): a.nbytes for b in market.bars.values() for a in vars(b).values() if isinstance(a, np.ndarray)}
    return sum(arrays.values())


def run(frames: Any) -> Any:
    """Backtest; the bars are checked and hashed aside, once."""
    with Aside() as aside:
        market = resolved(frames)
    result = backtest(market)
    return aside.spent, lambda: answer(result)


def run_for_memory(frames: Any) -> Any:
    """The first run over these bars, its most at one time beside the market's arrays, from tracemalloc.

    NumPy reports its arrays there. What a first run of any data loads (modules, compiled code) is not counted.
    """
    with Aside() as aside:
        market = resolved(frames)
        backtest(al.data.resolve(dict(list(frames.items())[:FEW])))
    tracemalloc.start()
    backtest(market)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return aside.spent, lambda: {"peak": peak, "data": size(market)}


if __name__ == "__main__":
    serve(run_for_memory if "--memory" in sys.argv else run, read_universe)
