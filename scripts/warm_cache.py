"""Compile the engine once, so that no first run has to: two halves, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from typing import Any

DATA = "us-equities-daily/AAPL"
HALVES = ("usual", "queue")


def compile_half(half: str) -> None:
    """Run strategies compiled; their code lands in the user's compile cache.

    Args:
        half: ``usual`` for both forms of a strategy and a sweep, ``queue`` for the profiles that match order by order
            and for the rules on datasets.
    """
    import alphintra as al
    import alphintra_backtest.books as books

    class Warm(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 10:
                self.buy(quantity=1, stop_loss_percent=0.5, take_profit_percent=0.5)
            elif self.bar_index == 20:
                self.order_target_percent(0.5)
            elif self.bar_index == 30:
                self.cancel()
                self.close()

    class WarmSignals(al.Strategy):
        bars = al.Param(5)

        def signals(self, data: Any) -> Any:
            fast, slow = al.ta.SMA(data.close, self.bars), al.ta.SMA(data.close, 20)
            return al.Signals(al.crossed_above(fast, slow), al.crossed_below(fast, slow), size=0.5)

    if half == "queue":  # which has less of the engine
        import alphintra.rules.compiled
    state: Any = books
    state.PLAIN_BELOW = 0
    if half == "queue":
        al.backtest(Warm, DATA, profile="backtrader")
        return
    al.backtest(Warm, DATA)
    al.backtest(Warm, DATA, fill_at="close")
    al.backtest(WarmSignals, DATA)
    al.sweep(WarmSignals, DATA, {"bars": [5, 10]}, progress=False)


def main() -> int:
    """Compile both halves; the number of those that failed."""
    if sys.argv[1:]:
        compile_half(sys.argv[1])
        return 0
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="alphintra-warm-") as folder:
        environment = {"ALPHINTRA_DATA_DIR": folder} | os.environ
        running = [subprocess.Popen([sys.executable, __file__, half], env=environment) for half in HALVES]
        failed = sum(process.wait() != 0 for process in running)
    print(f"engine compiled in {time.perf_counter() - began:.1f} s", file=sys.stderr)
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
