"""Session returns drawn again (M8): against empyrical path by path, known distributions, and bad input."""

from __future__ import annotations

import math
import threading

import alphintra as al
import empyrical
import numpy as np
import pytest
from alphintra.errors import Cancelled, ParameterError
from alphintra_backtest.monte_carlo import draw
from alphintra_backtest.monte_carlo.bands import Fan
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from scipy import stats

from .accounts import CASH, account, noise


def test_each_path_has_empyricals_metrics() -> None:
    """The indices are arch's own for the seed; strategy and benchmark are drawn together."""
    returns, benchmark = noise(300), noise(300, 1)
    found = al.monte_carlo(account(returns, benchmark, risk_free_rate=0.02), paths=25, seed=3, block=4.5)
    source = StationaryBootstrap(4.5, returns, seed=np.random.default_rng(3))
    rf = 1.02 ** (1 / 252) - 1
    for k in range(25):
        at = source.update_indices()
        r, b = returns[at], benchmark[at]
        path = found.metrics.iloc[k]
        alpha, beta = empyrical.alpha_beta_aligned(r, b, rf)
        expected = {
            "total_return": empyrical.cum_returns_final(r),
            "annualized_return": empyrical.annual_return(r),
            "final_equity": CASH * np.prod(1 + r),
            "volatility": empyrical.annual_volatility(r),
            "sharpe_ratio": empyrical.sharpe_ratio(r, rf),
            "sortino_ratio": empyrical.sortino_ratio(r, rf),
            "max_drawdown": empyrical.max_drawdown(r),
            "calmar_ratio": empyrical.calmar_ratio(r),
            "alpha": alpha,
            "beta": beta,
            "correlation_to_benchmark": np.corrcoef(r, b)[0, 1],
            "tail_ratio": empyrical.tail_ratio(r),
            "value_at_risk": empyrical.value_at_risk(r),
            "skew": stats.skew(r),
        }
        for name, value in expected.items():
            assert path[name] == pytest.approx(value, rel=1e-9), name


def test_the_run_itself_is_measured_like_its_paths() -> None:
    result = account(noise(300), noise(300, 1))
    found = al.monte_carlo(result, paths=50)
    for name, value in found.own_values.items():
        assert value == pytest.approx(result.metrics[name], rel=1e-9, nan_ok=True), name
    np.testing.assert_allclose(found.equity["actual"], result.curves.equity[1:], rtol=1e-12)
    assert found.equity.index[0] == result.returns.index[0]
    inside = found.bands.loc["sharpe_ratio"]
    assert inside[5] < inside["actual"] < inside[95]
    assert list(found.bands.columns) == ["actual", 5, 25, 50, 75, 95, "below", "undefined"]


def test_the_band_of_independent_returns_is_the_normal_one() -> None:
    """The sum of n independent logarithmic returns is normal: its 5 % and 95 % points, within 3 standard errors."""
    n, paths = 500, 2_000
    returns = noise(n)
    found = al.monte_carlo(account(returns), paths=paths, seed=1, block=1)
    logs = np.log1p(returns)
    mean, deviation = n * logs.mean(), math.sqrt(n) * logs.std()
    for percent in (5, 50, 95):
        z = stats.norm.ppf(percent / 100)
        error = math.sqrt(percent / 100 * (1 - percent / 100) / paths) / stats.norm.pdf(z) * deviation
        drawn = math.log1p(found.bands.loc["total_return", percent])
        assert abs(drawn - (mean + z * deviation)) < 3 * error
    # the same at the end of the fan
    assert found.equity.iloc[-1][95] / CASH - 1 == pytest.approx(found.bands.loc["total_return", 95], rel=1e-9)


@pytest.mark.parametrize("block", [1.0, 5.0, 12.5])
def test_blocks_have_their_mean_length(block: float) -> None:
    """A session is followed by its own next one with chance 1 − 1/L, or else by any: at L = 1 an iid bootstrap."""
    n, paths = 200, 200
    index = np.concatenate(list(draw.stationary(n, block, paths, 7)), axis=1)
    assert index.shape == (n, paths)
    follows = index[1:] == (index[:-1] + 1) % n
    chance = 1 - 1 / block + 1 / block / n
    error = math.sqrt(chance * (1 - chance) / follows.size)
    assert abs(follows.mean() - chance) < 3 * error


def test_dependent_returns_are_drawn_in_blocks() -> None:
    """Trending returns: the block is arch's, and the bands of an iid bootstrap would be too narrow."""
    rng = np.random.default_rng(2)
    shocks, returns = rng.normal(0.0, 0.01, 1_000), np.zeros(1_000)
    for t in range(1, 1_000):
        returns[t] = 0.6 * returns[t - 1] + shocks[t]
    result = account(returns)
    found = al.monte_carlo(result, paths=500)
    assert found.block == pytest.approx(optimal_block_length(returns)["stationary"].iloc[0], rel=1e-9)
    assert found.block > 5
    alone = al.monte_carlo(result, paths=500, block=1)
    wide, narrow = (float(np.diff(np.log1p(m.bands.loc["total_return", [5, 95]]))[0]) for m in (found, alone))
    assert wide > 1.4 * narrow


