"""F7 beyond a fraction: fixed, tiers, maker and taker, per share over several fills; F2: what slippage is made of."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pytest
from alphintra.errors import RuleError

from .scripted import FLAT, bars, buy, fills, run, sell, target, trades

pytestmark = pytest.mark.usefixtures("either_core")

THIN = bars(*[(*FLAT, 1000)] * 6)  # 25 a bar at 100


def fees(result: Any) -> list[float]:
    return [pytest.approx(x, abs=1e-9) for x in result.columns["fills"]["commission"]]


@pytest.mark.parametrize(
    ("terms", "quantity", "expected"),
    [
        # 60 at 100 fill as 25, 25, 10: notional so far 2,500, 5,000, 6,000
        ({"fixed": 3}, 60, [3, 0, 0]),
        ({"fixed": 3, "percent": 0.001}, 60, [5.5, 2.5, 1]),
        # so far 0.25, 0.50, 0.60: at least 0.4 from the first fill on
        ({"per_share": 0.01, "minimum": 0.4}, 60, [0.4, 0.1, 0.1]),
        # so far 0.25, 0.50, 0.60: at most 0.45
        ({"per_share": 0.01, "maximum": 0.45}, 60, [0.25, 0.2, 0]),
        ({"per_share": 0.01, "minimum": 0.4, "maximum": 0.55}, 60, [0.4, 0.1, 0.05]),
        # 0.2 % to 1,000, 0.1 % to 4,000, nothing above: 2 + 1.5 = 3.5, 2 + 3 = 5, 5
        ({"tiers": ((1000, 0.002), (4000, 0.001))}, 60, [3.5, 1.5, 0]),
        # … and 0.05 % above: 3.5, 5.5, 6
        ({"tiers": ((1000, 0.002), (4000, 0.001), (None, 0.0005))}, 60, [3.5, 2, 0.5]),
        ({"tiers": ((1000, 0.002),), "fixed": 1, "percent": 0.001}, 10, [4]),
    ],
)
def test_f7_each_fill_pays_the_difference(terms: dict[str, Any], quantity: float, expected: list[float]) -> None:
    result = run({0: buy(quantity)}, THIN, commission=al.Commission(**terms))
    assert fees(result) == expected
    assert result.curves.equity[-1] == pytest.approx(100_000 - sum(expected))


def test_f7_the_terms_are_those_of_an_order() -> None:
    # Two orders pay the fixed part and the first tier twice.
    terms = al.Commission(fixed=1, tiers=((500, 0.01), (None, 0.0)))
    result = run({0: buy(10), 1: sell(10)}, THIN, commission=terms)
    assert fees(result) == [6, 6]
    assert trades(result)[0][3] == -12


@pytest.mark.parametrize(
    ("order", "rate"),
    [
        (buy(10), 0.002),
        (buy(10, at_close=True), 0.002),
        (buy(10, stop=100.5), 0.002),
        (buy(10, limit=99.5), 0.001),
        (buy(10, limit=101), 0.001),  # it filled at the open of 100, as a limit order
        (buy(10, stop=100.5, limit=101), 0.001),
        (buy(value=1003), 0.002),
    ],
)
def test_f7_maker_is_limit_taker_is_the_rest(order: Any, rate: float) -> None:
    result = run({0: order}, bars(FLAT, FLAT), commission=al.Commission(maker=0.001, taker=0.002))
    (fee,) = result.columns["fills"]["commission"]
    assert fee == pytest.approx(10 * fills(result)[0][3] * rate)


def test_f7_a_bracket_s_stop_takes_and_its_target_makes() -> None:
    terms = al.Commission(maker=0.001, taker=0.002)
    order = buy(10, stop_loss=95, take_profit=105)
    assert fees(run({0: order}, bars(FLAT, FLAT, (100, 106, 99, 105)), commission=terms)) == [2, 1.05]
    assert fees(run({0: order}, bars(FLAT, FLAT, (100, 101, 94, 95)), commission=terms)) == [2, 1.9]


@pytest.mark.parametrize(
    ("terms", "quantity"),
    [
        ({"fixed": 5}, 99),  # 10 × 100 = 1,000 and 5 are above 1,004; at 10.04 a share: (1,004 − 5) / 10
        ({"tiers": ((500, 0.01), (None, 0.0))}, 99),  # 5 as well
        ({"fixed": 4}, 100),
    ],
)
def test_f6_what_can_be_bought_is_after_fees(terms: dict[str, Any], quantity: float) -> None:
    rows = [(10, 10, 10, 10)] * 3
    result = run({0: target(1.0)}, bars(*rows), cash=1004, commission=al.Commission(**terms))
    assert [f[2] for f in fills(result)] == [quantity]


@pytest.mark.parametrize(
    ("slippage", "bought", "sold"),
    [
        ({"fixed": 0.3}, 100.3, 109.7),
        ({"spread": 0.2}, 100.1, 109.9),  # half of the spread
        ({"percent": 0.01, "fixed": 0.5, "spread": 0.2}, 101.6, 108.3),  # 1 + 0.5 + 0.1; 1.1 + 0.5 + 0.1
        # 20 of a volume of 1,000 are 2 %: 100 × 5 × 0.02² = 0.2; of 2,000 1 %: 110 × 5 × 0.01² = 0.055
        ({"volume_share": 5.0}, 100.2, 109.945),
        ({"volume_share": 5.0, "fixed": 1.0}, 101.2, 108.945),
    ],
)
def test_f2_slippage(slippage: dict[str, float], bought: float, sold: float) -> None:
    data = bars(FLAT, (*FLAT, 1000), (110, 111, 109, 110, 2000))
    result = run({0: buy(20), 1: sell(20)}, data, slippage=al.Slippage(**slippage))
    assert [f[3] for f in fills(result)] == [pytest.approx(bought), pytest.approx(sold)]
    f = result.columns["fills"]
    assert list(f["base_price"]) == [100, 110]
    assert list(f["slippage"]) == pytest.approx([20 * (bought - 100), 20 * (110 - sold)])
    assert result.metrics["total_slippage"] == pytest.approx(20 * (bought - 100 + 110 - sold))


def test_f2_the_impact_is_that_of_each_fill() -> None:
    # A cap of 10 %: 100, 100 and 50 of 1,000: 100 × 1 × 0.1² = 1, and 100 × 0.05² = 0.25.
    result = run({0: buy(250)}, THIN, max_share=0.1, slippage=al.Slippage(volume_share=1.0))
    assert [f[3] for f in fills(result)] == [101, 101, 100.25]


def test_f2_the_impact_counts_no_more_than_the_whole_volume() -> None:
    result = run({0: buy(50)}, bars(FLAT, (*FLAT, 10)), max_share=None, slippage=al.Slippage(volume_share=0.1))
    assert [f[3] for f in fills(result)] == [110]


@pytest.mark.parametrize("others", [False, True])
def test_f2_unknown_volume_moves_nothing(others: bool) -> None:
    bare = bars(FLAT, FLAT).drop(columns="volume")
    data = {"A": bare, "B": bars(FLAT, (*FLAT, 1000))} if others else {"A": bare}
    slippage = al.Slippage(volume_share=5.0)
    result = run({0: buy(20, symbol="A")}, data, slippage=slippage)
    assert [f[3] for f in fills(result)] == [100]
    if others:
        assert [f[3] for f in fills(run({0: buy(20, symbol="B")}, data, slippage=slippage))] == [100.2]


def test_f2_limits_never_slip_whatever_it_is_made_of() -> None:
    slippage = al.Slippage(percent=0.01, fixed=1, spread=1, volume_share=1)
    for order, price in (
        (buy(10, limit=99.5), 99.5),
        (buy(10, limit=101), 100),
        (buy(10, stop=100.5, limit=101), 100.5),
    ):
        assert fills(run({0: order}, bars(FLAT, FLAT), slippage=slippage))[0][3] == price


def test_f2_f6_a_target_is_sized_at_the_price_after_slippage() -> None:
    # 1,000 / 100.5 = 9.95, and 1,000 / 101 = 9.9
    for slippage in (al.Slippage(fixed=0.5), al.Slippage(spread=2)):
        assert fills(run({0: target(1.0)}, bars(FLAT, FLAT), cash=1000, slippage=slippage))[0][2] == 9


@pytest.mark.parametrize("part", ["percent", "fixed", "spread", "volume_share"])
def test_f2_bad_slippage(part: str) -> None:
    for value in (-0.1, float("nan"), True):
        with pytest.raises(RuleError, match=part):
            al.Slippage(**{part: value})
    with pytest.raises(RuleError, match="no part"):
        run({}, bars(FLAT, FLAT), slippage={"percen": 0.1})


@pytest.mark.parametrize("tiers", [((1000, 0.1), (500, 0.1)), ((0, 0.1),), ((1000, 0.9),), ((1000,),), "x"])
def test_f7_bad_tiers(tiers: Any) -> None:
    with pytest.raises(RuleError, match="tier"):
        al.Commission(tiers=tiers)
