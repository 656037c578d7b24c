"""Published results of R's PerformanceAnalytics on the two series of its manual that can be read.

Each literal is what the package's own snapshot of its manual's examples prints
(github.com/braverock/PerformanceAnalytics, tests/testthat/_snaps/all_snapshots.md, under the heading named in the
case). ``BACON`` and ``BENCHMARK`` are data/portfolio_bacon.csv of the same repository, the 24 months of Bacon,
Practical Portfolio Performance Measurement and Attribution (2008), in percent; ``HAM1`` is the first column of its
``managers`` in 1996. Both series are monthly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from alphintra_backtest import metrics as m

BACON = np.array(
    [0.3, 2.6, 1.1, -1.0, 1.5, 2.5, 1.6, 6.7, -1.4, 4.0, -0.5, 8.1, 4.0, -3.7, -6.1, 1.7, -4.9, -2.2, 7.0, 5.8, -6.5,
     2.4, -0.5, -0.9]
) / 100  # fmt: skip
BENCHMARK = np.array(
    [0.2, 2.5, 1.8, -1.1, 1.4, 1.8, 1.4, 6.5, -1.5, 4.2, -0.6, 8.3, 3.9, -3.8, -6.2, 1.5, -4.8, 2.1, 6.0, 5.6, -6.7,
     1.9, -0.3, 0.0]
) / 100  # fmt: skip
HAM1 = np.array(
    [0.0074, 0.0193, 0.0155, -0.0091, 0.0076, -0.0039, -0.0231, 0.0395, 0.0147, 0.0288, 0.0156, 0.0176]
)  # fmt: skip
MAR = 0.005


def yearly(returns: np.ndarray) -> float:
    return float(m.annual_return(returns, "monthly"))


def volatility(returns: np.ndarray) -> float:
    return float(m.annual_volatility(returns, "monthly"))


def adjusted_sharpe(returns: np.ndarray) -> float:
    """Pézier's ratio, from the annualised return, the volatility and the population's moments."""
    sharpe = yearly(returns) / volatility(returns)
    return float(sharpe * (1 + m.skew(returns) / 6 * sharpe - m.kurtosis(returns) / 24 * sharpe**2))


def upside_risk(returns: np.ndarray, required: float) -> float:
    """The downside risk of the mirrored returns, per month."""
    return float(m.downside_risk(-returns, -required, annualization=1))


def downside_risk(returns: np.ndarray, required: float) -> float:
    return float(m.downside_risk(returns, required, annualization=1))


def slope() -> float:
    return float(m.beta(BACON, BENCHMARK))


LITERALS: dict[str, tuple[float, Callable[[], float]]] = {
    "BernardoLedoitRatio(portfolio_bacon)": (1.779783, lambda: m.omega_ratio(BACON)),
    "BernardoLedoitRatio(managers 1996)": (4.598338, lambda: m.omega_ratio(HAM1)),
    "OmegaSharpeRatio(portfolio_bacon, MAR) + 1": (
        1.2917933,
        lambda: m.omega_ratio(BACON, required_return=MAR, annualization=1),
    ),
    "OmegaSharpeRatio(managers 1996, 0) + 1": (4.598338, lambda: m.omega_ratio(HAM1, annualization=1)),
    "DownsideDeviation(portfolio_bacon, MAR)": (0.02553674, lambda: downside_risk(BACON, MAR)),
    "Kappa(portfolio_bacon, MAR, 2)": (0.1566371, lambda: m.sortino_ratio(BACON, MAR, annualization=1)),
    "Kappa(managers 1996, 0, 2)": (1.492063, lambda: m.sortino_ratio(HAM1, annualization=1)),
    "UpsideRisk(portfolio_bacon, MAR)": (0.02937332, lambda: upside_risk(BACON, MAR)),
    "UpsideRisk(managers 1996, 0)": (0.01799111, lambda: upside_risk(HAM1, 0.0)),
    "VolatilitySkewness(portfolio_bacon, MAR, variability)": (
        1.150238,
        lambda: upside_risk(BACON, MAR) / downside_risk(BACON, MAR),
    ),
    "SkewnessKurtosisRatio(portfolio_bacon)": (-0.03394204, lambda: m.skew(BACON) / (m.kurtosis(BACON) + 3)),
    "SkewnessKurtosisRatio(managers 1996)": (-0.1364114, lambda: m.skew(HAM1) / (m.kurtosis(HAM1) + 3)),
    "AdjustedSharpeRatio(portfolio_bacon)": (0.7591435, lambda: adjusted_sharpe(BACON)),
    "AdjustedSharpeRatio(managers 1996)": (2.045968, lambda: adjusted_sharpe(HAM1)),
    "FamaBeta(portfolio_bacon)": (1.030395, lambda: volatility(BACON) / volatility(BENCHMARK)),
    "SystematicRisk(portfolio_bacon)": (0.132806, lambda: slope() * volatility(BENCHMARK)),
    "SFM.jensenAlpha(portfolio_bacon)": (-0.01416944, lambda: yearly(BACON) - slope() * yearly(BENCHMARK)),
    "TreynorRatio(portfolio_bacon, modified)": (
        0.7806747,
        lambda: yearly(BACON) / (slope() * volatility(BENCHMARK)),
    ),
    "MSquared(portfolio_bacon)": (0.10062, lambda: yearly(BACON) / volatility(BACON) * volatility(BENCHMARK)),
    "PainIndex(100 * managers 1996)": (0.3714087, lambda: 100 * m.pain_index(HAM1)),
    # These four read their returns in percent, so that the manual's fractions are hundredths of them.
    "PainIndex(portfolio_bacon)": (0.0390113, lambda: 100 * m.pain_index(BACON / 100)),
    "PainRatio(portfolio_bacon)": (2.657647, lambda: yearly(BACON) / (100 * m.pain_index(BACON / 100))),
    "MartinRatio(portfolio_bacon)": (1.70772, lambda: yearly(BACON) / (100 * m.ulcer_index(BACON / 100))),
    "MartinRatio(managers 1996)": (15.49888, lambda: yearly(HAM1) / (100 * m.ulcer_index(HAM1 / 100))),
}


@pytest.mark.parametrize("case", LITERALS)
def test_published(case: str) -> None:
    printed, compute = LITERALS[case]
    # R prints seven digits.
    assert compute() == pytest.approx(printed, rel=5e-7)
