"""Rolling forms equal empyrical's, and a plain loop over the windows where empyrical goes wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import empyrical
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest import metrics
from alphintra_backtest.metrics import rolling

from .same import AWKWARD, assert_same, random_frame, real_frame

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

UNARY: list[tuple[str, dict[str, Any]]] = [
    ("roll_annual_volatility", {}),
    ("roll_annual_volatility", {"alpha": 3.0, "period": "monthly"}),
    ("roll_sharpe_ratio", {}),
    ("roll_sharpe_ratio", {"risk_free": 0.0002, "annualization": 365}),
    ("roll_sortino_ratio", {}),
    ("roll_sortino_ratio", {"required_return": 0.0005, "period": "weekly"}),
    ("roll_max_drawdown", {}),
]
BINARY: list[tuple[str, dict[str, Any]]] = [
    ("roll_beta", {}),
    ("roll_beta_aligned", {"risk_free": 0.01}),
    ("roll_alpha", {"risk_free": 0.0002}),
    ("roll_alpha_aligned", {"annualization": 12}),
    ("roll_alpha_beta", {"period": "monthly"}),
    ("roll_alpha_beta_aligned", {"risk_free": 0.0001}),
    ("roll_up_capture", {}),
    ("roll_down_capture", {"period": "monthly"}),
    ("roll_up_down_capture", {}),
]


@pytest.fixture(params=["each window", "all at once"])
def _path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute short series in both ways; only long ones go the second way by themselves."""
    monkeypatch.setattr(rolling, "SMALL", 0 if request.param == "all at once" else math.inf)


def both(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return getattr(metrics, name), getattr(empyrical, name)


def holes(seed: int) -> pd.DataFrame:
    frame = random_frame(seed, 300)
    frame.iloc[5:60:7, 0] = np.nan
    frame.iloc[9:90:11, 1] = np.nan
    frame.iloc[120:170, 0] = np.nan
    frame.iloc[200:240] = 0.001
    return frame


@pytest.mark.usefixtures("_path")
@pytest.mark.parametrize("window", [2, 7, 40, 149, 299, 300, 500])
class TestWindows:
    @pytest.mark.parametrize(("name", "options"), UNARY)
    def test_one_series(self, name: str, options: dict[str, Any], window: int) -> None:
        ours, theirs = both(name)
        for returns in (random_frame(1, 300)["IBM"], holes(2)["AAPL"]):
            assert_close(ours(returns, window, **options), theirs(returns, window, **options))
            values = returns.to_numpy()
            assert_close(ours(values, window, **options), theirs(values, window, **options))

    @pytest.mark.parametrize(("name", "options"), BINARY)
    def test_two_series(self, name: str, options: dict[str, Any], window: int) -> None:
        ours, theirs = both(name)
        for frame in (random_frame(3, 300), holes(4)):
            pair = frame["AAPL"], frame["IBM"]
            assert_close(ours(*pair, window=window, **options), theirs(*pair, window=window, **options))
        pair = frame["AAPL"].to_numpy(), frame["IBM"].to_numpy()
        assert_close(ours(*pair, window=window, **options), theirs(*pair, window=window, **options))


def assert_close(ours: Any, theirs: Any) -> None:
    """Equal but for rounding: a volatility of equal returns is 0 in ours, about 1e-17 in theirs."""
    assert type(ours) is type(theirs)
    if not isinstance(ours, np.ndarray):
        assert ours.index.equals(theirs.index)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-8, atol=1e-13)


@pytest.mark.usefixtures("_path")
@pytest.mark.parametrize("case", AWKWARD)
@pytest.mark.parametrize("window", [1, 2, 3])
class TestAwkward:
    @pytest.mark.parametrize(("name", "options"), UNARY)
    def test_one_series(self, name: str, options: dict[str, Any], case: str, window: int) -> None:
        ours, theirs = both(name)
        assert_close(ours(AWKWARD[case].copy(), window, **options), theirs(AWKWARD[case].copy(), window, **options))

    @pytest.mark.parametrize("name", ["roll_beta", "roll_alpha", "roll_alpha_beta"])
    def test_two_series(self, name: str, case: str, window: int) -> None:
        ours, theirs = both(name)
        pair = AWKWARD[case].copy(), np.linspace(-0.02, 0.03, len(AWKWARD[case]))
        if len(pair[0]):
            assert_close(ours(*pair, window=window), theirs(*pair, window=window))
        else:
            assert len(ours(*pair, window=window)) == 0


