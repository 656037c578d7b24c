"""What the bar orders of backtrader and vectorbt do not know is refused, with what goes instead."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pytest
from alphintra.errors import RuleError, StrategyError

from ..rules.scripted import FLAT, Action, bars, both, buy, run, sell

DATA = bars(FLAT, FLAT, FLAT)


def refused(profile: str, match: str, **options: Any) -> None:
    with pytest.raises(RuleError, match=match):
        run({}, options.pop("data", DATA), profile=profile, **options)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("leverage", 2.0), ("account", "cash"), ("borrow_rate", 0.1), ("margin_rate", 0.1), ("withholding", 0.1),
        ("maintenance_margin", 0.2), ("cash_buffer", 0.1), ("max_share", 0.1), ("min_order_value", 10.0),
        ("allow_partial", True), ("fill_at", "close"), ("size_at", "fill"), ("limit_fill", "strict"),
        ("entry_bar", "next"), ("funds", "both"),
    ],
)  # fmt: skip
def test_rules_that_a_queue_has_no_meaning_for(rule: str, value: Any) -> None:
    refused("backtrader", rf"{rule}={value!r} does not go with bar_order='submission'", **{rule: value})


@pytest.mark.parametrize(("rule", "value"), [("leverage", 2.0), ("fill_at", "open"), ("max_share", 0.1)])
def test_rules_that_one_order_has_no_meaning_for(rule: str, value: Any) -> None:
    refused("vectorbt-close", rf"{rule}={value!r} does not go with bar_order='one_order'", **{rule: value})


def test_values_that_go_with_a_bar_order_alone() -> None:
    refused("default", "funds='cash' goes only with bar_order='submission'", funds="cash")
    match = "entry_bar='next_bar' goes only with bar_order='submission' or 'one_order'"
    refused("default", match, entry_bar="next_bar")


@pytest.mark.parametrize(
    "commission",
    [
        al.Commission(minimum=1.0),
        al.Commission(fixed=1.0),
        al.Commission(percent=0.1, maximum=1.0),
        al.Commission(maker=0.0, taker=0.001),
        al.Commission(tiers=((1_000.0, 0.001), (None, 0.0005))),
    ],
)
def test_commissions(commission: Any) -> None:
    refused("backtrader", "commission .* does not go with bar_order='submission'", commission=commission)


@pytest.mark.parametrize("slippage", [al.Slippage(volume_share=0.1), al.Slippage(percent=0.01, fixed=0.1)])
def test_slippage(slippage: Any) -> None:
    refused("backtrader", "slippage .* does not go with bar_order='submission'", slippage=slippage)


@pytest.mark.parametrize(
    ("terms", "match"),
    [
        ({"multiplier": 10.0}, "a multiplier and no margin"),
        ({"end": "2024-01-03"}, "symbols that end"),
        ({"start": "2024-01-03"}, "symbols that start late"),
    ],
)
def test_instruments(terms: dict[str, Any], match: str) -> None:
    refused("backtrader", match, data={"A": DATA}, instruments={"A": al.Instrument(**terms)})


def test_a_fraction_of_a_multiplied_price() -> None:
    future = {"A": al.Instrument(multiplier=10.0, margin=50.0)}
    refused("backtrader", "has multipliers", data={"A": DATA}, instruments=future, commission=0.001)


def test_splits_on_raw_prices() -> None:
    with pytest.raises(RuleError, match="has splits or dividends on raw prices, which bar_order='submission'"):
        run({}, "us-equities-daily/AAPL", profile="backtrader", prices="raw")


@pytest.mark.parametrize(
    ("act", "match"),
    [
        (buy(1, tif="DAY"), "tif='DAY' does not go with bar_order='submission'"),
        (buy(1, good_till="2024-02-01"), "tif='GTD' does not go"),
        (buy(1, max_bars=3), "max_bars does not go with bar_order='submission'"),
        (lambda s: s.amend(s.buy(1, limit=90.0), limit=91.0), "no order is amended with bar_order='submission'"),
    ],
)
def test_orders_that_a_queue_does_not_know(act: Action, match: str) -> None:
    with pytest.raises(StrategyError, match=match):
        run({0: act}, DATA, profile="backtrader")


@pytest.mark.parametrize("act", [buy(1, limit=90.0), buy(1, stop=110.0), buy(1, at_close=True), buy(1, trail=5.0)])
def test_orders_that_one_order_does_not_know(act: Action) -> None:
    with pytest.raises(StrategyError, match="market orders at the decision's close only"):
        run({0: act}, DATA, profile="vectorbt-close")


@pytest.mark.parametrize("profile", ["backtrader", "vectorbt-close"])
def test_orders_before_the_first_bar(profile: str) -> None:
    with pytest.raises(StrategyError, match="the first orders come from on_bar, not from on_start"):
        run({}, DATA, profile=profile, on_start=both(buy(1)))
    with pytest.raises(StrategyError, match="not from on_start"):
        run({}, DATA, profile=profile, on_start=both(sell(1)))
