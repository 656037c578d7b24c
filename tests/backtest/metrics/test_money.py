"""Money legs at output: half to even at 1e-8, once."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from alphintra_backtest.money import leg, legs, total
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        # 1/512 and 3/512 lie exactly between two steps: to the even one.
        (0.001953125, 0.00195312),
        (0.005859375, 0.00585938),
        (-0.001953125, -0.00195312),
        (1234.567890124, 1234.56789012),
        (100_000.0, 100_000.0),
    ],
)
def test_leg(amount: float, written: float) -> None:
    assert leg(amount) == written


def test_no_negative_zero() -> None:
    assert math.copysign(1, leg(-1e-12)) == 1


def test_nan_passes() -> None:
    assert math.isnan(leg(math.nan))


@given(st.floats(-1e7, 1e7))
def test_leg_is_decimal_rounding_of_the_exact_value(amount: float) -> None:
    exact = Decimal(amount).quantize(Decimal("1e-8"), rounding=ROUND_HALF_EVEN)
    assert leg(amount) == float(exact)


@given(st.lists(st.integers(-(10**12), 10**12), max_size=50))
def test_total_is_exact(units: list[int]) -> None:
    assert total(unit / 1e8 for unit in units) == float(Decimal(sum(units)) / 10**8)


@given(st.lists(st.one_of(st.floats(-1e9, 1e9), st.integers(-(10**13), 10**13).map(lambda n: n * 5e-9)), max_size=100))
def test_an_array_is_rounded_as_each_amount(amounts: list[float]) -> None:
    # Multiples of half a unit lie between two steps: there the exact binary value decides.
    assert legs(np.array(amounts)).tolist() == [leg(amount) for amount in amounts]


@pytest.mark.parametrize("scale", [1.0, 1e5, 1e8])
def test_many_amounts_add_up_as_their_decimals(scale: float) -> None:
    amounts = np.random.default_rng(1).normal(0.0, scale, 2_000)
    amounts[::3] = np.round(amounts[::3], 8) + 5e-9
    assert total(amounts) == float(sum(Decimal(repr(leg(amount))) for amount in amounts))
    assert total(list(amounts)) == total(iter(amounts)) == total(amounts)


def test_amounts_that_are_no_numbers_pass() -> None:
    written = legs(np.array([math.nan, math.inf, -1e-12]))
    assert math.isnan(written[0])
    assert written[1] == math.inf
    assert math.copysign(1, written[2]) == 1
    assert math.isnan(total(np.full(100, math.nan)))
