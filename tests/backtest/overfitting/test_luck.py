"""PSR and DSR (M6) against the published example, scipy's moments and figures by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from alphintra_backtest.overfitting import (
    Moments,
    deflated_sharpe_ratio,
    expected_maximum_sharpe,
    moments,
    probabilistic_sharpe_ratio,
)
from scipy import integrate, stats


def draw(n: int = 400) -> np.ndarray:
    """Returns with fat tails and a skew, of shape (n,)."""
    rng = np.random.default_rng(7)
    return 0.001 + 0.01 * rng.standard_t(4, n) - 0.02 * (rng.random(n) < 0.02)


def test_the_published_example() -> None:
    """Bailey and López de Prado (2014), section "A numerical example": S0 0.1132, DSR 0.9004."""
    chosen = Moments(count=1250, sharpe=2.5 / math.sqrt(250), skewness=-3, kurtosis=10)
    assert round(expected_maximum_sharpe(100, 0.5 / 250), 4) == 0.1132
    assert round(deflated_sharpe_ratio(chosen, 100, 0.5 / 250), 4) == 0.9004
    # The same paper: after 46 trials, the same strategy would have passed at 95 %.
    assert deflated_sharpe_ratio(chosen, 46, 0.5 / 250) == pytest.approx(0.9505, abs=5e-5)


def test_moments_are_scipys() -> None:
    returns = draw()
    found = moments(returns)
    assert found.count == 400
    assert found.sharpe == pytest.approx(np.mean(returns) / np.std(returns, ddof=1), rel=1e-13)
    assert found.skewness == pytest.approx(stats.skew(returns, bias=True), rel=1e-11)
    assert found.kurtosis == pytest.approx(stats.kurtosis(returns, fisher=False, bias=True), rel=1e-11)
    assert moments(returns, 0.0005).sharpe == pytest.approx(moments(returns - 0.0005).sharpe, rel=1e-13)


@pytest.mark.parametrize("benchmark", [0.0, 0.05, -0.1])
def test_psr_by_its_formula(benchmark: float) -> None:
    returns = draw()
    s = np.mean(returns) / np.std(returns, ddof=1)
    g3, g4 = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    z = (s - benchmark) * math.sqrt(399) / math.sqrt(1 - g3 * s + (g4 - 1) / 4 * s * s)
    assert probabilistic_sharpe_ratio(returns, benchmark) == pytest.approx(stats.norm.cdf(z), rel=1e-12)


def test_psr_by_hand() -> None:
    """S = 0.1, normal, n = 101: z = 0.1·10 / √(1 + 0.5·0.01) = 0.997509; Φ = 0.840742 (table of the normal)."""
    assert probabilistic_sharpe_ratio(Moments(101, 0.1)) == pytest.approx(0.840742, abs=1e-6)
    assert probabilistic_sharpe_ratio(Moments(101, 0.1), 0.1) == 0.5


@pytest.mark.parametrize("count", [20, 200, 2_000])
def test_best_of_many_without_skill(count: int) -> None:
    """S0 approximates the mean of the largest of K normal draws, here by integration; within 2 % (1 % from 100 on)."""

    def density(x: float) -> float:
        return float(x * count * stats.norm.pdf(x) * stats.norm.cdf(x) ** (count - 1))

    exact = integrate.quad(density, -8, 10)[0]
    assert expected_maximum_sharpe(count, 0.04**2) == pytest.approx(0.04 * exact, rel=0.01 if count > 100 else 0.02)


def test_undefined() -> None:
    assert math.isnan(expected_maximum_sharpe(1, 0.002))
    assert math.isnan(deflated_sharpe_ratio(draw(), 1, 0.002))
    assert math.isnan(expected_maximum_sharpe(100, math.nan))
    assert math.isnan(probabilistic_sharpe_ratio(np.full(100, 0.001)))
    assert math.isnan(probabilistic_sharpe_ratio(np.zeros(100)))
    assert math.isnan(probabilistic_sharpe_ratio([0.01]))
    assert math.isnan(probabilistic_sharpe_ratio([0.01, math.nan, 0.02]))


def test_very_many_trials() -> None:
    """A thousand million trials: 1 − 1/K must not be rounded to 1 (R: qnorm(1e-9, lower.tail=FALSE) = 5.997807)."""
    k = 10**9
    by_hand = (1 - 0.5772156649) * 5.997807015 + 0.5772156649 * stats.norm.isf(1 / (k * math.e))
    assert expected_maximum_sharpe(k, 1.0) == pytest.approx(by_hand, rel=1e-9)
