"""Compile the engine once, so that no first run has to."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from typing import Any


def main() -> None:
    """Run both forms of a strategy compiled, and a sweep; their code lands in the user's compile cache."""
    os.environ.setdefault("ALPHINTRA_DATA_DIR", tempfile.mkdtemp(prefix="alphintra-warm-"))
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

    state: Any = books
    state.PLAIN_BELOW = 0
    began = time.perf_counter()
    al.backtest(Warm, "us-equities-daily/AAPL")
    al.backtest(Warm, "us-equities-daily/AAPL", fill_at="close")
    al.backtest(WarmSignals, "us-equities-daily/AAPL")
    al.sweep(WarmSignals, "us-equities-daily/AAPL", {"bars": [5, 10]}, progress=False)
    print(f"engine compiled in {time.perf_counter() - began:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
