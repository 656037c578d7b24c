"""Rules that came with the profiles, each alone beside the default's others; numbers by hand."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pandas as pd
import pytest

from ..rules.scripted import bars, ends, fills, run


def test_funds_are_checked_at_the_fill_alone() -> None:
    # 90 at the decision's close of 12 are 1080 of 1000; at the next open they are 900.
    frame = bars((12, 12, 12, 12), (10, 10, 10, 10), (10, 10, 10, 10))
    script = {0: lambda s: s.buy(90)}
    assert ends(run(script, frame, cash=1000, max_share=None)) == [("REJECTED", "INSUFFICIENT_FUNDS")]
    result = run(script, frame, cash=1000, max_share=None, funds="fill")
    assert fills(result) == [(1, "BUY", 90, 10, "F1.open")]


def test_whole_lots_of_what_trades_in_parts() -> None:
    frame = bars(*[(10, 10, 10, 10)] * 3)
    given: dict[str, Any] = {"instruments": al.Instrument(lot=0.1), "max_share": None}
    script = {0: lambda s: s.buy(2.75)}
    assert fills(run(script, frame, **given))[0][2] == 2.7
    assert fills(run(script, frame, lots="whole", **given))[0][2] == 2


@pytest.mark.parametrize(("rule", "first"), [("any_ready", 2), ("all_ready", 4), ("bar_after_all_ready", 5)])
def test_the_first_bar(rule: str, first: int) -> None:
    # A mean of three is defined on bar 2; the other symbol has two bars less, so there it is on bar 4.
    rows = [(10.0, 10.0, 10.0, 10.0)] * 8
    data = {"A": bars(*rows), "B": bars(*rows).iloc[2:]}
    seen: list[int] = []

    class Mean(al.Strategy):
        def on_start(self) -> None:
            for symbol in ("A", "B"):
                self.indicator(lambda c: pd.Series(c).rolling(3).mean().to_numpy(), self.data[symbol].close)

        def on_bar(self) -> None:
            seen.append(self.bar_index)

    al.backtest(Mean, data, first_bar=rule)
    assert seen[0] == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first_bar": "ready"}, r"first_bar='ready' is not one of \['any_ready', 'all_ready'"),
        ({"lots": "half"}, r"lots='half' is not one of \['instrument', 'whole'\]"),
        ({"percent_of": "free_margin"}, r"percent_of='free_margin' goes only with bar_order='closings'"),
    ],
)
def test_other_values_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(al.errors.RuleError, match=message):
        run({}, bars(*[(10, 10, 10, 10)] * 3), **options)


def test_a_trade_from_flat_to_flat_keeps_its_doubt() -> None:
    """Bought at 100 with a stop at 90 and a target at 110; one bar holds both: the stop fills, marked."""
    days = pd.bdate_range("2024-01-02", periods=3)
    rows = [(100, 101, 99, 100), (100, 101, 99, 100), (100, 115, 85, 100)]
    frame = pd.DataFrame(rows, columns=["open", "high", "low", "close"], index=days, dtype=float)

    class Bracket(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 0:
                self.buy(quantity=1, stop_loss=90, take_profit=110)

    for trades in ("fifo", "flat"):
        result = al.backtest(Bracket, frame, trades=trades)
        assert result.fills["price"].tolist() == [100.0, 90.0]
        assert result.trades["ambiguous"].tolist() == [True], trades
