"""One judgement: numbers, reasons and sentences together."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from alphintra.trials import Spread
from alphintra_backtest.overfitting import deflated_sharpe_ratio, judge, probabilistic_sharpe_ratio
from alphintra_backtest.study import Section, Study


def noise(n: int, trials: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0002, 0.01, (n, trials))


def test_numbers() -> None:
    returns = noise(500, 40)
    sharpes = [np.mean(column) / np.std(column, ddof=1) for column in returns.T]
    chosen = int(np.argmax(sharpes))
    found = judge(returns, 252, chosen, earlier=10, earlier_since="2026-03-01T08:00:00Z")
    assert found.trials == 50
    assert found.variance == pytest.approx(np.var(sharpes, ddof=1), rel=1e-12)
    assert found.psr == probabilistic_sharpe_ratio(returns[:, chosen])
    assert found.dsr == pytest.approx(deflated_sharpe_ratio(returns[:, chosen], 50, np.var(sharpes, ddof=1)), rel=1e-9)
    assert found.dsr < found.psr
    assert found.splits is not None
    assert found.pbo == found.splits.pbo
    assert found.undefined == {}
    best, earlier, halves, alone = found.sentences
    assert best.startswith("Of 50 variants tried, the best would reach this Sharpe ratio")
    assert f"by luck with probability {100 * (1 - found.dsr):.0f} %" in best
    assert earlier.startswith("10 of the 50 are earlier recorded runs of this strategy on the same data, since 2026-03")
    assert f"{100 * found.pbo:.0f} % of 12 870 splits" in halves.replace("\u202f", " ")
    assert "true Sharpe ratio would be above 0" in alone


def test_one_trial_only() -> None:
    found = judge(noise(500, 1)[:, 0], 252, 0)
    assert not math.isnan(found.psr)
    assert math.isnan(found.dsr)
    assert math.isnan(found.pbo)
    assert found.undefined["dsr"].startswith("one trial only")
    assert found.undefined["pbo"].startswith("one trial only")


def test_earlier_runs_whose_sharpe_ratios_are_known() -> None:
    """One run now and two before: K = 3, V is the variance of 0.02, 0.05 and its own."""
    returns = noise(500, 1)
    own = np.mean(returns) / np.std(returns, ddof=1)
    found = judge(returns, 252, 0, earlier=2, earlier_spread=Spread.of([0.02, 0.05]))
    variance = np.var([own, 0.02, 0.05], ddof=1)
    assert found.variance == pytest.approx(variance, rel=1e-12)
    assert found.dsr == pytest.approx(deflated_sharpe_ratio(returns, 3, variance), rel=1e-9)
    unknown = judge(returns, 252, 0, earlier=2)
    assert "2 earlier runs" in unknown.undefined["dsr"]


def test_nothing_is_raised() -> None:
    """What cannot be computed says why."""
    flat = judge(np.zeros((100, 3)), 252, 0)
    assert flat.undefined == {
        "psr": "session returns do not vary",
        "dsr": "session returns do not vary",
        "pbo": "session returns of no trial vary",
    }
    short = judge(noise(20, 3), 252, 0)
    assert short.undefined == {"pbo": "needs 32 sessions, there are 20"}
    broken = noise(100, 3)
    broken[:, 0] = np.nan
    assert judge(broken, 252, 0).undefined["psr"] == "a session return is not a finite number"
    assert judge(broken, 252, 1).trials == 3
    assert judge(np.empty((0, 2)), 252, 0).undefined["psr"] == "needs 2 session returns, there are 0"


@pytest.mark.parametrize("trials", [1, 30])
def test_blocks_are_plain(trials: int) -> None:
    found = judge(noise(400, trials), 252, 0)
    study = Study("sweep", "title", sections=[Section("overfitting", "Overfitting", found.blocks())])
    payload = study.payload()
    json.dumps(payload, allow_nan=False)
    blocks = payload["sections"][0]["blocks"]
    figures = [b for b in blocks if b["type"] == "figure"]
    assert len(figures) == (2 if trials > 1 else 0)
    if figures:
        counted = sum(sum(trace["y"]) for trace in figures[0]["data"])
        assert counted == pytest.approx(1, abs=1e-4)
        # the bars in the colour of a loss are PBO
        assert sum(figures[0]["data"][0]["y"]) == pytest.approx(found.pbo, abs=1e-4)
    json.dumps(found.to_dict(), allow_nan=False)
    assert repr(found).startswith("Judgement(psr=")


def test_a_notebook_shows_it() -> None:
    found = judge(noise(400, 30), 252, 0)
    assert found.study().payload()["sentences"] == list(found.sentences)
    assert "30 variants may be luck" in found._repr_mimebundle_()["text/html"]
    assert "one variant may be luck" in judge(noise(400, 1), 252, 0)._repr_mimebundle_()["text/plain"]


def test_a_logit_of_zero_counts_as_overfit() -> None:
    """Three trials in which the best in sample is always in the middle out of sample: every logit is 0."""
    up = np.array([0.01, 0.03] * 8)
    # In the first half 0 is best, 1 second, 2 last; in the other half 1, 0, 2.
    returns = np.column_stack((np.r_[up + 0.02, up], np.r_[up, up + 0.02], np.full(32, 0.0) + np.r_[-up, -up]))
    found = judge(returns, 252, 0, blocks=2)
    assert found.splits is not None
    np.testing.assert_array_equal(found.splits.logits, [0.0, 0.0])
    assert found.pbo == 1.0
    study = Study("sweep", "t", sections=[Section("o", "O", found.blocks())]).payload()
    overfit = next(b for b in study["sections"][0]["blocks"] if b["type"] == "figure")["data"][0]
    assert sum(overfit["y"]) == pytest.approx(1.0)
