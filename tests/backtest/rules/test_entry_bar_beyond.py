"""F15: a bracket's price on the wrong side of its entry fills at the entry's price: what it does after the entry."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from .scripted import FLAT, bars, buy, fills, run


def test_a_stop_above_a_stop_limit_entry_sells_at_the_entry() -> None:
    # The stop is checked against the limit of 105, the entry fills at its stop of 100: nobody then sells at 102.
    r = run({0: buy(10, stop=100, limit=105, stop_loss=102)}, bars((99, 99, 99, 99), (99, 103, 98, 101), FLAT))
    assert fills(r) == [(1, "BUY", 10.0, 100.0, "F16.stop"), (1, "SELL", 10.0, 100.0, "F15.entry_bar")]


@pytest.mark.parametrize("finer", [False, True])
def test_a_target_amended_below_the_entry_sells_at_the_entry(finer: bool) -> None:
    # bought at the stop of 100 inside bar 2, with a target of 90 that no price of the bar has
    def lower(s: Any) -> None:
        s.amend(next(o for o in s.orders if o.type == "LIMIT"), limit=90)

    rows = bars((95, 95, 95, 95), (95, 96, 94, 95), (95, 102, 94, 101), FLAT)
    options: dict[str, Any] = {}
    if finer:
        index = [day + pd.Timedelta(hours=h) for day in rows.index for h in (15, 16)]
        parts = [[(r.open, r.high, r.low, r.open), (r.open, r.high, r.low, r.close)] for r in rows.itertuples()]
        table = [(*bar, 5e5) for two in parts for bar in two]
        options["detail"] = pd.DataFrame(table, index=pd.DatetimeIndex(index), columns=list(rows.columns))
    r = run({0: buy(10, stop=100, take_profit=120), 1: lower}, rows, **options)
    assert [f[:4] for f in fills(r)] == [(2, "BUY", 10.0, 100.0), (2, "SELL", 10.0, 100.0)]
