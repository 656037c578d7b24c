"""The functions of M0 give empyrical's numbers, in empyrical's kinds, on real, random and awkward series."""

from __future__ import annotations

import warnings
from typing import Any

import empyrical.stats as empyrical
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest import metrics

from .same import AWKWARD, assert_same, closes, random_frame, real_frame


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return real_frame()


UNARY: list[tuple[str, dict[str, Any]]] = [
    ("cum_returns", {}),
    ("cum_returns", {"starting_value": 100}),
    ("cum_returns_final", {}),
    ("cum_returns_final", {"starting_value": 250.0}),
    ("annual_return", {}),
    ("annual_return", {"annualization": 365}),
    ("cagr", {"period": "weekly"}),
    ("annual_volatility", {}),
    ("annual_volatility", {"alpha": 3.0, "period": "monthly"}),
    ("sharpe_ratio", {}),
    ("sharpe_ratio", {"risk_free": 0.0001, "annualization": 365}),
    ("downside_risk", {}),
    ("downside_risk", {"required_return": 0.001}),
    ("sortino_ratio", {}),
    ("sortino_ratio", {"required_return": 0.0002, "period": "weekly"}),
    ("drawdown_series", {}),
    ("max_drawdown", {}),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "options"), UNARY)
class TestUnary:
    def test_real_series_and_frame(self, real: pd.DataFrame, name: str, options: dict[str, Any]) -> None:
        ours, theirs = getattr(metrics, name), getattr(empyrical, name)
        assert_same(ours(real["AAPL"], **options), theirs(real["AAPL"], **options))
        assert_same(ours(real, **options), theirs(real, **options))

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_random(self, seed: int, name: str, options: dict[str, Any]) -> None:
        frame = random_frame(seed)
        ours, theirs = getattr(metrics, name), getattr(empyrical, name)
        for returns in (frame["IBM"], frame["IBM"].to_numpy(), frame.to_numpy(), frame):
            assert_same(ours(returns, **options), theirs(returns, **options))

    @pytest.mark.parametrize("case", AWKWARD)
    def test_awkward(self, case: str, name: str, options: dict[str, Any]) -> None:
        ours, theirs = getattr(metrics, name), getattr(empyrical, name)
        assert_same(ours(AWKWARD[case].copy(), **options), theirs(AWKWARD[case].copy(), **options))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", AWKWARD)
def test_calmar_of_awkward_series(case: str) -> None:
    assert_same(metrics.calmar_ratio(AWKWARD[case].copy()), empyrical.calmar_ratio(AWKWARD[case].copy()))


def test_calmar_of_real_series(real: pd.DataFrame) -> None:
    assert_same(metrics.calmar_ratio(real["IBM"]), empyrical.calmar_ratio(real["IBM"]))


@pytest.mark.parametrize("name", ["alpha", "beta", "alpha_beta"])
def test_relation_of_real_series(real: pd.DataFrame, name: str) -> None:
    ours, theirs = getattr(metrics, name), getattr(empyrical, name)
    # Half of IBM's labels are missing and the rest are shuffled: both join on labels.
    other = real["IBM"].iloc[::2].sample(frac=1.0, random_state=1)
    assert_same(ours(real["AAPL"], other, risk_free=0.0001), theirs(real["AAPL"], other, risk_free=0.0001))


@pytest.mark.parametrize("name", ["alpha_aligned", "beta_aligned", "alpha_beta_aligned"])
@pytest.mark.parametrize("seed", [4, 5])
def test_relation_of_arrays(name: str, seed: int) -> None:
    frame = random_frame(seed)
    ours, theirs = getattr(metrics, name), getattr(empyrical, name)
    own, other = frame["AAPL"].to_numpy(), frame["IBM"].to_numpy().copy()
    assert_same(ours(own, other), theirs(own, other))
    other[10:20] = np.nan
    assert_same(ours(own, other), theirs(own, other))
    assert_same(ours(own, np.full(len(own), 0.01)), theirs(own, np.full(len(own), 0.01)))
    assert_same(ours(own[:1], other[:1]), theirs(own[:1], other[:1]))


@pytest.mark.parametrize(
    "name", ["sharpe_ratio", "annual_volatility", "sortino_ratio", "max_drawdown", "downside_risk"]
)
@pytest.mark.parametrize("rows", [0, 1, 400])
def test_out_is_written(name: str, rows: int) -> None:
    values = random_frame(6).to_numpy()[:rows]
    out, expected = np.empty(2), np.empty(2)
    returned = getattr(metrics, name)(values, out=out)
    getattr(empyrical, name)(values, out=expected)
    assert returned is out
    np.testing.assert_allclose(out, expected, rtol=1e-12)
    single, also = np.empty(()), np.empty(())
    assert_same(
        getattr(metrics, name)(values[:, 0], out=single), getattr(empyrical, name)(values[:, 0], out=also)
    )
    np.testing.assert_allclose(single, also, rtol=1e-12)


@pytest.mark.parametrize("name", ["alpha", "beta", "alpha_aligned", "beta_aligned", "excess_sharpe"])
def test_out_of_pairs_is_written(name: str) -> None:
    own, other = random_frame(7).to_numpy().T
    out, expected = np.empty(()), np.empty(())
    assert_same(
        getattr(metrics, name)(own, other, out=out), getattr(empyrical, name)(own, other, out=expected)
    )
    np.testing.assert_allclose(out, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["alpha_beta", "alpha_beta_aligned"])
def test_out_of_both_is_written(name: str) -> None:
    own, other = random_frame(8).to_numpy().T
    out, expected = np.empty(2), np.empty(2)
    assert getattr(metrics, name)(own, other, out=out) is out
    getattr(empyrical, name)(own, other, out=expected)
    np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_out_of_whole_series_is_written() -> None:
    values = random_frame(9).to_numpy()
    out = np.empty_like(values)
    assert metrics.cum_returns(values, 100, out=out) is out
    np.testing.assert_allclose(out, empyrical.cum_returns(values, 100), rtol=1e-12)
    below = np.empty((401, 2))
    assert_same(metrics.drawdown_series(values, out=below), empyrical.drawdown_series(values))
    assert below[0].tolist() == [0.0, 0.0]


def test_simple_returns(real: pd.DataFrame) -> None:
    prices = closes("AAPL")
    assert_same(metrics.simple_returns(prices), empyrical.simple_returns(prices))
    assert_same(metrics.simple_returns(prices.to_numpy()), empyrical.simple_returns(prices.to_numpy()))
    whole = np.array([1, 2, 4], dtype=np.int64)
    assert metrics.simple_returns(whole).tolist() == [1.0, 1.0]


def test_unknown_period_is_named() -> None:
    with pytest.raises(ValueError, match="hourly"):
        metrics.annual_return(np.array([0.1]), period="hourly")


def test_arrays_of_different_length_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match=r"3 returns cannot be paired with 2"):
        metrics.beta(np.zeros(3), np.zeros(2))


def test_missing_values_raise_no_warning() -> None:
    # Warnings belong to the whole process, and runs may be threads of it.
    missing = np.full(6, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, options in UNARY:
            getattr(metrics, name)(missing, **options)
        for name in ("alpha_beta", "excess_sharpe", "up_capture", "down_capture"):
            getattr(metrics, name)(missing, missing)
        assert np.isnan(metrics.roll_sharpe_ratio(missing, 3)).all()
