"""What a check may say, and what each bad text is told."""

from __future__ import annotations

import math

import pytest
from alphintra.errors import ParameterError
from alphintra_backtest.checks.texts import parse


def one(text: str):
    (found,) = parse([text])
    return found


@pytest.mark.parametrize(
    ("text", "metric", "sign", "bound"),
    [
        ("sharpe_ratio >= 0.8", "sharpe_ratio", ">=", 0.8),
        ("sharpe_ratio>=0.8", "sharpe_ratio", ">=", 0.8),
        ("  max_drawdown  >  -0.2 ", "max_drawdown", ">", -0.2),
        ("max_drawdown > -20 %", "max_drawdown", ">", -0.2),
        ("max_drawdown > -20%", "max_drawdown", ">", -0.2),
        ("max_drawdown > \u221220 %", "max_drawdown", ">", -0.2),
        ("total_return >= 250 %", "total_return", ">=", 2.5),
        ("final_equity > 1.5e5", "final_equity", ">", 150_000.0),
        ("total_trades == 31", "total_trades", "==", 31.0),
        ("beta != .5", "beta", "!=", 0.5),
        ("volatility < +0.3", "volatility", "<", 0.3),
    ],
)
def test_a_metric_a_comparison_and_a_number(text, metric, sign, bound):
    found = one(text)
    assert (found.kind, found.metric, found.sign, found.bound) == ("metric", metric, sign, bound)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("no look-ahead", "look-ahead"),
        ("No look ahead", "look-ahead"),
        ("no lookahead", "look-ahead"),
        ("same fills", "fills"),
        ("the same fills as last time", "fills"),
    ],
)
def test_the_two_words(text, kind):
    assert one(text).kind == kind


@pytest.mark.parametrize(
    ("sign", "below", "at", "above"),
    [
        (">=", False, True, True),
        (">", False, False, True),
        ("<=", True, True, False),
        ("<", True, False, False),
        ("==", False, True, False),
        ("!=", True, False, True),
    ],
)
def test_what_holds(sign, below, at, above):
    check = one(f"sharpe_ratio {sign} 0.8")
    assert (check.holds(0.7), check.holds(0.8), check.holds(0.9)) == (below, at, above)
    assert not check.holds(math.nan)


def test_infinite_is_more_than_any_number():
    assert one("profit_factor >= 1.5").holds(math.inf)


@pytest.mark.parametrize(
    ("checks", "code", "said"),
    [
        (["sharp_ratio >= 0.8"], "BAD_CHECK", "no metric 'sharp_ratio' (checks[0]) – did you mean 'sharpe_ratio'?"),
        (["Sharpe_Ratio >= 0.8"], "BAD_CHECK", "did you mean 'sharpe_ratio'?"),
        (["xyzzy > 1"], "BAD_CHECK", "there is no metric 'xyzzy'"),
        (["sharpe_ratio => 0.8"], "BAD_CHECK", "'=>' in 'sharpe_ratio => 0.8' is no comparison"),
        (["sharpe_ratio = 0.8"], "BAD_CHECK", "'=' in"),
        (["sharpe_ratio <>= 0.8"], "BAD_CHECK", "'<>=' in"),
        (["sharpe_ratio >= high"], "BAD_CHECK", "'high' in 'sharpe_ratio >= high' is no number"),
        (["sharpe_ratio >= nan"], "BAD_CHECK", "is no number"),
        (["sharpe_ratio >= inf"], "BAD_CHECK", "is no number"),
        (["sharpe_ratio >= 1e999"], "BAD_CHECK", "is no number"),
        (["sharpe_ratio >= 1_000"], "BAD_CHECK", "is no number"),
        (["sharpe_ratio >= 80 %"], "BAD_CHECK", "sharpe_ratio is no fraction (ratio), so no percentage"),
        (["max_drawdown > -20"], "BAD_CHECK", "such as max_drawdown > -20 %"),
        (["max_drawdown > 0.2"], "BAD_CHECK", "says nothing: max_drawdown is a fraction from -1 to 0"),
        (["0.8 <= sharpe_ratio"], "BAD_CHECK", "is no check"),
        (["no look-ahaed"], "BAD_CHECK", "did you mean 'no look-ahead'?"),
        (["same fill"], "BAD_CHECK", "did you mean 'same fills'?"),
        (["__import__('os').system('true') > 0"], "BAD_CHECK", "is no check"),
        (["sharpe_ratio >= 0.8\nimport os"], "BAD_CHECK", "is no check"),
        ([""], "BAD_CHECK", "is no check"),
        (["x" * 201], "BAD_CHECK", "at most 200 characters"),
        ([0.8], "BAD_CHECK", "a check is a text, got 0.8"),
        ("sharpe_ratio >= 0.8", "BAD_CHECK", "checks is a list of texts"),
        (None, "BAD_CHECK", "checks is a list of texts, got None"),
        ([], "NO_CHECKS", "there are no checks"),
        (["same fills", "total_trades > 1", "the same fills as last time"], "BAD_CHECK", "is there twice (checks[2])"),
        (["total_trades > 1", "total_trades > 1.0"], "BAD_CHECK", "is there twice (checks[1])"),
        ([f"total_trades > {n}" for n in range(51)], "BAD_CHECK", "51 checks are more than 50"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_place_and_remedy(checks, code, said):
    with pytest.raises(ParameterError) as caught:
        parse(checks)
    assert caught.value.code == code
    assert said in str(caught.value)


def test_two_bounds_of_one_metric_are_two_checks():
    assert len(parse(["total_trades > 1", "total_trades < 100"])) == 2
