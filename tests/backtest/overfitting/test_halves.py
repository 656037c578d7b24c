"""PBO (M7): against plain loops over the halves, on noise, with one planted strategy, and where it is undefined."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from alphintra.errors import ParameterError
from alphintra_backtest.overfitting import probability_of_backtest_overfitting
from scipy import stats


def by_loops(returns: np.ndarray, blocks: int) -> tuple[list[float], list[float], list[float]]:
    """Logits, in-sample and out-of-sample Sharpe ratios, split by split and trial by trial."""
    n, trials = returns.shape
    rows = returns[n % blocks :]
    parts = np.split(rows, blocks)

    def sharpe(which: tuple[int, ...], k: int) -> float:
        values = np.concatenate([parts[b][:, k] for b in which])
        if values.max() == values.min():
            return -math.inf
        return float(np.mean(values) / np.std(values, ddof=1))

    logits, inside, outside = [], [], []
    for half in itertools.combinations(range(blocks), blocks // 2):
        rest = tuple(b for b in range(blocks) if b not in half)
        own = [sharpe(half, k) for k in range(trials)]
        if max(own) == -math.inf:
            continue
        chosen = own.index(max(own))
        other = [sharpe(rest, k) for k in range(trials)]
        share = stats.rankdata(other)[chosen] / (trials + 1)
        logits.append(math.log(share / (1 - share)))
        inside.append(own[chosen])
        outside.append(other[chosen] if other[chosen] > -math.inf else math.nan)
    return logits, inside, outside


def noise(n: int, trials: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.01, (n, trials))


@pytest.mark.parametrize("rows", [160, 163])
def test_plain_loops_over_70_halves(rows: int) -> None:
    """163 sessions: the oldest three are left out, 8 blocks of 20 remain."""
    returns = noise(rows, 13, 3)
    returns[:, 5] += 0.0008
    found = probability_of_backtest_overfitting(returns, 8)
    logits, inside, outside = by_loops(returns, 8)
    assert len(found.logits) == math.comb(8, 4) == 70
    np.testing.assert_allclose(found.logits, logits, rtol=1e-12)
    np.testing.assert_allclose(found.in_sample, inside, rtol=1e-9)
    np.testing.assert_allclose(found.out_of_sample, outside, rtol=1e-9, atol=1e-12)
    assert found.pbo == np.mean(np.array(logits) <= 0)
    assert (found.sessions, found.dropped) == (160, rows - 160)
    line = stats.linregress(inside, outside)
    assert found.slope == pytest.approx(line.slope, rel=1e-9)
    assert found.probability_of_loss == np.mean(np.array(outside) < 0)


def test_ties_and_trials_that_do_not_trade() -> None:
    """Equal variants share their rank; one that never trades, or only in part, has no Sharpe ratio and ranks last."""
    returns = noise(80, 6, 11)
    returns[:, 1] = returns[:, 0]
    returns[:, 2] = 0.0
    returns[:, 3] = 0.0003  # cash that earns the same every day: constant, not an infinite Sharpe ratio
    returns[:40, 4] = 0.0
    found = probability_of_backtest_overfitting(returns, 8)
    logits, _, outside = by_loops(returns, 8)
    np.testing.assert_allclose(found.logits, logits, rtol=1e-12)
    np.testing.assert_allclose(found.out_of_sample, outside, rtol=1e-9)
    assert not set(found.chosen) & {1, 2, 3}


def test_a_trial_that_was_ruined_ranks_last() -> None:
    returns = noise(80, 5, 12)
    ruined = returns.copy()
    ruined[50:, 2] = np.nan
    ruined[50, 3] = np.inf
    flat = returns.copy()
    flat[:, 2:4] = 0.0
    found, same = (probability_of_backtest_overfitting(r, 8) for r in (ruined, flat))
    np.testing.assert_array_equal(found.logits, same.logits)


def test_no_trial_can_be_chosen() -> None:
    returns = np.zeros((64, 3))
    found = probability_of_backtest_overfitting(returns, 8)
    assert math.isnan(found.pbo)
    assert math.isnan(found.slope)
    assert math.isnan(found.probability_of_loss)
    assert found.skipped == 70


def test_noise_is_a_coin() -> None:
    """400 sets of noise: the mean PBO is within 3 standard errors of 0.5.

    The number of trials is even: with an odd one, the middle rank counts as overfit, as λ ≤ 0 says.
    """
    values = [probability_of_backtest_overfitting(noise(160, 20, seed), 8).pbo for seed in range(400)]
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    assert abs(np.mean(values) - 0.5) < 3 * error
    assert error < 0.02


def test_a_planted_strategy_is_found() -> None:
    """One variant with a Sharpe ratio of 3 a year among 100, five years: PBO below 0.05."""
    returns = noise(1_260, 100, 5)
    returns[:, 42] += 3 / math.sqrt(252) * 0.01
    found = probability_of_backtest_overfitting(returns)
    assert len(found.logits) == 12_870
    assert found.pbo < 0.05
    assert np.mean(found.chosen == 42) > 0.95


def test_the_same_numbers_every_time() -> None:
    returns = noise(320, 300, 9)
    first, second = (probability_of_backtest_overfitting(returns) for _ in range(2))
    np.testing.assert_array_equal(first.logits, second.logits)
    np.testing.assert_array_equal(first.out_of_sample, second.out_of_sample)


def test_many_trials_in_parts() -> None:
    """More trials than one part of the computation holds: as in plain loops."""
    returns = noise(24, 70_000, 2)
    found = probability_of_backtest_overfitting(returns, 4)
    shaped = returns.reshape(4, 6, -1)
    first = np.concatenate((shaped[0], shaped[1])), np.concatenate((shaped[2], shaped[3]))
    own, other = (half.mean(axis=0) / half.std(axis=0, ddof=1) for half in first)
    assert found.chosen[0] == np.argmax(own)
    share = stats.rankdata(other)[np.argmax(own)] / 70_001
    assert found.logits[0] == pytest.approx(math.log(share / (1 - share)), rel=1e-12)


@pytest.mark.parametrize("blocks", [0, 3, 22, 8.0, True])
def test_wrong_number_of_blocks(blocks: object) -> None:
    with pytest.raises(ParameterError, match="even number from 2 to 20"):
        probability_of_backtest_overfitting(noise(100, 3, 0), blocks)  # type: ignore[arg-type]


def test_one_trial_only() -> None:
    for returns in (noise(100, 1, 0), noise(100, 1, 0)[:, 0]):
        with pytest.raises(ParameterError, match="needs two trials, there is 1") as caught:
            probability_of_backtest_overfitting(returns)
        assert caught.value.code == "TOO_FEW_TRIALS"


def test_too_few_sessions() -> None:
    with pytest.raises(ParameterError, match="16 blocks need 32 sessions, there are 31") as caught:
        probability_of_backtest_overfitting(noise(31, 3, 0))
    assert caught.value.code == "TOO_FEW_SESSIONS"