def test_real_series_of_a_year() -> None:
    frame = real_frame()
    for name, options in UNARY:
        ours, theirs = both(name)
        assert_close(ours(frame["IBM"], 252, **options), theirs(frame["IBM"], 252, **options))
    for name in ("roll_alpha", "roll_beta", "roll_alpha_beta"):
        ours, theirs = both(name)
        assert_close(ours(frame["AAPL"], frame["IBM"], window=252), theirs(frame["AAPL"], frame["IBM"], window=252))


def test_out_is_written() -> None:
    values = random_frame(6).to_numpy()
    out = np.empty(391)
    assert metrics.roll_sharpe_ratio(values[:, 0], 10, out=out) is out
    assert out[0] == pytest.approx(metrics.sharpe_ratio(values[:10, 0]))
    assert metrics.roll_beta(values[:, 0], values[:, 1], 10, out=out) is out
    assert out[5] == pytest.approx(metrics.beta(values[5:15, 0], values[5:15, 1]))


@pytest.mark.parametrize(
    ("name", "single"),
    [("roll_cagr", "cagr"), ("roll_downside_risk", "downside_risk"), ("roll_excess_sharpe", "excess_sharpe")],
)
@pytest.mark.usefixtures("_path")
def test_forms_that_empyrical_keeps_to_itself(name: str, single: str) -> None:
    values = holes(7).to_numpy()
    series = (values[:, 0], values[:, 1]) if single == "excess_sharpe" else (values[:, 0],)
    expected = [getattr(empyrical, single)(*(x[i : i + 30] for x in series)) for i in range(271)]
    np.testing.assert_allclose(getattr(metrics, name)(*series, 30), expected, rtol=1e-9, atol=1e-12)


class TestDifferences:
    """Where empyrical's rolling forms go wrong (listed in docs/metrics.md)."""

    def test_columns_are_rolled_one_by_one(self) -> None:
        # empyrical reduces over the columns of a matrix and refuses a DataFrame.
        frame = random_frame(8)
        rolled = metrics.roll_sharpe_ratio(frame, 20)
        assert_same(rolled["IBM"], metrics.roll_sharpe_ratio(frame["IBM"], 20))
        assert metrics.roll_max_drawdown(frame.to_numpy(), 20).shape == (381, 2)
        with pytest.raises(AttributeError):
            empyrical.roll_sharpe_ratio(frame, 20)
        beta = metrics.roll_beta(frame, frame["IBM"], 20)
        assert beta["IBM"].to_numpy() == pytest.approx(1.0)

    def test_labels_are_joined(self) -> None:
        # empyrical pairs two Series by position in roll_alpha and roll_beta, not in roll_alpha_beta.
        frame = random_frame(9)
        shuffled = frame["IBM"].sample(frac=1.0, random_state=1)
        joined = metrics.roll_beta(frame["AAPL"], shuffled, 20)
        assert_close(joined, empyrical.roll_beta(frame["AAPL"], frame["IBM"], 20))
        assert not np.allclose(joined, empyrical.roll_beta(frame["AAPL"], shuffled, 20))

    @pytest.mark.parametrize("window", [0, -3])
    def test_a_window_of_nothing_is_refused(self, window: int) -> None:
        values = random_frame(10).to_numpy()
        with pytest.raises(ValueError, match=f"window of {window}"):
            metrics.roll_sharpe_ratio(values[:, 0], window)
        with pytest.raises(ValueError, match=f"window of {window}"):
            metrics.roll_beta(values[:, 0], values[:, 1], window)
        with pytest.raises(ValueError, match=f"window of {window}"):
            metrics.roll_up_capture(values[:, 0], values[:, 1], window)

    def test_series_that_cannot_be_paired(self) -> None:
        with pytest.raises(ValueError, match="5 returns cannot be paired with 4"):
            metrics.roll_beta(np.zeros(5), np.zeros(4), 2)
        with pytest.raises(ValueError, match="pandas"):
            metrics.roll_up_capture(pd.Series([0.1, 0.2]), np.zeros(2), 2)


@pytest.mark.parametrize("odd", [-1.0, -1.5, math.inf])
def test_long_series_with_a_return_that_ends_everything(odd: float) -> None:
    values = random_frame(14, 2000)["IBM"].to_numpy().copy()
    values[700] = odd
    ours = metrics.roll_max_drawdown(values, 250)
    assert_close(ours, empyrical.roll_max_drawdown(values, 250))
    assert_close(metrics.roll_sharpe_ratio(values, 250), empyrical.roll_sharpe_ratio(values, 250))


def test_a_jump_leaves_nothing_behind() -> None:
    # A running sum that takes values off again would keep the rounding error of the large one.
    values = random_frame(15, 3000)["IBM"].to_numpy() * 1e-6
    values[100] = 1e6
    rolled = metrics.roll_annual_volatility(values, 60)
    assert rolled[500] == pytest.approx(metrics.annual_volatility(values[500:560]), rel=1e-9)
