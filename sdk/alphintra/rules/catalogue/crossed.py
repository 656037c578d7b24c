"""Quotes that cross, and trades beside them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.rule import Parameter, Rule

CROSSED = Rule(
    "TICK_CROSSED",
    "warning",
    "The bid is not below the ask, or a trade lies outside of both by more than that share of the price.",
    "Auctions and locked markets; sides without a quote.",
    (Parameter("outside", 0.05, 0, 10, "share of the price by which a trade may lie outside"),),
)


class Crossed(Check):
    """Compares bid, ask and price of each row."""

    rules = (CROSSED,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs both sides."""
        return {CROSSED.id: facts.without("bid", "ask")}

    def see(self, batch: Batch) -> None:
        """Compare."""
        bid, ask, price = batch.of("bid"), batch.of("ask"), batch.of("price")
        assert bid is not None
        assert ask is not None
        crossed = bid >= ask
        outside = np.zeros(len(batch), dtype=bool)
        if price is not None:
            slack = self.value(CROSSED, "outside") * np.abs(price)
            outside = (price < bid - slack) | (price > ask + slack)
        rows = np.flatnonzero(crossed | outside)

        def message(i: int) -> str:
            row = rows[i]
            if crossed[row]:
                return f"bid {bid[row]:g} is not below ask {ask[row]:g}"
            return f"the trade at {price[row] if price is not None else 0:g} is outside {bid[row]:g} to {ask[row]:g}"

        self.found.rows(CROSSED.id, batch, rows, message)