def test_a_seed_repeats_the_paths() -> None:
    result = account(noise(100))
    first, second, other = (al.monte_carlo(result, paths=30, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.metrics, second.metrics)
    assert not np.array_equal(first.metrics, other.metrics)
    assert len(first.metrics) == 30
    assert "returns, 30 paths: sharpe_ratio" in repr(first)


def test_probabilities() -> None:
    found = al.monte_carlo(account(noise(250, mean=0.0)), paths=400)
    assert found.probability_of_loss == np.mean(found.metrics["final_equity"] < CASH)
    assert found.probability_of_drawdown(0.1) == np.mean(found.metrics["max_drawdown"] <= -0.1)
    assert found.probability_of_drawdown(-0.1) == found.probability_of_drawdown(0.1)


def test_order_is_for_drawdown_alone() -> None:
    """Each path has every session once: empyrical's drawdown of the permuted returns; no band of equity."""
    returns = noise(120)
    found = al.monte_carlo(account(returns), "order", paths=40, seed=2)
    index = np.concatenate(list(draw.permuted(120, 40, 2)), axis=1)
    np.testing.assert_array_equal(np.sort(index, axis=0)[:, 0], np.arange(120))
    np.testing.assert_array_equal(np.sort(index, axis=0), np.sort(index, axis=0)[:, :1].repeat(40, axis=1))
    assert list(found.metrics) == ["max_drawdown"]
    expected = [empyrical.max_drawdown(returns[index[:, k]]) for k in range(40)]
    np.testing.assert_allclose(found.metrics["max_drawdown"], expected, rtol=1e-9)
    assert math.isnan(found.probability_of_loss)
    with pytest.raises(ParameterError, match="no band of it"):
        _ = found.equity
    assert "order" in found.study().title
    assert found.drawdown.iloc[-1]["actual"] <= 0


def test_sessions_without_a_benchmark_are_left_out_of_the_relation() -> None:
    returns = noise(200)
    result = account(returns, 2 * returns)
    result.curves.benchmark[50:60] = np.nan
    found = al.monte_carlo(result, paths=20)
    np.testing.assert_allclose(found.metrics["beta"], 0.5, rtol=1e-9)
    np.testing.assert_allclose(found.metrics["correlation_to_benchmark"], 1.0, rtol=1e-9)


def test_returns_that_do_not_vary() -> None:
    found = al.monte_carlo(account(np.zeros(50)), paths=20)
    row = found.bands.loc["sharpe_ratio"]
    assert row["undefined"] == 20
    assert math.isnan(row[50])
    assert found.bands.loc["max_drawdown", 5] == 0
    found.study().payload()


def test_memory_is_bounded() -> None:
    """Of many paths fewer points are kept, the last one always."""
    fan = Fan(5_000, 100_000, 1.0)
    assert len(fan.points) == 80
    assert (fan.points[0], fan.points[-1]) == (0, 4_999)
    assert all(part.size <= draw.CELLS for part in draw.replaced(10_000, 200, 0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "return"}, "did you mean 'returns'"),
        ({"method": "walk"}, "there is: returns, trades, prices, order"),
        ({"paths": 1}, "paths must be a whole number from 2"),
        ({"paths": 10**9}, "paths must be a whole number from 2"),
        ({"paths": 10.0}, "paths must be"),
        ({"seed": -1}, "seed must be"),
        ({"block": 0.5}, "block must be a number from 1 to 100"),
        ({"block": math.nan}, "block must be"),
    ],
)
def test_wrong_arguments(options: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        al.monte_carlo(account(noise(100)), **options)  # type: ignore[arg-type]


def test_results_that_cannot_be_drawn_from() -> None:
    with pytest.raises(ParameterError, match="9 session returns are too few") as few:
        al.monte_carlo(account(noise(9)))
    assert few.value.code == "TOO_FEW_SESSIONS"
    with pytest.raises(ParameterError, match="ruined") as ruined:
        al.monte_carlo(account(np.r_[noise(20), -1.2, noise(20)]))
    assert ruined.value.code == "RUINED"
    with pytest.raises(ParameterError, match="is no result"):
        al.monte_carlo("result")  # type: ignore[arg-type]


def test_progress_and_cancel() -> None:
    seen: list[float] = []
    al.monte_carlo(account(noise(3_000)), paths=200, progress=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert len(seen) > 1
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled, match="cancelled after"):
        al.monte_carlo(account(noise(100)), paths=20, cancel=stop)
