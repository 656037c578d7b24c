"""Tails, shape, capture, fragility and attribution: empyrical's numbers on real, random and awkward series."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import empyrical
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from alphintra_backtest import metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from .same import AWKWARD, assert_same, random_frame, real_frame

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

UNARY: list[tuple[str, dict[str, Any]]] = [
    ("omega_ratio", {}),
    ("omega_ratio", {"risk_free": 0.0001, "required_return": 0.05}),
    ("omega_ratio", {"required_return": 0.001, "annualization": 1}),
    ("omega_ratio", {"required_return": -1.0}),
    ("tail_ratio", {}),
    ("value_at_risk", {}),
    ("value_at_risk", {"cutoff": 0.01}),
    ("conditional_value_at_risk", {}),
    ("conditional_value_at_risk", {"cutoff": 0.2}),
    ("stability_of_timeseries", {}),
]
BINARY = [
    "capture", "up_capture", "down_capture", "up_down_capture", "up_alpha_beta", "down_alpha_beta",
    "batting_average", "beta_fragility_heuristic", "excess_sharpe",
]  # fmt: skip


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return real_frame()


def both(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return getattr(metrics, name), getattr(empyrical, name)


@pytest.mark.parametrize(("name", "options"), UNARY)
class TestUnary:
    def test_real(self, real: pd.DataFrame, name: str, options: dict[str, Any]) -> None:
        ours, theirs = both(name)
        for symbol in real:
            for returns in (real[symbol], real[symbol].to_numpy()):
                assert_same(ours(returns, **options), theirs(returns, **options), rtol=1e-11)

    @pytest.mark.parametrize("case", AWKWARD)
    def test_awkward(self, case: str, name: str, options: dict[str, Any]) -> None:
        ours, theirs = both(name)
        assert_same(ours(AWKWARD[case].copy(), **options), theirs(AWKWARD[case].copy(), **options))
        series = pd.Series(AWKWARD[case])
        assert_same(ours(series, **options), theirs(series, **options))


FINITE = st.floats(-0.9, 2.0, allow_subnormal=False).map(lambda x: round(x, 6))


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.float64, st.integers(2, 30), elements=st.one_of(FINITE, st.just(math.nan))))
def test_any_returns(returns: np.ndarray[Any, Any]) -> None:
    with np.errstate(all="ignore"):
        for name, options in UNARY[:9]:
            ours, theirs = both(name)
            assert_same(ours(returns, **options), theirs(returns, **options), rtol=1e-9)


@pytest.mark.parametrize("name", BINARY)
class TestBinary:
    def test_real(self, real: pd.DataFrame, name: str) -> None:
        ours, theirs = both(name)
        assert_same(ours(real["AAPL"], real["IBM"]), theirs(real["AAPL"], real["IBM"]), rtol=1e-11)
        pair = real["AAPL"].to_numpy(), real["IBM"].to_numpy()
        assert_same(ours(*pair), theirs(*pair), rtol=1e-11)

    def test_labels_that_differ(self, real: pd.DataFrame, name: str) -> None:
        ours, theirs = both(name)
        other = real["IBM"].iloc[5::2]
        assert_same(ours(real["AAPL"], other), theirs(real["AAPL"], other), rtol=1e-11)

    @pytest.mark.parametrize("case", AWKWARD)
    def test_awkward(self, case: str, name: str) -> None:
        ours, theirs = both(name)
        returns = AWKWARD[case].copy()
        for other in (np.linspace(-0.02, 0.03, len(returns)), np.full(len(returns), 0.01), -0.01 - returns):
            assert_same(ours(returns, other), theirs(returns, other))

    def test_missing_values(self, name: str) -> None:
        ours, theirs = both(name)
        frame = random_frame(11)
        frame.iloc[3:9, 0] = np.nan
        frame.iloc[7:20, 1] = np.nan
        assert_same(ours(frame["AAPL"], frame["IBM"]), theirs(frame["AAPL"], frame["IBM"]), rtol=1e-11)


@pytest.mark.parametrize("name", ["capture", "up_capture", "down_capture", "up_down_capture"])
def test_capture_of_other_periods(name: str) -> None:
    ours, theirs = both(name)
    frame = random_frame(12, 60)
    assert_same(
        ours(frame["AAPL"], frame["IBM"], period="monthly"), theirs(frame["AAPL"], frame["IBM"], period="monthly")
    )


def test_excess_sharpe_of_columns_and_a_constant() -> None:
    values = random_frame(13).to_numpy()
    assert_same(metrics.excess_sharpe(values, 0.0001), empyrical.excess_sharpe(values, 0.0001))
    out = np.empty(2)
    assert metrics.excess_sharpe(values, 0.0, out=out) is out
    assert metrics.excess_sharpe(np.full(5, 0.02), np.full(5, 0.01)) == math.inf


class TestPareto:
    @pytest.mark.parametrize("symbol", ["AAPL", "IBM"])
    @pytest.mark.parametrize("var_p", [0.01, 0.05])
    def test_real(self, real: pd.DataFrame, symbol: str, var_p: float) -> None:
        returns = real[symbol]
        expected = empyrical.gpd_risk_estimates(returns, var_p)
        # The end of a search for the greatest likelihood, so equal to what the search resolves.
        assert_same(metrics.gpd_risk_estimates(returns, var_p), expected, rtol=1e-3)
        assert_same(metrics.gpd_risk_estimates_aligned(returns.to_numpy(), var_p), expected.to_numpy(), rtol=1e-3)
        assert expected[3] > 0

    @pytest.mark.parametrize("case", ["empty", "one", "only gains", "only NaN", "all zero"])
    def test_no_tail(self, case: str) -> None:
        assert_same(metrics.gpd_risk_estimates(AWKWARD[case]), empyrical.gpd_risk_estimates(AWKWARD[case]))

    def test_a_tail_without_a_mean(self) -> None:
        # Losses of a Pareto law with shape 2: the expected shortfall is infinite.
        losses = -0.01 * np.random.default_rng(3).pareto(0.5, 400)
        ours, theirs = metrics.gpd_risk_estimates(losses), empyrical.gpd_risk_estimates(losses)
        assert ours[4] == theirs[4] == math.inf


class TestAggregate:
    @pytest.mark.parametrize("convert_to", ["weekly", "monthly", "quarterly", "yearly"])
    def test_real(self, real: pd.DataFrame, convert_to: str) -> None:
        returns = real["IBM"].copy()
        returns.iloc[10:15] = np.nan
        assert_same(
            metrics.aggregate_returns(returns, convert_to),
            empyrical.aggregate_returns(returns, convert_to),
            rtol=1e-10,
        )

    def test_a_frame_column_by_column(self, real: pd.DataFrame) -> None:
        frame = metrics.aggregate_returns(real, "yearly")
        assert_same(frame["IBM"], metrics.aggregate_returns(real["IBM"], "yearly"))

    def test_by_hand(self) -> None:
        # 31 December 2012 is a Monday: with 2 January it is ISO week 1 of 2013.
        days = pd.DatetimeIndex(["2012-12-28", "2012-12-31", "2013-01-02"])
        weeks = metrics.aggregate_returns(pd.Series([0.5, 0.1, 0.2], days), "weekly")
        assert weeks.index.tolist() == [(2012, 52), (2013, 1)]
        assert weeks.tolist() == pytest.approx([0.5, 0.32])

    def test_unknown_period_is_named(self, real: pd.DataFrame) -> None:
        with pytest.raises(ValueError, match="hourly"):
            metrics.aggregate_returns(real, "hourly")


def test_attribution() -> None:
    rng = np.random.default_rng(5)
    days, tickers, factors = pd.date_range("2017-01-01", periods=6, freq="D"), ["AAPL", "TLT"], ["momentum", "size"]
    index = pd.MultiIndex.from_product([days, tickers], names=["dt", "ticker"])
    loadings = pd.DataFrame(rng.normal(size=(12, 2)), index=index, columns=factors)
    positions = pd.Series(rng.uniform(size=12), index=index)
    of_factors = pd.DataFrame(rng.normal(0, 0.01, (6, 2)), index=days, columns=factors)
    returns = pd.Series(rng.normal(0, 0.01, 6), index=days)
    given_ = (returns, positions, of_factors, loadings)
    for ours, theirs in zip(metrics.perf_attrib(*given_), empyrical.perf_attrib(*given_), strict=True):
        assert_same(ours, theirs)
    exposures, parts = metrics.perf_attrib(returns, positions.rename_axis(["a", "b"]), of_factors, loadings)
    assert_same(exposures, metrics.compute_exposures(positions, loadings))
    assert parts[["common_returns", "specific_returns"]].sum(axis=1).to_numpy() == pytest.approx(returns.to_numpy())


def test_shape_is_scipys(real: pd.DataFrame) -> None:
    returns = real["AAPL"].to_numpy()
    assert metrics.skew(returns) == pytest.approx(scipy.stats.skew(returns), rel=1e-10)
    assert metrics.kurtosis(returns) == pytest.approx(scipy.stats.kurtosis(returns), rel=1e-10)
    assert math.isnan(metrics.skew(np.full(4, 0.1)))
    assert math.isnan(metrics.kurtosis(np.array([0.1])))
