"""vectorbt: every pair of averages as one portfolio of many columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt
from job import CASH, COMMISSION, PAIRS, Aside, serve


def run(bars: Any) -> Any:
    """Sweep; the time zone is dropped aside, as in the single run."""
    with Aside() as aside:
        naive = bars.tz_localize(None)
        close, opened = naive["close"], naive["open"]
    lengths = sorted({n for pair in PAIRS for n in pair})
    averages = vbt.MA.run(close, lengths).ma.to_numpy()
    column = {n: i for i, n in enumerate(lengths)}
    a = averages[:, [column[fast] for fast, _ in PAIRS]]
    b = averages[:, [column[slow] for _, slow in PAIRS]]
    up, down = np.zeros(a.shape, dtype=bool), np.zeros(a.shape, dtype=bool)
    # decided at a close, filled at the next open
    up[2:] = (a[1:-1] > b[1:-1]) & (a[:-2] <= b[:-2])
    down[2:] = (a[1:-1] < b[1:-1]) & (a[:-2] >= b[:-2])
    book = vbt.Portfolio.from_signals(
        close, pd.DataFrame(up, index=close.index), pd.DataFrame(down, index=close.index), price=opened, size=0.95,
        size_type="percent", size_granularity=1.0, fees=COMMISSION, init_cash=CASH, freq="1min",
    )  # fmt: skip
    equities = book.final_value().to_numpy()
    return aside.spent, lambda: {"bars": len(bars) * len(PAIRS), "equities": equities.tolist()}


if __name__ == "__main__":
    serve(run)
