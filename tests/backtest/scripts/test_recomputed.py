"""Random scripts: each fill's price before slippage, recomputed by its source from its order and one bar of the data.

Only what a trader has is read: the tables of the result, the table of codes and the bars that went in.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra_backtest import codes

from .make import Case, cases, run_arguments
from .play import player

pytestmark = pytest.mark.no_cover

SOURCES = {name: source for name, _, source in codes.RULES if name}


def possible(fill: Any, order: Any, bars: Any, entries: set[float]) -> list[float]:
    """The prices that the source of a fill names."""
    at = fill.time.value // 1000
    opened, closed = bars.open_time == at, int(np.searchsorted(bars.close_time, at, side="right")) - 1
    last = bars.open[closed : closed + 1] if fill.rule == "F10.end" else []  # of a symbol that ended before the run
    known = {
        "open": [*bars.open[opened], *last],
        "close": [bars.close[closed]],
        "stop": [order.stop],
        "limit": [order.limit],
        "trailing level": [order.stop],
        "the entry's price": list(entries),
    }
    return [price for name, prices in known.items() if name in fill.source for price in prices]


def recomputed(case: Case, found: Counter[str]) -> None:
    given = run_arguments(case.seed)
    rules = given.pop("rules")
    result = al.backtest(player(case.rows), case.market, **given, **rules)
    orders = {order.id: order for order in result.orders.itertuples()}
    amended = set(result.events["order_id"][result.events["state"] == "AMENDED"])
    fills = list(result.fills.itertuples())
    for fill in fills:
        assert fill.source == SOURCES[fill.rule]
        order = orders[fill.order_id]
        if fill.rule in ("F3.detail", "F8.fraction"):  # a finer bar's open, an open times a ratio: not in this bar
            continue
        if fill.order_id in amended and "open" not in fill.source and "close" not in fill.source:
            continue  # the table has an order's last prices
        entries = {f.base_price for f in fills if f.order_id == order.parent}
        prices = possible(fill, order, case.market.bars[fill.symbol], entries)
        assert any(fill.base_price == pytest.approx(p, rel=1e-12) for p in prices), (
            f"{case}: {fill.rule} {fill.base_price} at {fill.time}, of {prices}"
        )
        found[fill.rule] += 1


def test_each_fill_is_recomputed_from_its_order_and_one_bar() -> None:
    found: Counter[str] = Counter()
    for batch in (0, 1):
        for case in cases(batch, markets=5, each=10):
            recomputed(case, found)
    for rule in ("F1.open", "F1.close", "F2.open", "F2.stop", "F4.open", "F4.limit", "F5.rest", "F10.end", "F14.open",
                 "F14.trail", "F0.close", "F1.timeout", "F15.entry_bar", "F16.stop", "F18.delisted"):  # fmt: skip
        assert found[rule] > 2, (rule, found)
