"""The profile ``vectorbt-close``: the quantities are those of vectorbt 1.2.0 for the same closes, reckoned here too."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pytest

from ..rules.scripted import Action, bars, both, buy, ends, fills, sell, target
from ..rules.scripted import run as run_script

CLOSES = (10.0, 12.0, 11.0, 8.0, 9.0)


def at(*closes: float) -> Any:
    return bars(*[(c, c, c, c) for c in closes])


def run(script: dict[int, Action], data: Any = None, **options: Any) -> Any:
    data = at(*CLOSES) if data is None else data
    return run_script(script, data, **{"cash": 1_000, "profile": "vectorbt-close", **options})


def quantities(result: Any) -> list[tuple[int, str, Any]]:
    """(bar, side, quantity) of every fill, as far as lots of 1e-8 go; the first curve row is the first bar's."""
    return [(bar, side, pytest.approx(quantity, abs=3e-8)) for bar, side, quantity, _, _ in fills(result)]


def test_targets_of_the_close_and_a_purchase_as_far_as_the_cash_goes() -> None:
    result = run({0: target(0.5), 2: target(1.0), 4: target(0.0)}, commission=0.01)
    # 0.5 × 1000 / 10, the fee of 5 beside it. Then 495 of cash pay 495 / (11 × 1.01) = 44.554455….
    assert quantities(result) == [(0, "BUY", 50.0), (2, "BUY", 495 / 11.11), (4, "SELL", 50 + 495 / 11.11)]
    assert [f[3:] for f in fills(result)] == [(10.0, "F1.close"), (11.0, "F1.close"), (9.0, "F1.close")]
    assert ends(result) == [("FILLED", ""), ("FILLED", "FUNDS_TRIMMED"), ("FILLED", "")]
    told = [995.0, 1095.0, 1040.0990099009903, 756.4356435643565, 842.4801980198021]  # vectorbt's value()
    assert result.equity.tolist() == pytest.approx(told, abs=1e-6)


def test_short_sales_are_whole_and_their_proceeds_buy() -> None:
    script = {0: buy(70), 1: buy(60), 3: sell(150), 4: buy(200)}
    result = run(script, commission=0.01)
    # 293 / (12 × 1.01); then 150 × 8 × 0.99 = 1188 of cash buy 1188 / (9 × 1.01), which more than covers the short.
    expected = [(0, "BUY", 70.0), (1, "BUY", 293 / 12.12), (3, "SELL", 150.0), (4, "BUY", 1188 / 9.09)]
    assert quantities(result) == expected
    assert float(result.equity.iloc[-1]) == pytest.approx(673.8118811881186, abs=1e-6)


def test_slippage_moves_the_price_and_not_the_size() -> None:
    result = run({0: target(0.5), 2: target(1.0), 4: target(-0.5)}, commission=0.01, slippage=0.01)
    more = (1_000 - 505 - 5.05) / (11.11 * 1.01)  # 43.663277…
    # To −0.5 of what 50 + more are worth at the close: one and a half times that is sold, 140.494916….
    assert quantities(result) == [(0, "BUY", 50.0), (2, "BUY", more), (4, "SELL", 1.5 * (50 + more))]
    assert [f[3] for f in fills(result)] == [10.1, 11.11, 8.91]


def test_symbols_share_the_cash_and_what_sells_comes_first() -> None:
    data = {"A": at(10, 12, 11), "B": at(20, 19, 25)}
    script = {0: target(1.0, "A"), 1: both(target(1.0, "B"), target(0.2, "A"))}
    result = run(script, data, commission=0.001)
    # vectorbt with cash_sharing=True, call_seq="auto"
    first = 1_000 / 10.01
    sold = 0.8 * first * 12 * 0.999
    assert quantities(result) == [(0, "BUY", first), (1, "SELL", 0.8 * first), (1, "BUY", sold / 19.019)]  # 50.374989…
    assert float(result.equity.iloc[-1]) == pytest.approx(1479.1549477915746, abs=1e-6)


def test_one_order_a_bar() -> None:
    result = run({0: both(buy(10), buy(20)), 1: both(target(0.0), target(1.0))})
    assert quantities(result) == [(0, "BUY", 10.0), (1, "SELL", 10.0)]
    assert ends(result) == [("FILLED", ""), ("REJECTED", "SECOND_ORDER")] * 2
    data = {"A": at(10, 12), "B": at(20, 19)}
    result = run({0: both(buy(1, symbol="A"), buy(1, symbol="B"))}, data)
    assert ends(result) == [("FILLED", "")] * 2


def test_nothing_left_to_pay_with() -> None:
    result = run({0: buy(100), 1: buy(1)})
    assert ends(result) == [("FILLED", ""), ("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL")]
    result = run({0: buy(101)}, allow_partial=False)
    assert ends(result) == [("CANCELLED", "INSUFFICIENT_FUNDS_AT_FILL")]


def test_a_symbol_without_a_bar_takes_no_order() -> None:
    data = {"A": at(10, 12, 11), "B": at(20, 19, 25).iloc[[0, 2]]}
    result = run({1: buy(1, symbol="B"), 2: buy(1, symbol="B")}, data)
    assert ends(result) == [("REJECTED", "NO_PRICE"), ("FILLED", "")]


def test_a_stop_works_from_the_next_bar() -> None:
    # Bought at the close of 11; the first bar's low of 8 is before that.
    data = bars((10, 12, 8, 11), (11, 12, 9, 10), (10, 11, 9, 10))
    result = run({0: buy(5, stop_loss=9.5)}, data)
    assert fills(result) == [(0, "BUY", 5.0, 11.0, "F1.close"), (1, "SELL", 5.0, 9.5, "F2.stop")]


def test_on_bar_is_called_from_the_first_bar_on() -> None:
    seen: list[tuple[int, bool]] = []

    class Every(al.Strategy):
        def on_start(self) -> None:
            self.average = self.indicator(al.ta.SMA, self.data.close, 3)

        def on_bar(self) -> None:
            seen.append((self.bar_index, self.ready()))

    al.backtest(Every, at(*CLOSES), profile="vectorbt-close")
    assert seen == [(0, False), (1, False), (2, True), (3, True), (4, True)]
