"""F7: a fee is a function of what the order has filled so far, each fill pays the difference."""

from __future__ import annotations

import alphintra as al
import pytest
from alphintra.costs import commission_of
from alphintra.errors import RuleError

from .scripted import bars, buy, run, target


def fees(script, data, **options):
    return list(run(script, data, **options).columns["fills"]["commission"])


ROWS = [(10, 10, 10, 10)] * 6


@pytest.mark.parametrize(
    ("commission", "expected"),
    [
        (0.001, 1.0),  # 100 × 10 × 0.001
        (al.Commission(per_share=0.005), 0.5),  # 100 × 0.005
        (al.Commission(per_share=0.005, minimum=1), 1.0),  # 0.5 is below the minimum
        (al.Commission(percent=0.01, maximum=7), 7.0),  # 10 is above the maximum
        (al.Commission(percent=0.001, per_share=0.005), 1.5),
        ({"per_share": 0.02}, 2.0),
    ],
)
def test_fee_of_one_fill(commission, expected):
    assert fees({0: buy(100)}, bars(*ROWS), commission=commission) == [pytest.approx(expected, abs=1e-12)]


def test_a_minimum_is_charged_once_for_an_order_that_fills_in_parts():
    """Cap 0.1 × 500 = 50 a bar: 120 fill as 50, 50, 20. At 0.01 a share 0.5, 1.0, 1.2 so far; the minimum is 0.8."""
    terms = al.Commission(per_share=0.01, minimum=0.8)
    paid = fees({0: buy(120)}, bars(*ROWS, volume=500), commission=terms, max_share=0.1)
    assert paid == [pytest.approx(0.8), pytest.approx(0.2), pytest.approx(0.2)]


def test_what_can_be_bought_includes_the_minimum():
    """1,005 money at 10: 100 shares cost 1,000 and the fee of 5; 101 do not fit. With a fee of 6 only 99 fit."""
    for minimum, quantity in ((5, 100), (6, 99)):
        result = run({0: target(1.0)}, bars(*ROWS), cash=1_005, commission=al.Commission(minimum=minimum))
        assert result.fills["quantity"].tolist() == [quantity]


def test_the_record_and_the_report_state_it():
    terms = al.Commission(per_share=0.005, minimum=1)
    result = run({0: buy(100)}, bars(*ROWS), commission=terms, slippage=0.001)
    assert result.run["configuration"]["commission"] == {"per_share": 0.005, "minimum": 1}
    texts = {a["code"]: a["text"] for a in result.assumptions}
    assert texts["costs"] == "costs: commission 0.005 a share, at least 1 an order, slippage 0.1 %"
    assert "commission={'per_share': 0.005, 'minimum': 1" in result.view["header"]["code"]
    assert str(al.Commission(percent=0.001, maximum=20)) == "0.1 %, at most 20 an order"
    assert str(al.Commission(maximum=0)) == "none"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (-0.1, "outside"),
        (float("nan"), "outside"),
        (0.6, "outside"),
        ("0.1", "must be a number"),
        (True, "must be a number"),
        ({"per_shar": 1}, "no part 'per_shar'"),
        ({"minimum": -1}, "minimum must be a finite number ≥ 0"),
        ({"minimum": 2, "maximum": 1}, "maximum 1 is below minimum 2"),
        ({"percent": 0.9}, "it is a fraction"),
    ],
)
def test_bad_commissions(given, said):
    with pytest.raises(RuleError, match=said):
        commission_of(given)
